"""What all tests share: one cache of built libraries and one of compiled objects, kept between runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session", autouse=True)
def _kept_libraries(request: pytest.FixtureRequest) -> None:
    cache = request.config.cache
    assert cache is not None
    os.environ.setdefault("CHUNKFLOW_CACHE", str(cache.mkdir("chunkflow")))
    os.environ.setdefault("CXX", str(Path(__file__).with_name("kept_objects.sh")))
    if sys.platform == "linux":
        project = Path(__file__).parents[2]
        os.environ.setdefault("CHUNKFLOW_KEPT_OBJECTS", str(project / "out" / "objects"))
        os.environ.setdefault("CMAKE_CXX_COMPILER_LAUNCHER", str(project / "test" / "support" / "keptObjects.sh"))


@pytest.fixture(autouse=True)
def _same_numbers() -> Iterator[None]:
    """One thread and one seed, so that equal work gives equal bits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)
