"""Diffusers' transformers at their full width, with a chosen number of blocks and random weights from a seed."""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

Grid = tuple[int, int, int]
"""Latent frames, rows and columns of patches; their product is the number of image tokens."""

Inputs = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Family:
    """One diffusers class.

    Attributes:
        config: Its configuration at full width, without numbers of blocks.
        tiny: What of it is different in dry runs on CPU cores.
        depth: Keys of the numbers of blocks, with their usual values here.
        containers: Attribute paths of its lists of blocks, in the order in which they run.
        grids: Patches of the latent by number of image tokens.
        tiny_grid: The same of dry runs.
        attention: Attention backend of diffusers on a GPU.
        inputs: Makes one step's inputs.
        plan_of_parallelism: Where the sequence is divided among ranks, of a class that does not say it itself.
    """

    class_name: str
    config: Mapping[str, Any]
    tiny: Mapping[str, Any]
    depth: Mapping[str, int]
    containers: Sequence[str]
    grids: Mapping[int, Grid]
    tiny_grid: Grid
    attention: str
    inputs: Callable[[Mapping[str, Any], Grid, Maker], Inputs]
    plan_of_parallelism: Callable[[], dict[str, Any]] | None = None


@dataclass(frozen=True)
class Case:
    """A model at one size.

    Attributes:
        name: Of the model.
        blocks: Numbers of blocks in the order of the family's `depth`.
        storage: dtype in which the blocks' matrices are stored, `bfloat16` or `float8_e4m3fn`.
    """

    name: str
    family: Family
    grid: Grid
    blocks: tuple[int, ...]
    storage: str = "bfloat16"
    is_tiny: bool = False

    @property
    def tokens(self) -> int:
        """Image tokens of one sample."""
        frames, rows, columns = self.grid
        return frames * rows * columns

    @property
    def config(self) -> dict[str, Any]:
        """Arguments of the class."""
        own = dict(self.family.config) | (dict(self.family.tiny) if self.is_tiny else {})
        return own | dict(zip(self.family.depth, self.blocks, strict=True))

    def id(self, ranks: int) -> str:
        """Name of the profile of this case on so many ranks."""
        storage = "" if self.storage == "bfloat16" else "-fp8"
        return f"{self.name}{storage}-{sum(self.blocks)}b-{self.tokens}-x{ranks}"


class Maker:
    """Makes random tensors of one seed in a fixed order, on one device."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self.device = device
        self._generator = torch.Generator(device).manual_seed(seed)

    def normal(self, *shape: int, dtype: torch.dtype = torch.bfloat16) -> torch.Tensor:
        """Normal numbers."""
        return torch.randn(shape, generator=self._generator, device=self.device, dtype=torch.float32).to(dtype)

    def timestep(self, most: float) -> torch.Tensor:
        """A time of denoising between a tenth of `most` and `most`."""
        return (torch.rand(1, generator=self._generator, device=self.device) * 0.9 + 0.1) * most


def case_named(text: str, *, tiny: bool = False, storage: str = "bfloat16") -> Case:
    """The case of `MODEL:TOKENS` or `MODEL:TOKENS:BLOCKS`, such as `wan-14b:16380` or `flux-dev:4096:4+8`.

    Raises:
        SystemExit: With one line, for a name or a size that there is not.
    """
    match = re.fullmatch(r"([a-z0-9.-]+):(\d+)(?::(\d+(?:\+\d+)*))?", text)
    if match is None:
        raise SystemExit(f"case {text!r}: expected MODEL:TOKENS or MODEL:TOKENS:BLOCKS, such as wan-14b:16380:10")
    name, tokens, blocks = match[1], int(match[2]), match[3]
    family = FAMILIES.get(name)
    if family is None:
        raise SystemExit(f"case {text!r}: no model {name}; expected one of {', '.join(FAMILIES)}")
    grid = family.tiny_grid if tiny else family.grids.get(tokens)
    if grid is None:
        raise SystemExit(f"case {text!r}: {name} has no size of {tokens} tokens; expected one of {list(family.grids)}")
    counts = tuple(family.depth.values()) if blocks is None else tuple(map(int, blocks.split("+")))
    if len(counts) != len(family.depth):
        raise SystemExit(f"case {text!r}: expected {len(family.depth)} numbers of blocks, got {len(counts)}")
    if tiny:
        counts = tuple(min(count, 3) for count in counts)
    return Case(name, family, grid, counts, storage, tiny)


def load_classes(cases: Sequence[Case]) -> None:
    """Imports what building the cases' models takes, which is some seconds: before anything is timed."""
    import diffusers

    for case in cases:
        getattr(diffusers, case.family.class_name)
    from diffusers import ContextParallelConfig  # noqa: F401


