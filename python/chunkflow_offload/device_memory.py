"""Tensors over memory that the native library owns."""

from __future__ import annotations

import ctypes
import hashlib
from typing import TYPE_CHECKING, Any

import torch

from .errors import NativeError
from .layout import bytes_of

if TYPE_CHECKING:
    from .native import Handle


def bytes_at(address: int, nbytes: int, device: torch.device, owner: Handle) -> torch.Tensor:
    """A uint8 tensor over memory at an address; it, and all views of it, hold a reference to the memory's owner."""
    if device.type == "cpu":
        memory: Any = (ctypes.c_char * nbytes).from_address(address)
        memory.owner = owner
        return torch.frombuffer(memory, dtype=torch.uint8)
    view = torch.as_tensor(_CudaArray(address, nbytes, owner), device=device)
    if view.data_ptr() != address:
        raise NativeError(f"device memory at {address:#x} is not on {device}: PyTorch has copied it")
    return view


class _CudaArray:
    """What `torch.as_tensor` takes device memory from."""

    def __init__(self, address: int, nbytes: int, owner: Handle) -> None:
        self.owner = owner
        self.__cuda_array_interface__ = {
            "data": (address, False),
            "shape": (nbytes,),
            "strides": None,
            "typestr": "|u1",
            "version": 3,
        }


def digest_of(tensor: torch.Tensor) -> bytes:
    """Digest of a dense tensor's bytes as stored."""
    host = bytes_of(tensor).cpu()
    memory = (ctypes.c_char * host.numel()).from_address(host.data_ptr())
    return hashlib.blake2b(memory, digest_size=16).digest()
