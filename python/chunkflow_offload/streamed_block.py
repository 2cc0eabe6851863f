"""One block whose parameters are bound to the memory that its weights are in."""

from __future__ import annotations

import sys
import weakref
from typing import TYPE_CHECKING, Any

import torch

from .bound_parameters import BoundParameters, Entries
from .device_memory import bytes_at, digest_of
from .errors import AttachError
from .layout import Leaf, view_like
from .native import WHOLLY_RESIDENT
from .streamed_place import Place, StreamedLeaf, places_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .layout import Block
    from .native import Handle
    from .shared_copy import SharedCopy

CPU = torch.device("cpu")

_has_storage = torch._C._has_storage
_forbid_access: Any = getattr(torch._C, "_set_storage_access_error_msg", None)


def refuse_old_torch_of_cpu() -> None:
    """Parking takes a function that builds of PyTorch 2.4 and 2.5 without CUDA do not have.

    Raises:
        AttachError: This is such a build.
    """
    if _forbid_access is None:
        raise AttachError(f"torch {torch.__version__}: this build cannot make weights inaccessible; take a newer one")


class StreamedBlock:
    """One block of an attached model.

    Its parameters are in one of three states. *Parked*: they have shape, dtype and device, and any access to their
    values raises an error that says how to get at them; so nothing reads or writes a slot that holds another block.
    *Bound*: while the block runs, its modules hold others in their place, views of the slot that the weights are in.
    *Taken out*: ordinary tensors with the true values, while they are edited or loaded.

    No reference to a module is kept: the modules' hooks hold this.
    """

    def __init__(
        self,
        index: int,
        block: Block,
        handle: Handle,
        device: torch.device,
        check: bool,
        shared: SharedCopy | None = None,
    ) -> None:
        self.index = index
        self.path = block.path
        self._module = weakref.ref(block.module)
        self.nbytes = block.nbytes
        self._handle = handle
        self._device = device
        self._shared = shared
        self._layout = [Leaf(at.name, _meta_like(at.tensor), at.offset, at.nbytes) for at in block.leaves]
        self._tensors = [leaf.tensor for leaf in block.leaves]
        parked = self._make_parked()
        self.leaves = tuple(
            StreamedLeaf(leaf.name, leaf.offset, leaf.nbytes, leaf.tensor, tensor, empty)
            for leaf, tensor, empty in zip(self._layout, self._tensors, parked, strict=True)
        )
        self.places = tuple(place for _, place in places_of(block.module, self.leaves))
        self._entries = Entries(self.places, [place.parameter for place in self.places])
        self._wrappers = [place for place in self.places if place.inner]
        self.taken: set[StreamedLeaf] = set()
        self._parked = parked
        self._bound_in: dict[int, BoundParameters] = {}
        self._digests: dict[StreamedLeaf, bytes] | None = {} if check else None

    def refuse_touched(self) -> None:
        """Makes sure that parameters are as they were parked.

        Raises:
            AttachError: One was replaced, removed, or had its data replaced. It stays so until it is edited rightly.
        """
        if not self._entries.are_held() or not all(place.is_intact() for place in self._wrappers):
            raise self._replaced()
        if any(map(_has_storage, self._tensors)):
            raise self._assigned()

    def bind(self, slot: int) -> None:
        """Modules hold views of a slot."""
        (self._bound_in.get(slot) or self._bind_first(slot)).put()

    def park(self, slot: int) -> None:
        """The opposite of `bind`.

        Raises:
            AttachError: The block's own forward has changed a parameter; it is parked all the same.
        """
        bound = self._bound_in[slot]
        are_as_made = bound.are_as_made()
        self._entries.put()
        if are_as_made and not bound.are_kept():
            return
        del self._bound_in[slot]
        bound.park(self._parked)
        if not are_as_made:
            raise AttachError(
                f"{self.path}: a streamed parameter was changed in its forward, or after an exception had left it; its "
                "slot does not keep that. Change weights in `with attached.editing():`, or detach()"
            )

    def runs_in(self, thread: int) -> bool:
        """Whether the block's forward is on a thread's stack. Takes long: for what would be an error otherwise."""
        module = self._module()
        frame = sys._current_frames().get(thread)
        while frame is not None:
            if module is not None and frame.f_locals.get("self") is module:
                return True
            frame = frame.f_back
        return False

    def check(self, slot: int) -> None:
        """Compares what is bound with what was last loaded, through digests, if this block keeps them.

        Raises:
            AttachError: With the first tensor that differs.
        """
        for leaf, tensor in zip(self.leaves, self._bound_in[slot].tensors, strict=True):
            if self._digests is not None and digest_of(tensor) != self._digests[leaf]:
                raise AttachError(f"{self.path}.{leaf.name}: slot {slot} does not hold the model's bytes")

    def any_requires_grad(self) -> bool:
        """Whether autograd would want gradients of a streamed parameter."""
        return any(place.parameter.requires_grad for place in self.places)

    def move_in(self) -> None:
        """Gives the parameters' values to the library and parks them; their storage is released."""
        for leaf in self.leaves:
            self.load(leaf, leaf.tensor)
            leaf.tensor.data = leaf.parked

    def move_out(self, storage: Iterable[torch.Tensor]) -> None:
        """Gives each parameter its values back, in the storage given."""
        for leaf, into in zip(self.leaves, storage, strict=True):
            if into.device == CPU:
                self._read(leaf, into)
            else:
                into.copy_(self.true_value(leaf))
            leaf.tensor.data = into

    def true_value(self, leaf: StreamedLeaf) -> torch.Tensor:
        """A leaf's values in a tensor of their own on the host, wherever they are now."""
        host = leaf.empty(CPU)
        if leaf in self.taken:
            return host.copy_(leaf.tensor.detach())
        self._read(leaf, host)
        return host

    def take_out(self, places: Iterable[Place], device: torch.device = CPU) -> None:
        """Makes parameters ordinary tensors with the true values."""
        for place in places:
            for leaf in place.leaves:
                if leaf not in self.taken:
                    value = self.true_value(leaf)
                    leaf.tensor.data = value if device == CPU else leaf.empty(device).copy_(value)
                    self.taken.add(leaf)

    def put_back(self, places: Iterable[Place]) -> list[str]:
        """Takes the values that parameters have now, and parks them; a replaced one gives its values to the old one.

        Returns:
            What was wrong, a line for each parameter: such a one has the values from before.
        """
        wrong: list[str] = []
        for place in places:
            if self.taken.isdisjoint(place.leaves):
                continue
            values = place.values()
            if values is None:
                wrong.append(f"{self.path}.{place.name}: {place.said()}")
            for leaf, value in zip(place.leaves, values or (), strict=False):
                self.load(leaf, value)
            place.restore()
            for leaf in place.leaves:
                leaf.tensor.data = leaf.parked
            self.taken.difference_update(place.leaves)
        return wrong

    def load(self, leaf: StreamedLeaf, value: torch.Tensor) -> None:
        """Gives a leaf's values to the library; `value` fits the leaf, on whatever device and with whatever strides."""
        value = value.detach()
        is_as_stored = value.stride() == leaf.like.stride() and not value.is_conj() and not value.is_neg()
        on_device = is_as_stored and value.device == self._device and value.is_cuda
        if on_device:
            # At the link's rate; by way of pageable memory it takes ten times as long.
            torch.cuda.current_stream(self._device).synchronize()
        elif not is_as_stored or value.device != CPU:
            value = leaf.empty(CPU).copy_(value)
        if self._shared is not None:
            self._shared.note(f"{self.path}.{leaf.name}", value)
        self._handle.load(self.index, leaf.offset, value.data_ptr(), leaf.nbytes, on_device=on_device)
        if self._digests is not None:
            self._digests[leaf] = digest_of(value)

    def _read(self, leaf: StreamedLeaf, host: torch.Tensor) -> None:
        self._handle.read(self.index, leaf.offset, host.data_ptr(), leaf.nbytes)

    def _bind_first(self, slot: int) -> BoundParameters:
        # Outside of inference mode, whatever mode the model runs in: its parameters are ordinary tensors.
        with torch.inference_mode(False), torch.no_grad():
            memory = self._memory(slot)
            views = [view_like(memory, leaf) for leaf in self._layout]
            bound = self._bound_in[slot] = BoundParameters(self.places, self.leaves, memory, views)
        return bound

    def _memory(self, slot: int) -> torch.Tensor:
        address = self._handle.device_address(self.index, slot)
        if address is None:
            raise AttachError(f"{self.path}: the library said slot {slot}, where this block never is")
        return bytes_at(address, self.nbytes, self._device, self._handle)

    def _make_parked(self) -> list[torch.Tensor]:
        slots = (WHOLLY_RESIDENT, *range(self._handle.library.facts.slots))
        slot = next((slot for slot in slots if self._handle.device_address(self.index, slot) is not None), None)
        if slot is None:
            raise AttachError(f"{self.path}: the library has no place for this block")
        message = (
            f"{self.path}: these weights are streamed, and there only while {self.path} itself is called. To read or "
            "change them: `with attached.editing():`, attached.update(name, tensor), state_dict(), or attached.detach()"
        )
        # One for all leaves that are alike: the fewer, the less there is to read when they are parked.
        alike: dict[Any, torch.Tensor] = {}
        with torch.inference_mode(False), torch.no_grad():
            memory = self._memory(slot)
            views = [view_like(memory, leaf) for leaf in self._layout]
        parked = [alike.setdefault((own.shape, own.stride(), own.dtype), own) for own in views]
        for own in alike.values():
            _forbid_access(own, message)
        return parked

    def _replaced(self) -> AttachError:
        place = next(place for place in self.places if not place.is_intact())
        return AttachError(
            f"{self.path}.{place.name}: the parameter was replaced or removed while it is streamed; do that in `with "
            "attached.editing():` if shape and dtype stay, else detach, profile and plan anew"
        )

    def _assigned(self) -> AttachError:
        name = next(leaf.name for leaf in self.leaves if _has_storage(leaf.tensor))
        return AttachError(
            f"{self.path}.{name}: its data were replaced while it is streamed (a LoRA that is fused in place does so); "
            "do that in `with attached.editing():`, or detach() first"
        )


def _meta_like(tensor: torch.Tensor) -> torch.Tensor:
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")
