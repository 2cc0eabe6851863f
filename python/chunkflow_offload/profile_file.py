"""The profile of a model: what `chunkflow plan --profile` and `attach` need to know of it, and its file."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import FileError
from .json_part import Part
from .json_text import read_json
from .layout import ALIGNMENT_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMA = "chunkflow/profile@1"
_KEYS = (
    *("schema", "model", "fingerprint", "made", "step", "kinds", "blocks", "outside"),
    *("activationBytes", "process"),
)
MODEL_ID = r"[a-z0-9.-]{1,100}"
COLLECTIVES = ("all-to-all", "all-gather", "all-reduce")
BACKENDS = ("cuda", "host")
LONGEST_S = 86_400
MOST_BLOCKS = 1 << 16
MOST_COLLECTIVES = 1 << 12
MOST_PASSES = 64
MOST_TENSORS = 1 << 16


@dataclass(frozen=True)
class Made:
    """Where and by what a profile was made; None for what there is not, or what nobody knows."""

    at: str
    backend: str
    device: str
    driver: str | None
    cuda: str | None
    torch: str | None
    nccl: str | None
    by: str
    sm_hz: float | None


@dataclass(frozen=True)
class Input:
    """A tensor that the model's forward is called with."""

    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Step:
    """What one call of the profiled step does.

    Attributes:
        host_s: What the host takes to issue it; None where that is not known.
    """

    ranks: int
    passes: int
    steps_measured: int
    inputs: tuple[Input, ...]
    host_s: float | None = None


@dataclass(frozen=True)
class Tensor:
    """One tensor of a block, `nbytes` as stored at `offset` from the block's start."""

    name: str
    offset: int
    nbytes: int
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Window:
    """Compute between two collectives.

    Attributes:
        seconds: Median over blocks of the kind and steps.
        spread: Half the range of the middle half of the medians by step, in seconds.
    """

    seconds: float
    spread: float


@dataclass(frozen=True)
class Collective:
    """One collective of a block; `seconds` from issue to wait, waiting for peers included."""

    kind: str
    sent_bytes: int
    buffer_bytes: int
    seconds: float


@dataclass(frozen=True)
class Kind:
    """Blocks that are alike: one window more than collectives."""

    name: str
    weight_bytes: int
    tensors: tuple[Tensor, ...]
    windows: tuple[Window, ...]
    collectives: tuple[Collective, ...]


@dataclass(frozen=True)
class Run:
    """Blocks `first` to `first + count - 1` of a container, all of one kind."""

    container: str
    first: int
    count: int
    kind: int


@dataclass(frozen=True)
class Process:
    """Memory of the device that is neither weights nor activations.

    Attributes:
        allocator_bytes: What PyTorch's allocator holds at its peak beyond what is allocated then.
        other_bytes: What PyTorch's allocator does not hold: context, kernels, communicators, and other processes of the
            device.
    """

    allocator_bytes: int
    other_bytes: int


@dataclass(frozen=True)
class Profile:
    """What was measured of a model: blocks, windows, collectives and bytes of one rank.

    Attributes:
        outside_bytes: Parameters and buffers outside of the blocks, which stay on the device.
        outside_s: Seconds of a pass that are not in a block.
        activation_bytes: Peak of what PyTorch has allocated on the device without the model's weights; 0 on the host,
            where it is not known.
        notes: What a reader should know and the file has no place for.
        process: What the process takes of the device beyond that; None where it is not known.
        path: Where the file is; None where this rank wrote none.
    """

    model_id: str
    model_name: str
    fingerprint: str
    made: Made
    step: Step
    kinds: tuple[Kind, ...]
    blocks: tuple[Run, ...]
    outside_bytes: int
    outside_s: float
    activation_bytes: int
    notes: tuple[str, ...] = field(default=(), compare=False)
    process: Process | None = None
    path: Path | None = field(default=None, compare=False)


def write_profile(profile: Profile, path: str | os.PathLike[str]) -> Path:
    """Writes the file as a whole or not at all.

    Raises:
        FileError: It cannot be written.
    """
    at = Path(path)
    text = json.dumps(to_json(profile), indent=1, ensure_ascii=True, allow_nan=False) + "\n"
    partly = at.with_name(f".{at.name}.{os.getpid()}")
    try:
        partly.write_text(text, encoding="utf-8")
        partly.replace(at)
    except OSError as error:
        raise FileError(f"{at}: cannot be written: {error.strerror or error}") from None
    finally:
        partly.unlink(missing_ok=True)
    return at


