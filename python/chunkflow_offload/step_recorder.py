"""What happens when while a step runs: blocks and collectives, each with marks of the device's clock."""

from __future__ import annotations

import functools
import inspect
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
import torch.distributed as dist

from .collectives import Call, listen, wait_if_async
from .compiled_modules import eager
from .device_clock import BLOCKS_LEAD_S
from .errors import ProfileError
from .layout import dtype_name
from .profile_file import Input
from .ranks import from_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import nn

    from .device_clock import Clock, Mark
    from .layout import Block
    from .placement import Placement


class BlockBegins(NamedTuple):
    """A block begins at `mark`; its hook was entered at `arrived`, and in between its weights were moved."""

    block: int
    arrived: Mark
    mark: Mark


class BlockEnds(NamedTuple):
    """A block has returned."""

    block: int
    mark: Mark


class CallBegins(NamedTuple):
    """A collective is about to be issued."""

    call: Call
    mark: Mark


class CallEnds(NamedTuple):
    """A collective was waited for; `call` is the object of its begin."""

    call: Call
    mark: Mark


Event = BlockBegins | BlockEnds | CallBegins | CallEnds


@dataclass
class RecordedStep:
    """One call of the step; `host_s` is how long it took the host to return from it."""

    begins: Mark
    ends: Mark = None
    events: list[Event] = field(default_factory=list)
    host_s: float = 0.0


@dataclass
class Recorder:
    """Records steps while its context is entered; a listener of collectives.

    Attributes:
        inputs: Tensors of the model's first call.
        heard: Collectives that were heard of so far, within blocks or not.
    """

    model: nn.Module
    blocks: Sequence[Block]
    clock: Clock
    placement: Placement
    inputs: tuple[Input, ...] = ()
    heard: int = 0
    _step: RecordedStep | None = None
    _together: bool = False
    _are_alike: bool = False

    @contextmanager
    def hooked(self) -> Iterator[None]:
        """Hooks the blocks and listens to collectives until the context is left."""
        with ExitStack() as undo:
            hooks = [self.model.register_forward_pre_hook(eager(self._model_begins), with_kwargs=True)]
            for index, block in enumerate(self.blocks):
                begins, ends = functools.partial(self._begins, index), functools.partial(self._ends, index)
                hooks.append(block.module.register_forward_pre_hook(eager(begins)))
                hooks.append(block.module.register_forward_hook(eager(ends)))
            for hook in hooks:
                undo.callback(hook.remove)
            undo.enter_context(listen(self))
            yield

    def run(self, step: Callable[[], Any], lead_s: float = 0.0) -> RecordedStep:
        """Calls the step once; the device begins it `lead_s` later, so that no kernel of it waits to be launched."""
        # Ranks begin a block together once it is known that they meet in collectives.
        self._together = self.heard > 0
        if self._together and not self._are_alike:
            self._refuse_unlike_ranks()
        if lead_s > 0:
            self.clock.give_lead(lead_s)
        recorded = RecordedStep(self.clock.mark())
        called = perf_counter()
        self._step = recorded
        try:
            step()
        finally:
            self._step = None
            recorded.host_s = perf_counter() - called
        recorded.ends = self.clock.mark()
        return recorded

    def _refuse_unlike_ranks(self) -> None:
        brings = from_all(self.placement.brings, together=dist.is_initialized() and dist.get_world_size() > 1)
        if len(set(brings)) > 1:
            rank = brings.index(True)
            raise ProfileError(
                f"the model fits on some ranks' devices and not on rank {rank}'s; give block_by_block=True on all of "
                "them"
            )
        self._are_alike = True

    def begins(self, call: Call) -> None:
        """A collective is about to be issued."""
        self.heard += 1
        if self._step is not None:
            self._step.events.append(CallBegins(call, self.clock.mark()))

    def ends(self, call: Call) -> None:
        """A collective was waited for."""
        if self._step is not None:
            self._step.events.append(CallEnds(call, self.clock.mark()))

    def _model_begins(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        if not self.inputs:
            self.inputs = tuple(_inputs(module, args, kwargs))

    def _begins(self, index: int, _module: nn.Module, _args: Any) -> None:
        if self._step is None:
            return
        arrived = self.clock.mark()
        if self.placement.brings:
            self.placement.enter(index)
            if self._together:
                # Moving takes each rank its own time, which the first collective would otherwise wait for.
                dist.barrier()
            self.clock.give_lead(BLOCKS_LEAD_S)
            begins = self.clock.mark()
        else:
            begins = arrived
        self._step.events.append(BlockBegins(index, arrived, begins))

    def _ends(self, index: int, _module: nn.Module, _args: Any, output: Any) -> None:
        if self._step is None:
            return
        # The runtime ends a block's collectives within it, so a result that nobody has used yet is waited for here.
        wait_if_async(output)
        self._step.events.append(BlockEnds(index, self.clock.mark()))
        self.placement.leave(index)


def _inputs(module: nn.Module, args: Any, kwargs: Any) -> Iterator[Input]:
    names = list(inspect.signature(module.forward).parameters)
    named = [(names[at] if at < len(names) else f"argument{at}", value) for at, value in enumerate(args)]
    for name, value in [*named, *kwargs.items()]:
        if isinstance(value, torch.Tensor):
            yield Input(name, tuple(value.shape), dtype_name(value.dtype))
