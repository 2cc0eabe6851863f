"""Profiles of running models, on the CPU."""

from __future__ import annotations

import gc
import importlib.util
import json
import logging
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.distributed as dist
import torch.distributed._functional_collectives as funcol
from ranks import run_ranks
from torch import nn
from toy_dit import ToyDit, TwoLists, Waits, toy_inputs

import chunkflow_offload as chunkflow
from chunkflow_offload.collectives import Call
from chunkflow_offload.device_clock import HostClock
from chunkflow_offload.errors import FileError, ModelError, ProfileError
from chunkflow_offload.layout import find_blocks, fingerprint
from chunkflow_offload.pass_medians import measured
from chunkflow_offload.passes import passes_of
from chunkflow_offload.placement import Placement, placed
from chunkflow_offload.profile_file import Collective, Kind, Made, Process, Profile, Run, Step, Window, to_json
from chunkflow_offload.profiling import HOST_STEPS, MOST_STEPS_TO_STEADY, STEADY_STEPS, _host_seconds, _steady, _warm_up
from chunkflow_offload.ranks import merged
from chunkflow_offload.step_recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def profile_of(model: nn.Module, step: Callable[[], Any], tmp_path: Path, **options: Any) -> Profile:
    with torch.no_grad():
        return chunkflow.profile(model, step, path=tmp_path / "p.json", **{"steps": 3, "warmup": 1, **options})


def hooks_of(model: nn.Module) -> int:
    return sum(len(at._forward_hooks) + len(at._forward_pre_hooks) for at in model.modules())


def storages_of(model: nn.Module) -> list[tuple[int, int]]:
    return [(id(at), at.data_ptr()) for at in [*model.parameters(), *model.buffers()]]


def test_one_rank_without_collectives(tmp_path: Path) -> None:
    model, inputs = ToyDit(), toy_inputs()
    before, stored = model(**inputs), storages_of(model)
    found = profile_of(model, lambda: model(**inputs), tmp_path, steps=4)
    assert (found.model_id, found.model_name) == ("toydit", "ToyDit")
    assert found.fingerprint == fingerprint(find_blocks(model))
    assert (found.step.ranks, found.step.passes, found.step.steps_measured) == (1, 1, 4)
    assert [(at.name, at.shape, at.dtype) for at in found.step.inputs] == [
        ("hidden_states", (1, 16, 8), "float32"),
        ("encoder_hidden_states", (1, 6, 32), "float32"),
    ]
    assert found.blocks == (Run("blocks", 0, 3, 0),)
    kind = found.kinds[0]
    assert kind.name == "Block"
    assert kind.weight_bytes == find_blocks(model)[0].nbytes
    assert [at.name for at in kind.tensors][:2] == ["scale_shift", "attn1.to_q.weight"]
    assert (len(kind.windows), kind.collectives) == (1, ())
    assert kind.windows[0].seconds > 0
    assert found.outside_s > 0
    # Embedding, head and the table.
    assert found.outside_bytes == 4 * (8 * 32 + 32 + 32 * 8 + 8 + 32)
    assert (found.made.backend, found.made.driver, found.made.sm_hz) == ("host", None, None)
    assert found.activation_bytes == 0
    assert any("not known on the host" in note for note in found.notes)

    assert torch.equal(model(**inputs), before)
    assert storages_of(model) == stored
    assert hooks_of(model) == 0


def test_the_file_is_the_profile(tmp_path: Path) -> None:
    model, inputs = ToyDit(), toy_inputs()
    found = profile_of(model, lambda: model(**inputs), tmp_path)
    assert found.path == tmp_path / "p.json"
    assert chunkflow.read_profile(tmp_path / "p.json") == found


def test_without_a_path_the_file_is_named_after_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model, inputs = ToyDit(), toy_inputs()
    found = chunkflow.profile(model, lambda: model(**inputs), steps=1, warmup=0, id="toy-0.1")
    assert found.path == Path("toy-0.1.profile.json")
    assert [path.name for path in tmp_path.iterdir()] == ["toy-0.1.profile.json"]


