"""Profiles a PyTorch model and streams its weights from host memory by a ChunkFlow plan."""

import torch

from .attach import Attached, attach
from .errors import ChunkflowError
from .profile import profile
from .profile_file import Profile, read_profile
from .version import VERSION, refuse_old_torch

refuse_old_torch(str(torch.__version__))

__version__ = VERSION

__all__ = ["Attached", "ChunkflowError", "Profile", "__version__", "attach", "profile", "read_profile"]
