# mypy: disallow-untyped-calls=False, warn-return-any=False
"""Collectives of two processes, as a listener hears of them."""

from __future__ import annotations

import sys
import types
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import bound_before
import pytest
import torch
import torch.distributed as dist
import torch.distributed._functional_collectives as funcol
from ranks import run_ranks

from chunkflow_offload.collectives import Call, listen

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Log:
    """What a listener heard, and what the code did in between."""

    events: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    def begins(self, call: Call) -> None:
        self.events.append("begins")
        self.calls.append(call)

    def ends(self, call: Call) -> None:
        self.events.append("ends")
        assert call in self.calls

    def code(self, what: str = "code") -> None:
        self.events.append(what)


class Seen(NamedTuple):
    events: list[str]
    calls: list[Call]
    result: torch.Tensor
    unheard: torch.Tensor


def input_of(rank: int, rows: int = 4, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return (torch.arange(rows * 8).view(rows, 8) + 100 * rank).to(dtype)


def world() -> Any:
    return dist.group.WORLD


def all_to_all_single(rank: int, log: Log) -> torch.Tensor:
    log.code()
    output = torch.empty(4, 8)
    assert dist.all_to_all_single(output, input_of(rank)) is None
    log.code()
    return output


def all_to_all_single_uneven(rank: int, log: Log) -> torch.Tensor:
    output = torch.empty(4 if rank == 0 else 2, 8)
    taken = [2, 2] if rank == 0 else [1, 1]
    dist.all_to_all_single(output, input_of(rank, 3), taken, [2, 1], group=world())
    return output


def all_to_all_single_bf16_bytes(rank: int, log: Log) -> torch.Tensor:
    """How float8 and bfloat16 are exchanged where the backend lacks them: as bytes."""
    output = torch.empty(4, 8, dtype=torch.bfloat16)
    dist.all_to_all_single(output.view(torch.uint8), input_of(rank, dtype=torch.bfloat16).view(torch.uint8))
    return output


def all_to_all_async(rank: int, log: Log) -> torch.Tensor:
    output = torch.empty(4, 8)
    work = dist.all_to_all_single(output, input_of(rank), async_op=True)
    assert isinstance(work, dist.Work)
    log.code()
    assert work.wait()
    work.wait()
    log.code()
    return output


def all_gather_into_tensor(rank: int, log: Log) -> torch.Tensor:
    output = torch.empty(8, 8)
    dist.all_gather_into_tensor(output, input_of(rank))
    return output


def all_gather_into_tensor_async(rank: int, log: Log) -> torch.Tensor:
    output = torch.empty(8, 8)
    work = dist.all_gather_into_tensor(output, input_of(rank), async_op=True)
    log.code()
    assert work is not None
    work.synchronize()
    work.wait()
    return output


def all_gather(rank: int, log: Log) -> torch.Tensor:
    output = [torch.empty(4, 8) for _ in range(2)]
    dist.all_gather(output, input_of(rank))
    return torch.cat(output)


def all_reduce(rank: int, log: Log) -> torch.Tensor:
    tensor = input_of(rank)
    dist.all_reduce(tensor)
    return tensor


def all_reduce_max_async(rank: int, log: Log) -> torch.Tensor:
    tensor = input_of(rank)
    work = dist.all_reduce(tensor, op=dist.ReduceOp.MAX, async_op=True)
    log.code()
    assert work is not None
    work.wait()
    return tensor


def two_in_flight(rank: int, log: Log) -> torch.Tensor:
    first, second = input_of(rank), 2 * input_of(rank)
    works = [dist.all_reduce(tensor, async_op=True) for tensor in (first, second)]
    for work in works:
        assert work is not None
        log.code()
        work.wait()
    return first + second


def functional_all_to_all(rank: int, log: Log) -> torch.Tensor:
    result = funcol.all_to_all_single(input_of(rank), None, None, world())
    log.code()
    result = funcol.wait_tensor(result)
    log.code()
    return result


def functional_all_to_all_uneven(rank: int, log: Log) -> torch.Tensor:
    taken = [2, 2] if rank == 0 else [1, 1]
    return funcol.wait_tensor(funcol.all_to_all_single(input_of(rank, 3), taken, [2, 1], world()))


def functional_first_use(rank: int, log: Log) -> torch.Tensor:
    result = funcol.all_to_all_single(input_of(rank), None, None, world())
    log.code("view")
    viewed = result.reshape(8, 4)
    log.code("use")
    used = viewed + 1
    log.code()
    return used - 1


def functional_through_a_view(rank: int, log: Log) -> torch.Tensor:
    """As diffusers' Ulysses: the result is reshaped, then waited for by its wait()."""
    result: Any = funcol.all_to_all_single(input_of(rank).flatten(), None, None, world()).reshape(4, 8)
    log.code()
    waited: torch.Tensor = result.wait()
    log.code()
    return waited


def functional_all_gather(rank: int, log: Log) -> torch.Tensor:
    result = funcol.all_gather_tensor(input_of(rank), 0, world())
    log.code()
    return result + 0


def functional_all_gather_of_columns(rank: int, log: Log) -> torch.Tensor:
    result = funcol.all_gather_tensor(input_of(rank), gather_dim=1, group=world())
    log.code()
    return result


def functional_all_reduce(rank: int, log: Log) -> torch.Tensor:
    result = funcol.all_reduce(input_of(rank), "sum", world())
    log.code()
    return result * 1


def functional_chain(rank: int, log: Log) -> torch.Tensor:
    """The second's input is the first's result, which nobody has waited for."""
    first = funcol.all_reduce(input_of(rank), "sum", world())
    second = funcol.all_to_all_single(first, None, None, world())
    return second + 0


def functional_with_gradient(rank: int, log: Log) -> torch.Tensor:
    leaf = input_of(rank).requires_grad_()
    result = funcol.all_to_all_single_autograd(leaf, None, None, world())
    log.code()
    (result * 2).sum().backward()
    assert leaf.grad is not None
    return leaf.grad


def names_bound_before(rank: int, log: Log) -> torch.Tensor:
    output = torch.empty(4, 8)
    bound_before.all_to_all_single(output, input_of(rank))
    return output + bound_before.gather(input_of(rank), 0, world())[:4]


def group_of_one_rank(rank: int, log: Log) -> torch.Tensor:
    tensor = input_of(rank)
    dist.all_reduce(tensor, group=GROUPS[rank])
    return tensor + funcol.all_reduce(tensor, "sum", GROUPS[rank])


def group_of_others(rank: int, log: Log) -> torch.Tensor:
    """On rank 1 the group is one that it is not a member of."""
    tensor = input_of(rank)
    if rank == 1:
        with pytest.warns(UserWarning, match="does not belong to the given group"):
            dist.all_reduce(tensor, group=GROUPS[0])
    return tensor


def coalesced(rank: int, log: Log) -> torch.Tensor:
    """Inside of the manager nothing is issued: it is when the manager is left."""
    first, second = input_of(rank), 2 * input_of(rank)
    with dist.distributed_c10d._coalescing_manager():
        dist.all_reduce(first)
        dist.all_reduce(second)
    return first + second


def collectives_that_are_not_described(rank: int, log: Log) -> torch.Tensor:
    tensor = input_of(0)
    dist.broadcast(tensor, 0)
    dist.barrier()
    return tensor


GROUPS: list[Any] = []

A2A = Call("all-to-all", 64, 256, 2)
GATHER = Call("all-gather", 128, 384, 2)
SYNC = ["begins", "ends"]
LATER = ["begins", "code", "ends"]

CASES: dict[Callable[[int, Log], torch.Tensor], tuple[list[str], list[Call]]] = {
    all_to_all_single: (["code", "begins", "ends", "code"], [A2A]),
    # Rank 0 keeps two of its three rows and gets two of two ranks; rank 1's are tested below.
    all_to_all_single_uneven: (SYNC, [Call("all-to-all", 32, 96 + 128, 2)]),
    all_to_all_single_bf16_bytes: (SYNC, [Call("all-to-all", 32, 128, 2)]),
    all_to_all_async: ([*LATER, "code"], [A2A]),
    all_gather_into_tensor: (SYNC, [GATHER]),
    all_gather_into_tensor_async: (LATER, [GATHER]),
    all_gather: (SYNC, [GATHER]),
    all_reduce: (SYNC, [Call("all-reduce", 128, 128, 2)]),
    all_reduce_max_async: (LATER, [Call("all-reduce", 128, 128, 2)]),
    two_in_flight: (["begins", "begins", "code", "ends", "code", "ends"], [Call("all-reduce", 128, 128, 2)] * 2),
    functional_all_to_all: ([*LATER, "code"], [A2A]),
    functional_all_to_all_uneven: (SYNC, [Call("all-to-all", 32, 96 + 128, 2)]),
    functional_first_use: (["begins", "view", "use", "ends", "code"], [A2A]),
    functional_through_a_view: ([*LATER, "code"], [A2A]),
    functional_all_gather: (LATER, [GATHER]),
    functional_all_gather_of_columns: ([*SYNC, "code"], [GATHER]),
    functional_all_reduce: (LATER, [Call("all-reduce", 128, 256, 2)]),
    functional_chain: (SYNC * 2, [Call("all-reduce", 128, 256, 2), A2A]),
    functional_with_gradient: (LATER, [A2A]),
    names_bound_before: (SYNC * 2, [A2A, GATHER]),
    group_of_one_rank: ([], []),
    group_of_others: ([], []),
    coalesced: ([], []),
    collectives_that_are_not_described: ([], []),
}


def every_case(rank: int) -> dict[str, Seen]:
    GROUPS.extend(dist.new_group([member]) for member in range(2))
    seen = {}
    for case in CASES:
        log = Log()
        with listen(log):
            result = case(rank, log)
        seen[case.__name__] = Seen(log.events, log.calls, result, case(rank, Log()))
    return seen


@pytest.fixture(scope="module")
def seen() -> list[dict[str, Seen]]:
    return run_ranks(every_case)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_each_collective_begins_and_ends_where_the_code_does(case: Any, seen: list[dict[str, Seen]]) -> None:
    of_rank_0 = seen[0][case.__name__]
    assert (of_rank_0.events, of_rank_0.calls) == CASES[case]
    assert seen[1][case.__name__].events == CASES[case][0]
    if "uneven" not in case.__name__:
        assert seen[1][case.__name__].calls == CASES[case][1]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_results_are_those_of_nobody_listening(case: Any, seen: list[dict[str, Seen]]) -> None:
    for rank in range(2):
        assert torch.equal(seen[rank][case.__name__].result, seen[rank][case.__name__].unheard)


@pytest.mark.parametrize("case", [all_to_all_single_uneven, functional_all_to_all_uneven])
def test_uneven_all_to_alls_send_all_but_the_own_share(case: Any, seen: list[dict[str, Seen]]) -> None:
    assert seen[1][case.__name__].calls == [Call("all-to-all", 64, 96 + 64, 2)]


NAMES = ["all_to_all_single", "all_to_all", "all_gather_into_tensor", "all_gather", "all_reduce"]
FUNCTIONAL_NAMES = ["all_to_all_single", "all_gather_tensor", "all_reduce", "wait_tensor"]


def functions() -> list[Any]:
    return [
        *(getattr(dist, name) for name in NAMES),
        *(getattr(dist.distributed_c10d, name) for name in NAMES),
        *(getattr(funcol, name) for name in FUNCTIONAL_NAMES),
        bound_before.all_to_all_single,
        bound_before.gather,
    ]


def test_functions_are_put_back() -> None:
    before = functions()
    with listen(Log()):
        assert not any(now is then for now, then in zip(functions(), before, strict=True))
    assert all(now is then for now, then in zip(functions(), before, strict=True))


def test_functions_are_put_back_after_an_exception() -> None:
    before = functions()
    with pytest.raises(ZeroDivisionError), listen(Log()):
        raise ZeroDivisionError
    assert all(now is then for now, then in zip(functions(), before, strict=True))


def test_a_module_loaded_meanwhile_gets_the_original_too() -> None:
    late: Any = types.ModuleType("late_module")
    sys.modules["late_module"] = late
    try:
        with listen(Log()):
            late.reduce = dist.all_reduce
        assert late.reduce is dist.all_reduce
    finally:
        del sys.modules["late_module"]


def several_listeners(rank: int) -> list[list[str]]:
    first, second = Log(), Log()
    outer, inner = listen(first), listen(second)
    tensor = input_of(rank)
    outer.__enter__()
    work = dist.all_reduce(tensor, async_op=True)
    inner.__enter__()
    assert work is not None
    work.wait()
    dist.all_reduce(tensor)
    left_open = dist.all_reduce(tensor, async_op=True)
    # Not the last that came goes first.
    outer.__exit__(None, None, None)
    assert left_open is not None
    left_open.wait()
    dist.all_reduce(tensor)
    inner.__exit__(None, None, None)
    dist.all_reduce(tensor)
    return [first.events, second.events]


def test_several_may_listen_and_leave_in_any_order() -> None:
    expected = [["begins", "ends", "begins", "ends", "begins"], ["begins", "ends", "begins", "ends", "begins", "ends"]]
    assert run_ranks(several_listeners) == [expected, expected]


def all_to_all_of_lists(rank: int) -> tuple[list[str], list[Call]]:
    log = Log()
    with listen(log):
        parts = [torch.empty(2, 8), torch.empty(1, 8)]
        taken = [torch.empty(3, 8), torch.empty(4, 8)]
        dist.all_to_all(taken, parts)
        work = dist.all_to_all(taken, parts, async_op=True)
        log.code()
        assert work is not None
        work.wait()
    return log.events, log.calls


def test_all_to_alls_of_lists() -> None:
    """Gloo has none of these: by PyTorch's backend that exchanges nothing."""
    seen = run_ranks(all_to_all_of_lists, backend="fake")
    for events, calls in seen:
        assert events == [*SYNC, *LATER]
        assert [call.buffer_bytes for call in calls] == [320, 320]
    assert [calls[0].sent_bytes for _, calls in seen] == [32, 64]


def failing_calls(rank: int) -> tuple[list[str], list[str]]:
    log, raised = Log(), []
    with listen(log):
        for call in (
            lambda: dist.all_reduce(),  # type: ignore[call-arg]
            lambda: dist.all_reduce(3),
            lambda: dist.all_to_all_single(torch.empty(4), torch.empty(4, dtype=torch.int32)),
            lambda: funcol.all_reduce(torch.ones(2), "no such operation", world()),
        ):
            try:
                call()
            except Exception as error:
                raised.append(str(error).splitlines()[0])
        tensor = input_of(rank)
        dist.all_reduce(tensor)
    return log.events, raised


def test_mistakes_are_told_in_the_functions_own_words() -> None:
    events, raised = run_ranks(failing_calls)[0]
    assert len(raised) == 4
    assert raised[0].startswith("all_reduce() missing 1 required positional argument")
    assert "tensor" in raised[1]
    # The last two fail after they were announced; a listener hears of no end.
    assert events == ["begins", "begins", "begins", "ends"]


def compiled(rank: int) -> tuple[list[str], list[str], bool, bool]:
    def whole(x: torch.Tensor) -> torch.Tensor:
        return funcol.all_reduce(x * 2, "sum", world()) + 1

    def legacy(x: torch.Tensor) -> torch.Tensor:
        y = x * 2
        dist.all_reduce(y)
        return y + 1

    expected = legacy(input_of(rank))
    first, second = Log(), Log()
    with listen(first):
        new = torch.compile(whole, backend="aot_eager", fullgraph=True)(input_of(rank))
    with listen(second):
        old = torch.compile(legacy, backend="aot_eager", fullgraph=True)(input_of(rank))
    return first.events, second.events, torch.equal(new, expected), torch.equal(old, expected)


def test_compiled_code_runs_as_without_a_listener_and_is_not_heard() -> None:
    assert run_ranks(compiled) == [([], [], True, True)] * 2
