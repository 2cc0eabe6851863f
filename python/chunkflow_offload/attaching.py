"""Attaches a plan to a model: from then on its blocks' weights are streamed from host memory."""

from __future__ import annotations

import os
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from .compiled_modules import plain_name
from .driver import Driver
from .errors import AttachError
from .layout import Block, find_blocks, fingerprint
from .library_cache import library_for, plan_of_folder
from .module_hooks import install
from .outside import Outside
from .plan_file import hold_against, read_plan
from .report import report_of
from .shared_copy import SharedCopy
from .streamed_block import StreamedBlock, refuse_old_torch_of_cpu
from .suitable import mark_attached, refuse_attached, refuse_unsuitable, unmark_attached

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

    from .native import Facts, Handle, Library
    from .streamed_place import StreamedLeaf


def attach(
    model: nn.Module,
    plan: str | os.PathLike[str],
    *,
    device: torch.device | str | int | None = None,
    containers: Sequence[str] | None = None,
    pinned_limit: int | None = None,
    group: Any = None,
    shared_host_copy: bool = False,
    check: bool = False,
) -> Attached:
    """Streams a model's weights by a plan, until `detach()` or until the context is left.

    Weights of the blocks go to pinned host memory and to what the plan keeps on the device; everything else of the
    model goes to the device. Parameters stay the same objects. They have values while their own block is called, and at
    other times in `editing()` and in state dicts.

    Args:
        model: The model that was profiled, or one whose blocks' tensors are alike.
        plan: A plan file of `chunkflow plan --profile`, or a folder of `chunkflow generate --attach`.
        device: Where the model runs; by default where its parameters are, or the current GPU, or the CPU.
        containers: Attribute paths of the lists of blocks, if they were given to `profile`.
        pinned_limit: Most bytes of pinned host memory.
        group: For a plan of transport staged-copy, which carries the model's all-to-alls and all-gathers itself: their
            process group; by default all ranks. Attaching is then collective over it.
        shared_host_copy: One copy of the weights for all ranks of `group` (by default all), which are on one host and
            whose weights are the same. Attaching and changing weights are then collective over it.
        check: Compare a block's bytes with the model's before each use. Slow: for finding errors.

    Raises:
        ModelError: The model's blocks cannot be found or streamed.
        FileError: The plan cannot be read, or was made for another model.
        AttachError: The model cannot be driven now.
        NativeError: The plan's library cannot be built, or there is not enough memory. The model is as it was.
    """
    refuse_old_torch_of_cpu()
    refuse_attached(model)
    blocks = find_blocks(model, containers)
    target = _device_for(model, device)
    refuse_unsuitable(model, blocks, target)
    backend = "cuda" if target.type == "cuda" else "host"
    library = _library(Path(plan), blocks, backend)
    _refuse_other_model(library, blocks, backend)
    if pinned_limit is not None and pinned_limit < 1:
        raise AttachError(f"pinned_limit: expected bytes, at least 1, got {pinned_limit}; leave it out for no limit")
    shared = SharedCopy(group) if shared_host_copy else None
    # Opening makes the device the thread's own; the model's caller keeps the one it had.
    with torch.cuda.device(target) if target.type == "cuda" else nullcontext():
        handle = _open(library, target.index or 0, pinned_limit or 0, shared)
    driver = Driver(
        handle,
        [StreamedBlock(index, block, handle, target, check, shared) for index, block in enumerate(blocks)],
        target,
        check,
        shared,
    )
    del handle
    attached = Attached(model, blocks, driver)
    attached._move_in(target, group)
    return attached


