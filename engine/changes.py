"""What new inputs mean for what a run has made: which objects stay, change in place, give way to others. Pure.

Where the print of a step (`prints`) is no longer what it would be, bodies are compared, field by field; a resource says
which fields its objects take in place. What cannot change in place is replaced, and with it everything that refers to
it in such a field. If the objects were looked at, what somebody did to them by hand is put back in the same way.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine import codec, labels
from engine.model import Json, Origin, Receipt, RunState, StepState, StepStatus, replace, value
from engine.prints import asked, short, source_of
from engine.resource import SWITCH, Adopt, Change, View
from engine.step_change import ADOPTED, Action, StepChange, keeping
from engine.upkeep import stays_off
from engine.workflow import Step, Workflow

NEW, GONE = "(new)", "(gone)"
"""Stand for the ids of an object that is still to be made, and of one whose place another has taken."""


NOT_SEEN: Mapping[str, View | None] = {}
NO_STATES: Mapping[str, StepState] = {}


def changes(
    workflow: Workflow[Any],
    state: RunState,
    inputs: Any,
    resources: Mapping[type[Any], Any],
    *,
    now: float,
    shared: Mapping[str, StepState],
    source: str | None = None,
    delete_data: bool = False,
    seen: Mapping[str, View | None] = NOT_SEEN,
    outdated: Collection[str] = (),
    former: Mapping[str, StepState] = NO_STATES,
) -> tuple[StepChange, ...]:
    """What `inputs` mean for each step of a run, in their order; steps that only read are left out.

    `state` holds the inputs that the run was made with, or has them in `was`. `shared`: the states of shared steps, as
    far as there are any. `source`: another name, if it is renamed. `now` in epoch seconds. `seen`: how the objects of
    steps are on the platform, as far as somebody looked; None: gone. `outdated`: steps whose secrets were changed
    behind their references. `former`: the states of steps that the run had shared under another key. Raises `Rejected`
    for inputs that cannot be sent.
    """
    comparison = _Comparison(
        workflow=workflow,
        state=state,
        inputs=inputs,
        resources=resources,
        now=now,
        shared=shared,
        source=source or state.source,
        made_with=tuple(workflow.decode(text) for text in (*state.was, state.inputs)),
        seen=seen,
        outdated=outdated,
        former=former,
    )
    found = [*comparison.wanted(), *comparison.vanished()]
    return tuple(keeping(found, workflow, resources, delete_data=delete_data))


@value
class Asked:
    """What is to become of one object that is there: its fields, and for each the values that it may have had under any
    inputs of the run. `known`: whether it is known what it was made with."""

    fields: Sequence[Change]
    before: Mapping[str, Sequence[Json]]
    known: bool


def amendment(
    workflow: Workflow[Any],
    state: RunState,
    inputs: Any,
    name: str,
    *,
    resource: Any,
    receipts: Mapping[str, Receipt],
    now: float,
) -> Asked:
    """In which fields the object of one step is to change, once all that it refers to is there."""
    step, key = workflow.steps[name], state.source if state.shared else None
    comparison = _Comparison(
        workflow=workflow,
        state=state,
        inputs=inputs,
        resources={step.resource: resource},
        now=now,
        shared={},
        source=state.source,
        made_with=tuple(workflow.decode(text) for text in state.was) or (inputs,),
        new=dict(receipts),
    )
    fields = comparison.fields(step, state.steps[name], key)
    every = [comparison.fields(step, state.steps[name], key, before) for before in comparison.made_with]
    known = dict[str, list[Json]]()
    for one in itertools.chain(fields, *every):
        known.setdefault(one.path, []).append(one.before)
    return Asked(fields=fields, before=known, known=comparison.before(step, state.steps[name]) is not None)


@dataclass(slots=True, kw_only=True)
class _Comparison:
    """One run under new inputs. `made_with`: inputs that its steps may have been made with, oldest first. `new`: the
    receipts that steps will have, as far as they are known. The other fields are parameters of `changes`."""

    workflow: Workflow[Any]
    state: RunState
    inputs: Any
    resources: Mapping[type[Any], Any]
    now: float
    shared: Mapping[str, StepState]
    source: str
    made_with: tuple[Any, ...]
    new: dict[str, Receipt] = field(default_factory=dict)
    seen: Mapping[str, View | None] = field(default_factory=dict)
    outdated: Collection[str] = ()
    former: Mapping[str, StepState] = field(default_factory=dict)

    def wanted(self) -> Iterator[StepChange]:
        """What becomes of the steps that the run is to have."""
        plan = self.workflow.plan(self.inputs)
        for name, step in plan.steps.items():
            key = plan.shared.get(name)
            state = self.state.steps.get(name) if key is None else self.shared.get(name)
            receipt = state.receipt if state else None
            if step.reads_only:
                self.new[name] = receipt or Receipt(id=name)
            elif state is None or receipt is None:
                doubted = state is not None and (bool(state.attempts) or state.status is StepStatus.IN_DOUBT)
                yield replace(self._made(step, key), doubted=doubted)
            elif name in self.seen and self.seen[name] is None:
                named = receipt.origin is Origin.ADOPTED and not self.fields(step, state, key)
                refused = f"{receipt.id}, which was adopted, is gone: name another one" if named else ""
                yield replace(self._made(step, key), id=receipt.id, gone=True, refused=refused)
            else:
                fields = {one.path: one for one in self.fields(step, state, key)}
                found = {one.path: one for one in self._by_hand(step, state, receipt, key)}
                if name in self.outdated:
                    renewal = self.resources[step.resource].renewal
                    fields.setdefault(renewal.path, renewal)
                self.new[name] = receipt
                change = StepChange(
                    step=name,
                    action=Action.LEAVE,
                    id=receipt.id,
                    shared=key is not None,
                    fields=tuple(_both(fields, found)),
                    by_hand=tuple(path for path in found if path not in fields),
                    spared=() if fields else tuple(self._spared(step, state, receipt, key)),
                    moved=self._moved(step, receipt),
                    off=stays_off(state),
                )
                yield self._judged(change, self.resources[step.resource])

    def _moved(self, step: Step, receipt: Receipt) -> bool:
        """Whether the object was seen with another etag. Of what supersedes an older one, ours is the one we made."""
        view = self.seen.get(step.name)
        told = view is not None and receipt.etag is not None and view.etag != receipt.etag
        return told and not self.resources[step.resource].superseding

    def _made(self, step: Step, key: str | None) -> StepChange:
        adopts = isinstance(self.workflow.spec(step, self.inputs, self.new), Adopt)
        self.new[step.name] = Receipt(id=NEW)
        off = not adopts and step.name in self.state.steps and stays_off(self.state.steps[step.name])
        action = Action.ADOPT if adopts else Action.CREATE
        return StepChange(step=step.name, action=action, shared=key is not None, off=off)

    def vanished(self) -> Iterator[StepChange]:
        """What the run made for steps that it does not have any more, or that it is to share from now on."""
        plan = self.workflow.plan(self.inputs)
        for name, step in self.state.steps.items():
            own = name in plan.steps and name not in plan.shared
            doubted = step.receipt is None and bool(step.attempts) and name not in plan.steps
            if (step.ours or doubted) and not own and not self.workflow.steps[name].reads_only:
                id = step.receipt.id if step.receipt else None
                yield StepChange(step=name, action=Action.DELETE, id=id, doubted=doubted)

    def _judged(self, change: StepChange, resource: Any) -> StepChange:
        if not change.fields:
            return change
        if all(one.in_place for one in change.fields):
            return replace(change, action=Action.UPDATE)
        if change.shared:
            return replace(
                change, action=Action.REPLACE, refused="what sources share is not replaced: give it another name"
            )
        self.new[change.step] = replace(self.new[change.step], id=NEW)
        if resource.superseding and change.fields[0].path != ADOPTED:
            return replace(change, action=Action.UPDATE, superseded=True)
        return replace(change, action=Action.REPLACE)

    def fields(self, step: Step, state: StepState, key: str | None, before: Any = None) -> Sequence[Change]:
        """In which fields the step's object is to change, if it was made with the inputs `before` (None: find out)."""
        resource = self.resources[step.resource]
        before = (self.before(step, state) or self.made_with[-1]) if before is None else before
        old = self.workflow.spec(step, before, self._needs(step, state, before))
        new = self.workflow.spec(step, self.inputs, self.new)
        if isinstance(new, Adopt) or isinstance(old, Adopt):
            wanted, had = (spec.ref if isinstance(spec, Adopt) else None for spec in (new, old))
            return [Change(path=ADOPTED, before=had, after=wanted)] if wanted != had else []
        if state.receipt and state.receipt.origin is Origin.ADOPTED:
            return []  # a person said that it is this one: it is never changed
        had = self._body(step, state, old, key or source_of(self.state, state), shared=key is not None)
        wanted_body = self._body(step, state, new, key or self.source, shared=key is not None)
        found: Sequence[Change] = resource.changes(had, wanted_body, self.now)
        return found

    def _spared(self, step: Step, state: StepState, receipt: Receipt, key: str | None) -> Sequence[Change]:
        """In which fields an adopted object would be changed, if it were the run's own."""
        if receipt.origin is not Origin.ADOPTED:
            return []
        before = self.made_with[-1]
        old = self.workflow.described(step, before, {**self._needs(step, state, before), **self.new})
        new = self.workflow.described(step, self.inputs, self.new)
        if old == new or isinstance(old, Adopt) or isinstance(new, Adopt):
            return []
        had, wanted = (self._body(step, state, spec, self.source, shared=key is not None) for spec in (old, new))
        found: Sequence[Change] = self.resources[step.resource].changes(had, wanted, self.now)
        return found

    def _body(self, step: Step, state: StepState, spec: Any, source: str, *, shared: bool) -> Any:
        """What the step's object is to be, or was, under this name."""
        resource = self.resources[step.resource]
        run = replace(self.state, generation=state.generation, shared=shared, source=source)
        label = labels.label(run, step.name, "", unique=resource.unique, sentinel_of=None)
        return codec.plain(resource.body(spec, label, state.finished_at or self.now))

    def _by_hand(self, step: Step, state: StepState, receipt: Receipt, key: str | None) -> list[Change]:
        """What somebody made of the step's object."""
        view, spec = self.seen.get(step.name), self.workflow.spec(step, self.inputs, self.new)
        if view is None or view.id != receipt.id or receipt.origin is Origin.ADOPTED or isinstance(spec, Adopt):
            return []
        body = self._body(step, state, spec, key or self.source, shared=key is not None)
        found = restoring(self.resources[step.resource], spec, view.content, body, self.now)
        off, on = view.data.get(SWITCH), receipt.data.get(SWITCH)
        if off != on and None not in (off, on):
            found.append(Change(path=SWITCH, before=off, after=on, in_place=True))
        return found

    def before(self, step: Step, state: StepState) -> Any:
        """The inputs that a step was made with; None: they are not known."""
        print_of = (state.spec or "").partition(".")[0]
        for before in (self.inputs, *reversed(self.made_with)):
            if asked(self.workflow, step, before, self.workflow.plan(before).steps) == print_of:
                return before
        return None

    def _needs(self, step: Step, state: StepState, before: Any) -> dict[str, Receipt]:
        """The receipts with which the step was made, as far as they still are what they were."""
        present, needs = self.workflow.plan(before).steps, dict[str, Receipt]()
        for place, need in enumerate(step.needs, start=1):
            if need not in present:
                continue
            had = (state.spec or "").partition(".")[2][8 * place : 8 * place + 8]
            there = self.new.get(need) or Receipt(id=GONE)
            states = (self.state.steps.get(need), self.shared.get(need), self.former.get(need))
            known = [there, *(other.receipt for other in states if other and other.receipt)]
            same = next((receipt for receipt in known if had == short(receipt.id)), None)
            again = there.id == NEW and had == short(self.workflow.named(need, self.inputs) or "")  # let go, and named
            unknown = not had or self.workflow.steps[need].reads_only or again
            needs[need] = same or (there if unknown else Receipt(id=GONE, version=there.version, data=there.data))
        return needs


def _both(wanted: Mapping[str, Change], by_hand: Mapping[str, Change]) -> Iterator[Change]:
    """What is newly wanted, from what it is now. What somebody changed can be put back in place only as it was."""
    for path, change in {**wanted, **by_hand}.items():
        yield replace(change, in_place=change.in_place and (path not in wanted or wanted[path].in_place))


def restoring(resource: Any, spec: Any, content: Json, body: Json, now: float) -> list[Change]:
    """What makes an object that somebody changed by hand what it is to be. What grew and cannot shrink again stays."""
    grown = {change.path for change in resource.changes(body, content, now) if change.in_place}
    found: Sequence[Change] = getattr(resource, "restoring", resource.changes)(content, body, now)
    return [one for one in visible(resource, spec, found, now) if one.in_place or one.path not in grown]


def visible(resource: Any, spec: Any, found: Sequence[Change], now: float) -> list[Change]:
    """Those of the changes of which the other side shows whether they are needed."""
    settled = resource.settled(spec, now) if hasattr(resource, "settled") else ()
    return [change for change in found if not change.hidden or change.path in settled]
