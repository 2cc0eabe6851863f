"""Asks ChunkFlow's command line from Python: predictions, simulations and plans as dictionaries and data frames."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from .errors import QuestionError
from .toolchain import generator, node

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from typing_extensions import Unpack


class Workload(TypedDict, total=False):
    """What is computed and where: the flags of the command line, with ``_`` for ``-``."""

    model: str | Path
    entry: str
    dtype: str
    profile: str | Path
    size: str
    batch: int
    sp: int
    ring: int
    tp: int
    cfg: str
    exchange: str
    text_rows: int
    experts_on_gpu: int
    reference_image: str | Sequence[str]
    blocks: int
    compute_dtype: str
    attention: str
    eager: bool
    machine: str | Path
    gpus: int
    pcie: str
    topology: str
    transport: str
    set: str | Sequence[str]
    measured: str
    measured_size: str
    measured_collectives: str


class Scenario(Workload, total=False):
    """A workload on a machine, and the plans to compare."""

    plan: str | Path | Sequence[str | Path]
    resident: float | str
    prefetch: int
    chunk: str
    slots: int
    steps: int
    before: str
    after: str
    switch: str


class Search(Workload, total=False):
    """A workload on a machine, and what a plan may take there."""

    gpu_memory: str
    host_memory: str
    explain: bool
    front: int
    uncertain: str
    nominal: bool


class Document(dict[str, Any]):
    """What a command prints with ``--json``: seconds and bytes; ``chunkflow schema`` says each field."""

    def frame(self) -> pd.DataFrame:
        """A row for each plan: a choice first, then what it is compared with. Needs pandas.

        Nested fields have names with dots, such as ``doubt.stepS``.

        Raises:
            QuestionError: pandas is missing.
        """
        plans = self["plans"] if "plans" in self else [self["choice"], *self["compared"]]
        try:
            import pandas as pd
        except ImportError:
            raise _missing("pandas", "a data frame") from None
        return pd.json_normalize(plans)


def predict(**scenario: Unpack[Scenario]) -> Document:
    """Predicts the step time of each plan in closed form, as ``chunkflow predict --json``.

    Raises:
        QuestionError: The command line's own line about what does not fit.

    >>> asked = predict(model="wan2.1-t2v-14b", size="832x480x81", machine="h200-x2", plan=["none", "yield"])
    >>> [plan["plan"] for plan in asked["plans"]]
    ['none', 'yield']
    """
    return _asked("predict", dict(scenario))


def simulate(**scenario: Unpack[Scenario]) -> Document:
    """Simulates a steady step of each plan, as ``chunkflow simulate --json``.

    Raises:
        QuestionError: The command line's own line about what does not fit.
    """
    return _asked("simulate", dict(scenario))


def plan(**search: Unpack[Search]) -> Document:
    """Finds the fastest plan within caps on memory, as ``chunkflow plan --json``.

    Its ``plan`` is a plan file's content: as JSON in a file it goes to ``attach``, and to ``plan=`` of the others.

    Raises:
        QuestionError: Nothing fits, or the command line's own line about what does not.
    """
    return _asked("plan", dict(search))


class Chart(bytes):
    """A picture as PNG, which notebooks show."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<chart: {len(self)} bytes of PNG>"

    def _repr_png_(self) -> bytes:
        return bytes(self)


def plot(kind: str, *files: str | Path, **flags: object) -> Chart:
    """Draws what ``chunkflow plot KIND`` does: ``tokens``, ``residuals``, ``predicted-vs-measured``, ...

    Args:
        kind: One of ``chunkflow plot --help``.
        files: What it reads.
        flags: Its flags, with ``_`` for ``-``; a list repeats one.

    Raises:
        QuestionError: The command line's own line about what does not fit.
    """
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder, "chart.png")
        _run(["plot", kind, *map(str, files), *_flags({**flags, "out": picture})])
        return Chart(picture.read_bytes())


def command(name: str, *words: str | Path, **flags: object) -> str:
    """What any command of ``chunkflow`` prints.

    Args:
        name: One of ``chunkflow --help``.
        words: Its arguments.
        flags: Its flags, with ``_`` for ``-``; a list repeats one.

    Raises:
        QuestionError: The command line's own line about what does not fit.
    """
    return _run([name, *map(str, words), *_flags(flags)])


def read_steps(*files: str | Path) -> pd.DataFrame:
    """Measured steps, a row each: JSON Lines of ``chunkflow experiment collect``, or the Parquet made of them.

    Needs pandas and pyarrow.

    Raises:
        QuestionError: A file cannot be read, with its line; pandas or pyarrow is missing.
    """
    if not files:
        raise QuestionError("read_steps: no file; give the JSON Lines of `chunkflow experiment collect`, or Parquet")
    try:
        import pandas as pd
        import pyarrow.lib
        import pyarrow.parquet
    except ImportError as error:
        raise _missing(str(error.name).split(".")[0], "measured steps") from None
    lines = [str(file) for file in files if Path(file).suffix != ".parquet"]
    tables = [str(file) for file in files if Path(file).suffix == ".parquet"]
    with tempfile.TemporaryDirectory() as folder:
        if lines:
            made = str(Path(folder, "steps.parquet"))
            _run(["experiment", "parquet", "--out", made, *lines])
            tables.append(made)
        try:
            frames = [pyarrow.parquet.read_table(table).to_pandas() for table in tables]
        except (OSError, pyarrow.lib.ArrowException) as error:
            said = str(error).splitlines()[0]
            raise QuestionError(f"read_steps: {said}; give Parquet of `chunkflow experiment parquet`") from None
    return pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]


def _missing(package: str, what: str) -> QuestionError:
    return QuestionError(f"{package}: is not installed, which makes {what}: pip install pandas pyarrow")


def _asked(command: str, question: dict[str, Any]) -> Document:
    return Document(json.loads(_run([command, "--json", *_flags(question)])))


def _flags(question: Mapping[str, object]) -> list[str]:
    flags: list[str] = []
    for name, value in question.items():
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            flags.append(flag)
        elif value is False or value is None:
            continue
        elif isinstance(value, list | tuple):
            flags.extend(word for one in value for word in (flag, str(one)))
        else:
            flags.extend((flag, str(value)))
    return flags


def _run(words: list[str]) -> str:
    """What the command line prints. Its own mistakes are of its own: those keep their text."""
    done = subprocess.run(
        [str(node()), str(generator()), *words],
        capture_output=True,
        text=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode == 0:
        return done.stdout
    said = done.stderr.strip()
    raise QuestionError(said.removeprefix("error: ") or f"chunkflow {words[0]} ended with {done.returncode}")