def to_json(profile: Profile) -> dict[str, Any]:
    """The document of `chunkflow/profile@1`."""
    made, step = profile.made, profile.step
    return {
        "schema": SCHEMA,
        "model": {"id": profile.model_id, "name": profile.model_name},
        "fingerprint": profile.fingerprint,
        "made": {
            "at": made.at,
            "backend": made.backend,
            "device": made.device,
            "driver": made.driver,
            "cuda": made.cuda,
            "torch": made.torch,
            "nccl": made.nccl,
            "by": made.by,
            "smHz": made.sm_hz,
        },
        "step": {
            "ranks": step.ranks,
            "passes": step.passes,
            "stepsMeasured": step.steps_measured,
            **({} if step.host_s is None else {"hostSeconds": step.host_s}),
            "inputs": [{"name": at.name, "shape": list(at.shape), "dtype": at.dtype} for at in step.inputs],
        },
        "kinds": [_kind_to_json(kind) for kind in profile.kinds],
        "blocks": [
            {"container": run.container, "first": run.first, "count": run.count, "kind": run.kind}
            for run in profile.blocks
        ],
        "outside": {"bytes": profile.outside_bytes, "seconds": profile.outside_s},
        "activationBytes": profile.activation_bytes,
        **({} if profile.process is None else {"process": _process_to_json(profile.process)}),
    }


def _process_to_json(process: Process) -> dict[str, int]:
    return {"allocatorBytes": process.allocator_bytes, "otherBytes": process.other_bytes}


def _kind_to_json(kind: Kind) -> dict[str, Any]:
    return {
        "name": kind.name,
        "weightBytes": kind.weight_bytes,
        "tensors": [
            {"name": at.name, "offset": at.offset, "bytes": at.nbytes, "dtype": at.dtype, "shape": list(at.shape)}
            for at in kind.tensors
        ],
        "windows": [{"seconds": at.seconds, "spread": at.spread} for at in kind.windows],
        "collectives": [
            {"kind": at.kind, "sentBytes": at.sent_bytes, "bufferBytes": at.buffer_bytes, "seconds": at.seconds}
            for at in kind.collectives
        ],
    }


def read_profile(path: str | os.PathLike[str]) -> Profile:
    """Reads a profile and checks what its parts say of each other.

    Raises:
        FileError: `file:line:column: key: expected ..., got ...` for whatever does not fit the format or itself.
    """
    at = Path(path)
    file = read_json(at)
    top = Part(file, (), file.value)
    schema = top.get("schema")
    if schema != SCHEMA:
        top.one_of("schema", (SCHEMA,))
    top.only(_KEYS)
    model, outside = top.part("model"), top.part("outside")
    model.only(("id", "name"))
    outside.only(("bytes", "seconds"))
    step = _step(top.part("step"))
    kinds = tuple(_kind(part, step.ranks) for part in top.parts("kinds", MOST_BLOCKS))
    return Profile(
        model_id=model.text("id", MODEL_ID),
        model_name=model.text("name"),
        fingerprint=top.text("fingerprint", r"sha256:[0-9a-f]{64}"),
        made=_made(top.part("made")),
        step=step,
        kinds=kinds,
        blocks=_runs(top, kinds),
        outside_bytes=outside.integer("bytes", 0),
        outside_s=_seconds(outside),
        activation_bytes=top.integer("activationBytes", 0),
        process=_process(top.part("process")) if "process" in top.all() else None,
        path=at,
    )


def _process(part: Part) -> Process:
    part.only(("allocatorBytes", "otherBytes"))
    return Process(part.integer("allocatorBytes", 0), part.integer("otherBytes", 0))


def _made(part: Part) -> Made:
    part.only(("at", "backend", "device", "driver", "cuda", "torch", "nccl", "by", "smHz"))
    optional = {key: None if part.get(key) is None else part.text(key) for key in ("driver", "cuda", "torch", "nccl")}
    return Made(
        at=part.text("at"),
        backend=part.one_of("backend", BACKENDS),
        device=part.text("device"),
        by=part.text("by"),
        sm_hz=None if part.get("smHz") is None else _positive(part, "smHz"),
        **optional,
    )


def _positive(part: Part, key: str) -> float:
    value = part.number(key)
    if value == 0:
        raise part.error(key, "expected a number above 0, or null, got 0")
    return value


def _seconds(part: Part, key: str = "seconds") -> float:
    value = part.number(key)
    if value > LONGEST_S:
        raise part.error(key, f"expected at most {LONGEST_S}, got {value}; nothing that is measured here lasts a day")
    return value


