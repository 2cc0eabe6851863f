"""Blocks of models and how their bytes lie."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from chunkflow_offload.errors import ModelError
from chunkflow_offload.layout import (
    ALIGNMENT_BYTES,
    Block,
    bytes_of,
    find_blocks,
    fingerprint,
    kind_indices,
    kinds_of,
    view_like,
)


class Mlp(nn.Module):
    def __init__(self, width: int = 16, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.up = nn.Linear(width, 4 * width, dtype=dtype)
        self.down = nn.Linear(4 * width, width, bias=False, dtype=dtype)
        self.register_buffer("table", torch.zeros(1000))


class Single(Mlp):
    pass


class Model(nn.Module):
    def __init__(self, blocks: int = 3, width: int = 16, **lists: nn.Module) -> None:
        super().__init__()
        self.embed = nn.Linear(4, width)
        self.blocks = nn.ModuleList(Mlp(width) for _ in range(blocks))
        for name, module in lists.items():
            setattr(self, name, module)


def mlps(count: int, kind: type[Mlp] = Mlp, width: int = 16) -> nn.ModuleList:
    return nn.ModuleList(kind(width) for _ in range(count))


def paths(blocks: tuple[Block, ...]) -> list[str]:
    return [block.path for block in blocks]


def test_leaves_lie_one_behind_another_each_at_an_aligned_offset() -> None:
    block = find_blocks(Model())[1]
    assert block.path == "blocks.1"
    assert [(leaf.name, leaf.offset, leaf.nbytes) for leaf in block.leaves] == [
        ("up.weight", 0, 4096),
        ("up.bias", 4096, 256),
        ("down.weight", 4352, 4096),
    ]
    assert block.nbytes == 8448


def test_offsets_are_rounded_up_and_the_block_ends_with_its_last_leaf() -> None:
    model = Model(width=5)
    block = find_blocks(model)[0]
    assert [(leaf.offset, leaf.nbytes) for leaf in block.leaves] == [(0, 400), (512, 80), (768, 400)]
    assert block.nbytes == 1168


def test_leaf_tensors_are_the_parameters_themselves() -> None:
    model = Model()
    assert find_blocks(model)[0].leaves[0].tensor is model.blocks.get_submodule("0.up").weight


def test_buffers_are_not_streamed() -> None:
    assert not [leaf.name for block in find_blocks(Model()) for leaf in block.leaves if "table" in leaf.name]


def test_two_lists_in_order_of_definition() -> None:
    model = Model(blocks=2, single=mlps(3, Single))
    blocks = find_blocks(model)
    assert paths(blocks) == ["blocks.0", "blocks.1", "single.0", "single.1", "single.2"]
    assert [len(kind) for kind in kinds_of(blocks)] == [2, 3]
    assert kind_indices(blocks) == (0, 0, 1, 1, 1)


def test_named_containers_come_in_the_order_given() -> None:
    model = Model(blocks=2, single=mlps(2, Single))
    assert paths(find_blocks(model, ["single", "blocks"])) == ["single.0", "single.1", "blocks.0", "blocks.1"]
    assert paths(find_blocks(model, ["single"])) == ["single.0", "single.1"]


def test_lists_inside_of_blocks_belong_to_them() -> None:
    model = nn.Module()
    model.layers = nn.ModuleList(nn.ModuleDict({"inner": mlps(3)}) for _ in range(2))
    assert paths(find_blocks(model)) == ["layers.0", "layers.1"]


def test_a_list_of_lists_is_looked_into() -> None:
    model = nn.Module()
    model.stages = nn.ModuleList([mlps(2), mlps(3)])
    assert paths(find_blocks(model)) == ["stages.0.0", "stages.0.1", "stages.1.0", "stages.1.1", "stages.1.2"]


def test_a_small_list_stays_outside() -> None:
    model = Model(blocks=10, width=32, refiner=mlps(2, Single, 4))
    assert {path.split(".")[0] for path in paths(find_blocks(model))} == {"blocks"}


def test_modules_of_different_classes_are_blocks_only_where_named() -> None:
    model = nn.Module()
    model.mixed = nn.ModuleList([Mlp(), Single(), Mlp()])
    with pytest.raises(ModelError, match=r"no lists of alike modules hold most of the parameters; candidates: none"):
        find_blocks(model)
    assert kind_indices(find_blocks(model, ["mixed"])) == (0, 1, 0)


@pytest.mark.parametrize(
    ("make", "containers", "message"),
    [
        (lambda: "pipeline", None, "model: expected a torch.nn.Module (of a pipeline: its transformer), got str"),
        (
            lambda: Model(blocks=2, width=4, head=nn.Linear(64, 64)),
            None,
            'Model: no lists of alike modules hold most of the parameters; candidates: "blocks" (',
        ),
        (Model, ["layers"], 'containers: Model has no "layers"; its lists are "blocks"'),
        (Model, ["embed"], 'containers: "embed" is a Linear, expected a torch.nn.ModuleList or Sequential'),
        (lambda: Model(empty=nn.ModuleList()), ["empty"], 'containers: "empty" is empty'),
        (Model, [], "containers: expected at least one attribute path"),
        (Model, "blocks", "containers: expected a list of attribute paths such as [\"blocks\"], got 'blocks'"),
        (Model, ["blocks", "blocks"], 'containers: "blocks" is named twice'),
        (
            lambda: Model(outer=nn.ModuleList([nn.ModuleDict({"inner": mlps(2)})])),
            ["outer.0.inner", "outer"],
            'containers: "outer.0.inner" lies inside "outer"; name only one of them',
        ),
    ],
)
def test_unclear_containers_are_refused(make: Any, containers: Any, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        find_blocks(make(), containers)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_stages_of_blocks_are_unclear_until_named() -> None:
    model = nn.Module()
    model.stages = nn.ModuleList(nn.Sequential(*mlps(2)) for _ in range(2))
    with pytest.raises(ModelError, match=r'those of "stages" or those of "stages\.0", "stages\.1"; name them'):
        find_blocks(model)
    assert paths(find_blocks(model, ["stages"])) == ["stages.0", "stages.1"]
    assert len(find_blocks(model, ["stages.0", "stages.1"])) == 4


def test_a_list_of_one_module_is_taken_only_where_named() -> None:
    model = Model(blocks=1)
    with pytest.raises(ModelError, match=r"no lists of alike modules hold most of the parameters; candidates: none"):
        find_blocks(model)
    assert paths(find_blocks(model, ["blocks"])) == ["blocks.0"]


def test_one_module_twice_in_a_list_is_refused() -> None:
    model = Model()
    model.blocks.append(model.blocks[0])
    with pytest.raises(ModelError, match=r"blocks\.3 is the same module as blocks\.0"):
        find_blocks(model)


def block_of(model: Model, index: int) -> Any:
    return model.blocks[index]


def test_a_parameter_of_two_blocks_stays_outside() -> None:
    model = Model()
    block_of(model, 2).up.weight = block_of(model, 0).up.weight
    assert [[leaf.name for leaf in block.leaves] for block in find_blocks(model)] == [
        ["up.bias", "down.weight"],
        ["up.weight", "up.bias", "down.weight"],
        ["up.bias", "down.weight"],
    ]


def test_a_parameter_that_the_rest_of_the_model_uses_stays_outside() -> None:
    model = Model()
    model.head = nn.Linear(16, 64)
    model.head.weight = block_of(model, 1).up.weight
    assert [leaf.name for leaf in find_blocks(model)[1].leaves] == ["up.bias", "down.weight"]


def test_a_parameter_twice_in_one_block_is_one_leaf() -> None:
    model = Model()
    for index in range(3):
        block_of(model, index).again = block_of(model, index).up
    assert [leaf.name for leaf in find_blocks(model)[0].leaves] == ["up.weight", "up.bias", "down.weight"]


def test_different_parameters_over_the_same_memory_are_refused() -> None:
    model = Model()
    block_of(model, 1).down.weight.data = block_of(model, 0).down.weight.data
    with pytest.raises(
        ModelError, match=r"blocks\.0\.down\.weight and blocks\.1\.down\.weight are different parameters"
    ):
        find_blocks(model)


def test_memory_shared_with_the_rest_of_the_model_is_refused() -> None:
    model = Model()
    model.head = nn.Linear(16, 64)
    model.head.weight.data = block_of(model, 1).up.weight.data
    with pytest.raises(
        ModelError, match=r"blocks\.1\.up\.weight and head\.weight|head\.weight and blocks\.1\.up\.weight"
    ):
        find_blocks(model)


def test_memory_that_only_the_rest_of_the_model_shares_is_its_own_affair() -> None:
    model = Model()
    model.heads = nn.ModuleDict({name: nn.Linear(4, 4) for name in ("a", "b")})
    model.get_submodule("heads.a").weight.data = model.get_submodule("heads.b").weight.data
    assert len(find_blocks(model)) == 3


def test_slices_of_one_storage_are_leaves_of_their_own() -> None:
    model = Model()
    fused = torch.randn(64 * 3, 16)
    for index in range(3):
        block_of(model, index).up.weight.data = fused[64 * index : 64 * (index + 1)]
    blocks = find_blocks(model)
    assert torch.equal(view_like(piece_of(blocks[2]), blocks[2].leaves[0]), fused[128:])


def piece_of(block: Block) -> torch.Tensor:
    """The block's bytes as the runtime holds them."""
    raw = torch.zeros(block.nbytes, dtype=torch.uint8)
    for leaf in block.leaves:
        raw[leaf.offset : leaf.offset + leaf.nbytes] = bytes_of(leaf.tensor)
    return raw


