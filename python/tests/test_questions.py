"""Predictions, simulations, plans and measured steps in Python."""

from __future__ import annotations

import doctest
import json
import subprocess
from pathlib import Path

import pytest

import chunkflow_offload as chunkflow
from chunkflow_offload import questions
from chunkflow_offload.toolchain import generator, node

ROOT = Path(__file__).parent.parent.parent
STEPS = ROOT / "experiments" / "h200-steps" / "one-rank.jsonl"


def test_a_prediction_is_the_command_lines() -> None:
    asked = chunkflow.predict(
        model="wan2.1-t2v-14b",
        size="832x480x81",
        machine="h200-x2",
        plan=["none", "yield"],
        resident=0.25,
        set="gpu.copyEngine.h2d=30 GB/s",
    )
    words = ["--model", "wan2.1-t2v-14b", "--size", "832x480x81", "--machine", "h200-x2", "--plan", "none"]
    words += ["--plan", "yield", "--resident", "0.25", "--set", "gpu.copyEngine.h2d=30 GB/s", "--json"]
    done = subprocess.run(
        [str(node()), str(generator()), "predict", *words], capture_output=True, text=True, check=True
    )
    assert asked == json.loads(done.stdout)
    assert asked["plans"][1]["plan"] == "yield,resident=0.25"


def test_plans_are_rows() -> None:
    frame = chunkflow.simulate(model="dit-xl-2", machine="h200-x2", plan=["none", "layerwise"]).frame()
    assert list(frame["plan"]) == ["none", "layerwise"]
    assert (frame["doubt.stepS"].str[0] < frame["stepTimeS"]).all()


def test_a_choice_becomes_a_plan(tmp_path: Path) -> None:
    asked = {"model": "flux.1-dev", "machine": "h200-x2"}
    found = chunkflow.plan(**asked, gpu_memory="12GiB", nominal=True)  # type: ignore[arg-type]
    assert found["choice"]["gpuPeakBytes"] <= 12 * 2**30
    frame = found.frame()
    assert frame["stepTimeS"][0] == found["choice"]["stepTimeS"]
    assert len(frame) == 1 + len(found["compared"])
    file = tmp_path / "choice.json"
    file.write_text(json.dumps(found["plan"]))
    again = chunkflow.simulate(**asked, plan=str(file))  # type: ignore[arg-type]
    assert again["plans"][0]["stepTimeS"] == found["choice"]["stepTimeS"]


def test_a_mistake_is_the_command_lines_line() -> None:
    with pytest.raises(chunkflow.ChunkflowError, match=r"near are wan2\.1-t2v-14b") as caught:
        chunkflow.predict(model="wan2.1-t2v-15b", machine="h200-x2")
    assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(chunkflow.ChunkflowError, match="unknown option '--modle'"):
        chunkflow.predict(modle="wan2.1-t2v-14b", machine="h200-x2")  # type: ignore[call-arg]


def test_steps_are_rows_from_both_formats(tmp_path: Path) -> None:
    lines = chunkflow.read_steps(STEPS)
    assert len(lines) == len(STEPS.read_text().splitlines())
    table = tmp_path / "steps.parquet"
    subprocess.run(
        [str(node()), str(generator()), "experiment", "parquet", str(STEPS), "--out", str(table)], check=True
    )
    again = chunkflow.read_steps(table)
    assert again.equals(lines)
    assert len(chunkflow.read_steps(table, STEPS)) == 2 * len(lines)


def test_steps_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(chunkflow.ChunkflowError, match="no file"):
        chunkflow.read_steps()
    (tmp_path / "cut.parquet").write_bytes(b"PAR1")
    with pytest.raises(chunkflow.ChunkflowError, match="give Parquet of"):
        chunkflow.read_steps(tmp_path / "cut.parquet")
    with pytest.raises(chunkflow.ChunkflowError, match="no-such"):
        chunkflow.read_steps(tmp_path / "no-such.jsonl")


def test_a_chart_is_a_picture() -> None:
    chart = chunkflow.plot("memory", model="dit-xl-2", machine="h200-x2", plan=["none", "layerwise"])
    assert chart.startswith(b"\x89PNG")
    assert chart._repr_png_() == chart
    with pytest.raises(chunkflow.ChunkflowError, match="near are dit-xl-2"):
        chunkflow.plot("memory", model="dit-xl-3", machine="h200-x2")


def test_any_command_is_run(tmp_path: Path) -> None:
    out = chunkflow.command("machines", "rtx-4090", yaml=True)
    assert out.startswith(("id:", "card:", "name:", "#"))


def test_the_examples_of_docstrings() -> None:
    result = doctest.testmod(questions, extraglobs={"predict": chunkflow.predict})
    assert result.attempted > 0
    assert result.failed == 0
