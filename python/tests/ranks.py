"""Runs a function on several processes of one group, which stay for the next one."""

from __future__ import annotations

import atexit
import tempfile
import traceback
from datetime import timedelta
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, TypeVar

import torch
import torch.distributed as dist
from torch import multiprocessing

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

T = TypeVar("T")

TIMEOUT_S = 120

CONTEXT = multiprocessing.get_context("forkserver")
"""Of processes that begin with PyTorch imported, which takes seconds of CPU time in each that imports it itself."""
CONTEXT.set_forkserver_preload(["torch", "torch.distributed"])


def run_ranks(work: Callable[..., T], *args: Any, ranks: int = 2, backend: str = "gloo") -> list[T]:
    """Results of `work(rank, *args)` by rank; `work` is a module's own function, which other processes can find."""
    group = _groups.get((ranks, backend)) or _Group(ranks, backend)
    _groups[ranks, backend] = group
    try:
        return group.run(work, args)
    except BaseException:
        # Ranks that were left in the middle of a collective are of no use to the next test.
        _groups.pop((ranks, backend)).close()
        raise


class _Group:
    def __init__(self, ranks: int, backend: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._processes = []
        self._pipes: list[Connection[Any, Any]] = []
        for rank in range(ranks):
            here, there = CONTEXT.Pipe()
            process = CONTEXT.Process(target=_serve, args=(rank, ranks, backend, self._folder.name, there), daemon=True)
            process.start()
            there.close()
            self._processes.append(process)
            self._pipes.append(here)

    def run(self, work: Callable[..., T], args: Any) -> list[T]:
        for pipe in self._pipes:
            pipe.send((work, args))
        results: dict[int, T] = {}
        while len(results) < len(self._pipes):
            missing = [pipe for rank, pipe in enumerate(self._pipes) if rank not in results]
            ready = wait(missing, TIMEOUT_S)
            if not ready:
                raise TimeoutError(f"{work.__name__} did not return on all ranks within {TIMEOUT_S} s")
            rank = next(rank for rank, pipe in enumerate(self._pipes) if pipe is ready[0])
            ok, result = self._pipes[rank].recv()
            if not ok:
                raise RuntimeError(f"rank {rank} of {work.__name__}:\n{result}")
            results[rank] = result
        return [results[rank] for rank in range(len(self._pipes))]

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.join()
        self._folder.cleanup()


_groups: dict[tuple[int, str], _Group] = {}


@atexit.register
def _close_all() -> None:
    for group in _groups.values():
        group.close()


def _serve(rank: int, ranks: int, backend: str, folder: str, pipe: Connection[Any, Any]) -> None:
    torch.set_num_threads(1)
    store: Any = dist.FileStore(f"{folder}/group", ranks)  # type: ignore[attr-defined]
    if backend == "fake":
        from torch.testing._internal.distributed.fake_pg import FakeStore

        store = FakeStore()
    dist.init_process_group(backend, store=store, rank=rank, world_size=ranks, timeout=timedelta(seconds=60))
    while True:
        try:
            work, args = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send((True, work(rank, *args)))
        except BaseException:
            pipe.send((False, traceback.format_exc()))
