"""The ways to hold a model's weights that are measured beside each other."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sglang_manager
import torch
from sglang_manager import AbsentError

import chunkflow_offload as chunkflow
from chunkflow_offload.sglang import install

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_cases import Case
    from torch import nn

KINDS = ("none", "attach", "sglang", "sglang-plan", "group-offload", "sequential")
DEFAULTS: dict[str, dict[str, Any]] = {
    "sglang": {"prefetch_size": 1, "resident": 0.0, "residency_policy": ""},
    "group-offload": {
        "offload_type": "block_level",
        "num_blocks_per_group": 1,
        "non_blocking": False,
        "use_stream": False,
        "record_stream": False,
        "low_cpu_mem_usage": False,
    },
}
"""What tools take, with their own defaults. SGLang's policy is strided where blocks stay and nothing is said."""


@dataclass(frozen=True)
class Variant:
    """A way to hold weights.

    Attributes:
        kind: One of `KINDS`.
        name: As tables call it; of a plan, the plan's name.
        plan: The plan's file.
        document: What that file holds.
        settings: Of another tool, by its own names.
    """

    kind: str
    name: str
    plan: Path | None = None
    document: Any = None
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Tells variants apart: a plan may be called none as well."""
        return f"{self.kind}:{self.name}" if self.plan is not None else self.name

    @property
    def plan_sha256(self) -> str | None:
        """Of the plan's file."""
        return None if self.plan is None else hashlib.sha256(self.plan.read_bytes()).hexdigest()


@dataclass
class Held:
    """A model whose weights a variant holds.

    Attributes:
        attached: The attached plan, of a variant that is one.
        kept: What has to live as long as the model runs.
    """

    attached: chunkflow.Attached | None = None
    kept: list[Any] = field(default_factory=list)

    def host_seconds(self) -> float | None:
        """Time that the host has spent in hooks; None where nobody counts it."""
        return None if self.attached is None else self.attached.host_seconds()

    def counts(self) -> dict[str, int] | None:
        """What the attached library has counted."""
        return None if self.attached is None else self.attached.counts()


def settings_of(text: str, rest: str, known: dict[str, Any]) -> dict[str, Any]:
    """The settings of `KEY=VALUE,...`, of the kinds that the known ones have.

    Raises:
        SystemExit: With one line, for what is no setting or of another kind.
    """
    settings: dict[str, Any] = {}
    for part in filter(None, rest.split(",")):
        key, _, value = part.partition("=")
        if key not in known:
            raise SystemExit(f"variant {text!r}: unknown setting {key!r}; expected one of {', '.join(known)}")
        like = known[key]
        try:
            settings[key] = value == "true" if isinstance(like, bool) else type(like)(value)
        except ValueError:
            raise SystemExit(f"variant {text!r}: {key}={value!r}: expected one like {like!r}") from None
        if isinstance(like, bool) and value not in ("true", "false"):
            raise SystemExit(f"variant {text!r}: {key}={value!r}: expected true or false")
    return settings


def variant_of(text: str) -> Variant:
    """The variant of `none`, `attach:PLAN.json`, `sglang-plan:PLAN.json`, or a tool with its settings.

    Tools are `sglang[:KEY=VALUE,...]`, with prefetch_size, resident (a fraction) and residency_policy of its manager,
    `group-offload[:KEY=VALUE,...]`, with what diffusers' apply_group_offloading takes, and `sequential`, which is
    accelerate's cpu_offload.

    Raises:
        SystemExit: With one line, for anything else.
    """
    kind, _, rest = text.partition(":")
    if kind in ("attach", "sglang-plan") and rest:
        try:
            document = json.loads(Path(rest).read_text(encoding="utf-8"))
            return Variant(kind, str(document["name"]), plan=Path(rest), document=document)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SystemExit(f"variant {text!r}: expected a plan's file: {error}") from None
    if kind in DEFAULTS:
        return Variant(kind, text, settings={**DEFAULTS[kind], **settings_of(text, rest, DEFAULTS[kind])})
    if text in ("none", "sequential"):
        return Variant(kind, text)
    raise SystemExit(f"variant {text!r}: expected one of {', '.join(KINDS)} with what it takes")


@contextmanager
def held(variant: Variant, model: nn.Module, case: Case, device: torch.device, sglang: Path | None) -> Iterator[Held]:
    """Gives a variant the model's weights. Afterwards the model is of no use: its weights need not be moved back.

    Raises:
        AbsentError: The variant cannot be had here.
    """
    containers = list(case.family.containers)
    if variant.kind == "attach" and variant.plan is not None:
        yield Held(chunkflow.attach(model, variant.plan, device=device, containers=containers))
    elif variant.kind == "sglang-plan" and variant.plan is not None:
        module = sglang_manager.layerwise_offload(sglang)
        remove = install(variant.plan, containers=containers)
        try:
            sglang_manager.configure(module, model, containers)
        finally:
            remove()
        managers: Any = model.layerwise_offload_managers
        yield Held(managers[0].attached, list(managers))
    elif variant.kind == "sglang":
        module = sglang_manager.layerwise_offload(sglang)
        managers = sglang_manager.manage(module, model, containers, device, **variant.settings)
        try:
            yield Held(kept=managers)
        finally:
            for manager in managers:
                manager.remove_forward_hooks()
    elif variant.kind == "group-offload":
        if importlib.util.find_spec("accelerate") is None:
            raise AbsentError("diffusers' group offloading needs accelerate, which is not installed")
        from diffusers.hooks.group_offloading import apply_group_offloading

        settings = dict(variant.settings)
        # The host has no streams that copy.
        settings["use_stream"] = settings["use_stream"] and device.type == "cuda"
        apply_group_offloading(model, onload_device=device, offload_device=torch.device("cpu"), **settings)
        yield Held()
    elif variant.kind == "sequential":
        if importlib.util.find_spec("accelerate") is None:
            raise AbsentError("accelerate is not installed")
        importlib.import_module("accelerate").cpu_offload(model, execution_device=device)
        yield Held()
    else:
        yield Held()


__all__ = ["AbsentError", "Held", "Variant", "held", "variant_of"]
