"""Small models that are built like the ones people stream, with blocks of a few MiB."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
import torch.distributed._functional_collectives as funcol
from torch import nn
from torch.nn import functional

WIDTH = 256


class Exchange(nn.Module):
    """An all-to-all over the group's ranks, of tokens for heads; nothing without a group."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not dist.is_initialized() or dist.get_world_size() == 1:
            return x
        flat = x.reshape(dist.get_world_size(), -1).contiguous()
        group: Any = dist.group.WORLD
        calls: Any = funcol
        out: torch.Tensor = calls.wait_tensor(calls.all_to_all_single(flat, None, None, group))
        return out.reshape(x.shape)


class WanBlock(nn.Module):
    def __init__(self, width: int = WIDTH, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.scale_shift_table = nn.Parameter(torch.randn(1, 2, width, dtype=dtype))
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.to_q = nn.Linear(width, width, dtype=dtype)
        self.to_k = nn.Linear(width, width, dtype=dtype)
        self.to_v = nn.Linear(width, width, dtype=dtype)
        self.to_out = nn.Linear(width, width, dtype=dtype)
        self.up = nn.Linear(width, 4 * width, dtype=dtype)
        self.down = nn.Linear(4 * width, width, dtype=dtype)
        self.exchange = Exchange()

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        shift, scale = (self.scale_shift_table + t).unbind(1)
        y = self.norm(x) * (1 + scale) + shift
        q, k, v = self.exchange(self.to_q(y)), self.to_k(y), self.to_v(y)
        x = x + self.to_out(self.exchange(torch.softmax(q @ k.mT / 16, -1) @ v))
        mlp: torch.Tensor = self.down(functional.gelu(self.up(self.norm(x))))
        return x + mlp


class Wan(nn.Module):
    """One list of blocks."""

    def __init__(self, blocks: int = 5, dtype: torch.dtype = torch.float32, width: int = WIDTH) -> None:
        super().__init__()
        self.embed = nn.Linear(16, width, dtype=dtype)
        self.time = nn.Linear(1, 2 * width, dtype=dtype)
        self.blocks = nn.ModuleList(WanBlock(width, dtype) for _ in range(blocks))
        self.head = nn.Linear(width, 16, dtype=dtype)
        self.register_buffer("table", torch.randn(width, dtype=dtype))

    def forward(self, x: torch.Tensor, t: float = 0.5) -> torch.Tensor:
        time = self.time(torch.full((1, 1), t, dtype=x.dtype)).reshape(1, 2, -1)
        x = self.embed(x) + self.table
        for block in self.blocks:
            x = block(x, time)
        out: torch.Tensor = self.head(x)
        return out


class Single(nn.Module):
    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.proj_mlp = nn.Linear(width, 4 * width, bias=False)
        self.proj_out = nn.Linear(5 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.proj_out(torch.cat([x, functional.gelu(self.proj_mlp(x))], -1))
        return x + y


class Double(nn.Module):
    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.image = nn.Linear(width, 5 * width)
        self.text = nn.Linear(width, width)
        self.out = nn.Linear(5 * width, width)

    def forward(self, hidden_states: torch.Tensor, text: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        text = text + self.text(text)
        return hidden_states + self.out(functional.silu(self.image(hidden_states + text.mean(1, keepdim=True)))), text


class Flux(nn.Module):
    """Two lists of different blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(16, WIDTH)
        self.transformer_blocks = nn.ModuleList(Double() for _ in range(3))
        self.single_transformer_blocks = nn.ModuleList(Single() for _ in range(4))
        self.head = nn.Linear(WIDTH, 16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x, text = self.embed(x), torch.ones(1, 4, WIDTH)
        for block in self.transformer_blocks:
            x, text = block(hidden_states=x, text=text)
        x = torch.cat([x, text], 1)
        for block in self.single_transformer_blocks:
            x = block(x)
        out: torch.Tensor = self.head(x)
        return out


class Fp8Linear(nn.Module):
    """Weights stored in 8 bits with a scale a row, dequantised when they are used."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs).to(torch.float8_e4m3fn), requires_grad=False)
        self.scale = nn.Parameter(torch.rand(outputs, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.linear(x, self.weight.to(x.dtype) * self.scale)


class Int8Weight(torch.Tensor):
    """A wrapper subclass as torchao has them: `F.linear` sees a weight, memory holds int8 and scales."""

    qdata: torch.Tensor
    scale: torch.Tensor

    @staticmethod
    def __new__(cls, qdata: torch.Tensor, scale: torch.Tensor) -> Int8Weight:
        made: Any = torch.Tensor._make_wrapper_subclass(
            cls, qdata.shape, dtype=scale.dtype, device=qdata.device, requires_grad=False
        )
        made.qdata, made.scale = qdata, scale
        wrapper: Int8Weight = made
        return wrapper

    def __tensor_flatten__(self) -> tuple[list[str], None]:
        return ["qdata", "scale"], None

    @classmethod
    def __tensor_unflatten__(cls, inner: dict[str, torch.Tensor], _: None, __: Any, ___: Any) -> Int8Weight:
        return cls(inner["qdata"], inner["scale"])

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        if func is torch.ops.aten.detach.default:
            return cls(args[0].qdata.detach(), args[0].scale.detach())
        if func is torch.ops.aten.clone.default:
            return cls(args[0].qdata.clone(), args[0].scale.clone())
        if func is torch.ops.aten._to_copy.default:
            device = kwargs["device"]
            return cls(args[0].qdata.to(device), args[0].scale.to(device))
        if func is torch.ops.aten.copy_.default:
            args[0].qdata.copy_(args[1].qdata)
            args[0].scale.copy_(args[1].scale)
            return args[0]
        plain = [at.qdata.to(at.scale.dtype) * at.scale if isinstance(at, cls) else at for at in args]
        return func(*plain, **(kwargs or {}))


def int8_linear(inputs: int, outputs: int) -> nn.Linear:
    linear = nn.Linear(inputs, outputs)
    qdata = torch.randint(-128, 127, (outputs, inputs), dtype=torch.int8)
    linear.weight = nn.Parameter(Int8Weight(qdata, torch.rand(outputs, 1)), requires_grad=False)
    return linear


class QuantisedBlock(nn.Module):
    def __init__(self, kind: str) -> None:
        super().__init__()
        make = Fp8Linear if kind == "fp8" else int8_linear
        self.up = make(WIDTH, 12 * WIDTH)
        self.down = make(12 * WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.down(torch.relu(self.up(x)))
        return x + 1e-3 * torch.nn.functional.normalize(y, dim=-1)


class OddBlock(nn.Module):
    """Weights that are transposed in memory, of one element, of odd sizes, and one that another module owns."""

    def __init__(self, tied: nn.Parameter) -> None:
        super().__init__()
        self.transposed = nn.Parameter(torch.randn(4 * WIDTH, WIDTH).t())
        self.permuted = nn.Parameter(torch.randn(2, WIDTH, 2, WIDTH).permute(3, 1, 0, 2))
        self.gain = nn.Parameter(torch.tensor(0.5))
        self.bias = nn.Parameter(torch.randn(4 * WIDTH + 1, dtype=torch.bfloat16))
        self.down = nn.Linear(4 * WIDTH, WIDTH)
        self.tied = tied

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x @ self.transposed + self.bias[:-1]
        y = y + (x @ self.permuted.reshape(WIDTH, -1)).repeat(1, 1, 1)[..., : 4 * WIDTH]
        out: torch.Tensor = x + self.gain * self.down(torch.tanh(y)) + self.tied
        return out


class Listed(nn.Module):
    """A list of whatever blocks."""

    def __init__(self, *blocks: nn.Module, tied: nn.Parameter | None = None) -> None:
        super().__init__()
        self.embed = nn.Linear(16, WIDTH)
        self.tied = tied
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.embed(x)
        for block in self.blocks:
            x = block(x)
        return x


def quantised(kind: str) -> Listed:
    return Listed(*(QuantisedBlock(kind) for _ in range(4)))


def odd() -> Listed:
    tied = nn.Parameter(torch.randn(WIDTH))
    return Listed(*(OddBlock(tied) for _ in range(4)), tied=tied)


MODELS = {
    "wan": Wan,
    "wan-bf16": lambda: Wan(dtype=torch.bfloat16, width=384),
    "flux": Flux,
    "fp8": lambda: quantised("fp8"),
    "int8": lambda: quantised("int8"),
    "odd": odd,
}


def inputs(dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(1, 8, 16, generator=torch.Generator().manual_seed(7)).to(dtype)