def assert_round_trip(block: Block) -> None:
    raw = piece_of(block)
    for leaf in block.leaves:
        view = view_like(raw, leaf)
        assert (view.shape, view.stride(), view.dtype) == (leaf.tensor.shape, leaf.tensor.stride(), leaf.tensor.dtype)
        assert torch.equal(bytes_of(view), bytes_of(leaf.tensor))


def test_transposed_parameters_keep_their_strides() -> None:
    model = Model()
    weight = torch.randn(16, 64)
    for index in range(3):
        block_of(model, index).up.weight.data = weight.clone().t()
    block = find_blocks(model)[0]
    assert block.leaves[0].tensor.stride() == (1, 64)
    assert_round_trip(block)
    assert torch.equal(view_like(piece_of(block), block.leaves[0]), weight.t())


DTYPES = [torch.float32, torch.bfloat16, torch.float8_e4m3fn, torch.int8, torch.uint8, torch.bool, torch.complex64]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(DTYPES),
            st.lists(st.integers(1, 5), max_size=4),
            st.randoms(use_true_random=False),
            st.integers(0, 3),
        ),
        min_size=1,
        max_size=6,
    )
)
@settings(max_examples=60, deadline=None)
def test_any_dense_parameter_comes_back_from_its_bytes(tensors: list[tuple[torch.dtype, list[int], Any, int]]) -> None:
    def module() -> nn.Module:
        made = nn.Module()
        for index, (dtype, shape, random, before) in enumerate(tensors):
            count = torch.Size(shape).numel()
            raw = torch.randint(0, 2, ((count + before) * dtype.itemsize,), dtype=torch.uint8).view(dtype)
            order = random.sample(range(len(shape)), len(shape))
            tensor = raw[before:].view(shape).permute(order)
            made.register_parameter(f"p{index}", nn.Parameter(tensor, requires_grad=False))
        return made

    model = nn.Module()
    model.blocks = nn.ModuleList([module(), module()])
    for block in find_blocks(model):
        assert len(block.leaves) == len(tensors)
        ends = [0]
        for leaf in block.leaves:
            assert leaf.offset % ALIGNMENT_BYTES == 0
            assert 0 <= leaf.offset - ends[-1] < ALIGNMENT_BYTES
            ends.append(leaf.offset + leaf.nbytes)
        assert block.nbytes == ends[-1]
        assert_round_trip(block)


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.int8])
def test_quantised_storage_is_one_byte_an_element(dtype: torch.dtype) -> None:
    model = Model()
    for index in range(3):
        stored = torch.randn(64, 16).to(dtype)
        block_of(model, index).up.weight = nn.Parameter(stored, requires_grad=False)
    block = find_blocks(model)[0]
    assert block.leaves[0].nbytes == 64 * 16
    assert_round_trip(block)


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (torch.randn(1, 16).expand(64, 16), "has elements that share memory (expanded)"),
        (torch.randn(64, 32)[:, :16], "has gaps between its elements"),
        (torch.randn(100).as_strided((64, 16), (1, 2)), "has elements that share memory (expanded)"),
        (torch.eye(64, 16).to_sparse(), "expected a strided tensor, got a sparse_coo one"),
    ],
)
def test_parameters_without_bytes_of_their_own_are_refused(tensor: torch.Tensor, message: str) -> None:
    model = Model()
    block_of(model, 1).up.weight = nn.Parameter(tensor)
    with pytest.raises(ModelError) as caught:
        find_blocks(model)
    assert str(caught.value).startswith("blocks.1.up.weight: ")
    assert message in str(caught.value)


