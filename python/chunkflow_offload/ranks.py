"""Agreement of the ranks that profile one model together."""

from __future__ import annotations

import statistics
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import torch.distributed as dist

from .errors import ProfileError
from .profile_file import Collective, Kind, Process, Profile, Window

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")


def is_first() -> bool:
    """Whether this process is rank 0, or alone."""
    return not (dist.is_available() and dist.is_initialized()) or dist.get_rank() == 0


def from_all(value: T, *, together: bool) -> list[T]:
    """The value of each rank of the default group, or this one's where ranks do not meet in collectives."""
    if not together:
        return [value]
    values: list[T] = [value] * dist.get_world_size()
    dist.all_gather_object(values, value)
    return values


def merged(profiles: Sequence[Profile]) -> Profile:
    """One profile of all ranks': medians over ranks, with the largest spread; bytes of the rank that has most.

    Raises:
        ProfileError: Ranks whose blocks or collectives differ.
    """
    first = profiles[0]
    for rank, other in enumerate(profiles):
        if _shape(other) != _shape(first):
            raise ProfileError(
                f"rank {rank} has other blocks, passes or collectives than rank 0; a plan is for all ranks"
            )
    kinds = [_merged_kind([profile.kinds[at] for profile in profiles]) for at in range(len(first.kinds))]
    notes = dict.fromkeys(note for profile in profiles for note in profile.notes)
    return replace(
        first,
        step=replace(first.step, host_s=_largest([profile.step.host_s for profile in profiles])),
        kinds=tuple(kinds),
        outside_bytes=max(profile.outside_bytes for profile in profiles),
        outside_s=statistics.median(profile.outside_s for profile in profiles),
        activation_bytes=max(profile.activation_bytes for profile in profiles),
        process=_merged_process([profile.process for profile in profiles if profile.process is not None]),
        notes=tuple(notes),
    )


def _shape(profile: Profile) -> object:
    kinds = [[at.kind for at in kind.collectives] for kind in profile.kinds]
    return profile.fingerprint, profile.step.passes, profile.step.ranks, profile.blocks, kinds


def _largest(seconds: Sequence[float | None]) -> float | None:
    """That of the slowest rank; None where one does not know its own."""
    known = [each for each in seconds if each is not None]
    return max(known) if len(known) == len(seconds) else None


def _merged_process(ranks: Sequence[Process]) -> Process | None:
    if not ranks:
        return None
    return Process(max(at.allocator_bytes for at in ranks), max(at.other_bytes for at in ranks))


def _merged_kind(kinds: Sequence[Kind]) -> Kind:
    windows = [
        Window(statistics.median(at.seconds for at in same), max(at.spread for at in same))
        for same in zip(*(kind.windows for kind in kinds), strict=True)
    ]
    collectives = [
        Collective(
            same[0].kind,
            max(at.sent_bytes for at in same),
            max(at.buffer_bytes for at in same),
            statistics.median(at.seconds for at in same),
        )
        for same in zip(*(kind.collectives for kind in kinds), strict=True)
    ]
    return replace(kinds[0], windows=tuple(windows), collectives=tuple(collectives))
