"""Time as the device has it, and what is known of the device."""

from __future__ import annotations

import platform
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

CYCLES_PER_S = 2e9
"""Of a GPU's clock, about."""
BLOCKS_LEAD_S = 5e-3
"""Longer than launching the kernels of any block takes."""

Mark = Any
"""A point in time of a clock."""


class Clock(Protocol):
    """Marks points in time in the order of the device's work."""

    def mark(self) -> Mark:
        """The point where all work that was issued before is done."""

    def seconds(self, start: Mark, end: Mark) -> float:
        """Time between two marks, which `finish` has passed."""

    def finish(self) -> None:
        """Returns when all marks have happened."""

    def give_lead(self, seconds: float) -> None:
        """Keeps the device busy for about so long: the host's launches run ahead of it then."""


class HostClock:
    """Work is done when its call returns."""

    def mark(self) -> Mark:
        """Now."""
        return time.perf_counter()

    def seconds(self, start: Mark, end: Mark) -> float:
        """Time between two marks."""
        return float(end - start)

    def finish(self) -> None:
        """Nothing is pending."""

    def give_lead(self, seconds: float) -> None:
        """Work is done when its call returns: there is no lead."""


class CudaClock:
    """Events on the current stream: no synchronisation while a step runs."""

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def mark(self) -> Mark:
        """An event on the stream that is current now."""
        event: Any = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record(torch.cuda.current_stream(self._device))
        return event

    def seconds(self, start: Mark, end: Mark) -> float:
        """Time between two events."""
        return float(start.elapsed_time(end)) / 1e3

    def finish(self) -> None:
        """Waits for the device."""
        torch.cuda.synchronize(self._device)

    def give_lead(self, seconds: float) -> None:
        """Puts a kernel that waits on the current stream."""
        with torch.cuda.device(self._device):
            torch.cuda._sleep(int(seconds * CYCLES_PER_S))  # type: ignore[no-untyped-call]


def clock_of(device: torch.device) -> Clock:
    """The clock of a device."""
    return CudaClock(device) if device.type == "cuda" else HostClock()


@dataclass
class Facts:
    """What is known of a device; None for what there is not, or what nobody knows."""

    backend: str
    device: str
    driver: str | None = None
    cuda: str | None = None
    nccl: str | None = None
    sm_hz: float | None = None


@contextmanager
def facts_while_busy(device: torch.device) -> Iterator[Facts]:
    """Facts of a device, complete when the context is left; its clock is read while the context's work runs."""
    if device.type != "cuda":
        yield Facts(backend="host", device=_processor())
        return
    facts = Facts(
        backend="cuda", device=torch.cuda.get_device_name(device), cuda=torch.version.cuda, nccl=_nccl_version()
    )
    query = _start_query(device)
    yield facts
    if query is not None:
        facts.driver, facts.sm_hz = _answer(query)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names and names[0] else platform.processor() or platform.machine() or "unknown processor"


def _nccl_version() -> str | None:
    if not (torch.distributed.is_available() and torch.distributed.is_nccl_available()):
        return None
    nccl: Any = torch.cuda.nccl
    return ".".join(str(part) for part in nccl.version())


def _start_query(device: torch.device) -> subprocess.Popen[str] | None:
    """nvidia-smi, which comes with every driver; asked by UUID, as CUDA_VISIBLE_DEVICES renumbers devices."""
    uuid = getattr(torch.cuda.get_device_properties(device), "uuid", None)
    if uuid is None:
        return None
    command = [
        "nvidia-smi",
        "-i",
        f"GPU-{uuid}",
        "--query-gpu=driver_version,clocks.sm",
        "--format=csv,noheader,nounits",
    ]
    try:
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    except OSError:
        return None


def _answer(query: subprocess.Popen[str]) -> tuple[str | None, float | None]:
    """Driver and SM clock in Hz of `580.159, 1700`."""
    try:
        out, _ = query.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        query.kill()
        query.communicate()
        return None, None
    driver, _, megahertz = out.strip().partition(", ")
    return driver or None, float(megahertz) * 1e6 if megahertz.isdigit() and int(megahertz) > 0 else None
