"""Profiles a PyTorch model, streams its weights by a ChunkFlow plan, and asks ChunkFlow for predictions and plans."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .errors import ChunkflowError
from .version import VERSION, refuse_old_torch

if TYPE_CHECKING:
    from .attaching import Attached, attach
    from .profile_file import Profile, read_profile
    from .profiling import profile
    from .questions import Chart, Document, command, plan, plot, predict, read_steps, simulate

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

_HOMES = {
    "Attached": "attaching",
    "attach": "attaching",
    "profile": "profiling",
    "Profile": "profile_file",
    "read_profile": "profile_file",
    **dict.fromkeys(("Chart", "Document", "command", "plan", "plot", "predict", "read_steps", "simulate"), "questions"),
}
"""Modules of names that are imported when they are first used: PyTorch takes seconds, and questions do without it."""


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if home != "questions":
        import torch

        refuse_old_torch(str(torch.__version__))
    found: object = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
