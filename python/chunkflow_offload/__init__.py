"""Profiles a PyTorch model and streams its weights from host memory by a ChunkFlow plan."""

from .attach import Attached, attach
from .errors import ChunkflowError
from .version import VERSION

__version__ = VERSION

__all__ = ["Attached", "ChunkflowError", "__version__", "attach"]
