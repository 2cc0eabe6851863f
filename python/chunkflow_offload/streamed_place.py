"""Where the modules of a block hold the parameters that are streamed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch

from .compiled_modules import plain_name
from .layout import dtype_name
from .plain_tensors import plain_tensors, tensors_inside

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import nn


@dataclass(frozen=True, eq=False)
class StreamedLeaf:
    """One plain tensor that is streamed.

    Attributes:
        name: Dotted, within the block.
        offset: Bytes from the start of the block.
        nbytes: Bytes as stored.
        like: A meta tensor of its shape, strides and dtype, which stay known whatever is assigned to `tensor`.
        tensor: The tensor object that is rebound.
        parked: What it shows while its block does not run: a tensor whose values nobody can get at.
    """

    name: str
    offset: int
    nbytes: int
    like: torch.Tensor
    tensor: torch.Tensor
    parked: torch.Tensor

    def empty(self, device: torch.device) -> torch.Tensor:
        """An ordinary tensor with this leaf's shape, strides and dtype."""
        with torch.inference_mode(False):
            return torch.empty_strided(self.like.shape, self.like.stride(), dtype=self.like.dtype, device=device)

    def is_parked(self) -> bool:
        """Whether nobody can get at the tensor's values now."""
        return not torch._C._has_storage(self.tensor)

    def fits(self, value: torch.Tensor | None) -> bool:
        """Whether a tensor has values, of this leaf's shape and dtype."""
        return (
            value is not None
            and value.device.type != "meta"
            and torch._C._has_storage(value)
            and value.dtype == self.like.dtype
            and value.shape == self.like.shape
        )


class Place(NamedTuple):
    """Where a module holds a parameter that is streamed.

    Attributes:
        parameters: The module's own dictionary of parameters.
        key: The parameter's name there.
        parameter: The object that has to be there.
        name: Dotted, within the block.
        leaves: The parameter's plain tensors that are streamed.
        inner: For a wrapper subclass: object, attribute and the tensor that has to be there.
    """

    parameters: dict[str, nn.Parameter | None]
    key: str
    parameter: nn.Parameter
    name: str
    leaves: tuple[StreamedLeaf, ...]
    inner: tuple[tuple[torch.Tensor, str, torch.Tensor], ...]

    def is_intact(self) -> bool:
        """Whether the module still holds the parameter, and it its inner tensors."""
        if self.parameters.get(self.key) is not self.parameter:
            return False
        return all(getattr(owner, attribute, None) is tensor for owner, attribute, tensor in self.inner)

    def restore(self) -> None:
        """Puts the parameter back where something else is now; where it was removed, it stays removed."""
        if self.key in self.parameters:
            self.parameters[self.key] = self.parameter
        for owner, attribute, tensor in self.inner:
            setattr(owner, attribute, tensor)

    def values(self) -> list[torch.Tensor] | None:
        """The plain tensors that are in this place now; None where they do not fit the leaves."""
        now = self.parameters.get(self.key)
        if now is None:
            return None
        by_name = {at.name: at.tensor for at in plain_tensors(self.name, now)}
        values = [by_name.get(leaf.name) for leaf in self.leaves]
        if not all(leaf.fits(value) for leaf, value in zip(self.leaves, values, strict=True)):
            return None
        return [value for value in values if value is not None]

    def said(self) -> str:
        """What is in this place now and what would fit, for an error."""
        now = self.parameters.get(self.key)
        shown = "nothing" if now is None else f"{dtype_name(now.dtype)} {tuple(now.shape)} on {now.device}"
        wanted = ", ".join(f"{dtype_name(leaf.like.dtype)} {tuple(leaf.like.shape)}" for leaf in self.leaves)
        return f"expected {wanted}, got {shown}"


def places_of(module: nn.Module, leaves: Sequence[StreamedLeaf]) -> Iterator[tuple[nn.Module, Place]]:
    """The places of a block's streamed leaves, each with the module that holds it."""
    streamed = {id(leaf.tensor): leaf for leaf in leaves}
    for prefix, at in module.named_modules():
        for key, parameter in at._parameters.items():
            if parameter is None:
                continue
            own = [streamed.get(id(plain.tensor)) for plain in plain_tensors(key, parameter)]
            found = tuple(leaf for leaf in own if leaf is not None)
            if found:
                name = plain_name(f"{prefix}.{key}" if prefix else key)
                yield at, Place(at._parameters, key, parameter, name, found, tuple(tensors_inside(parameter)))
