"""Collectives that a model issues, each with its begin and its end, without a change of the model's code.

    torch.distributed.all_to_all_single(...)      synchronous: ends when it returns
    work = torch.distributed.all_reduce(async_op=True); work.wait()
    x = funcol.all_to_all_single(...); funcol.wait_tensor(x), or the first use of an AsyncCollectiveTensor

The functions are replaced in every loaded module that has them while someone listens. What cannot be seen: calls of
`torch.ops._c10d_functional` (compiled code), functions kept elsewhere than in a module (an attribute of an object, a
default argument), collectives inside of torch.distributed's coalescing manager, and other kinds of collectives.
"""

from __future__ import annotations

import functools
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import torch
import torch.distributed as dist

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


class Call(NamedTuple):
    """One collective of this rank.

    Attributes:
        kind: `all-to-all`, `all-gather` or `all-reduce`.
        sent_bytes: Bytes that leave this rank: all of an all-to-all's input but its own share, n - 1 times an
            all-gather's input, 2 (n - 1) / n times an all-reduce's.
        buffer_bytes: Bytes of input and output together; of an in-place all-reduce its one tensor.
        group_size: n, at least 2: collectives of one rank are not seen.
    """

    kind: str
    sent_bytes: int
    buffer_bytes: int
    group_size: int


class Listener(Protocol):
    """Who wants to know."""

    def begins(self, call: Call) -> None:
        """Comes right before a collective is issued."""

    def ends(self, call: Call) -> None:
        """Comes right after the model's code has waited for the result: on CUDA, the current stream waits for it.

        `call` is the very object that `begins` got.
        """


class Carrier(Listener, Protocol):
    """A listener that may do collectives itself, in place of their group."""

    def carry(self, call: Call, buffers: Buffers) -> bool:
        """Does the collective in stream order, if it can; then neither its group nor this listener hears of it.

        Returns:
            Whether it was done: the same on all ranks.
        """


@dataclass(frozen=True)
class Buffers:
    """Where a collective of equal parts takes its bytes from, and where they go: contiguous, in order of rank.

    Attributes:
        send: An all-to-all's messages, or the own shard of an all-gather.
        recv: What arrives, and the rank's own part, which the carrier moves as well.
        ranks: Global ranks of the group, in order.
        result: What the caller's function returns.
    """

    send: torch.Tensor
    recv: torch.Tensor
    ranks: tuple[int, ...]
    result: Any


@contextmanager
def listen(listener: Listener) -> Iterator[None]:
    """Tells `listener` of every collective until the context is left.

    Several may listen at once: each is told of all that begin while it listens. They may leave in any order.
    """
    with _lock:
        _listeners.append(listener)
        if len(_listeners) == 1:
            _replace(_wrappers())
    try:
        yield
    finally:
        with _lock:
            # By identity: listeners may compare equal.
            del _listeners[next(i for i, at in enumerate(_listeners) if at is listener)]
            if not _listeners:
                _replace({wrapper: original for original, wrapper in _wrappers().items()})
                _waited_for.clear()


@dataclass
class _InFlight:
    """A collective that has begun, and who was told."""

    call: Call
    told: tuple[Listener, ...]
    keeps: torch.Tensor | None = None
    ended: bool = False

    def end(self) -> None:
        if self.ended:
            return
        self.ended = True
        for listener in self.told:
            if any(at is listener for at in _listeners):
                listener.ends(self.call)


class _Thread(threading.local):
    issuing: _InFlight | None = None


_lock = threading.Lock()
_listeners: list[Listener] = []
_waited_for: dict[int, _InFlight] = {}
"""Functional collectives nobody has waited for yet, by the address of their result's storage, which they keep alive."""
_thread = _Thread()


def _replace(by: dict[Any, Any]) -> None:
    """Replaces functions in every loaded module."""
    found = {id(function): replacement for function, replacement in by.items()}
    for module in list(sys.modules.values()):
        # Not getattr: a lazy module would load what it only announces.
        namespace = getattr(module, "__dict__", None)
        if not isinstance(namespace, dict):
            continue
        for name, value in list(namespace.items()):
            if id(value) in found:
                setattr(module, name, found[id(value)])


def _watched(original: Callable[..., Any], describe: Callable[..., Call | None]) -> Callable[..., Any]:
    @functools.wraps(original)
    def watched(*args: Any, **kwargs: Any) -> Any:
        if torch.compiler.is_compiling() or not _listeners or _thread.issuing is not None or _is_traced():
            return original(*args, **kwargs)
        try:
            call = describe(*args, **kwargs)
        except (TypeError, AttributeError):
            # The caller's mistake is told in the function's own words.
            original(*args, **kwargs)
            raise
        if call is None:
            return original(*args, **kwargs)
        return _issue(call, original, args, kwargs)

    return watched


