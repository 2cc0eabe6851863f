"""Profiles a PyTorch model, streams its weights by a ChunkFlow plan, and asks ChunkFlow for predictions and plans."""

import torch

from .attach import Attached, attach
from .errors import ChunkflowError
from .profile import profile
from .profile_file import Profile, read_profile
from .questions import Chart, Document, command, plan, plot, predict, read_steps, simulate
from .version import VERSION, refuse_old_torch

refuse_old_torch(str(torch.__version__))

__version__ = VERSION

__all__ = [
    "Attached",
    "Chart",
    "ChunkflowError",
    "Document",
    "Profile",
    "__version__",
    "attach",
    "command",
    "plan",
    "plot",
    "predict",
    "profile",
    "read_profile",
    "read_steps",
    "simulate",
]
