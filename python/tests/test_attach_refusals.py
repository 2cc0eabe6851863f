"""What an attached model cannot do is refused with the reason, and the model goes on as before."""

from __future__ import annotations

import copy
import gc
import io
import pickle
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from plans import write_plan
from torch import nn
from toy_models import MODELS, Wan, inputs, quantised

import chunkflow_offload as chunkflow
from chunkflow_offload.errors import AttachError, ModelError, NativeError
from chunkflow_offload.layout import find_blocks
from chunkflow_offload.suitable import refuse_unsuitable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def model() -> Wan:
    return Wan().requires_grad_(False)


@pytest.fixture
def plan(tmp_path: Path, model: Wan) -> Path:
    return write_plan(tmp_path / "plan.json", model)


@pytest.fixture
def attached(model: Wan, plan: Path) -> Iterator[chunkflow.Attached]:
    with torch.no_grad(), chunkflow.attach(model, plan, device="cpu", check=True) as attached:
        yield attached


class FailedError(Exception):
    pass


def fail_in(module: nn.Module, error: BaseException) -> Any:
    def hook(*_: Any) -> None:
        raise error

    return module.register_forward_pre_hook(hook)


# Attaching


@pytest.mark.usefixtures("attached")
def test_a_plan_is_attached_once(model: Wan, plan: Path) -> None:
    with pytest.raises(AttachError, match=r"blocks\.0: a plan is attached already; detach\(\) that first"):
        chunkflow.attach(model, plan, device="cpu")

    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.transformer = model

    with pytest.raises(AttachError, match="attached already"):
        chunkflow.attach(Outer(), plan, device="cpu")
    model(inputs())


def test_a_device_that_is_none_of_ours_is_refused(model: Wan, plan: Path) -> None:
    with pytest.raises(AttachError, match="expected a CUDA device or the CPU, got mps"):
        chunkflow.attach(model, plan, device="mps")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_device_that_is_not_there_is_refused(model: Wan, plan: Path) -> None:
    with pytest.raises(AttachError, match="device: cuda is not there: PyTorch sees no CUDA device"):
        chunkflow.attach(model, plan, device="cuda")


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_of_nothing_is_refused(model: Wan, plan: Path, limit: int) -> None:
    with pytest.raises(AttachError, match=f"pinned_limit: expected bytes, at least 1, got {limit}"):
        chunkflow.attach(model, plan, device="cpu", pinned_limit=limit)


def test_too_little_pinned_memory_leaves_the_model_as_it_was(model: Wan, plan: Path) -> None:
    expected = model(inputs())
    pointers = [at.data_ptr() for at in model.parameters()]
    with pytest.raises(NativeError, match=r"15\d+ bytes of pinned host memory, 1048576 are allowed"):
        chunkflow.attach(model, plan, device="cpu", pinned_limit=1 << 20)
    assert [at.data_ptr() for at in model.parameters()] == pointers
    assert torch.equal(model(inputs()), expected)
    with chunkflow.attach(model, plan, device="cpu", pinned_limit=1 << 30):
        assert torch.equal(model(inputs()), expected)


OUT_OF_MEMORY = """
import resource, sys, torch
sys.path[:0] = sys.argv[2:]
from toy_models import Wan, inputs
import chunkflow_offload as chunkflow
from chunkflow_offload.library_cache import library_for
model = Wan(width=1024).requires_grad_(False)
expected = model(inputs())
library_for(sys.argv[1], "host")
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (128 << 20), resource.RLIM_INFINITY))
try:
    chunkflow.attach(model, sys.argv[1], device="cpu")
except Exception as error:
    print(type(error).__name__, error)
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert torch.equal(model(inputs()), expected)
with chunkflow.attach(model, sys.argv[1], device="cpu"):
    assert torch.equal(model(inputs()), expected)
print("right afterwards")
"""


def test_no_memory_at_all_leaves_the_model_as_it_was(tmp_path: Path) -> None:
    plan = write_plan(tmp_path / "plan.json", Wan(width=1024))
    tests = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", OUT_OF_MEMORY, plan, tests.parent, tests],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].startswith("NativeError ")
    assert done.stdout.splitlines()[-1] == "right afterwards"


def test_a_model_without_values_is_refused(plan: Path) -> None:
    with torch.device("meta"):
        empty = Wan()
    with pytest.raises(AttachError, match=r"blocks\.0\.scale_shift_table: has no values \(meta device\)"):
        chunkflow.attach(empty, plan, device="cpu")


