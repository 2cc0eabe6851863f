"""Measures steps of diffusers' models under plans and other tools' offloading, in turn: one JSON line for each round.

Of one case; study.py, which run.sh starts, goes through a list of them.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from gpu_memory import free_memory, largest, other_bytes, peaks, used_bytes
from model_cases import Case, Inputs, build, divide_among_ranks, inputs_of, run
from place import say
from sglang_manager import version_of
from variants import AbsentError, Held, Variant, held

import chunkflow_offload
from chunkflow_offload.device_clock import Facts, clock_of, facts_while_busy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from place import Place
    from progress import Progress
    from torch import nn

SCHEMA = "chunkflow/attach-steps@1"
SEED = 20_251
INPUT_SETS = 3
STEADY_STEPS = 3
STEADY_SHARE = 0.01
MOST_WARM_UP_STEPS = 20
SLOW_WARM_UP_S = 10.0
"""Of steps that take seconds each, as with weights that go back and forth."""
MOST_WARM_UP_S = 2.5
"""Warm-up that has taken this long ends, once it has had `LEAST_WARM_UP_STEPS`."""
LEAST_WARM_UP_STEPS = 6
BUSY_S = 2.0
"""The device is kept busy so long while its clock is read."""
LEAST_ROUND_S = 5.0
"""No round of a variant begins with less time than this, however long others have taken."""


@dataclass(frozen=True)
class Settings:
    """How a case is measured, and where its records go.

    Attributes:
        out: JSON Lines; records are appended.
        until: No round of a variant begins that would not end before this time of `time.time()`.
        profile: That the case's plans were made from.
        sglang: Folder with sglang/ as in its wheel.
        weights_on: `device` or `host`, where the blocks' weights are before a variant takes them.
        steps: Timed in each round.
        rounds: Of each variant.
    """

    out: Path
    until: float
    profile: Path | None = None
    sglang: Path | None = None
    weights_on: str = "device"
    steps: int = 10
    rounds: int = 2


@dataclass(frozen=True)
class Timed:
    """What steps took on one rank.

    Attributes:
        step_s: Between events at the steps' ends.
        wall_s: Mean by the host's clock.
        host_s: Of a step, in hooks.
    """

    step_s: list[float]
    wall_s: float
    host_s: float | None

    @property
    def median_s(self) -> float:
        """Of the steps."""
        return statistics.median(self.step_s)


def measure_rounds(
    case: Case,
    variants: Sequence[Variant],
    place: Place,
    settings: Settings,
    progress: Progress,
    between: Callable[[], None] = lambda: None,
) -> bool:
    """Measures all variants of a case in turn, round after round, as far as they are not measured yet.

    Args:
        case: Its plans are those of `variants`.
        variants: The first one's outputs are what the others' are compared with.
        place: Of this process.
        settings: With the time that there is.
        progress: Of the case.
        between: Called on every rank after each round of a variant, while nothing runs.

    Returns:
        Whether time has sufficed.
    """
    _check_plans(variants, case.id(place.ranks))
    study = Study(case, place, settings, progress.reference)
    took_s: list[float] = []
    for round_number in range(1, settings.rounds + 1):
        for order, variant in enumerate(variants):
            if progress.is_over(variant.key, round_number):
                continue
            # The first variant of all has waited for what later ones find done, such as cuDNN's choice of kernels.
            needed_s = max([LEAST_ROUND_S, *(1.1 * each for each in took_s[1:])])
            left_s = place.left_s(settings.until)
            if left_s < needed_s:
                study.say(f"{variant.key}, round {round_number}: {left_s:.0f} s are left, {needed_s:.0f} needed: ended")
                return False
            started = time.monotonic()
            progress.begin(variant.key)
            why = study.measure(variant, round_number, order)
            took_s.append(max(place.from_all(time.monotonic() - started)))
            progress.end(variant.key, why)
            if why is not None:
                study.say(f"SKIPPED {variant.key}: {why}")
            between()
    return True


class Study:
    """Measures variants of one case and appends their records to a file."""

    def __init__(self, case: Case, place: Place, settings: Settings, reference: tuple[str, list[str]] | None) -> None:
        self.case = case
        self.place = place
        self.settings = settings
        self.reference = reference
        self.source = source_sha256()
        self._facts: tuple[Facts, str] | None = None

    def say(self, text: str) -> None:
        """One line to the terminal, of rank 0."""
        say(self.place, self.settings.until, text)

    def measure(self, variant: Variant, round_number: int, order: int) -> str | None:
        """One round of a variant. Returns why it could not be, the same on every rank."""
        place = self.place
        base_bytes = used_bytes(place)
        other = {"before": other_bytes(place)}
        began = time.monotonic()
        record = None
        with ExitStack() as stack, torch.no_grad():
            model, own, why = self._set_up(variant, stack)
            reasons = [each for each in place.from_all(why) if each is not None]
            if not reasons and model is not None and own is not None:
                # What weights took on the device before is given back, as if they had come from the host.
                free_memory(place)
                set_up_s = time.monotonic() - began
                other["setUp"] = other_bytes(place)
                record = self._steps(variant, model, own, other) | {
                    "setUpS": set_up_s,
                    "round": round_number,
                    "order": order,
                }
                record["memory"] |= {"baseBytes": base_bytes, "otherBytes": largest(place.from_all(other))}
        del model, own
        free_memory(place)
        if record is not None and place.rank == 0:
            self._write(record, time.monotonic() - began)
        return reasons[0] if reasons else None

    def _set_up(self, variant: Variant, stack: ExitStack) -> tuple[nn.Module | None, Held | None, str | None]:
        """A model whose weights the variant holds, or why there is none: the other ranks have to hear of it."""
        case, place = self.case, self.place
        try:
            model = build(case, place.device, SEED, blocks_on=_home(variant, self.settings, place))
            divide_among_ranks(model, case, place.device)
            own = stack.enter_context(held(variant, model, case, place.device, self.settings.sglang))
        except AbsentError as error:
            return None, None, str(error)
        except (torch.cuda.OutOfMemoryError, chunkflow_offload.ChunkflowError) as error:
            return None, None, str(error).splitlines()[0]
        return model, own, None

    def _steps(self, variant: Variant, model: nn.Module, own: Held, other: dict[str, int]) -> dict[str, Any]:
        place, case, settings = self.place, self.case, self.settings
        sets = [inputs_of(case, place.device, SEED + 1 + number) for number in range(INPUT_SETS)]
        warmed_up = warm_up(model, sets, place)
        if place.is_cuda:
            torch.cuda.reset_peak_memory_stats(place.device)
        counts = own.counts()
        timed = timed_steps(model, sets, place, settings.steps, own)
        after = own.counts()
        memory = peaks(place)
        other["steps"] = other_bytes(place)
        facts, facts_of = self._facts or self._read_facts(variant, model, sets, own, timed)
        digests = _digests(model, sets, place)
        other["digests"] = other_bytes(place)
        ranks = place.from_all(timed)
        slowest = max(ranks, key=lambda each: each.median_s)
        self.reference = self.reference or (variant.key, digests)
        return {
            "schema": SCHEMA,
            "case": case.id(place.ranks),
            "model": {
                "name": case.name,
                "class": case.family.class_name,
                "config": case.config,
                "storage": case.storage,
            },
            "tokens": case.tokens,
            "grid": list(case.grid),
            "ranks": place.ranks,
            "place": place.name,
            "transport": place.transport,
            "variant": {"key": variant.key, "kind": variant.kind, "name": variant.name, "settings": variant.settings},
            "plan": variant.document,
            "planSha256": variant.plan_sha256,
            "profileSha256": _sha256(settings.profile),
            "warmUp": warmed_up,
            "stepS": slowest.step_s,
            "wallS": slowest.wall_s,
            "rankStepS": [each.median_s for each in ranks],
            "hostS": slowest.host_s,
            "counts": None if counts is None or after is None else {key: after[key] - counts[key] for key in after},
            "memory": largest(place.from_all(memory)),
            "digests": digests,
            "sameAs": self.reference[0],
            "isSame": all(place.from_all(digests == self.reference[1])),
            **device_facts(facts, place, case),
            "smHzOf": facts_of,
            "versions": versions_of(settings.sglang),
            "sourceSha256": self.source,
            "at": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def _read_facts(
        self, variant: Variant, model: nn.Module, sets: Sequence[Inputs], own: Held, timed: Timed
    ) -> tuple[Facts, str]:
        """Reads the device's clock under the steps of one variant, for all records of the case that follow."""
        place = self.place
        with facts_while_busy(place.device) as facts:
            if place.is_cuda:
                timed_steps(model, sets, place, 1 + int(BUSY_S / max(place.from_all(timed.median_s))), own)
        self._facts = (facts, variant.key)
        return self._facts

    def _write(self, record: dict[str, Any], took_s: float) -> None:
        # One write: a process that is killed leaves no line that is cut off.
        with self.settings.out.open("ab", buffering=0) as file:
            file.write(json.dumps(record).encode() + b"\n")
        bits = "same bits" if record["isSame"] else "OTHER BITS"
        steady = "" if record["warmUp"]["isSteady"] else ", not steady"
        gib = [each / (1 << 30) for each in (record["memory"]["deviceBytes"], *record["memory"]["otherBytes"].values())]
        self.say(
            f"{record['case']} round {record['round']} {record['variant']['key']}: "
            f"{statistics.median(record['stepS']) * 1e3:.2f} ms, "
            f"{gib[0]:.2f} GiB ({', '.join(f'{each:.2f}' for each in gib[1:])}), "
            f"{bits} as {record['sameAs']}{steady}, set up in {record['setUpS']:.1f} s, "
            f"{record['warmUp']['steps']} steps of warm-up, took {took_s:.1f} s"
        )


