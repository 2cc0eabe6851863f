"""How recorded events become passes, windows and collectives; marks are plain seconds."""

from __future__ import annotations

from typing import Any

import pytest
from torch import nn

from chunkflow_offload.collectives import Call
from chunkflow_offload.device_clock import HostClock
from chunkflow_offload.errors import ProfileError
from chunkflow_offload.layout import Block, find_blocks
from chunkflow_offload.pass_medians import half_middle_range, measured
from chunkflow_offload.passes import Pass, passes_of, refuse_other_collectives
from chunkflow_offload.step_recorder import BlockBegins, BlockEnds, CallBegins, CallEnds, Event, RecordedStep


def some_blocks(count: int = 3) -> tuple[Block, ...]:
    model = nn.Module()
    model.blocks = nn.ModuleList(nn.Linear(4, 4) for _ in range(count))
    return find_blocks(model)


def call(kind: str = "all-to-all", sent: int = 10) -> Call:
    # A new object each time, equal to the others.
    return Call(kind, sent, 4 * sent, 2)


def visit(block: int, start: float, *inner: Event, seconds: float = 1.0, moved: float = 0.0) -> list[Event]:
    return [BlockBegins(block, start - moved, start), *inner, BlockEnds(block, start + seconds)]


def exchange(issued: float, waited: float, kind: str = "all-to-all", sent: int = 10) -> list[Event]:
    made = call(kind, sent)
    return [CallBegins(made, issued), CallEnds(made, waited)]


def passes(*visits: list[Event], ends: float = 100.0, count: int = 3) -> list[Pass]:
    step = RecordedStep(0.0, ends, [event for each in visits for event in each])
    return passes_of(step, 1, some_blocks(count), HostClock())


def test_windows_lie_between_collectives() -> None:
    inner = [*exchange(10.25, 10.5), *exchange(10.625, 10.875)]
    found = passes(visit(0, 10, *inner), visit(1, 11), visit(2, 12))[0].visits
    assert found[0].windows == (0.25, 0.125, 0.125)
    assert [each.seconds for each in found[0].calls] == [0.25, 0.25]
    assert found[1].windows == (1.0,)


def test_collectives_in_flight_together_divide_the_time() -> None:
    first, second, third = call(), call(), call()
    inner: list[Event] = [
        CallBegins(first, 10.125),
        CallBegins(second, 10.25),
        CallBegins(third, 10.375),
        CallEnds(first, 10.5),
        CallEnds(third, 10.75),
        CallEnds(second, 10.875),
    ]
    found = passes(visit(0, 10, *inner), visit(1, 11), visit(2, 12))[0].visits[0]
    assert found.windows == (0.125, 0.0, 0.0, 0.125)
    assert [each.seconds for each in found.calls] == [0.375, 0.375, 0.0]
    assert sum(found.windows) + sum(each.seconds for each in found.calls) == 1.0


def test_outside_is_what_lies_between_blocks_and_around_a_pass() -> None:
    once = [visit(0, 2), visit(1, 3.5), visit(2, 5)]
    assert passes(*once, ends=7.5)[0].outside_s == pytest.approx(2 + 0.5 + 0.5 + 1.5)
    twice = [*once, visit(0, 8), visit(1, 9), visit(2, 10)]
    first, second = passes(*twice, ends=11.25)
    assert first.outside_s == pytest.approx(2 + 0.5 + 0.5 + 0.25), "behind the step lies the next step's beginning"
    assert second.outside_s == pytest.approx(2)


def test_moving_weights_counts_nowhere() -> None:
    still = passes(visit(0, 2), visit(1, 3), visit(2, 4), ends=5)[0]
    moving = passes(visit(0, 7, moved=5), visit(1, 13, moved=5), visit(2, 19, moved=5), ends=20)[0]
    assert moving == still


def test_collectives_outside_of_blocks_are_outside() -> None:
    around = [*exchange(0.5, 1), *visit(0, 2), *visit(1, 3), *exchange(4, 5), *visit(2, 5)]
    found = passes(around, ends=6)[0]
    assert [each.calls for each in found.visits] == [(), (), ()]
    assert found.outside_s == pytest.approx(3)


def order(*blocks: int) -> list[list[Event]]:
    return [visit(block, 1 + at) for at, block in enumerate(blocks)]


WRONG_ORDERS = {
    (): "step 1: ran none of blocks.0 to blocks.3; it has to call this very model",
    (0, 1, 3): "step 1, pass 1: blocks.2 was skipped (blocks.3 ran in its place)",
    (0, 1, 3, 0, 1, 2, 3): "step 1, pass 1: blocks.2 was skipped (blocks.3 ran in its place)",
    (0, 1, 2, 3, 0, 2, 3): "step 1, pass 2: blocks.1 was skipped (blocks.2 ran in its place)",
    (1, 2, 3, 1, 2, 3): "step 1, pass 1: blocks.0 was skipped (blocks.1 ran in its place)",
    (0, 1, 2): "step 1, pass 1: blocks.3 was skipped (the step ended after blocks.2)",
    (0, 1, 2, 3, 0): "step 1, pass 2: blocks.1 was skipped (the step ended after blocks.0)",
    (0, 1, 2, 0, 1, 2, 3): "step 1, pass 1: blocks.0 ran where blocks.3 was due",
    (0, 2, 1, 3): "step 1, pass 1: blocks.2 ran where blocks.1 was due",
    (2, 3, 0, 1): "step 1, pass 1: blocks.2 ran where blocks.0 was due",
    (0, 0, 1, 1, 2, 2, 3, 3): "step 1, pass 1: blocks.0 ran where blocks.1 was due",
    (0, 1, 2, 3, 3, 2, 1, 0): "step 1, pass 2: blocks.3 ran where blocks.0 was due",
}


