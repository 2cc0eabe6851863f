#!/usr/bin/env python3
"""Reference outputs of diffusers' own transformer blocks, for test/codegen/diffusers.test.ts.

    python scripts/diffusers-reference.py            # all families
    python scripts/diffusers-reference.py wan flux.1 # some of them

Builds a tiny model of each family with diffusers' own model class, fills its blocks' parameters and inputs with values that
test/codegen/referenceValues.ts makes as well (a hash of the tensor's name and the place in it), runs the blocks on the CPU in
float32 and in bfloat16, and writes test/codegen/references/FAMILY.json: the dimensions, the outputs in float32, the error of
diffusers' own bfloat16, and the versions that made them. Needs torch, diffusers and numpy; no weights are downloaded.
"""
import base64
import json
import math
import pathlib
import sys

import diffusers
import numpy as np
import torch

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "test" / "codegen" / "references"
HEADS, HEAD_DIM, TEXT_ROWS = 3, 16, 6
HIDDEN = HEADS * HEAD_DIM


# --- values by name and place; the same in test/codegen/referenceValues.ts

def hash_of(name):
    """FNV-1a of the name, 64 bits."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def mixed(x):
    """SplitMix64's finaliser, as runtime/base/random.hpp has it."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def uniform(name, count):
    """Values of mean 0 and variance 1 in float32, as valueAt in runtime/base/random.hpp makes them from the seed hash_of(name)."""
    with np.errstate(over="ignore"):
        index = np.arange(count, dtype=np.uint64)
        word = mixed(np.uint64(hash_of(name)) ^ mixed(index >> np.uint64(2)))
        bits = (word >> (np.uint64(16) * (index & np.uint64(3)))) & np.uint64(0xFFFF)
    return (bits.astype(np.int64) - 32768).astype(np.float32) * np.float32(np.float32(1.7320508) / np.float32(32768))


def rounded(values):
    """To the nearest bfloat16, kept as float32."""
    return torch.from_numpy(values).to(torch.bfloat16).to(torch.float32)


def parameter(name, shape):
    values = uniform(name, math.prod(shape))
    if name.endswith(".weight") and len(shape) == 2:
        values = values * np.float32(1 / math.sqrt(shape[1]))
    elif name.endswith(".weight"):
        values = values * np.float32(0.3) + np.float32(1)
    else:
        values = values * np.float32(0.3)
    return rounded(values).reshape(shape)


def constant(name, *shape):
    return rounded(uniform(f"input {name}", math.prod(shape))).reshape(shape)


