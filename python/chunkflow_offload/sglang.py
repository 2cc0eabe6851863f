"""Has SGLang stream a diffusion transformer by a plan in place of its own LayerwiseOffloadManager."""

from __future__ import annotations

import importlib
import logging
import weakref
from typing import TYPE_CHECKING, Any

import torch

from .attaching import Attached, attach
from .errors import AttachError, ModelError
from .layout import Block, find_blocks, fingerprint
from .plan_file import read_plan

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from torch import nn

MODULE = "sglang.multimodal_gen.runtime.managers.memory_managers.layerwise_offload"
MANAGER = "LayerwiseOffloadManager"

_log = logging.getLogger("chunkflow_offload")


def install(
    plan: str | os.PathLike[str],
    *,
    containers: Sequence[str] | None = None,
    pinned_limit: int | None = None,
) -> Callable[[], None]:
    """From now on SGLang attaches this plan to models that it is for, where it would manage their layers itself.

    Call it before SGLang loads its models, with layerwise offload switched on for the transformer. Models that the plan
    is not for, such as text encoders, keep SGLang's own manager; each is logged. What SGLang is told of prefetch and
    resident layers has no effect on models with a plan: the plan says it.

    Args:
        plan: A plan file of `chunkflow plan --profile`.
        containers: Attribute paths of the lists of blocks, if they were given to `profile`.
        pinned_limit: Most bytes of pinned host memory, of each rank.

    Returns:
        A function that gives SGLang its own manager back, for models that are loaded from then on.

    Raises:
        FileError: The plan cannot be read.
        AttachError: SGLang cannot be imported, has no such manager, or a plan is installed already.
    """
    wanted = read_plan(plan).fingerprint
    module = _layerwise_offload()
    own = getattr(module, MANAGER, None)
    if not isinstance(own, type):
        why = "a plan is installed already; call what install() returned" if own is not None else "this SGLang has none"
        raise AttachError(f"{MODULE}.{MANAGER}: {why}")
    plans = _Plans(plan, wanted, containers, pinned_limit)

    def manager(model: nn.Module, **settings: Any) -> Any:
        blocks = plans.blocks_of(model)
        if blocks is None or not _has_list(blocks, settings.get("layers_attr_str")):
            _log.info("%s: keeps SGLang's own offloading: the plan is for other blocks", type(model).__name__)
            return own(model, **settings)
        return PlannedManager(model, plans, blocks, **settings)

    setattr(module, MANAGER, manager)

    def remove() -> None:
        if getattr(module, MANAGER) is manager:
            setattr(module, MANAGER, own)

    return remove


def _layerwise_offload() -> Any:
    try:
        return importlib.import_module(MODULE)
    except ImportError as error:
        raise AttachError(
            f"SGLang cannot be imported ({error}); pip install 'sglang[diffusion]', or attach() the model yourself"
        ) from None


class _Plans:
    """A plan and the models that it is for."""

    def __init__(
        self,
        plan: str | os.PathLike[str],
        wanted: str,
        containers: Sequence[str] | None,
        pinned_limit: int | None,
    ) -> None:
        self._plan = plan
        self._wanted = wanted
        self._containers = containers
        self._pinned_limit = pinned_limit
        # Weak, as what is attached refers to its model.
        self._models: weakref.WeakKeyDictionary[nn.Module, weakref.ref[_PlannedModel]] = weakref.WeakKeyDictionary()

    def blocks_of(self, model: nn.Module) -> tuple[Block, ...] | None:
        """The blocks that the plan is for; None of a model that it is not for."""
        try:
            blocks = find_blocks(model, self._containers)
        except ModelError:
            return None
        return blocks if fingerprint(blocks) == self._wanted else None

    def of(self, model: nn.Module) -> _PlannedModel:
        """What managers of one model share: a model with several lists of blocks has one manager for each."""
        known = self._models.get(model)
        shared = known() if known is not None else None
        if shared is None:
            shared = _PlannedModel(model, self._attach)
            self._models[model] = weakref.ref(shared)
        return shared

    def _attach(self, model: nn.Module) -> Attached:
        device = torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else "cpu"
        return attach(model, self._plan, device=device, containers=self._containers, pinned_limit=self._pinned_limit)


class _PlannedModel:
    """A model that a plan is attached to or not."""

    def __init__(self, model: nn.Module, attach_to: Callable[[nn.Module], Attached]) -> None:
        self._model = model
        self._attach_to = attach_to
        self.attached: Attached | None = None

    def attach(self) -> None:
        """Attaches the plan, once."""
        if self.attached is None:
            self.attached = self._attach_to(self._model)

    def detach(self) -> None:
        """Gives the model's weights back."""
        attached, self.attached = self.attached, None
        if attached is not None:
            attached.detach()


