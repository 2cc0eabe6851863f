"""Parameters taken apart into plain tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class PlainTensor(NamedTuple):
    """A plain tensor of a parameter, with its full name from the model."""

    name: str
    tensor: torch.Tensor


def plain_tensors(name: str, tensor: torch.Tensor) -> Iterator[PlainTensor]:
    """A tensor itself, or the plain tensors inside a wrapper subclass, recursively by `__tensor_flatten__`."""
    if not is_wrapper(tensor):
        yield PlainTensor(name, tensor)
        return
    attributes, _ = tensor.__tensor_flatten__()  # type: ignore[attr-defined]
    for attribute in attributes:
        inner = getattr(tensor, attribute)
        if isinstance(inner, torch.Tensor):
            yield from plain_tensors(f"{name}:{attribute}", inner)


def plain_parameters(module: nn.Module, prefix: str = "") -> Iterator[PlainTensor]:
    """All plain tensors of a module's parameters, each parameter once."""
    for name, parameter in module.named_parameters(prefix):
        yield from plain_tensors(name, parameter)


def parameter_bytes(module: nn.Module) -> int:
    """Bytes of a module's parameters as stored, each parameter once."""
    return sum(at.tensor.numel() * at.tensor.element_size() for at in plain_parameters(module))


def is_wrapper(tensor: torch.Tensor) -> bool:
    """Whether a tensor is a wrapper subclass, which holds plain tensors as attributes."""
    return type(tensor) not in (torch.Tensor, nn.Parameter) and hasattr(tensor, "__tensor_flatten__")


def tensors_inside(tensor: torch.Tensor) -> Iterator[tuple[torch.Tensor, str, torch.Tensor]]:
    """All tensors that a wrapper subclass holds, recursively: what holds it, the attribute's name, the tensor."""
    if not is_wrapper(tensor):
        return
    attributes, _ = tensor.__tensor_flatten__()  # type: ignore[attr-defined]
    for attribute in attributes:
        inner = getattr(tensor, attribute)
        if isinstance(inner, torch.Tensor):
            yield tensor, attribute, inner
            yield from tensors_inside(inner)


def rebuilt(tensor: torch.Tensor, values: Mapping[int, torch.Tensor]) -> torch.Tensor:
    """A copy of a parameter with other plain tensors inside, by the old ones' `id`; others are as they are."""
    if not is_wrapper(tensor):
        return values.get(id(tensor), tensor.detach())
    wrapper: Any = tensor
    attributes, context = wrapper.__tensor_flatten__()
    inner = {attribute: rebuilt(getattr(tensor, attribute), values) for attribute in attributes}
    made: torch.Tensor = type(wrapper).__tensor_unflatten__(inner, context, tensor.size(), tensor.stride())
    return made
