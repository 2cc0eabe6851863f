"""A block's parameters over one slot: what its modules hold while it runs."""

from __future__ import annotations

from collections import deque
from itertools import chain
from operator import is_
from sys import getrefcount
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from .plain_tensors import is_wrapper, plain_tensors, rebuilt, tensors_inside

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .streamed_place import Place, StreamedLeaf

    Parameters = dict[str, nn.Parameter | None]

_values: Any = dict.values
_update: Any = dict.update
_is_contiguous = torch.Tensor.is_contiguous
_references_of = torch._C._storage_Use_Count


class Entries:
    """What the dictionaries of a block's modules have for its streamed parameters: those that are parked, or bound."""

    def __init__(self, places: Sequence[Place], parameters: Sequence[nn.Parameter]) -> None:
        """`parameters`: one for each place."""
        self._places = places
        self._parameters = parameters
        holders = {id(place.parameters): place.parameters for place in places}
        entries: dict[int, Parameters] = {holder: {} for holder in holders}
        for place, parameter in zip(places, parameters, strict=True):
            entries[id(place.parameters)][place.key] = parameter
        self._holders = list(holders.values())
        self._entries = list(entries.values())
        self._others_may_differ()

    def put(self) -> None:
        """Gives them to the modules."""
        deque(map(_update, self._holders, self._entries), maxlen=0)

    def are_held(self) -> bool:
        """Whether the modules have them."""
        if list(map(len, self._holders)) == self._lengths and all(
            map(is_, chain.from_iterable(map(_values, self._holders)), self._all)
        ):
            return True
        held = [place.parameters.get(place.key) for place in self._places]
        if not all(map(is_, held, self._parameters)):
            return False
        self._others_may_differ()
        return True

    def _others_may_differ(self) -> None:
        """The dictionaries have entries that are not streamed, too. Reading all is quicker than looking each up."""
        after = [holder | own for holder, own in zip(self._holders, self._entries, strict=True)]
        self._lengths = list(map(len, after))
        self._all = list(chain.from_iterable(map(_values, after)))


class BoundParameters:
    """Parameters that are views of one slot. Made once; entries of the modules are then all that changes.

    `tensor.data = view` for each parameter instead, at a block's begin and again at its end, is what the host would
    spend most of its time on.

    Attributes:
        tensors: The plain tensor of each leaf.
    """

    def __init__(
        self,
        places: Sequence[Place],
        leaves: Sequence[StreamedLeaf],
        memory: torch.Tensor,
        views: Sequence[torch.Tensor],
    ) -> None:
        """`memory`: the slot's bytes; `views`: those of it that show each leaf."""
        made: dict[int, nn.Parameter] = {}
        plain: dict[int, torch.Tensor] = {}
        shown = {id(leaf.tensor): view for leaf, view in zip(leaves, views, strict=True)}
        for parameter in {id(place.parameter): place.parameter for place in places}.values():
            own = made[id(parameter)] = _bound(parameter, shown)
            both = zip(plain_tensors("", parameter), plain_tensors("", own), strict=True)
            plain.update((id(parked.tensor), bound.tensor) for parked, bound in both)
        self.tensors = [plain[id(leaf.tensor)] for leaf in leaves]
        self._parameters = list(made.values())
        self._entries = Entries(places, [made[id(place.parameter)] for place in places])
        self._inner = [each for own in self._parameters for each in tensors_inside(own)]
        self._kept = [*self._parameters, *(tensor for _, _, tensor in self._inner)]
        self._shown = [_shown_by(view) for view in views]
        self._are_contiguous = list(map(_is_contiguous, self.tensors))
        # All views count their writes, and are counted, in one place: that of the slot.
        self._memory = memory
        self._version = memory._version
        self._storage = memory.untyped_storage()
        self._storage_users = 0
        self._users: list[int] = []
        self._was_looked_at = False

    # The next three run for every block of every pass. The model's own code empties the caches in between, so that what
    # counts is how many lines of memory they read.

    def put(self) -> None:
        """Gives the modules these."""
        if not self._users:
            self._users = list(map(getrefcount, self._kept))
            self._storage_users = _references_of(self._storage._cdata)
        self._entries.put()

    def are_as_made(self) -> bool:
        """Whether they are still with the modules, and nobody has replaced their data or written to them."""
        if self._memory._version != self._version or not self._entries.are_held():
            return False
        if any(getattr(owner, name, None) is not tensor for owner, name, tensor in self._inner):
            return False
        # Data that were replaced have left the slot's storage, or been turned around in it.
        if (
            self._was_looked_at
            and _references_of(self._storage._cdata) == self._storage_users
            and list(map(_is_contiguous, self.tensors)) == self._are_contiguous
        ):
            return True
        # At first all there is to know of each: a forward that prepares its weights does so when it is called first.
        self._was_looked_at = True
        return list(map(_shown_by, self.tensors)) == self._shown

    def are_kept(self) -> bool:
        """Whether anyone else has a reference to one of them, taken back: it would show what the slot holds next."""
        return (
            list(map(getrefcount, self._kept)) != self._users
            or _references_of(self._storage._cdata) != self._storage_users
        )

    def park(self, parked: Sequence[torch.Tensor]) -> None:
        """Makes their values inaccessible to whoever has kept one; they cannot be put again."""
        for tensor, like in zip(self.tensors, parked, strict=True):
            tensor.data = like


def _shown_by(tensor: torch.Tensor) -> Any:
    """What of which memory a tensor shows; None where it has no memory."""
    try:
        return (tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride())
    except RuntimeError:
        return None


def _bound(parameter: nn.Parameter, values: Mapping[int, torch.Tensor]) -> nn.Parameter:
    """A parameter with other values, alike in class and in what was set on it."""
    make: Any = torch.Tensor._make_subclass
    own: Any
    if not is_wrapper(parameter):
        own = make(type(parameter), values[id(parameter)], parameter.requires_grad)
        own.__dict__ = parameter.__dict__
    else:
        own = rebuilt(parameter, values)
        own.requires_grad_(parameter.requires_grad)
        for name, value in parameter.__dict__.items():
            own.__dict__.setdefault(name, value)
    bound: nn.Parameter = own
    return bound