class Attached:
    """A plan that is attached to a model; made by `attach`. A context manager that detaches when it is left."""

    def __init__(self, model: nn.Module, blocks: Sequence[Block], driver: Driver) -> None:
        self._model = model
        self._modules = [block.module for block in blocks]
        self._homes = [leaf.tensor.device for block in blocks for leaf in block.leaves]
        self._blocks = blocks
        self._outside = Outside()
        self._driver: Driver | None = driver
        self._remove: Callable[[], None] | None = None

    def __enter__(self) -> Attached:
        self._now()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.detach()

    @property
    def facts(self) -> Facts:
        """What the library was generated for: slots and bytes."""
        return self._now().handle.library.facts

    def detach(self) -> None:
        """Gives the model back as it was: the same parameters on the same device, with the values that they have now.

        Does nothing the second time.

        Raises:
            AttachError: A block runs in another thread, or there is no memory for all weights where they came
                from; the plan stays attached.
        """
        driver = self._driver
        if driver is None:
            return
        driver.idle("detach()")
        driver.put_back(driver.blocks)
        homes = iter(self._homes)
        try:
            storage = [[leaf.empty(next(homes)) for leaf in block.leaves] for block in driver.blocks]
        except RuntimeError as error:
            raise AttachError(f"detach(): no memory for all weights where they came from: {error}") from None
        self._give_back(driver, storage)

    @contextmanager
    def editing(self, device: torch.device | str = "cpu") -> Iterator[None]:
        """All weights as ordinary tensors, to be read and changed in any way; afterwards they are streamed as they are.

        Needs memory for all of them. A parameter may be replaced by one of its shape and dtype: its values are taken,
        and the parameter that was there before stays the model's. The model cannot be called meanwhile.

        Args:
            device: Where they are meanwhile.

        Raises:
            AttachError: Afterwards, for parameters whose shape or dtype changed; they have the values from before.
        """
        driver = self._now()
        driver.idle("editing()")
        if driver.editing:
            raise AttachError("editing(): inside of editing()")
        driver.editing = True
        try:
            for block in driver.blocks:
                block.take_out(block.places, torch.device(device))
            yield
        finally:
            driver.editing = False
            driver.put_back(driver.blocks)

    def update(self, name: str, tensor: torch.Tensor) -> None:
        """Replaces the values of one parameter, by its name in `model.named_parameters()`.

        Of a wrapper subclass: of one plain tensor in it, `blocks.0.proj.weight:qdata`.

        Raises:
            AttachError: The model has no such parameter, or `tensor` has another shape or dtype.
        """
        driver = self._now()
        driver.idle("update()")
        for block in driver.blocks:
            for leaf in block.leaves:
                if f"{block.path}.{leaf.name}" == plain_name(name):
                    _refuse_unlike(name, tensor, leaf.like)
                    if driver.editing:
                        leaf.tensor.data.copy_(tensor)
                    else:
                        with driver.changing():
                            block.load(leaf, tensor)
                    return
        own = dict(self._model.named_parameters()).get(name)
        if own is None:
            raise AttachError(f'update(): the model has no parameter "{name}"')
        _refuse_unlike(name, tensor, own)
        with torch.no_grad():
            own.copy_(tensor)

    def counts(self) -> dict[str, int]:
        """What has happened since it was attached.

        `begins` (blocks), `restarts` (blocks out of order, the first one, and the one behind a change of weights),
        `late_windows` (copies issued at a block's end, because its collective did not come), `unplanned` (collectives
        that the plan does not have), `exchanged` (collectives that the plan has carried itself), `chunks` and `bytes`
        (copied to the device), `waited_ns` (that hooks waited for the library's own thread to enqueue copies).
        """
        counts = self._now().handle.counts()
        return {name: int(getattr(counts, name)) for name, *_ in counts._fields_}

    def host_seconds(self) -> float:
        """Work of hooks on the host: the time spent in them, less `waited_ns` of `counts()`.

        The model's thread waits there while the library's own thread is blocked by a full queue of the device: as a
        rule when the host is far ahead of the device, so that it would have waited at a later launch. Without a GPU,
        less all calls of the library, which wait for copies there.
        """
        return self._now().host_seconds()

    def report(self) -> str:
        """What has happened, as text."""
        return report_of(self.facts, self.counts(), self.host_seconds())

    def __reduce_ex__(self, _: object) -> str:
        raise AttachError("an attached plan cannot be copied or pickled")

    def _now(self) -> Driver:
        if self._driver is None:
            raise AttachError("the plan was detached; attach it anew")
        return self._driver

    def _move_in(self, device: torch.device, group: Any) -> None:
        driver = self._now()
        done: list[StreamedBlock] = []
        homes = iter(self._homes)
        shared = driver.shared
        # What another rank writes is not there before all have met.
        kept: list[tuple[StreamedLeaf, torch.Tensor]] = []
        is_met = False
        if shared is not None and not shared.fills:
            kept = [(leaf, leaf.tensor.detach()) for block in driver.blocks for leaf in block.leaves]
        try:
            if driver.handle.library.facts.carries:
                driver.join(group)
            self._outside.move(self._model, self._blocks, device)
            for block in driver.blocks:
                done.append(block)
                block.move_in()
            if shared is not None:
                is_met = True
                shared.meet()
                kept.clear()
            if device.type == "cuda":
                # What the weights took until now is free for others than PyTorch, too.
                torch.cuda.empty_cache()
            self._remove = install(self._model, self._modules, driver)
            mark_attached(self._modules)
        except BaseException as error:
            if shared is not None and not is_met:
                shared.tell(error)
            for leaf, value in kept:
                leaf.tensor.data = value
            moved = {leaf for block in done for leaf in block.leaves if leaf.is_parked()}
            for block in driver.blocks:
                for leaf in block.leaves:
                    home = next(homes)
                    if leaf in moved:
                        leaf.tensor.data = block.true_value(leaf).to(home)
            self._end(driver)
            raise

    def _give_back(self, driver: Driver, storage: Sequence[Sequence[torch.Tensor]]) -> None:
        for block, own in zip(driver.blocks, storage, strict=True):
            block.move_out(own)
        self._end(driver)

    def _end(self, driver: Driver) -> None:
        driver.close()
        if self._remove is not None:
            self._remove()
        unmark_attached(self._modules)
        self._driver = None
        self._outside.move_back()


