"""The blocks of a model, and how the bytes of each block's parameters lie in one contiguous piece."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn

from .compiled_modules import class_of, plain_name
from .containers import largest_containers, named_containers
from .errors import ModelError
from .plain_tensors import plain_parameters, plain_tensors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ALIGNMENT_BYTES = 256
"""Every leaf starts at a multiple of this: what any dtype's vector loads and the runtime's copies ask for."""


@dataclass(frozen=True)
class Leaf:
    """One plain tensor of a block's parameters.

    Attributes:
        name: Dotted, within the block: `attn1.to_q.weight`; a wrapper subclass' inner tensor follows a colon:
            `attn1.to_q.weight:qdata`.
        tensor: The plain tensor object that is rebound with `.data = view`.
        offset: Bytes from the start of the block, a multiple of `ALIGNMENT_BYTES`.
        nbytes: Bytes as stored: dense and non-overlapping, in the order of the tensor's own strides.
    """

    name: str
    tensor: torch.Tensor
    offset: int
    nbytes: int


@dataclass(frozen=True)
class Block:
    """One block of a model.

    Attributes:
        path: Attribute path from the model: `blocks.0`.
        module: The block itself.
        leaves: Its streamed tensors in order of definition, without what other blocks or the rest of the model use.
        nbytes: End of the last leaf, the block's weight bytes.
    """

    path: str
    module: nn.Module
    leaves: tuple[Leaf, ...]
    nbytes: int


def find_blocks(model: nn.Module, containers: Sequence[str] | None = None) -> tuple[Block, ...]:
    """Blocks of a model in order of definition.

    Without `containers`, the outermost `nn.ModuleList` or `nn.Sequential` containers of two or more modules of one
    class, as far as each holds at least 5 % of the model's parameter bytes and all of them together more than half.
    Buffers are not part of a block's bytes, neither are parameters that another block or the rest of the model uses.

    Args:
        model: Any module.
        containers: Attribute paths of the containers in order of execution, such as `["blocks"]`.

    Raises:
        ModelError: No or several readings of where the blocks are; a parameter whose elements share memory, have gaps
            between them or have no memory.
    """
    if not isinstance(model, nn.Module):
        raise ModelError(
            f"model: expected a torch.nn.Module (of a pipeline: its transformer), got {type(model).__name__}"
        )
    found = named_containers(model, containers) if containers is not None else largest_containers(model)
    blocks = [(f"{at.path}.{i}", module) for at in found for i, module in enumerate(at.blocks)]
    _refuse_repeated(blocks)
    shared = _shared_tensors(model, blocks)
    laid = tuple(_lay(path, module, shared) for path, module in blocks)
    _refuse_shared_memory(model, laid)
    return laid


def kinds_of(blocks: Sequence[Block]) -> list[tuple[Block, ...]]:
    """Groups of alike blocks, in order of first appearance: same class name, leaf names, shapes, dtypes and strides."""
    groups: dict[str, list[Block]] = {}
    for block in blocks:
        groups.setdefault(_kind_key(block), []).append(block)
    return [tuple(group) for group in groups.values()]


def kind_indices(blocks: Sequence[Block]) -> tuple[int, ...]:
    """For each block the index of its group in `kinds_of`."""
    keys = [_kind_key(block) for block in blocks]
    order = {key: index for index, key in enumerate(dict.fromkeys(keys))}
    return tuple(order[key] for key in keys)


def fingerprint(blocks: Sequence[Block]) -> str:
    """`sha256:...` of the kinds and their order; values, device and the containers' names do not enter.

    Two models with one fingerprint have blocks whose bytes lie alike, so a plan for the one fits the other.
    """
    text = json.dumps(
        {
            "kinds": [json.loads(_kind_key(group[0])) for group in kinds_of(blocks)],
            "blocks": kind_indices(blocks),
        },
        separators=(",", ":"),
        sort_keys=True,
    )
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def dtype_name(dtype: torch.dtype) -> str:
    """`bfloat16` of `torch.bfloat16`."""
    return str(dtype).removeprefix("torch.")


def bytes_of(tensor: torch.Tensor) -> torch.Tensor:
    """A dense tensor's memory as a flat uint8 tensor: an alias, not a copy."""
    flat = tensor.detach().as_strided((tensor.numel(),), (1,), tensor.storage_offset())
    return flat.view(torch.uint8)


def view_like(raw: torch.Tensor, leaf: Leaf) -> torch.Tensor:
    """A leaf's dtype, shape and strides over its bytes in `raw`, the block's bytes as a flat uint8 tensor."""
    own = raw[leaf.offset : leaf.offset + leaf.nbytes]
    return own.view(leaf.tensor.dtype).as_strided(leaf.tensor.shape, leaf.tensor.stride())


def _refuse_repeated(blocks: Sequence[tuple[str, nn.Module]]) -> None:
    first: dict[int, str] = {}
    for path, module in blocks:
        if id(module) in first:
            raise ModelError(
                f"{path} is the same module as {first[id(module)]}; blocks of one plan are distinct modules"
            )
        first[id(module)] = path


