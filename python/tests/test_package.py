"""What importing the package takes and gives."""

from __future__ import annotations

import subprocess
import sys

import pytest

import chunkflow_offload


def test_every_name_is_found() -> None:
    for name in chunkflow_offload.__all__:
        assert getattr(chunkflow_offload, name) is not None, name
        assert name in dir(chunkflow_offload)
    assert callable(chunkflow_offload.attach)
    assert callable(chunkflow_offload.profile)


def test_an_unknown_name_is_said() -> None:
    with pytest.raises(AttributeError, match="module 'chunkflow_offload' has no attribute 'atach'"):
        _ = chunkflow_offload.atach


def test_questions_do_without_pytorch() -> None:
    code = "import sys, chunkflow_offload.__main__; chunkflow_offload.predict; assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_old_pytorch_is_refused_where_a_model_is_touched() -> None:
    code = "import torch; torch.__version__ = '2.3.1'; from chunkflow_offload import attach"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip().endswith("PyTorch 2.3.1 is too old: chunkflow-offload needs 2.4 or newer")
