"""Attached models on a GPU; all of this is skipped where there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from plans import write_plan
from ranks import run_ranks
from torch import nn
from toy_models import MODELS, WIDTH, Wan, WanBlock

import chunkflow_offload as chunkflow
from chunkflow_offload.errors import AttachError, NativeError
from chunkflow_offload.layout import find_blocks
from chunkflow_offload.library_cache import library_for

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA device here")

CUDA = torch.device("cuda", 0)


class Stack(nn.Module):
    """Blocks of float32 weights that take inputs on any device."""

    def __init__(self, blocks: int = 6, width: int = WIDTH) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(WanBlock(width) for _ in range(blocks))
        self.shift: torch.Tensor
        self.register_buffer("shift", torch.randn(width))

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        x = x + self.shift
        for block in self.blocks:
            x = block(x, t)
        return x


def inputs(width: int = WIDTH, tokens: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    x, t = torch.randn(1, tokens, width, generator=generator), torch.randn(1, 2, width, generator=generator)
    return x.to(CUDA), t.to(CUDA)


@pytest.mark.parametrize("home", ["cpu", "cuda"])
@pytest.mark.parametrize(
    ("preset", "settings"),
    [
        ("yield", {}),
        ("yield", {"resident": 0.7, "prefetch": 2}),
        ("layerwise", {"prefetch": 2, "resident_blocks": (0,)}),
        ("drain", {"slots": 3}),
        ("yield", {"pace": 20e-6}),
        ("none", {}),
    ],
)
def test_the_same_bits(tmp_path: Path, home: str, preset: str, settings: dict[str, Any]) -> None:
    model = Stack().requires_grad_(False)
    plan = write_plan(tmp_path / "plan.json", model, preset, **settings)
    with torch.no_grad():
        expected = model.to(CUDA)(*inputs())
        model.to(home)
        before = {name: (id(at), at.cpu()) for name, at in model.named_parameters()}
        with chunkflow.attach(model, plan, device=CUDA, check=True) as attached:
            assert {at.device for at in model.parameters()} == {CUDA}
            for _ in range(4):
                assert torch.equal(model(*inputs()), expected)
            assert attached.counts()["restarts"] == 1
        # Without checks nothing waits, so that a copy that comes too early or too late would show.
        with chunkflow.attach(model, plan, device=CUDA):
            results = [model(*inputs()) for _ in range(50)]
            assert all(torch.equal(at, expected) for at in results)
        assert {at.device.type for at in model.parameters()} == {home}
        for name, at in model.named_parameters():
            assert id(at) == before[name][0]
            assert torch.equal(at.cpu(), before[name][1])
        assert torch.equal(model.to(CUDA)(*inputs()), expected)


@pytest.mark.parametrize("name", ["fp8", "int8"])
def test_quantised_weights_stream_as_they_are(tmp_path: Path, name: str) -> None:
    model = MODELS[name]().requires_grad_(False)
    plan = write_plan(tmp_path / "plan.json", model, "yield", slots=3)
    x = torch.randn(1, 8, 16, device=CUDA)
    if name == "int8":
        with pytest.raises(AttachError, match="on cpu says so wherever its bytes are; move the model to cuda:0"):
            chunkflow.attach(model, plan, device=CUDA)
    model.to(CUDA)
    with torch.no_grad():
        expected = model(x)
        with chunkflow.attach(model, plan, check=True):
            assert all(torch.equal(model(x), expected) for _ in range(3))
        assert torch.equal(model(x), expected)


def test_edits_restarts_and_aborted_steps(tmp_path: Path) -> None:
    model = Stack().requires_grad_(False)
    twin = Stack().requires_grad_(False).to(CUDA)
    twin.load_state_dict(model.state_dict())
    plan = write_plan(tmp_path / "plan.json", model, "yield", resident=0.7)
    x, t = inputs()

    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    with torch.no_grad(), chunkflow.attach(model, plan, device=CUDA) as attached:
        for seed in range(10):
            value = torch.randn(WIDTH, WIDTH, generator=torch.Generator().manual_seed(seed)) / 16
            name = f"blocks.{seed % 6}.to_q.weight"
            attached.update(name, value if seed % 2 else value.to(CUDA))
            twin.get_parameter(name).copy_(value)
            assert torch.equal(model(x, t), twin(x, t))
            hook = model.get_submodule(f"blocks.{(seed * 5) % 6}.up").register_forward_pre_hook(fail)
            with pytest.raises(ZeroDivisionError):
                model(x, t)
            hook.remove()
            order = [(seed * at) % 6 for at in range(8)]
            y = z = x
            for index in order:
                y, z = model.blocks[index](y, t), twin.blocks[index](z, t)
            assert torch.equal(y, z), order
        with attached.editing():
            model.get_parameter("blocks.1.up.weight").mul_(2)
        twin.get_parameter("blocks.1.up.weight").mul_(2)
        assert torch.equal(model(x, t), twin(x, t))


def test_a_model_runs_on_another_stream_than_before(tmp_path: Path) -> None:
    model = Stack().requires_grad_(False)
    plan = write_plan(tmp_path / "plan.json", model)
    x, t = inputs()
    with torch.no_grad():
        expected = model.to(CUDA)(x, t)
        with chunkflow.attach(model, plan):
            for _ in range(10):
                stream: Any = torch.cuda.Stream(CUDA)  # type: ignore[no-untyped-call]
                stream.wait_stream(torch.cuda.current_stream(CUDA))
                with torch.cuda.stream(stream):
                    found = model(x, t)
                torch.cuda.current_stream(CUDA).wait_stream(stream)
                assert torch.equal(found, expected)


def test_memory_is_slots_and_residents_and_all_of_it_comes_back(tmp_path: Path) -> None:
    model = Stack(blocks=8, width=2048).requires_grad_(False)
    nbytes = find_blocks(model)[0].nbytes
    plan = write_plan(tmp_path / "plan.json", model, "yield", chunk=16 << 20)
    x, t = inputs(2048)
    with torch.no_grad():
        # cuBLAS and its kernels take memory once, with the first products of this size.
        WanBlock(2048).requires_grad_(False).to(CUDA)(x, t)
        torch.cuda.synchronize(CUDA)
        torch.cuda.empty_cache()
        before = torch.cuda.mem_get_info(CUDA)[0]
        with chunkflow.attach(model, plan, device=CUDA):
            model(x, t)
            torch.cuda.synchronize(CUDA)
            taken = before - torch.cuda.mem_get_info(CUDA)[0]
            assert 2 * nbytes <= taken < 4 * nbytes
        torch.cuda.empty_cache()
        assert before - torch.cuda.mem_get_info(CUDA)[0] < nbytes // 2


def test_hooks_take_little_of_the_hosts_time(tmp_path: Path) -> None:
    model = Stack(blocks=12).requires_grad_(False)
    plan = write_plan(tmp_path / "plan.json", model)
    with torch.inference_mode(), chunkflow.attach(model, plan, device=CUDA) as attached:
        for _ in range(5):
            model(*inputs())
        before = attached.host_seconds()
        for _ in range(50):
            model(*inputs())
        # A guard: experiments/attach measures it.
        assert (attached.host_seconds() - before) / (50 * 12) < 1e-3


def test_a_capture_is_refused(tmp_path: Path) -> None:
    model = Stack().requires_grad_(False)
    x, t = inputs()
    with torch.no_grad(), chunkflow.attach(model, write_plan(tmp_path / "plan.json", model), device=CUDA):
        expected = model(x, t)
        graph = torch.cuda.CUDAGraph()
        with pytest.raises(AttachError, match="while a CUDA graph is captured"), torch.cuda.graph(graph):
            model(x, t)
        assert torch.equal(model(x, t), expected)


def test_a_device_that_is_full_leaves_the_model_as_it_was(tmp_path: Path) -> None:
    model = Wan().requires_grad_(False)
    plan = write_plan(tmp_path / "plan.json", model, "none")
    pointers = [at.data_ptr() for at in model.parameters()]
    free = torch.cuda.mem_get_info(CUDA)[0]
    filler = torch.empty(free - (4 << 20), dtype=torch.uint8, device=CUDA)
    with pytest.raises(NativeError):
        chunkflow.attach(model, plan, device=CUDA)
    assert [at.data_ptr() for at in model.parameters()] == pointers
    del filler
    torch.cuda.empty_cache()


NO_OTHER_DEVICE = """
import ctypes, sys
import torch
import chunkflow_offload as chunkflow
from test_attach_cuda import Stack

