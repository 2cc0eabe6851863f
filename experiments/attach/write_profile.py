"""Profiles one case as measure.py builds it. Not named profile.py, which Python's own cProfile would import."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from measure import SEED
from model_cases import Case, build, divide_among_ranks, inputs_of, run

import chunkflow_offload as chunkflow

if TYPE_CHECKING:
    from pathlib import Path

    from place import Place


def profile_path(folder: Path, case: Case, ranks: int) -> Path:
    """Where a case's profile is."""
    return folder / f"{case.id(ranks)}.profile.json"


def write_profile(case: Case, place: Place, path: Path, weights_on: str) -> None:
    """Builds a case's model and profiles it. `gpu_memory.free_memory` then gives back what that has taken."""
    blocks_on = torch.device("cpu") if weights_on == "host" else place.device
    model = build(case, place.device, SEED, blocks_on=blocks_on)
    divide_among_ranks(model, case, place.device)
    inputs = inputs_of(case, place.device, SEED + 1)
    with torch.no_grad():
        chunkflow.profile(
            model,
            lambda: run(model, inputs),
            path=path,
            containers=list(case.family.containers),
            device=place.device,
            id=case.id(place.ranks),
        )
