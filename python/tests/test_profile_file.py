"""Profile files: what is written is read back, and whatever does not fit is refused by place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chunkflow_offload.errors import FileError
from chunkflow_offload.profile_file import read_profile, to_json, write_profile

DOCUMENT: dict[str, Any] = {
    "schema": "chunkflow/profile@1",
    "model": {"id": "wantransformer3dmodel", "name": "WanTransformer3DModel"},
    "fingerprint": "sha256:" + "0" * 64,
    "made": {
        "at": "2026-11-28T15:00:00Z",
        "backend": "cuda",
        "device": "NVIDIA H200",
        "driver": "580.159",
        "cuda": "13.0",
        "torch": "2.11.0",
        "nccl": None,
        "by": "chunkflow-offload 0.1.0",
        "smHz": 1.7e9,
    },
    "step": {
        "ranks": 2,
        "passes": 1,
        "stepsMeasured": 5,
        "inputs": [{"name": "hidden_states", "shape": [1, 16380, 5120], "dtype": "bfloat16"}],
    },
    "kinds": [
        {
            "name": "WanTransformerBlock",
            "weightBytes": 1524,
            "tensors": [
                {"name": "to_q.weight", "offset": 0, "bytes": 500, "dtype": "bfloat16", "shape": [10, 25]},
                {"name": "to_k.weight", "offset": 512, "bytes": 500, "dtype": "bfloat16", "shape": [10, 25]},
                {"name": "to_v.weight", "offset": 1024, "bytes": 500, "dtype": "bfloat16", "shape": [10, 25]},
            ],
            "windows": [{"seconds": 0.0021, "spread": 0.00002}] * 3,
            "collectives": [{"kind": "all-to-all", "sentBytes": 21, "bufferBytes": 84, "seconds": 0.0011}] * 2,
        }
    ],
    "blocks": [
        {"container": "blocks", "first": 0, "count": 40, "kind": 0},
        {"container": "single", "first": 0, "count": 3, "kind": 0},
        {"container": "blocks", "first": 41, "count": 2, "kind": 0},
    ],
    "outside": {"bytes": 123, "seconds": 0.004},
    "activationBytes": 1200000000,
}


def written(tmp_path: Path, document: Any) -> Path:
    path = tmp_path / "wan.profile.json"
    path.write_text(json.dumps(document))
    return path


def test_what_is_read_is_what_is_written(tmp_path: Path) -> None:
    profile = read_profile(written(tmp_path, DOCUMENT))
    assert to_json(profile) == DOCUMENT
    again = read_profile(write_profile(profile, tmp_path / "again.json"))
    assert again == profile
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.json", "wan.profile.json"]


def change(document: Any, at: str, value: Any) -> Any:
    """A copy with another value at a dotted place; `...` takes it away."""
    # Not deepcopy: repeated parts would stay one.
    changed = json.loads(json.dumps(document))
    *path, last = at.split(".")
    here = changed
    for key in path:
        here = here[int(key) if isinstance(here, list) else key]
    place: Any = int(last) if isinstance(here, list) else last
    if value is ...:
        del here[place]
    else:
        here[place] = value
    return changed


WINDOW = {"seconds": 1, "spread": 0}


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        ("schema", "chunkflow/plan@2", 'schema: expected one of chunkflow/profile@1, got "chunkflow/plan@2"'),
        ("schema", ..., "schema: is missing"),
        ("more", 1, "more: unknown; expected schema, model,"),
        (
            "model.id",
            "Wan Transformer",
            'model.id: expected text like [a-z0-9.-]{1,100} of at most 256 characters, got "',
        ),
        ("model.id", "", "model.id: expected"),
        ("fingerprint", "sha256:12", "fingerprint: expected"),
        ("made.backend", "rocm", 'made.backend: expected one of cuda|host, got "rocm"'),
        ("made.smHz", 0, "made.smHz: expected a number above 0, or null, got 0"),
        ("made.driver", 580, "made.driver: expected a line of text"),
        ("made.driver", ..., "made.driver: is missing"),
        ("step.ranks", 0, "step.ranks: expected an integer from 1 to 65536, got 0"),
        ("step.ranks", True, "step.ranks: expected an integer from 1 to 65536, got true"),
        ("step.ranks", 1, "kinds.0.collectives: expected none, as step.ranks is 1, got 2"),
        ("step.passes", 1.5, "step.passes: expected an integer from 1 to 64, got 1.5"),
        ("step.inputs.0.shape", [-1], "step.inputs.0.shape.0: expected an integer of at least 0, got -1"),
        ("kinds", [], "kinds: expected at least 1, got 0"),
        ("kinds.0.windows", [WINDOW] * 4, "kinds.0.windows: expected 3 (one more than collectives), got 4"),
        ("kinds.0.windows.1.seconds", -1, "kinds.0.windows.1.seconds: expected a number of at least 0, got -1"),
        ("kinds.0.windows.1.seconds", 86401, "kinds.0.windows.1.seconds: expected at most 86400, got 86401.0"),
        ("kinds.0.windows.1.spread", None, "kinds.0.windows.1.spread: expected a number of at least 0, got null"),
        ("kinds.0.collectives.1.kind", "broadcast", "kinds.0.collectives.1.kind: expected one of all-to-all|"),
        ("kinds.0.collectives.0.sentBytes", 1.5, "kinds.0.collectives.0.sentBytes: expected an integer"),
        ("kinds.0.weightBytes", 1523, "kinds.0.tensors.2.bytes: ends at 1524, behind the 1523 bytes of the block"),
        ("kinds.0.tensors.1.offset", 500, "kinds.0.tensors.1.offset: expected a multiple of 256, got 500"),
        ("kinds.0.tensors.1.offset", 256, "kinds.0.tensors.1.offset: expected at least 500, where the tensor before"),
        ("kinds.0.tensors.1.name", "to_q.weight", 'kinds.0.tensors.1.name: "to_q.weight" is the name of an earlier'),
        ("kinds.0.tensors.1.strides", [1], "kinds.0.tensors.1.strides: unknown; expected name, offset,"),
        ("blocks.0.kind", 1, "blocks.0.kind: expected an integer from 0 to 0, got 1"),
        ("blocks.0.count", 0, "blocks.0.count: expected an integer from 1 to 65536, got 0"),
        ("blocks.2.first", 39, 'blocks.2.first: expected at least 40, where the blocks of "blocks" before end, got 39'),
        ("blocks.0.container", "a\nb", "blocks.0.container: expected a line of text"),
        ("outside.seconds", ..., "outside.seconds: is missing"),
        ("step.hostSeconds", -1, "step.hostSeconds: expected a number of at least 0, got -1"),
        ("process", {"allocatorBytes": 1}, "process.otherBytes: is missing"),
        (
            "process",
            {"allocatorBytes": -1, "otherBytes": 0},
            "process.allocatorBytes: expected an integer of at least 0",
        ),
        ("activationBytes", 2**53, "expected an integer of at most 2^53 - 1"),
    ],
)
def test_what_does_not_fit_is_refused_by_place(tmp_path: Path, at: str, value: Any, message: str) -> None:
    path = written(tmp_path, change(DOCUMENT, at, value))
    with pytest.raises(FileError) as caught:
        read_profile(path)
    text = str(caught.value)
    assert text.startswith(f"{path}:1:")
    assert message in text
    assert "\n" not in text


def test_a_kind_without_blocks_is_refused(tmp_path: Path) -> None:
    document = change(DOCUMENT, "kinds", DOCUMENT["kinds"] * 2)
    with pytest.raises(FileError, match=r"kinds\.1: no block is of this kind"):
        read_profile(written(tmp_path, document))


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_torn_and_edited_files_are_refused_or_read(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    text = json.dumps(DOCUMENT, indent=1)
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    path = tmp_path_factory.mktemp("torn") / "p.json"
    path.write_text(text[:start] + data.draw(st.text(max_size=3)) + text[end:], encoding="utf-8", errors="replace")
    refused = ""
    try:
        read_profile(path)
    except FileError as error:
        refused = str(error)
    assert "\n" not in refused
    assert refused == "" or refused.startswith(f"{path}:")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"gone\.json: cannot be read: No such file"):
        read_profile(tmp_path / "gone.json")


def test_the_other_reader_of_the_project_has_the_same_sample() -> None:
    """A profile that the project's TypeScript reads has to be one here."""
    folder = Path(__file__).parents[2] / "experiments" / "profile"
    samples = sorted(folder.glob("*.profile.json"))
    if not samples:
        pytest.skip(f"{folder} has no profile yet")
    for sample in samples:
        assert to_json(read_profile(sample)) == json.loads(sample.read_text())
