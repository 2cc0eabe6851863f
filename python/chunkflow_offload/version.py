"""Versions: the package's own, and the oldest PyTorch that it runs with."""

import re

from .errors import ChunkflowError

VERSION = "0.1.0"
OLDEST_TORCH = (2, 4)


def refuse_old_torch(version: str) -> None:
    """Refuses a PyTorch that is too old; a version that cannot be read is let pass.

    Raises:
        ChunkflowError: Names the version and the oldest that will do.
    """
    numbers = re.match(r"(\d+)\.(\d+)", version)
    if numbers is not None and (int(numbers[1]), int(numbers[2])) < OLDEST_TORCH:
        oldest = ".".join(str(number) for number in OLDEST_TORCH)
        raise ChunkflowError(f"PyTorch {version} is too old: chunkflow-offload needs {oldest} or newer")
