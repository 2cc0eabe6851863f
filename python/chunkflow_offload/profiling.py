"""Profiles a model: its blocks and their bytes, their windows, and what they exchange."""

from __future__ import annotations

import logging
import re
import statistics
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist

from .compiled_modules import class_of
from .device_clock import Facts, clock_of, facts_while_busy
from .errors import ChunkflowError, ProfileError
from .layout import Block, find_blocks, fingerprint
from .pass_medians import measured
from .passes import Pass, passes_of, refuse_other_collectives
from .placement import Placement, placed
from .plain_tensors import plain_tensors
from .profile_file import MODEL_ID, Made, Process, Profile, Step, write_profile
from .ranks import from_all, is_first, merged
from .step_recorder import RecordedStep, Recorder
from .version import VERSION

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from torch import nn

    from .device_clock import Clock

STEADY_STEPS = 3
STEADY_SHARE = 0.01
"""On a GPU, warming up goes on until the last `STEADY_STEPS` steps' times differ by less than this."""

MOST_STEPS_TO_STEADY = 30

MOST_LEAD_S = 1.0
HOST_STEPS = 5
HOST_BOUND = 1.03
"""A step that takes so many times as long without a lead as with one is one that the host's launches limit."""

_log = logging.getLogger("chunkflow_offload")


def profile(
    model: nn.Module,
    step: Callable[[], Any],
    *,
    path: str | os.PathLike[str] | None = None,
    steps: int = 5,
    warmup: int = 2,
    containers: Sequence[str] | None = None,
    device: torch.device | str | int | None = None,
    block_by_block: bool | None = None,
    id: str | None = None,  # noqa: A002
) -> Profile:
    """Measures a model while `step` runs, and writes what `chunkflow plan --profile` reads.

    Ranks that meet in collectives call this at once, all of the default process group; rank 0 writes.

    Args:
        model: The module whose blocks are to be streamed; of a pipeline, its transformer.
        step: Runs one denoising step, or one forward, of this very model, with inputs on `device`.
        path: The file to write; without it, `ID.profile.json` in the current folder.
        steps: Measured steps.
        warmup: Steps before them; on a GPU more of them until their times agree within 1 %.
        containers: Attribute paths of the lists of blocks in order of execution; without it, they are looked for.
        device: Where the step runs; without it, where the model's parameters are. Those that are elsewhere are brought
            there meanwhile.
        block_by_block: Whether a block's weights are on the device only while it runs; without it, where they would not
            fit otherwise. The windows are the same.
        id: What plans call the model: small letters, digits, dots and dashes; without it, from the class' name.

    Returns:
        The profile, with `path` where this rank wrote it.

    Raises:
        ModelError: The blocks cannot be found or streamed.
        ProfileError: The step does not run the blocks in one order with the same collectives in each pass.
    """
    name = class_of(model).__name__
    model_id = _model_id(id, name)
    _check_counts(step, steps, warmup)
    file = Path(path) if path is not None else Path(f"{model_id}.profile.json")
    if not file.absolute().parent.is_dir():
        raise ProfileError(f"path: {file}: its folder does not exist")
    blocks = find_blocks(model, containers)
    at = _device(model, device)
    clock = clock_of(at)
    notes: list[str] = []
    with _memory_errors_explained(), placed(model, blocks, at, block_by_block) as placement:
        recorder = Recorder(model, blocks, clock, placement)
        with recorder.hooked():
            lead_s = _warm_up(recorder, step, warmup, at, notes)
            _reset_peak(at)
            recorded = [recorder.run(step, 1.2 * lead_s) for _ in range(steps)]
            clock.finish()
            activation_bytes = _activation_bytes(model, blocks, at, placement, notes)
            process = _process(at)
            with facts_while_busy(at) as facts:
                if at.type == "cuda":
                    recorder.run(step)
        host_s = None
        if at.type == "cuda" and not placement.brings:
            host_s = _host_seconds(step, clock, min(clock.seconds(each.begins, each.ends) for each in recorded))
    own = _or_error(
        lambda: _profile_of(
            recorded,
            recorder,
            model_id,
            fingerprint(blocks),
            _made(facts),
            activation_bytes,
            process,
            host_s,
            tuple(notes),
        )
    )
    return _written(_of_all_ranks(own, together=_together(recorder)), file)


