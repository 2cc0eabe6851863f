"""Prints what measure.py recorded: steps against no offload, memory, and whether the bits are right."""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Of the files that are given."""
    rounds: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for path in map(Path, sys.argv[1:]):
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            rounds.setdefault((record["case"], record["variant"]["key"]), []).append(record)
    baseline = {case: _median(found) for (case, key), found in rounds.items() if key == "none"}
    print(f"{'case':34} {'variant':34} {'ms':>9} {'x none':>7} {'noise':>6} {'GiB':>6} {'host':>6} bits")
    for (case, key), found in rounds.items():
        step_s = _median(found)
        against = f"{step_s / baseline[case]:7.3f}" if case in baseline else f"{'-':>7}"
        medians = [statistics.median(each["stepS"]) for each in found]
        noise = statistics.mean(abs(each - step_s) / step_s for each in medians)
        host_s = found[-1]["hostS"]
        host = f"{'-':>6}" if host_s is None else f"{host_s / step_s:6.2%}"
        bits = "same" if all(each["isSame"] for each in found) else "OTHER"
        steady = "" if all(each["warmUp"]["isSteady"] for each in found) else ", not steady"
        restarts = sum((each["counts"] or {}).get("restarts", 0) for each in found)
        late = sum((each["counts"] or {}).get("late_windows", 0) for each in found)
        odd = f", {restarts} restarts, {late} late windows" if restarts + late > 0 else ""
        memory = max(each["memory"]["deviceBytes"] for each in found) / (1 << 30)
        print(
            f"{case:34} {key:34} {step_s * 1e3:9.2f} {against} {noise:6.2%} {memory:6.2f} {host} "
            f"{bits}{steady}{odd}{'' if len(found) > 1 else ', one round'}"
        )


def _median(found: list[dict[str, Any]]) -> float:
    return float(statistics.median(statistics.median(each["stepS"]) for each in found))


if __name__ == "__main__":
    main()
