"""Compiled blocks of an attached model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from plans import write_plan
from toy_models import Wan, inputs

import chunkflow_offload as chunkflow
from chunkflow_offload.errors import AttachError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _fresh_compiler() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.filterwarnings("ignore")
def test_blocks_that_are_compiled_in_place_are_streamed(tmp_path: Path, backend: str, when: str) -> None:
    model = Wan().requires_grad_(False)
    plan = write_plan(tmp_path / "plan.json", model)
    with torch.no_grad():
        plain = model(inputs())

        def compile_blocks() -> None:
            for block in model.blocks:
                block.compile(backend=backend)

        if when == "before":
            compile_blocks()
            expected = model(inputs())
        with chunkflow.attach(model, plan, device="cpu", check=True) as attached:
            if when == "after":
                compile_blocks()
            found = [model(inputs()) for _ in range(4)]
            attached.update("blocks.1.up.weight", torch.zeros(1024, 256))
            changed = model(inputs())
            counts = attached.counts()
        if when == "after":
            expected = model(inputs())
    assert all(torch.allclose(at, plain, atol=1e-4) for at in found)
    assert not torch.allclose(changed, plain, atol=1e-4)
    if when == "before":
        assert all(torch.equal(at, expected) for at in found)
    else:
        assert torch.equal(changed, expected)
    assert counts["begins"] == 25
    assert counts["restarts"] == 2


@pytest.mark.filterwarnings("ignore")
def test_wrapped_blocks_are_streamed(tmp_path: Path) -> None:
    model = Wan().requires_grad_(False)
    with torch.no_grad():
        for index in range(len(model.blocks)):
            wrapped: Any = torch.compile(model.blocks[index], backend="aot_eager")
            model.blocks[index] = wrapped
        expected = model(inputs())
        # A plan for the model as it was before it was compiled.
        plan = write_plan(tmp_path / "plan.json", Wan())
        with chunkflow.attach(model, plan, device="cpu", check=True) as attached:
            assert all(torch.equal(model(inputs()), expected) for _ in range(3))
            assert attached.counts()["restarts"] == 1
            state = model.state_dict()
            name = next(name for name, _ in model.named_parameters() if name.endswith("1._orig_mod.up.bias"))
            attached.update(name, state[name] * 2)
            with attached.editing():
                model.get_parameter(name).div_(2)
            assert torch.equal(model(inputs()), expected)
        assert all(torch.allclose(state[name], value) for name, value in model.state_dict().items())


@pytest.mark.filterwarnings("ignore")
def test_a_model_that_is_compiled_as_a_whole_is_streamed(tmp_path: Path) -> None:
    model = Wan().requires_grad_(False)
    with torch.no_grad():
        plain = model(inputs())
        compiled: Any = torch.compile(model, backend="aot_eager")
        with chunkflow.attach(model, write_plan(tmp_path / "plan.json", model), device="cpu", check=True) as attached:
            found = [compiled(inputs()) for _ in range(3)]
            counts = attached.counts()
        found.append(compiled(inputs()))
    assert all(torch.allclose(at, plain, atol=1e-4) for at in found)
    assert (counts["begins"], counts["restarts"]) == (15, 1)


@pytest.mark.filterwarnings("ignore")
def test_one_graph_of_the_whole_model_is_not_possible_and_says_so(tmp_path: Path) -> None:
    model = Wan().requires_grad_(False)
    compiled: Any = torch.compile(model, backend="aot_eager", fullgraph=True)
    with (
        torch.no_grad(),
        chunkflow.attach(model, write_plan(tmp_path / "plan.json", model), device="cpu"),
        pytest.raises(Exception, match=r"torch\.compiler\.disable"),
    ):
        compiled(inputs())


@pytest.mark.filterwarnings("ignore")
def test_an_exception_in_a_compiled_block(tmp_path: Path) -> None:
    model = Wan().requires_grad_(False)
    with torch.no_grad():
        for block in model.blocks:
            block.compile(backend="aot_eager")
        expected = model(inputs())
        with chunkflow.attach(model, write_plan(tmp_path / "plan.json", model), device="cpu", check=True):
            assert torch.equal(model(inputs()), expected)
            block = model.blocks[2]
            with pytest.raises(RuntimeError):
                block(torch.ones(1, 8, 3), torch.ones(1, 2, 256))
            assert torch.equal(model(inputs()), expected)
    assert torch.equal(model(inputs()), expected)


@pytest.mark.parametrize("options", [{"mode": "reduce-overhead"}, {"options": {"freezing": True}}], ids=str)
@pytest.mark.parametrize("how", ["in place", "wrapped"])
def test_what_keeps_addresses_of_weights_is_refused(tmp_path: Path, how: str, options: dict[str, Any]) -> None:
    model = Wan().requires_grad_(False)
    for index in range(len(model.blocks)):
        if how == "in place":
            model.blocks[index].compile(**options)
        else:
            wrapped: Any = torch.compile(model.blocks[index], **options)
            model.blocks[index] = wrapped
    plan = write_plan(tmp_path / "plan.json", model)
    with pytest.raises(AttachError, match=r"blocks\.0: is compiled, and (CUDA graphs keep|freezing keeps)"):
        chunkflow.attach(model, plan, device="cpu")
