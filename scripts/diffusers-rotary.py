"""Rotary tables of diffusers' own modules, a few rows of each, for test/codegen/rotary.test.ts.

Needs torch and diffusers (made with 0.42.1): python scripts/diffusers-rotary.py > test/codegen/rotary.json

Each case names a model of the catalogue, a size, whose rows they are (x: video or image, t: text), and by row the cosines and
sines of some pairs of elements. `float32Angle` is the largest angle (radians) that diffusers computes in float32 on the way, 0
where it works in float64. LTX-Video's angles go up to 15,708, where float32 is off by 0.004, so its module is run in float64.
"""

import json
import sys
from types import SimpleNamespace

import diffusers
import torch
from diffusers import CogVideoXPipeline, FluxPipeline, LTXConditionPipeline
from diffusers.models.transformers.transformer_cosmos import CosmosRotaryPosEmbed
from diffusers.models.transformers.transformer_flux import FluxPosEmbed
from diffusers.models.transformers.transformer_hunyuan_video import HunyuanVideoRotaryPosEmbed
from diffusers.models.transformers.transformer_hunyuan_video15 import HunyuanVideo15RotaryPosEmbed
from diffusers.models.transformers.transformer_ltx import LTXVideoRotaryPosEmbed
from diffusers.models.transformers.transformer_qwenimage import QwenEmbedRope
from diffusers.models.transformers.transformer_wan import WanRotaryPosEmbed

ROWS = 4
PAIRS = 64


def latent(channels, frames, height, width):
    """A video or image latent whose values nobody reads."""
    return torch.zeros(1, channels, frames, height, width)


def neighbours(cos, sin):
    """[rows, elements], each angle twice in a row: one of the two."""
    return cos.reshape(-1, cos.shape[-1])[:, 0::2], sin.reshape(-1, sin.shape[-1])[:, 0::2]


