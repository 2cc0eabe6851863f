"""One block whose parameters are bound to the memory that its weights are in."""

from __future__ import annotations

import sys
import weakref
from operator import attrgetter, is_
from typing import TYPE_CHECKING, Any

import torch

from .device_memory import bytes_at, digest_of
from .errors import AttachError
from .layout import Leaf, view_like
from .native import WHOLLY_RESIDENT
from .streamed_place import Place, StreamedLeaf, places_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .layout import Block
    from .native import Handle

CPU = torch.device("cpu")

_has_storage = torch._C._has_storage
_address = torch.Tensor.data_ptr
_version = attrgetter("_version")
_entry: Any = dict.get
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
    *Bound*: views of the slot that the block's weights are in, while the block runs. *Taken out*: ordinary tensors with
    the true values, while they are edited or loaded.

    No reference to a module is kept: the modules' hooks hold this.
    """

    def __init__(self, index: int, block: Block, handle: Handle, device: torch.device, check: bool) -> None:
        self.index = index
        self.path = block.path
        self._module = weakref.ref(block.module)
        self.nbytes = block.nbytes
        self._handle = handle
        self._device = device
        self._layout = [Leaf(at.name, _meta_like(at.tensor), at.offset, at.nbytes) for at in block.leaves]
        self._tensors = [leaf.tensor for leaf in block.leaves]
        parked = self._make_parked()
        self.leaves = tuple(
            StreamedLeaf(leaf.name, leaf.offset, leaf.nbytes, leaf.tensor, tensor, empty)
            for leaf, tensor, empty in zip(self._layout, self._tensors, parked, strict=True)
        )
        self.places = tuple(place for _, place in places_of(block.module, self.leaves))
        self._holders = [place.parameters for place in self.places]
        self._keys = [place.key for place in self.places]
        self._parameters = [place.parameter for place in self.places]
        self._wrappers = [place for place in self.places if place.inner]
        self.taken: set[StreamedLeaf] = set()
        self._parked = parked
        self._with_version = [tensor for tensor in self._tensors if not tensor.is_inference()]
        self._versions: list[int] = []
        self._views_in: dict[int, list[torch.Tensor]] = {}
        self._addresses: dict[int, list[int]] = {}
        self._digests: dict[StreamedLeaf, bytes] | None = {} if check else None

    # The next three run for every block of every pass: they are what the host's time goes to. The model's own
    # code empties the caches in between, so that what counts is how many lines of memory they read.

    def refuse_touched(self) -> None:
        """Makes sure that parameters are as they were parked.

        Raises:
            AttachError: One was replaced, removed, or had its data replaced. It stays so until it is edited rightly.
        """
        held = all(map(is_, map(_entry, self._holders, self._keys), self._parameters))
        if not held or not all(place.is_intact() for place in self._wrappers):
            raise self._replaced()
        if any(map(_has_storage, self._tensors)):
            raise self._assigned()

    def bind(self, slot: int) -> None:
        """Parameters become views of a slot."""
        for tensor, view in zip(self._tensors, self._views_in.get(slot) or self._bind_first(slot), strict=True):
            tensor.data = view
        self._versions = list(map(_version, self._with_version))

    def park(self, slot: int) -> None:
        """The opposite of `bind`.

        Raises:
            AttachError: The block's own forward has changed a parameter; it is parked all the same.
        """
        wrote = list(map(_version, self._with_version)) != self._versions
        try:
            moved = list(map(_address, self._tensors)) != self._addresses.get(slot)
        except RuntimeError:
            # Its data were replaced by something without memory.
            moved = True
        for tensor, parked in zip(self._tensors, self._parked, strict=True):
            tensor.data = parked
        if wrote or moved:
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
        for leaf, expected in (self._digests or {}).items():
            if digest_of(leaf.tensor) != expected:
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
        self._handle.load(self.index, leaf.offset, value.data_ptr(), leaf.nbytes, on_device=on_device)
        if self._digests is not None:
            self._digests[leaf] = digest_of(value)

    def _read(self, leaf: StreamedLeaf, host: torch.Tensor) -> None:
        self._handle.read(self.index, leaf.offset, host.data_ptr(), leaf.nbytes)

    def _bind_first(self, slot: int) -> list[torch.Tensor]:
        views = self._views(slot)
        self._addresses[slot] = [view.data_ptr() for view in views]
        self._views_in[slot] = views
        return views

    def _views(self, slot: int) -> list[torch.Tensor]:
        address = self._handle.device_address(self.index, slot)
        if address is None:
            raise AttachError(f"{self.path}: the library said slot {slot}, where this block never is")
        # Outside of inference mode, whatever mode the model runs in: its parameters are ordinary tensors.
        with torch.inference_mode(False), torch.no_grad():
            raw = bytes_at(address, self.nbytes, self._device, self._handle)
            return [view_like(raw, leaf) for leaf in self._layout]

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
        parked = [alike.setdefault((own.shape, own.stride(), own.dtype), own) for own in self._views(slot)]
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
