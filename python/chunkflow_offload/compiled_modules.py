"""Modules that torch.compile has wrapped or compiled in place."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

WRAPPED = "_orig_mod"
"""Where the wrapper that `torch.compile(module)` returns holds the module, which is part of its parameters' names."""


def class_of(module: nn.Module) -> type:
    """The module's class; of a wrapper by torch.compile, that of the module in it."""
    return type(getattr(module, WRAPPED, module))


def plain_name(name: str) -> str:
    """A parameter's name as if nothing were compiled."""
    return name.replace(f"{WRAPPED}.", "")


def eager(function: Callable[..., None]) -> Callable[..., None]:
    """The function, kept out of compiled graphs; as it is where nothing can have been compiled."""
    if "torch._dynamo" not in sys.modules:
        return function
    disable: Any = torch.compiler.disable
    disabled: Callable[..., None] = disable(function)
    return disabled