def warm_up(model: nn.Module, sets: Sequence[Inputs], place: Place) -> dict[str, Any]:
    """Steps until the last three agree within 1 % on every rank, or there were enough of them."""
    clock = clock_of(place.device)
    times: list[float] = []
    is_steady = is_over = False
    while not is_over:
        start = clock.mark()
        run(model, sets[len(times) % len(sets)])
        end = clock.mark()
        clock.finish()
        times.append(clock.seconds(start, end))
        last = times[-STEADY_STEPS:]
        agree = len(last) == STEADY_STEPS and max(last) <= (1 + STEADY_SHARE) * min(last)
        ranks = place.from_all((agree, sum(times)))
        is_steady = all(agrees for agrees, _ in ranks)
        spent_s = max(each for _, each in ranks)
        is_long = len(times) >= LEAST_WARM_UP_STEPS and spent_s >= MOST_WARM_UP_S
        is_long = is_long or (len(times) >= STEADY_STEPS and spent_s >= SLOW_WARM_UP_S)
        most = MOST_WARM_UP_STEPS if place.is_cuda else STEADY_STEPS
        is_over = is_steady or is_long or len(times) >= most
    return {"steps": len(times), "isSteady": is_steady, "lastS": times[-STEADY_STEPS:]}


def timed_steps(model: nn.Module, sets: Sequence[Inputs], place: Place, steps: int, own: Held) -> Timed:
    """Steps one behind the other, as in a pipeline's loop: nothing waits between them."""
    clock = clock_of(place.device)
    place.from_all(0)
    place.finish()
    host_s = own.host_seconds()
    started = time.perf_counter()
    marks = [clock.mark()]
    for number in range(steps):
        run(model, sets[number % len(sets)])
        marks.append(clock.mark())
    clock.finish()
    wall_s = (time.perf_counter() - started) / steps
    after = own.host_seconds()
    step_s = [clock.seconds(start, end) for start, end in pairwise(marks)]
    return Timed(step_s, wall_s, None if host_s is None or after is None else (after - host_s) / steps)


