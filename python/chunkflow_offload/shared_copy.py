"""One host copy of a model's weights for all ranks of a host, where their weights are the same."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist

from .errors import AttachError
from .joined_ranks import host_id
from .layout import bytes_of

if TYPE_CHECKING:
    from collections.abc import Iterator

WORD_BYTES = 8
COLUMNS = 64


class SharedCopy:
    """The ranks that share a copy, of which the first one fills it.

    What changes it is collective: copies of a rank that is still in its last step would read new weights. Every rank
    says what it has loaded, so that ranks whose weights differ are found and none computes with another's.

    Attributes:
        fills: Whether this rank fills it.
    """

    def __init__(self, group: Any) -> None:
        """Collective over the group; without one, over all ranks.

        Raises:
            AttachError: There are no ranks, this is none of them, or they are on several hosts.
        """
        if not dist.is_available() or not dist.is_initialized():
            raise AttachError(
                "shared_host_copy: there are no ranks to share it; call torch.distributed.init_process_group first"
            )
        self._group = group
        self._ranks = tuple(dist.get_process_group_ranks(group if group is not None else dist.group.WORLD))
        if dist.get_rank() not in self._ranks:
            raise AttachError(f"group: rank {dist.get_rank()} is not one of its ranks, {self._listed()}")
        self.fills = dist.get_rank() == self._ranks[0]
        self._loaded: dict[str, bytes] = {}
        if len(set(self._from_all(host_id()))) > 1:
            raise AttachError(
                f"shared_host_copy: ranks {self._listed()} are on several hosts; give as group the ranks of one"
            )

    def memory(self, nbytes: int, plan: str) -> int:
        """A file descriptor of the copy's memory. Collective.

        Args:
            nbytes: Of the copy.
            plan: Tells plans apart: all ranks have the same one.

        Raises:
            AttachError: Ranks have other plans, or a rank cannot open what the first one has made.
        """
        descriptor, error = -1, None
        if self.fills:
            descriptor = os.memfd_create("chunkflow-weights", os.MFD_CLOEXEC)
            os.ftruncate(descriptor, nbytes)
        made = self._from_all((plan, os.getpid(), descriptor, _identity(descriptor)))
        if any(other[0] != plan for other in made):
            error = "has another plan than the first one"
        elif not self.fills:
            _, pid, number, identity = made[0]
            try:
                descriptor = os.open(f"/proc/{pid}/fd/{number}", os.O_RDWR | os.O_CLOEXEC)
            except OSError as reason:
                error = f"cannot open the memory of rank {self._ranks[0]}: {reason.strerror}"
            else:
                if _identity(descriptor) != identity:
                    error = f"sees other processes than rank {self._ranks[0]} does, as in another container"
        try:
            self.meet(error)
        except BaseException:
            if descriptor >= 0:
                os.close(descriptor)
            raise
        return descriptor

    def note(self, name: str, value: torch.Tensor) -> None:
        """Remembers what this rank has loaded."""
        self._loaded[name] = _checksum(value)

    def meet(self, error: str | None = None) -> None:
        """Waits for all ranks. Collective.

        Raises:
            AttachError: One has failed, or ranks have loaded different weights since the last time.
        """
        loaded, self._loaded = self._loaded, {}
        ranks = self._from_all((error, loaded))
        for rank, (why, _) in zip(self._ranks, ranks, strict=True):
            if why is not None:
                raise AttachError(f"shared_host_copy: rank {rank} {why}")
        first = ranks[0][1]
        for rank, (_, other) in zip(self._ranks, ranks, strict=True):
            for name in (*first, *other):
                if first.get(name) != other.get(name):
                    raise AttachError(
                        f"shared_host_copy: rank {rank} has other values of {name} than rank {self._ranks[0]}; one "
                        "copy is for ranks whose weights are the same and are changed alike"
                    )

    @contextmanager
    def changing(self) -> Iterator[None]:
        """All ranks change weights; none has copies in flight before it enters. Collective, at both ends."""
        self.meet()
        try:
            yield
        except BaseException as error:
            self.tell(error)
            raise
        self.meet()

    def tell(self, error: BaseException) -> None:
        """Lets the other ranks, which wait in `meet`, know that this one has failed."""
        self._loaded = {}
        self._from_all((f"failed: {str(error).splitlines()[0] if str(error) else type(error).__name__}", {}))

    def _from_all(self, value: Any) -> list[Any]:
        values = [value] * len(self._ranks)
        dist.all_gather_object(values, value, group=self._group)
        return values

    def _listed(self) -> str:
        return ", ".join(map(str, self._ranks))


def _identity(descriptor: int) -> tuple[int, int] | None:
    if descriptor < 0:
        return None
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def _checksum(value: torch.Tensor) -> bytes:
    """Of a tensor's bytes, made where they are: sums of 64 columns of words, which wrap."""
    raw = bytes_of(value)
    if raw.storage_offset() % WORD_BYTES:
        raw = raw.clone()
    whole = raw.numel() // (WORD_BYTES * COLUMNS) * WORD_BYTES * COLUMNS
    words = raw[:whole].view(torch.int64).view(-1, COLUMNS).sum(0).cpu()
    return hashlib.blake2b(
        words.numpy().tobytes() + bytes(raw[whole:].tolist()) + str(raw.numel()).encode(), digest_size=16
    ).digest()