def build(case: Case, device: torch.device, seed: int, *, blocks_on: torch.device | None = None) -> nn.Module:
    """The model with random weights that are the same on every rank.

    Args:
        case: What to build.
        device: Where weights are made, and where everything outside of the blocks stays.
        seed: Of the weights.
        blocks_on: Where the blocks' weights go, one parameter at a time; by default they stay on `device`.
    """
    import diffusers

    model_class = getattr(diffusers, case.family.class_name)
    with _parameters_on_meta():
        model: nn.Module = model_class(**case.config)
    if case.storage != "bfloat16":
        _store_matrices_as(model, case)
    kept = tuple(getattr(model_class, "_keep_in_fp32_modules", None) or ())
    prefixes = tuple(f"{path}." for path in case.family.containers)
    for number, (name, parameter) in enumerate(list(model.named_parameters())):
        at = model.get_submodule(name.rpartition(".")[0])
        place = blocks_on if blocks_on is not None and name.startswith(prefixes) else device
        value = _value(name, parameter, kept, torch.Generator(device).manual_seed(seed * 1_000_003 + number), device)
        at._parameters[name.rpartition(".")[2]] = nn.Parameter(value.to(place), requires_grad=False)
    for module in model.modules():
        for key, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[key] = buffer.to(device)
    return model.eval()


def inputs_of(case: Case, device: torch.device, seed: int) -> Inputs:
    """Inputs of one step, the same on every rank."""
    return case.family.inputs(case.config, case.grid, Maker(seed, device))


def divide_among_ranks(model: Any, case: Case, device: torch.device) -> None:
    """Diffusers' own Ulysses over all ranks, with the family's attention; on one rank the attention alone."""
    if device.type == "cuda":
        model.set_attention_backend(case.family.attention)
    ranks = dist.get_world_size() if dist.is_initialized() else 1
    if ranks == 1:
        return
    from diffusers import ContextParallelConfig

    if not hasattr(logging.Logger, "warning_once"):
        # transformers gives every logger this method, and diffusers 0.42 takes it for granted.
        logging.Logger.warning_once = logging.Logger.debug  # type: ignore[attr-defined]
    if device.type == "cpu":
        model._resolve_parallel_config = lambda config: _resolved_on_host(model, config)
    plan = case.family.plan_of_parallelism
    config = ContextParallelConfig(ulysses_degree=ranks, mesh=mesh_of(device.type, ranks))  # type: ignore[no-untyped-call]
    model.enable_parallelism(config=config, **({} if plan is None else {"cp_plan": plan()}))


@cache
def mesh_of(device_type: str, ranks: int) -> Any:
    """One mesh for all models: with each of its own, the communicators of all would stay on the device."""
    from torch.distributed.device_mesh import init_device_mesh

    return init_device_mesh(device_type, (1, ranks), mesh_dim_names=("ring", "ulysses"))


def run(model: Any, inputs: Inputs) -> torch.Tensor:
    """One step."""
    output: torch.Tensor = model(**inputs, return_dict=False)[0]
    return output