class PlannedManager:
    """What SGLang asks of a manager of one list of layers, answered by an attached plan.

    Attributes:
        enabled: Whether the plan is to be attached.
    """

    _has_dtensor_weights = False
    holds_residents = False
    residency_policy = "plan"
    residency_lifetime = "permanent"
    prefetch_size = 0
    resident_layers = 0

    def __init__(
        self,
        model: nn.Module,
        plans: _Plans,
        blocks: Sequence[Block],
        *,
        layers_attr_str: str,
        num_layers: int,
        enabled: bool,
        initialize: bool = True,
        pin_cpu_memory: bool = True,
        **_: Any,
    ) -> None:
        self.model = model
        self.layers_attr_str = layers_attr_str
        self.num_layers = num_layers
        self.enabled = enabled
        self.pin_cpu_memory = pin_cpu_memory
        self._shared = plans.of(model)
        own = [block for block in blocks if _is_in(block, layers_attr_str)]
        self._bytes = sum(block.nbytes for block in own)
        # SGLang parks what no manager has: all of these are streamed.
        self._weight_metadata: dict[int, dict[str, dict[str, Any]]] = {
            index: {f"{block.path}.{name}": {} for name, _ in block.module.named_parameters()}
            for index, block in enumerate(own)
        }
        self._configured = False
        if initialize:
            self.initialize()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(
            f"{name}: SGLang asks its manager for it, and an attached plan has none; keep SGLang's own"
        )

    @property
    def attached(self) -> Attached | None:
        """What drives the model now: its counts and its host time."""
        return self._shared.attached

    @property
    def device(self) -> torch.device:
        """Where the model runs."""
        return next(self.model.parameters()).device

    def initialize(self) -> None:
        """All of the setting up at once."""
        self._initialize_layer_weights()
        self._finalize_initialization()

    def _managed_parameter_bytes(self) -> int:
        return self._bytes

    def _initialize_layer_weights(self) -> None:
        # The whole model's blocks, before SGLang moves what is left of the model to the device.
        if self.enabled:
            self._shared.attach()

    def _finalize_initialization(self) -> None:
        self._configured = True

    # The plan says when what is copied: there is nothing to be told between, before or behind steps.

    def prepare_for_next_req(self, non_blocking: bool = True) -> None:
        """Slots hold what the plan's steady state has there."""

    def prefetch_layer(self, layer_idx: int, non_blocking: bool = True) -> None:
        """The plan prefetches."""

    def release_layer(self, layer_idx: int, force: bool = False) -> None:
        """The plan's slots are taken by the next block."""

    def release_after_use(self, *, keep_resident: bool = False) -> None:
        """Slots and residents stay: they are what the plan was given."""

    def release_all(self) -> None:
        """Slots and residents stay: they are what the plan was given."""

    def advise_mapped_pages_cold(self, **_: Any) -> int:
        """No weights are mapped: they are in pinned memory."""
        return 0

    def remove_forward_hooks(self) -> None:
        """`load_all_layers` comes with it, which detaches."""

    def register_forward_hooks(self) -> None:
        """Streams again, where `load_all_layers` had put all weights on the device."""
        if self.enabled:
            self._shared.attach()

    def load_all_layers(self) -> None:
        """Detaches: all weights are ordinary tensors on the device."""
        device = self.device
        self._shared.detach()
        self.model.to(device)

    def sync_all_layers_to_cpu(self) -> None:
        """The host copy is made anew when the plan is attached anew."""

    def release_host_stores(self) -> None:
        """A detached plan holds none."""
        if self.attached is not None:
            raise AttachError("release_host_stores(): the plan is attached; load_all_layers() first")
        self._configured = False

    def refresh_named_targets(self) -> None:
        """After adapters were put into layers.

        Raises:
            AttachError: The plan is attached to layers that are no longer there.
        """
        if self.attached is not None:
            raise AttachError(
                "layers were replaced while a plan is attached, by adapters perhaps; merge them into the weights "
                "before SGLang loads the model, or switch offload off, load them, and switch it on"
            )

    def update_cpu_weights(self, weight_dict: Mapping[str, torch.Tensor]) -> set[str] | None:
        """New values of parameters of this list. Returns the names that it took."""
        attached = self.attached
        if not self.enabled or attached is None:
            return None
        own = {name: tensor for name, tensor in weight_dict.items() if self.has_cpu_weight(name)}
        for name, tensor in own.items():
            attached.update(name, tensor)
        return set(own)

    def has_cpu_weight(self, name: str) -> bool:
        """Whether a parameter is of this list."""
        return self.enabled and any(name in names for names in self._weight_metadata.values())

    def get_cpu_weight(self, name: str) -> torch.Tensor | None:
        """A parameter's true value, as a copy."""
        return dict(self.iter_cpu_weights()).get(name) if self.has_cpu_weight(name) else None

    def iter_cpu_weights(self) -> Iterator[tuple[str, torch.Tensor]]:
        """True values of this list's parameters, as copies."""
        values = self.model.state_dict()
        for names in self._weight_metadata.values():
            for name in names:
                yield name, values[name]


def _has_list(blocks: Sequence[Block], path: object) -> bool:
    return isinstance(path, str) and any(_is_in(block, path) for block in blocks)


def _is_in(block: Block, path: str) -> bool:
    return block.path.rpartition(".")[0] == path
