"""Where a process of the study runs, and the others that run with it."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from model_cases import mesh_of

T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """Where this process runs.

    Attributes:
        device: Of this rank.
        rank: Of this process.
        ranks: How many there are.
    """

    device: torch.device
    rank: int
    ranks: int

    @property
    def is_cuda(self) -> bool:
        """Whether it is a GPU."""
        return self.device.type == "cuda"

    @property
    def name(self) -> str:
        """As records and tables call it."""
        if not self.is_cuda:
            return "host"
        return "one GPU" if self.ranks == 1 else "GPUs of one host"

    @property
    def transport(self) -> str:
        """That of the collectives."""
        if self.ranks == 1:
            return "none"
        if not self.is_cuda:
            return "gloo"
        return "shm" if os.environ.get("NCCL_P2P_DISABLE") == "1" else "nvlink"

    def from_all(self, value: T) -> list[T]:
        """The value of each rank."""
        if self.ranks == 1:
            return [value]
        values: list[T] = [value] * self.ranks
        dist.all_gather_object(values, value)
        return values

    def finish(self) -> None:
        """Waits for the device."""
        if self.is_cuda:
            torch.cuda.synchronize(self.device)

    def left_s(self, until: float) -> float:
        """Time until `until`, seconds, the same on every rank."""
        return min(self.from_all(until - time.time()))


def here(tiny: bool) -> Place:
    """The place of this process; makes the group of all ranks."""
    rank, ranks = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    is_cuda = torch.cuda.is_available() and not tiny
    if not is_cuda and not tiny:
        raise SystemExit("no GPU that PyTorch sees; for a dry run on CPU cores give --tiny")
    if is_cuda:
        index = int(os.environ.get("LOCAL_RANK", "0"))
        torch.cuda.set_device(index)
        device = torch.device("cuda", index)
    else:
        device = torch.device("cpu")
        torch.set_num_threads(1)
    if ranks > 1:
        options: Any = {"device_id": device} if is_cuda else {}
        dist.init_process_group("nccl" if is_cuda else "gloo", timeout=timedelta(seconds=300), **options)
        # Communicators are made with the first collectives: what they take belongs to no variant.
        dist.all_reduce(torch.zeros(1, device=device))
        exchanged = torch.zeros(ranks << 20, device=device)
        dist.all_to_all_single(
            torch.empty_like(exchanged), exchanged, group=mesh_of(device.type, ranks).get_group("ulysses")
        )
    return Place(device, rank, ranks)


def say(place: Place, until: float, text: str) -> None:
    """One line to the terminal, of rank 0, with the time that is left."""
    if place.rank == 0:
        print(f"[{until - time.time():.0f} s left] {text}", flush=True)


def leave() -> None:
    """Ends the group of all ranks and this process."""
    if dist.is_initialized():
        dist.destroy_process_group()
    sys.exit(0)
