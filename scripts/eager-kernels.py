"""Kernels that eager PyTorch launches in a block of diffusers' models, and the bytes that they read and write, by class of work.

    python scripts/eager-kernels.py

The blocks run on the meta device: shapes only, no weights, no GPU. Each operator that is no view is a kernel; attention is one.
`model/workload/computeMode.ts` has the ratios of these to what a workload counts of the same block at 4,096 tokens.
"""

from collections import Counter

import diffusers
import torch
from diffusers.models.transformers.transformer_flux import FluxSingleTransformerBlock, FluxTransformerBlock
from diffusers.models.transformers.transformer_wan import WanTransformerBlock
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

PRODUCTS = {"mm", "addmm", "bmm", "baddbmm"}
NO_KERNEL = {"detach", "empty", "empty_like", "_unsafe_view", "alias", "lift_fresh"}
TOKENS, TEXT = 4096, 512


class Kernels(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.launches, self.bytes = Counter(), Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if not func.is_view and name not in NO_KERNEL:
            self.count("gemm" if name in PRODUCTS else "elementwise", [args, kwargs, out])
        return out

    def count(self, kind, values):
        tensors = [leaf for leaf in tree_leaves(values) if isinstance(leaf, torch.Tensor)]
        self.launches[kind] += 1
        self.bytes[kind] += sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def tensor(*shape, dtype=torch.bfloat16):
    return torch.empty(*shape, dtype=dtype)


def rotary(*shape):
    return tensor(*shape, dtype=torch.float32), tensor(*shape, dtype=torch.float32)


def main():
    torch.set_default_device("meta")
    torch.set_default_dtype(torch.bfloat16)
    kernels = Kernels()

    def attention(query, *_, **__):
        kernels.launches["attention"] += 1
        return torch.empty_like(query)

    torch.nn.functional.scaled_dot_product_attention = attention
    flux = (tensor(1, TOKENS, 3072), tensor(1, TEXT, 3072), tensor(1, 3072), rotary(TOKENS + TEXT, 128))
    wan = (
        tensor(1, TOKENS, 5120),
        tensor(1, TEXT, 5120),
        tensor(1, 6, 5120, dtype=torch.float32),
        rotary(1, TOKENS, 1, 128),
    )
    blocks = {
        "wan2.1-14b": (WanTransformerBlock(5120, 13824, 40, "rms_norm_across_heads", True), wan),
        "flux.1 dual": (FluxTransformerBlock(3072, 24, 128), flux),
        "flux.1 single": (FluxSingleTransformerBlock(3072, 24, 128), flux),
    }
    print(f"diffusers {diffusers.__version__}, torch {torch.__version__}")
    for name, (block, inputs) in blocks.items():
        kernels.launches.clear()
        kernels.bytes.clear()
        with torch.no_grad(), kernels:
            block(*inputs)
        for kind, launches in sorted(kernels.launches.items()):
            print(f"{name:14} {kind:12} {launches:3} launches {kernels.bytes[kind] / 2**20:8.1f} MiB")


main()
