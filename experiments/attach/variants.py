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

KINDS = ("none", "attach", "sglang", "sglang-plan", "group-offload")


@dataclass(frozen=True)
class Variant:
    """A way to hold weights.

    Attributes:
        kind: One of `KINDS`.
        name: As tables call it; of a plan, the plan's name.
        plan: The plan's file.
        document: What that file holds.
        resident: Fraction of the blocks that SGLang's manager keeps.
    """

    kind: str
    name: str
    plan: Path | None = None
    document: Any = None
    resident: float = 0.0

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


def variant_of(text: str) -> Variant:
    """The variant of `none`, `group-offload`, `attach:PLAN.json`, `sglang-plan:PLAN.json` or `sglang[:RESIDENT]`.

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
    if kind == "sglang":
        try:
            resident = float(rest) if rest else 0.0
        except ValueError:
            raise SystemExit(f"variant {text!r}: expected sglang:RESIDENT with a fraction such as 0.3") from None
        return Variant(kind, text, resident=resident)
    if text in ("none", "group-offload"):
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
        managers = sglang_manager.manage(module, model, containers, variant.resident, device)
        try:
            yield Held(kept=managers)
        finally:
            for manager in managers:
                manager.remove_forward_hooks()
    elif variant.kind == "group-offload":
        if importlib.util.find_spec("accelerate") is None:
            raise AbsentError("diffusers' group offloading needs accelerate, which is not installed")
        from diffusers.hooks.group_offloading import apply_group_offloading

        apply_group_offloading(
            model,
            onload_device=device,
            offload_device=torch.device("cpu"),
            offload_type="block_level",
            num_blocks_per_group=1,
            use_stream=device.type == "cuda",
        )
        yield Held()
    else:
        yield Held()


__all__ = ["AbsentError", "Held", "Variant", "held", "variant_of"]
