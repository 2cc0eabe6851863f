"""diffusers' own classes, small, under a plan; skipped where diffusers is not installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from plans import write_plan

import chunkflow_offload as chunkflow

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore")

HEADS: dict[str, Any] = {"num_attention_heads": 4, "attention_head_dim": 64}


def wan(diffusers: Any) -> tuple[Any, dict[str, Any]]:
    settings = {**HEADS, "text_dim": 64, "freq_dim": 64, "ffn_dim": 512, "num_layers": 5, "rope_max_seq_len": 64}
    return diffusers.WanTransformer3DModel(**settings), {
        "hidden_states": torch.randn(1, 16, 2, 8, 8),
        "timestep": torch.tensor([500]),
        "encoder_hidden_states": torch.randn(1, 8, 64),
    }


def flux(diffusers: Any) -> tuple[Any, dict[str, Any]]:
    settings = {**HEADS, "in_channels": 16, "num_layers": 3, "num_single_layers": 4, "joint_attention_dim": 64}
    settings |= {"pooled_projection_dim": 64, "axes_dims_rope": [16, 24, 24], "guidance_embeds": True}
    return diffusers.FluxTransformer2DModel(**settings), {
        "hidden_states": torch.randn(1, 16, 16),
        "encoder_hidden_states": torch.randn(1, 8, 64),
        "pooled_projections": torch.randn(1, 64),
        "timestep": torch.tensor([0.5]),
        "img_ids": torch.zeros(16, 3),
        "txt_ids": torch.zeros(8, 3),
        "guidance": torch.tensor([3.5]),
    }


def hunyuan_video(diffusers: Any) -> tuple[Any, dict[str, Any]]:
    settings = {**HEADS, "num_layers": 3, "num_single_layers": 3, "num_refiner_layers": 1, "text_embed_dim": 64}
    settings |= {"pooled_projection_dim": 64, "rope_axes_dim": (16, 24, 24)}
    return diffusers.HunyuanVideoTransformer3DModel(**settings), {
        "hidden_states": torch.randn(1, 16, 2, 8, 8),
        "timestep": torch.tensor([500]),
        "encoder_hidden_states": torch.randn(1, 8, 64),
        "encoder_attention_mask": torch.ones(1, 8),
        "pooled_projections": torch.randn(1, 64),
        "guidance": torch.tensor([3500.0]),
    }


@pytest.mark.parametrize(("make", "blocks"), [(wan, 5), (flux, 7), (hunyuan_video, 6)])
def test_the_same_bits_from_profile_to_saved_weights(tmp_path: Path, make: Any, blocks: int) -> None:
    model, inputs = make(pytest.importorskip("diffusers"))
    model.eval()

    def step() -> torch.Tensor:
        with torch.no_grad():
            out: torch.Tensor = model(**inputs, return_dict=False)[0]
            return out

    expected = step()
    profile = chunkflow.profile(model, step, path=tmp_path / "profile.json", steps=2)
    plan = write_plan(tmp_path / "plan.json", model)
    with chunkflow.attach(model, plan, device="cpu", check=True) as attached:
        assert attached.facts.fingerprint == profile.fingerprint
        assert all(torch.equal(step(), expected) for _ in range(3))
        counts = attached.counts()
        assert (counts["begins"], counts["restarts"]) == (3 * blocks, 1)
        assert (model.dtype, model.device) == (torch.float32, torch.device("cpu"))
        assert model.to("cpu", torch.float32) is model
        model.save_pretrained(tmp_path / "saved")
    assert torch.equal(step(), expected)
    # Not from_pretrained, which takes another package for models of several dtypes.
    saved = pytest.importorskip("safetensors.torch").load_file(
        tmp_path / "saved" / "diffusion_pytorch_model.safetensors"
    )
    assert all(torch.equal(saved[name], value) for name, value in model.state_dict().items())
