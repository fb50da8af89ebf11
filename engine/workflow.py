"""Declaring workflows: a DAG of pure steps, its edges read from parameter names.

    tables = Workflow("tables", inputs=Inputs)

    @tables.step(Datasets)
    def raw(inputs: Inputs) -> DatasetSpec: ...

    @tables.step(Datasets)
    def clean(inputs: Inputs, raw: Receipt) -> DatasetSpec: ...      # needs the step `raw`

`check()` reports every mistake of a declaration at once.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Any, Generic, TypeVar

from engine import codec
from engine.errors import WorkflowError
from engine.model import Receipt, value
from engine.resource import Adopt
from engine.retry import RetryPolicy

InputsT = TypeVar("InputsT")
Spec = TypeVar("Spec")
StepFunction = Callable[..., Any]

RESERVED = "inputs"
_NAME = re.compile(r"[A-Za-z0-9]+(_[A-Za-z0-9]+)*")
MAX_STEP_NAME = 60
"""Characters; the rest of an object's name is for the source and the marker (`labels.name`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A declared step. `shared(inputs)` names the key under which runs share it, None: the run's own.
    `when(inputs)` says whether the run has the step at all; dependents get None for a step that is not there."""

    name: str
    function: StepFunction
    resource: type[Any]
    needs: tuple[str, ...]
    arguments: Mapping[str, str]
    """By parameter of the function the step whose receipt it takes, or `RESERVED` for the run's inputs."""
    reads_only: bool
    """Whether the step has no effect: its resource is a `Lookup`."""
    retry: RetryPolicy
    shared: Callable[[Any], str | None] | None
    when: Callable[[Any], bool] | None


def _before(needs: Mapping[str, tuple[str, ...]], step: str) -> set[str]:
    found, queue = set[str](), list(needs[step])
    while queue:
        name = queue.pop()
        if name not in found:
            found.add(name)
            queue += needs[name]
    return found


@value
class Plan:
    """What a workflow means for one set of inputs: its steps in order, the key of each shared one, its sentinel."""

    steps: Mapping[str, Step]
    shared: Mapping[str, str]
    guards: tuple[str, ...]
    """What can be a sentinel, and is the run's own. By each of them another journal, of other inputs, may hold the run:
    so all of them go before every other effect (rule 7)."""
    first: frozenset[str]
    """The guards, and what they need."""
    needs: Mapping[str, tuple[str, ...]]
    """Per step the steps that go before it: its own needs, and the guards."""
    following: Mapping[str, tuple[str, ...]]
    """`needs`, the other way round."""

    @property
    def sentinel(self) -> str | None:
        """The first of the guards, whose note says whose the run is."""
        return self.guards[0] if self.guards else None

    def before(self, step: str) -> set[str]:
        """Every step that goes before this one."""
        return _before(self.needs, step)


