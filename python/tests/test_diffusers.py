"""Diffusers' own classes, tiny: a denoising loop with guidance is profiled, and runs by a plan with the same bits."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import pytest
import torch
from plans import write_plan

import chunkflow_offload as chunkflow

if TYPE_CHECKING:
    from pathlib import Path

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    diffusers: Any = pytest.importorskip("diffusers", minversion="0.42")

STEPS = 3
GUIDANCE = 5.0


def wan() -> Any:
    torch.manual_seed(0)
    return (
        diffusers.WanTransformer3DModel(
            num_attention_heads=2,
            attention_head_dim=16,
            ffn_dim=64,
            text_dim=32,
            num_layers=4,
            in_channels=4,
            out_channels=4,
        )
        .requires_grad_(False)
        .eval()
    )


def denoise(transformer: Any, steps: int = STEPS) -> torch.Tensor:
    """What WanPipeline does between text encoder and VAE: two passes a step, put together by the scheduler."""
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler()
    scheduler.set_timesteps(steps)
    generator = torch.Generator().manual_seed(7)
    latents = torch.randn(1, 4, 2, 8, 8, generator=generator)
    prompt, negative = torch.randn(2, 1, 6, 32, generator=generator)
    for t in scheduler.timesteps:
        cond, uncond = (
            transformer(latents, t[None], encoder_hidden_states=text, return_dict=False)[0]
            for text in (prompt, negative)
        )
        guided = uncond + GUIDANCE * (cond - uncond)
        latents = scheduler.step(guided, t, latents, return_dict=False)[0]
    return latents


def test_a_step_with_guidance_is_two_passes(tmp_path: Path) -> None:
    model = wan()
    with torch.no_grad():
        found = chunkflow.profile(
            model, lambda: denoise(model, 1), path=tmp_path / "wan.profile.json", steps=2, warmup=1
        )
    assert found.step.passes == 2
    assert [(run.container, run.count) for run in found.blocks] == [("blocks", 4)]


@pytest.mark.parametrize("preset", ["yield", "layerwise"])
def test_a_pipeline_with_guidance_runs_by_a_plan(tmp_path: Path, preset: str) -> None:
    model = wan()
    with torch.no_grad():
        expected = denoise(model)
        with chunkflow.attach(model, write_plan(tmp_path / "plan.json", model, preset), device="cpu") as attached:
            assert torch.equal(denoise(model), expected)
            counts = attached.counts()
        assert torch.equal(denoise(model), expected)
    assert counts["begins"] == 2 * STEPS * 4
    assert counts["restarts"] == 1
