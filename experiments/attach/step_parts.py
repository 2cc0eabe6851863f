"""Where a step's time goes: clock and power under each variant, kernels by class, and the host's time in each hook.

    torchrun --nproc_per_node 2 step_parts.py wan-14b:16380 none attach:yield.json --out parts.jsonl
    python3 step_parts.py --show parts.jsonl

Variants take turns over the rounds. Kernels are traced in the last round and hooks timed one by one there: both slow a
step down, so that no step time comes from it after they have begun.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import statistics
import time
from collections import defaultdict
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import torch
from gpu_memory import free_memory
from measure import SEED, device_facts, source_sha256, timed_steps, versions_of, warm_up
from model_cases import Case, Inputs, build, case_named, divide_among_ranks, inputs_of, load_classes
from place import Place, here, leave
from torch.profiler import ProfilerActivity, profile
from variants import Held, Variant, held, variant_of

from chunkflow_offload import bound_parameters, driver, native, streamed_block
from chunkflow_offload.device_clock import facts_while_busy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import nn

SCHEMA = "chunkflow/step-parts@1"
LEAST_STEPS = 6
TRACED_STEPS = 4
SAMPLE_EVERY_S = 0.04
SM_CLOCK = 1
"""NVML_CLOCK_SM."""

KERNEL_CLASSES = (
    ("nccl", ("nccl",)),
    ("copy", ("memcpy", "memset")),
    ("attention", ("sdpa", "flash", "fmha")),
    ("gemm", ("gemm", "nvjet", "cutlass", "xmma")),
)
"""Class and parts of names, the first that fits; others are elementwise, norms and reductions."""

HOOKS: tuple[tuple[type, tuple[str, ...]], ...] = (
    (driver.Driver, ("begin", "collective_begins", "collective_ends", "end")),
    (native.Handle, ("begin", "collective_begins", "collective_ends", "end")),
    (streamed_block.StreamedBlock, ("refuse_touched", "bind", "park")),
    (bound_parameters.Entries, ("are_held", "put")),
    (bound_parameters.BoundParameters, ("are_as_made", "are_kept")),
)
"""What is timed of the hooks: calls that contain each other, each with all that it calls."""


def main() -> None:
    """Measures, or prints what was measured."""
    flags = _flags()
    if flags.show is not None:
        _show(flags.show)
        return
    text, _, storage = flags.case.partition("@")
    case = case_named(text, tiny=flags.tiny, storage=storage or "bfloat16")
    load_classes([case])
    place = here(flags.tiny)
    variants = [variant_of(text) for text in flags.variants]
    for number in range(1, flags.rounds + 1):
        for variant in variants:
            record = _measure(case, variant, place, flags, number)
            if place.rank == 0:
                with flags.out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(record | {"round": number}) + "\n")
                print(f"{record['case']} round {number} {variant.key}: {_ms(record):.2f} ms", flush=True)
            free_memory(place)
    leave()


def _measure(case: Case, variant: Variant, place: Place, flags: argparse.Namespace, number: int) -> dict[str, Any]:
    model = build(case, place.device, SEED)
    divide_among_ranks(model, case, place.device)
    sets = [inputs_of(case, place.device, SEED + 1 + each) for each in range(3)]
    with torch.no_grad(), held(variant, model, case, place.device, flags.sglang) as own:
        warm_up(model, sets, place)
        with _sampled(place) as samples:
            step_s = timed_steps(model, sets, place, flags.steps, own).step_s
        with facts_while_busy(place.device) as facts:
            timed_steps(model, sets, place, LEAST_STEPS, own)
        is_last = number == flags.rounds
        return {
            "schema": SCHEMA,
            "case": case.id(place.ranks),
            "variant": variant.key,
            "place": place.name,
            "transport": place.transport,
            "stepS": [max(times) for times in zip(*place.from_all(step_s), strict=True)],
            "clocks": place.from_all(_medians(samples)),
            "kernels": place.from_all(_traced(model, sets, place, own))[0] if is_last and place.is_cuda else None,
            "hooks": _hooks(own, model, sets, place) if is_last else None,
            **device_facts(facts, place, case),
            "versions": versions_of(flags.sglang),
            "sourceSha256": source_sha256(),
            "at": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


@contextmanager
def _sampled(place: Place) -> Iterator[list[dict[str, float]]]:
    """Clock, power and temperature of this rank's GPU meanwhile; nothing without one."""
    samples: list[dict[str, float]] = []
    if not place.is_cuda:
        yield samples
        return
    read = _reader(place.device)
    over = Event()

    def sample() -> None:
        while not over.wait(SAMPLE_EVERY_S):
            samples.append(read())

    thread = Thread(target=sample)
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()


def _reader(device: torch.device) -> Any:
    nvml = ctypes.CDLL("libnvidia-ml.so.1")
    gpu, clock, power, celsius = ctypes.c_void_p(), ctypes.c_uint(), ctypes.c_uint(), ctypes.c_uint()
    # By its UUID: NVML does not know CUDA_VISIBLE_DEVICES.
    uuid = f"GPU-{torch.cuda.get_device_properties(device).uuid}".encode()
    if nvml.nvmlInit_v2() != 0 or nvml.nvmlDeviceGetHandleByUUID(uuid, ctypes.byref(gpu)) != 0:
        raise SystemExit(f"NVML does not find {uuid.decode()}")

    def read() -> dict[str, float]:
        nvml.nvmlDeviceGetClockInfo(gpu, SM_CLOCK, ctypes.byref(clock))
        nvml.nvmlDeviceGetPowerUsage(gpu, ctypes.byref(power))
        nvml.nvmlDeviceGetTemperature(gpu, 0, ctypes.byref(celsius))
        return {"smHz": clock.value * 1e6, "powerW": power.value / 1e3, "celsius": float(celsius.value)}

    return read


