"""Reads a plan that was made for a profile, and holds it against a model's blocks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .compiled_modules import class_of
from .json_part import Part, shown
from .json_text import read_json
from .layout import fingerprint

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from .json_text import JsonFile
    from .layout import Block

SCHEMA = "chunkflow/plan@2"
DEVICE_PAGE_BYTES = 2 << 20
MOST_BLOCKS = 1 << 16
MOST_COLLECTIVES = 1 << 12

_FLAGS = ("drainAtPassStart", "sequential", "stagedInCopyStream")
_PLAN_KEYS = (
    *("schema", "name", "model", "chunkBytes", "slots", "yieldRule", "paceS", *_FLAGS),
    *("transport", "pieceBytes", "blocks", "profiled"),
)
_YIELD_RULES = ("none", "drain", "wait", "launch-window")
_COLLECTIVES = ("all-to-all", "all-gather", "all-reduce")


class PlannedBlock(NamedTuple):
    """How one block is streamed."""

    weight_bytes: int
    resident_bytes: int
    ahead: int
    window_bytes: tuple[int, ...]
    collectives: int
    kind: str


@dataclass(frozen=True)
class PlanFile:
    """A plan with what it was made for.

    Attributes:
        name: As tables and results call it.
        model: Id of the profiled model.
        slots: Buffers on the device.
        ranks: Ranks of the profiled step.
        fingerprint: That of the profiled model's blocks.
        blocks: One for each block of a pass.
        canonical: The document with sorted keys and without white space: equal plans give equal text.
        file: Where it was read from.
    """

    name: str
    model: str
    slots: int
    ranks: int
    fingerprint: str
    blocks: tuple[PlannedBlock, ...]
    canonical: str
    file: JsonFile


def read_plan(path: str | os.PathLike[str]) -> PlanFile:
    """Reads a plan file, as `chunkflow plan --profile PROFILE --save-plan FILE` writes it.

    Raises:
        FileError: `file:line:column: key: expected ..., got ...` for whatever does not fit the format or itself.
    """
    file = read_json(Path(path))
    top = Part(file, (), file.value)
    schema = top.all().get("schema")
    if schema != SCHEMA:
        raise top.error("schema", f'expected "{SCHEMA}", got {shown(schema)}')
    if "profiled" not in top.all():
        raise top.error(
            "profiled",
            "is missing: the plan was made for a model of the catalogue; to attach one to a PyTorch model, make it "
            "with chunkflow plan --profile PROFILE --save-plan FILE",
        )
    top.only(_PLAN_KEYS)
    return _plan(file, top)


def hold_against(plan: PlanFile, blocks: Sequence[Block]) -> None:
    """Refuses a plan that was made for other blocks than these.

    Raises:
        FileError: With the first difference: how many blocks, a block's class, its bytes, or how its tensors lie.
    """
    if len(blocks) != len(plan.blocks):
        raise plan.file.error(
            ("blocks",), f"the plan has {len(plan.blocks)} blocks, the model has {len(blocks)}; profile this model"
        )
    for block, planned in zip(blocks, plan.blocks, strict=True):
        name = class_of(block.module).__name__
        if planned.kind != name:
            raise plan.file.error(
                ("profiled", "kinds"),
                f"the plan is for {planned.kind} where the model has {block.path}, a {name}; profile this model",
            )
        if planned.weight_bytes != block.nbytes:
            raise plan.file.error(
                ("profiled", "kinds"),
                f"the plan is for {planned.weight_bytes} bytes a block where the model has {block.path} with "
                f"{block.nbytes}; profile this model",
            )
    found = fingerprint(blocks)
    if found != plan.fingerprint:
        raise plan.file.error(
            ("profiled", "fingerprint"),
            f"the plan is for {plan.fingerprint}, the model is {found}: names, shapes or dtypes of its blocks' tensors "
            "differ; profile this model",
        )


def _plan(file: JsonFile, top: Part) -> PlanFile:
    name = top.text("name")
    model = top.text("model", r"[a-z0-9.-]+")
    if top.all().get("chunkBytes") is not None:
        top.integer("chunkBytes", 1)
    slots = top.integer("slots", 0, MOST_BLOCKS)
    top.one_of("yieldRule", _YIELD_RULES)
    top.number("paceS")
    for key in _FLAGS:
        top.flag(key)
    sequential = top.flag("sequential")
    top.text("transport")
    top.integer("pieceBytes", 0)
    profiled = top.part("profiled")
    profiled.only(("fingerprint", "ranks", "kinds", "blocks"))
    digest = profiled.text("fingerprint", r"sha256:[0-9a-f]{64}")
    ranks = profiled.integer("ranks", 1, 1 << 16)
    kinds = _kinds(profiled)
    blocks = _blocks(top, [kinds[kind] for kind in _kind_of_blocks(profiled, len(kinds))], sequential)
    streamed = sum(1 for block in blocks if block.resident_bytes < block.weight_bytes)
    if streamed == 0 and slots > 0:
        raise top.error("slots", f"expected 0, as no block is streamed, got {slots}")
    if streamed > 0 and not 1 <= slots <= streamed + 1:
        raise top.error("slots", f"expected from 1 to {streamed + 1}, one more than streamed blocks, got {slots}")
    canonical = json.dumps(file.value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return PlanFile(name, model, slots, ranks, digest, blocks, canonical, file)


class _Kind(NamedTuple):
    name: str
    weight_bytes: int
    collectives: int


def _kinds(profiled: Part) -> list[_Kind]:
    kinds = []
    for part in profiled.parts("kinds", MOST_BLOCKS):
        part.only(("name", "weightBytes", "collectives"))
        calls = part.parts("collectives", MOST_COLLECTIVES, least=0)
        for call in calls:
            call.only(("kind", "sentBytes", "bufferBytes"))
            call.one_of("kind", _COLLECTIVES)
            call.integer("sentBytes", 0)
            call.integer("bufferBytes", 0)
        kinds.append(_Kind(part.text("name"), part.integer("weightBytes", 1), len(calls)))
    return kinds


def _kind_of_blocks(profiled: Part, kinds: int) -> list[int]:
    found: list[int] = []
    for part in profiled.parts("blocks", MOST_BLOCKS):
        part.only(("kind", "times"))
        kind = part.integer("kind", 0, kinds - 1)
        found += [kind] * part.integer("times", 1, MOST_BLOCKS - len(found))
    return found


def _blocks(top: Part, kinds: list[_Kind], sequential: bool) -> tuple[PlannedBlock, ...]:
    found: list[PlannedBlock] = []
    for part in top.parts("blocks", MOST_BLOCKS):
        part.only(("times", "residentBytes", "ahead", "windowBytes"))
        resident = part.integer("residentBytes", 0)
        ahead = part.integer("ahead", 0, len(kinds) - 1)
        windows = tuple(part.integers("windowBytes", MOST_COLLECTIVES + 1))
        for _ in range(part.integer("times", 1, MOST_BLOCKS)):
            index = len(found)
            if index == len(kinds):
                raise top.error("blocks", f"more than the {len(kinds)} blocks of profiled.blocks")
            kind = kinds[index]
            _refuse_block(part, index, kind, resident, windows)
            if windows and ahead == 0 and not sequential:
                raise part.error("ahead", f"expected from 1 to {len(kinds) - 1}, got 0")
            at = kinds[(index - ahead) % len(kinds)]
            if len(windows) > at.collectives + 1:
                raise part.error(
                    "windowBytes",
                    f"block {(index - ahead) % len(kinds)}, which runs when block {index} is copied, has "
                    f"{at.collectives + 1} windows, got {len(windows)}",
                )
            found.append(PlannedBlock(kind.weight_bytes, resident, ahead, windows, kind.collectives, kind.name))
    if len(found) != len(kinds):
        raise top.error("blocks", f"expected the {len(kinds)} blocks of profiled.blocks, got {len(found)}")
    return tuple(found)


def _refuse_block(part: Part, index: int, kind: _Kind, resident: int, windows: tuple[int, ...]) -> None:
    given = resident + sum(windows)
    if given != kind.weight_bytes:
        raise part.error(
            None, f"resident and streamed bytes are {given} together, block {index} has {kind.weight_bytes}"
        )
    if resident != kind.weight_bytes and resident % DEVICE_PAGE_BYTES:
        raise part.error(
            "residentBytes",
            f"expected whole pages of {DEVICE_PAGE_BYTES} bytes, or all {kind.weight_bytes}, got {resident}",
        )