def _issue(call: Call, original: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    # Results of earlier collectives would otherwise be waited for inside of this one.
    for value in (*args, *kwargs.values()):
        wait_if_async(value)
    told = tuple(_listeners)
    carried = _carried(call, told, original, args, kwargs)
    if carried is not None:
        by, buffers = carried
        for listener in told:
            if listener is not by:
                listener.begins(call)
        _InFlight(call, tuple(listener for listener in told if listener is not by)).end()
        return buffers.result
    at = _InFlight(call, told)
    for listener in at.told:
        listener.begins(call)
    _thread.issuing = at
    try:
        result = original(*args, **kwargs)
    finally:
        _thread.issuing = None
    if isinstance(result, dist.Work):
        return _watched_work(result, at)
    if isinstance(result, _async_tensor()) and not result.completed and result.elem.numel() > 0:
        at.keeps = result.elem
        _waited_for[_address(result.elem)] = at
    else:
        at.end()
    return result


def _carried(
    call: Call, told: Sequence[Listener], original: Callable[..., Any], args: Any, kwargs: Any
) -> tuple[Listener, Buffers] | None:
    """The listener that has done the collective itself, if one has."""
    carriers = [(listener, carry) for listener in told if (carry := getattr(listener, "carry", None)) is not None]
    if not carriers:
        return None
    find = _finders().get(original)
    buffers = find(*args, **kwargs) if find is not None else None
    if buffers is None:
        return None
    for listener, carry in carriers:
        if carry(call, buffers):
            return listener, buffers
    return None


def _watched_wait(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def wait_tensor(tensor: Any) -> Any:
        result = original(tensor)
        if torch.compiler.is_compiling() or not (_waited_for or _thread.issuing):
            return result
        inner = tensor.elem if isinstance(tensor, _async_tensor()) else tensor
        if type(inner) is not torch.Tensor:
            # A tracer's stand-in, which has no memory.
            return result
        at = _waited_for.pop(_address(inner), None)
        # A gather along another dimension waits for its own result before it returns.
        at = at if at is not None else _thread.issuing
        if at is not None:
            at.end()
        return result

    return wait_tensor


def wait_if_async(value: Any) -> None:
    """Waits for results of functional collectives in a value, which may be a list, tuple or dict of values."""
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, (list, tuple)):
        for each in value:
            wait_if_async(each)
    elif isinstance(value, torch.Tensor) and dist.is_available():
        asynchronous: Any = value
        if isinstance(asynchronous, _async_tensor()):
            asynchronous.trigger_wait()


def _address(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


@functools.cache
def _async_tensor() -> Any:
    return _functional().AsyncCollectiveTensor


def _is_traced() -> bool:
    """Whether tensors are stand-ins of a tracer, whose collectives run later or never."""
    traced: bool = _functional()._are_we_tracing()
    return traced


@functools.cache
def _functional() -> Any:
    import torch.distributed._functional_collectives as functional

    return functional


@functools.cache
def _wrappers() -> dict[Any, Any]:
    """Each original function and what stands in its place while someone listens."""
    if not dist.is_available():
        return {}
    # Now, while the functions have their own names.
    _finders()
    functional = _functional()
    described: dict[Any, Callable[..., Call | None]] = {
        dist.all_to_all_single: _all_to_all_single,
        dist.all_to_all: _all_to_all,
        dist.all_gather_into_tensor: _all_gather_into_tensor,
        dist.all_gather: _all_gather,
        dist.all_reduce: _all_reduce,
        functional.all_to_all_single: _functional_all_to_all_single,
        functional.all_gather_tensor: _functional_all_gather_tensor,
        functional.all_reduce: _functional_all_reduce,
    }
    for name in ("all_to_all_single", "all_gather_tensor"):
        # Not in every release.
        with_gradient = getattr(functional, f"{name}_autograd", None)
        if with_gradient is not None:
            described[with_gradient] = described[getattr(functional, name)]
    wrappers = {original: _watched(original, describe) for original, describe in described.items()}
    return {**wrappers, functional.wait_tensor: _watched_wait(functional.wait_tensor)}


@functools.cache
def _finders() -> dict[Any, Callable[..., Buffers | None]]:
    """Functions whose collectives can be carried, and what finds their buffers: None where parts are not equal."""
    functional = _functional()
    return {
        dist.all_to_all_single: _all_to_all_single_buffers,
        dist.all_gather_into_tensor: _all_gather_into_tensor_buffers,
        functional.all_to_all_single: _functional_all_to_all_single_buffers,
        functional.all_gather_tensor: _functional_all_gather_tensor_buffers,
    }


def _ranks(group: Any) -> tuple[int, ...]:
    return tuple(dist.get_process_group_ranks(group))


def _work_if(async_op: bool) -> Any:
    return _done_work_class()() if async_op else None


def _all_to_all_single_buffers(
    output: torch.Tensor,
    input: torch.Tensor,  # noqa: A002
    output_split_sizes: Sequence[int] | None = None,
    input_split_sizes: Sequence[int] | None = None,
    group: Any = None,
    async_op: bool = False,
) -> Buffers | None:
    ranks = _ranks(group)
    if not _are_equal(output_split_sizes) or not _are_equal(input_split_sizes) or not _are_plain(output, input):
        return None
    if _bytes(output) != _bytes(input) or input.numel() % len(ranks) != 0:
        return None
    return Buffers(input, output, ranks, _work_if(async_op))


def _all_gather_into_tensor_buffers(
    output_tensor: torch.Tensor, input_tensor: torch.Tensor, group: Any = None, async_op: bool = False
) -> Buffers | None:
    ranks = _ranks(group)
    if not _are_plain(output_tensor, input_tensor) or _bytes(output_tensor) != len(ranks) * _bytes(input_tensor):
        return None
    return Buffers(input_tensor, output_tensor, ranks, _work_if(async_op))


def _functional_all_to_all_single_buffers(
    self: torch.Tensor,
    output_split_sizes: Sequence[int] | None,
    input_split_sizes: Sequence[int] | None,
    group: Any,
    tag: str = "",
) -> Buffers | None:
    ranks = _functional_ranks(group, tag)
    if ranks is None or not _are_equal(output_split_sizes) or not _are_equal(input_split_sizes):
        return None
    if not _are_plain(self) or self.dim() == 0 or self.shape[0] % len(ranks) != 0:
        return None
    recv = torch.empty_like(self)
    return Buffers(self, recv, ranks, recv)


def _functional_all_gather_tensor_buffers(
    self: torch.Tensor, gather_dim: int, group: Any, tag: str = ""
) -> Buffers | None:
    ranks = _functional_ranks(group, tag)
    if ranks is None or gather_dim != 0 or not _are_plain(self) or self.dim() == 0:
        return None
    recv = self.new_empty((len(ranks) * self.shape[0], *self.shape[1:]))
    return Buffers(self, recv, ranks, recv)


def _functional_ranks(group: Any, tag: str) -> tuple[int, ...] | None:
    """None for several groups at once, whose ranks are not all this process's."""
    from torch.distributed import distributed_c10d

    if isinstance(group, list) and group and isinstance(group[0], list):
        return None
    names: Any = distributed_c10d
    return _ranks(names._resolve_process_group(_functional()._resolve_group_name(group, tag)))


def _are_equal(splits: Sequence[int] | None) -> bool:
    return not splits or len(set(splits)) == 1


def _are_plain(*tensors: torch.Tensor) -> bool:
    return all(tensor.is_contiguous() and tensor.numel() > 0 for tensor in tensors)


@functools.cache
def _done_work_class() -> Any:
    """A handle of a collective that the current stream is behind already."""

    def wait(_: Any, timeout: Any = None) -> bool:  # noqa: ARG001
        return True

    def is_true(_: Any) -> bool:
        return True

    return type(
        "DoneWork",
        (dist.Work,),
        {"wait": wait, "is_completed": is_true, "is_success": is_true, "synchronize": lambda _: None},
    )


def _bytes(tensors: Sequence[torch.Tensor] | torch.Tensor) -> int:
    if isinstance(tensors, torch.Tensor):
        return tensors.numel() * tensors.element_size()
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _size(group: Any) -> int:
    """Ranks of the group; 1 where nothing is issued now: this rank is not in it, or the call is only recorded."""
    from torch.distributed import distributed_c10d

    size = dist.get_world_size(group)
    if size < 2:
        return 1
    recorded = distributed_c10d._world.pg_coalesce_state
    return 1 if (group or distributed_c10d._get_default_group()) in recorded else size


def _functional_size(group: Any, tag: str) -> int:
    from torch.distributed import distributed_c10d

    if isinstance(group, list):
        return len(group[0]) if isinstance(group[0], list) else len(group)
    name = _functional()._resolve_group_name(group, tag)
    return distributed_c10d._get_group_size_by_name(name)


def _all_to_all_call(input_bytes: int, own_bytes: int, output_bytes: int, n: int) -> Call | None:
    return Call("all-to-all", input_bytes - own_bytes, input_bytes + output_bytes, n) if n > 1 else None


def _all_gather_call(input_bytes: int, output_bytes: int, n: int) -> Call | None:
    return Call("all-gather", (n - 1) * input_bytes, input_bytes + output_bytes, n) if n > 1 else None


def _all_reduce_call(input_bytes: int, buffer_bytes: int, n: int) -> Call | None:
    return Call("all-reduce", 2 * (n - 1) * input_bytes // n, buffer_bytes, n) if n > 1 else None


def _own_bytes(tensor: torch.Tensor, splits: Sequence[int] | None, rank: Callable[[], int], n: int) -> int:
    """Bytes of an all-to-all's input that stay on this rank."""
    if not splits:
        return _bytes(tensor) // n
    rows = sum(splits)
    return _bytes(tensor) * splits[rank()] // rows if rows else 0


# Signatures of the functions they describe.


def _all_to_all_single(
    output: torch.Tensor,
    input: torch.Tensor,  # noqa: A002
    output_split_sizes: Sequence[int] | None = None,  # noqa: ARG001
    input_split_sizes: Sequence[int] | None = None,
    group: Any = None,
    async_op: bool = False,  # noqa: ARG001
) -> Call | None:
    n = _size(group)
    own = _own_bytes(input, input_split_sizes, lambda: dist.get_rank(group), n)
    return _all_to_all_call(_bytes(input), own, _bytes(output), n)


def _all_to_all(
    output_tensor_list: Sequence[torch.Tensor],
    input_tensor_list: Sequence[torch.Tensor],
    group: Any = None,
    async_op: bool = False,  # noqa: ARG001
) -> Call | None:
    n = _size(group)
    if n < 2:
        return None
    own = _bytes(input_tensor_list[dist.get_rank(group)])
    return _all_to_all_call(_bytes(input_tensor_list), own, _bytes(output_tensor_list), n)


def _all_gather_into_tensor(
    output_tensor: torch.Tensor,
    input_tensor: torch.Tensor,
    group: Any = None,
    async_op: bool = False,  # noqa: ARG001
) -> Call | None:
    return _all_gather_call(_bytes(input_tensor), _bytes(output_tensor), _size(group))


def _all_gather(
    tensor_list: Sequence[torch.Tensor],
    tensor: torch.Tensor,
    group: Any = None,
    async_op: bool = False,  # noqa: ARG001
) -> Call | None:
    return _all_gather_call(_bytes(tensor), _bytes(tensor_list), _size(group))


def _all_reduce(
    tensor: torch.Tensor,
    op: Any = None,  # noqa: ARG001
    group: Any = None,
    async_op: bool = False,  # noqa: ARG001
) -> Call | None:
    return _all_reduce_call(_bytes(tensor), _bytes(tensor), _size(group))


def _functional_all_to_all_single(
    self: torch.Tensor,
    output_split_sizes: Sequence[int] | None,
    input_split_sizes: Sequence[int] | None,
    group: Any,
    tag: str = "",
) -> Call | None:
    n = _functional_size(group, tag)
    own = _own_bytes(self, input_split_sizes, lambda: _functional_rank(group, tag), n)
    rows = sum(output_split_sizes) if output_split_sizes else self.shape[0]
    output_bytes = rows * _bytes(self) // self.shape[0] if self.shape[0] else 0
    return _all_to_all_call(_bytes(self), own, output_bytes, n)


def _functional_rank(group: Any, tag: str) -> int:
    from torch.distributed import distributed_c10d

    names: Any = distributed_c10d
    return dist.get_rank(names._resolve_process_group(_functional()._resolve_group_name(group, tag)))


def _functional_all_gather_tensor(self: torch.Tensor, gather_dim: int, group: Any, tag: str = "") -> Call | None:  # noqa: ARG001
    n = _functional_size(group, tag)
    return _all_gather_call(_bytes(self), n * _bytes(self), n)


def _functional_all_reduce(self: torch.Tensor, reduceOp: str, group: Any, tag: str = "") -> Call | None:  # noqa: ARG001, N803
    return _all_reduce_call(_bytes(self), 2 * _bytes(self), _functional_size(group, tag))


def _watched_work(work: Any, at: _InFlight) -> Any:
    watched = _work_class()()
    watched.of, watched.at = work, at
    return watched


@functools.cache
def _work_class() -> Any:
    """A handle like the one it wraps; whatever makes the caller or its stream wait ends the collective."""
    waits = {"wait", "synchronize", "block_current_stream"}

    def delegate(name: str) -> Callable[..., Any]:
        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            result = getattr(self.of, name)(*args, **kwargs)
            if name in waits:
                self.at.end()
            return result

        return method

    names = [name for name in dir(dist.Work) if not name.startswith("_")]
    return type("WatchedWork", (dist.Work,), {name: delegate(name) for name in names})
