"""Holds names and shapes of test/model/dit/published.json against the state dicts of diffusers' own model classes.

Needs torch and diffusers (run with 0.42.1): python scripts/diffusers-headers.py; one line a model, exit code 1 where one differs.

Models are made on the meta device, so nothing is downloaded and no weight is held.
"""

import hashlib
import json
import pathlib
import re
import sys

import diffusers
import torch

PUBLISHED = pathlib.Path(__file__).parent.parent / "test" / "model" / "dit" / "published.json"

WAN = dict(patch_size=(1, 2, 2), in_channels=16, out_channels=16, text_dim=4096, freq_dim=256, cross_attn_norm=True)
WAN_14B = dict(WAN, num_attention_heads=40, attention_head_dim=128, ffn_dim=13824, num_layers=40)
COSMOS = dict(attention_head_dim=128, mlp_ratio=4.0, text_embed_dim=1024, adaln_lora_dim=256, concat_padding_mask=True)
MODELS = {
    "wan2.1-t2v-1.3b": ("WanTransformer3DModel", dict(WAN, num_attention_heads=12, ffn_dim=8960, num_layers=30)),
    "wan2.1-t2v-14b": ("WanTransformer3DModel", WAN_14B),
    "wan2.2-t2v-a14b": ("WanTransformer3DModel", WAN_14B),
    "wan2.2-ti2v-5b": (
        "WanTransformer3DModel",
        dict(WAN, num_attention_heads=24, ffn_dim=14336, num_layers=30, in_channels=48, out_channels=48),
    ),
    "flux.1-dev": ("FluxTransformer2DModel", dict(guidance_embeds=True)),
    "qwen-image-20b": ("QwenImageTransformer2DModel", {}),
    "hunyuanvideo-13b": ("HunyuanVideoTransformer3DModel", {}),
    "hunyuanvideo-1.5": ("HunyuanVideo15Transformer3DModel", {}),
    "sd3.5-large": (
        "SD3Transformer2DModel",
        dict(num_layers=38, num_attention_heads=38, attention_head_dim=64, caption_projection_dim=2432)
        | dict(sample_size=128, pos_embed_max_size=192, qk_norm="rms_norm", in_channels=16, out_channels=16),
    ),
    "pixart-xl-2": (
        "PixArtTransformer2DModel",
        dict(sample_size=128, cross_attention_dim=1152, caption_channels=4096, out_channels=8),
    ),
    "ltx-video-13b": (
        "LTXVideoTransformer3DModel",
        dict(num_attention_heads=32, attention_head_dim=128, cross_attention_dim=4096, num_layers=48),
    ),
    "cogvideox-5b": (
        "CogVideoXTransformer3DModel",
        dict(num_attention_heads=48, num_layers=42, use_rotary_positional_embeddings=True),
    ),
    "cosmos-1.0-7b": (
        "CosmosTransformer3DModel",
        dict(COSMOS, num_attention_heads=32, num_layers=28, in_channels=16, extra_pos_embed_type="learnable"),
    ),
    "cosmos-predict2-2b": (
        "CosmosTransformer3DModel",
        dict(COSMOS, num_attention_heads=16, num_layers=28, in_channels=17, extra_pos_embed_type=None),
    ),
    "cosmos-predict2-14b": (
        "CosmosTransformer3DModel",
        dict(COSMOS, num_attention_heads=40, num_layers=36, in_channels=17, extra_pos_embed_type=None),
    ),
}
# published.json counts the blocks of all experts; each is a checkpoint of its own.
EXPERTS = {"wan2.2-t2v-a14b": 2}


def fingerprint(shapes):
    lines = sorted(f"{name}:{','.join(str(side) for side in shape)}" for name, shape in shapes.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def kinds(shapes):
    """Fingerprints of neighbouring equal layers with their counts, in the order of lists and indices; and what lies outside."""
    layers, outside = {}, {}
    for name, shape in shapes.items():
        match = re.match(r"((?:single_)?(?:transformer_)?blocks)\.(\d+)\.(.+)$", name)
        if match is None:
            outside[name] = shape
        else:
            layers.setdefault(match[1], {}).setdefault(int(match[2]), {})[match[3]] = shape
    runs = []
    for container in sorted(layers, key=lambda container: container.startswith("single")):
        previous = None
        for index in sorted(layers[container]):
            own = fingerprint(layers[container][index])
            if own == previous:
                runs[-1][1] += 1
            else:
                runs.append([own, 1])
            previous = own
    return runs, outside


published = json.loads(PUBLISHED.read_text())
wrong = 0
for model, (name, config) in MODELS.items():
    with torch.device("meta"):
        made = getattr(diffusers, name)(**config)
    shapes = {key: tuple(tensor.shape) for key, tensor in made.state_dict().items()}
    runs, outside = kinds(shapes)
    blocks = [[kind["sha256"], kind["count"] // EXPERTS.get(model, 1)] for kind in published[model]["blocks"]]
    findings = [] if runs == blocks else ["blocks differ"]
    if fingerprint(outside) != published[model]["outsideSha256"]:
        findings.append("tensors outside the blocks differ")
    wrong += len(findings)
    print(f"{model}: {len(shapes)} tensors, {', '.join(findings) or 'all as published.json says'}", flush=True)
sys.exit(1 if wrong else 0)
