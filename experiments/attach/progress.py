"""How far a case has been measured, across runs that were ended."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from place import Place


class Progress:
    """What a case has behind it: a run that was ended, or has crashed, goes on there.

    A part in which a process has died, such as a variant, is not tried again. Made on all ranks at once.
    """

    def __init__(self, out: Path, case: str, place: Place) -> None:
        self._place = place
        self._running = out.with_name(f"{out.name}.{case}.running")
        self._done: dict[str, int] = {}
        self.reference: tuple[str, list[str]] | None = None
        """Variant and digests of the case's first record: other variants give the same bits, or they are wrong."""
        if out.is_file():
            for line in out.read_text(encoding="utf-8").splitlines():
                record = json.loads(line)
                if record["case"] == case:
                    key = record["variant"]["key"]
                    self.reference = self.reference or (key, record["digests"])
                    self._done[key] = max(self._done.get(key, 0), record["round"])
        crashed = out.with_name(f"{out.name}.{case}.crashed")
        if place.rank == 0 and self._running.is_file():
            with crashed.open("a", encoding="utf-8") as file:
                file.write(self._running.read_text(encoding="utf-8"))
            self._running.unlink()
        # Rank 0 has written that file before another rank reads it.
        place.from_all(0)
        self._skipped = set(crashed.read_text(encoding="utf-8").splitlines() if crashed.is_file() else ())
        if place.rank == 0 and self._skipped:
            print(f"SKIPPED {case}, {', '.join(sorted(self._skipped))}: a process has died in it", flush=True)

    def is_over(self, key: str, round_number: int = 1) -> bool:
        """Whether this round of a variant need not be measured, or cannot be."""
        return key in self._skipped or self._done.get(key, 0) >= round_number

    def begin(self, key: str) -> None:
        """A variant is about to be measured."""
        if self._place.rank == 0:
            self._running.write_text(f"{key}\n", encoding="utf-8")

    def end(self, key: str, why: str | None = None) -> None:
        """It was, or it cannot be, and that is why."""
        if self._place.rank == 0:
            self._running.unlink(missing_ok=True)
        if why is not None:
            self._skipped.add(key)
