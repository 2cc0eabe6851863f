"""Plans are read strictly: whatever does not fit is refused with its place, before anything is allocated or run."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plans import plan_document
from toy_models import Flux, Wan, WanBlock, quantised

import chunkflow_offload as chunkflow
from chunkflow_offload.errors import ChunkflowError, FileError
from chunkflow_offload.layout import find_blocks
from chunkflow_offload.plan_file import hold_against, read_plan

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL = Wan()
BLOCKS = find_blocks(MODEL)
BYTES = BLOCKS[0].nbytes


def document(**settings: Any) -> dict[str, Any]:
    return json.loads(json.dumps(plan_document(BLOCKS, **settings)))  # type: ignore[no-any-return]


def written(folder: Path, value: Any) -> Path:
    path = folder / "plan.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value, indent=1))
    return path


def test_what_was_written_is_read(tmp_path: Path) -> None:
    plan = read_plan(written(tmp_path, document(resident=0.7, collectives=2, ranks=2)))
    hold_against(plan, BLOCKS)
    assert (plan.name, plan.model, plan.slots, plan.ranks) == ("yield of a test", "toy", 2, 2)
    block = plan.blocks[1]
    assert (block.resident_bytes, block.ahead, len(block.window_bytes), block.collectives) == (2 << 20, 1, 3, 2)
    assert block.resident_bytes + sum(block.window_bytes) == BYTES


def test_equal_plans_have_one_canonical_text_whatever_their_spaces_and_order(tmp_path: Path) -> None:
    plan = document()
    first = read_plan(written(tmp_path, plan)).canonical
    shuffled = json.dumps(dict(reversed(plan.items())), indent=7)
    assert read_plan(written(tmp_path, shuffled)).canonical == first
    plan["chunkBytes"] += 1
    assert read_plan(written(tmp_path, plan)).canonical != first


def at(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Sets the value at `a.0.b`; of `...` removes it."""

    def change(plan: Any) -> None:
        *parts, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        for part in parts:
            plan = plan[part]
        if value is ...:
            del plan[last]
        else:
            plan[last] = value

    return change


HUGE = 2**53 - 1

