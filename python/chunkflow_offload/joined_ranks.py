"""Joins the ranks of a process group for collectives that a plan carries itself."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import torch.distributed as dist

from .errors import AttachError

if TYPE_CHECKING:
    from .native import Handle


def join_ranks(handle: Handle, group: Any) -> tuple[int, ...]:
    """Collective over the group; returns its global ranks in order.

    Raises:
        AttachError: There is no such group, it spans several hosts, or it has other ranks than the plan.
        NativeError: There is no shared or pinned memory for what the ranks hand each other.
    """
    expected = handle.library.facts.ranks
    if not dist.is_available() or not dist.is_initialized():
        raise AttachError(
            f"the plan carries the collectives of {expected} ranks itself; "
            "call torch.distributed.init_process_group first"
        )
    ranks = tuple(dist.get_process_group_ranks(group))
    if len(ranks) != expected:
        raise AttachError(
            f"group: the plan carries the collectives of {expected} ranks, the group has {len(ranks)}; give the group "
            "of the model's own collectives, or profile and plan with as many ranks"
        )
    if dist.get_rank() not in ranks:
        raise AttachError(f"group: rank {dist.get_rank()} is not one of its ranks, {', '.join(map(str, ranks))}")
    hosts: list[str] = [""] * len(ranks)
    dist.all_gather_object(hosts, host_id(), group=group)
    if len(set(hosts)) > 1:
        raise AttachError(f"group: its ranks are on {len(set(hosts))} hosts; collectives are carried within one")

    def broadcast(data: bytes) -> bytes:
        carried = [data]
        dist.broadcast_object_list(carried, src=ranks[0], group=group)
        return carried[0]

    handle.join(ranks.index(dist.get_rank()), len(ranks), lambda: _barrier(group), broadcast)
    return ranks


def host_id() -> str:
    """Tells hosts apart."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return socket.gethostname()


def _barrier(group: Any) -> None:
    dist.barrier(group=group)
