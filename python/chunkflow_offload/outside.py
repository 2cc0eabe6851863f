"""What a model has beside its streamed weights: it goes to the device whole, and comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .plain_tensors import plain_parameters, plain_tensors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import torch
    from torch import nn

    from .layout import Block


class Outside:
    """Parameters outside of the blocks, and all buffers."""

    def __init__(self) -> None:
        self._moved: list[tuple[torch.Tensor, torch.device]] = []

    def move(self, model: nn.Module, blocks: Sequence[Block], device: torch.device) -> None:
        """Moves them to the device, the same tensor objects; those that are there already are left alone."""
        streamed = {id(leaf.tensor) for block in blocks for leaf in block.leaves}
        for tensor in _tensors(model):
            if id(tensor) not in streamed and tensor.device != device:
                before = tensor.device
                tensor.data = tensor.data.to(device)
                self._moved.append((tensor, before))

    def move_back(self) -> None:
        """Moves them to where they were, with the values that they have now."""
        while self._moved:
            tensor, device = self._moved[-1]
            tensor.data = tensor.data.to(device)
            self._moved.pop()


def _tensors(model: nn.Module) -> Iterator[torch.Tensor]:
    for at in plain_parameters(model):
        yield at.tensor
    for name, buffer in model.named_buffers():
        for plain in plain_tensors(name, buffer):
            yield plain.tensor
