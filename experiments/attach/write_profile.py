"""Profiles one case as measure.py builds it. Not named profile.py, which Python's own cProfile would import."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from measure import SEED, Place, here, leave
from model_cases import Case, build, case_named, divide_among_ranks, inputs_of, run

import chunkflow_offload as chunkflow


def main() -> None:
    """Writes FOLDER/CASE.profile.json and prints its path."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", help="MODEL:TOKENS[:BLOCKS]")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--storage", choices=["bfloat16", "float8_e4m3fn"], default="bfloat16")
    parser.add_argument("--weights-on", choices=["device", "host"], default="device")
    parser.add_argument("--tiny", action="store_true", help="a dry run on CPU cores")
    flags = parser.parse_args()
    case = case_named(flags.case, tiny=flags.tiny, storage=flags.storage)
    place = here(flags.tiny)
    path = profile_path(flags.folder, case, place.ranks)
    write_profile(case, place, path, flags.weights_on)
    if place.rank == 0:
        print(path)
    leave()


def profile_path(folder: Path, case: Case, ranks: int) -> Path:
    """Where a case's profile is."""
    return folder / f"{case.id(ranks)}.profile.json"


def write_profile(case: Case, place: Place, path: Path, weights_on: str) -> None:
    """Builds a case's model and profiles it. `measure.free_memory` then gives back what that has taken."""
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


if __name__ == "__main__":
    main()