def _resolved_on_host(model: Any, config: Any) -> Any:
    """What diffusers does for accelerators, of which it needs one at least."""
    from diffusers.models._modeling_parallel import ParallelConfig

    parallel = ParallelConfig(context_parallel_config=config)
    parallel.setup(dist.get_rank(), dist.get_world_size(), torch.device("cpu"), mesh=config.mesh)
    model._parallel_config = parallel
    return parallel


@contextmanager
def _parameters_on_meta() -> Iterator[None]:
    """Modules that are made have parameters without memory; their buffers have values."""
    register = nn.Module.register_parameter

    def on_meta(module: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        register(module, name, None if parameter is None else nn.Parameter(parameter.to("meta"), requires_grad=False))

    nn.Module.register_parameter = on_meta  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        nn.Module.register_parameter = register  # type: ignore[method-assign]


def _value(
    name: str, like: torch.Tensor, in_float32: Sequence[str], generator: torch.Generator, device: torch.device
) -> torch.Tensor:
    """Normal numbers that keep the size of what goes through a layer, so that every block counts in the output."""
    dtype = torch.float32 if any(part in name for part in in_float32) else torch.bfloat16
    if like.dtype.itemsize == 1:
        dtype = like.dtype
    value = torch.empty(like.shape, device=device, dtype=torch.bfloat16 if dtype.itemsize < 4 else dtype)
    if name.endswith("scale_shift_table"):
        return value.normal_(0.0, 0.5, generator=generator).to(dtype)
    if like.dim() > 1:
        return value.normal_(0.0, float(like[0].numel()) ** -0.5, generator=generator).to(dtype)
    value.normal_(0.0, 0.1, generator=generator)
    if "norm" in name and name.endswith("weight"):
        value += 1.0
    return value.to(dtype)


class StoredLinear(nn.Module):
    """A linear layer whose matrix is stored in 8 bits and computes in the dtype of its input."""

    def __init__(self, like: nn.Linear, dtype: torch.dtype) -> None:
        super().__init__()
        self.weight = nn.Parameter(like.weight.to(dtype), requires_grad=False)
        self.bias = like.bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Like a linear layer."""
        return nn.functional.linear(x, self.weight.to(x.dtype), self.bias)


def _store_matrices_as(model: nn.Module, case: Case) -> None:
    dtype = getattr(torch, case.storage)
    for path in case.family.containers:
        for at in list(model.get_submodule(path).modules()):
            for key, child in list(at.named_children()):
                if isinstance(child, nn.Linear):
                    setattr(at, key, StoredLinear(child, dtype))


def _wan_inputs(config: Mapping[str, Any], grid: Grid, make: Maker) -> Inputs:
    frames, rows, columns = grid
    return {
        "hidden_states": make.normal(1, config["in_channels"], frames, 2 * rows, 2 * columns),
        "timestep": make.timestep(1000.0),
        "encoder_hidden_states": make.normal(1, 512 if config["text_dim"] == 4096 else 16, config["text_dim"]),
    }


def _flux_inputs(config: Mapping[str, Any], grid: Grid, make: Maker) -> Inputs:
    _, rows, columns = grid
    text = 512 if config["joint_attention_dim"] == 4096 else 16
    ids = torch.zeros(rows, columns, 3, device=make.device)
    ids[..., 1] += torch.arange(rows, device=make.device)[:, None]
    ids[..., 2] += torch.arange(columns, device=make.device)[None, :]
    return {
        "hidden_states": make.normal(1, rows * columns, config["in_channels"]),
        "encoder_hidden_states": make.normal(1, text, config["joint_attention_dim"]),
        "pooled_projections": make.normal(1, config["pooled_projection_dim"]),
        "timestep": make.timestep(1.0),
        "guidance": torch.full((1,), 3.5, device=make.device),
        "img_ids": ids.reshape(-1, 3),
        "txt_ids": torch.zeros(text, 3, device=make.device),
    }


def _hunyuan_inputs(config: Mapping[str, Any], grid: Grid, make: Maker) -> Inputs:
    frames, rows, columns = grid
    text = 256 if config["text_embed_dim"] == 4096 else 16
    return {
        "hidden_states": make.normal(1, config["in_channels"], frames, 2 * rows, 2 * columns),
        "timestep": make.timestep(1000.0),
        "encoder_hidden_states": make.normal(1, text, config["text_embed_dim"]),
        "encoder_attention_mask": torch.ones(1, text, device=make.device, dtype=torch.bfloat16),
        "pooled_projections": make.normal(1, config["pooled_projection_dim"]),
        "guidance": torch.full((1,), 6000.0, device=make.device, dtype=torch.bfloat16),
    }


def _hunyuan_parallelism() -> dict[str, Any]:
    """Image and text rows divided at the first block, rotary tables with them; the image gathered behind the last.

    The attention mask stays whole, as attention sees whole sequences between its all-to-alls. Their order is another
    one then, so every text row has to be valid.
    """
    from diffusers.models._modeling_parallel import ContextParallelInput, ContextParallelOutput

    table = ContextParallelInput(split_dim=0, expected_dims=2, split_output=True)
    rows = ContextParallelInput(split_dim=1, expected_dims=3, split_output=False)
    return {
        "rope": {0: table, 1: table},
        "transformer_blocks.0": {"hidden_states": rows, "encoder_hidden_states": rows},
        "proj_out": ContextParallelOutput(gather_dim=1, expected_dims=3),
    }


_TINY_HEADS = {"num_attention_heads": 4, "attention_head_dim": 32}
_TINY_ROPE = (4, 14, 14)

FAMILIES: Mapping[str, Family] = {
    "wan-14b": Family(
        class_name="WanTransformer3DModel",
        config={
            "num_attention_heads": 40,
            "attention_head_dim": 128,
            "in_channels": 16,
            "text_dim": 4096,
            "ffn_dim": 13824,
        },
        tiny={**_TINY_HEADS, "ffn_dim": 256, "text_dim": 64},
        depth={"num_layers": 10},
        containers=("blocks",),
        grids={7_800: (5, 30, 52), 16_380: (21, 30, 26), 32_760: (21, 30, 52)},
        tiny_grid=(2, 4, 8),
        attention="_native_cudnn",
        inputs=_wan_inputs,
    ),
    "flux-dev": Family(
        class_name="FluxTransformer2DModel",
        config={
            "num_attention_heads": 24,
            "attention_head_dim": 128,
            "in_channels": 64,
            "joint_attention_dim": 4096,
            "pooled_projection_dim": 768,
            "guidance_embeds": True,
        },
        tiny={
            **_TINY_HEADS,
            "joint_attention_dim": 64,
            "pooled_projection_dim": 32,
            "axes_dims_rope": _TINY_ROPE,
        },
        depth={"num_layers": 4, "num_single_layers": 8},
        containers=("transformer_blocks", "single_transformer_blocks"),
        grids={4_096: (1, 64, 64), 9_216: (1, 96, 96)},
        tiny_grid=(1, 8, 8),
        attention="_native_cudnn",
        inputs=_flux_inputs,
    ),
    "hunyuan-video": Family(
        class_name="HunyuanVideoTransformer3DModel",
        config={
            "num_attention_heads": 24,
            "attention_head_dim": 128,
            "in_channels": 16,
            "text_embed_dim": 4096,
            "pooled_projection_dim": 768,
        },
        tiny={
            **_TINY_HEADS,
            "text_embed_dim": 64,
            "pooled_projection_dim": 32,
            "rope_axes_dim": _TINY_ROPE,
        },
        depth={"num_layers": 4, "num_single_layers": 8},
        containers=("transformer_blocks", "single_transformer_blocks"),
        grids={10_200: (5, 34, 60), 18_360: (9, 34, 60)},
        tiny_grid=(2, 4, 8),
        # Its blocks are given a mask, which cuDNN's attention takes in other layouts only.
        attention="native",
        inputs=_hunyuan_inputs,
        plan_of_parallelism=_hunyuan_parallelism,
    ),
}
