"""Whatever is done to an attached model, in any order: it computes what a plain model of the same weights does."""

from __future__ import annotations

import copy
import json
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from plans import plan_document
from torch import nn
from toy_models import WIDTH, Wan, inputs

import chunkflow_offload as chunkflow
from chunkflow_offload.errors import AttachError
from chunkflow_offload.layout import find_blocks

BLOCKS = 5
PLANS: list[dict[str, Any]] = [
    {"preset": "yield"},
    {"preset": "yield", "resident": 0.7, "prefetch": 2, "slots": 4, "collectives": 2, "ranks": 2},
    {"preset": "layerwise", "prefetch": 2, "resident_blocks": (0,)},
    {"preset": "drain", "slots": 1, "resident_blocks": (1, 2, 3, 4)},
]
INDEX = st.integers(0, BLOCKS - 1)
PARAMETER = st.sampled_from([name for name, _ in Wan().blocks[0].named_parameters()])


class Interrupted(BaseException):
    """As KeyboardInterrupt: hooks that always run do not run for it."""


class AttachedModel(RuleBasedStateMachine):
    attached: chunkflow.Attached | None = None
    interrupted: str | None = None

    @initialize(seed=st.integers(0, 99))
    def make(self, seed: int) -> None:
        torch.manual_seed(seed)
        self.model = Wan(BLOCKS).requires_grad_(False)
        self.twin = copy.deepcopy(self.model)
        self.objects = {name: id(at) for name, at in self.model.named_parameters()}

    @rule(plan=st.sampled_from(PLANS))
    def attach(self, plan: dict[str, Any]) -> None:
        self.detach()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "plan.json")
            path.write_text(json.dumps(plan_document(find_blocks(self.model), **plan)))
            self.attached = chunkflow.attach(self.model, path, device="cpu", check=True)

    @rule()
    def detach(self) -> None:
        if self.attached is not None:
            self.attached.detach()
            self.attached = None
            for name, at in self.twin.named_parameters():
                assert torch.equal(self.model.get_parameter(name), at), name

    @rule(scale=st.floats(-1, 1), is_inference=st.booleans())
    def step(self, scale: float, is_inference: bool) -> None:
        with torch.inference_mode() if is_inference else torch.no_grad():
            x = scale * inputs()
            assert torch.equal(self.model(x), self.twin(x))

    @rule(order=st.lists(INDEX, max_size=8))
    def blocks_in_any_order(self, order: list[int]) -> None:
        with torch.no_grad():
            assert torch.equal(self._run(self.model, order), self._run(self.twin, order))

    @rule()
    def step_in_another_thread(self) -> None:
        thread = threading.Thread(target=lambda: found.append(self._run(self.model, range(BLOCKS))))
        found: list[torch.Tensor] = []
        thread.start()
        thread.join(60)
        assert torch.equal(found[0], self._run(self.twin, range(BLOCKS)))

    @rule(at=INDEX, child=st.sampled_from(["", ".to_q", ".down"]), error=st.sampled_from([ValueError, Interrupted]))
    def aborted_step(self, at: int, child: str, error: type[BaseException]) -> None:
        def fail(*_: Any) -> None:
            raise error

        hook = self.model.blocks.get_submodule(f"{at}{child}").register_forward_pre_hook(fail)
        with pytest.raises(error), torch.no_grad():
            self.model(inputs())
        hook.remove()
        if not issubclass(error, Exception):
            self.interrupted = f"blocks.{at}."

    @precondition(lambda self: self.attached is not None)
    @rule(at=INDEX, name=PARAMETER, seed=st.integers(0, 9))
    def update(self, at: int, name: str, seed: int) -> None:
        value = self._value(at, name, seed)
        assert self.attached is not None
        self.attached.update(f"blocks.{at}.{name}", value)
        self._twins(at, name).copy_(value)

    @precondition(lambda self: self.attached is not None)
    @rule(at=INDEX, name=PARAMETER, how=st.sampled_from(["in place", "data", "data in place", "parameter"]))
    def edit(self, at: int, name: str, how: str) -> None:
        assert self.attached is not None
        value = self._value(at, name, 3)
        with self.attached.editing():
            own = self._own(at, name)
            assert torch.equal(own, self._twins(at, name))
            if how == "in place":
                own.copy_(value)
            elif how == "data":
                own.data = value.clone()
            elif how == "data in place":
                own.data.copy_(value)
            else:
                self._replace(at, name, value)
        self._twins(at, name).copy_(value)

    @rule(at=INDEX, name=PARAMETER, seed=st.integers(0, 9), assign=st.booleans())
    def load_state(self, at: int, name: str, seed: int, assign: bool) -> None:
        value = self._value(at, name, seed)
        # Without a plan, assign=True replaces the parameter, which is not what is looked at here.
        self.model.load_state_dict(
            {f"blocks.{at}.{name}": value}, strict=False, assign=assign and self.attached is not None
        )
        self._twins(at, name).copy_(value)

    @rule()
    def state(self) -> None:
        found = self.model.state_dict()
        assert all(torch.equal(found[name], value) for name, value in self.twin.state_dict().items())

    @precondition(lambda self: self.attached is not None)
    @rule(at=INDEX, name=PARAMETER, how=st.sampled_from(["data", "parameter"]))
    def change_behind_its_back(self, at: int, name: str, how: str) -> None:
        assert self.attached is not None
        value = self._value(at, name, 4)
        if how == "data":
            self._own(at, name).data = value
        else:
            self._replace(at, name, value)
            self._twins(at, name).copy_(value)
        with pytest.raises(AttachError, match=f"blocks.{at}"), torch.no_grad():
            self.model(inputs())
        with self.attached.editing():
            pass

    @precondition(lambda self: self.attached is not None)
    @rule(at=INDEX, name=PARAMETER)
    def write_where_nothing_is(self, at: int, name: str) -> None:
        if self.interrupted == f"blocks.{at}.":
            return
        with pytest.raises(RuntimeError, match=f"blocks.{at}: these weights are streamed"):
            self._own(at, name).data += 1

    @invariant()
    def parameters_are_the_same_objects(self) -> None:
        if hasattr(self, "objects"):
            found = {name: id(at) for name, at in self.model.named_parameters()}
            differ = [name for name in self.objects if found.get(name) != self.objects[name]]
            # A block that was left by what is no Exception still has those of its slot.
            assert found.keys() == self.objects.keys()
            assert all(self.interrupted is not None and name.startswith(self.interrupted) for name in differ)

    def teardown(self) -> None:
        if hasattr(self, "model"):
            self.detach()
            self.interrupted = None
            self.parameters_are_the_same_objects()

    def _run(self, model: Wan, order: Any) -> torch.Tensor:
        x, t = torch.ones(1, 4, WIDTH).cumsum(-1) / WIDTH, torch.ones(1, 2, WIDTH)
        with torch.no_grad():
            for index in order:
                x = model.blocks[index](x, t)
        return x

    def _own(self, at: int, name: str) -> nn.Parameter:
        return self.model.get_parameter(f"blocks.{at}.{name}")

    def _twins(self, at: int, name: str) -> torch.Tensor:
        return self.twin.get_parameter(f"blocks.{at}.{name}").data

    def _value(self, at: int, name: str, seed: int) -> torch.Tensor:
        return torch.randn(self._own(at, name).shape, generator=torch.Generator().manual_seed(seed)) / 16

    def _replace(self, at: int, name: str, value: torch.Tensor) -> None:
        path, _, key = f"blocks.{at}.{name}".rpartition(".")
        setattr(self.model.get_submodule(path), key, nn.Parameter(value.clone(), requires_grad=False))


AttachedModel.TestCase.settings = settings(
    max_examples=30, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestAttachedModel = AttachedModel.TestCase
