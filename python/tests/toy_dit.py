# mypy: disallow-untyped-calls=False
"""Small models of the shape that diffusion transformers have."""

from __future__ import annotations

import time
from typing import Any

import torch
import torch.distributed._functional_collectives as funcol
from torch import nn
from torch.nn import functional

HEADS = 4


def exchanged(x: torch.Tensor, group: Any) -> torch.Tensor:
    """An all-to-all as diffusers' Ulysses has it."""
    shape = x.shape
    result: Any = funcol.all_to_all_single(x.flatten(), None, None, group).reshape(shape)
    waited: torch.Tensor = result.wait() if isinstance(result, funcol.AsyncCollectiveTensor) else result
    return waited


class Attention(nn.Module):
    """Attention; in a group, all-to-alls exchange a rank's tokens of all heads for all tokens of its heads."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.to_q, self.to_k, self.to_v, self.to_out = (nn.Linear(width, width) for _ in range(4))
        self.norm = nn.RMSNorm(width)

    def forward(self, x: torch.Tensor, context: torch.Tensor, group: Any = None) -> torch.Tensor:
        q, k, v = self.norm(self.to_q(x)), self.norm(self.to_k(context)), self.to_v(context)
        q, k, v = (at.unflatten(-1, (HEADS, -1)) for at in (q, k, v))
        if group is not None:
            q, k, v = (self._heads_of_all(at, group) for at in (q, k, v))
        out = functional.scaled_dot_product_attention(*(at.transpose(1, 2) for at in (q, k, v))).transpose(1, 2)
        if group is not None:
            out = self._tokens_of_own(out, group)
        projected: torch.Tensor = self.to_out(out.flatten(2))
        return projected

    @staticmethod
    def _heads_of_all(x: torch.Tensor, group: Any) -> torch.Tensor:
        """(1, tokens / n, heads, d) to (1, tokens, heads / n, d)."""
        n = group.size()
        by_rank = x[0].unflatten(1, (n, -1)).transpose(0, 1).contiguous()
        return exchanged(by_rank, group).flatten(0, 1)[None]

    @staticmethod
    def _tokens_of_own(x: torch.Tensor, group: Any) -> torch.Tensor:
        n = group.size()
        by_rank = x[0].unflatten(0, (n, -1)).contiguous()
        return exchanged(by_rank, group).transpose(0, 1).flatten(1, 2)[None]


class Block(nn.Module):
    """Self-attention, cross-attention, MLP, modulated as Wan's."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attn1, self.attn2 = Attention(width), Attention(width)
        self.ffn = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.scale_shift = nn.Parameter(torch.randn(2, width) / 8)

    def forward(self, x: torch.Tensor, text: torch.Tensor, group: Any = None) -> torch.Tensor:
        scaled = x * (1 + self.scale_shift[0]) + self.scale_shift[1]
        x = x + self.attn1(scaled, scaled, group)
        x = x + self.attn2(x, text)
        result: torch.Tensor = x + self.ffn(x)
        return result


class ToyDit(nn.Module):
    """Embedding, blocks, head."""

    def __init__(self, blocks: int = 3, width: int = 32, group: Any = None) -> None:
        super().__init__()
        torch.manual_seed(7)
        self.embed = nn.Linear(8, width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(blocks))
        self.head = nn.Linear(width, 8)
        self.register_buffer("table", torch.ones(width))
        self.group = group

    def forward(self, hidden_states: torch.Tensor, encoder_hidden_states: torch.Tensor) -> torch.Tensor:
        x = self.embed(hidden_states) * self.table
        for block in self.blocks:
            x = block(x, encoder_hidden_states, self.group)
        result: torch.Tensor = self.head(x)
        return result


def toy_inputs(tokens: int = 16, width: int = 32) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    return {
        "hidden_states": torch.randn(1, tokens, 8, generator=generator),
        "encoder_hidden_states": torch.randn(1, 6, width, generator=generator),
    }


class Waits(nn.Module):
    """A block that takes a known time."""

    def __init__(self, seconds: float, width: int = 8) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.seconds = seconds

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        time.sleep(self.seconds)
        result: torch.Tensor = self.linear(x)
        return result


class Single(Waits):
    """The second list's class of a model with two."""


class TwoLists(nn.Module):
    """Lists of two classes, FLUX-like; time is spent before and behind them."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(7)
        self.pairs = nn.ModuleList(Waits(0.02) for _ in range(2))
        self.single = nn.ModuleList(Single(0.005) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        time.sleep(0.01)
        for block in [*self.pairs, *self.single]:
            x = block(x)
        time.sleep(0.01)
        return x
