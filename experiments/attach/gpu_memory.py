"""What is taken of the device's memory."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from place import Place


def peaks(place: Place) -> dict[str, Any]:
    """Peaks since the timed steps began. The device's own number has everything: context, communicators, allocator."""
    if not place.is_cuda:
        return {"torchBytes": 0, "torchReservedBytes": 0, "deviceBytes": 0}
    return {
        "torchBytes": torch.cuda.max_memory_allocated(place.device),
        "torchReservedBytes": torch.cuda.max_memory_reserved(place.device),
        "deviceBytes": used_bytes(place),
    }


def largest(ranks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Of each number the largest of all ranks."""
    return {key: max(each[key] for each in ranks) for key in ranks[0]}


def used_bytes(place: Place) -> int:
    """What is taken of the device, by whomever; 0 on the host."""
    if not place.is_cuda:
        return 0
    free, total = torch.cuda.mem_get_info(place.device)
    return total - free


def other_bytes(place: Place) -> int:
    """What PyTorch's allocator does not hold of what is taken on the device now."""
    return used_bytes(place) - torch.cuda.memory_reserved(place.device) if place.is_cuda else 0


def free_memory(place: Place) -> None:
    """Gives back what a model that is dropped has taken."""
    gc.collect()
    if place.is_cuda:
        torch.cuda.synchronize(place.device)
        torch.cuda.empty_cache()
        # Pinned host memory of other tools goes back too, or the next variant finds none.
        torch._C._host_emptyCache()
