"""The lists of a model whose modules are its blocks."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

from torch import nn

from .compiled_modules import class_of
from .errors import ModelError
from .plain_tensors import parameter_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LEAST_SHARE = 0.05
"""A list with a smaller share of the model's parameter bytes is not streamed (a text refiner's two blocks)."""


class Container(NamedTuple):
    """A list of blocks and its attribute path."""

    path: str
    blocks: tuple[nn.Module, ...]


def named_containers(model: nn.Module, paths: Sequence[str]) -> list[Container]:
    """The containers at the attribute paths that a user gave, in that order."""
    if isinstance(paths, str) or not all(isinstance(path, str) for path in paths):
        raise ModelError(f'containers: expected a list of attribute paths such as ["blocks"], got {paths!r}')
    if len(paths) == 0:
        raise ModelError("containers: expected at least one attribute path, got none; leave it out to have them found")
    twice = [path for path, count in Counter(paths).items() if count > 1]
    if twice:
        raise ModelError(f'containers: "{twice[0]}" is named twice')
    for path in paths:
        inside = next((other for other in paths if path.startswith(f"{other}.")), None)
        if inside is not None:
            raise ModelError(f'containers: "{path}" lies inside "{inside}"; name only one of them')
    return [_container_at(model, path) for path in paths]


def _container_at(model: nn.Module, path: str) -> Container:
    modules = dict(model.named_modules())
    if path not in modules:
        lists = _quoted([name for name, at in modules.items() if name and _is_list(at)])
        raise ModelError(f'containers: {type(model).__name__} has no "{path}"; its lists are {lists}')
    container = modules[path]
    if not _is_list(container):
        raise ModelError(
            f'containers: "{path}" is a {type(container).__name__}, expected a torch.nn.ModuleList or Sequential'
        )
    if len(container) == 0:
        raise ModelError(f'containers: "{path}" is empty')
    return Container(path, tuple(container))


def _is_list(module: nn.Module) -> TypeGuard[nn.ModuleList | nn.Sequential]:
    return isinstance(module, (nn.ModuleList, nn.Sequential))


def largest_containers(model: nn.Module) -> list[Container]:
    """The containers that hold most of the model's parameters, in order of definition."""
    total = parameter_bytes(model)
    candidates = list(_outermost(model, ""))
    held = {at.path: sum(parameter_bytes(block) for block in at.blocks) for at in candidates}
    chosen = [at for at in candidates if held[at.path] >= LEAST_SHARE * total and held[at.path] > 0]
    said = ", ".join(f'"{path}" ({_percent(held[path], total)} of the parameter bytes)' for path in held) or "none"
    if 2 * sum(held[at.path] for at in chosen) <= total:
        raise ModelError(
            f"{type(model).__name__}: no lists of alike modules hold most of the parameters; candidates: {said}; "
            'name them: containers=["..."]'
        )
    for at in chosen:
        inner = [deep for block in at.blocks for deep in _outermost(block, at.path)]
        if type(at.blocks[0]) is nn.Sequential and sum(map(_held, inner)) * 2 > held[at.path]:
            inside = _quoted([f"{at.path}.{i}" for i in range(len(at.blocks))])
            raise ModelError(
                f'{type(model).__name__}: the blocks may be those of "{at.path}" or those of {inside}; '
                'name them: containers=["..."]'
            )
    return chosen


def _held(container: Container) -> int:
    return sum(parameter_bytes(block) for block in container.blocks)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "0 %"


def _outermost(module: nn.Module, path: str) -> Iterator[Container]:
    """Lists of two or more modules of one class that lie in no other such list, in order of definition."""
    if _is_list(module):
        blocks: tuple[nn.Module, ...] = tuple(module)
        # A ModuleList has no forward of its own, so it is no block: a list of lists is looked into.
        alike = len({class_of(block) for block in blocks}) == 1 and type(blocks[0]) is not nn.ModuleList
        if len(blocks) >= 2 and alike and path:
            yield Container(path, blocks)
            return
    for name, child in module.named_children():
        yield from _outermost(child, f"{path}.{name}" if path else name)


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names) or "none"
