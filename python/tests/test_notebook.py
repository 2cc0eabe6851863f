"""The notebook runs from clean."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]


@pytest.mark.filterwarnings("ignore")
def test_attach_runs_and_lays_predicted_beside_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "python"), os.environ.get("PYTHONPATH", "")]))
    # Nothing of a user's own set-up decides what happens; the kernel is the Python that tests.
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path))
    assert KernelSpecManager().get_kernel_spec("python3").argv[0] in ("python", sys.executable)
    formats: Any = nbformat
    notebook = formats.read(ROOT / "notebooks" / "attach.ipynb", as_version=4)
    NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    tables = [output["data"]["text/markdown"] for output in outputs if "text/markdown" in output.get("data", {})]
    rows = [[field.strip() for field in line.strip("|").split("|")] for line in tables[0].splitlines()[2:]]
    assert [(row[0], row[1]) for row in rows] == [
        (tokens, plan) for tokens in ("8", "128") for plan in ("none", "chosen", "half resident")
    ]
    assert all(float(number) > 0 for row in rows for number in row[2:])
    text = "".join(output.get("text", "") for output in outputs)
    assert "8 tokens: 12.0 MiB" in text
    assert "blocks.3: these weights are streamed" in text