def test_passes_of_guidance_are_counted(tmp_path: Path) -> None:
    model, inputs = ToyDit(), toy_inputs()

    def guided() -> torch.Tensor:
        result: torch.Tensor = model(**inputs) + model(**inputs)
        return result

    assert profile_of(model, guided, tmp_path).step.passes == 2


def test_windows_and_the_time_outside_are_those_of_the_model(tmp_path: Path) -> None:
    model, x = TwoLists(), torch.ones(1, 8)
    found = profile_of(model, lambda: model(x), tmp_path)
    assert found.blocks == (Run("pairs", 0, 2, 0), Run("single", 0, 3, 1))
    assert [kind.name for kind in found.kinds] == ["Waits", "Single"]
    # Sleeping takes at least what it is told, and not much more where the processor is free.
    assert 0.02 <= found.kinds[0].windows[0].seconds < 0.03
    assert 0.005 <= found.kinds[1].windows[0].seconds < 0.012
    assert 0.02 <= found.outside_s < 0.04


def test_lists_are_profiled_in_the_order_given(tmp_path: Path) -> None:
    model, x = TwoLists(), torch.ones(1, 8)
    with pytest.raises(ProfileError, match=r"step 1, pass 1: pairs\.0 ran where single\.0 was due.*containers="):
        profile_of(model, lambda: model(x), tmp_path, containers=["single", "pairs"])
    assert not list(tmp_path.iterdir())


def test_a_skipped_block_is_named(tmp_path: Path) -> None:
    model, inputs = ToyDit(), toy_inputs()
    calls = iter(range(100))

    def caching() -> None:
        # A cache as TeaCache: from the third call on the middle block is left out.
        blocks = list(model.blocks)
        kept = [blocks[0], blocks[2]] if next(calls) > 2 else blocks
        x = model.embed(inputs["hidden_states"])
        for block in kept:
            x = block(x, inputs["encoder_hidden_states"])

    with pytest.raises(ProfileError, match=r"step 3, pass 1: blocks\.1 was skipped \(blocks\.2 ran in its place\)"):
        profile_of(model, caching, tmp_path)


def test_a_step_of_another_model_is_refused(tmp_path: Path) -> None:
    model, inputs = ToyDit(), toy_inputs()
    with pytest.raises(ProfileError, match=r"step 1: ran none of blocks\.0 to blocks\.2"):
        profile_of(ToyDit(), lambda: model(**inputs), tmp_path)


@pytest.mark.parametrize("block_by_block", [False, True])
def test_an_exception_leaves_the_model_as_it_was(tmp_path: Path, block_by_block: bool) -> None:
    model, inputs = ToyDit(), toy_inputs()
    before, stored, reduce = model(**inputs), storages_of(model), dist.all_reduce
    calls = iter(range(100))

    def breaks(*_: Any) -> None:
        if next(calls) == 2:
            raise ZeroDivisionError

    hook = model.get_submodule("blocks.1.attn2").register_forward_hook(breaks)
    with pytest.raises(ZeroDivisionError):
        profile_of(model, lambda: model(**inputs), tmp_path, block_by_block=block_by_block)
    hook.remove()
    assert storages_of(model) == stored
    assert hooks_of(model) == 0
    assert dist.all_reduce is reduce
    assert torch.equal(model(**inputs), before)
    assert not list(tmp_path.iterdir())


