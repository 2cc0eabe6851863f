"""Hooks of an attached model's modules: calls of blocks, state dicts, conversions and copies."""

from __future__ import annotations

import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from .errors import AttachError
from .plain_tensors import plain_tensors, rebuilt
from .streamed_place import Place, places_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .driver import Driver
    from .streamed_block import StreamedBlock


def install(model: nn.Module, modules: Sequence[nn.Module], driver: Driver) -> Callable[[], None]:
    """Hooks a model and its block modules; returns what removes the hooks again."""
    handles: list[Any] = []
    for module, block in zip(modules, driver.blocks, strict=True):
        handles += _hook_calls(module, block, driver)
        held: dict[int, tuple[nn.Module, list[Place]]] = {}
        for holder, place in places_of(module, block.leaves):
            held.setdefault(id(holder), (holder, []))[1].append(place)
        for holder, places in held.values():
            handles += _hook_state(holder, tuple(places), block, driver)
    guarded = [model, *modules]
    for module in guarded:
        _guard(module, driver)

    def remove() -> None:
        for handle in handles:
            handle.remove()
        for module in guarded:
            for name in _GUARDED:
                module.__dict__.pop(name, None)

    return remove


def _hook_calls(module: nn.Module, block: StreamedBlock, driver: Driver) -> list[Any]:
    def begin(_: nn.Module, args: Any, kwargs: Any) -> None:
        driver.begin(block, args, kwargs)

    def end(_: nn.Module, __: Any, output: Any) -> None:
        driver.end(block, output)

    # Compiled code is left for hooks: they change what tensors point to.
    uncompiled: Any = torch.compiler.disable
    return [
        module.register_forward_pre_hook(uncompiled(begin), prepend=True, with_kwargs=True),
        module.register_forward_hook(uncompiled(end), always_call=True),
    ]


def _hook_state(holder: nn.Module, places: tuple[Place, ...], block: StreamedBlock, driver: Driver) -> list[Any]:
    """A module's state dict has the true values, on the host; values that are loaded go to the library."""

    def saved(_: nn.Module, state: dict[str, Any], prefix: str, __: Any) -> None:
        for place in places:
            shown = state.get(f"{prefix}{place.key}")
            # With keep_vars=True it is the parameter itself that is asked for.
            if shown is not None and shown is not place.parameter:
                driver.idle("state_dict()")
                values = {id(leaf.tensor): block.true_value(leaf) for leaf in place.leaves}
                state[f"{prefix}{place.key}"] = rebuilt(place.parameter, values)

    def loads(*_: Any) -> None:
        if not driver.editing:
            driver.idle("load_state_dict()")
            block.take_out(places)

    def loaded(_: nn.Module, __: Any) -> None:
        if not driver.editing:
            with driver.changing():
                wrong = block.put_back(places)
            if wrong:
                raise AttachError(f"load_state_dict(): {wrong[0]}; the values from before are kept")

    untyped: Any = holder
    return [
        untyped._register_state_dict_hook(saved),
        untyped._register_load_state_dict_pre_hook(loads),
        untyped.register_load_state_dict_post_hook(loaded),
    ]


_GUARDED = ("_apply", "__deepcopy__", "__reduce_ex__")


def _guard(module: nn.Module, driver: Driver) -> None:
    """Refuses conversions that would change streamed parameters, copies and pickling, before they change anything."""
    # Weak, so that the module does not refer to itself: it would outlive its users until garbage is collected.
    self = weakref.ref(module)
    name = type(module).__name__

    def apply(fn: Callable[[torch.Tensor], torch.Tensor], *args: Any, **kwargs: Any) -> Any:
        own: Any = self()
        driver.idle(f"{name}.to()")
        _refuse_conversion(own, fn, driver)
        with _set_aside(own, driver):
            return type(own)._apply(own, fn, *args, **kwargs)

    def refuse(*_: Any) -> Any:
        raise AttachError(f"{name}: a plan is attached, so it cannot be copied or pickled; detach() first")

    module.__dict__.update(dict(zip(_GUARDED, (apply, refuse, refuse), strict=True)))


def _refuse_conversion(module: nn.Module, fn: Callable[[torch.Tensor], torch.Tensor], driver: Driver) -> None:
    tensors = {leaf.tensor for block in driver.blocks for leaf in block.leaves}
    for dtype, device in {(tensor.dtype, tensor.device) for tensor in tensors}:
        probe = torch.empty(0, dtype=dtype, device=device)
        after = fn(probe)
        if (after.dtype, after.device) != (dtype, device):
            raise AttachError(
                f"{type(module).__name__}: a plan is attached, so its streamed weights stay {dtype} on {device}, not "
                f"{after.dtype} on {after.device}; detach() first"
            )


@contextmanager
def _set_aside(module: nn.Module, driver: Driver) -> Iterator[None]:
    """Hides streamed parameters from a walk over all parameters that leaves them as they are."""
    streamed = {id(leaf.tensor) for block in driver.blocks for leaf in block.leaves}
    aside: list[tuple[dict[str, nn.Parameter | None], str, nn.Parameter]] = []
    for at in module.modules():
        for key, parameter in at._parameters.items():
            if parameter is not None and any(id(own.tensor) in streamed for own in plain_tensors(key, parameter)):
                aside.append((at._parameters, key, parameter))
    for parameters, key, _ in aside:
        parameters[key] = None
    try:
        yield
    finally:
        for parameters, key, parameter in aside:
            parameters[key] = parameter
