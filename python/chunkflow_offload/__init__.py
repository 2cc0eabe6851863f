"""Profiles a PyTorch model and streams its weights from host memory by a ChunkFlow plan."""

from .errors import ChunkflowError
from .profile import profile
from .profile_file import Profile, read_profile
from .version import VERSION

__version__ = VERSION

__all__ = ["ChunkflowError", "Profile", "__version__", "profile", "read_profile"]
