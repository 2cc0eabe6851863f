"""Tells the native library which point of which block the model has come to, and binds the block's weights there."""

from __future__ import annotations

import weakref
from contextlib import ExitStack, contextmanager, suppress
from threading import Lock, get_ident
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

import torch
import torch.distributed as dist

from .collectives import listen
from .errors import AttachError
from .joined_ranks import join_ranks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .collectives import Buffers, Call
    from .native import Handle
    from .shared_copy import SharedCopy
    from .streamed_block import StreamedBlock

T = TypeVar("T")


class Driver:
    """What the hooks of an attached model call. No reference to the model is kept."""

    def __init__(
        self,
        handle: Handle,
        blocks: Sequence[StreamedBlock],
        device: torch.device,
        check: bool,
        shared: SharedCopy | None = None,
    ) -> None:
        self.handle = handle
        self.shared = shared
        self.blocks = tuple(blocks)
        self.closed = False
        self.editing = False
        self._check = check
        self._device = device
        self._ranks: tuple[int, ...] = ()
        self._own = 0
        self._stream = _current_stream(device)
        self._is_cuda = device.type == "cuda"
        self._lock = Lock()
        self._running: StreamedBlock | None = None
        self._slot = 0
        self._thread = 0
        self._enqueues = handle.library.facts.enqueues
        self._begun = 0
        self._open: list[tuple[Call, int]] = []
        self._host_s = 0.0
        self._called_s = 0.0
        self._listening = ExitStack()
        weakref.finalize(self, self._listening.close).atexit = False
        if any(handle.library.facts.collectives):
            listener = _CarryingListener(self) if handle.library.facts.carries else _Listener(self)
            self._listening.enter_context(listen(listener))

    def begin(self, block: StreamedBlock, args: Any, kwargs: Any) -> None:
        """Before a block's forward: its weights are there for what is put on the current stream from now on."""
        started = perf_counter()
        try:
            if torch.is_grad_enabled() and (block.any_requires_grad() or _any_requires_grad((args, kwargs))):
                raise AttachError(
                    f"{block.path}: called with gradients enabled; streamed weights are gone before a backward pass. "
                    "Run it under torch.no_grad() or torch.inference_mode(), or model.requires_grad_(False)"
                )
            with self._lock:
                self._refuse_use(block.path)
                self._abandon()
                if self._is_cuda and torch.cuda.is_current_stream_capturing():
                    raise AttachError(
                        f"{block.path}: called while a CUDA graph is captured; a graph keeps addresses and streamed "
                        "weights move. Call the blocks outside of the capture"
                    )
                if block.taken:
                    # load_state_dict was left by an exception.
                    if self.shared is not None:
                        raise AttachError(
                            f"{block.path}: load_state_dict() has failed, and ranks share the host copy; load it on "
                            "all of them, or detach()"
                        )
                    self._raise_wrong(block.put_back(block.places))
                block.refuse_touched()
                slot = self._call(self.handle.begin, block.index)
                self._running, self._slot, self._thread = block, slot, get_ident()
                try:
                    block.bind(slot)
                    if self._check:
                        block.check(slot)
                except BaseException:
                    with suppress(AttachError):
                        self._abandon()
                    raise
        finally:
            self._host_s += perf_counter() - started

    def end(self, block: StreamedBlock, output: Any) -> None:
        """Behind a block's forward, whether it returned or raised."""
        started = perf_counter()
        try:
            with self._lock:
                if self._running is not block or self._thread != get_ident():
                    return
                self._finish()
            if torch.is_grad_enabled() and _any_requires_grad(output):
                raise AttachError(
                    f"{block.path}: its output requires gradients (of an adapter's parameters, perhaps); streamed "
                    "weights are gone before a backward pass. Run it under torch.no_grad() or torch.inference_mode()"
                )
        finally:
            self._host_s += perf_counter() - started

    def collective_begins(self, call: Call) -> None:
        """Right before the running block's next collective is issued."""
        started = perf_counter()
        running = self._running
        if running is None or self._thread != get_ident():
            return
        index = self._begun
        self._begun = index + 1
        self._open.append((call, index))
        try:
            enqueues = self._enqueues[running.index]
            # One that is not planned is counted there.
            if 2 * index >= len(enqueues) or enqueues[2 * index]:
                self._call(self.handle.collective_begins, index)
        finally:
            self._host_s += perf_counter() - started

    def collective_ends(self, call: Call) -> None:
        """Where the model has waited for a collective; one of a block that has ended is past already."""
        started = perf_counter()
        running = self._running
        if running is None or self._thread != get_ident():
            return
        begun = next((begun for begun in self._open if begun[0] is call), None)
        if begun is None:
            return
        self._open.remove(begun)
        index = begun[1]
        try:
            enqueues = self._enqueues[running.index]
            if 2 * index < len(enqueues) and enqueues[2 * index + 1]:
                self._call(self.handle.collective_ends, index)
        finally:
            self._host_s += perf_counter() - started

    def join(self, group: Any) -> None:
        """Joins the ranks of a process group for the collectives that the plan carries itself. Collective."""
        self._ranks = join_ranks(self.handle, group)
        self._own = self._ranks.index(dist.get_rank())

    def carry(self, call: Call, buffers: Buffers) -> bool:
        """Carries the running block's next collective, where it is the one that was planned."""
        started = perf_counter()
        running = self._running
        if running is None or self._thread != get_ident() or buffers.ranks != self._ranks:
            return False
        index = self._begun
        planned = self.handle.library.facts.message_bytes[running.index]
        send, recv = buffers.send, buffers.recv
        count = recv.numel() // len(buffers.ranks)
        message = count * recv.element_size()
        if index >= len(planned) or planned[index] != message:
            return False
        if recv.device != self._device or send.device != self._device:
            return False
        self._begun = index + 1
        try:
            _part(recv, count, self._own).copy_(_part(send, count, 0 if call.kind == "all-gather" else self._own))
            before = perf_counter()
            try:
                self.handle.exchange(index, send.data_ptr(), recv.data_ptr(), message, self._stream())
            finally:
                self._called_s += perf_counter() - before
        finally:
            self._host_s += perf_counter() - started
        return True

    def idle(self, purpose: str) -> None:
        """Makes sure that no block runs.

        Raises:
            AttachError: One runs in another thread.
        """
        with self._lock:
            running = self._elsewhere()
            if running is not None:
                raise AttachError(f"{purpose}: {running.path} runs in another thread; wait for the model's call to end")
            # Whoever reads or edits weights now gets the true ones, whatever was done to those of a call that failed.
            with suppress(AttachError):
                self._abandon()

    def invalidate(self) -> None:
        """Weights have changed."""
        self.handle.invalidate()

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Weights are changed. Collective where ranks share the host copy."""
        if self.shared is None:
            yield
        else:
            self.handle.synchronize()
            with self.shared.changing():
                yield
        self.invalidate()

    def put_back(self, blocks: Sequence[StreamedBlock]) -> None:
        """Parks parameters that were taken out, with the values that they have now.

        Raises:
            AttachError: Some do not fit; those have the values from before.
        """
        if not any(block.taken for block in blocks):
            return
        with self.changing():
            wrong = [line for block in blocks for line in block.put_back(block.places)]
        self._raise_wrong(wrong)

    def host_seconds(self) -> float:
        """Work of hooks: time inside of them, less what the library waited there for its other thread to enqueue.

        On the host backend, less all calls of the library: they wait for copies there.
        """
        return self._host_s - (1e-9 * self.handle.counts().waited_ns if self._is_cuda else self._called_s)

    def close(self) -> None:
        """No hook does anything any more."""
        self.closed = True
        self._listening.close()

    def _call(self, function: Callable[[int, int | None], T], index: int) -> T:
        """Calls the library for the current stream; on the host backend such a call may wait for a copy."""
        if self._is_cuda:
            return function(index, self._stream())
        before = perf_counter()
        try:
            return function(index, self._stream())
        finally:
            self._called_s += perf_counter() - before

    def _elsewhere(self) -> StreamedBlock | None:
        """The block that runs in another thread: not one that an exception left there."""
        running = self._running
        if running is None or self._thread == get_ident() or not running.runs_in(self._thread):
            return None
        return running

    def _refuse_use(self, path: str) -> None:
        if self.closed:
            raise AttachError(f"{path}: called while its model is being detached")
        if self.editing:
            raise AttachError(f"{path}: called inside of attached.editing(); leave that first")
        running = self._elsewhere()
        if running is not None:
            raise AttachError(
                f"{path}: called while {running.path} runs in another thread; an attached model takes one call at "
                "a time"
            )

    def _abandon(self) -> None:
        """Ends a block whose end did not come: its forward was left by what `always_call` does not see.

        Raises:
            AttachError: Its parameters are not as they were bound.
        """
        if self._running is not None:
            self._finish()

    def _finish(self) -> None:
        block, slot = self._running, self._slot
        self._running = None
        self._begun = 0
        self._open.clear()
        if block is None:
            return
        try:
            block.park(slot)
        finally:
            self._call(self.handle.end, block.index)

    def _raise_wrong(self, wrong: Sequence[str]) -> None:
        if wrong:
            more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
            raise AttachError(f"{wrong[0]}{more}; the values from before are kept")


class _Listener:
    """Passes collectives on to a driver without keeping it alive."""

    def __init__(self, driver: Driver) -> None:
        self._driver = weakref.ref(driver)

    def begins(self, call: Call) -> None:
        driver = self._driver()
        if driver is not None:
            driver.collective_begins(call)

    def ends(self, call: Call) -> None:
        driver = self._driver()
        if driver is not None:
            driver.collective_ends(call)


class _CarryingListener(_Listener):
    """The same of a plan that carries collectives itself."""

    def carry(self, call: Call, buffers: Buffers) -> bool:
        driver = self._driver()
        return driver is not None and driver.carry(call, buffers)


def _current_stream(device: torch.device) -> Callable[[], int | None]:
    if device.type == "cpu":
        return lambda: None
    raw: Callable[[int], int] = torch._C._cuda_getCurrentRawStream
    index = device.index
    return lambda: raw(index)


def _part(tensor: torch.Tensor, count: int, number: int) -> torch.Tensor:
    """Elements [number x count, (number + 1) x count) of a contiguous tensor."""
    return tensor.as_strided((count,), (1,), int(tensor.storage_offset()) + number * count)


def _any_requires_grad(values: Any) -> bool:
    return any(tensor.requires_grad for tensor in _tensors(values))


def _tensors(values: Any) -> Iterator[torch.Tensor]:
    if isinstance(values, torch.Tensor):
        yield values
    elif isinstance(values, dict):
        yield from _tensors(tuple(values.values()))
    elif isinstance(values, (tuple, list)):
        for value in values:
            yield from _tensors(value)