REFUSED: list[tuple[str, Callable[[dict[str, Any]], None], str]] = [
    (
        "another schema",
        at("schema", "chunkflow/plan@1"),
        r'schema: expected "chunkflow/plan@2", got "chunkflow/plan@1"',
    ),
    ("no schema", at("schema", ...), r'schema: expected "chunkflow/plan@2", got null'),
    (
        "a catalogue's plan",
        at("profiled", ...),
        r"profiled: is missing: the plan was made for a model of the catalogue",
    ),
    ("an unknown key", at("exec", "rm"), r"exec: unknown; expected schema, name"),
    ("an unknown key deep", at("profiled.kinds.0.import", "os"), r"profiled\.kinds\.0\.import: unknown; expected name"),
    ("no name", at("name", ...), r"name: is missing"),
    ("a name of lines", at("name", "a\nb"), r"name: expected a line of text"),
    ("a long name", at("name", "x" * 999), r"name: expected a line of text of at most 256 characters"),
    ("a model of path", at("model", "../../x"), r"model: expected text like"),
    ("no fingerprint", at("profiled.fingerprint", "sha256:0"), r"profiled\.fingerprint: expected text like"),
    ("slots of text", at("slots", "2"), r'slots: expected an integer from 0 to 65536, got "2"'),
    ("slots of truth", at("slots", True), r"slots: expected an integer from 0 to 65536, got true"),
    ("no slots", at("slots", 0), r"slots: expected from 1 to 6, one more than streamed blocks, got 0"),
    ("too many slots", at("slots", 7), r"slots: expected from 1 to 6, one more than streamed blocks, got 7"),
    ("huge slots", at("slots", HUGE), r"slots: expected an integer from 0 to 65536"),
    ("a negative chunk", at("chunkBytes", -1), r"chunkBytes: expected an integer of at least 1, got -1"),
    ("a pace of text", at("paceS", "0"), r'paceS: expected a number of at least 0, got "0"'),
    (
        "another yield",
        at("yieldRule", "often"),
        r'yieldRule: expected one of none\|drain\|wait\|launch-window, got "often"',
    ),
    ("no flag", at("sequential", 0), r"sequential: expected true or false, got 0"),
    ("huge ranks", at("profiled.ranks", HUGE), r"profiled\.ranks: expected an integer from 1 to 65536"),
    ("no blocks", at("blocks", []), r"blocks: expected at least 1, got 0"),
    ("blocks of an object", at("blocks", {}), r"blocks: expected a list, got an object"),
    (
        "huge blocks",
        at("profiled.blocks.0.times", HUGE),
        r"profiled\.blocks\.0\.times: expected an integer from 1 to 65536",
    ),
    (
        "many blocks",
        at("profiled.blocks.1.times", 65536),
        r"profiled\.blocks\.1\.times: expected an integer from 1 to 65535",
    ),
    ("huge runs", at("blocks.0.times", HUGE), r"blocks\.0\.times: expected an integer from 1 to 65536"),
    ("a run more", at("blocks.4.times", 2), r"blocks: more than the 5 blocks of profiled\.blocks"),
    ("a run less", at("blocks.4", ...), r"blocks: expected the 5 blocks of profiled\.blocks, got 4"),
    (
        "no such kind",
        at("profiled.blocks.0.kind", 1),
        r"profiled\.blocks\.0\.kind: expected an integer from 0 to 0, got 1",
    ),
    (
        "bytes too many",
        at("blocks.2.windowBytes.0", HUGE),
        rf"blocks\.2: resident and streamed bytes are \d+ together, block 2 has {BYTES}",
    ),
    (
        "bytes in part",
        at("blocks.2.windowBytes.0", 1),
        rf"blocks\.2: resident and streamed bytes are 1 together, block 2 has {BYTES}",
    ),
    (
        "part of a page",
        at("blocks.2", {"times": 1, "residentBytes": 4, "ahead": 1, "windowBytes": [BYTES - 4]}),
        r"blocks\.2\.residentBytes: expected whole pages of 2097152 bytes",
    ),
    ("not ahead", at("blocks.2.ahead", 0), r"blocks\.2\.ahead: expected from 1 to 4, got 0"),
    ("far ahead", at("blocks.2.ahead", 5), r"blocks\.2\.ahead: expected an integer from 0 to 4, got 5"),
    (
        "windows too many",
        at("blocks.2.windowBytes", [BYTES, 0]),
        r"blocks\.2\.windowBytes: block 1, which runs when block 2 is copied, has 1 windows, got 2",
    ),
    (
        "endless windows",
        at("blocks.2.windowBytes", [0] * 5000),
        r"blocks\.2\.windowBytes: expected at most 4097, got 5000",
    ),
    (
        "negative bytes",
        at("blocks.2.windowBytes", [-1, BYTES + 1]),
        r"blocks\.2\.windowBytes\.0: expected an integer of at least 0, got -1",
    ),
    (
        "another collective",
        at("profiled.kinds.0.collectives", [{"kind": "barrier", "sentBytes": 0, "bufferBytes": 0}]),
        r"profiled\.kinds\.0\.collectives\.0\.kind: expected one of all-to-all",
    ),
]


