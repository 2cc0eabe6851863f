"""Refuses models that a plan cannot be attached to, with the reason."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import torch

from .errors import AttachError
from .plain_tensors import is_wrapper, plain_tensors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torch import nn

    from .layout import Block

_attached: weakref.WeakSet[nn.Module] = weakref.WeakSet()
"""Block modules that a plan is attached to."""


def mark_attached(modules: Iterable[nn.Module]) -> None:
    """Remembers that a plan is attached to these blocks."""
    _attached.update(modules)


def unmark_attached(modules: Iterable[nn.Module]) -> None:
    """Forgets it."""
    _attached.difference_update(modules)


def refuse_attached(model: nn.Module) -> None:
    """Refuses a model that holds blocks of an attached one.

    Raises:
        AttachError: With the first such block.
    """
    if not isinstance(model, torch.nn.Module):
        return
    for path, module in model.named_modules():
        if module in _attached:
            raise AttachError(f"{path}: a plan is attached already; detach() that first")


def refuse_unsuitable(model: nn.Module, blocks: Sequence[Block], device: torch.device) -> None:
    """Refuses what would go wrong later.

    Raises:
        AttachError: Somebody else moves or shards the weights, a parameter has no values or
            cannot be given its values on `device`, or compiled code of a block keeps addresses of weights.
    """
    for block in blocks:
        _refuse_compiled(block)
        for leaf in block.leaves:
            if leaf.tensor.device.type == "meta":
                raise AttachError(
                    f"{block.path}.{leaf.name}: has no values (meta device); load the model's weights before attaching"
                )
    for path, module in model.named_modules():
        _refuse_managed(path or type(model).__name__, module)
        for name, parameter in module.named_parameters(recurse=False):
            _refuse_wrapper(f"{path}.{name}" if path else name, parameter, device)


def _refuse_managed(path: str, module: nn.Module) -> None:
    names = {cls.__name__ for cls in type(module).__mro__}
    if names & {"FullyShardedDataParallel", "FSDPModule"}:
        raise AttachError(f"{path}: is sharded by FSDP, which moves the weights itself; attach to a model that is not")
    offloads = getattr(getattr(module, "_hf_hook", None), "offload", False)
    if offloads is True:
        raise AttachError(
            f"{path}: accelerate offloads its weights; remove that first: remove_hook_from_submodules(model)"
        )
    registry: Any = getattr(module, "_diffusers_hook", None)
    if any("group_offloading" in str(name) for name in getattr(registry, "hooks", ())):
        raise AttachError(f"{path}: diffusers' group offloading moves its weights; attach to a model without it")


def _refuse_wrapper(name: str, parameter: torch.Tensor, device: torch.device) -> None:
    if any(cls.__name__ == "DTensor" for cls in type(parameter).__mro__):
        raise AttachError(
            f"{name}: is a DTensor, whose shards its own mesh moves; attach to a model with plain parameters"
        )
    if is_wrapper(parameter) and parameter.device != device and any(True for _ in plain_tensors(name, parameter)):
        raise AttachError(
            f"{name}: a {type(parameter).__name__} on {parameter.device} says so wherever its bytes are; move the "
            f"model to {device} before attaching"
        )


def _refuse_compiled(block: Block) -> None:
    for module in block.module.modules():
        for config in _compiler_configs(module):
            if config.get("triton.cudagraphs") or config.get("freezing"):
                what = "CUDA graphs keep" if config.get("triton.cudagraphs") else "freezing keeps copies or"
                raise AttachError(
                    f"{block.path}: is compiled, and {what} addresses of weights, which move between slots; compile it "
                    'with mode="default" or "max-autotune-no-cudagraphs", without freezing'
                )


def _compiler_configs(module: nn.Module) -> Iterator[dict[str, Any]]:
    """Inductor's settings of a module that was compiled, as a wrapper or in place."""
    wrapper = getattr(module, "dynamo_ctx", None)
    if isinstance(getattr(wrapper, "compiler_config", None), dict):
        yield wrapper.compiler_config  # type: ignore[union-attr]
    in_place: Any = getattr(getattr(module, "_compiled_call_impl", None), "get_compiler_config", None)
    config = in_place() if callable(in_place) else None
    if isinstance(config, dict):
        yield config
