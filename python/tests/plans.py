"""Plan documents for a model's blocks, as `chunkflow plan --profile` writes them for its presets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from chunkflow_offload.compiled_modules import class_of
from chunkflow_offload.layout import Block, find_blocks, fingerprint, kind_indices, kinds_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import nn

PAGE = 2 << 20
MIB = 1 << 20


def write_plan(path: Path, model: nn.Module, preset: str = "yield", **settings: Any) -> Path:
    path.write_text(json.dumps(plan_document(find_blocks(model), preset, **settings)))
    return path


def plan_document(
    blocks: Sequence[Block],
    preset: str = "yield",
    *,
    resident: float = 0.0,
    resident_blocks: Sequence[int] = (),
    prefetch: int = 1,
    slots: int | None = None,
    chunk: int | None = 1 * MIB,
    collectives: int = 0,
    ranks: int = 1,
    carried: int = 0,
    model: str = "toy",
    pace: float = 0.0,
) -> dict[str, Any]:
    """`preset` is yield, layerwise or drain; `resident` the fraction at the front of every block, in whole pages.

    `pace`: seconds between chunks. `carried`: bytes that a rank sends in each all-to-all, which the plan then carries
    itself.
    """
    count = len(blocks)
    streamed = [i for i in range(count) if i not in resident_blocks and preset != "none"]
    issue_at, least_slots = (
        _bursts(streamed, count, prefetch) if preset == "layerwise" else _top_up(streamed, count, prefetch)
    )
    runs = []
    for index, block in enumerate(blocks):
        if index not in streamed:
            runs.append({"times": 1, "residentBytes": block.nbytes, "ahead": 0, "windowBytes": []})
            continue
        front = int(block.nbytes * resident) // PAGE * PAGE
        rest = block.nbytes - front
        windows = _even(rest, collectives + 1) if preset == "yield" else [rest]
        ahead = index - issue_at[streamed.index(index)]
        runs.append({"times": 1, "residentBytes": front, "ahead": ahead, "windowBytes": windows})
    kinds = kinds_of(blocks)
    sent = carried or 4096
    call = {"kind": "all-to-all", "sentBytes": sent, "bufferBytes": 4 * sent}
    return {
        "schema": "chunkflow/plan@2",
        "name": f"{preset} of a test",
        "model": model,
        "chunkBytes": chunk,
        "slots": slots if slots is not None else least_slots,
        "yieldRule": {"yield": "wait", "drain": "drain"}.get(preset, "none"),
        "paceS": pace,
        "drainAtPassStart": preset == "layerwise",
        "sequential": False,
        "transport": "none" if ranks == 1 else "staged-copy" if carried else "shm",
        "pieceBytes": carried // 3 // 256 * 256 if carried else 0,
        "stagedInCopyStream": carried > 0 and preset == "yield",
        "profiled": {
            "fingerprint": fingerprint(blocks),
            "ranks": ranks,
            "kinds": [
                {
                    "name": class_of(group[0].module).__name__,
                    "weightBytes": group[0].nbytes,
                    "collectives": [call] * collectives,
                }
                for group in kinds
            ],
            "blocks": [{"kind": kind, "times": 1} for kind in kind_indices(blocks)],
        },
        "blocks": runs,
    }


def _even(total: int, parts: int) -> list[int]:
    share = total // parts // 256 * 256
    return [share] * (parts - 1) + [total - share * (parts - 1)]


def _top_up(streamed: Sequence[int], blocks: int, prefetch: int) -> tuple[list[int], int]:
    """At every block the next `prefetch` streamed ones are issued."""
    if not streamed:
        return [], 0
    if len(streamed) == 1 and blocks > 1:
        return [streamed[0] + 1 - blocks], 1
    depth = max(1, min(prefetch, len(streamed) - 1))
    return [
        streamed[i - depth] if i >= depth else streamed[i - depth + len(streamed)] - blocks
        for i in range(len(streamed))
    ], depth + 1


def _bursts(streamed: Sequence[int], blocks: int, burst: int) -> tuple[list[int], int]:
    """Every `burst` blocks the next `burst` are issued; with residents, the first ones at the start of the pass."""
    if not streamed:
        return [], 0
    last = (blocks - 1) // burst * burst
    issue_at = []
    for index, block in enumerate(streamed):
        group = block // burst
        at_start = len(streamed) < blocks and index < burst
        issue_at.append(0 if at_start else last - blocks if group == 0 else (group - 1) * burst)
    return issue_at, min(2 * burst, len(streamed))
