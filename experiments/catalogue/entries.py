"""Released checkpoints as diffusers' classes build them, and the inputs of one forward at each entry's reference size.

Configurations are those of the released checkpoints (`sources` in model/catalogue/*.yaml); an argument that is left
out has the class's default. Sizes are spelled out here once more, not read from the catalogue, so that token counts are
compared as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Inputs = Mapping[str, Any]
    Run = Callable[..., object]


@dataclass(frozen=True)
class Entry:
    """One checkpoint.

    `lists` are the ModuleLists of its blocks, in the order in which a forward runs them; `run` takes the place of the
    model's own forward where that asks tensors for their values, which those on the meta device do not have.
    """

    model: str
    size: str
    inputs: Callable[[], Inputs]
    config: Mapping[str, Any] = field(default_factory=dict)
    lists: tuple[str, ...] = ("transformer_blocks",)
    run: Run | None = None


def meta(*shape: int) -> torch.Tensor:
    """A tensor with a shape and no data."""
    return torch.empty(*shape, device="meta")


def mask(*shape: int) -> torch.Tensor:
    """A mask that hides nothing."""
    return torch.ones(*shape, dtype=torch.bool, device="meta")


def index(*shape: int) -> torch.Tensor:
    """Whole numbers: timesteps, classes, token ids."""
    return torch.empty(*shape, dtype=torch.int64, device="meta")


DUAL_AND_SINGLE = ("transformer_blocks", "single_transformer_blocks")


# --- Wan


def wan(channels: int, frames: int, height: int, width: int, **more: torch.Tensor) -> Callable[[], Inputs]:
    """Latents of `channels` and 512 rows of UMT5."""
    return lambda: {
        "hidden_states": meta(1, channels, frames, height, width),
        "timestep": index(1),
        "encoder_hidden_states": meta(1, 512, 4096),
        **more,
    }


WAN_1B = {"num_attention_heads": 12, "ffn_dim": 8960, "num_layers": 30}
WAN_IMAGE = {"in_channels": 36, "image_dim": 1280, "added_kv_proj_dim": 5120}
"""Noise, a mask of 4 channels and the condition; 1280 is the width of CLIP ViT-H/14."""


def wan_entry(size: str, inputs: Callable[[], Inputs], **config: object) -> Entry:
    """Defaults of the class are those of the 14B."""
    return Entry("WanTransformer3DModel", size, inputs, config, ("blocks",))


# --- FLUX and those with its inputs


def packed(tokens: int, channels: int, text: int, text_width: int, axes: int = 3, **more: Any) -> Callable[[], Inputs]:
    """Packed latents, text rows, and positions of both."""
    return lambda: {
        "hidden_states": meta(1, tokens, channels),
        "encoder_hidden_states": meta(1, text, text_width),
        "timestep": meta(1),
        "img_ids": meta(tokens, axes),
        "txt_ids": meta(text, axes),
        **more,
    }


def flux(tokens: int = 4096, channels: int = 64, text: int = 512, **more: Any) -> Callable[[], Inputs]:
    """FLUX.1 takes T5's rows, CLIP's pooled vector and, where it is distilled, the guidance."""
    return packed(tokens, channels, text, 4096, **{"pooled_projections": meta(1, 768), "guidance": meta(1), **more})


def flux2(text_width: int, tokens: int = 4096) -> Callable[[], Inputs]:
    """FLUX.2 takes positions on four axes."""
    return packed(tokens, 128, 512, text_width, axes=4, guidance=meta(1))


def qwen(tokens: list[tuple[int, int, int]], text: int, **more: object) -> Callable[[], Inputs]:
    """`tokens`: grid of each image, the one that is made first."""
    return lambda: {
        "hidden_states": meta(1, sum(f * h * w for f, h, w in tokens), 64),
        "encoder_hidden_states": meta(1, text, 3584),
        "encoder_hidden_states_mask": None,
        "timestep": meta(1),
        "img_shapes": [tokens],
        **more,
    }


# --- Hunyuan


def hunyuan_video(channels: int, text: int = 256, **more: Any) -> Callable[[], Inputs]:
    """Rows of LLaVA and CLIP's pooled vector."""
    return lambda: {
        "hidden_states": meta(1, channels, 33, 90, 160),
        "timestep": index(1),
        "encoder_hidden_states": meta(1, text, 4096),
        "encoder_attention_mask": mask(1, text),
        "pooled_projections": meta(1, 768),
        "guidance": meta(1),
        **more,
    }