def halves(cos, sin):
    """[rows, elements], all angles and then all of them again: the first."""
    return cos[:, : cos.shape[-1] // 2], sin[:, : sin.shape[-1] // 2]


def wan(frames, height, width):
    return neighbours(*WanRotaryPosEmbed(128, (1, 2, 2), 1024)(latent(16, frames, height, width)))


def flux(height, width, text):
    ids = FluxPipeline._prepare_latent_image_ids(1, height // 2, width // 2, "cpu", torch.float32)
    both = torch.cat([torch.zeros(text, 3), ids])  # as FluxTransformer2DModel joins them
    cos, sin = neighbours(*FluxPosEmbed(10000, [16, 56, 56])(both))
    return (cos[text:], sin[text:]), (cos[:text], sin[:text])


def qwen(height, width, text):
    embed = QwenEmbedRope(10000, [16, 56, 56], scale_rope=True)
    image, words = embed((1, height // 2, width // 2), device=torch.device("cpu"), max_txt_seq_len=text)
    return (image.real, image.imag), (words.real, words.imag)


def cogvideox(frames, height, width):
    config = SimpleNamespace(
        patch_size=2, patch_size_t=None, sample_width=90, sample_height=60, attention_head_dim=64
    )
    pipeline = SimpleNamespace(vae_scale_factor_spatial=8, transformer=SimpleNamespace(config=config))
    prepare = CogVideoXPipeline._prepare_rotary_positional_embeddings
    return neighbours(*prepare(pipeline, 8 * height, 8 * width, frames, "cpu"))


def cosmos(frames, height, width, scale, fps):
    embed = CosmosRotaryPosEmbed(128, (128, 240, 240), (1, 2, 2), rope_scale=scale)
    return halves(*embed(latent(16, frames, height, width), fps=fps))


def ltx(frames, height, width):
    coordinates = LTXConditionPipeline._prepare_video_ids(1, frames, height, width)
    coordinates = LTXConditionPipeline._scale_video_ids(coordinates).double()
    coordinates[:, 0] = coordinates[:, 0] * (1.0 / 25)
    embed = LTXVideoRotaryPosEmbed(4096)
    rows = torch.zeros(1, frames * height * width, 1)
    single = torch.float32
    torch.float32 = torch.float64  # the type that the module asks for by name
    try:
        return neighbours(*embed(rows, video_coords=coordinates))
    finally:
        torch.float32 = single


def case(model, size, rows, table, float32_angle):
    cos, sin = (part.double() for part in table)
    chosen_rows = sorted({round(i * (len(cos) - 1) / (ROWS - 1)) for i in range(ROWS)} | {min(1, len(cos) - 1)})
    step = max(1, cos.shape[1] // PAIRS)
    # The last ones too: an axis may end within a step.
    pairs = sorted(set(range(0, cos.shape[1], step)) | set(range(cos.shape[1] - 3, cos.shape[1])))
    values = lambda part: [[float(f"{part[row, pair]:.7g}") for pair in pairs] for row in chosen_rows]
    return {
        "model": model,
        "size": size,
        "rows": rows,
        "count": len(cos),
        "width": 2 * cos.shape[1],
        "float32Angle": float32_angle,
        "chosenRows": chosen_rows,
        "pairs": pairs,
        "cosines": values(cos),
        "sines": values(sin),
    }


def cases():
    # Sides are odd and unequal wherever the model takes that: height and width must not be exchanged.
    for model, size, grid in [
        ("wan2.1-t2v-1.3b", "208x112x13", (4, 14, 26)),
        ("wan2.1-t2v-14b", "832x480x81", (21, 60, 104)),
        ("wan2.2-t2v-a14b", "112x208x9", (3, 26, 14)),
        ("wan2.2-ti2v-5b", "224x416x9", (3, 26, 14)),
    ]:
        yield case(model, size, "x", wan(*grid), 0)
    for size, grid in [("208x112", (14, 26)), ("1024x1024", (128, 128))]:
        image, text = flux(*grid, 512)
        yield case("flux.1-dev", size, "x", image, 0)
        yield case("flux.1-dev", size, "t", text, 0)
        image, text = qwen(*grid, 1024)
        yield case("qwen-image-20b", size, "x", image, 64)
        yield case("qwen-image-20b", size, "t", text, 1100)
    for size, grid in [("208x112x13", (4, 14, 26)), ("112x208x5", (2, 26, 14))]:
        table = HunyuanVideoRotaryPosEmbed(2, 1, [16, 56, 56], 256.0)(latent(16, *grid))
        yield case("hunyuanvideo-13b", size, "x", neighbours(*table), max(grid))
    table = HunyuanVideo15RotaryPosEmbed(1, 1, [16, 56, 56], 256.0)(latent(16, 3, 13, 7))
    yield case("hunyuanvideo-1.5", "112x208x9", "x", neighbours(*table), 13)
    for size, grid in [
        ("720x480x49", (13, 60, 90)),
        ("480x720x9", (3, 90, 60)),
        ("304x112x9", (3, 14, 38)),
        ("112x80x5", (2, 10, 14)),
    ]:
        yield case("cogvideox-5b", size, "x", cogvideox(*grid), 60)
    for model, size, grid, scale, fps in [
        ("cosmos-1.0-7b", "208x112x25", (4, 14, 26), (2.0, 1.0, 1.0), 30),
        ("cosmos-predict2-2b", "208x112x13", (4, 14, 26), (1.0, 3.0, 3.0), 16),
        ("cosmos-predict2-14b", "112x208x13", (4, 26, 14), (20 / 24, 2.0, 2.0), 16),
    ]:
        yield case(model, size, "x", cosmos(*grid, scale, fps), max(grid))
    for size, grid in [("416x224x25", (4, 7, 13)), ("1216x704x121", (16, 22, 38))]:
        yield case("ltx-video-13b", size, "x", ltx(*grid), 0)


json.dump({"diffusers": diffusers.__version__, "cases": list(cases())}, sys.stdout, separators=(",", ":"))
sys.stdout.write("\n")
