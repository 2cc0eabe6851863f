"""Weights on another device for a while: all at once, or those of one block at a time."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from .errors import ModelError
from .plain_tensors import is_wrapper, plain_tensors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .layout import Block


FREE_SHARE = 0.8
"""Weights that fill more of the free memory than this are brought block by block: activations need room, too."""


class Placement:
    """Who brings a block's weights to the device and takes them away again; by itself, nobody has to."""

    brings = False

    def enter(self, index: int) -> None:
        """The block is about to run."""

    def leave(self, index: int) -> None:
        """The block has run; kernels that use its weights may still be queued on the current stream."""


class BlockByBlock(Placement):
    """Brings each block's weights when it begins and drops them when it has ended."""

    brings = True

    def __init__(self, owners: _Owners, parameters: Sequence[Sequence[nn.Parameter]], device: torch.device) -> None:
        self._owners = owners
        self._parameters = parameters
        self._device = device
        self._inside: dict[int, ExitStack] = {}

    def enter(self, index: int) -> None:
        """Copies the block's weights; returns when they are there."""
        if index not in self._inside:
            self._inside[index] = self._owners.bring(self._parameters[index], self._device, copy=True)

    def leave(self, index: int) -> None:
        """Drops the copies: the parameters are the model's own again."""
        inside = self._inside.pop(index, None)
        if inside is not None:
            inside.close()

    def leave_all(self) -> None:
        """As `leave`, of whatever block is still inside after an exception."""
        for index in list(self._inside):
            self.leave(index)


@contextmanager
def placed(
    model: nn.Module, blocks: Sequence[Block], device: torch.device, block_by_block: bool | None
) -> Iterator[Placement]:
    """The model's weights and buffers on the device until the context is left; then all is as it was.

    Args:
        model: Any module.
        blocks: Its blocks.
        device: Where it is to run.
        block_by_block: Whether a block's weights come only while it runs; None: where they would not fit otherwise.

    Raises:
        ModelError: A parameter of the meta device, which has no values.
    """
    for name, parameter in model.named_parameters():
        if parameter.device.type == "meta":
            raise ModelError(f"{name}: is on the meta device, without values; load the model's weights first")
    owners = _Owners(model)
    inside = [_own_parameters(block) for block in blocks]
    streamed = {id(parameter) for parameters in inside for parameter in parameters}
    outside = [parameter for parameter in model.parameters() if id(parameter) not in streamed]
    one_at_a_time = not _fits(model, device) if block_by_block is None else block_by_block
    with ExitStack() as undo:
        undo.enter_context(owners.bring(outside, device, copy=False))
        undo.enter_context(_buffers_at(model, device))
        if one_at_a_time:
            placement = BlockByBlock(owners, inside, device)
            undo.callback(placement.leave_all)
            yield placement
        else:
            for parameters in inside:
                undo.enter_context(owners.bring(parameters, device, copy=False))
            yield Placement()


def _fits(model: nn.Module, device: torch.device) -> bool:
    """Whether the parameters that are not on the device yet fit in its free memory."""
    if device.type != "cuda":
        return True
    missing = sum(
        at.tensor.numel() * at.tensor.element_size()
        for parameter in model.parameters()
        for at in plain_tensors("", parameter)
        if at.tensor.device != device
    )
    free, _ = torch.cuda.mem_get_info(device)
    return missing <= FREE_SHARE * free


def _own_parameters(block: Block) -> list[nn.Parameter]:
    """Parameters of the block that are streamed: all of their plain tensors are leaves."""
    leaves = {id(leaf.tensor) for leaf in block.leaves}
    return [
        parameter
        for parameter in block.module.parameters()
        if all(id(at.tensor) in leaves for at in plain_tensors("", parameter))
    ]


class _Owners:
    """Which modules hold a parameter, and under which names."""

    def __init__(self, model: nn.Module) -> None:
        self._places: dict[int, list[tuple[nn.Module, str]]] = {}
        for module in model.modules():
            for name, parameter in module._parameters.items():
                if parameter is not None:
                    self._places.setdefault(id(parameter), []).append((module, name))

    def bring(self, parameters: Sequence[nn.Parameter], device: torch.device, *, copy: bool) -> ExitStack:
        """Puts parameters' values on the device; closing the result puts back the model's own.

        Plain parameters stay the objects that they are. A wrapper subclass says its device in its own metadata, so a
        wrapper of the moved tensors takes its place in the modules.
        """
        with ExitStack() as undo:
            for parameter in parameters:
                if not copy and _is_at(parameter, device):
                    continue
                if is_wrapper(parameter):
                    moved = nn.Parameter(_rebuilt(parameter, device, copy=copy), requires_grad=parameter.requires_grad)
                    for module, name in self._places[id(parameter)]:
                        undo.callback(module._parameters.__setitem__, name, parameter)
                        module._parameters[name] = moved
                else:
                    undo.callback(setattr, parameter, "data", parameter.data)
                    parameter.data = parameter.data.to(device, copy=copy)
            return undo.pop_all()


def _is_at(parameter: torch.Tensor, device: torch.device) -> bool:
    return all(at.tensor.device == device for at in plain_tensors("", parameter))


def _rebuilt(tensor: Any, device: torch.device, *, copy: bool) -> torch.Tensor:
    """The same tensor on the device: of a wrapper subclass, a wrapper of its moved inner tensors."""
    if not is_wrapper(tensor):
        return torch.Tensor.to(tensor.detach(), device, copy=copy)
    attributes, context = tensor.__tensor_flatten__()
    inner = {name: _rebuilt(getattr(tensor, name), device, copy=copy) for name in attributes}
    made: torch.Tensor = type(tensor).__tensor_unflatten__(inner, context, tensor.size(), tensor.stride())
    return made


@contextmanager
def _buffers_at(model: nn.Module, device: torch.device) -> Iterator[None]:
    with ExitStack() as undo:
        for module in model.modules():
            for name, buffer in module._buffers.items():
                if buffer is not None and buffer.device != device:
                    undo.callback(module._buffers.__setitem__, name, buffer)
                    module._buffers[name] = buffer.to(device)
        yield