def test_managed_weights_are_refused(model: Wan, plan: Path) -> None:
    class FSDPModule:
        pass

    sharded: Any = model
    sharded.__class__ = type("ShardedWan", (Wan, FSDPModule), {})
    with pytest.raises(AttachError, match="Wan: is sharded by FSDP"):
        chunkflow.attach(model, plan, device="cpu")
    sharded.__class__ = Wan
    block: Any = model.blocks[1]
    block._hf_hook = type("AlignDevicesHook", (), {"offload": True})()
    with pytest.raises(AttachError, match=r"blocks\.1: accelerate offloads its weights"):
        chunkflow.attach(model, plan, device="cpu")
    del block._hf_hook
    block._diffusers_hook = type("HookRegistry", (), {"hooks": {"group_offloading": object()}})()
    with pytest.raises(AttachError, match=r"blocks\.1: diffusers' group offloading moves its weights"):
        chunkflow.attach(model, plan, device="cpu")


def test_a_distributed_tensor_is_refused(model: Wan, plan: Path) -> None:
    from torch.distributed.device_mesh import DeviceMesh
    from torch.distributed.tensor import distribute_tensor

    store: Any = torch.distributed.HashStore()  # type: ignore[attr-defined]
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        mesh = DeviceMesh("cpu", [0])
        model.head.weight = nn.Parameter(distribute_tensor(model.head.weight, mesh), requires_grad=False)
        with pytest.raises(AttachError, match=r"head\.weight: is a DTensor"):
            chunkflow.attach(model, plan, device="cpu")
    finally:
        torch.distributed.destroy_process_group()


def test_blocks_that_are_not_there_are_named(plan: Path) -> None:
    with pytest.raises(ModelError, match="Linear"):
        chunkflow.attach(nn.Linear(2, 2), plan, device="cpu")


# Steps that go wrong


@pytest.mark.parametrize(
    "error", [FailedError(), KeyboardInterrupt(), SystemExit()], ids=lambda error: type(error).__name__
)
@pytest.mark.parametrize(("where", "restarts"), [("1.to_q", 3), ("3.down", 3), ("4", 1)])
def test_an_exception_in_a_step_comes_through_and_the_next_step_is_right(
    model: Wan, attached: chunkflow.Attached, where: str, restarts: int, error: BaseException
) -> None:
    expected = model(inputs())
    for _ in range(2):
        hook = fail_in(model.blocks.get_submodule(where), error)
        with pytest.raises(type(error)):
            model(inputs())
        hook.remove()
        assert torch.equal(model(inputs()), expected)
    assert attached.counts()["restarts"] == restarts


@pytest.mark.parametrize("error", [FailedError(), KeyboardInterrupt()], ids=lambda error: type(error).__name__)
def test_an_exception_leaves_the_context_with_the_model_as_it_was(model: Wan, plan: Path, error: BaseException) -> None:
    expected = model(inputs())
    hook = fail_in(model.blocks.get_submodule("2.up"), error)
    with pytest.raises(type(error)), torch.no_grad(), chunkflow.attach(model, plan, device="cpu"):
        model(inputs())
    hook.remove()
    assert torch.equal(model(inputs()), expected)


def test_detached_twice_and_used_afterwards(model: Wan, plan: Path) -> None:
    attached = chunkflow.attach(model, plan, device="cpu")
    attached.detach()
    attached.detach()
    uses: list[Callable[[], Any]] = [
        attached.counts,
        attached.report,
        attached.host_seconds,
        lambda: attached.update("x", torch.zeros(1)),
        lambda: attached.editing().__enter__(),
        attached.__enter__,
        lambda: attached.facts,
    ]
    for use in uses:
        with pytest.raises(AttachError, match="the plan was detached; attach it anew"):
            use()


# Gradients


