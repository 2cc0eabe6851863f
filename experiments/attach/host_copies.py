"""Rates of copies between a GPU and host memory of each kind, as tools that hold weights make them.

    python3 host_copies.py [--mib 50] [--tensors 16] [--rounds 7] [--out copies.json]

Prints one JSON object: bytes/s, median over rounds, and the spread between them. Memory is touched before it is
timed, but for copies to new host memory, of which each has its own, as `tensor.to("cpu")` does.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> None:
    """Measures every kind in turn, round by round, and prints what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=50, help="bytes of a tensor")
    parser.add_argument("--tensors", type=int, default=16, help="tensors of a block")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path)
    flags = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("error: there is no GPU here; run it where the weights are to be held")
    device = torch.device("cuda", 0)
    elements = flags.mib << 20
    on_gpu = [torch.randint(0, 255, (elements,), dtype=torch.uint8, device=device) for _ in range(flags.tensors)]
    pageable = [torch.randint(0, 255, (elements,), dtype=torch.uint8) for _ in range(flags.tensors)]
    pinned = [each.pin_memory() for each in pageable]
    kinds: dict[str, Callable[[], object]] = {
        "pinnedIn": lambda: [each.to(device, non_blocking=True) for each in pinned],
        "pageableIn": lambda: [each.to(device) for each in pageable],
        "pageableInNonBlocking": lambda: [each.to(device, non_blocking=True) for each in pageable],
        "pinnedOut": lambda: [to.copy_(each, non_blocking=True) for to, each in zip(pinned, on_gpu, strict=True)],
        "pageableOut": lambda: [to.copy_(each) for to, each in zip(pageable, on_gpu, strict=True)],
        "newPageableOut": lambda: [each.to("cpu") for each in on_gpu],
        "newPageableOutNonBlocking": lambda: [each.to("cpu", non_blocking=True) for each in on_gpu],
    }
    seconds: dict[str, list[float]] = {name: [] for name in kinds}
    for turn in range(flags.rounds + 1):
        for name, copy in kinds.items():
            torch.cuda.synchronize()
            began = time.perf_counter()
            kept = copy()
            torch.cuda.synchronize()
            taken = time.perf_counter() - began
            del kept
            # The first turn finds allocators and pages that nobody has touched.
            if turn > 0:
                seconds[name].append(taken)
    moved = elements * flags.tensors
    report = {
        "schema": "chunkflow/host-copies@1",
        "device": torch.cuda.get_device_name(device),
        "torch": torch.__version__,
        "bytes": moved,
        "tensors": flags.tensors,
        "rates": {
            name: {
                "bytesPerS": moved / statistics.median(each),
                "spread": (max(each) - min(each)) / statistics.median(each),
            }
            for name, each in seconds.items()
        },
    }
    text = json.dumps(report, indent=1)
    if flags.out is not None:
        flags.out.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
