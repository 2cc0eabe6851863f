"""Builds the native library of a plan, once for each plan, and keeps it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from . import toolchain
from .errors import NativeError
from .native import Library
from .plan_file import PlanFile, read_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    Build: TypeAlias = Callable[[Path, Path], None]

LIBRARY = "attached.so"
BUILD_SCRIPT = "build.sh"
PLAN_IN_FOLDER = "plan.json"
BUILD_LIMIT_S = 1200.0
"""A build that takes longer is stopped; waiting for another process' build ends after it as well."""


def library_for(plan: str | os.PathLike[str] | PlanFile, backend: str) -> Library:
    """The library of a plan file, or of a folder that `chunkflow generate --attach` wrote; built if need be.

    It is kept in `$CHUNKFLOW_CACHE`, or `~/.cache/chunkflow`, under a digest of plan, backend and generator.
    Several processes may ask at once: one builds, the others wait. A folder's code is run: take folders only from where
    you take programs. A plan file is data alone.

    Args:
        plan: A plan file, a plan that was read, or a generated folder.
        backend: `cuda` or `host`.

    Raises:
        FileError: The plan file is not right.
        NativeError: Something that builds is missing, or the build failed; then its log is named.
    """
    if not isinstance(plan, PlanFile) and Path(plan).is_dir():
        return _library_of_folder(Path(plan), backend)
    read = plan if isinstance(plan, PlanFile) else read_plan(plan)
    source = toolchain.generator()
    key = _digest(read.canonical, _place_of(backend), _identity_of(source), platform.machine())

    def build(work: Path, log: Path) -> None:
        text = work / PLAN_IN_FOLDER
        text.write_text(json.dumps(read.file.value, indent=1))
        command = [str(toolchain.node()), str(source), "generate", "--attach", str(text), "--out", str(work / "source")]
        _run(command, log, "generating the library failed")
        _compile(work / "source", work / LIBRARY, backend, log)

    return Library(_built(key, build))


def plan_of_folder(folder: Path) -> PlanFile | None:
    """The plan that a generated folder was made from, where it holds one."""
    text = folder / PLAN_IN_FOLDER
    return read_plan(text) if text.is_file() else None


def cache_folder() -> Path:
    """Where libraries are kept: made on first use, for this user alone.

    Raises:
        NativeError: It cannot be made, or others may write to it, who could then have their code run.
    """
    named = os.environ.get("CHUNKFLOW_CACHE")
    folder = Path(named).expanduser() if named else Path.home() / ".cache" / "chunkflow"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = folder.stat()
    except OSError as error:
        raise NativeError(f"{folder}: the cache cannot be made: {error.strerror}; set $CHUNKFLOW_CACHE") from None
    if found.st_uid not in (os.getuid(), 0) or found.st_mode & stat.S_IWOTH:
        raise NativeError(
            f"{folder}: others may write to this cache of programs; chmod o-w it, or set $CHUNKFLOW_CACHE to a folder "
            "of your own"
        )
    return folder


def _library_of_folder(folder: Path, backend: str) -> Library:
    made = folder / LIBRARY
    if made.is_file():
        return Library(made)
    if not (folder / BUILD_SCRIPT).is_file():
        raise NativeError(
            f"{folder}: neither {LIBRARY} nor {BUILD_SCRIPT} is in it; expected a plan file, or a folder that "
            "chunkflow generate --attach wrote"
        )
    key = _digest(
        "folder", _place_of(backend), _identity_of_files(folder, sorted(folder.rglob("*"))), platform.machine()
    )
    return Library(_built(key, lambda work, log: _compile(folder, work / LIBRARY, backend, log)))


def _place_of(backend: str) -> str:
    """Backend; with CUDA also its version and the environment whose libcudart the library is linked to."""
    return backend if backend == "host" else f"{backend} {torch.version.cuda} {sys.prefix}"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join((*parts, os.environ.get("CXX", ""))).encode()).hexdigest()[:32]


def _identity_of(generator: Path) -> str:
    """Changes when the generator does: the bundle's files, or those of all that a checkout generates from."""
    root = generator.parent.parent
    folders = [root / name for name in ("dist", "runtime", "cuda-templates", "codegen/attach")]
    if not folders[0].is_dir():
        return _identity_of_files(generator.parent, sorted(generator.parent.rglob("*")))
    files = [file for folder in folders for file in sorted(folder.rglob("*"))]
    return _identity_of_files(root, [*files, root / "package.json", generator])


def _identity_of_files(root: Path, files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        if file.is_file():
            digest.update(f"{file.relative_to(root)}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _built(key: str, build: Build) -> Path:
    """The library in the cache. `build(work, log)` makes it in a folder that is then renamed, so none is half there."""
    cache = cache_folder()
    made = cache / key / LIBRARY
    if made.is_file():
        return made
    with _lock(cache / f"{key}.lock"):
        if made.is_file():
            return made
        shutil.rmtree(made.parent, ignore_errors=True)
        work = Path(tempfile.mkdtemp(prefix=f"{key}.", dir=cache))
        try:
            build(work, cache / f"{key}.log")
            work.rename(made.parent)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return made


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Holds a lock file: it ends with the process, so that a killed one leaves nothing behind."""
    until = time.monotonic() + BUILD_LIMIT_S
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise NativeError(
                        f"{path}: another process has been building this library for {BUILD_LIMIT_S:.0f} s; end it"
                    ) from None
                time.sleep(0.05)
        yield


def _compile(source: Path, library: Path, backend: str, log: Path) -> None:
    environment = {"CXX": toolchain.compiler()}
    if backend == "cuda":
        environment |= toolchain.cuda_folders()
    script = (source / BUILD_SCRIPT).resolve()
    _run(["sh", str(script), backend, str(library)], log, "compiling the library failed", environment)
    if not library.is_file():
        raise NativeError(f"{script}: ended well but wrote no {library.name}; see {log}")


def _run(command: Sequence[str], log: Path, failed: str, environment: Mapping[str, str] | None = None) -> None:
    """Runs a command whose output goes to the log; ends it and what it started on any failure here."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
        try:
            status = process.wait(BUILD_LIMIT_S)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if isinstance(error, subprocess.TimeoutExpired):
                raise NativeError(f"{failed}: it took more than {BUILD_LIMIT_S:.0f} s; see {log}") from None
            raise
    if status != 0:
        raise NativeError(f"{failed}: {_reason(log)}; see {log}")


def _reason(log: Path) -> str:
    """The first line of a log that speaks of an error, else its last."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    said = next((line for line in lines if "error" in line.lower()), lines[-1] if lines else "it said nothing")
    return said.removeprefix("error: ")[:300]