def _shared_tensors(model: nn.Module, blocks: Sequence[tuple[str, nn.Module]]) -> frozenset[int]:
    """Identities of tensors that more than one block uses, or a block and the rest of the model."""
    inside = {id(module) for _, module in blocks}
    users: dict[int, set[str]] = {}
    for path, module in blocks:
        for at in plain_parameters(module):
            users.setdefault(id(at.tensor), set()).add(path)
    for module in _modules_outside(model, inside):
        for name, parameter in module.named_parameters(recurse=False):
            for at in plain_tensors(name, parameter):
                if id(at.tensor) in users:
                    users[id(at.tensor)].add("")
    return frozenset(identity for identity, by in users.items() if len(by) > 1)


def _modules_outside(module: nn.Module, inside: set[int]) -> Iterator[nn.Module]:
    if id(module) in inside:
        return
    yield module
    for child in module.children():
        yield from _modules_outside(child, inside)


def _lay(path: str, module: nn.Module, shared: frozenset[int]) -> Block:
    leaves: list[Leaf] = []
    end = 0
    for at in plain_parameters(module):
        tensor = at.tensor
        if id(tensor) in shared or tensor.numel() == 0:
            continue
        _refuse_unstreamable(f"{path}.{at.name}", tensor)
        nbytes = tensor.numel() * tensor.element_size()
        offset = -(-end // ALIGNMENT_BYTES) * ALIGNMENT_BYTES
        leaves.append(Leaf(plain_name(at.name), tensor, offset, nbytes))
        end = offset + nbytes
    return Block(path, module, tuple(leaves), end)


def _refuse_unstreamable(name: str, tensor: torch.Tensor) -> None:
    if tensor.layout != torch.strided or tensor.is_quantized:
        kind = "quantized" if tensor.is_quantized else str(tensor.layout).removeprefix("torch.")
        raise ModelError(f"{name}: expected a strided tensor, got a {kind} one; its bytes cannot be streamed")
    if tensor.is_conj() or tensor.is_neg():
        raise ModelError(f"{name}: is a lazy conjugate or negative; call .resolve_conj().resolve_neg() on it")
    span = _span(tensor)
    held = tensor.untyped_storage().nbytes() // tensor.element_size() - tensor.storage_offset()
    if tensor.device.type != "meta" and held < span:
        raise ModelError(f"{name}: has no memory of its own now (sharded, or released by another offloading)")
    if not _is_dense(tensor):
        overlaps = span < tensor.numel() or 0 in _strides_of_long_dims(tensor)
        fault = "elements that share memory (expanded)" if overlaps else "gaps between its elements"
        raise ModelError(
            f"{name}: shape {tuple(tensor.shape)} with strides {tensor.stride()} has {fault}; "
            "make it dense: parameter.data = parameter.data.contiguous()"
        )


def _strides_of_long_dims(tensor: torch.Tensor) -> list[int]:
    return [stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True) if size > 1]


def _is_dense(tensor: torch.Tensor) -> bool:
    """Whether the elements fill one range of memory, each once, in whatever order of dimensions."""
    expected = 1
    dims = [(stride, size) for size, stride in zip(tensor.shape, tensor.stride(), strict=True) if size > 1]
    for stride, size in sorted(dims):
        if stride != expected:
            return False
        expected *= size
    return True


class _Range(NamedTuple):
    owner: int
    start: int
    end: int
    name: str
    streamed: bool


def _refuse_shared_memory(model: nn.Module, blocks: Sequence[Block]) -> None:
    """Refuses different parameters over the same memory: streaming would separate them."""
    streamed = {id(leaf.tensor): f"{block.path}.{leaf.name}" for block in blocks for leaf in block.leaves}
    tensors = {id(at.tensor): at for at in plain_parameters(model)}
    ranges = sorted(
        _range(at.tensor, streamed.get(identity, at.name), identity in streamed)
        for identity, at in tensors.items()
        if at.tensor.layout == torch.strided and at.tensor.numel() > 0
    )
    furthest: dict[bool, _Range] = {}
    for at in ranges:
        for before in furthest.values():
            if before.owner == at.owner and at.start < before.end and (before.streamed or at.streamed):
                raise ModelError(
                    f"{before.name} and {at.name} are different parameters over the same memory; "
                    "make them one parameter or copies"
                )
        last = furthest.get(at.streamed)
        if last is None or last.owner != at.owner or last.end < at.end:
            furthest[at.streamed] = at


def _range(tensor: torch.Tensor, name: str, streamed: bool) -> _Range:
    """Memory from a tensor's first element to its last."""
    storage = tensor.untyped_storage()
    # Storages of the meta device have no address: they are told apart by identity.
    base, owner = (storage.data_ptr(), 0) if storage.data_ptr() else (0, storage._cdata)
    start = base + int(tensor.storage_offset()) * tensor.element_size()
    return _Range(owner, start, start + _span(tensor) * tensor.element_size(), name, streamed)


def _span(tensor: torch.Tensor) -> int:
    """Elements from the first in memory to the last, both included."""
    return 1 + sum((size - 1) * int(stride) for size, stride in zip(tensor.shape, tensor.stride(), strict=True))


def _kind_key(block: Block) -> str:
    return json.dumps(
        [
            class_of(block.module).__name__,
            [
                [
                    leaf.name,
                    list(leaf.tensor.shape),
                    list(leaf.tensor.stride()),
                    dtype_name(leaf.tensor.dtype),
                    leaf.offset,
                ]
                for leaf in block.leaves
            ],
        ]
    )