def _digests(model: nn.Module, sets: Sequence[Inputs], place: Place) -> list[str]:
    """sha256 of each output's bits. Memory that the next output may get holds NaN before."""
    found = []
    for inputs in sets:
        output = run(model, inputs)
        place.finish()
        if not bool(output.isfinite().all()):
            raise SystemExit("an output is not finite: a step has read what nobody wrote")
        raw = output.detach().contiguous().view(torch.uint8).cpu()
        found.append(hashlib.sha256(raw.numpy().tobytes()).hexdigest())
        output.fill_(float("nan"))
        del output
    if len(set(found)) != len(found):
        raise SystemExit("two different inputs gave the same output: the model does not read its inputs")
    return found


def _home(variant: Variant, settings: Settings, place: Place) -> torch.device:
    """Where the blocks' weights are before a variant takes them."""
    if settings.weights_on == "host" and variant.kind != "none":
        return torch.device("cpu")
    return place.device


def device_facts(facts: Facts, place: Place, case: Case) -> dict[str, Any]:
    """What a record says of the device."""
    return {
        "device": facts.device,
        "driver": facts.driver,
        "cuda": facts.cuda,
        "nccl": facts.nccl if place.ranks > 1 else None,
        "smHz": facts.sm_hz,
        "attention": case.family.attention if place.is_cuda else "native",
    }


def versions_of(sglang: Path | None) -> dict[str, str | None]:
    """Of what is measured."""
    return {
        "torch": str(torch.__version__),
        "diffusers": _installed("diffusers"),
        "sglang": version_of(sglang),
        "chunkflow-offload": chunkflow_offload.__version__,
    }


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def source_sha256() -> str:
    """Of the package's files: records of different states of it are told apart."""
    folder = Path(chunkflow_offload.__file__).parent
    digest = hashlib.sha256()
    for file in sorted(folder.glob("*.py")):
        digest.update(f"{file.name}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _sha256(path: Path | None) -> str | None:
    return None if path is None else hashlib.sha256(path.read_bytes()).hexdigest()


def _check_plans(variants: Sequence[Variant], case: str) -> None:
    for variant in variants:
        if variant.document is not None and variant.document.get("model") != case:
            raise SystemExit(f"{variant.plan}: is a plan for {variant.document.get('model')}, this is {case}")