def _profile_of(
    recorded: Sequence[RecordedStep],
    recorder: Recorder,
    model_id: str,
    blocks_fingerprint: str,
    made: Made,
    activation_bytes: int,
    process: Process | None,
    host_s: float | None,
    notes: tuple[str, ...],
) -> Profile:
    """The profile of one rank's recorded steps."""
    model, blocks, clock = recorder.model, recorder.blocks, recorder.clock
    passes = [passes_of(each, number, blocks, clock) for number, each in enumerate(recorded, 1)]
    refuse_other_collectives(passes, blocks)
    found = measured(passes, blocks)
    sizes = _group_sizes(passes)
    if len(sizes) > 1:
        listed = " and ".join(str(size) for size in sizes)
        notes = (*notes, f"collectives are of groups of {listed} ranks; the profile says {max(sizes)}")
    return Profile(
        model_id=model_id,
        model_name=class_of(model).__name__,
        fingerprint=blocks_fingerprint,
        made=made,
        step=Step(max(sizes, default=1), len(passes[0]), len(passes), recorder.inputs, host_s),
        kinds=found.kinds,
        blocks=found.runs,
        outside_bytes=_outside_bytes(model, blocks),
        outside_s=found.outside_s,
        activation_bytes=activation_bytes,
        process=process,
        notes=notes,
    )


def _warm_up(recorder: Recorder, step: Callable[[], Any], warmup: int, device: torch.device, notes: list[str]) -> float:
    """Runs steps until the device's clock is steady, on all ranks as many.

    Returns:
        Seconds by which the device may begin a step later without the step's kernels having to wait for their launches.
    """
    times: list[float] = []
    lead_s = 0.0
    least = warmup if device.type != "cuda" or warmup == 0 else max(warmup, STEADY_STEPS)
    most = least if device.type != "cuda" or warmup == 0 else least + MOST_STEPS_TO_STEADY
    for number in range(1, most + 1):
        recorded = recorder.run(step)
        # The device was idle when this began, so that the host has not waited for it, unless the step itself does.
        lead_s = min(recorded.host_s, lead_s or MOST_LEAD_S)
        recorder.clock.finish()
        times.append(recorder.clock.seconds(recorded.begins, recorded.ends))
        if number >= least and all(from_all(_steady(times), together=_together(recorder))):
            return lead_s
    if most > least:
        last = times[-STEADY_STEPS:]
        notes.append(
            f"the clock was not steady: after {most} steps the last {STEADY_STEPS} took "
            f"{min(last):.6g} to {max(last):.6g} s"
        )
    return lead_s


def _host_seconds(step: Callable[[], Any], clock: Clock, with_lead_s: float) -> float | None:
    """What the host takes to issue a step, if that is what a step takes; None where the device takes longer.

    Without hooks, one step behind the other as the model's user runs them.

    Args:
        step: As it was profiled.
        clock: Of the device.
        with_lead_s: What a step takes the device where the host is ahead of it.
    """
    step()
    marks = [clock.mark()]
    # As many steps in any case: ranks meet in them.
    for _ in range(HOST_STEPS):
        step()
        marks.append(clock.mark())
    clock.finish()
    own_s = statistics.median(clock.seconds(before, after) for before, after in pairwise(marks))
    return own_s if own_s > HOST_BOUND * with_lead_s else None


def _steady(times: Sequence[float]) -> bool:
    last = times[-STEADY_STEPS:]
    return len(last) == STEADY_STEPS and max(last) <= (1 + STEADY_SHARE) * min(last)


@contextmanager
def _memory_errors_explained() -> Iterator[None]:
    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        reason = str(error).splitlines()[0]
        raise ProfileError(f"{reason}; profile with block_by_block=True or a smaller step") from error


def _reset_peak(device: torch.device) -> None:
    if device.type == "cuda":
        # What was allocated on the way here is not what a step needs.
        torch.cuda.synchronize(device)
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def _activation_bytes(
    model: nn.Module, blocks: Sequence[Block], device: torch.device, placement: Placement, notes: list[str]
) -> int:
    """Peak of the device's memory since `_reset_peak`, without the weights that were there."""
    if device.type != "cuda":
        notes.append("activationBytes is 0: the memory that activations take is not known on the host")
        return 0
    within = [block.nbytes for block in blocks]
    weights = _outside_bytes(model, blocks) + (max(within) if placement.brings else sum(within))
    return max(0, torch.cuda.max_memory_allocated(device) - weights)