device = torch.device("cuda", 1)
torch.cuda.set_device(device)
model = Stack().requires_grad_(False)
x, t = torch.randn(1, 64, 256, device=device), torch.randn(1, 2, 256, device=device)
with torch.no_grad(), chunkflow.attach(model, sys.argv[1], device=device):
    model(x, t)
flags, is_active = ctypes.c_uint(), ctypes.c_int()
assert ctypes.CDLL("libcuda.so.1").cuDevicePrimaryCtxGetState(0, ctypes.byref(flags), ctypes.byref(is_active)) == 0
print("device 0 is", "in use" if is_active.value else "free")
"""


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason=f"two GPUs are needed, {torch.cuda.device_count()} are here")
def test_a_rank_takes_nothing_of_another_ranks_device(tmp_path: Path) -> None:
    plan = write_plan(tmp_path / "plan.json", Stack())
    done = subprocess.run(
        [sys.executable, "-c", NO_OTHER_DEVICE, str(plan)],
        cwd=Path(__file__).parent,
        env={**os.environ, "PYTHONPATH": f"{Path(__file__).parent.parent}:{Path(__file__).parent}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "device 0 is free" in done.stdout


def share(rank: int, plan: Path) -> bool:
    torch.manual_seed(0)
    device = torch.device("cuda", rank)
    torch.cuda.set_device(device)
    model = Stack().requires_grad_(False).to(device)
    x, t = (at.to(device) for at in inputs())
    with torch.no_grad():
        expected = model(x, t)
        with chunkflow.attach(model, plan, device=device, shared_host_copy=True, check=True):
            return all(torch.equal(model(x, t), expected) for _ in range(4))


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason=f"two GPUs are needed, {torch.cuda.device_count()} are here")
def test_two_gpus_share_one_host_copy(tmp_path: Path) -> None:
    plan = write_plan(tmp_path / "plan.json", Stack(), resident=0.3)
    library_for(plan, "cuda")
    assert run_ranks(share, plan, backend="nccl") == [True, True]