def run_hunyuan15(model: torch.nn.Module, tokens: int, text: int) -> None:
    """The blocks alone: the forward sorts text rows by what their masks say."""
    x, t, angles = meta(1, tokens, 2048), meta(1, text, 2048), meta(tokens, 128)
    for block in model.get_submodule("transformer_blocks").children():
        x, t = block(x, t, meta(1, 2048), mask(1, text), (angles, angles))


# --- Kandinsky


def kandinsky(channels: int, frames: int, height: int, width: int, text: int = 256) -> Callable[[], Inputs]:
    """Latents with their channels last, rows of Qwen2.5-VL and CLIP's pooled vector."""
    return lambda: {
        "hidden_states": meta(1, frames, height, width, channels),
        "encoder_hidden_states": meta(1, text, 3584),
        "timestep": meta(1),
        "pooled_projections": meta(1, 768),
        "visual_rope_pos": [torch.arange(side, device="meta") for side in (frames, height // 2, width // 2)],
        "text_rope_pos": torch.arange(text, device="meta"),
    }


def kandinsky_config(
    time: int, width: int, text_blocks: int, blocks: int, axes: tuple[int, ...], condition: bool
) -> Any:
    """Configuration and lists of blocks."""
    config = {
        "in_visual_dim": 16,
        "out_visual_dim": 16,
        "time_dim": time,
        "model_dim": width,
        "ff_dim": 4 * width,
        "num_text_blocks": text_blocks,
        "num_visual_blocks": blocks,
        "axes_dims": axes,
        "visual_cond": condition,
    }
    return {"config": config, "lists": ("text_transformer_blocks", "visual_transformer_blocks")}


KANDINSKY_LITE = kandinsky_config(512, 1792, 2, 32, (16, 24, 24), condition=True)
KANDINSKY_PRO = kandinsky_config(1024, 4096, 4, 60, (32, 48, 48), condition=True)
KANDINSKY_IMAGE = kandinsky_config(512, 2560, 2, 50, (32, 48, 48), condition=False)


# --- Cosmos


def cosmos(channels: int, frames: int, width: int = 1024, **more: Any) -> Callable[[], Inputs]:
    """Latents at 1280x704 and rows of T5."""
    return lambda: {
        "hidden_states": meta(1, channels, frames, 88, 160),
        "timestep": meta(1),
        "encoder_hidden_states": meta(1, 512, width),
        "fps": 16,
        "padding_mask": meta(1, 1, 704, 1280),
        **more,
    }


COSMOS_REASON = {
    "use_crossattn_projection": True,
    "crossattn_proj_in_channels": 100352,
    "encoder_hidden_states_channels": 1024,
}
"""Text rows are the states of all layers of Cosmos-Reason1, side by side."""
COSMOS_PREDICT2 = {"in_channels": 17, "max_size": (128, 240, 240), "extra_pos_embed_type": None}


def ltx2(text: int, audio_text: int, **more: Any) -> Callable[[], Inputs]:
    """Video, audio and 1024 rows of text of these widths."""
    return lambda: {
        "hidden_states": meta(1, 16 * 32 * 48, 128),
        "audio_hidden_states": meta(1, 126, 128),
        "encoder_hidden_states": meta(1, 1024, text),
        "audio_encoder_hidden_states": meta(1, 1024, audio_text),
        "timestep": meta(1),
        "num_frames": 16,
        "height": 32,
        "width": 48,
        "audio_num_frames": 126,
        **more,
    }


def run_lumina2(model: torch.nn.Module, tokens: int, text: int) -> None:
    """The blocks alone: the forward asks masks for the length of each sample's text."""

    def run(blocks: str, x: torch.Tensor, *condition: torch.Tensor) -> torch.Tensor:
        angles = torch.empty(1, x.shape[1], 48, dtype=torch.complex64, device="meta")
        for block in model.get_submodule(blocks).children():
            x = block(x, None, angles, *condition)
        return x

    t = run("context_refiner", meta(1, text, 2304))
    x = run("noise_refiner", meta(1, tokens, 2304), meta(1, 1024))
    run("layers", torch.cat([t, x], dim=1), meta(1, 1024))


ENTRIES: dict[str, Entry] = {
    "wan2.1-t2v-1.3b": wan_entry("832x480x81", wan(16, 21, 60, 104), **WAN_1B),
    "wan2.1-t2v-14b": wan_entry("1280x720x81", wan(16, 21, 90, 160)),
    "wan2.1-i2v-14b": wan_entry(
        "1280x720x81", wan(36, 21, 90, 160, encoder_hidden_states_image=meta(1, 257, 1280)), **WAN_IMAGE
    ),
    "wan2.1-flf2v-14b": wan_entry(
        "1280x720x81",
        wan(36, 21, 90, 160, encoder_hidden_states_image=meta(2, 257, 1280)),
        **WAN_IMAGE,
        pos_embed_seq_len=2 * 257,
    ),
    "wan2.1-vace-14b": Entry(
        "WanVACETransformer3DModel",
        "1280x720x81",
        wan(16, 21, 90, 160, control_hidden_states=meta(1, 96, 21, 90, 160)),
        lists=("vace_blocks", "blocks"),
    ),
    "wan2.1-vace-1.3b": Entry(
        "WanVACETransformer3DModel",
        "832x480x81",
        wan(16, 21, 60, 104, control_hidden_states=meta(1, 96, 21, 60, 104)),
        {**WAN_1B, "vace_layers": list(range(0, 30, 2))},
        ("vace_blocks", "blocks"),
    ),
    "wan2.2-i2v-a14b": wan_entry("1280x720x81", wan(36, 21, 90, 160), in_channels=36),
    "wan2.2-t2v-a14b": wan_entry("1280x720x81", wan(16, 21, 90, 160)),
    "wan2.2-ti2v-5b": wan_entry(
        "1280x704x121",
        wan(48, 31, 44, 80, timestep=index(1, 31 * 22 * 40)),
        num_attention_heads=24,
        ffn_dim=14336,
        num_layers=30,
        in_channels=48,
        out_channels=48,
    ),
    "flux.1-dev": Entry("FluxTransformer2DModel", "1024x1024", flux(), {"guidance_embeds": True}, DUAL_AND_SINGLE),
    "flux.1-schnell": Entry(
        "FluxTransformer2DModel",
        "1024x1024",
        flux(text=256, guidance=None),
        {"guidance_embeds": False},
        DUAL_AND_SINGLE,
    ),
    "flux.1-fill-dev": Entry(
        "FluxTransformer2DModel",
        "1024x1024",
        flux(channels=64 + 64 + 256),
        {"guidance_embeds": True, "in_channels": 384, "out_channels": 64},
        DUAL_AND_SINGLE,
    ),
    # Tokens of the image that is edited stand behind those of the output.
    "flux.1-kontext-dev": Entry(
        "FluxTransformer2DModel", "1024x1024", flux(2 * 4096), {"guidance_embeds": True}, DUAL_AND_SINGLE
    ),
    "qwen-image-edit-20b": Entry(
        "QwenImageTransformer2DModel", "1024x1024", qwen([(1, 64, 64), (1, 64, 64)], 512 + 14 * 14)
    ),
    "qwen-image-layered-20b": Entry(
        "QwenImageTransformer2DModel",
        "640x640",
        qwen([(1, 40, 40)] * (1 + 4 + 1), 512, additional_t_cond=index(1)),
        {"use_additional_t_cond": True, "use_layer3d_rope": True},
    ),
    "chroma1-hd": Entry("ChromaTransformer2DModel", "1024x1024", packed(4096, 64, 512, 4096), {}, DUAL_AND_SINGLE),
    "hidream-i1-17b": Entry(
        "HiDreamImageTransformer2DModel",
        "1024x1024",
        lambda: {
            "hidden_states": meta(1, 16, 128, 128),
            "timesteps": index(1),
            "encoder_hidden_states_t5": meta(1, 128, 4096),
            "encoder_hidden_states_llama3": meta(32, 1, 128, 4096),
            "pooled_embeds": meta(1, 2048),
        },
        {
            "patch_size": 2,
            "in_channels": 16,
            "out_channels": 16,
            "caption_channels": [4096, 4096],
            "axes_dims_rope": (64, 32, 32),
            "max_resolution": (128, 128),
            "llama_layers": [*range(32), *[31] * 16],
        },
        ("double_stream_blocks", "single_stream_blocks"),
    ),
    "kandinsky-5-lite-2b": Entry(
        "Kandinsky5Transformer3DModel", "768x512x121", kandinsky(33, 31, 64, 96), **KANDINSKY_LITE
    ),
    "kandinsky-5-pro-19b": Entry(
        "Kandinsky5Transformer3DModel", "768x512x121", kandinsky(33, 31, 64, 96), **KANDINSKY_PRO
    ),
    "kandinsky-5-image-lite-6b": Entry(
        "Kandinsky5Transformer3DModel", "1024x1024", kandinsky(16, 1, 128, 128, text=512), **KANDINSKY_IMAGE
    ),
    "flux.2-dev": Entry("Flux2Transformer2DModel", "1024x1024", flux2(15360), {}, DUAL_AND_SINGLE),
    "flux.2-klein-4b": Entry(
        "Flux2Transformer2DModel",
        "1024x1024",
        flux2(7680),
        {
            "num_layers": 5,
            "num_single_layers": 20,
            "num_attention_heads": 24,
            "joint_attention_dim": 7680,
            "guidance_embeds": False,
        },
        DUAL_AND_SINGLE,
    ),
    "flux.2-klein-9b": Entry(
        "Flux2Transformer2DModel",
        "1024x1024",
        flux2(12288),
        {
            "num_layers": 8,
            "num_single_layers": 24,
            "num_attention_heads": 32,
            "joint_attention_dim": 12288,
            "guidance_embeds": False,
        },
        DUAL_AND_SINGLE,
    ),
    "qwen-image-20b": Entry("QwenImageTransformer2DModel", "1024x1024", qwen([(1, 64, 64)], 512)),
    "hunyuanvideo-13b": Entry("HunyuanVideoTransformer3DModel", "1280x720x129", hunyuan_video(16), {}, DUAL_AND_SINGLE),
    "hunyuanvideo-1.5": Entry(
        "HunyuanVideo15Transformer3DModel",
        "1280x720x121",
        lambda: {"tokens": 31 * 45 * 80, "text": 1000 + 256 + 729},
        run=run_hunyuan15,
    ),
    "hunyuanvideo-i2v-13b": Entry(
        "HunyuanVideoTransformer3DModel",
        "1280x720x129",
        hunyuan_video(16, text=256 + 576 // 4),
        {"image_condition_type": "token_replace"},
        DUAL_AND_SINGLE,
    ),
    "hunyuanvideo-i2v-13b-concat": Entry(
        "HunyuanVideoTransformer3DModel",
        "1280x720x129",
        hunyuan_video(33, text=256 + 576 // 2, guidance=None),
        {"image_condition_type": "latent_concat", "in_channels": 33, "out_channels": 16, "guidance_embeds": False},
        DUAL_AND_SINGLE,
    ),
    "hunyuanimage-2.1-17b": Entry(
        "HunyuanImageTransformer2DModel",
        "2048x2048",
        # Rows of both encoders as if one gave them: the forward sorts those of two by what their masks say.
        lambda: {
            "hidden_states": meta(1, 64, 64, 64),
            "timestep": meta(1),
            "encoder_hidden_states": meta(1, 1000 + 128, 3584),
            "encoder_attention_mask": mask(1, 1000 + 128),
        },
        {"text_embed_2_dim": 1472},
        DUAL_AND_SINGLE,
    ),
    "longcat-image-6b": Entry(
        "LongCatImageTransformer2DModel",
        "1024x1024",
        packed(4096, 64, 512, 3584),
        {"num_layers": 10, "num_single_layers": 20},
        DUAL_AND_SINGLE,
    ),
    "ovis-image-7b": Entry(
        "OvisImageTransformer2DModel", "1024x1024", packed(4096, 64, 256, 2048), {}, DUAL_AND_SINGLE
    ),
    "auraflow-6.8b": Entry(
        "AuraFlowTransformer2DModel",
        "1024x1024",
        lambda: {
            "hidden_states": meta(1, 4, 128, 128),
            "encoder_hidden_states": meta(1, 256, 2048),
            "timestep": meta(1),
        },
        {"pos_embed_max_size": 9216},
        ("joint_transformer_blocks", "single_transformer_blocks"),
    ),
    "cogview4-6b": Entry(
        "CogView4Transformer2DModel",
        "1024x1024",
        lambda: {
            "hidden_states": meta(1, 16, 128, 128),
            "encoder_hidden_states": meta(1, 1024, 4096),
            "timestep": index(1),
            "original_size": meta(1, 2),
            "target_size": meta(1, 2),
            "crop_coords": meta(1, 2),
        },
        {"num_layers": 28, "num_attention_heads": 32, "attention_head_dim": 128},
    ),
    "lumina-image-2-2.6b": Entry(
        "Lumina2Transformer2DModel",
        "1024x1024",
        lambda: {"tokens": 64 * 64, "text": 256},
        {"cap_feat_dim": 2304},
        ("context_refiner", "noise_refiner", "layers"),
        run_lumina2,
    ),
    "sd3.5-large": Entry(
        "SD3Transformer2DModel",
        "1024x1024",
        lambda: {
            "hidden_states": meta(1, 16, 128, 128),
            "encoder_hidden_states": meta(1, 333, 4096),
            "pooled_projections": meta(1, 2048),
            "timestep": index(1),
        },
        {
            "num_layers": 38,
            "num_attention_heads": 38,
            "caption_projection_dim": 2432,
            "pos_embed_max_size": 192,
            "qk_norm": "rms_norm",
        },
    ),
    "pixart-xl-2": Entry(
        "PixArtTransformer2DModel",
        "1024x1024",
        lambda: {
            "hidden_states": meta(1, 4, 128, 128),
            "encoder_hidden_states": meta(1, 300, 4096),
            "timestep": index(1),
            "added_cond_kwargs": {"resolution": meta(1, 2), "aspect_ratio": meta(1, 1)},
        },
        {"cross_attention_dim": 1152, "caption_channels": 4096, "out_channels": 8},
    ),
    "dit-xl-2-diffusers": Entry(
        "DiTTransformer2DModel",
        "256x256",
        lambda: {"hidden_states": meta(1, 4, 32, 32), "timestep": index(1), "class_labels": index(1)},
        {"out_channels": 8},
    ),
    "ltx-video-13b": Entry(
        "LTXVideoTransformer3DModel",
        "1216x704x121",
        lambda: {
            "hidden_states": meta(1, 16 * 22 * 38, 128),
            "encoder_hidden_states": meta(1, 256, 4096),
            "timestep": index(1),
            "encoder_attention_mask": mask(1, 256),
            "num_frames": 16,
            "height": 22,
            "width": 38,
        },
        {"attention_head_dim": 128, "cross_attention_dim": 4096, "num_layers": 48},
    ),
    "ltx-2-19b": Entry("LTX2VideoTransformer3DModel", "1536x1024x121", ltx2(3840, 3840)),
    "ltx-2.3-22b": Entry(
        "LTX2VideoTransformer3DModel",
        "1536x1024x121",
        ltx2(4096, 2048, sigma=meta(1)),
        {
            "gated_attn": True,
            "cross_attn_mod": True,
            "audio_gated_attn": True,
            "audio_cross_attn_mod": True,
            "use_prompt_embeddings": False,
            "perturbed_attn": True,
            "rope_type": "split",
        },
    ),
    "cogvideox-5b": Entry(
        "CogVideoXTransformer3DModel",
        "720x480x49",
        lambda: {
            "hidden_states": meta(1, 13, 16, 60, 90),
            "encoder_hidden_states": meta(1, 226, 4096),
            "timestep": index(1),
            "image_rotary_emb": (meta(17550, 64), meta(17550, 64)),
        },
        {"num_attention_heads": 48, "num_layers": 42, "use_rotary_positional_embeddings": True},
    ),
    "cogvideox-1.5-5b": Entry(
        "CogVideoXTransformer3DModel",
        "1360x768x81",
        lambda: {
            "hidden_states": meta(1, 22, 16, 96, 170),
            "encoder_hidden_states": meta(1, 226, 4096),
            "timestep": index(1),
            "image_rotary_emb": (meta(11 * 48 * 85, 64), meta(11 * 48 * 85, 64)),
        },
        {
            "num_attention_heads": 48,
            "num_layers": 42,
            "use_rotary_positional_embeddings": True,
            "patch_size_t": 2,
            "patch_bias": False,
        },
    ),
    "cosmos-predict2.5-2b": Entry(
        "CosmosTransformer3DModel",
        "1280x704x93",
        cosmos(16, 24, width=100352, condition_mask=meta(1, 1, 24, 88, 160)),
        {**COSMOS_PREDICT2, **COSMOS_REASON, "num_attention_heads": 16},
    ),
    "cosmos-predict2.5-14b": Entry(
        "CosmosTransformer3DModel",
        "1280x704x93",
        cosmos(16, 24, width=100352, condition_mask=meta(1, 1, 24, 88, 160)),
        {**COSMOS_PREDICT2, **COSMOS_REASON, "num_attention_heads": 40, "num_layers": 36},
    ),
    "cosmos-1.0-7b": Entry("CosmosTransformer3DModel", "1280x704x121", cosmos(16, 16)),
    "cosmos-predict2-2b": Entry(
        "CosmosTransformer3DModel",
        "1280x704x93",
        cosmos(16, 24, condition_mask=meta(1, 1, 24, 88, 160)),
        {**COSMOS_PREDICT2, "num_attention_heads": 16},
    ),
    "cosmos-predict2-14b": Entry(
        "CosmosTransformer3DModel",
        "1280x704x93",
        cosmos(16, 24, condition_mask=meta(1, 1, 24, 88, 160)),
        {**COSMOS_PREDICT2, "num_attention_heads": 40, "num_layers": 36},
    ),
    "mochi-1-10b": Entry(
        "MochiTransformer3DModel",
        "848x480x163",
        lambda: {
            "hidden_states": meta(1, 12, 28, 60, 106),
            "encoder_hidden_states": meta(1, 256, 4096),
            "timestep": index(1),
            "encoder_attention_mask": mask(1, 256),
        },
    ),
    "z-image-6b": Entry(
        "ZImageTransformer2DModel",
        "1024x1024",
        lambda: {"x": [meta(16, 1, 128, 128)], "t": meta(1), "cap_feats": [meta(512, 2560)]},
        lists=("noise_refiner", "context_refiner", "layers"),
    ),
}
