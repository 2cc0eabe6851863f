"""Reads a plan that was made for a profile, and holds it against a model's blocks."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .json_text import Json, JsonFile, Key, read_json
from .layout import fingerprint

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from .errors import FileError
    from .layout import Block

SCHEMA = "chunkflow/plan@2"
DEVICE_PAGE_BYTES = 2 << 20
MOST_BLOCKS = 1 << 16
MOST_COLLECTIVES = 1 << 12
LONGEST_NAME = 256

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
    top = _Part(file, (), file.value)
    schema = top.all().get("schema")
    if schema != SCHEMA:
        raise top.error("schema", f'expected "{SCHEMA}", got {_shown(schema)}')
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
        name = type(block.module).__name__
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


def _plan(file: JsonFile, top: _Part) -> PlanFile:
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


def _kinds(profiled: _Part) -> list[_Kind]:
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


def _kind_of_blocks(profiled: _Part, kinds: int) -> list[int]:
    found: list[int] = []
    for part in profiled.parts("blocks", MOST_BLOCKS):
        part.only(("kind", "times"))
        kind = part.integer("kind", 0, kinds - 1)
        found += [kind] * part.integer("times", 1, MOST_BLOCKS - len(found))
    return found


def _blocks(top: _Part, kinds: list[_Kind], sequential: bool) -> tuple[PlannedBlock, ...]:
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


def _refuse_block(part: _Part, index: int, kind: _Kind, resident: int, windows: tuple[int, ...]) -> None:
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


@dataclass(frozen=True)
class _Part:
    """One object of the document."""

    file: JsonFile
    keys: tuple[Key, ...]
    value: Json

    def error(self, key: str | None, message: str) -> FileError:
        return self.file.error(self.keys if key is None else (*self.keys, key), message)

    def all(self) -> dict[str, Json]:
        if not isinstance(self.value, dict):
            raise self.error(None, f"expected an object, got {_shown(self.value)}")
        return self.value

    def only(self, known: Sequence[str]) -> None:
        for key in self.all():
            if key not in known:
                raise self.error(_shortened(key), f"unknown; expected {', '.join(known)}")

    def get(self, key: str) -> Json:
        if key not in self.all():
            raise self.error(key, "is missing")
        return self.all()[key]

    def integer(self, key: str, least: int, most: int | None = None) -> int:
        return _integer(self.file, (*self.keys, key), self.get(key), least, most)

    def integers(self, key: str, most: int) -> list[int]:
        values = self._list(key, most)
        return [_integer(self.file, (*self.keys, key, at), value, 0, None) for at, value in enumerate(values)]

    def number(self, key: str) -> float:
        value = self.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
            raise self.error(key, f"expected a number of at least 0, got {_shown(value)}")
        return float(value)

    def flag(self, key: str) -> bool:
        value = self.get(key)
        if not isinstance(value, bool):
            raise self.error(key, f"expected true or false, got {_shown(value)}")
        return value

    def text(self, key: str, pattern: str = r"[^\x00-\x1f\x7f]+") -> str:
        value = self.get(key)
        if not isinstance(value, str) or len(value) > LONGEST_NAME or re.fullmatch(pattern, value) is None:
            like = "a line of text" if pattern.startswith("[^") else f"text like {pattern}"
            raise self.error(key, f"expected {like} of at most {LONGEST_NAME} characters, got {_shown(value)}")
        return value

    def one_of(self, key: str, choices: Sequence[str]) -> str:
        value = self.get(key)
        if not isinstance(value, str) or value not in choices:
            raise self.error(key, f"expected one of {'|'.join(choices)}, got {_shown(value)}")
        return value

    def part(self, key: str) -> _Part:
        part = _Part(self.file, (*self.keys, key), self.get(key))
        part.all()
        return part

    def parts(self, key: str, most: int, least: int = 1) -> list[_Part]:
        values = self._list(key, most)
        if len(values) < least:
            raise self.error(key, f"expected at least {least}, got {len(values)}")
        return [_Part(self.file, (*self.keys, key, at), value) for at, value in enumerate(values)]

    def _list(self, key: str, most: int) -> list[Json]:
        values = self.get(key)
        if not isinstance(values, list):
            raise self.error(key, f"expected a list, got {_shown(values)}")
        if len(values) > most:
            raise self.error(key, f"expected at most {most}, got {len(values)}")
        return values


def _integer(file: JsonFile, keys: tuple[Key, ...], value: Json, least: int, most: int | None) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least or (most is not None and value > most):
        wanted = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise file.error(keys, f"expected an integer {wanted}, got {_shown(value)}")
    return value


def _shown(value: Json) -> str:
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    return _shortened(json.dumps(value))


def _shortened(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."
