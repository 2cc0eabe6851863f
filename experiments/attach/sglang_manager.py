"""SGLang's own LayerwiseOffloadManager, out of an installed SGLang or out of its wheel's files alone."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import sys
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import torch

RUNTIME = "sglang.multimodal_gen.runtime"
MANAGERS = f"{RUNTIME}.managers.memory_managers"


class AbsentError(Exception):
    """There is no SGLang here, or it cannot run on this device."""


def layerwise_offload(folder: Path | None) -> ModuleType:
    """The module that has LayerwiseOffloadManager.

    Args:
        folder: Holds `sglang/multimodal_gen/runtime/managers/memory_managers/` as the wheel does; None for an
            installed SGLang.

    Raises:
        AbsentError: There is neither.
    """
    name = f"{MANAGERS}.layerwise_offload"
    if folder is None:
        if importlib.util.find_spec("sglang") is None:
            raise AbsentError("SGLang is neither installed nor given by --sglang")
        return importlib.import_module(name)
    if not (folder / Path(*MANAGERS.split("."), "layerwise_offload.py")).is_file():
        raise AbsentError(f"--sglang {folder}: has no {MANAGERS.replace('.', '/')}/layerwise_offload.py")
    if name not in sys.modules:
        _stand_in(folder)
    module = importlib.import_module(name)
    if not torch.cuda.is_available():
        module.torch = _TorchOnHost()  # type: ignore[attr-defined]
    return module


class _Stream:
    """Work on the host is done when its call returns, so there is nothing to wait for."""

    def wait_stream(self, _: object) -> None:
        pass

    def wait_event(self, _: object) -> None:
        pass

    def record(self, _: object) -> None:
        pass


class _TorchOnHost:
    """torch for a dry run of SGLang's manager on CPU cores, where torch has no streams that copy."""

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)

    @staticmethod
    def get_device_module() -> Any:
        """Of the one device that there is."""
        return SimpleNamespace(
            is_available=lambda: True,
            current_device=lambda: 0,
            current_stream=_Stream,
            stream=lambda _: nullcontext(),
            Stream=_Stream,
            Event=_Stream,
        )


def manage(
    module: ModuleType,
    model: torch.nn.Module,
    containers: list[str],
    device: torch.device,
    *,
    prefetch_size: int = 1,
    resident: float = 0.0,
    residency_policy: str = "",
) -> list[Any]:
    """Managers of a model's lists of blocks, set up in the order of SGLang's own `configure_layerwise_offload`.

    Args:
        module: Of `layerwise_offload`.
        model: On the host or on the device.
        containers: Attribute paths of the lists.
        device: Where the model runs.
        prefetch_size: Blocks fetched ahead.
        resident: Fraction of each list's blocks that stays on the device.
        residency_policy: Which ones; by default spread over the list.
    """
    bytes_of_blocks = sum(
        parameter.numel() * parameter.element_size()
        for path in containers
        for parameter in model.get_submodule(path).parameters()
    )
    # By itself it takes what MemAvailable says, which a virtual machine whose memory grows understates.
    budget = importlib.import_module(f"{MANAGERS}.host_memory_budget").HostPinBudget(
        available_bytes=4 * bytes_of_blocks + (64 << 30)
    )
    managers = []
    for path in containers:
        count = len(model.get_submodule(path))  # type: ignore[arg-type]
        kept = round(resident * count)
        managers.append(
            module.LayerwiseOffloadManager(
                model,
                layers_attr_str=path,
                num_layers=count,
                enabled=True,
                pin_cpu_memory=device.type == "cuda",
                prefetch_size=prefetch_size,
                resident_layers=kept,
                residency_policy=residency_policy or ("strided" if kept > 0 else "leading"),
                initialize=False,
                pin_budget=budget,
            )
        )
    for manager in sorted(managers, key=lambda manager: manager._managed_parameter_bytes(), reverse=True):
        manager._initialize_layer_weights()
    model.to(device)
    for manager in managers:
        manager._finalize_initialization()
    return managers


def configure(module: ModuleType, model: torch.nn.Module, containers: list[str]) -> None:
    """Has SGLang set up layerwise offload of a model as of its own classes, with whatever manager it has now."""
    mixin = module.LayerwiseOffloadableModuleMixin
    settings = SimpleNamespace(
        performance_mode="auto",
        pin_cpu_memory=torch.cuda.is_available(),
        layerwise_tuning_for=lambda *_, **__: (0.0, 0.0, "leading", "forward"),
    )
    own = type(model)
    model.__class__ = type(own.__name__, (mixin, own), {"layer_names": containers})
    model.configure_layerwise_offload(settings, component_name="transformer")  # type: ignore[operator]


def version_of(folder: Path | None) -> str | None:
    """Of the SGLang that `layerwise_offload` takes."""
    if folder is not None:
        text = folder / "VERSION"
        return text.read_text(encoding="utf-8").strip() if text.is_file() else None
    try:
        from importlib.metadata import version

        return version("sglang")
    except ImportError:
        return None


def _stand_in(folder: Path) -> None:
    """Puts modules of a few lines in place of what the managers import of the rest of SGLang, which needs far more."""
    is_cuda = torch.cuda.is_available()
    platform = SimpleNamespace(
        device_type="cuda" if is_cuda else "cpu",
        is_mps=lambda: False,
        is_cuda=lambda: is_cuda,
        device_shares_host_memory=lambda: False,
        get_local_torch_device=lambda: torch.device("cuda", torch.cuda.current_device()),
    )

    class MappedRegions:
        """Weights that were not read from a checkpoint's file are mapped nowhere."""

        def holds(self, _: torch.Tensor) -> bool:
            return False

    class Environment(ModuleType):
        """No variable is set."""

        def __getattr__(self, name: str) -> None:
            if not name.startswith("SGLANG_"):
                raise AttributeError(name)

    for package in ("sglang", "sglang.multimodal_gen", RUNTIME, f"{RUNTIME}.managers", MANAGERS):
        made = ModuleType(package)
        made.__path__ = [str(folder / Path(*package.split(".")))]
        sys.modules[package] = made
    for package in ("disaggregation", "loader", "utils"):
        made = ModuleType(f"{RUNTIME}.{package}")
        made.__path__ = []
        sys.modules[made.__name__] = made
    environment = Environment("sglang.multimodal_gen.envs")
    sys.modules[environment.__name__] = environment
    sys.modules["sglang.multimodal_gen"].envs = environment  # type: ignore[attr-defined]
    modules: dict[str, dict[str, Any]] = {
        "disaggregation.roles": {"RoleType": type("RoleType", (), {"MONOLITHIC": "monolithic"})},
        "loader.utils": {"MappedRegions": MappedRegions},
        "platforms": {"current_platform": platform},
        "server_args": {"ServerArgs": type("ServerArgs", (), {})},
        "utils.logging_utils": {"init_logger": logging.getLogger},
    }
    for name, values in modules.items():
        made = ModuleType(f"{RUNTIME}.{name}")
        vars(made).update(values)
        sys.modules[made.__name__] = made