def test_a_released_parameter_is_refused() -> None:
    model = Model()
    block_of(model, 1).up.weight.data.untyped_storage().resize_(0)
    with pytest.raises(ModelError, match=r"blocks\.1\.up\.weight: has no memory of its own now"):
        find_blocks(model)


def test_empty_parameters_are_no_leaves() -> None:
    model = Model()
    for index in range(3):
        block_of(model, index).nothing = nn.Parameter(torch.empty(0, 16))
    assert [leaf.name for leaf in find_blocks(model)[0].leaves] == ["up.weight", "up.bias", "down.weight"]


class Scaled(torch.Tensor):
    """A wrapper subclass as quantisation libraries make them: integers, a scale, and another wrapper inside."""

    @staticmethod
    def __new__(cls, qdata: torch.Tensor, scale: torch.Tensor) -> Scaled:
        made: Scaled = torch.Tensor._make_wrapper_subclass(cls, qdata.shape, dtype=torch.float32)
        made.qdata, made.scale, made.zero = qdata, scale, None  # type: ignore[attr-defined]
        return made

    def __tensor_flatten__(self) -> tuple[list[str], None]:
        return ["qdata", "scale", "zero"], None

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        if func is torch.ops.aten.detach.default:
            return Scaled(args[0].qdata, args[0].scale)
        raise NotImplementedError(func)


