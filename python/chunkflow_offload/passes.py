"""Recorded steps as passes over all blocks, each with its windows and collectives in seconds."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from .errors import ProfileError
from .step_recorder import BlockBegins, BlockEnds, CallBegins, CallEnds, Event, RecordedStep

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .collectives import Call
    from .device_clock import Clock, Mark
    from .layout import Block


class TimedCall(NamedTuple):
    """A collective and its seconds from issue to wait."""

    call: Call
    seconds: float


class Visit(NamedTuple):
    """One run of a block.

    Attributes:
        block: Which one, by its place in the pass.
        before_s: Seconds since the block before ended, or since the step began; moving weights not counted.
        windows: Seconds of compute, one more than collectives.
        calls: Its collectives.
    """

    block: int
    before_s: float
    windows: tuple[float, ...]
    calls: tuple[TimedCall, ...]


class Pass(NamedTuple):
    """One run of all blocks in order, and the seconds of it that are not in a block."""

    visits: tuple[Visit, ...]
    outside_s: float


def passes_of(step: RecordedStep, number: int, blocks: Sequence[Block], clock: Clock) -> list[Pass]:
    """The passes of one step; `number` is for messages, from 1.

    Raises:
        ProfileError: Blocks that run in another order, more than once or not at all in a pass; a collective of a block
            that nobody waited for in it.
    """
    visits, after_s = _visits(step, number, blocks, clock)
    _refuse_other_orders([visit.block for visit in visits], number, blocks)
    count = len(blocks)
    passes = [visits[at : at + count] for at in range(0, len(visits), count)]
    # The steady state: behind the last pass' last block comes the next step's beginning.
    first_s = [after_s + passes[0][0].before_s, *(each[0].before_s for each in passes[1:])]
    return [
        Pass(tuple(each), before_s + sum(visit.before_s for visit in each[1:]))
        for each, before_s in zip(passes, first_s, strict=True)
    ]


def refuse_other_collectives(steps: Sequence[Sequence[Pass]], blocks: Sequence[Block]) -> None:
    """Refuses steps whose passes differ in number or in what their blocks issue.

    Raises:
        ProfileError: Names block, pass and step.
    """
    for number, passes in enumerate(steps, 1):
        if len(passes) != len(steps[0]):
            raise ProfileError(
                f"step {number}: made {_count(len(passes), 'pass', 'passes')} over the blocks where step 1 made "
                f"{len(steps[0])}; profile steps that do the same"
            )
        for at, each in enumerate(passes, 1):
            for visit, first in zip(each.visits, steps[0][0].visits, strict=True):
                issued, expected = _kinds(visit), _kinds(first)
                if issued != expected:
                    raise ProfileError(
                        f"{blocks[visit.block].path}: issued {_listed(issued)} in pass {at} of step {number} where it "
                        f"issued {_listed(expected)} in pass 1 of step 1; a plan needs the same in each pass"
                    )


def _visits(step: RecordedStep, number: int, blocks: Sequence[Block], clock: Clock) -> tuple[list[Visit], float]:
    """Runs of blocks in order, and the seconds from the last one's end to the step's."""
    found: list[Visit] = []
    last = step.begins
    for begin, inner, end in _bracketed(step.events, number, blocks):
        before_s = max(0.0, clock.seconds(last, begin.arrived))
        found.append(_visit(begin, inner, end, before_s, clock, f"{blocks[begin.block].path} in step {number}"))
        last = end.mark
    return found, max(0.0, clock.seconds(last, step.ends))


def _bracketed(
    events: Sequence[Event], number: int, blocks: Sequence[Block]
) -> Iterator[tuple[BlockBegins, list[Event], BlockEnds]]:
    begin: BlockBegins | None = None
    inner: list[Event] = []
    for event in events:
        if isinstance(event, BlockBegins):
            if begin is not None:
                raise ProfileError(
                    f"step {number}: {blocks[event.block].path} began inside of {blocks[begin.block].path}; "
                    "a plan needs blocks that run one after another"
                )
            begin, inner = event, []
        elif isinstance(event, BlockEnds):
            if begin is None or begin.block != event.block:
                raise ProfileError(f"step {number}: {blocks[event.block].path} ended without having begun")
            yield begin, inner, event
            begin = None
        elif begin is not None:
            inner.append(event)
    if begin is not None:
        raise ProfileError(f"step {number}: {blocks[begin.block].path} began and did not end")


def _visit(
    begin: BlockBegins, inner: Sequence[Event], end: BlockEnds, before_s: float, clock: Clock, where: str
) -> Visit:
    """Divides a block's time: what is between a collective's issue and its wait is its own, the rest compute.

    Of collectives that are in flight together each has the time that those before it have not.
    """
    issued = [event for event in inner if isinstance(event, CallBegins)]
    ended = {id(event.call): event for event in inner if isinstance(event, CallEnds)}
    windows: list[float] = []
    calls: list[TimedCall] = []
    reached: Mark = begin.mark
    for at, event in enumerate(issued, 1):
        if id(event.call) not in ended:
            raise ProfileError(
                f"{where}: nobody waited for its collective {at} of {len(issued)} ({event.call.kind}) before it ended; "
                "a plan needs each waited for within its block"
            )
        compute_s = clock.seconds(reached, event.mark)
        from_there = event.mark if compute_s >= 0 else reached
        windows.append(max(0.0, compute_s))
        seconds = clock.seconds(from_there, ended[id(event.call)].mark)
        calls.append(TimedCall(event.call, max(0.0, seconds)))
        reached = ended[id(event.call)].mark if seconds >= 0 else from_there
    windows.append(max(0.0, clock.seconds(reached, end.mark)))
    return Visit(begin.block, before_s, tuple(windows), tuple(calls))


def _refuse_other_orders(order: Sequence[int], number: int, blocks: Sequence[Block]) -> None:
    if not order:
        raise ProfileError(
            f"step {number}: ran none of {blocks[0].path} to {blocks[-1].path}; it has to call this very model "
            "(a model that was compiled as a whole calls no hooks: compile its blocks)"
        )
    count = len(blocks)
    for place, index in enumerate(order):
        due = place % count
        if index == due:
            continue
        where = f"step {number}, pass {place // count + 1}"
        ran, expected = blocks[index].path, blocks[due].path
        if index > due and due not in _rest_of_pass(order, place, due):
            raise ProfileError(
                f"{where}: {expected} was skipped ({ran} ran in its place); a plan needs every block in each pass: "
                "switch off what skips blocks"
            )
        raise ProfileError(
            f"{where}: {ran} ran where {expected} was due; a plan needs the same order in each pass: "
            'give the lists in order of execution, containers=["...", "..."]'
        )
    if len(order) % count:
        raise ProfileError(
            f"step {number}, pass {len(order) // count + 1}: {blocks[len(order) % count].path} was skipped "
            f"(the step ended after {blocks[order[-1]].path}); a plan needs every block in each pass"
        )


def _rest_of_pass(order: Sequence[int], place: int, due: int) -> Iterator[int]:
    """Blocks that ran from a place on, until one runs that the pass has had before it."""
    for index in order[place:]:
        if index < due:
            return
        yield index


def _kinds(visit: Visit) -> list[str]:
    return [each.call.kind for each in visit.calls]


def _listed(kinds: Sequence[str]) -> str:
    if not kinds:
        return "no collectives"
    counted = ", ".join(f"{kind} x{times}" for kind, times in Counter(kinds).items())
    return f"{_count(len(kinds), 'collective', 'collectives')} ({counted})"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
