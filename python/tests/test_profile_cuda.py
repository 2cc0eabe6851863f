"""Profiles on a GPU; all of this is skipped where there is none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.distributed as dist
from ranks import run_ranks
from torch import nn
from toy_dit import ToyDit, toy_inputs

import chunkflow_offload as chunkflow
from chunkflow_offload.layout import find_blocks

if TYPE_CHECKING:
    from chunkflow_offload.profile_file import Profile

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA device here")

CUDA = torch.device("cuda", 0)


def on_gpu(inputs: dict[str, torch.Tensor], device: Any = CUDA) -> dict[str, torch.Tensor]:
    return {name: value.to(device) for name, value in inputs.items()}


class Spins(nn.Module):
    """A block whose kernel takes a known number of clock cycles."""

    def __init__(self, cycles: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1 << 20))
        self.cycles = cycles

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        torch.cuda._sleep(self.cycles)  # type: ignore[no-untyped-call]
        return x * self.weight[0]


class Spinning(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.slow = nn.ModuleList(Spins(4_000_000) for _ in range(4))
        self.fast = nn.ModuleList(Spins(1_000_000) for _ in range(4))
        for block in self.fast:
            # Otherwise all eight would be of one kind.
            block.more = nn.Parameter(torch.ones(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for blocks in (self.slow, self.fast):
            for block in blocks:
                x = block(x)
        return x


def profile_of(model: nn.Module, step: Any, tmp_path: Path, **options: Any) -> Profile:
    with torch.no_grad():
        return chunkflow.profile(model, step, path=tmp_path / "p.json", device="cuda", **options)


def test_facts_of_the_device(tmp_path: Path) -> None:
    model, inputs = ToyDit().to(CUDA), on_gpu(toy_inputs())
    made = profile_of(model, lambda: model(**inputs), tmp_path).made
    assert (made.backend, made.device, made.cuda) == ("cuda", torch.cuda.get_device_name(CUDA), torch.version.cuda)
    assert re.fullmatch(r"\d+(\.\d+)+", str(made.driver))
    assert made.sm_hz is not None
    assert 1e8 < made.sm_hz < 4e9
    assert chunkflow.read_profile(tmp_path / "p.json").made == made


@pytest.mark.parametrize("block_by_block", [False, True])
def test_windows_are_the_devices_time(tmp_path: Path, block_by_block: bool) -> None:
    model, x = Spinning(), torch.ones(8, device=CUDA)
    found = profile_of(model, lambda: model(x), tmp_path, block_by_block=block_by_block)
    long, short = (kind.windows[0].seconds for kind in found.kinds)
    assert long / short == pytest.approx(4, rel=0.05)
    assert found.made.sm_hz is not None
    assert long == pytest.approx(4_000_000 / found.made.sm_hz, rel=0.3)
    assert all(at.device.type == "cpu" for at in model.parameters())


def test_block_by_block_computes_the_same_in_less_memory(tmp_path: Path) -> None:
    model, inputs = ToyDit(blocks=6, width=1024), on_gpu(toy_inputs(width=1024))
    outputs: list[torch.Tensor] = []

    def step() -> None:
        outputs.append(model(**inputs))

    whole = profile_of(model, step, tmp_path, block_by_block=False)
    resident = outputs[-1]
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(CUDA)
    before = torch.cuda.memory_allocated(CUDA)
    parts = profile_of(model, step, tmp_path, block_by_block=True)
    assert torch.equal(outputs[-1], resident)
    block = find_blocks(model)[0].nbytes
    assert torch.cuda.max_memory_allocated(CUDA) - before < 3 * block
    assert parts.kinds[0].weight_bytes == whole.kinds[0].weight_bytes == block
    assert abs(parts.activation_bytes - whole.activation_bytes) < block
    assert all(at.device.type == "cpu" for at in model.parameters())


def test_a_model_that_fits_is_brought_as_a_whole(tmp_path: Path) -> None:
    model, inputs = ToyDit(), on_gpu(toy_inputs())
    held: list[int] = []

    def look(*_: Any) -> None:
        held.append(sum(1 for at in model.parameters() if at.device == CUDA))

    model.get_submodule("blocks.1").register_forward_hook(look)
    profile_of(model, lambda: model(**inputs), tmp_path)
    assert set(held) == {len(list(model.parameters()))}


def two_gpus(rank: int, folder: str, block_by_block: bool) -> tuple[Profile, bool]:
    device = torch.device("cuda", rank)
    torch.cuda.set_device(device)
    model = ToyDit(width=256, group=dist.group.WORLD)
    inputs = on_gpu(toy_inputs(tokens=512, width=256), device)
    inputs["hidden_states"] = inputs["hidden_states"][:, 256 * rank : 256 * (rank + 1)]
    outputs: list[torch.Tensor] = []
    with torch.no_grad():
        found = chunkflow.profile(
            model,
            lambda: outputs.append(model(**inputs)),
            path=Path(folder, "p.json"),
            device=device,
            block_by_block=block_by_block,
        )
        resident = model.to(device)(**inputs)
    return found, torch.equal(outputs[-1], resident)


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="PyTorch sees fewer than two CUDA devices here")
@pytest.mark.parametrize("block_by_block", [False, True])
def test_two_gpus_over_nccl(tmp_path: Path, block_by_block: bool) -> None:
    (found, same), (other, same_there) = run_ranks(two_gpus, str(tmp_path), block_by_block, backend="nccl")
    assert same
    assert same_there
    assert found.kinds == other.kinds
    assert (found.step.ranks, found.made.nccl is None) == (2, False)
    kind = found.kinds[0]
    assert [(at.kind, at.sent_bytes) for at in kind.collectives] == [("all-to-all", 256 * 256 * 4 // 2)] * 4
    assert all(at.seconds > 0 for at in kind.windows)