@pytest.mark.parametrize(("change", "message"), [at[1:] for at in REFUSED], ids=[at[0] for at in REFUSED])
def test_hand_edited_plans_are_refused_by_place(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    plan = document()
    change(plan)
    path = written(tmp_path, plan)
    with pytest.raises(FileError, match=rf"^{path}:\d+:\d+: {message}"):
        read_plan(path)


def test_the_place_is_that_of_the_value(tmp_path: Path) -> None:
    plan = document()
    plan["blocks"][3]["ahead"] = "x"
    path = written(tmp_path, plan)
    with pytest.raises(FileError) as error:
        read_plan(path)
    line, column = map(int, str(error.value).removeprefix(f"{path}:").split(":")[:2])
    assert path.read_text().splitlines()[line - 1][column - 1 :].startswith('"x"')


TORN = json.dumps(document())


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(cut=st.integers(0, len(TORN) - 1))
def test_torn_plans_are_refused(tmp_path: Path, cut: int) -> None:
    with pytest.raises(FileError, match=r"^\S+plan\.json:1:\d+: "):
        read_plan(written(tmp_path, TORN[:cut]))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    start=st.integers(0, len(TORN) - 1),
    length=st.integers(0, 6),
    text=st.text(alphabet='0123456789"{}[],:e-. tnu\\a', max_size=4),
)
def test_damaged_plans_are_read_or_refused_and_nothing_else(tmp_path: Path, start: int, length: int, text: str) -> None:
    damaged = TORN[:start] + text + TORN[start + length :]
    path = written(tmp_path, damaged)
    said = ""
    try:
        assert read_plan(path).file.value == json.loads(damaged)
    except FileError as error:
        said = str(error)
    assert said == "" or (said.startswith(f"{path}:1:") and "\n" not in said)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r":1:1: expected a value; the file ends here"),
        ("\x00\x01", r":1:1: expected a value"),
        ('{"a": 1, "a": 2}', r':1:10: "a" is there twice'),
        ("[" * 100_000, r":1:34: nested deeper than 32"),
        ('{"slots": ' + "9" * 100_000 + "}", r":1:11: expected an integer of at most 2\^53 - 1, got 9+"),
        ('{"paceS": 1e999}', r":1:11: expected a finite number"),
        ('{"paceS": NaN}', r":1:11: expected a value"),
        ('{"name": "\\ud800"}', r":1:10: half of a surrogate pair"),
        ('{\n "name": "x\n"}', r":2:10: expected a string that ends on its line"),
        ("{} {}", r":1:4: expected the end of the file"),
        ("[]", r":1:1: expected an object, got a list"),
        ("3", r":1:1: expected an object, got 3"),
    ],
)
def test_what_is_no_plan_at_all(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(FileError, match=rf"^{path}{message}"):
        read_plan(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"none\.json: cannot be read: No such file"):
        read_plan(tmp_path / "none.json")
    (tmp_path / "bytes.json").write_bytes(b'{"name": "\xff"}')
    with pytest.raises(FileError, match=r"bytes\.json: not UTF-8 at byte 10"):
        read_plan(tmp_path / "bytes.json")
    with pytest.raises(FileError, match="expected at most 16777216 bytes"):
        read_plan(Path("/dev/zero"))


def test_huge_counts_take_no_memory(tmp_path: Path) -> None:
    plan = document()
    plan["profiled"]["blocks"] = [{"kind": 0, "times": 65536 - at} for at in range(3)]
    path = written(tmp_path, plan)
    tracemalloc.start()
    with pytest.raises(FileError, match=r"profiled\.blocks\.1\.times"):
        read_plan(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: Wan(blocks=6), "blocks: the plan has 5 blocks, the model has 6; profile this model"),
        (lambda: quantised("fp8"), "blocks: the plan has 5 blocks, the model has 4"),
        (Flux, "blocks: the plan has 5 blocks, the model has 7"),
        (
            lambda: Wan(width=64),
            rf"profiled\.kinds: the plan is for {BYTES} bytes a block where the model has blocks\.0 with \d+",
        ),
        (
            lambda: renamed(Wan()),
            r"profiled\.kinds: the plan is for WanBlock where the model has blocks\.0, a OtherBlock",
        ),
        (
            lambda: transposed(Wan()),
            r"profiled\.fingerprint: the plan is for sha256:\w+, the model is sha256:\w+: names, shapes or dtypes",
        ),
    ],
)
def test_a_plan_of_another_model_is_refused(tmp_path: Path, model: Callable[[], Any], message: str) -> None:
    path = written(tmp_path, document())
    with pytest.raises(FileError, match=rf"^{path}:\d+:\d+: {message}"):
        chunkflow.attach(model(), path, device="cpu")


def renamed(model: Wan) -> Wan:
    other = type("OtherBlock", (WanBlock,), {})
    for block in model.blocks:
        block.__class__ = other
    return model


def transposed(model: Wan) -> Wan:
    for block in model.blocks.children():
        weight = block.get_parameter("up.weight")
        weight.data = weight.data.t().contiguous().t()
    return model


def test_the_generator_refuses_what_only_it_can_see(tmp_path: Path) -> None:
    plan = document(prefetch=3)
    plan["slots"] = 1
    with pytest.raises(ChunkflowError, match="slots"):
        chunkflow.attach(MODEL, written(tmp_path, plan), device="cpu")
