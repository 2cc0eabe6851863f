"""SGLang's manager is replaced by one that attaches a plan. A few lines stand for what sets managers up in SGLang."""

from __future__ import annotations

import gc
import sys
import weakref
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
import torch
from plans import write_plan
from toy_models import Wan, inputs

from chunkflow_offload.errors import AttachError
from chunkflow_offload.sglang import MODULE, PlannedManager, install

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn


class OwnManager:
    """Stands for SGLang's own."""

    def __init__(self, model: nn.Module, *, layers_attr_str: str, **_: Any) -> None:
        self.model = model
        self.layers_attr_str = layers_attr_str


@pytest.fixture
def sglang(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    parts = MODULE.split(".")
    for count in range(1, len(parts)):
        package = ModuleType(".".join(parts[:count]))
        package.__path__ = []
        monkeypatch.setitem(sys.modules, package.__name__, package)
    module = ModuleType(MODULE)
    module.LayerwiseOffloadManager = OwnManager  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, MODULE, module)
    return module


def configured(module: Any, model: nn.Module, *paths: str) -> list[Any]:
    """The order of SGLang's `configure_layerwise_offload`."""
    managers = [
        module.LayerwiseOffloadManager(
            model=model,
            layers_attr_str=path,
            num_layers=len(model.get_submodule(path)),  # type: ignore[arg-type]
            enabled=True,
            pin_cpu_memory=False,
            prefetch_size=1,
            resident_layers=0,
            initialize=False,
            residency_policy="leading",
            residency_lifetime="forward",
        )
        for path in paths
    ]
    for manager in sorted(managers, key=lambda manager: manager._managed_parameter_bytes(), reverse=True):
        manager._initialize_layer_weights()
    model.to(managers[0].device)
    for manager in managers:
        manager._finalize_initialization()
    return managers


def wan() -> Wan:
    torch.manual_seed(0)
    return Wan().requires_grad_(False).eval()


@torch.no_grad()
def test_a_model_that_the_plan_is_for_runs_by_it(sglang: ModuleType, tmp_path: Path) -> None:
    model, x = wan(), inputs()
    expected = model(x)
    remove = install(write_plan(tmp_path / "plan.json", Wan()))
    (manager,) = configured(sglang, model, "blocks")
    assert isinstance(manager, PlannedManager)
    for _ in range(3):
        manager.prepare_for_next_req(non_blocking=True)
        assert torch.equal(model(x), expected)
        manager.release_after_use()
    assert manager.attached is not None
    assert manager.attached.counts()["restarts"] == 1
    remove()
    assert sglang.LayerwiseOffloadManager is OwnManager


def test_other_models_keep_the_manager_that_they_had(sglang: ModuleType, tmp_path: Path) -> None:
    install(write_plan(tmp_path / "plan.json", Wan()))
    other = torch.nn.ModuleDict({"layers": torch.nn.ModuleList(torch.nn.Linear(8, 8) for _ in range(3))})
    manager: Any = sglang.LayerwiseOffloadManager(other, layers_attr_str="layers", num_layers=3, enabled=True)
    assert isinstance(manager, OwnManager)
    elsewhere: Any = sglang.LayerwiseOffloadManager(wan(), layers_attr_str="refiner", num_layers=3, enabled=True)
    assert isinstance(elsewhere, OwnManager)


@torch.no_grad()
def test_switching_offload_off_and_on(sglang: ModuleType, tmp_path: Path) -> None:
    model, x = wan(), inputs()
    expected = model(x)
    install(write_plan(tmp_path / "plan.json", Wan()))
    (manager,) = configured(sglang, model, "blocks")
    manager.remove_forward_hooks()
    manager.load_all_layers()
    assert manager.attached is None
    assert torch.equal(model(x), expected)
    model.get_submodule("blocks.0").get_parameter(_a_name(model)).add_(1)
    changed = model(x)
    manager.sync_all_layers_to_cpu()
    manager.release_all()
    manager.register_forward_hooks()
    assert manager.attached is not None
    assert torch.equal(model(x), changed)
    assert not torch.equal(changed, expected)


@torch.no_grad()
def test_weights_are_updated_and_read(sglang: ModuleType, tmp_path: Path) -> None:
    model, x = wan(), inputs()
    name = f"blocks.0.{_a_name(model)}"
    value = model.get_parameter(name).clone() * 2
    reference = wan()
    reference.get_parameter(name).copy_(value)
    expected = reference(x)
    install(write_plan(tmp_path / "plan.json", Wan()))
    (manager,) = configured(sglang, model, "blocks")
    assert manager.update_cpu_weights({name: value, "outside.weight": value}) == {name}
    assert torch.equal(manager.get_cpu_weight(name), value)
    assert torch.equal(model(x), expected)
    assert manager.get_cpu_weight("outside.weight") is None


def test_what_a_plan_cannot_do_is_refused(sglang: ModuleType, tmp_path: Path) -> None:
    install(write_plan(tmp_path / "plan.json", Wan()))
    (manager,) = configured(sglang, wan(), "blocks")
    with pytest.raises(AttachError, match="layers were replaced"):
        manager.refresh_named_targets()
    with pytest.raises(AttachError, match="load_all_layers"):
        manager.release_host_stores()
    with pytest.raises(AttributeError, match="prefetch_expert: SGLang asks"):
        manager.prefetch_expert(0)


def test_a_model_that_is_dropped_frees_its_memory(sglang: ModuleType, tmp_path: Path) -> None:
    install(write_plan(tmp_path / "plan.json", Wan()))
    model = wan()
    (manager,) = configured(sglang, model, "blocks")
    handle = weakref.ref(manager.attached._driver.handle)
    del model, manager
    gc.collect()
    assert handle() is None


def test_without_sglang(tmp_path: Path) -> None:
    with pytest.raises(AttachError, match="SGLang cannot be imported"):
        install(write_plan(tmp_path / "plan.json", Wan()))


def test_a_second_plan_is_refused(sglang: ModuleType, tmp_path: Path) -> None:
    plan = write_plan(tmp_path / "plan.json", Wan())
    remove = install(plan)
    with pytest.raises(AttachError, match="installed already"):
        install(plan)
    remove()
    install(plan)


def _a_name(model: nn.Module) -> str:
    return next(name for name, value in model.get_submodule("blocks.0").named_parameters() if value.dim() > 1)
