"""One host copy of weights for the ranks of a host."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.distributed as dist
from plans import write_plan
from ranks import run_ranks
from toy_models import Wan, inputs

import chunkflow_offload as chunkflow
from chunkflow_offload.errors import AttachError, ChunkflowError
from chunkflow_offload.library_cache import library_for

if TYPE_CHECKING:
    from torch import nn

WEIGHT = "blocks.2.to_q.weight"


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """Part of each block is resident, so that every rank has some of its own."""
    plan = write_plan(tmp_path / "plan.json", Wan(), resident=0.7, collectives=2, ranks=2)
    # Built here, not by two ranks while one waits for the other in a collective.
    library_for(plan, "host")
    return plan


def model_of(seed: int) -> Wan:
    torch.manual_seed(seed)
    return Wan().requires_grad_(False)


def attach(model: nn.Module, plan: Path, **others: Any) -> chunkflow.Attached:
    return chunkflow.attach(model, plan, device="cpu", check=True, shared_host_copy=True, **others)


def mapped_bytes() -> int:
    """Of shared copies, in this process."""
    sizes = []
    for line in Path("/proc/self/maps").read_text().splitlines():
        if "memfd:chunkflow-weights" in line:
            first, _, last = line.split()[0].partition("-")
            sizes.append(int(last, 16) - int(first, 16))
    return sum(sizes)


def runs(rank: int, plan: Path) -> tuple[bool, int, int]:
    model = model_of(0)
    x = inputs() + rank
    with torch.no_grad():
        expected = model(x)
        with attach(model, plan) as attached:
            same = all(torch.equal(model(x), expected) for _ in range(3))
            mapped, needed = mapped_bytes(), attached.facts.host_bytes
        assert mapped_bytes() == 0
        return same and torch.equal(model(x), expected), mapped, needed


def test_ranks_compute_the_same_bits_from_one_copy(plan: Path) -> None:
    for same, mapped, needed in run_ranks(runs, plan):
        assert same
        assert needed > 0
        assert needed <= mapped < needed + (1 << 16)


def differs(rank: int, plan: Path) -> tuple[str, bool]:
    model = model_of(rank)
    before = {name: at.clone() for name, at in model.named_parameters()}
    with pytest.raises(AttachError) as caught:
        attach(model, plan)
    return str(caught.value), all(torch.equal(at, before[name]) for name, at in model.named_parameters())


def test_ranks_with_other_weights_are_refused_and_keep_them(plan: Path) -> None:
    for message, is_as_before in run_ranks(differs, plan):
        assert "rank 1 has other values of blocks.0." in message
        assert is_as_before


def changes(rank: int, plan: Path) -> list[bool]:
    model, twin = model_of(0), model_of(0)
    x = inputs() + rank
    found = []
    with torch.no_grad(), attach(model, plan) as attached:
        model(x)
        value = torch.full((256, 256), 0.01)
        attached.update(WEIGHT, value)
        twin.get_parameter(WEIGHT).copy_(value)
        found.append(torch.equal(model(x), twin(x)))
        with attached.editing():
            for at in model.parameters():
                at.mul_(0.5)
        for at in twin.parameters():
            at.mul_(0.5)
        found.append(torch.equal(model(x), twin(x)))
        state = {name: at * 2 for name, at in twin.state_dict().items()}
        model.load_state_dict(state)
        twin.load_state_dict(state)
        found.append(torch.equal(model(x), twin(x)))
    found.append(torch.equal(model(x), twin(x)))
    found.append(all(torch.equal(at, other) for at, other in zip(model.parameters(), twin.parameters(), strict=True)))
    return found


def test_all_ranks_change_weights_together(plan: Path) -> None:
    for found in run_ranks(changes, plan):
        assert found == [True] * 5


def disagrees(rank: int, plan: Path) -> str:
    model = model_of(0)
    with torch.no_grad(), attach(model, plan) as attached:
        with pytest.raises(AttachError) as caught:
            attached.update(WEIGHT, torch.full((256, 256), float(rank)))
        return str(caught.value)


def test_ranks_that_change_a_weight_differently_are_told(plan: Path) -> None:
    for message in run_ranks(disagrees, plan):
        assert f"rank 1 has other values of {WEIGHT} than rank 0" in message


def refused(rank: int, plan: Path) -> tuple[str, bool]:
    model = model_of(0)
    before = model(inputs())
    with pytest.raises(ChunkflowError) as caught:
        attach(model, plan, pinned_limit=1 if rank == 1 else None)
    return str(caught.value), torch.equal(model(inputs()), before)


def test_a_rank_that_cannot_take_part_ends_all_with_its_reason(plan: Path) -> None:
    (first, is_first_as_before), (second, is_second_as_before) = run_ranks(refused, plan)
    assert "rank 1 failed: the plan streams from" in first
    assert second.startswith("the plan streams from")
    assert is_first_as_before
    assert is_second_as_before


def other_plan(rank: int, plans: list[Path]) -> str:
    with pytest.raises(AttachError) as caught:
        attach(model_of(0), plans[rank])
    return str(caught.value)


def test_ranks_with_other_plans_are_refused(tmp_path: Path, plan: Path) -> None:
    other = write_plan(tmp_path / "other.json", Wan(), collectives=2, ranks=2)
    library_for(other, "host")
    for message in run_ranks(other_plan, [plan, other]):
        assert "has another plan than the first one" in message


def one_of_two(rank: int, plan: Path) -> str:
    groups = [dist.new_group([at]) for at in range(2)]
    model = model_of(rank)
    x = inputs()
    with torch.no_grad():
        expected = model(x)
        # Alone in its group, each rank has weights of its own.
        with attach(model, plan, group=groups[rank]):
            assert torch.equal(model(x), expected)
        with pytest.raises(AttachError) as caught:
            attach(model, plan, group=groups[1 - rank])
    return str(caught.value)


def test_the_group_says_who_shares(plan: Path) -> None:
    for rank, message in enumerate(run_ranks(one_of_two, plan)):
        assert "group" in message, rank


def test_without_ranks_it_is_refused(plan: Path) -> None:
    with pytest.raises(AttachError, match="there are no ranks to share it"):
        attach(model_of(0), plan)
