"""An attached model computes the same bits, and is as it was after it was detached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from plans import write_plan
from toy_models import MODELS, Wan, inputs

import chunkflow_offload as chunkflow
from chunkflow_offload.layout import bytes_of, find_blocks

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("wan", "yield", {}),
    ("wan", "layerwise", {"prefetch": 2, "resident_blocks": (0,)}),
    ("wan", "none", {}),
    ("wan-bf16", "yield", {"resident": 0.6, "prefetch": 2}),
    ("flux", "yield", {"resident": 0.7, "collectives": 1, "ranks": 2}),
    ("flux", "layerwise", {"slots": 1, "resident_blocks": (0, 1, 2, 3, 4, 5)}),
    ("fp8", "yield", {"slots": 3}),
    ("int8", "drain", {"chunk": None}),
    ("odd", "yield", {}),
]


def snapshot(model: nn.Module) -> dict[str, Any]:
    """Everything about a model's tensors that detaching has to give back."""
    blocks = find_blocks(model)
    return {
        "objects": {name: (id(at), at.requires_grad, at.device) for name, at in model.named_parameters()},
        "leaves": {
            f"{block.path}.{leaf.name}": (
                id(leaf.tensor),
                leaf.tensor.shape,
                leaf.tensor.stride(),
                bytes(bytes_of(leaf.tensor).tolist()),
            )
            for block in blocks
            for leaf in block.leaves
        },
        "buffers": {name: (id(at), at.device) for name, at in model.named_buffers()},
        "hooks": [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules()],
        "state hooks": [len(module._load_state_dict_post_hooks) for module in model.modules()],
        "attributes": [sorted(module.__dict__) for module in model.modules()],
    }


@pytest.mark.parametrize(
    ("name", "preset", "settings"), CASES, ids=[f"{n}-{p}-{i}" for i, (n, p, _) in enumerate(CASES)]
)
def test_the_same_bits(tmp_path: Path, name: str, preset: str, settings: dict[str, Any]) -> None:
    model = MODELS[name]()
    x = inputs(next(model.parameters()).dtype)
    plan = write_plan(tmp_path / "plan.json", model, preset, **settings)
    before = snapshot(model)
    with torch.inference_mode():
        expected = [model(x), model(2 * x)]
        with chunkflow.attach(model, plan, device="cpu", check=True) as attached:
            for _ in range(3):
                assert torch.equal(model(x), expected[0])
                assert torch.equal(model(2 * x), expected[1])
            counts = attached.counts()
            streamed = attached.facts.streamed_bytes
        assert torch.equal(model(x), expected[0])
    assert counts["begins"] == 6 * len(find_blocks(model))
    assert counts["restarts"] == 1
    # Each pass copies what is streamed once; what the plan copies ahead of the next pass is there as well.
    assert 6 * streamed <= counts["bytes"] <= 8 * streamed
    assert snapshot(model) == before


def test_classifier_free_guidance_runs_two_passes_a_step(tmp_path: Path) -> None:
    model = Wan()
    x = inputs()
    plan = write_plan(tmp_path / "plan.json", model)

    def step() -> torch.Tensor:
        conditional, unconditional = model(x, 0.25), model(-x, 0.75)
        out: torch.Tensor = unconditional + 5 * (conditional - unconditional)
        return out

    with torch.no_grad():
        expected = step()
        with chunkflow.attach(model, plan, device="cpu", check=True) as attached:
            assert all(torch.equal(step(), expected) for _ in range(3))
            assert attached.counts()["restarts"] == 1


def test_two_models_are_attached_at_once_and_detached_in_any_order(tmp_path: Path) -> None:
    models = [Wan(), Wan()]
    x = inputs()
    plan = write_plan(tmp_path / "plan.json", models[0])
    with torch.no_grad():
        expected = [model(x) for model in models]
        assert not torch.equal(expected[0], expected[1])
        first, second = [chunkflow.attach(model, plan, device="cpu", check=True) for model in models]
        for _ in range(2):
            assert all(torch.equal(model(x), want) for model, want in zip(models, expected, strict=True))
        first.detach()
        assert all(torch.equal(model(x), want) for model, want in zip(models, expected, strict=True))
        second.detach()
        assert all(torch.equal(model(x), want) for model, want in zip(models, expected, strict=True))


def test_a_tensor_that_all_blocks_share_stays_an_ordinary_one(tmp_path: Path) -> None:
    model: Any = MODELS["odd"]()
    with chunkflow.attach(model, write_plan(tmp_path / "plan.json", model), device="cpu"), torch.no_grad():
        assert model.tied is not None
        before = model(inputs())
        model.tied.add_(1)
        assert not torch.equal(model(inputs()), before)


def test_it_attaches_again_and_again(tmp_path: Path) -> None:
    model = Wan()
    plan = write_plan(tmp_path / "plan.json", model)
    with torch.no_grad():
        expected = model(inputs())
        for _ in range(3):
            with chunkflow.attach(model, plan, device="cpu", check=True):
                assert torch.equal(model(inputs()), expected)


def test_blocks_in_any_order_skipped_and_repeated(tmp_path: Path) -> None:
    model = Wan()
    x = torch.randn(1, 8, 256)
    t = torch.randn(1, 2, 256)
    orders = [[4, 3, 2, 1, 0], [0, 0, 1, 1], [2], [0, 2, 4], [3, 1, 3], [0, 1, 2, 3, 4], [4, 0]]

    def run(order: list[int]) -> torch.Tensor:
        y = x
        for index in order:
            y = model.blocks[index](y, t)
        return y

    with torch.no_grad():
        expected = [run(order) for order in orders]
        with chunkflow.attach(model, write_plan(tmp_path / "plan.json", model), device="cpu", check=True):
            for order, want in zip(orders, expected, strict=True):
                assert torch.equal(run(order), want), order


def test_a_report_says_what_was_copied_and_how_long_the_host_took(tmp_path: Path) -> None:
    model = Wan()
    with chunkflow.attach(model, write_plan(tmp_path / "plan.json", model), device="cpu") as attached, torch.no_grad():
        assert attached.host_seconds() == 0
        # Weights have been loaded, which waits as well: that is not in a hook.
        assert attached.counts()["waited_ns"] == 0
        model(inputs())
        assert 0 < attached.host_seconds() < 1
        report = attached.report().splitlines()
    assert report[0] == "plan           toy (host), 5 blocks"
    assert any(line.startswith("waited") for line in report)
    assert report[3] == "ran            5 blocks, 1.0 passes"
    assert any(line.startswith("host time") and line.endswith("us a block") for line in report)
