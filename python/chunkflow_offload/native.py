"""The native library of a plan, called through ctypes."""

from __future__ import annotations

import ctypes
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import NativeError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WHOLLY_RESIDENT = -1
"""The slot of a block that has none."""


class Counts(ctypes.Structure):
    """What has happened since the library was opened; the C structure `cf_counts_t`."""

    _fields_ = tuple(
        (name, ctypes.c_uint64)
        for name in ("begins", "restarts", "late_windows", "unplanned", "exchanged", "chunks", "bytes", "waited_ns")
    )


_POINTER, _INT, _U64 = ctypes.c_void_p, ctypes.c_int, ctypes.c_uint64
_BARRIER = ctypes.CFUNCTYPE(_INT, _POINTER)
_BROADCAST = ctypes.CFUNCTYPE(_INT, _POINTER, _POINTER, _U64)

_SIGNATURES: dict[str, tuple[type | None, tuple[type, ...]]] = {
    "cf_error": (ctypes.c_char_p, ()),
    "cf_facts": (ctypes.c_char_p, ()),
    "cf_open_shared": (_POINTER, (_INT, _U64, _INT, _INT)),
    "cf_close": (None, (_POINTER,)),
    "cf_device": (_POINTER, (_POINTER, _INT, _INT)),
    "cf_load": (_INT, (_POINTER, _INT, _POINTER, _INT, _U64, _U64)),
    "cf_read": (_INT, (_POINTER, _INT, _POINTER, _U64, _U64)),
    "cf_begin": (_INT, (_POINTER, _INT, _POINTER)),
    "cf_collective_begins": (_INT, (_POINTER, _INT, _POINTER)),
    "cf_collective_ends": (_INT, (_POINTER, _INT, _POINTER)),
    "cf_end": (_INT, (_POINTER, _INT, _POINTER)),
    "cf_join": (_INT, (_POINTER, _INT, _INT, _BARRIER, _BROADCAST, _POINTER)),
    "cf_exchange": (_INT, (_POINTER, _INT, _POINTER, _POINTER, _U64, _POINTER)),
    "cf_invalidate": (_INT, (_POINTER,)),
    "cf_synchronize": (_INT, (_POINTER,)),
    "cf_counts": (_INT, (_POINTER, ctypes.POINTER(Counts))),
}


@dataclass(frozen=True)
class Facts:
    """What a library was generated for.

    Attributes:
        tool: What generated it.
        plan: Name of its program.
        fingerprint: That of the model's blocks.
        backend: `cuda` or `host`.
        slots: Buffers on the device.
        slot_bytes: Bytes of each.
        host_bytes: Bytes of the host copy.
        block_bytes: Weight bytes of each block of a pass.
        resident_bytes: Bytes at the front of each block that stay on the device.
        collectives: Collectives of each block.
        enqueues: Of each block, for each of its collectives: whether the plan enqueues anything at its begin, and at
            its end. The library need not hear of the other points.
        ranks: Ranks of the profiled model.
        message_bytes: Of each block, and of each of its collectives that the plan carries itself: bytes to each peer.
            Empty where collectives are left to the model.
    """

    tool: str
    plan: str
    fingerprint: str
    backend: str
    slots: int
    slot_bytes: int
    host_bytes: int
    block_bytes: tuple[int, ...]
    resident_bytes: tuple[int, ...]
    collectives: tuple[int, ...]
    enqueues: tuple[tuple[bool, ...], ...]
    ranks: int
    message_bytes: tuple[tuple[int, ...], ...]

    @property
    def carries(self) -> bool:
        """Whether the plan carries collectives itself."""
        return any(self.message_bytes)

    @property
    def streamed_bytes(self) -> int:
        """Bytes that each pass copies to the device."""
        return sum(self.block_bytes) - sum(self.resident_bytes)