def test_block_by_block_only_the_running_block_is_moved(tmp_path: Path) -> None:
    model, inputs = ToyDit(), toy_inputs()
    before, stored = model(**inputs), storages_of(model)
    own = {id(at): at.data_ptr() for at in model.parameters()}
    of_block = [{id(at) for at in block.parameters()} for block in model.blocks]
    moved: list[set[int]] = []
    outputs: list[torch.Tensor] = []

    def look(*_: Any) -> None:
        moved.append({id(at) for at in model.parameters() if at.data_ptr() != own[id(at)]})

    for block in model.blocks:
        block.get_submodule("attn2").register_forward_hook(look)
    found = profile_of(model, lambda: outputs.append(model(**inputs)), tmp_path, block_by_block=True)
    assert moved == of_block * 4
    assert all(torch.equal(output, before) for output in outputs)
    assert storages_of(model) == stored
    whole = profile_of(model, lambda: model(**inputs), tmp_path, block_by_block=False)
    assert [to_json(each)["kinds"][0]["tensors"] for each in (found, whole)] == [
        to_json(whole)["kinds"][0]["tensors"]
    ] * 2
    assert found.outside_bytes == whole.outside_bytes


class SlowPlacement(Placement):
    """Moves weights over a slow link."""

    brings = True

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def enter(self, index: int) -> None:
        time.sleep(self._seconds)


def test_the_time_of_moving_is_in_no_window() -> None:
    model, x = TwoLists(), torch.ones(1, 8)
    blocks, clock = find_blocks(model), HostClock()
    recorder = Recorder(model, blocks, clock, SlowPlacement(0.05))
    with recorder.hooked():
        steps = [passes_of(recorder.run(lambda: model(x)), 1, blocks, clock)]
    found = measured(steps, blocks)
    assert 0.02 <= found.kinds[0].windows[0].seconds < 0.04
    assert 0.005 <= found.kinds[1].windows[0].seconds < 0.025
    assert 0.02 <= found.outside_s < 0.045


class Quantised(torch.Tensor):
    """A wrapper subclass: integers and a scale."""

    qdata: torch.Tensor
    scale: torch.Tensor

    @staticmethod
    def __new__(cls, qdata: torch.Tensor, scale: torch.Tensor) -> Quantised:
        made: Quantised = torch.Tensor._make_wrapper_subclass(cls, qdata.shape, dtype=scale.dtype)
        made.qdata, made.scale = qdata, scale
        return made

    def __tensor_flatten__(self) -> tuple[list[str], None]:
        return ["qdata", "scale"], None

    @staticmethod
    def __tensor_unflatten__(inner: dict[str, torch.Tensor], _context: None, _size: Any, _stride: Any) -> Quantised:
        return Quantised(inner["qdata"], inner["scale"])

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        if func is torch.ops.aten.detach.default:
            return Quantised(args[0].qdata, args[0].scale)
        plain = [at.qdata.to(at.scale.dtype) * at.scale if isinstance(at, Quantised) else at for at in args]
        return func(*plain, **(kwargs or {}))


def test_block_by_block_wrapper_subclasses_are_replaced_and_put_back(tmp_path: Path) -> None:
    model, inputs = ToyDit(), toy_inputs()
    for block in model.blocks:
        linear = block.get_submodule("ffn.0")
        weight = Quantised(torch.randint(-9, 9, (128, 32), dtype=torch.int8), torch.rand(1))
        linear.register_parameter("weight", nn.Parameter(weight, requires_grad=False))
    held: list[Any] = [block.get_parameter("ffn.0.weight") for block in model.blocks]
    before = model(**inputs)
    seen: list[bool] = []

    def look(module: nn.Module, *_: Any) -> None:
        weight: Any = module.weight
        seen.append(any(weight.qdata is at.qdata for at in held))

    for block in model.blocks:
        block.get_submodule("ffn.0").register_forward_pre_hook(look)
    outputs: list[torch.Tensor] = []
    found = profile_of(model, lambda: outputs.append(model(**inputs)), tmp_path, block_by_block=True)
    assert not any(seen)
    assert all(torch.equal(output, before) for output in outputs)
    assert all(
        now is then for now, then in zip((at.get_parameter("ffn.0.weight") for at in model.blocks), held, strict=True)
    )
    sizes = {at.name: (at.nbytes, at.dtype) for at in found.kinds[0].tensors}
    assert sizes["ffn.0.weight:qdata"] == (4096, "int8")
    assert sizes["ffn.0.weight:scale"] == (4, "float32")


