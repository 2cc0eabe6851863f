"""Weights of an attached model are read and changed rightly, or the change is refused with the way out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import torch
from plans import write_plan
from torch import nn
from toy_models import Wan, inputs, quantised

import chunkflow_offload as chunkflow
from chunkflow_offload.errors import AttachError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WEIGHT = "blocks.2.to_q.weight"


@pytest.fixture
def model() -> Wan:
    return Wan().requires_grad_(False)


@pytest.fixture
def attached(tmp_path: Path, model: Wan) -> Iterator[chunkflow.Attached]:
    plan = write_plan(tmp_path / "plan.json", model)
    with torch.no_grad(), chunkflow.attach(model, plan, device="cpu", check=True) as attached:
        model(inputs())
        yield attached


def plain(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: at.clone() for name, at in model.state_dict().items()}


def like(state: dict[str, torch.Tensor]) -> torch.Tensor:
    """What a model of this state computes."""
    fresh = Wan().requires_grad_(False)
    fresh.load_state_dict(state)
    out: torch.Tensor = fresh(inputs())
    return out


def q(model: Wan) -> nn.Linear:
    linear: Any = model.blocks.get_submodule("2.to_q")
    assert isinstance(linear, nn.Linear)
    return linear


# Reading


def test_state_dict_has_the_true_values_in_tensors_of_their_own(tmp_path: Path) -> None:
    model = Wan()
    before = plain(model)
    with chunkflow.attach(model, write_plan(tmp_path / "plan.json", model), device="cpu"):
        for state in (model.state_dict(), {f"blocks.{k}": v for k, v in model.blocks.state_dict().items()}):
            assert all(torch.equal(value, before[name]) for name, value in state.items())
        assert list(model.state_dict()) == list(before)
        assert torch.equal(q(model).state_dict()["weight"], before[WEIGHT])
        state = model.state_dict()
    state[WEIGHT].zero_()
    assert torch.equal(q(model).weight, before[WEIGHT])


def test_state_dict_of_a_wrapper_subclass_has_its_class(tmp_path: Path) -> None:
    model = quantised("int8")
    before = model.state_dict()["blocks.1.up.weight"]
    with chunkflow.attach(model, write_plan(tmp_path / "plan.json", model), device="cpu"):
        found = model.state_dict()["blocks.1.up.weight"]
        assert type(found) is type(before)
        assert torch.equal(found.qdata, before.qdata)
        assert torch.equal(found.scale, before.scale)


READS: dict[str, Any] = {
    "sum": lambda weight: weight.sum(),
    "print": repr,
    "clone": lambda weight: weight.clone(),
    "data": lambda weight: weight.data + 1,
    "matmul": lambda weight: nn.functional.linear(torch.ones(1, 256), weight),
    "in place": lambda weight: weight.add_(1),
    "data in place": lambda weight: weight.data.add_(1),
    "copy": lambda weight: weight.copy_(torch.zeros_like(weight, device="cpu")),
    "pointer": lambda weight: weight.data_ptr(),
}


@pytest.mark.parametrize("read", READS)
@pytest.mark.usefixtures("attached")
def test_values_are_out_of_reach_outside_of_the_blocks_call(model: Wan, read: str) -> None:
    expected = model(inputs())
    with pytest.raises(RuntimeError, match=r"blocks\.2: these weights are streamed.*attached\.editing\(\)"):
        READS[read](q(model).weight)
    assert torch.equal(model(inputs()), expected)


@pytest.mark.usefixtures("attached")
def test_what_is_no_value_can_be_asked(model: Wan) -> None:
    weight = q(model).weight
    assert (weight.shape, weight.dtype, weight.device.type) == ((256, 256), torch.float32, "cpu")
    assert weight.stride() == (256, 1)
    assert sum(at.numel() for at in model.parameters()) == sum(at.numel() for at in Wan().parameters())


@pytest.mark.usefixtures("attached")
def test_a_forward_that_is_called_past_the_module_is_refused(model: Wan) -> None:
    block: Any = model.blocks[1]
    with pytest.raises(RuntimeError, match=r"blocks\.1: these weights are streamed"):
        block.forward(torch.randn(1, 8, 256), torch.randn(1, 2, 256))


# load_state_dict


@pytest.mark.parametrize("assign", [False, True])
@pytest.mark.usefixtures("attached")
def test_load_state_dict_takes_the_values(model: Wan, assign: bool) -> None:
    state = plain(Wan())
    objects = {name: id(at) for name, at in model.blocks.named_parameters()}
    result = model.load_state_dict(state, assign=assign)
    assert not result.missing_keys
    assert not result.unexpected_keys
    assert torch.equal(model(inputs()), like(state))
    assert {name: id(at) for name, at in model.blocks.named_parameters()} == objects


@pytest.mark.usefixtures("attached")
def test_load_state_dict_of_a_part(model: Wan) -> None:
    state = plain(model)
    state[WEIGHT] = torch.randn(256, 256)
    result = model.load_state_dict({WEIGHT: state[WEIGHT], "other": torch.zeros(1)}, strict=False)
    assert result.unexpected_keys == ["other"]
    assert torch.equal(model(inputs()), like(state))
    state["blocks.2.to_q.bias"] = torch.randn(256)
    q(model).load_state_dict({"weight": state[WEIGHT], "bias": state["blocks.2.to_q.bias"]})
    assert torch.equal(model(inputs()), like(state))


@pytest.mark.usefixtures("attached")
def test_load_state_dict_that_fails_leaves_right_values(model: Wan) -> None:
    state = plain(model)
    with pytest.raises(RuntimeError, match=r"size mismatch for blocks\.2\.to_q\.weight"):
        model.load_state_dict(state | {WEIGHT: torch.zeros(3, 3)})
    with pytest.raises(RuntimeError, match="Missing key"):
        model.load_state_dict({})
    with pytest.raises(AttachError, match=r"blocks\.2\.to_q\.weight: expected float32 \(256, 256\), got bfloat16"):
        q(model).load_state_dict({"weight": torch.zeros(256, 256).bfloat16()}, assign=True, strict=False)
    assert torch.equal(model(inputs()), like(state))
    assert q(model).weight.dtype == torch.float32


@pytest.mark.usefixtures("attached")
def test_load_state_dict_that_an_exception_leaves(model: Wan) -> None:
    state = plain(model)

    def fails(*_: Any) -> None:
        raise ZeroDivisionError

    state["blocks.0.to_q.weight"] = torch.randn(256, 256)
    block: Any = model.blocks[3]
    handle = block.register_load_state_dict_post_hook(fails)
    with pytest.raises(ZeroDivisionError):
        model.load_state_dict(state)
    handle.remove()
    assert torch.equal(model(inputs()), like(state))


# editing() and update()


def test_editing_shows_true_values_and_takes_changes(model: Wan, attached: chunkflow.Attached) -> None:
    state = plain(model)
    with attached.editing():
        assert torch.equal(q(model).weight, state[WEIGHT])
        q(model).weight.data += 1
        q(model).bias.zero_()
        other: Any = model.blocks[4]
        other.up.weight.data = torch.ones(1024, 256)
        other.down.weight = nn.Parameter(torch.ones(256, 1024).t().contiguous().t())
        assert torch.equal(model.state_dict()[WEIGHT], state[WEIGHT] + 1)
    state[WEIGHT] = state[WEIGHT] + 1
    state["blocks.2.to_q.bias"] = torch.zeros(256)
    state["blocks.4.up.weight"] = torch.ones(1024, 256)
    state["blocks.4.down.weight"] = torch.ones(256, 1024)
    assert torch.equal(model(inputs()), like(state))


def test_a_change_that_does_not_fit_is_named_and_the_old_values_stay(model: Wan, attached: chunkflow.Attached) -> None:
    state = plain(model)
    meta: Any = nn.Parameter(torch.empty(256, 256, device="meta"))
    changes: list[tuple[Any, str]] = [
        (lambda at: setattr(at.weight, "data", torch.zeros(3)), r"float32 \(3,\) on cpu"),
        (lambda at: setattr(at.weight, "data", at.weight.data.half()), r"float16 \(256, 256\) on cpu"),
        (lambda at: setattr(at, "weight", meta), r"float32 \(256, 256\) on meta"),
    ]
    for change, got in changes:
        with (
            pytest.raises(
                AttachError, match=rf"{re.escape(WEIGHT)}: expected float32 \(256, 256\), got {got}; the values"
            ),
            attached.editing(),
        ):
            change(q(model))
        assert torch.equal(model(inputs()), like(state))


def test_editing_ends_with_an_exception_inside(model: Wan, attached: chunkflow.Attached) -> None:
    state = plain(model)
    with pytest.raises(ZeroDivisionError), attached.editing():
        print(q(model).weight.fill_(0.25), 1 / 0)
    state[WEIGHT] = torch.full((256, 256), 0.25)
    assert torch.equal(model(inputs()), like(state))


def test_the_model_cannot_be_called_while_it_is_edited(model: Wan, attached: chunkflow.Attached) -> None:
    with attached.editing():
        with pytest.raises(AttachError, match=r"blocks\.0: called inside of attached\.editing\(\); leave that first"):
            model(inputs())
        with pytest.raises(AttachError, match=r"editing\(\): inside of editing"), attached.editing():
            pass
    model(inputs())


def test_detaching_while_it_is_edited_keeps_the_changes(model: Wan, attached: chunkflow.Attached) -> None:
    with attached.editing():
        q(model).weight.fill_(0.5)
        attached.detach()
        assert torch.equal(q(model).weight, torch.full((256, 256), 0.5))
    assert torch.equal(q(model).weight, torch.full((256, 256), 0.5))


def test_update_replaces_one_parameter(model: Wan, attached: chunkflow.Attached) -> None:
    state = plain(model)
    for name in (WEIGHT, "blocks.0.scale_shift_table", "head.bias"):
        state[name] = torch.randn_like(state[name])
        # Other strides than the parameter has.
        attached.update(name, state[name].mT.contiguous().mT if state[name].dim() > 1 else state[name])
        assert torch.equal(model(inputs()), like(state))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("blocks.9.up.weight", torch.zeros(1), 'the model has no parameter "blocks.9.up.weight"'),
        (WEIGHT, torch.zeros(1), r"blocks.2.to_q.weight is torch.float32 \(256, 256\), got torch.float32 \(1,\)"),
        (WEIGHT, torch.zeros(256, 256).half(), "got torch.float16"),
        ("head.bias", torch.zeros(1), r"head.bias is torch.float32 \(16,\)"),
    ],
)
def test_an_update_that_does_not_fit_is_refused(
    model: Wan, attached: chunkflow.Attached, name: str, value: torch.Tensor, message: str
) -> None:
    expected = model(inputs())
    with pytest.raises(AttachError, match=message):
        attached.update(name, value)
    assert torch.equal(model(inputs()), expected)


def test_changes_are_there_after_detaching(model: Wan, attached: chunkflow.Attached) -> None:
    value = torch.randn(256, 256)
    attached.update(WEIGHT, value)
    attached.detach()
    assert torch.equal(q(model).weight, value)


# Changes behind its back


def test_data_that_are_replaced_are_refused_until_they_are_edited_rightly(
    model: Wan, attached: chunkflow.Attached
) -> None:
    expected = model(inputs())
    q(model).weight.data = torch.zeros(256, 256)
    for _ in range(2):
        with pytest.raises(AttachError, match=r"blocks\.2\.to_q\.weight: its data were replaced .*LoRA.*editing"):
            model(inputs())
    with attached.editing():
        pass
    assert torch.equal(model(inputs()), expected)


def test_a_parameter_that_is_replaced_is_refused_until_it_is_edited_rightly(
    model: Wan, attached: chunkflow.Attached
) -> None:
    state = plain(model)
    own = q(model).weight
    q(model).weight = nn.Parameter(torch.zeros(256, 256), requires_grad=False)
    for _ in range(2):
        with pytest.raises(AttachError, match=r"blocks\.2\.to_q\.weight: the parameter was replaced or removed"):
            model(inputs())
    with attached.editing():
        pass
    assert q(model).weight is own
    assert torch.equal(model(inputs()), like(state | {WEIGHT: torch.zeros(256, 256)}))


@pytest.mark.usefixtures("attached")
def test_a_parameter_that_is_removed_is_noticed(model: Wan) -> None:
    del q(model).weight
    with pytest.raises(AttachError, match=r"blocks\.2\.to_q\.weight: the parameter was replaced or removed"):
        model(inputs())


@pytest.mark.parametrize("change", ["in place", "data", "data in another order", "parameter", "none"])
@pytest.mark.usefixtures("attached")
def test_a_forward_that_changes_its_weights_is_refused(model: Wan, change: str) -> None:
    expected = model(inputs())

    def spoil(module: Any, *_: Any) -> None:
        if change == "in place":
            module.weight.mul_(2)
        elif change == "data":
            module.weight.data = module.weight.data * 2
        elif change == "data in another order":
            module.weight.data = module.weight.data.T
        elif change == "parameter":
            module.weight = nn.Parameter(module.weight * 2, requires_grad=False)
        else:
            module.weight = None
            module.weight = nn.Parameter(torch.zeros(256, 256), requires_grad=False)

    handle = q(model).register_forward_pre_hook(spoil)
    with pytest.raises(AttachError, match=r"blocks\.2: a streamed parameter was changed in its forward"):
        model(inputs())
    handle.remove()
    if change != "in place":
        assert torch.equal(model(inputs()), expected)


@pytest.mark.parametrize("at", [0, 3])
@pytest.mark.usefixtures("attached")
def test_data_that_a_later_call_turns_around_in_their_slot_are_noticed(model: Wan, at: int) -> None:
    expected = [model(inputs()) for _ in range(at)]

    def turn(module: Any, *_: Any) -> None:
        module.weight.data = module.weight.data.T.contiguous()

    handle = q(model).register_forward_pre_hook(turn)
    with pytest.raises(AttachError, match=r"blocks\.2: a streamed parameter was changed in its forward"):
        model(inputs())
    handle.remove()
    assert all(torch.equal(model(inputs()), each) for each in expected)


@pytest.mark.parametrize("what", ["parameter", "view", "list of parameters"])
@pytest.mark.usefixtures("attached")
def test_what_a_forward_has_kept_of_its_weights_shows_no_other_blocks(model: Wan, what: str) -> None:
    expected = model(inputs())
    kept: list[Any] = []

    def keep(module: Any, *_: Any) -> None:
        weight = module.weight
        kept.append(weight if what == "parameter" else weight.T if what == "view" else list(module.parameters()))

    handle = q(model).register_forward_pre_hook(keep)
    for _ in range(3):
        assert torch.equal(model(inputs()), expected)
    handle.remove()
    if what != "view":
        for each in kept:
            with pytest.raises(RuntimeError, match=r"blocks\.2: these weights are streamed"):
                (each if what == "parameter" else each[0]).sum()
    assert torch.equal(model(inputs()), expected)


def test_parameters_of_a_running_block_have_class_and_attributes_of_the_models(tmp_path: Path) -> None:
    class Scaled(nn.Parameter):
        scale = 0

    model = Wan()
    weight = Scaled(q(model).weight.detach(), requires_grad=False)
    q(model).weight = weight
    model.requires_grad_(False)
    weight.scale = 3
    seen: list[Any] = []
    expected = model(inputs())
    with chunkflow.attach(model, write_plan(tmp_path / "plan.json", model), device="cpu"):
        q(model).register_forward_pre_hook(lambda at, _: seen.append((type(at.weight), at.weight.scale)))
        assert torch.equal(model(inputs()), expected)
        weight.scale = 4
        model(inputs())
    assert seen == [(Scaled, 3), (Scaled, 4)]


class Lora(nn.Module):
    """What adapters do: the old module inside of a new one, with parameters of its own."""

    def __init__(self, base: nn.Linear) -> None:
        super().__init__()
        self.base_layer = base
        self.a = nn.Parameter(torch.randn(4, base.in_features), requires_grad=False)
        self.b = nn.Parameter(torch.randn(base.out_features, 4), requires_grad=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.base_layer(x) + x @ self.a.T @ self.b.T
        return out

    def fuse(self) -> None:
        self.base_layer.weight.data += self.b @ self.a


def test_an_adapter_that_adds_parameters_is_left_alone(model: Wan, attached: chunkflow.Attached) -> None:
    state = plain(model)
    lora = Lora(q(model))
    model.blocks[2].to_q = lora
    unfused = model(inputs())
    assert not torch.equal(unfused, like(state))
    assert torch.equal(model.state_dict()["blocks.2.to_q.base_layer.weight"], state[WEIGHT])
    with pytest.raises(RuntimeError, match=r"blocks\.2: these weights are streamed.*attached\.editing\(\)"):
        lora.fuse()
    assert torch.equal(model(inputs()), unfused)
    with attached.editing():
        lora.fuse()
    model.blocks[2].to_q = lora.base_layer
    fused = state | {WEIGHT: state[WEIGHT] + lora.b @ lora.a}
    assert torch.equal(model(inputs()), like(fused))


def test_weights_that_stay_on_the_device_are_edited_as_well(tmp_path: Path) -> None:
    model = Wan().requires_grad_(False)
    state = plain(model)
    plan = write_plan(tmp_path / "plan.json", model, "layerwise", prefetch=2, resident_blocks=(0,))
    with torch.no_grad(), chunkflow.attach(model, plan, device="cpu", check=True) as attached:
        for name in ("blocks.0.to_q.weight", WEIGHT):
            state[name] = torch.randn(256, 256)
            attached.update(name, state[name])
            assert torch.equal(model(inputs()), like(state))
        with attached.editing():
            for block in model.blocks.children():
                block.get_parameter("to_q.weight").neg_()
        state |= {f"blocks.{i}.to_q.weight": -state[f"blocks.{i}.to_q.weight"] for i in range(5)}
        assert torch.equal(model(inputs()), like(state))
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