class Workflow(Generic[InputsT]):
    """A named DAG of steps. `sentinels` names, in order of preference, the steps that can serve as a run's sentinel:
    the first that is the run's own creation does, and all that are go before everything else. `adopts(inputs)` has, by
    step, what a user named: such a step takes that, whatever its function asks for, and shares it with no run."""

    def __init__(
        self,
        name: str,
        *,
        inputs: type[InputsT],
        sentinels: tuple[str, ...] = (),
        adopts: Callable[[InputsT], Mapping[str, str]] = lambda _inputs: {},
        encode: Callable[[InputsT], str] = codec.encode_inputs,
        decode: Callable[[str], InputsT] | None = None,
    ) -> None:
        self.name, self.sentinels = name, sentinels
        self.inputs, self.adopts = inputs, adopts
        self.encode = encode
        self.decode: Callable[[str], InputsT] = decode or (lambda text: codec.decode_inputs(inputs, text))
        self.steps: dict[str, Step] = {}
        self._repeated: list[str] = []
        self._plans: dict[tuple[object, ...], Plan] = {}

    def step(
        self,
        resource: type[Any],
        *,
        shared: str | Callable[[InputsT], str | None] | None = None,
        when: Callable[[InputsT], bool] | None = None,
        retry: RetryPolicy | None = None,
        name: str | None = None,
        needs: Mapping[str, str] | None = None,
    ) -> Callable[[StepFunction], StepFunction]:
        """Declare a step: the decorated function is pure, from `inputs` and receipts of other steps to a spec.

        `needs` renames parameters to steps when one function serves twice; `name` names the step then.
        """

        def declare(function: StepFunction) -> StepFunction:
            step_name = name or function.__name__
            arguments = {p: (needs or {}).get(p, p) for p in inspect.signature(function).parameters}
            if step_name in self.steps:
                self._repeated.append(step_name)
            key = (lambda _inputs: shared) if isinstance(shared, str) else shared
            self.steps[step_name] = Step(
                name=step_name,
                function=function,
                resource=resource,
                needs=tuple(need for need in arguments.values() if need != RESERVED),
                arguments=arguments,
                reads_only=hasattr(resource, "fetch"),
                retry=retry or RetryPolicy(),
                shared=key,
                when=when,
            )
            return function

        return declare

    def check(self, given: Collection[type[Any]] | None = None) -> None:
        """Raise `WorkflowError` with every mistake: unknown names, cycles, sentinels that cannot be, repeated names,
        and resources that are not among those `given` (None: not asked)."""
        mistakes = [f"step {name!r} is declared twice" for name in self._repeated]
        if RESERVED in self.steps:
            mistakes.append(f"a step cannot be called {RESERVED!r}: that parameter is the run's inputs")
        for step in self.steps.values():
            mistakes += self._mistakes_of_step(step, given)
        for name in self.sentinels:
            mistakes += self._mistakes_of_sentinel(name)
        try:
            TopologicalSorter({s.name: s.needs for s in self.steps.values()}).prepare()
        except CycleError as error:
            mistakes.append("these steps need each other: " + " -> ".join(error.args[1]))
        if mistakes:
            raise WorkflowError(self.name, mistakes)

    def _mistakes_of_step(self, step: Step, given: Collection[type[Any]] | None) -> Iterator[str]:
        if not _NAME.fullmatch(step.name) or len(step.name) > MAX_STEP_NAME:
            yield f"step {step.name!r}: a name is words of A-Z a-z 0-9 with _ between, at most {MAX_STEP_NAME} long"
        for need in step.needs:
            if need not in self.steps:
                yield f"step {step.name!r} needs {need!r}, which is not a step"
            elif step.reads_only and not self.steps[need].reads_only:
                yield f"step {step.name!r} only reads, but needs {need!r}, which creates"
        if not step.reads_only and not hasattr(step.resource, "create"):
            yield f"step {step.name!r}: {step.resource.__name__} is neither a resource nor a lookup"
        elif given is not None and step.resource not in given:
            yield f"step {step.name!r}: the engine was given no {step.resource.__name__}"

    def _mistakes_of_sentinel(self, name: str) -> Iterator[str]:
        if name not in self.steps:
            yield f"sentinel {name!r} is not a step"
            return
        resource = self.steps[name].resource
        if not getattr(resource, "unique", False):
            yield f"sentinel {name!r}: the platform does not refuse a second {resource.__name__}"
        if not hasattr(resource, "sign"):
            yield f"sentinel {name!r}: {resource.__name__} has no `sign`"

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The steps as they are declared, each after what it needs."""
        placed: dict[str, None] = {}

        def place(name: str) -> None:
            if name not in placed:
                for need in self.steps[name].needs:
                    place(need)
                placed[name] = None

        for name in self.steps:
            place(name)
        return tuple(placed)

    @cached_property
    def definition(self) -> str:
        """The declaration as canonical JSON text; its fingerprint guards unfinished runs."""
        return codec.canonical(
            {
                step.name: {
                    "needs": list(step.needs),
                    "resource": str(getattr(step.resource, "kind", step.resource.__name__)),
                    "shared": step.shared is not None,
                }
                for step in self.steps.values()
            }
        )

    @cached_property
    def fingerprint(self) -> str:
        """The fingerprint of `definition`."""
        return codec.fingerprint(self.definition)

    def plan(self, inputs: InputsT) -> Plan:
        """What the workflow means for these inputs (pure). Plans are few and kept: inputs differ mostly in values."""
        present = tuple(s for s in map(self.steps.__getitem__, self.order) if s.when is None or s.when(inputs))
        named = self.adopts(inputs)
        shared = {
            s.name: key for s in present if s.shared and s.name not in named and (key := s.shared(inputs)) is not None
        }
        adopted = tuple(
            name
            for name in self.sentinels
            if name in (s.name for s in present) and name not in shared and self.named(name, inputs)
        )
        signature = (tuple(s.name for s in present), tuple(shared.items()), adopted)
        plan = self._plans.get(signature)
        if plan is None:
            if len(self._plans) > 1000:
                self._plans.clear()
            plan = self._plans[signature] = self._make_plan(present, shared, adopted)
        return plan

    def named(self, name: str, inputs: InputsT) -> str | None:
        """The existing object that a step takes; unless it is named in `adopts`, only a step without needs can know
        beforehand."""
        step = self.steps[name]
        spec = None if step.needs and name not in self.adopts(inputs) else self.spec(step, inputs, {})
        return spec.ref if isinstance(spec, Adopt) else None

    def _make_plan(self, present: Iterable[Step], shared: Mapping[str, str], adopted: tuple[str, ...]) -> Plan:
        steps = {step.name: step for step in present}
        guards = tuple(n for n in self.sentinels if n in steps and n not in shared and n not in adopted)
        needs = {name: tuple(need for need in step.needs if need in steps) for name, step in steps.items()}
        first = frozenset(guards).union(*(_before(needs, guard) for guard in guards))
        for name, step in steps.items():
            if name not in first and not step.reads_only:
                needs[name] = tuple(dict.fromkeys((*needs[name], *guards)))
        following = {name: tuple(other for other in steps if name in needs[other]) for name in steps}
        return Plan(steps=steps, shared=dict(shared), guards=guards, first=first, needs=needs, following=following)

    def spec(self, step: Step, inputs: InputsT, receipts: Mapping[str, Receipt]) -> Any:
        """What a step asks for: what a user named for it, else what its pure function says."""
        named = self.adopts(inputs).get(step.name)
        if named is not None:
            return Adopt(ref=named)
        return self.described(step, inputs, receipts)

    def described(self, step: Step, inputs: InputsT, receipts: Mapping[str, Receipt]) -> Any:
        """What a step's pure function says, whatever a user named for it."""
        get = receipts.get
        return step.function(**{p: inputs if need == RESERVED else get(need) for p, need in step.arguments.items()})
