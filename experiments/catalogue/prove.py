#!/usr/bin/env python3
"""Parameters and FLOPs of every entry of the catalogue, counted in diffusers' own model classes on the meta device.

    python experiments/catalogue/prove.py            # all entries; writes experiments/catalogue/diffusers.json
    python experiments/catalogue/prove.py wan flux.1 # those whose ids begin so, and leaves the others as they are
    python experiments/catalogue/prove.py --check    # writes nothing; exit code 1 where a count is another

Nothing is downloaded and no weight is held: a class is built from the configuration of its released checkpoint, and one
forward at the reference size runs on tensors that have shapes and no data. test/model/dit/diffusers.test.ts holds the
catalogue against the file.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import hashlib
import json
import pathlib
import sys
import traceback
import types
from typing import TYPE_CHECKING, Any
from unittest import mock

import diffusers
import torch
import torch.fx.experimental._config
from diffusers.models.transformers import transformer_cosmos
from diffusers.models.transformers.transformer_hidream_image import (
    HiDreamImageTransformer2DModel,
    MOEFeedForwardSwiGLU,
)
from entries import ENTRIES, Entry, meta
from torch.utils.flop_counter import FlopCounterMode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

RESULTS = pathlib.Path(__file__).parent / "diffusers.json"


def fingerprint(shapes: Mapping[str, tuple[int, ...]]) -> str:
    """SHA-256 over sorted lines `name:shape`."""
    lines = sorted(f"{name}:{','.join(map(str, shape))}" for name, shape in shapes.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def elements(shapes: Mapping[str, tuple[int, ...]]) -> int:
    """Parameters and stored buffers."""
    return sum(torch.Size(shape).numel() for shape in shapes.values())


def of_block(shapes: Mapping[str, tuple[int, ...]], name: str) -> dict[str, tuple[int, ...]]:
    """Tensors of one block under their names within it."""
    return {key.removeprefix(f"{name}."): shape for key, shape in shapes.items() if key.startswith(f"{name}.")}


@contextlib.contextmanager
def on_meta() -> Iterator[None]:
    """What forwards ask of a device, or of tensors' values, and shapes alone do not give.

    They may autocast by device type and resize a padding mask by torchvision, which is no work of a block, and send
    rows to experts, which are taken to get equally many.
    """
    autocast = torch.autocast

    def by_device(device_type: str, *rest: Any, **more: Any) -> contextlib.AbstractContextManager[Any]:
        return contextlib.nullcontext() if device_type == "meta" else autocast(device_type, *rest, **more)

    def routed(self: MOEFeedForwardSwiGLU, x: torch.Tensor, *_: object) -> torch.Tensor:
        for expert in self.experts:
            expert(x[: x.shape[0] * self.num_activated_experts // len(self.experts)])
        return x

    resize = types.SimpleNamespace(
        functional=types.SimpleNamespace(resize=lambda image, size, **_: meta(*image.shape[:-2], *size)),
        InterpolationMode=types.SimpleNamespace(NEAREST=None),
    )
    # Masks hide nothing, so all of their elements are there.
    nonzero = mock.patch.object(torch.fx.experimental._config, "meta_nonzero_assume_all_nonzero", True)
    with (
        nonzero,
        mock.patch.object(MOEFeedForwardSwiGLU, "moe_infer", routed),
        # Cuts the output to the sizes of its images, which a tensor holds.
        mock.patch.object(HiDreamImageTransformer2DModel, "unpatchify", lambda _, output, *__: output),
        mock.patch.object(torch, "autocast", by_device),
        mock.patch.object(transformer_cosmos, "transforms", resize, create=True),
    ):
        yield


def counted(entry: Entry) -> dict[str, Any]:
    """What the committed file says of one entry."""
    with torch.device("meta"):
        model = getattr(diffusers, entry.model)(**entry.config).eval()
    if entry.run is not None:
        model.forward = functools.partial(entry.run, model)
    counter = FlopCounterMode(display=False)
    with on_meta(), torch.no_grad(), counter:
        model(**entry.inputs())
    flops = {name: sum(ops.values()) for name, ops in counter.get_flop_counts().items()}
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    kinds: list[dict[str, Any]] = []
    outside = dict(shapes)
    for container in entry.lists:
        for position in range(len(model.get_submodule(container))):
            name = f"{container}.{position}"
            own = of_block(shapes, name)
            for tensor in own:
                del outside[f"{name}.{tensor}"]
            kind = {
                "container": container,
                "first": position,
                "parameters": elements(own),
                "tensorsSha256": fingerprint(own),
                "flops": flops[f"{entry.model}.{name}"],
            }
            same = kinds and all(kinds[-1][key] == value for key, value in kind.items() if key != "first")
            if same:
                kinds[-1]["count"] += 1
            else:
                kinds.append({**kind, "count": 1})
    return {
        "class": entry.model,
        "config": dict(entry.config),
        "size": entry.size,
        "parameters": elements(shapes),
        "blocks": kinds,
        "outside": {"parameters": elements(outside), "tensorsSha256": fingerprint(outside)},
        # With what lies outside of the blocks; null where `run` leaves that out.
        "forwardFlops": None if entry.run is not None else counter.get_total_flops(),
    }


def main() -> int:
    """Counts, and writes or compares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ids", nargs="*", help="entries whose ids begin so; all where not given")
    parser.add_argument("--check", action="store_true", help="compare with the committed file and write nothing")
    options = parser.parse_args()
    committed = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"entries": {}}
    chosen = [name for name in ENTRIES if not options.ids or any(name.startswith(begin) for begin in options.ids)]
    if not chosen:
        parser.error(f"no entry begins with {' or '.join(options.ids)}; there are {', '.join(ENTRIES)}")
    found: dict[str, Any] = {}
    wrong = 0
    for name in chosen:
        try:
            # Through JSON, so that tuples of a configuration are compared as the file has them.
            found[name] = json.loads(json.dumps(counted(ENTRIES[name])))
        except Exception as error:
            wrong += 1
            place = traceback.extract_tb(error.__traceback__)[-1]
            print(f"{name}: {type(error).__name__}: {error} ({place.filename}:{place.lineno})", flush=True)
            continue
        same = committed["entries"].get(name) == found[name]
        wrong += options.check and not same
        told = "as committed" if same else "not as committed" if options.check else "written"
        print(f"{name}: {found[name]['parameters']:,} parameters, {told}", flush=True)
    if options.check:
        return 1 if wrong else 0
    entries = {name: found.get(name, committed["entries"].get(name)) for name in sorted(ENTRIES)}
    versions = {"torch": torch.__version__.split("+")[0], "diffusers": diffusers.__version__}
    missing = [name for name, entry in entries.items() if entry is None]
    if missing:
        print(f"not counted yet: {', '.join(missing)}")
    counts = {name: entry for name, entry in entries.items() if entry is not None}
    RESULTS.write_text(json.dumps({"madeBy": versions, "entries": counts}, indent=1) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