@pytest.mark.skipif(importlib.util.find_spec("torchao") is None, reason="torchao is not installed")
def test_block_by_block_torchao_weights(tmp_path: Path) -> None:
    from torchao.quantization import Int8WeightOnlyConfig, quantize_

    model, inputs = ToyDit(), toy_inputs()
    quantize_(model.blocks, Int8WeightOnlyConfig())
    before = model(**inputs)
    outputs: list[torch.Tensor] = []
    found = profile_of(model, lambda: outputs.append(model(**inputs)), tmp_path, block_by_block=True)
    assert all(torch.equal(output, before) for output in outputs)
    assert any(at.dtype == "int8" for at in found.kinds[0].tensors)


def test_shared_parameters_are_outside(tmp_path: Path) -> None:
    model, inputs = ToyDit(), toy_inputs()
    first = model.get_submodule("blocks.0.ffn.0")
    for block in model.blocks:
        block.get_submodule("ffn").register_module("0", first)
    found = profile_of(model, lambda: model(**inputs), tmp_path, block_by_block=True)
    assert not [at for at in found.kinds[0].tensors if at.name.startswith("ffn.0")]
    assert found.outside_bytes == 4 * (8 * 32 + 32 + 32 * 8 + 8 + 32) + 4 * (128 * 32 + 128)


def test_meta_parameters_are_refused(tmp_path: Path) -> None:
    model = ToyDit().to("meta")
    with pytest.raises(ModelError, match=r"embed\.weight: is on the meta device, without values"):
        profile_of(model, lambda: None, tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps: expected an integer of at least 1, got 0"),
        ({"warmup": 1.5}, "warmup: expected an integer of at least 0, got 1.5"),
        ({"id": "Toy DiT"}, "id: expected at most 100 small letters, digits, dots and dashes, got 'Toy DiT'"),
        ({"device": "gpu"}, 'device: expected "cpu", "cuda" or "cuda:N", got \'gpu\''),
        ({"device": "meta"}, 'device: expected "cpu", "cuda" or "cuda:N", got "meta"'),
        ({"device": "cuda:99"}, 'device: "cuda:99" is not here; PyTorch sees '),
    ],
)
def test_wrong_arguments_are_refused(tmp_path: Path, options: Any, message: str) -> None:
    with pytest.raises(ProfileError) as caught:
        profile_of(ToyDit(), lambda: None, tmp_path, **options)
    assert str(caught.value).startswith(message)


def test_a_step_has_to_be_a_function(tmp_path: Path) -> None:
    wrong: Any = torch.ones(1)
    with pytest.raises(ProfileError, match=r"step: expected a function that runs one step of the model, got Tensor"):
        profile_of(ToyDit(), wrong, tmp_path)