def _process(device: torch.device) -> Process | None:
    """What the process holds of the device beyond what is allocated; peaks are those since `_reset_peak`."""
    if device.type != "cuda":
        return None
    free, total = torch.cuda.mem_get_info(device)
    return Process(
        allocator_bytes=torch.cuda.max_memory_reserved(device) - torch.cuda.max_memory_allocated(device),
        other_bytes=max(0, total - free - torch.cuda.memory_reserved(device)),
    )


def _outside_bytes(model: nn.Module, blocks: Sequence[Block]) -> int:
    """Bytes of all parameters and buffers that are not streamed."""
    streamed = {id(leaf.tensor) for block in blocks for leaf in block.leaves}
    plain = {id(at.tensor): at.tensor for tensor in _tensors(model) for at in plain_tensors("", tensor)}
    return sum(tensor.numel() * tensor.element_size() for identity, tensor in plain.items() if identity not in streamed)


def _tensors(model: nn.Module) -> Iterable[torch.Tensor]:
    yield from model.parameters()
    yield from model.buffers()


def _group_sizes(steps: Sequence[Sequence[Pass]]) -> list[int]:
    calls = [each.call for passes in steps for at in passes for visit in at.visits for each in visit.calls]
    return sorted({call.group_size for call in calls})


def _together(recorder: Recorder) -> bool:
    return recorder.heard > 0 and dist.is_initialized() and dist.get_world_size() > 1


def _or_error(make: Callable[[], Profile]) -> Profile | ChunkflowError:
    """An error that a rank has is told to all of them, which would otherwise wait for it."""
    try:
        return make()
    except ChunkflowError as error:
        return error


def _of_all_ranks(own: Profile | ChunkflowError, *, together: bool) -> Profile:
    everyones = from_all(own, together=together)
    if isinstance(own, ChunkflowError):
        raise own
    for rank, other in enumerate(everyones):
        if isinstance(other, ChunkflowError):
            raise ProfileError(f"rank {rank}: {other}")
    return merged([each for each in everyones if isinstance(each, Profile)])


def _written(found: Profile, file: Path) -> Profile:
    if not is_first():
        return found
    for note in found.notes:
        _log.warning("%s: %s", found.model_name, note)
    return replace(found, path=write_profile(found, file))


def _made(facts: Facts) -> Made:
    return Made(
        at=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        backend=facts.backend,
        device=facts.device,
        driver=facts.driver,
        cuda=facts.cuda,
        torch=str(torch.__version__),
        nccl=facts.nccl,
        by=f"chunkflow-offload {VERSION}",
        sm_hz=facts.sm_hz,
    )


def _model_id(given: str | None, name: str) -> str:
    found = given if given is not None else re.sub(r"[^a-z0-9.-]+", "-", name.lower())
    if not isinstance(found, str) or re.fullmatch(MODEL_ID, found) is None:
        raise ProfileError(f"id: expected at most 100 small letters, digits, dots and dashes, got {found!r}")
    return found


def _check_counts(step: object, steps: int, warmup: int) -> None:
    if not callable(step):
        raise ProfileError(f"step: expected a function that runs one step of the model, got {type(step).__name__}")
    for what, value, least in (("steps", steps, 1), ("warmup", warmup, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ProfileError(f"{what}: expected an integer of at least {least}, got {value!r}")


def _device(model: nn.Module, given: torch.device | str | int | None) -> torch.device:
    """The device that a step runs on, with its index."""
    if given is None:
        used = [at.tensor.device for parameter in model.parameters() for at in plain_tensors("", parameter)]
        found = next((device for device in used if device.type == "cuda"), torch.device("cpu"))
    else:
        try:
            found = torch.device(given)
        except (RuntimeError, TypeError):
            raise ProfileError(f'device: expected "cpu", "cuda" or "cuda:N", got {given!r}') from None
    if found.type == "cpu":
        return torch.device("cpu")
    if found.type != "cuda":
        raise ProfileError(f'device: expected "cpu", "cuda" or "cuda:N", got "{found}"')
    if not torch.cuda.is_available() or (found.index or 0) >= torch.cuda.device_count():
        raise ProfileError(f'device: "{found}" is not here; PyTorch sees {torch.cuda.device_count()} CUDA devices')
    return found if found.index is not None else torch.device("cuda", torch.cuda.current_device())