def _medians(samples: Sequence[dict[str, float]]) -> dict[str, float] | None:
    if not samples:
        return None
    return {name: statistics.median(each[name] for each in samples) for name in samples[0]}


def _traced(model: nn.Module, sets: Sequence[Inputs], place: Place, own: Held) -> dict[str, dict[str, float]]:
    """Seconds and number of kernels of each class in one step of this rank, summed over its streams."""
    with profile(activities=[ProfilerActivity.CUDA]) as trace:
        timed_steps(model, sets, place, TRACED_STEPS, own)
    found: dict[str, dict[str, float]] = defaultdict(lambda: {"seconds": 0.0, "count": 0.0})
    for event in trace.events() or ():
        if event.device_type.name == "CUDA":
            of = found[_class_of(event.name)]
            of["seconds"] += event.time_range.elapsed_us() * 1e-6 / TRACED_STEPS
            of["count"] += 1 / TRACED_STEPS
    return dict(found)


def _class_of(kernel: str) -> str:
    name = kernel.lower()
    return next((kind for kind, parts in KERNEL_CLASSES if any(part in name for part in parts)), "elementwise")


def _hooks(own: Held, model: nn.Module, sets: Sequence[Inputs], place: Place) -> dict[str, Any] | None:
    """What a block costs the host in hooks, and of this each part; of rank 0."""
    if own.attached is None:
        return None
    begins = own.attached.counts()["begins"]
    host_s = timed_steps(model, sets, place, LEAST_STEPS, own).host_s or 0.0
    blocks = own.attached.counts()["begins"] - begins
    block_s = host_s * LEAST_STEPS / blocks
    spent: dict[str, list[float]] = {}
    with _each_call_timed(spent):
        timed_steps(model, sets, place, LEAST_STEPS, own)
    parts = {name: {"calls": len(times) / blocks, "seconds": sum(times) / blocks} for name, times in spent.items()}
    found: list[dict[str, Any]] = place.from_all({"blockSeconds": block_s, "parts": parts})
    return found[0]


@contextmanager
def _each_call_timed(spent: dict[str, list[float]]) -> Iterator[None]:
    originals = [(of, name, getattr(of, name)) for of, names in HOOKS for name in names]
    for of, name, function in originals:
        setattr(of, name, _timing(function, spent.setdefault(f"{of.__name__}.{name}", [])))
    try:
        yield
    finally:
        for of, name, function in originals:
            setattr(of, name, function)


def _timing(function: Any, times: list[float]) -> Any:
    def timed(*args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            times.append(time.perf_counter() - began)

    return timed


def _ms(record: dict[str, Any]) -> float:
    return 1e3 * float(statistics.median(record["stepS"]))


def _show(path: Path) -> None:
    rounds: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        rounds.setdefault((record["case"], record["variant"]), []).append(record)
    for (case, variant), found in rounds.items():
        steps = [_ms(record) for record in found]
        print(f"{case}, {variant}: {statistics.median(steps):.2f} ms ({min(steps):.2f} to {max(steps):.2f})")
        for rank in range(len(found[0]["clocks"])):
            clocks = [record["clocks"][rank] for record in found if record["clocks"][rank] is not None]
            if clocks:
                hz, watt = (statistics.median(each[name] for each in clocks) for name in ("smHz", "powerW"))
                print(f"   rank {rank}: {hz / 1e6:.0f} MHz, {watt:.0f} W")
        for record in found:
            for kind, of in sorted((record["kernels"] or {}).items(), key=lambda each: -each[1]["seconds"]):
                print(f"   {kind:12} {1e3 * of['seconds']:8.3f} ms in {of['count']:.0f} kernels")
            if record["hooks"] is not None:
                print(f"   hooks {1e6 * record['hooks']['blockSeconds']:.0f} us a block; timed one by one:")
                for name, part in record["hooks"]["parts"].items():
                    print(f"      {name:32} {part['calls']:5.2f} calls, {1e6 * part['seconds']:7.1f} us")


def _flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", nargs="?", help="MODEL:TOKENS[:BLOCKS][@float8_e4m3fn]")
    parser.add_argument("variants", nargs="*", help="as variants.py has them, such as sglang:prefetch_size=2")
    parser.add_argument("--out", type=Path, help="JSON Lines; records are appended")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--sglang", type=Path, help="folder with sglang/ as in its wheel")
    parser.add_argument("--tiny", action="store_true", help="a dry run on CPU cores")
    parser.add_argument("--show", type=Path, metavar="FILE", help="print what was measured")
    flags = parser.parse_args()
    if flags.show is None and not (flags.case and flags.variants and flags.out):
        parser.error("expected a case, its variants and --out, or --show FILE")
    return flags


if __name__ == "__main__":
    main()