def test_wrapper_subclasses_are_taken_apart_recursively() -> None:
    model = nn.Module()
    model.blocks = nn.ModuleList(nn.Module() for _ in range(2))
    for block in model.blocks:
        scale = Scaled(torch.ones(64, dtype=torch.int8), torch.ones(1))
        weight = Scaled(torch.ones(64, 16, dtype=torch.int8), scale)
        block.register_parameter("weight", nn.Parameter(weight, requires_grad=False))
        block.register_parameter("bias", nn.Parameter(torch.ones(64)))
    first = find_blocks(model)[0]
    held: Any = first.module.weight
    assert [(leaf.name, leaf.nbytes) for leaf in first.leaves] == [
        ("weight:qdata", 1024),
        ("weight:scale:qdata", 64),
        ("weight:scale:scale", 4),
        ("bias", 256),
    ]
    assert first.leaves[0].tensor is held.qdata
    assert first.leaves[2].tensor is held.scale.scale
    assert_round_trip(first)


@pytest.mark.skipif(importlib.util.find_spec("torchao") is None, reason="torchao is not installed")
def test_torchao_int8_weights_are_streamed_as_stored() -> None:
    from torchao.quantization import Int8WeightOnlyConfig, quantize_

    model = Model(width=32)
    x = torch.randn(3, 32)
    quantize_(model, Int8WeightOnlyConfig())
    blocks = find_blocks(model)
    sizes = {leaf.name: leaf.nbytes for leaf in blocks[0].leaves}
    integers = [nbytes for name, nbytes in sizes.items() if name.startswith("up.weight:") and nbytes == 4 * 32 * 32]
    assert len(integers) == 1
    before = block_of(model, 0).up(x)
    for leaf in blocks[0].leaves:
        leaf.tensor.data = view_like(piece_of(blocks[0]), leaf)
    assert torch.equal(block_of(model, 0).up(x), before)


def test_blocks_are_alike_by_class_names_shapes_dtypes_and_strides() -> None:
    def kinds(change: Any) -> int:
        model = Model(blocks=2)
        change(block_of(model, 1))
        return len(kinds_of(find_blocks(model)))

    def transpose(block: Any) -> None:
        block.up.weight.data = block.up.weight.data.t().contiguous().t()

    assert kinds(lambda _: None) == 1
    assert kinds(lambda block: block.up.weight.data.fill_(7)) == 1
    assert kinds(lambda block: block.double()) == 2
    assert kinds(lambda block: setattr(block, "more", nn.Parameter(torch.ones(1)))) == 2
    assert kinds(transpose) == 2


def test_the_fingerprint_says_how_bytes_lie_and_nothing_else() -> None:
    reference = fingerprint(find_blocks(Model()))
    assert reference.startswith("sha256:")
    assert len(reference) == 7 + 64
    assert fingerprint(find_blocks(Model())) == reference, "values differ"
    assert fingerprint(find_blocks(Model().to("meta"))) == reference, "the device differs"

    wrapped = nn.Module()
    wrapped.module = Model()
    assert fingerprint(find_blocks(wrapped)) == reference, "the path differs"

    trained = Model()
    trained.requires_grad_(False)
    assert fingerprint(find_blocks(trained)) == reference

    different = [
        Model(width=32),
        Model(blocks=4),
        Model().double(),
        Model(single=mlps(3, Single)),
    ]
    prints = [fingerprint(find_blocks(model)) for model in different]
    assert len({reference, *prints}) == 5


def test_the_order_of_kinds_enters_the_fingerprint() -> None:
    model = Model(blocks=2, single=mlps(2, Single))
    there = fingerprint(find_blocks(model, ["blocks", "single"]))
    assert fingerprint(find_blocks(model, ["single", "blocks"])) != there