@pytest.mark.parametrize("blocks", WRONG_ORDERS)
def test_other_orders_are_refused(blocks: tuple[int, ...]) -> None:
    with pytest.raises(ProfileError) as caught:
        passes(*order(*blocks), count=4)
    assert str(caught.value).startswith(WRONG_ORDERS[blocks])
    assert "\n" not in str(caught.value)


def test_blocks_within_blocks_are_refused() -> None:
    with pytest.raises(ProfileError, match=r"step 1: blocks\.1 began inside of blocks\.0"):
        passes([BlockBegins(0, 1, 1), *visit(1, 1), BlockEnds(0, 3)])


def test_a_block_that_caught_its_own_exception_did_not_end() -> None:
    with pytest.raises(ProfileError, match=r"step 1: blocks\.2 began and did not end"):
        passes(*order(0, 1), [BlockBegins(2, 3, 3)])


def test_a_result_nobody_waits_for_within_the_block_is_refused() -> None:
    left: Any = call()
    late = [*visit(0, 1, *exchange(1.1, 1.2), CallBegins(left, 1.5)), CallEnds(left, 2.5)]
    with pytest.raises(
        ProfileError, match=r"blocks\.0 in step 1: nobody waited for its collective 2 of 2 \(all-to-all\)"
    ):
        passes(late, visit(1, 3), visit(2, 4))


def steps_of(*kinds_by_pass: tuple[str, ...]) -> list[list[Pass]]:
    """One step for each of the arguments; its middle block issues the kinds."""
    return [
        passes(
            visit(0, 1),
            visit(1, 2, *(event for kind in kinds for event in exchange(2.1, 2.2, kind))),
            visit(2, 3),
            ends=4,
        )
        for kinds in kinds_by_pass
    ]


def test_other_collectives_from_pass_to_pass_are_refused() -> None:
    same = steps_of(("all-to-all",), ("all-to-all",))
    refuse_other_collectives(same, some_blocks())
    fewer = steps_of(("all-to-all", "all-to-all", "all-gather"), ("all-gather",))
    with pytest.raises(ProfileError) as caught:
        refuse_other_collectives(fewer, some_blocks())
    assert str(caught.value).startswith(
        "blocks.1: issued 1 collective (all-gather x1) in pass 1 of step 2 where it issued "
        "3 collectives (all-to-all x2, all-gather x1) in pass 1 of step 1"
    )
    # The same in a step's second pass.
    first, second = fewer
    with pytest.raises(ProfileError, match=r"blocks\.1: issued 1 collective \(all-gather x1\) in pass 2 of step 1"):
        refuse_other_collectives([[*first, *second]], some_blocks())


def test_other_numbers_of_passes_are_refused() -> None:
    one = steps_of(())[0]
    with pytest.raises(ProfileError, match=r"step 2: made 1 pass over the blocks where step 1 made 2"):
        refuse_other_collectives([[*one, *one], one], some_blocks())


def test_medians_are_over_blocks_passes_and_steps_and_the_spread_over_steps() -> None:
    durations = [(1, 2, 3), (2, 3, 4), (5, 6, 70), (3, 4, 5), (4, 5, 6)]
    steps = []
    for each in durations:
        starts = [10, 20, 40]
        visits = [visit(at, starts[at], seconds=seconds) for at, seconds in enumerate(each)]
        steps.append(passes(*visits, ends=200))
    kind = measured(steps, some_blocks()).kinds[0]
    # Medians by step are 2, 3, 6, 4, 5: their quartiles 3 and 5.
    assert kind.windows[0].seconds == 4
    assert kind.windows[0].spread == 1


def test_medians_are_over_all_passes() -> None:
    first, second = (
        [visit(at, start + 10 * at, seconds=seconds) for at in range(3)] for start, seconds in ((1, 2), (40, 4))
    )
    found = measured([passes(*first, *second, ends=70)], some_blocks())
    assert found.kinds[0].windows[0].seconds == 3


def test_half_middle_range() -> None:
    assert half_middle_range([3.0]) == 0
    assert half_middle_range([1.0, 1.0, 1.0]) == 0
    assert half_middle_range([0.0, 1.0, 2.0, 3.0, 100.0]) == 1


def test_blocks_of_one_layout_that_exchange_otherwise_are_kinds_of_their_own() -> None:
    steps = [passes(visit(0, 1), visit(1, 2, *exchange(2.25, 2.5)), visit(2, 3), ends=4)]
    found = measured(steps, some_blocks())
    assert [(run.first, run.count, run.kind) for run in found.runs] == [(0, 1, 0), (1, 1, 1), (2, 1, 0)]
    assert [len(kind.collectives) for kind in found.kinds] == [0, 1]
    assert [kind.weight_bytes for kind in found.kinds] == [272, 272]


def test_a_collective_has_the_bytes_of_the_pass_with_most() -> None:
    steps = [
        passes(*(visit(at, 1 + at, *exchange(1.25 + at, 1.5 + at, sent=sent)) for at in range(3)), ends=4)
        for sent in (10, 12, 8)
    ]
    found = measured(steps, some_blocks()).kinds
    assert [(each.sent_bytes, each.buffer_bytes) for each in found[0].collectives] == [(12, 48)]