def _device_for(model: nn.Module, device: torch.device | str | int | None) -> torch.device:
    if device is not None:
        chosen = torch.device(device)
    else:
        own = next((parameter.device for parameter in model.parameters() if parameter.device.type == "cuda"), None)
        chosen = own or torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if chosen.type == "cuda":
        if not torch.cuda.is_available():
            raise AttachError(f"device: {chosen} is not there: PyTorch sees no CUDA device")
        torch.cuda.init()  # type: ignore[no-untyped-call]
        index: int | None = chosen.index
        return torch.device("cuda", torch.cuda.current_device() if index is None else index)
    if chosen.type != "cpu":
        raise AttachError(f"device: expected a CUDA device or the CPU, got {chosen}")
    return torch.device("cpu")


def _open(library: Library, device: int, pinned_limit: int, shared: SharedCopy | None) -> Handle:
    if shared is None:
        return library.open(device, pinned_limit)
    descriptor = shared.memory(library.facts.host_bytes, str(library.facts))
    try:
        handle = library.open(device, pinned_limit, descriptor, fills=shared.fills)
    except BaseException as error:
        shared.tell(error)
        raise
    finally:
        os.close(descriptor)
    shared.meet()
    return handle


def _library(plan: Path, blocks: Sequence[Block], backend: str) -> Library:
    if plan.is_dir():
        made_from = plan_of_folder(plan)
        if made_from is not None:
            hold_against(made_from, blocks)
        return library_for(plan, backend)
    read = read_plan(plan)
    hold_against(read, blocks)
    return library_for(read, backend)


def _refuse_other_model(library: Library, blocks: Sequence[Block], backend: str) -> None:
    """The library's own word counts, whatever the plan beside it says: it is what the memory is laid out by."""
    facts = library.facts
    if facts.backend != backend:
        raise AttachError(
            f"{library.path}: was built for {facts.backend}, the model is to run on {backend}; build it anew"
        )
    if facts.block_bytes != tuple(block.nbytes for block in blocks) or facts.fingerprint != fingerprint(blocks):
        raise AttachError(
            f"{library.path}: was made for {facts.fingerprint}, this model is {fingerprint(blocks)}; profile and plan "
            "this model"
        )


def _refuse_unlike(name: str, tensor: torch.Tensor, like: torch.Tensor) -> None:
    if tensor.shape != like.shape or tensor.dtype != like.dtype:
        raise AttachError(
            f"update(): {name} is {like.dtype} {tuple(like.shape)}, got {tensor.dtype} {tuple(tensor.shape)}"
        )