@pytest.mark.usefixtures("attached")
def test_gradients_are_refused(model: Wan) -> None:
    expected = model(inputs())
    with torch.enable_grad():
        assert torch.equal(model(inputs()), expected)
        with pytest.raises(AttachError, match=r"blocks\.0: called with gradients enabled.*torch\.no_grad\(\)"):
            model(inputs().requires_grad_())
        model.blocks.requires_grad_(True)
        with pytest.raises(AttachError, match=r"blocks\.0: called with gradients enabled"):
            model(inputs())
        model.blocks.requires_grad_(False)
        model.blocks[1].bias_of_an_adapter = nn.Parameter(torch.ones(256))
        hook = model.blocks.get_submodule("1.to_q").register_forward_hook(
            lambda *at: at[2] + model.blocks[1].bias_of_an_adapter
        )
        with pytest.raises(AttachError, match=r"blocks\.1: its output requires gradients"):
            model(inputs())
        with pytest.raises(AttachError, match="gradients"):
            torch.utils.checkpoint.checkpoint(model, inputs().requires_grad_(), use_reentrant=False)
        hook.remove()
    assert torch.equal(model(inputs()), expected)


# Conversions and copies


@pytest.mark.parametrize(
    "convert",
    [
        lambda model: model.half(),
        lambda model: model.to(torch.bfloat16),
        lambda model: model.blocks.double(),
        lambda model: model.blocks[2].to(torch.float16),
        lambda model: model.to("meta"),
    ],
)
@pytest.mark.usefixtures("attached")
def test_conversions_are_refused_before_they_change_anything(model: Wan, convert: Callable[[nn.Module], Any]) -> None:
    expected = model(inputs())
    with pytest.raises(
        AttachError, match=r"a plan is attached, so its streamed weights stay torch\.float32 on cpu, not"
    ):
        convert(model)
    assert {at.dtype for at in model.parameters()} == {torch.float32}
    assert torch.equal(model(inputs()), expected)


@pytest.mark.parametrize("name", ["wan", "int8"])
def test_conversions_that_change_no_streamed_weight_go_on(tmp_path: Path, name: str) -> None:
    model = MODELS[name]().requires_grad_(False)
    settings: dict[str, Any] = {"wan": {}, "int8": {"preset": "drain", "chunk": None}}[name]
    with torch.no_grad():
        expected = model(inputs())
        objects = {key: id(at) for key, at in model.named_parameters()}
        with chunkflow.attach(model, write_plan(tmp_path / "plan.json", model, **settings), device="cpu", check=True):
            assert model.to("cpu") is model
            assert model.float() is model
            model.blocks.cpu()
            assert torch.equal(model(inputs()), expected)
            assert {key: id(at) for key, at in model.named_parameters()} == objects


@pytest.mark.parametrize(
    "take",
    [
        copy.deepcopy,
        pickle.dumps,
        lambda model: copy.deepcopy(model.blocks),
        lambda model: pickle.dumps({"model": model}),
        lambda model: torch.save(model, io.BytesIO()),
    ],
)
@pytest.mark.usefixtures("attached")
def test_copies_are_refused(model: Wan, take: Callable[[nn.Module], Any]) -> None:
    expected = model(inputs())
    with pytest.raises(AttachError, match=r"a plan is attached, so it cannot be copied or pickled; detach\(\) first"):
        take(model)
    assert torch.equal(model(inputs()), expected)


def test_the_attached_plan_itself_is_not_pickled(attached: chunkflow.Attached) -> None:
    with pytest.raises(AttachError, match="cannot be copied or pickled"):
        pickle.dumps(attached)


def test_a_detached_model_is_copied_again(model: Wan, plan: Path) -> None:
    with chunkflow.attach(model, plan, device="cpu"):
        pass
    twin = copy.deepcopy(model)
    assert torch.equal(twin(inputs()), model(inputs()))
    assert len(pickle.dumps(model)) > 1 << 20


# Threads


def in_thread(work: Callable[[], Any]) -> Any:
    result: list[Any] = []

    def run() -> None:
        try:
            result.append(work())
        except BaseException as error:
            result.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    return result[0]


@pytest.mark.usefixtures("attached")
def test_another_thread_may_call_and_edit(model: Wan, attached: chunkflow.Attached) -> None:
    expected = model(inputs())

    def call() -> torch.Tensor:
        with torch.no_grad():
            out: torch.Tensor = model(inputs())
            return out

    assert torch.equal(in_thread(call), expected)
    assert torch.equal(model(inputs()), expected)
    in_thread(lambda: attached.update("blocks.0.to_q.bias", torch.zeros(256)))
    assert not torch.equal(model(inputs()), expected)
    assert torch.equal(in_thread(call), model(inputs()))