def test_a_path_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    model, inputs = ToyDit(), toy_inputs()
    ran: list[bool] = []
    with pytest.raises(ProfileError, match=r"path: .*gone.p\.json: its folder does not exist"):
        profile_of(model, lambda: ran.append(True), tmp_path / "gone")
    assert not ran
    (tmp_path / "p.json").mkdir()
    with pytest.raises(FileError, match=r"p\.json: cannot be written: "):
        profile_of(model, lambda: model(**inputs), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["p.json"]


def steps_that_take(seconds: list[float]) -> tuple[Recorder, Callable[[], None], Iterator[float]]:
    model = TwoLists()
    left = iter(seconds)
    return Recorder(model, find_blocks(model), HostClock(), Placement()), lambda: time.sleep(next(left)), left


def test_warming_up_on_a_gpu_goes_on_until_times_agree() -> None:
    notes: list[str] = []
    recorder, step, left = steps_that_take([0.5, 0.35, 0.25, *[0.2] * 20])
    _warm_up(recorder, step, 2, torch.device("cuda", 0), notes)
    # Three that agree come after three that do not; a busy processor may need some more.
    assert 6 <= 23 - len(list(left)) < 15
    assert notes == []


def test_a_clock_that_is_never_steady_is_said() -> None:
    notes: list[str] = []
    recorder, step, left = steps_that_take([0.001 + 0.002 * (at % 2) for at in range(50)])
    _warm_up(recorder, step, 2, torch.device("cuda", 0), notes)
    assert len(list(left)) == 50 - STEADY_STEPS - MOST_STEPS_TO_STEADY
    assert len(notes) == 1
    assert notes[0].startswith("the clock was not steady: after 33 steps the last 3 took 0.00")


def test_on_the_host_warm_up_is_as_long_as_asked_for() -> None:
    for warmup in (0, 2):
        notes: list[str] = []
        recorder, step, left = steps_that_take([0.001, 0.003, 0.001, 0.003])
        _warm_up(recorder, step, warmup, torch.device("cpu"), notes)
        assert (len(list(left)), notes) == (4 - warmup, [])


def test_steady_is_within_one_percent_over_three_steps() -> None:
    assert _steady([9, 1.0, 1.009, 1.0])
    assert not _steady([1.0, 1.011, 1.0])
    assert not _steady([1.0, 1.0])


@pytest.mark.parametrize("what", ["blocks in place", "blocks", "model in place", "model"])
def test_compiled_models(tmp_path: Path, what: str) -> None:
    plain, inputs = ToyDit(), toy_inputs()
    model: Any = plain
    before = model(**inputs)
    if what == "model":
        model = torch.compile(plain, backend="eager")
    if what == "model in place":
        plain.compile(backend="eager")
    for index, block in enumerate(list(plain.blocks)):
        if what == "blocks in place":
            block.compile(backend="eager")
        if what == "blocks":
            made: Any = torch.compile(block, backend="eager")
            plain.blocks[index] = made
    outputs: list[torch.Tensor] = []
    found = profile_of(model, lambda: outputs.append(model(**inputs)), tmp_path)
    assert (found.model_name, found.kinds[0].name, found.step.passes) == ("ToyDit", "Block", 1)
    # A plan for the compiled model is one for the model.
    assert found.fingerprint == fingerprint(find_blocks(ToyDit()))
    assert found.kinds[0].tensors[1].name == "attn1.to_q.weight"
    assert torch.equal(outputs[-1], before)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_grad_modes_of_the_step(tmp_path: Path, mode: Any) -> None:
    model, inputs = ToyDit(), toy_inputs()

    def step() -> None:
        with mode():
            model(**inputs)

    with mode():
        chunkflow.profile(model, step, path=tmp_path / "p.json", steps=1, block_by_block=True)
    assert not any(at.is_inference() for at in model.parameters())
    assert all(at.requires_grad for at in model.parameters())
    model(**inputs).sum().backward()


def of_two_ranks(rank: int, folder: str, block_by_block: bool) -> tuple[Profile, bool, list[str]]:
    model = ToyDit(group=dist.group.WORLD)
    inputs = toy_inputs()
    inputs["hidden_states"] = inputs["hidden_states"][:, 8 * rank : 8 * (rank + 1)]
    with torch.no_grad():
        before = model(**inputs)
        found = chunkflow.profile(
            model,
            lambda: model(**inputs),
            path=Path(folder, f"rank{rank}.json"),
            steps=3,
            block_by_block=block_by_block,
        )
        return found, torch.equal(model(**inputs), before), sorted(path.name for path in Path(folder).iterdir())


@pytest.mark.parametrize("block_by_block", [False, True])
def test_two_ranks_with_all_to_alls(tmp_path: Path, block_by_block: bool) -> None:
    found = run_ranks(of_two_ranks, str(tmp_path), block_by_block)
    profiles = [each[0] for each in found]
    assert all(each[1] for each in found)
    assert profiles[0].path == tmp_path / "rank0.json"
    assert profiles[1].path is None
    assert [path.name for path in tmp_path.iterdir()] == ["rank0.json"]
    assert profiles[0].step.ranks == 2
    assert profiles[0].kinds == profiles[1].kinds
    kind = profiles[0].kinds[0]
    # q, k, v and the output: 8 tokens of 32 floats each, half of which leave.
    assert [(at.kind, at.sent_bytes, at.buffer_bytes) for at in kind.collectives] == [("all-to-all", 512, 2048)] * 4
    assert len(kind.windows) == 5
    assert all(at.seconds > 0 for at in kind.windows)
    assert all(at.seconds > 0 for at in kind.collectives)
    assert chunkflow.read_profile(tmp_path / "rank0.json") == profiles[0]


def world() -> Any:
    return dist.group.WORLD


class Late(Waits):
    """Its rank 1 comes late to the collective; the all-reduce is waited for by the first use."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        time.sleep(self.seconds * (1 + dist.get_rank()))
        reduced = funcol.all_reduce(self.linear(x), "sum", world())
        result: torch.Tensor = reduced / 2 if self.seconds > 0 else reduced
        return result


class Plain(nn.Module):
    """Nothing but blocks."""

    def __init__(self, *blocks: nn.Module) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            x = block(x)
        return x


def late_rank(rank: int, folder: str) -> Profile:
    torch.manual_seed(0)
    model = Plain(Late(0.01), Late(0.01))
    with torch.no_grad():
        return chunkflow.profile(model, lambda: model(torch.ones(1, 8)), path=Path(folder, "p.json"), steps=3)


def test_windows_are_medians_over_ranks(tmp_path: Path) -> None:
    found = run_ranks(late_rank, str(tmp_path))[0].kinds[0]
    # Ranks work 10 and 20 ms; the first then waits 10 ms in the collective, the second none.
    assert 0.015 <= found.windows[0].seconds < 0.022
    assert 0.004 <= found.collectives[0].seconds < 0.012


def slow_on_one_rank(rank: int) -> list[float]:
    """Seconds of collectives while rank 1's weights come over a slow link."""
    torch.manual_seed(0)
    model = Plain(Late(0.001), Late(0.001))
    blocks, clock = find_blocks(model), HostClock()
    recorder = Recorder(model, blocks, clock, SlowPlacement(0.05 * rank))
    with torch.no_grad(), recorder.hooked():
        # The first step tells that ranks meet.
        steps = [recorder.run(lambda: model(torch.ones(1, 8))) for _ in range(2)]
    visits = passes_of(steps[1], 2, blocks, clock)[0].visits
    return [each.seconds for visit in visits for each in visit.calls]


def test_no_collective_waits_for_a_peer_that_moves_its_weights() -> None:
    of_0, _ = run_ranks(slow_on_one_rank)
    assert len(of_0) == 2
    assert max(of_0) < 0.03


def unsteady_on_one_rank(rank: int) -> int:
    """Steps that a rank makes to warm up; rank 1's times agree from its eighth step on."""
    recorder, _, _ = steps_that_take([])
    recorder.heard = 1
    made: list[float] = []

    def step() -> None:
        seconds = 0.1 + 0.05 * (len(made) % 2) * (rank == 1 and len(made) < 7)
        made.append(seconds)
        time.sleep(seconds)

    _warm_up(recorder, step, 2, torch.device("cuda", 0), [])
    return len(made)


def test_ranks_warm_up_together() -> None:
    of_0, of_1 = run_ranks(unsteady_on_one_rank)
    assert of_0 == of_1
    assert of_0 >= 8


def of_rank(seconds: float, spread: float, sent: int, outside_s: float = 1.0) -> Profile:
    kind = Kind(
        "Block",
        256,
        (),
        (Window(seconds, spread), Window(2 * seconds, 0)),
        (Collective("all-reduce", sent, sent, seconds),),
    )
    made = Made("now", "host", "here", None, None, None, None, "a test", None)
    step = Step(3, 1, 1, ())
    runs = (Run("blocks", 0, 1, 0),)
    return Profile("m", "M", "sha256:", made, step, (kind,), runs, sent, outside_s, sent, (f"sent {sent}",))


def test_ranks_are_merged_to_medians_with_the_largest_spread_and_the_most_bytes() -> None:
    found = merged([of_rank(3, 0.1, 10, 7), of_rank(1, 0.3, 30, 8), of_rank(2, 0.2, 20, 9)])
    assert found.kinds[0].windows == (Window(2, 0.3), Window(4, 0))
    assert found.kinds[0].collectives == (Collective("all-reduce", 30, 30, 2),)
    assert (found.outside_s, found.outside_bytes, found.activation_bytes) == (8, 30, 30)
    assert found.notes == ("sent 10", "sent 30", "sent 20")


def test_the_process_takes_what_the_rank_with_most_does() -> None:
    ranks = [replace(of_rank(1, 0, 10), process=Process(*taken)) for taken in ((5, 70), (6, 60))]
    assert merged(ranks).process == Process(6, 70)
    assert merged([of_rank(1, 0, 10), of_rank(1, 0, 10)]).process is None


def test_the_host_takes_what_the_slowest_rank_does_where_all_know_it() -> None:
    ranks = [of_rank(1, 0, 10), of_rank(1, 0, 10)]
    known = [replace(at, step=replace(at.step, host_s=host_s)) for at, host_s in zip(ranks, (0.2, 0.3), strict=True)]
    assert merged(known).step.host_s == 0.3
    assert merged([known[0], ranks[1]]).step.host_s is None


def test_the_hosts_time_is_known_where_it_is_what_a_step_takes() -> None:
    calls: list[int] = []

    def step() -> None:
        calls.append(1)
        time.sleep(0.01)

    found = _host_seconds(step, HostClock(), 0.005)
    assert found is not None
    assert found >= 0.01
    assert _host_seconds(step, HostClock(), 60.0) is None
    # The other ranks make as many.
    assert len(calls) == 2 * (HOST_STEPS + 1)


def test_ranks_that_differ_are_refused() -> None:
    other = replace(of_rank(1, 0, 10), fingerprint="sha256:1")
    with pytest.raises(ProfileError, match=r"rank 2 has other blocks, passes or collectives than rank 0"):
        merged([of_rank(1, 0, 10), of_rank(1, 0, 10), other])


def unwaited_result(rank: int, folder: str) -> tuple[Profile, bool]:
    """A block returns a result that nobody has waited for."""
    torch.manual_seed(0)
    model = Plain(Late(0), Late(0))
    x = torch.ones(1, 8)
    with torch.no_grad():
        before = model(x) + 0
        found = chunkflow.profile(model, lambda: model(x), path=Path(folder, "p.json"), steps=2)
        return found, torch.equal(model(x) + 0, before)


def test_a_result_that_a_block_returns_is_waited_for_at_its_end(tmp_path: Path) -> None:
    found, same = run_ranks(unwaited_result, str(tmp_path))[0]
    assert same
    assert [at.kind for at in found.kinds[0].collectives] == ["all-reduce"]


class Forgets(Waits):
    """On rank 1 nobody waits within the block."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        work = dist.all_reduce(torch.ones(3), async_op=True)
        assert work is not None
        FORGOTTEN.append(work)
        if dist.get_rank() == 0:
            work.wait()
        return x


FORGOTTEN: list[Any] = []


def fits_on_one_rank(rank: int, folder: str) -> str:
    model = ToyDit(group=dist.group.WORLD)
    inputs = toy_inputs()
    inputs["hidden_states"] = inputs["hidden_states"][:, 8 * rank : 8 * (rank + 1)]
    with torch.no_grad(), pytest.raises(ProfileError) as caught:
        chunkflow.profile(
            model, lambda: model(**inputs), path=Path(folder, f"rank{rank}.json"), block_by_block=rank == 1
        )
    return str(caught.value)


def test_a_model_that_fits_on_some_ranks_alone_is_refused_on_all(tmp_path: Path) -> None:
    for message in run_ranks(fits_on_one_rank, str(tmp_path)):
        assert "not on rank 1's; give block_by_block=True on all of them" in message


def error_on_one_rank(rank: int, folder: str) -> str:
    model = Plain(Forgets(0), Forgets(0))
    try:
        chunkflow.profile(model, lambda: model(torch.ones(1, 8)), path=Path(folder, "p.json"))
    except ProfileError as error:
        for work in FORGOTTEN:
            work.wait()
        return str(error)
    return "no error"


def test_an_error_of_one_rank_is_told_to_all(tmp_path: Path) -> None:
    of_0, of_1 = run_ranks(error_on_one_rank, str(tmp_path))
    assert of_1.startswith("blocks.0 in step 1: nobody waited for its collective 1 of 1 (all-reduce) before it ended")
    assert of_0 == f"rank 1: {of_1}"
    assert not list(tmp_path.iterdir())


def test_calls_without_a_step_are_not_recorded() -> None:
    model, x = TwoLists(), torch.ones(1, 8)
    recorder = Recorder(model, find_blocks(model), HostClock(), Placement())
    with recorder.hooked():
        model(x)
        recorder.begins(Call("all-reduce", 1, 1, 2))
        step = recorder.run(lambda: None)
    assert step.events == []


def test_placing_where_the_model_is_changes_nothing() -> None:
    model = ToyDit()
    stored = storages_of(model)
    with placed(model, find_blocks(model), torch.device("cpu"), None) as placement:
        assert not placement.brings
        assert storages_of(model) == stored
    with placed(model, find_blocks(model), torch.device("cpu"), True) as placement:
        placement.enter(1)
        placement.enter(1)
        assert storages_of(model) != stored
        placement.leave(1)
        placement.leave(1)
        assert storages_of(model) == stored
        placement.enter(2)
    assert storages_of(model) == stored


def test_notes_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model, inputs = ToyDit(), toy_inputs()
    with caplog.at_level(logging.WARNING, "chunkflow_offload"):
        found = profile_of(model, lambda: model(**inputs), tmp_path)
    assert [record.getMessage() for record in caplog.records] == [f"ToyDit: {note}" for note in found.notes]


def test_a_profile_keeps_nothing_of_the_model_alive(tmp_path: Path) -> None:
    model, inputs = ToyDit(), toy_inputs()
    found = profile_of(model, lambda: model(**inputs), tmp_path)
    kept = [at for at in gc.get_referrers(*model.blocks) if isinstance(at, Recorder)]
    assert found is not None
    assert kept == []


def test_the_projects_commands_take_the_file(tmp_path: Path) -> None:
    node, project = shutil.which("node"), Path(__file__).parents[2]
    command = [str(node), "--import", "tsx", "cli/main.ts", "predict"]
    if node is None or not (project / "node_modules" / "tsx").exists():
        pytest.skip("needs node and the project's packages (npm ci)")
    flags = subprocess.run([*command, "--help"], cwd=project, capture_output=True, text=True, check=True).stdout
    if "--profile" not in flags:
        pytest.skip("chunkflow predict has no --profile yet")
    found = run_ranks(of_two_ranks, str(tmp_path), False)[0][0]
    asked = [*command, "--profile", str(found.path), "--machine", "h200-x2", "--json"]
    answer = subprocess.run(asked, cwd=project, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert found.model_id in json.dumps(json.loads(answer.stdout))
