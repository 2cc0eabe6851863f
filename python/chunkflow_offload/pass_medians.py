"""Kinds of blocks with the medians of what was measured of them."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, NamedTuple

from .compiled_modules import class_of
from .layout import dtype_name, kind_indices
from .profile_file import Collective, Kind, Run, Tensor, Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .collectives import Call
    from .layout import Block
    from .passes import Pass, Visit


class Measured(NamedTuple):
    """Kinds, runs of blocks that are of one kind, and the seconds of a pass outside of blocks."""

    kinds: tuple[Kind, ...]
    runs: tuple[Run, ...]
    outside_s: float


def measured(steps: Sequence[Sequence[Pass]], blocks: Sequence[Block]) -> Measured:
    """Medians over steps, passes and the blocks of a kind; every pass issues the same collectives."""
    calls = [_largest_calls([each.visits[at] for passes in steps for each in passes]) for at in range(len(blocks))]
    # Blocks whose bytes lie alike, and which exchange alike.
    keys = list(zip(kind_indices(blocks), calls, strict=True))
    order = {key: kind for kind, key in enumerate(dict.fromkeys(keys))}
    kind_of = [order[key] for key in keys]
    kinds = [_kind(steps, blocks, [at for at, of in enumerate(kind_of) if of == kind]) for kind in order.values()]
    outside_s = statistics.median(each.outside_s for passes in steps for each in passes)
    return Measured(tuple(kinds), tuple(_runs(blocks, kind_of)), outside_s)


def half_middle_range(values: Sequence[float]) -> float:
    """Half the range of the middle half: half the distance of the quartiles; 0 of a single value."""
    if len(values) < 2:
        return 0.0
    lower, _, upper = statistics.quantiles(values, n=4, method="inclusive")
    return (upper - lower) / 2


def _largest_calls(visits: Sequence[Visit]) -> tuple[Call, ...]:
    """A block's collectives, each with the bytes of the pass that has most of them."""
    return tuple(max(each.call for each in same) for same in zip(*(visit.calls for visit in visits), strict=True))


def _kind(steps: Sequence[Sequence[Pass]], blocks: Sequence[Block], members: Sequence[int]) -> Kind:
    first = blocks[members[0]]
    visits = [[each.visits[at] for each in passes for at in members] for passes in steps]
    calls = _largest_calls([visit for step in visits for visit in step])
    return Kind(
        name=class_of(first.module).__name__,
        weight_bytes=first.nbytes,
        tensors=tuple(
            Tensor(leaf.name, leaf.offset, leaf.nbytes, dtype_name(leaf.tensor.dtype), tuple(leaf.tensor.shape))
            for leaf in first.leaves
        ),
        windows=tuple(_window(visits, at) for at in range(len(calls) + 1)),
        collectives=tuple(
            Collective(
                call.kind,
                call.sent_bytes,
                call.buffer_bytes,
                statistics.median(visit.calls[at].seconds for step in visits for visit in step),
            )
            for at, call in enumerate(calls)
        ),
    )


def _window(visits: Sequence[Sequence[Visit]], at: int) -> Window:
    seconds = [[visit.windows[at] for visit in step] for step in visits]
    by_step = [statistics.median(step) for step in seconds]
    return Window(statistics.median(value for step in seconds for value in step), half_middle_range(by_step))


def _runs(blocks: Sequence[Block], kind_of: Sequence[int]) -> Iterator[Run]:
    run: Run | None = None
    for block, kind in zip(blocks, kind_of, strict=True):
        container, _, place = block.path.rpartition(".")
        if run is not None and (run.container, run.kind, run.first + run.count) == (container, kind, int(place)):
            run = Run(run.container, run.first, run.count + 1, run.kind)
        else:
            if run is not None:
                yield run
            run = Run(container, int(place), 1, kind)
    if run is not None:
        yield run
