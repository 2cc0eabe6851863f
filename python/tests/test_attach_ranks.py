"""An attached model of several ranks: windows between its own collectives, and a rank that dies."""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.distributed as dist
from plans import write_plan
from ranks import CONTEXT, run_ranks
from toy_models import Wan, inputs

import chunkflow_offload as chunkflow
from chunkflow_offload.library_cache import library_for

if TYPE_CHECKING:
    from collections.abc import Mapping
    from multiprocessing.connection import Connection
    from pathlib import Path


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """For blocks with two all-to-alls each."""
    plan = write_plan(tmp_path / "plan.json", Wan(), resident=0.7, collectives=2, ranks=2)
    # Built here, not by two ranks while one waits for the other in a collective.
    chunkflow.attach(Wan().requires_grad_(False), plan, device="cpu").detach()
    return plan


def run(rank: int, plan: Path) -> tuple[bool, Mapping[str, int]]:
    torch.manual_seed(0)
    model = Wan().requires_grad_(False)
    x = inputs() + rank
    with torch.no_grad():
        expected = model(x)
        with chunkflow.attach(model, plan, device="cpu", check=True) as attached:
            same = all(torch.equal(model(x), expected) for _ in range(4))
            counts = attached.counts()
        return same and torch.equal(model(x), expected), counts


def test_windows_open_at_the_models_own_collectives(plan: Path) -> None:
    for same, counts in run_ranks(run, plan):
        assert same
        assert counts["begins"] == 20
        assert (counts["restarts"], counts["late_windows"], counts["unplanned"]) == (1, 0, 0)


def run_otherwise(rank: int, plan: Path) -> list[dict[str, int]]:
    """A model with other collectives than were planned: none, and more."""
    torch.manual_seed(0)
    model = Wan().requires_grad_(False)
    found: list[dict[str, int]] = []
    with torch.no_grad():
        for count in (0, 4):

            def exchange(*_: Any, count: int = count) -> None:
                for __ in range(count):
                    dist.all_reduce(torch.ones(4))

            blocks: Any = model.blocks
            for block in blocks:
                block.exchange.forward = lambda x, exchange=exchange: (exchange(), x)[1]
            expected = model(inputs())
            with chunkflow.attach(model, plan, device="cpu", check=True) as attached:
                assert all(torch.equal(model(inputs()), expected) for _ in range(2)), rank
                found.append(attached.counts())
    return found


def test_other_collectives_than_planned_are_counted_and_the_results_are_right(plan: Path) -> None:
    for none, more in run_ranks(run_otherwise, plan):
        assert none["late_windows"] > 0
        assert none["unplanned"] == 0
        # Each block calls the exchange twice.
        assert more["unplanned"] == 2 * 5 * (8 - 2)
        assert more["late_windows"] == 0


def die_in_a_step(rank: int, plan: Path, store: Path, said: Connection[Any, Any]) -> None:
    """Attaches and makes two steps, in the second of which the second rank is killed."""
    os.setsid()
    torch.set_num_threads(1)
    file: Any = dist.FileStore(str(store), 2)  # type: ignore[attr-defined]
    dist.init_process_group("gloo", store=file, rank=rank, world_size=2, timeout=timedelta(seconds=30))
    model = Wan().requires_grad_(False)
    model(inputs())

    def die(*_: Any) -> None:
        if rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    with torch.no_grad():
        try:
            with chunkflow.attach(model, plan, device="cpu", check=True):
                model(inputs())
                model.blocks.get_submodule("2.to_v").register_forward_hook(die)
                model(inputs())
        except RuntimeError as error:
            weight = model.get_parameter("blocks.2.to_v.weight")
            said.send((str(error), bool(weight.sum().isfinite())))
            sys.exit(3)


@pytest.mark.parametrize("carried", [0, 4096])
def test_a_rank_that_is_killed_in_a_step_ends_the_other_with_an_error(tmp_path: Path, carried: int) -> None:
    """Whether its group notices, or the ranks that a plan has joined do."""
    plan = write_plan(tmp_path / "plan.json", Wan(), resident=0.7, collectives=2, ranks=2, carried=carried)
    library_for(plan, "host")
    here, there = CONTEXT.Pipe()
    ranks = [CONTEXT.Process(target=die_in_a_step, args=(rank, plan, tmp_path / "store", there)) for rank in range(2)]
    for rank in ranks:
        rank.start()
    try:
        ranks[1].join(120)
        assert ranks[1].exitcode == -signal.SIGKILL
        died = time.monotonic()
        ranks[0].join(60)
        assert time.monotonic() - died < 45
        assert ranks[0].exitcode == 3
    finally:
        for rank in ranks:
            if rank.is_alive() and rank.pid is not None:
                os.killpg(rank.pid, signal.SIGKILL)
    assert here.poll()
    error, has_weights = here.recv()
    assert error
    assert has_weights
    for rank in ranks:
        assert rank.pid is not None
        with pytest.raises(ProcessLookupError):
            os.killpg(rank.pid, 0)


SENT = 4 * 8 * 256 // 2
"""Bytes that a rank sends in an all-to-all of the toy: half of its input."""


@pytest.fixture(params=["yield", "layerwise"])
def carrying_plan(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """For the same blocks, whose all-to-alls it carries itself."""
    return write_plan(tmp_path / "plan.json", Wan(), request.param, resident=0.7, collectives=2, ranks=2, carried=SENT)


def run_carried(rank: int, plan: Path) -> tuple[bool, Mapping[str, int]]:
    torch.manual_seed(0)
    model = Wan().requires_grad_(False)
    x = inputs() + rank
    with torch.no_grad():
        expected, shorter = model(x), model(x[:, :4])
        with chunkflow.attach(model, plan, device="cpu", check=True) as attached:
            same = all(torch.equal(model(x), expected) for _ in range(4))
            # A collective of another size is left to its group, by both ranks.
            same = same and torch.equal(model(x[:, :4]), shorter)
            counts = attached.counts()
        return same and torch.equal(model(x), expected), counts


def test_a_plan_carries_the_models_all_to_alls_itself(carrying_plan: Path) -> None:
    for same, counts in run_ranks(run_carried, carrying_plan):
        assert same
        assert counts["exchanged"] == 4 * 5 * 2
        assert (counts["restarts"], counts["unplanned"]) == (1, 0)


def run_alone(_: int, plan: Path) -> str:
    with pytest.raises(chunkflow.ChunkflowError) as caught:
        chunkflow.attach(Wan().requires_grad_(False), plan, device="cpu", group=dist.new_group([0]))
    return str(caught.value)


def test_a_group_of_other_ranks_is_refused(carrying_plan: Path) -> None:
    said = run_ranks(run_alone, carrying_plan)
    assert "carries the collectives of 2 ranks, the group has 1" in said[0]


def test_without_a_process_group_it_is_refused(carrying_plan: Path) -> None:
    model = Wan().requires_grad_(False)
    with pytest.raises(chunkflow.ChunkflowError, match=r"carries the collectives of 2 ranks itself; call torch\.dist"):
        chunkflow.attach(model, carrying_plan, device="cpu")
    assert torch.isfinite(model(inputs())).all()