@pytest.mark.usefixtures("attached")
def test_two_threads_at_once_are_refused(model: Wan, attached: chunkflow.Attached) -> None:
    expected = model(inputs())
    found: list[Any] = []

    def meanwhile(*_: Any) -> None:
        def call() -> None:
            with torch.no_grad():
                model(inputs())

        uses: list[Callable[[], Any]] = [
            call,
            attached.detach,
            model.state_dict,
            lambda: attached.editing().__enter__(),
        ]
        found.extend(in_thread(use) for use in uses)

    hook = model.blocks.get_submodule("2.up").register_forward_hook(meanwhile)
    assert torch.equal(model(inputs()), expected)
    hook.remove()
    assert [type(error) for error in found] == [AttachError] * 4
    assert "blocks.0: called while blocks.2 runs in another thread" in str(found[0])
    assert "detach(): blocks.2 runs in another thread; wait" in str(found[1])
    assert torch.equal(model(inputs()), expected)


@pytest.mark.usefixtures("attached")
def test_a_call_that_was_interrupted_in_one_thread_keeps_no_other_out(model: Wan, attached: chunkflow.Attached) -> None:
    expected = model(inputs())
    hook = fail_in(model.blocks.get_submodule("2.up"), KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        model(inputs())
    hook.remove()

    def call() -> torch.Tensor:
        with torch.no_grad():
            out: torch.Tensor = model(inputs())
            return out

    assert torch.equal(in_thread(call), expected)
    assert in_thread(attached.counts)["begins"] == 5 + 3 + 5


@pytest.mark.usefixtures("attached")
def test_weights_that_are_assigned_behind_an_interrupted_call_are_noticed(model: Wan) -> None:
    expected = model(inputs())
    hook = fail_in(model.blocks.get_submodule("2.up"), KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        model(inputs())
    hook.remove()
    model.get_parameter("blocks.2.to_q.weight").data = torch.zeros(256, 256)
    with pytest.raises(
        AttachError, match=r"blocks\.2: a streamed parameter was changed .* after an exception had left"
    ):
        model(inputs())
    assert torch.equal(model(inputs()), expected)


# Memory


@pytest.mark.parametrize("attached_first", [True, False])
def test_a_model_that_is_dropped_frees_its_weights_at_once(plan: Path, attached_first: bool) -> None:
    model = Wan().requires_grad_(False)
    attached = chunkflow.attach(model, plan, device="cpu")
    with torch.no_grad():
        model(inputs())
    driver = attached._driver
    assert driver is not None
    gone: list[Any] = [weakref.ref(model), weakref.ref(driver), weakref.ref(driver.handle)]
    del driver
    gc.collect()
    gc.disable()
    try:
        if attached_first:
            del attached, model
        else:
            del model, attached
        left = [at() for at in gone]
        assert left == [None] * 3
    finally:
        gc.enable()


def test_a_plan_stays_attached_without_its_handle(plan: Path) -> None:
    model = Wan().requires_grad_(False)
    expected = model(inputs())
    chunkflow.attach(model, plan, device="cpu", check=True)
    gc.collect()
    with torch.no_grad():
        assert torch.equal(model(inputs()), expected)


def test_detaching_frees_the_host_copy(plan: Path) -> None:
    model = Wan().requires_grad_(False)
    attached = chunkflow.attach(model, plan, device="cpu")
    model(inputs())
    assert attached._driver is not None
    handle = weakref.ref(attached._driver.handle)
    gc.disable()
    try:
        attached.detach()
        assert handle() is None
    finally:
        gc.enable()


def test_a_view_that_somebody_kept_outlives_the_plan(plan: Path) -> None:
    model = Wan().requires_grad_(False)
    kept: list[torch.Tensor] = []
    hook = model.blocks.get_submodule("1.to_q").register_forward_hook(lambda *at: kept.append(at[0].weight.detach()))
    with chunkflow.attach(model, plan, device="cpu"):
        model(inputs())
    hook.remove()
    assert kept[0].sum().isfinite()


def test_a_wrapper_on_another_device_is_refused(plan: Path) -> None:
    model = quantised("int8")
    with pytest.raises(AttachError, match=r"blocks\.0\.up\.weight: a Int8Weight on cpu says so wherever its bytes are"):
        # Whatever the machine has: the check comes before anything is asked of the device.
        refuse_unsuitable(model, find_blocks(model), torch.device("cuda", 0))
