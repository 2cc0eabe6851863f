"""Runs a function on several processes of one gloo group."""

from __future__ import annotations

import pickle
import tempfile
import traceback
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def run_ranks(work: Callable[..., T], *args: Any, ranks: int = 2, backend: str = "gloo") -> list[T]:
    """Results of `work(rank, *args)` by rank; `work` is a module's own function, so that a new process can find it."""
    with tempfile.TemporaryDirectory() as folder:
        spawn: Any = mp.spawn  # type: ignore[attr-defined]
        spawn(_process, (work, args, ranks, backend, folder), nprocs=ranks)
        return [pickle.loads(Path(folder, f"{rank}.pickle").read_bytes()) for rank in range(ranks)]


def _process(rank: int, work: Callable[..., T], args: Any, ranks: int, backend: str, folder: str) -> None:
    torch.set_num_threads(1)
    store: Any = dist.FileStore(f"{folder}/group", ranks)  # type: ignore[attr-defined]
    if backend == "fake":
        from torch.testing._internal.distributed.fake_pg import FakeStore

        store = FakeStore()
    dist.init_process_group(backend, store=store, rank=rank, world_size=ranks, timeout=timedelta(seconds=60))
    try:
        Path(folder, f"{rank}.pickle").write_bytes(pickle.dumps(work(rank, *args)))
    except BaseException:
        # Before the group is destroyed: a peer that waits would otherwise hide the cause behind its own error.
        traceback.print_exc()
        raise
    finally:
        dist.destroy_process_group()
