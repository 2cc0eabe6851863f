"""Profiles, plans and measures a list of cases in one group of processes, within a time.

Run by run.sh under `torchrun`. Started anew in the same folder, it goes on: profiles, plans and records that are there
are taken over, and a part in which a process has died is left out.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from gpu_memory import free_memory
from measure import Settings, measure_rounds
from model_cases import Case, case_named, load_classes
from place import Place, here, leave, say
from progress import Progress
from variants import variant_of
from write_profile import profile_path, write_profile

if TYPE_CHECKING:
    from collections.abc import Sequence

STORAGE = "float8_e4m3fn"
PROFILE = "profile"
"""What a case's progress calls the making of its profile."""
LEAST_PROFILE_S = 30.0
LEAST_CASE_S = 15.0
MOST_PLANS_S = 270.0
"""Other ranks wait for plans in a collective, which NCCL ends after 300 s."""
PACK_EVERY_S = 20.0


@dataclass(frozen=True)
class Listed:
    """A case of the list, and where its files are.

    Attributes:
        text: As the list has it.
        weights_on: `device` or `host`, where the blocks' weights are before a variant takes them.
        profile: Its profile's file.
        plans: Folder of its plans.
    """

    text: str
    case: Case
    weights_on: str
    profile: Path
    plans: Path
    log: Path

    @property
    def plan_list(self) -> Path:
        """Lists the plans whose libraries are built."""
        return self.plans.with_name(f"{self.plans.name}.list")


class Packer:
    """Packs results now and then, while no step runs: a call may be ended at any time."""

    def __init__(self, command: str | None, place: Place) -> None:
        self._command = command if place.rank == 0 else None
        self._last_s = time.monotonic()

    def pack(self, least_s: float = PACK_EVERY_S) -> None:
        """Packs them, unless less than `least_s` have passed since the last time."""
        if self._command is not None and time.monotonic() - self._last_s >= least_s:
            subprocess.run(["bash", "-c", self._command], check=False)
            self._last_s = time.monotonic()


def main() -> None:
    """First all profiles, then all plans side by side, then steps: no compiler runs beside a step."""
    flags = _flags()
    began = time.monotonic()
    listed = _listed(flags)
    load_classes([each.case for each in listed])
    imported = time.monotonic()
    place = here(flags.tiny)
    ballast = _take_all_but(flags.free_gib, place)
    say(
        place,
        flags.until,
        f"{place.ranks} ranks; {imported - began:.1f} s of diffusers' imports, "
        f"{time.monotonic() - imported:.1f} s of communicators",
    )
    packer = Packer(flags.pack, place)
    progress = {each.text: Progress(flags.out, each.case.id(place.ranks), place) for each in listed}
    for each in listed:
        _profile(each, place, flags.until, progress[each.text])
    _plan([each for each in listed if each.profile.is_file()], place, flags)
    packer.pack(0.0)
    for each in listed:
        if not each.plan_list.is_file():
            continue
        if place.left_s(flags.until) < LEAST_CASE_S:
            say(place, flags.until, f"not begun: {each.text}")
            continue
        _measure(each, place, flags, progress[each.text], packer)
        _forget_case(place)
        packer.pack(0.0)
    del ballast
    leave()


def _take_all_but(free_gib: float | None, place: Place) -> ctypes.c_uint64 | None:
    """Takes the device's memory but for so much, as another program would: not from PyTorch's allocator."""
    if free_gib is None or not place.is_cuda:
        return None
    free, _ = torch.cuda.mem_get_info(place.device)
    address = ctypes.c_uint64()
    size = ctypes.c_size_t(max(0, free - int(free_gib * (1 << 30))))
    code = ctypes.CDLL("libcuda.so.1").cuMemAlloc_v2(ctypes.byref(address), size)
    if code != 0:
        raise SystemExit(f"--free-gib: the device refused {size.value} bytes (CUDA error {code})")
    return address


def _profile(listed: Listed, place: Place, until: float, progress: Progress) -> None:
    if listed.profile.is_file() or progress.is_over(PROFILE):
        return
    if place.left_s(until) < LEAST_PROFILE_S:
        say(place, until, f"not begun: {listed.text}")
        return
    say(place, until, f"{listed.text}: profile")
    began = time.monotonic()
    progress.begin(PROFILE)
    write_profile(listed.case, place, listed.profile, listed.weights_on)
    # Every rank has to have ended, and to see the file that rank 0 has written.
    place.from_all(0)
    progress.end(PROFILE)
    _forget_case(place)
    say(place, until, f"{listed.text}: profile took {time.monotonic() - began:.1f} s")


