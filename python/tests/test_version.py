"""Which PyTorch is accepted."""

import pytest

import chunkflow_offload as chunkflow
from chunkflow_offload.version import refuse_old_torch


@pytest.mark.parametrize("version", ["2.4.0", "2.11.0+cu130", "3.0", "local build"])
def test_new_enough(version: str) -> None:
    refuse_old_torch(version)


@pytest.mark.parametrize("version", ["2.3.1+cu121", "1.13.0"])
def test_too_old(version: str) -> None:
    with pytest.raises(chunkflow.ChunkflowError) as caught:
        refuse_old_torch(version)
    assert str(caught.value) == f"PyTorch {version} is too old: chunkflow-offload needs 2.4 or newer"