def angles(name, rows, width):
    """Angles of a rotary table [rows, width]: width / 2 of them in each row."""
    return torch.from_numpy(uniform(f"input {name}", rows * width // 2) * np.float32(math.pi)).reshape(rows, width // 2)


def neighbours(angle):
    """Cosines and sines for pairs (2i, 2i + 1)."""
    return angle.cos().repeat_interleave(2, dim=-1), angle.sin().repeat_interleave(2, dim=-1)


def halves(angle):
    """Cosines and sines for pairs (i, i + half)."""
    return torch.cat([angle.cos()] * 2, dim=-1), torch.cat([angle.sin()] * 2, dim=-1)


# --- families: the catalogue's models, its dimensions made small, and how diffusers runs the blocks

class Family:
    """A tiny model: `models` of the catalogue have these blocks, `dimensions` and `counts` override theirs."""

    def __init__(self, models, size, tokens, make, run, dimensions=None, counts=None, streams=("image",)):
        self.models, self.size, self.tokens, self.make, self.run = models, size, tokens, make, run
        self.dimensions = {"heads": HEADS, "headDim": HEAD_DIM, "textWidth": 40, "frequencies": 32} | (dimensions or {})
        self.counts = counts or {"block": 2}
        self.streams = streams


VIDEO = {"size": "64x64x5", "tokens": 32}
IMAGE = {"size": "64x64", "tokens": 16}
HEADS_OF = {"num_attention_heads": HEADS, "attention_head_dim": HEAD_DIM}


def run_wan(model, x, t, give):
    context, timestep = give(constant("context", TEXT_ROWS, HIDDEN)), give(constant("timestep", 6, HIDDEN))
    cos, sin = (each[None, :, None, :] for each in neighbours(angles("rotary", x.shape[1], HEAD_DIM)))
    for block in model.blocks:
        x = block(x, context, timestep, (cos, sin))
    return x, None


def run_flux(model, x, t, give):
    condition = give(constant("condition", HIDDEN))
    angle = torch.cat([angles("rotary text", t.shape[1], HEAD_DIM), angles("rotary", x.shape[1], HEAD_DIM)])
    for block in [*model.transformer_blocks, *model.single_transformer_blocks]:
        t, x = block(hidden_states=x, encoder_hidden_states=t, temb=condition, image_rotary_emb=neighbours(angle))
    return x, t


def run_hunyuan(model, x, t, give):
    condition = give(constant("condition", HIDDEN))
    turns = neighbours(angles("rotary", x.shape[1], HEAD_DIM))
    for block in [*model.transformer_blocks, *model.single_transformer_blocks]:
        x, t = block(x, t, condition, None, turns)
    return x, t


def run_hunyuan15(model, x, t, give):
    condition = give(constant("condition", HIDDEN))
    turns = neighbours(angles("rotary", x.shape[1], HEAD_DIM))
    for block in model.transformer_blocks:
        x, t = block(x, t, condition, torch.ones(1, t.shape[1], dtype=torch.bool), turns)
    return x, t


def run_qwen(model, x, t, give):
    condition = give(constant("condition", HIDDEN))
    turns = [torch.polar(torch.ones_like(a), a) for a in
             (angles("rotary", x.shape[1], HEAD_DIM), angles("rotary text", t.shape[1], HEAD_DIM))]
    for block in model.transformer_blocks:
        t, x = block(hidden_states=x, encoder_hidden_states=t, encoder_hidden_states_mask=None, temb=condition,
                     image_rotary_emb=turns)
    return x, t


def run_sd3(model, x, t, give):
    condition = give(constant("condition", HIDDEN))
    for block in model.transformer_blocks:
        more, x = block(hidden_states=x, encoder_hidden_states=t, temb=condition)
        # The last block gives no text: its rows stay as they are.
        t = t if more is None else more
    return x, t


def run_pixart(model, x, t, give):
    context, timestep = give(constant("context", TEXT_ROWS, HIDDEN)), give(constant("timestep", 6 * HIDDEN))
    for block in model.transformer_blocks:
        x = block(x, encoder_hidden_states=context, timestep=timestep)
    return x, None


def run_ltx(model, x, t, give):
    context = give(constant("context", TEXT_ROWS, HIDDEN))
    timestep = give(constant("timestep", 1, 6 * HIDDEN))
    cos, sin = (each[None] for each in neighbours(angles("rotary", x.shape[1], HIDDEN)))
    for block in model.transformer_blocks:
        x = block(hidden_states=x, encoder_hidden_states=context, temb=timestep, image_rotary_emb=(cos, sin))
    return x, None


def run_cogvideox(model, x, t, give):
    condition = give(constant("condition", 24))
    turns = neighbours(angles("rotary", x.shape[1], HEAD_DIM))
    for block in model.transformer_blocks:
        x, t = block(hidden_states=x, encoder_hidden_states=t, temb=condition, image_rotary_emb=turns)
    return x, t


def run_cosmos(model, x, t, give):
    context = give(constant("context", TEXT_ROWS, 40))
    condition, timestep = give(constant("condition", HIDDEN)), give(constant("timestep", 3 * HIDDEN))
    positions = give(constant("positions", x.shape[1], HIDDEN)) if model.learnable_pos_embed is not None else None
    turns = halves(angles("rotary", x.shape[1], HEAD_DIM))
    for block in model.transformer_blocks:
        x = block(x, context, condition, timestep, turns, positions)
    return x, None


def cosmos(extra):
    return lambda: diffusers.CosmosTransformer3DModel(
        **HEADS_OF, num_layers=2, text_embed_dim=40, adaln_lora_dim=20, extra_pos_embed_type=extra, max_size=(8, 16, 16))


FAMILIES = {
    "wan": Family(
        ["wan2.1-t2v-1.3b", "wan2.1-t2v-14b", "wan2.2-t2v-a14b", "wan2.2-ti2v-5b"], **VIDEO,
        make=lambda: diffusers.WanTransformer3DModel(**HEADS_OF, text_dim=40, freq_dim=32, ffn_dim=112, num_layers=2),
        run=run_wan, dimensions={"f": 112}, streams=("video",)),
    "flux.1": Family(
        ["flux.1-dev"], **IMAGE,
        make=lambda: diffusers.FluxTransformer2DModel(
            **HEADS_OF, num_layers=2, num_single_layers=2, joint_attention_dim=40, pooled_projection_dim=24,
            axes_dims_rope=(4, 6, 6)),
        run=run_flux, dimensions={"pooledWidth": 24}, counts={"dual": 2, "single": 2}, streams=("image", "text")),
    "hunyuanvideo": Family(
        ["hunyuanvideo-13b"], **VIDEO,
        make=lambda: diffusers.HunyuanVideoTransformer3DModel(
            **HEADS_OF, num_layers=2, num_single_layers=2, num_refiner_layers=1, text_embed_dim=40,
            pooled_projection_dim=24, rope_axes_dim=(4, 6, 6)),
        run=run_hunyuan, dimensions={"pooledWidth": 24}, counts={"dual": 2, "single": 2}, streams=("video", "text")),
    "hunyuanvideo-1.5": Family(
        ["hunyuanvideo-1.5"], "64x64x5", 32,
        make=lambda: diffusers.HunyuanVideo15Transformer3DModel(
            **HEADS_OF, num_layers=2, num_refiner_layers=1, text_embed_dim=40, text_embed_2_dim=24, image_embed_dim=24,
            rope_axes_dim=(4, 6, 6)),
        run=run_hunyuan15, dimensions={"glyphWidth": 24, "imageWidth": 24}, counts={"dual": 2},
        streams=("video", "text")),
    "qwen-image": Family(
        ["qwen-image-20b"], **IMAGE,
        make=lambda: diffusers.QwenImageTransformer2DModel(
            **HEADS_OF, num_layers=2, joint_attention_dim=40, axes_dims_rope=(4, 6, 6)),
        run=run_qwen, counts={"dual": 2}, streams=("image", "text")),
    "sd3.5": Family(
        ["sd3.5-large"], **IMAGE,
        make=lambda: diffusers.SD3Transformer2DModel(
            **HEADS_OF, num_layers=3, joint_attention_dim=40, caption_projection_dim=HIDDEN, pooled_projection_dim=24,
            qk_norm="rms_norm", sample_size=8, pos_embed_max_size=8),
        run=run_sd3, dimensions={"pooledWidth": 24}, counts={"dual": 2, "dual, last": 1}, streams=("image", "text")),
    "pixart": Family(
        ["pixart-xl-2"], **IMAGE,
        make=lambda: diffusers.PixArtTransformer2DModel(
            **HEADS_OF, num_layers=2, cross_attention_dim=HIDDEN, caption_channels=40, sample_size=8),
        run=run_pixart),
    "ltx-video": Family(
        ["ltx-video-13b"], "128x128x9", 32,
        make=lambda: diffusers.LTXVideoTransformer3DModel(
            **HEADS_OF, num_layers=2, cross_attention_dim=HIDDEN, caption_channels=40),
        run=run_ltx, streams=("video",)),
    "cogvideox": Family(
        ["cogvideox-5b"], **VIDEO,
        make=lambda: diffusers.CogVideoXTransformer3DModel(
            **HEADS_OF, num_layers=2, time_embed_dim=24, text_embed_dim=40, use_rotary_positional_embeddings=True,
            sample_width=8, sample_height=8, sample_frames=5),
        run=run_cogvideox, dimensions={"timeWidth": 24}, streams=("video", "text")),
    "cosmos-1.0": Family(
        ["cosmos-1.0-7b"], "64x64x9", 32, make=cosmos("learnable"), run=run_cosmos, dimensions={"rank": 20},
        streams=("video",)),
    "cosmos-predict2": Family(
        ["cosmos-predict2-2b", "cosmos-predict2-14b"], **VIDEO, make=cosmos(None), run=run_cosmos,
        dimensions={"rank": 20}, streams=("video",)),
}


def fill(model):
    """Gives every parameter of the model's blocks its value."""
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            if name.split(".")[0] in ("blocks", "transformer_blocks", "single_transformer_blocks"):
                tensor.copy_(parameter(name, tuple(tensor.shape)))


def outputs(family, model, dtype):
    """The residual streams behind the last block, by name."""
    give = lambda tensor: tensor[None].to(dtype)
    names = list(family.streams)
    x = give(constant(names[0], family.tokens, HIDDEN))
    t = give(constant("text", TEXT_ROWS, HIDDEN)) if "text" in names else None
    with torch.no_grad():
        results = family.run(model.to(dtype), x, t, give)
    return {name: result[0].float() for name, result in zip(names, results) if result is not None}


def distance(value, reference):
    return float((value - reference).norm() / reference.norm())


def reference(name, family):
    torch.manual_seed(0)
    model = family.make().eval()
    fill(model)
    exact = outputs(family, model, torch.float32)
    own = outputs(family, model, torch.bfloat16)
    assert all(torch.isfinite(value).all() for value in exact.values()), name
    return {
        "family": name,
        "models": family.models,
        "madeBy": {"script": "scripts/diffusers-reference.py", "diffusers": diffusers.__version__,
                   "torch": torch.__version__, "class": type(model).__name__},
        "size": family.size,
        "textRows": TEXT_ROWS,
        "dimensions": family.dimensions,
        "counts": family.counts,
        "outputs": {
            stream: {"rows": value.shape[0], "width": value.shape[1], "ownBf16Error": round(distance(own[stream], value), 6),
                     "float32": base64.b64encode(value.contiguous().numpy().astype("<f4").tobytes()).decode()}
            for stream, value in exact.items()
        },
    }


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or FAMILIES:
        record = reference(name, FAMILIES[name])
        (FOLDER / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")
        errors = ", ".join(f"{stream} {of['ownBf16Error']}" for stream, of in record["outputs"].items())
        print(f"{name}: diffusers' own bf16 error: {errors}")


if __name__ == "__main__":
    main()