class Library:
    """A loaded library of one plan."""

    def __init__(self, path: Path) -> None:
        """Loads a library that `build.sh` of a generated folder made.

        Raises:
            NativeError: It cannot be loaded, or is no library of a plan.
        """
        self.path = path
        try:
            self.functions = ctypes.CDLL(str(path))
        except OSError as error:
            raise NativeError(f"{path}: cannot be loaded: {error}") from None
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(self.functions, name, None)
            if function is None:
                raise NativeError(f"{path}: has no {name}; it is no library of a plan, or of another version")
            function.restype, function.argtypes = result, arguments
        self.facts = self._facts()

    def open(self, device: int, pinned_limit: int, descriptor: int = -1, *, fills: bool = True) -> Handle:
        """Allocates slots, resident fronts and the pinned host copy.

        Args:
            device: Index of the GPU; 0 on the host backend.
            pinned_limit: Most bytes of pinned host memory; 0 for no limit.
            descriptor: Of memory for a host copy that processes share; -1 for one of this process alone.
            fills: Whether this process writes what is streamed into it.

        Raises:
            NativeError: There is not so much memory.
        """
        pointer = self.functions.cf_open_shared(device, pinned_limit, descriptor, fills)
        if not pointer:
            raise NativeError(self.error())
        return Handle(self, pointer)

    def error(self) -> str:
        """Text of the calling thread's last failed call."""
        text: bytes | None = self.functions.cf_error()
        return (text or b"").decode(errors="replace") or f"{self.path}: a call failed and gave no reason"

    def _facts(self) -> Facts:
        try:
            facts = json.loads(self.functions.cf_facts())
            return Facts(
                tool=str(facts["tool"]),
                plan=str(facts["id"]),
                fingerprint=str(facts["fingerprint"]),
                backend=str(facts["backend"]),
                slots=int(facts["slots"]),
                slot_bytes=int(facts["slotBytes"]),
                host_bytes=int(facts["hostBytes"]),
                block_bytes=tuple(map(int, facts["blockBytes"])),
                resident_bytes=tuple(map(int, facts["residentBytes"])),
                collectives=tuple(map(int, facts["collectives"])),
                enqueues=tuple(tuple(map(bool, own)) for own in facts["enqueues"]),
                ranks=int(facts["ranks"]),
                message_bytes=tuple(tuple(map(int, own)) for own in facts["messageBytes"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise NativeError(f"{self.path}: what it says of itself cannot be read: {error!r}") from None


class Handle:
    """An open library: slots, residents and the host copy of a plan's weights.

    It closes itself when nothing refers to it any more. Tensors over its memory hold a reference to it, so that none of
    them outlives what it shows.
    """

    def __init__(self, library: Library, pointer: int) -> None:
        self.library = library
        self.pointer = pointer
        self._functions = library.functions

    def __del__(self) -> None:
        self._functions.cf_close(self.pointer)

    def _check(self, status: int) -> None:
        if status != 0:
            raise NativeError(self.library.error())

    def device_address(self, block: int, slot: int) -> int | None:
        """Address of a block's weights as one piece when they are in that slot; None where they never are."""
        address: int | None = self._functions.cf_device(self.pointer, block, slot)
        return address

    def load(self, block: int, offset: int, address: int, nbytes: int, *, on_device: bool = False) -> None:
        """Takes bytes [offset, offset + nbytes) of a block from host memory at `address`, or from the device's.

        Waits for the device; what fills the device's memory must have ended.
        """
        self._check(self._functions.cf_load(self.pointer, block, address, on_device, offset, nbytes))

    def read(self, block: int, offset: int, address: int, nbytes: int) -> None:
        """Gives bytes [offset, offset + nbytes) of a block to host memory at `address`. Waits for the device."""
        self._check(self._functions.cf_read(self.pointer, block, address, offset, nbytes))

    def begin(self, block: int, stream: int | None) -> int:
        """Before a block's first kernel on `stream`; its slot, or `WHOLLY_RESIDENT`."""
        slot: int = self._functions.cf_begin(self.pointer, block, stream)
        if slot < WHOLLY_RESIDENT:
            raise NativeError(self.library.error())
        return slot

    def collective_begins(self, index: int, stream: int | None) -> None:
        """Before the running block's collective `index` is issued."""
        self._check(self._functions.cf_collective_begins(self.pointer, index, stream))

    def collective_ends(self, index: int, stream: int | None) -> None:
        """Where the result of the running block's collective `index` has been waited for."""
        self._check(self._functions.cf_collective_ends(self.pointer, index, stream))

    def end(self, block: int, stream: int | None) -> None:
        """Behind a block's last kernel."""
        self._check(self._functions.cf_end(self.pointer, block, stream))

    def join(self, rank: int, ranks: int, barrier: Callable[[], None], broadcast: Callable[[bytes], bytes]) -> None:
        """Joins the ranks of this host for collectives that the plan carries itself. Collective.

        Args:
            rank: Of this process, from 0 to `ranks` - 1.
            ranks: Of the group.
            barrier: Returns when all ranks have called it.
            broadcast: Rank 0's bytes on every rank.

        Raises:
            NativeError: The plan is for other ranks, or there is no shared or pinned memory for it.
        """
        failure: list[BaseException] = []

        def guarded(call: Callable[[], None]) -> int:
            try:
                call()
            except BaseException as error:
                failure.append(error)
                return 1
            return 0

        def pass_on(address: int, count: int) -> None:
            ctypes.memmove(address, broadcast(ctypes.string_at(address, count)), count)

        status = self._functions.cf_join(
            self.pointer,
            rank,
            ranks,
            _BARRIER(lambda _: guarded(barrier)),
            _BROADCAST(lambda _, address, count: guarded(lambda: pass_on(address, count))),
            None,
        )
        if failure:
            raise failure[0]
        self._check(status)

    def exchange(self, index: int, send: int, recv: int, bytes_per_peer: int, stream: int | None) -> None:
        """Carries the running block's collective `index`, begin and end included; a rank's own part is not moved."""
        self._check(self._functions.cf_exchange(self.pointer, index, send, recv, bytes_per_peer, stream))

    def invalidate(self) -> None:
        """What slots hold is copied anew before it is used again."""
        self._check(self._functions.cf_invalidate(self.pointer))

    def synchronize(self) -> None:
        """Waits for all copies and kernels."""
        self._check(self._functions.cf_synchronize(self.pointer))

    def counts(self) -> Counts:
        """What has happened since this was opened."""
        counts = Counts()
        self._check(self._functions.cf_counts(self.pointer, ctypes.byref(counts)))
        return counts
