"""Makes the plans of one profile with `chunkflow`, one file each, and builds their libraries side by side."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

PRESETS = ("none", "layerwise", "chunked", "yield", "yield,resident=0.25", "yield,resident=0.5")
CAPS = (0.35, 0.6)
"""Of the memory that the model takes without offload."""


def main() -> None:
    """Writes the plans into a folder and prints their paths, a line each."""
    flags = _flags()
    flags.folder.mkdir(parents=True, exist_ok=True)
    if not flags.no_libraries:
        # It imports PyTorch, which takes as long as planning.
        Thread(target=import_module, args=("chunkflow_offload.library_cache",)).start()
    ranks = json.loads(flags.profile.read_text(encoding="utf-8"))["step"]["ranks"]
    transports = (flags.transport or [None]) if ranks > 1 else [None]
    plans: list[Path] = []
    for number, transport in enumerate(transports):
        suffix = "" if number == 0 else f",transport={transport}"
        for document in _plans(flags, transport):
            document["name"] += suffix
            path = flags.folder / f"{re.sub(r'[^a-z0-9.]+', '-', document['name'])}.json"
            path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
            plans.append(path)
    for path in plans if flags.no_libraries else _built(plans, flags.backend):
        print(path)


def _plans(flags: argparse.Namespace, transport: str | None) -> list[dict[str, Any]]:
    """Those of the presets, and the planner's own within each cap."""
    shared = ["--profile", str(flags.profile), "--machine", flags.machine]
    if transport is not None:
        shared += ["--transport", transport]
    many = flags.folder / "presets.jsonl"
    presets = [part for preset in flags.plan or PRESETS for part in ("--plan", preset)]
    predicted = json.loads(_chunkflow(["predict", *shared, *presets, "--json", "--save-plan", str(many)]))
    found = [json.loads(line) for line in many.read_text(encoding="utf-8").splitlines()]
    many.unlink()
    whole = max(plan["gpuPeakBytes"] for plan in predicted["plans"])
    seen = {_settings(document) for document in found}
    for cap in CAPS if flags.cap is None else flags.cap:
        one = flags.folder / "cap.json"
        try:
            _chunkflow(["plan", *shared, "--gpu-memory", f"{int(whole * cap)} B", "--save-plan", str(one)])
        except subprocess.CalledProcessError as error:
            print(f"SKIPPED the plan within {cap:.0%} of memory: {error.stderr.strip()}", file=sys.stderr)
            continue
        document = json.loads(one.read_text(encoding="utf-8"))
        one.unlink()
        if _settings(document) in seen:
            print(f"the plan within {cap:.0%} of memory is one that is there: {document['name']}", file=sys.stderr)
            continue
        seen.add(_settings(document))
        found.append(document | {"name": f"planned within {cap:.0%}"})
    return found


def _settings(document: dict[str, Any]) -> str:
    return json.dumps({key: value for key, value in document.items() if key != "name"}, sort_keys=True)


def _chunkflow(arguments: list[str]) -> str:
    command = shlex.split(os.environ.get("CHUNKFLOW", "chunkflow"))
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise subprocess.CalledProcessError(done.returncode, arguments, done.stdout, done.stderr)
    return done.stdout


def _built(plans: list[Path], backend: str) -> list[Path]:
    """Builds libraries before anything is measured: a compiler beside a step would take its cores."""
    from chunkflow_offload import ChunkflowError
    from chunkflow_offload.library_cache import library_for

    def build(path: Path) -> Path | None:
        try:
            library_for(path, backend)
        except ChunkflowError as error:
            print(f"SKIPPED {path.name}: {error}", file=sys.stderr)
            return None
        return path

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [path for path in pool.map(build, plans) if path is not None]


def _flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("profile", type=Path)
    parser.add_argument("--machine", required=True, help="name or file")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--backend", choices=["cuda", "host"], default="cuda")
    parser.add_argument("--transport", action="append", help="of the collectives; repeat for several")
    parser.add_argument("--plan", action="append", help="preset with its settings, in place of the usual ones")
    parser.add_argument("--cap", action="append", type=float, help="share of the memory without offload, likewise")
    parser.add_argument("--no-libraries", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