def _plan(cases: Sequence[Listed], place: Place, flags: argparse.Namespace) -> None:
    """Plans and libraries of all cases that have none, side by side on rank 0; the other ranks wait."""
    missing = [each for each in cases if not each.plan_list.is_file()]
    # Rank 0 makes these files: every rank has looked for them first.
    place.from_all(0)
    if missing and place.rank == 0:
        say(place, flags.until, f"plans and libraries of {len(missing)} cases")
        began = time.monotonic()
        ends = began + min(MOST_PLANS_S, max(0.0, flags.until - time.time()))
        for each, process in [(each, _start_plans(each, flags)) for each in missing]:
            why = _why_failed(process, each, ends)
            if why is None:
                _new(each.plan_list).replace(each.plan_list)
            for line in each.log.read_text(encoding="utf-8", errors="replace").splitlines():
                if line.startswith("SKIPPED"):
                    say(place, flags.until, f"{each.text}: {line[:300]}")
            said = f"plans took {time.monotonic() - began:.1f} s" if why is None else f"FAILED, no plans: {why}"
            say(place, flags.until, f"{each.text}: {said}")
    place.from_all(0)


def _start_plans(listed: Listed, flags: argparse.Namespace) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(Path(__file__).with_name("make_plans.py")), str(listed.profile)]
    command += ["--machine", flags.machine, "--folder", str(listed.plans)]
    command += ["--backend", "host" if flags.tiny else "cuda"]
    for flag, values in (("--transport", flags.transport), ("--plan", flags.plan), ("--cap", flags.cap)):
        command += [part for value in values for part in (flag, value)]
    with _new(listed.plan_list).open("wb") as paths, listed.log.open("wb") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=paths, stderr=log)


def _new(path: Path) -> Path:
    return path.with_name(f"{path.name}.new")


def _why_failed(process: subprocess.Popen[bytes], listed: Listed, ends: float) -> str | None:
    try:
        status = process.wait(max(0.0, ends - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.terminate()
        process.wait()
        return "there was no time"
    if status == 0:
        return None
    lines = listed.log.read_text(encoding="utf-8", errors="replace").splitlines() or [f"status {status}"]
    return lines[-1][:300]


def _measure(listed: Listed, place: Place, flags: argparse.Namespace, progress: Progress, packer: Packer) -> None:
    plans = listed.plan_list.read_text(encoding="utf-8").splitlines()
    variants = [variant_of(text) for text in ("none", *(f"attach:{plan}" for plan in plans), *flags.peer)]
    say(place, flags.until, f"{listed.text}: {flags.rounds} rounds of {len(variants)} variants")
    settings = Settings(
        out=flags.out,
        until=flags.until,
        profile=listed.profile,
        sglang=flags.sglang,
        weights_on=listed.weights_on,
        steps=flags.steps,
        rounds=flags.rounds,
    )
    measure_rounds(listed.case, variants, place, settings, progress, between=packer.pack)


def _forget_case(place: Place) -> None:
    """The next case begins with the device's memory as the first one did."""
    if place.is_cuda:
        torch._C._cuda_clearCublasWorkspaces()
    free_memory(place)


def _listed(flags: argparse.Namespace) -> list[Listed]:
    found: dict[str, Listed] = {}
    for text in flags.case:
        name, *options = text.split("@")
        if unknown := set(options) - {STORAGE, "host"}:
            raise SystemExit(f"case {text!r}: no option @{min(unknown)}; expected @{STORAGE} or @host")
        case = case_named(name, tiny=flags.tiny, storage=STORAGE if STORAGE in options else "bfloat16")
        profile = profile_path(flags.work / "profiles", case, flags.ranks)
        if profile.name in found:
            raise SystemExit(f"case {text!r}: its records would be those of {found[profile.name].text!r}")
        slug = f"{re.sub('[^a-z0-9.]', '-', text)}-x{flags.ranks}"
        found[profile.name] = Listed(
            text=text,
            case=case,
            weights_on="host" if "host" in options else "device",
            profile=profile,
            plans=flags.work / "plans" / slug,
            log=flags.work / "logs" / f"{slug}.log",
        )
    return list(found.values())


def _flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", nargs="+", help=f"MODEL:TOKENS[:BLOCKS][@{STORAGE}][@host]")
    parser.add_argument("--work", type=Path, required=True, help="folder that has profiles/, plans/ and logs/")
    parser.add_argument("--out", type=Path, required=True, help="JSON Lines; records are appended")
    parser.add_argument("--machine", required=True, help="that plans are made for, name or file")
    parser.add_argument(
        "--transport", action="append", default=[], help="of the plans' collectives; repeat for several"
    )
    parser.add_argument("--plan", action="append", default=[], help="preset, in place of those of make_plans.py")
    parser.add_argument("--cap", action="append", default=[], help="share of memory, likewise")
    parser.add_argument("--peer", action="append", default=[], help="beside the plans, such as sglang:resident=0.3")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=3600.0, help="nothing begins that would not end within them")
    parser.add_argument(
        "--free-gib", type=float, help="leave the device only so much memory: for models that do not fit"
    )
    parser.add_argument("--sglang", type=Path, help="folder with sglang/ as in its wheel")
    parser.add_argument("--pack", help="shell command that packs results; runs now and then, while no step does")
    parser.add_argument("--tiny", action="store_true", help="a dry run on CPU cores")
    flags = parser.parse_args()
    flags.until = time.time() + flags.seconds
    flags.ranks = int(os.environ.get("WORLD_SIZE", "1"))
    return flags


if __name__ == "__main__":
    main()