def _step(part: Part) -> Step:
    part.only(("ranks", "passes", "stepsMeasured", "hostSeconds", "inputs"))
    inputs = part.parts("inputs", MOST_TENSORS, least=0)
    for at in inputs:
        at.only(("name", "shape", "dtype"))
    return Step(
        ranks=part.integer("ranks", 1, 1 << 16),
        passes=part.integer("passes", 1, MOST_PASSES),
        steps_measured=part.integer("stepsMeasured", 1),
        inputs=tuple(Input(at.text("name"), tuple(at.integers("shape", 64)), at.text("dtype")) for at in inputs),
        host_s=_seconds(part, "hostSeconds") if "hostSeconds" in part.all() else None,
    )


def _kind(part: Part, ranks: int) -> Kind:
    part.only(("name", "weightBytes", "tensors", "windows", "collectives"))
    collectives = tuple(_collective(at) for at in part.parts("collectives", MOST_COLLECTIVES, least=0))
    if ranks == 1 and collectives:
        raise part.error("collectives", f"expected none, as step.ranks is 1, got {len(collectives)}")
    windows = part.parts("windows", MOST_COLLECTIVES + 1)
    if len(windows) != len(collectives) + 1:
        raise part.error("windows", f"expected {len(collectives) + 1} (one more than collectives), got {len(windows)}")
    for at in windows:
        at.only(("seconds", "spread"))
    weight_bytes = part.integer("weightBytes", 1)
    tensors = part.parts("tensors", MOST_TENSORS, least=0)
    return Kind(
        name=part.text("name"),
        weight_bytes=weight_bytes,
        tensors=_tensors(tensors, weight_bytes),
        windows=tuple(Window(_seconds(at), _seconds(at, "spread")) for at in windows),
        collectives=collectives,
    )


def _collective(part: Part) -> Collective:
    part.only(("kind", "sentBytes", "bufferBytes", "seconds"))
    return Collective(
        kind=part.one_of("kind", COLLECTIVES),
        sent_bytes=part.integer("sentBytes", 0),
        buffer_bytes=part.integer("bufferBytes", 0),
        seconds=_seconds(part),
    )


def _tensors(parts: Sequence[Part], weight_bytes: int) -> tuple[Tensor, ...]:
    found: list[Tensor] = []
    names: set[str] = set()
    end = 0
    for part in parts:
        part.only(("name", "offset", "bytes", "dtype", "shape"))
        at = Tensor(
            name=part.text("name"),
            offset=part.integer("offset", 0),
            nbytes=part.integer("bytes", 0),
            dtype=part.text("dtype"),
            shape=tuple(part.integers("shape", 64)),
        )
        if at.name in names:
            raise part.error("name", f'"{at.name}" is the name of an earlier tensor')
        if at.offset % ALIGNMENT_BYTES:
            raise part.error("offset", f"expected a multiple of {ALIGNMENT_BYTES}, got {at.offset}")
        if at.offset < end:
            raise part.error("offset", f"expected at least {end}, where the tensor before ends, got {at.offset}")
        end = at.offset + at.nbytes
        if end > weight_bytes:
            raise part.error("bytes", f"ends at {end}, behind the {weight_bytes} bytes of the block")
        names.add(at.name)
        found.append(at)
    return tuple(found)


def _runs(top: Part, kinds: Sequence[Kind]) -> tuple[Run, ...]:
    runs: list[Run] = []
    ends: dict[str, int] = {}
    total = 0
    for part in top.parts("blocks", MOST_BLOCKS):
        part.only(("container", "first", "count", "kind"))
        run = Run(
            container=part.text("container"),
            first=part.integer("first", 0),
            count=part.integer("count", 1, MOST_BLOCKS),
            kind=part.integer("kind", 0, len(kinds) - 1),
        )
        if run.first < ends.get(run.container, 0):
            raise part.error(
                "first",
                f'expected at least {ends[run.container]}, where the blocks of "{run.container}" before end, '
                f"got {run.first}",
            )
        ends[run.container] = run.first + run.count
        total += run.count
        if total > MOST_BLOCKS:
            raise part.error("count", f"more than {MOST_BLOCKS} blocks in a pass; is the file damaged?")
        runs.append(run)
    unused = set(range(len(kinds))) - {run.kind for run in runs}
    if unused:
        raise top.error(f"kinds.{min(unused)}", "no block is of this kind; take it out")
    return tuple(runs)
