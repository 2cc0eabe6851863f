"""The command line that comes with the package."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def run(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chunkflow_offload", *args],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        check=False,
    )


def test_it_runs_chunkflow() -> None:
    done = run("predict", "--model", "wan2.1-t2v-14b", "--machine", "h200-x2-fitted", "--plan", "yield")
    assert done.returncode == 0, done.stderr
    assert "yield" in done.stdout


def test_it_searches_on_several_threads() -> None:
    """Each of which starts from a file that lies beside the command line's own."""
    done = run("plan", "--model", "dit-xl-2", "--machine", "2xrtx-4090", "--front", "2")
    assert done.returncode == 0, done.stderr
    assert "front-2" in done.stdout


def test_its_exit_code_is_chunkflows() -> None:
    done = run("predict", "--model", "no-such-model", "--machine", "h200-x2-fitted")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1


def test_it_fits_a_machine(tmp_path: Path) -> None:
    """Which reads expressions by a package that is not bundled but taken along."""
    calibration = ROOT.parent / "experiments" / "pair" / "host-e" / "calibration.yaml"
    done = run("fit", str(calibration), "--out", str(tmp_path / "fitted.yaml"))
    assert done.returncode == 0, done.stderr
    assert "id: " in (tmp_path / "fitted.yaml").read_text()


def test_without_node_it_says_what_to_get(tmp_path: Path) -> None:
    done = run("--version", PATH=str(tmp_path), CHUNKFLOW_NODE="")
    assert done.returncode == 2
    assert done.stderr.startswith("error: no Node")
