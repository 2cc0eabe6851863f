"""What an attached plan has done, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .native import Facts


def report_of(facts: Facts, counts: Mapping[str, int], host_s: float) -> str:
    """A few lines: the plan, its memory, what was copied, and what did not go as planned."""
    blocks = len(facts.block_bytes)
    begins = counts["begins"]
    on_device = sum(facts.resident_bytes) + facts.slots * facts.slot_bytes
    lines = [
        f"plan           {facts.plan} ({facts.backend}), {blocks} blocks",
        f"weights        {_size(sum(facts.block_bytes))}: {_size(sum(facts.resident_bytes))} resident, "
        f"{_size(facts.streamed_bytes)} streamed each pass",
        f"on the device  {_size(on_device)} with {facts.slots} slots of {_size(facts.slot_bytes)}",
        f"ran            {begins} blocks, {begins / blocks:.1f} passes",
        f"copied         {_size(counts['bytes'])} in {counts['chunks']} chunks",
        f"restarts       {counts['restarts']} (the first block, blocks out of order, behind a change of weights)",
        f"late windows   {counts['late_windows']} (their collective did not come)",
        f"unplanned      {counts['unplanned']} collectives",
        f"waited         {1e-3 * counts['waited_ns'] / max(begins, 1):.1f} us a block, for copies to be enqueued",
        f"host time      {1e6 * host_s / max(begins, 1):.1f} us a block",
    ]
    return "\n".join(lines)


def _size(count: int) -> str:
    value, units = float(count), ["B", "KiB", "MiB", "GiB"]
    while value >= 1024 and len(units) > 1:
        value /= 1024
        units.pop(0)
    return f"{value:.0f} {units[0]}" if units[0] == "B" else f"{value:.1f} {units[0]}"
