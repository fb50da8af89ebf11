"""What a changed manifest means for a source that is finished: step by step, without a network."""

from __future__ import annotations

from typing import Any

import pytest

from engine.changes import changes
from engine.model import Origin, Receipt, RunState, RunStatus, Scope, StepState, StepStatus, replace
from engine.prints import asked, printed
from engine.resource import Adopt
from engine.step_change import Action, StepChange
from tests.onboarding.sources import CRM_RULES, receipts, source
from workflows.onboarding.chains import onboarding
from workflows.onboarding.inputs import BaseConnection, Column, Inputs, Schedule, Target
from workflows.resources import all_resources

MADE = 1_893_456_000.0
LATER = MADE + 86_400
OTHER = "https://ns.adobe.com/xdm/context/profile-personal-details"
RESOURCES = {type(resource): resource for resource in all_resources(None, {})}  # type: ignore[arg-type]


def finished(inputs: Inputs) -> tuple[RunState, dict[str, StepState]]:
    """A run that is done, and its shared steps."""
    chain = onboarding
    plan, known = chain.plan(inputs), receipts(CRM_RULES) | {"flow": Receipt(id="f1")}
    states = {}
    for name, step in plan.steps.items():
        adopts = not step.reads_only and isinstance(chain.spec(step, inputs, known), Adopt)
        receipt = replace_origin(known[name], Origin.ADOPTED if adopts else Origin.CREATED)
        states[name] = StepState(
            name=name,
            status=StepStatus.DONE,
            receipt=receipt,
            finished_at=MADE,
            spec=printed(
                asked(chain, step, inputs, plan.steps),
                plan.shared.get(name, inputs.source),
                step.needs,
                {need: known[need] for need in plan.steps},
            ),
        )
    run = RunState(
        key=1, run_id="r", workflow=chain.name, variant=inputs.chain, source=inputs.source, definition="d",
        scope=Scope(gateway="g", org="o", sandbox="dev"), inputs=chain.encode(inputs), inputs_print="p",
        status=RunStatus.DONE, steps={name: state for name, state in states.items() if name not in plan.shared},
    )  # fmt: skip
    return run, {name: states[name] for name in plan.shared}


def replace_origin(receipt: Receipt, origin: Origin) -> Receipt:
    return Receipt(id=receipt.id, etag=receipt.etag, version=receipt.version, data=receipt.data, origin=origin)


def compare(before: Inputs, after: Inputs, **options: Any) -> dict[str, StepChange]:
    """What becomes of the steps for which something does."""
    run, shared = finished(before)
    found = changes(onboarding, run, after, RESOURCES, shared=shared, **{"now": LATER, **options})
    return {change.step: change for change in found if change.action is not Action.LEAVE}


def fields(change: StepChange) -> dict[str, tuple[object, object]]:
    return {field.path: (field.before, field.after) for field in change.fields}


BASE = source()
CASES = [source(), source(chain="tabular")]


@pytest.mark.parametrize("inputs", CASES, ids=lambda inputs: inputs.chain)
def test_nothing_changed_is_nothing_to_do(inputs: Inputs) -> None:
    assert compare(inputs, inputs) == {}
    assert compare(inputs, replace(inputs, columns=inputs.columns[::-1], mappings=inputs.mappings[::-1])) == {}


@pytest.mark.parametrize("inputs", CASES, ids=lambda inputs: inputs.chain)
def test_a_schedule_changes_in_place(inputs: Inputs) -> None:
    found = compare(inputs, replace(inputs, schedule=Schedule(frequency="minute", interval=30, backfill=True)))
    assert {name: change.action for name, change in found.items()} == {"flow": Action.UPDATE}
    assert fields(found["flow"]) == {"scheduleParams.frequency": ("hour", "minute"), "scheduleParams.interval": (1, 30)}
    assert not found["flow"].destroys


def test_what_the_platform_does_not_change_any_more_once_a_flow_has_begun_replaces_it() -> None:
    once = replace(BASE, schedule=Schedule(frequency="once"))
    assert compare(BASE, once)["flow"].action is Action.REPLACE
    assert compare(BASE, once, now=MADE)["flow"].action is Action.UPDATE
    late = replace(BASE, schedule=replace(BASE.schedule, backfill=False))
    assert compare(BASE, late)["flow"].action is Action.REPLACE


def test_a_start_can_be_moved_only_while_it_lies_ahead() -> None:
    moved = replace(BASE, schedule=replace(BASE.schedule, start=int(LATER + 3600)))
    assert compare(BASE, moved) == {}
    assert compare(BASE, moved, now=MADE)["flow"].action is Action.UPDATE


@pytest.mark.parametrize("inputs", CASES, ids=lambda inputs: inputs.chain)
def test_another_mapping_is_another_set_and_the_flow_is_patched(inputs: Inputs) -> None:
    found = compare(inputs, replace(inputs, mappings=(("Id", "_id"), ("Founded", "person.birthDay"))))
    assert {name: (change.action, change.superseded) for name, change in found.items()} == {
        "mapping_set": (Action.UPDATE, True),
        "flow": (Action.UPDATE, False),
    }
    assert fields(found["mapping_set"]) == {"mappings.person.birthDay": ("Employees", "Founded")}
    assert fields(found["flow"])["transformations.Mapping.mappingId"][1] == "(new)"


@pytest.mark.parametrize("chain", ["adhoc", "tabular"])
def test_another_table_replaces_what_reads_it(chain: str) -> None:
    inputs = source(chain=chain)
    found = compare(inputs, replace(inputs, table="Account_v2"))
    assert {name: change.action for name, change in found.items()} == {
        "source_connection": Action.REPLACE,
        "flow": Action.REPLACE,
    }
    assert not any(change.loses_data or change.stays for change in found.values())


def test_columns_are_added_to_a_class_but_not_taken_away() -> None:
    more = replace(BASE, columns=(*BASE.columns, Column(name="Phone", type="string")))
    found = compare(BASE, more)
    assert {name: change.action for name, change in found.items()} == {"adhoc_class": Action.UPDATE}
    assert fields(found["adhoc_class"]) == {"columns.Phone": (None, {"type": "string"})}
    assert {name for name, change in compare(more, BASE).items() if change.destroys} == {
        "adhoc_class", "adhoc_schema", "source_connection", "flow",
    }  # fmt: skip


def test_a_schema_may_grow() -> None:
    more = replace(BASE, target=replace(BASE.target, field_groups=(*BASE.target.field_groups, OTHER)))
    found = compare(BASE, more)
    assert {name: change.action for name, change in found.items()} == {"target_schema": Action.UPDATE}
    assert [change.refused != "" for change in compare(more, BASE).values()].count(True) == 1


def test_data_stays_unless_it_may_be_deleted() -> None:
    elsewhere = replace(BASE, target=Target(klass="", field_groups=(), dataset="5f" * 12))
    found = compare(BASE, elsewhere)
    assert {name for name, change in found.items() if change.stays} == {"target_schema", "dataset"}
    assert [name for name, change in found.items() if change.loses_data] == ["dataset"]
    assert {name for name, change in found.items() if change.action is Action.REPLACE} == {
        "target_schema", "dataset", "target_connection", "flow",
    }  # fmt: skip
    assert not any(change.stays for change in compare(BASE, elsewhere, delete_data=True).values())
    back = compare(elsewhere, BASE)
    assert {name for name, change in back.items() if change.stays} == {"target_schema", "dataset"}
    assert not any(change.loses_data for change in back.values())


def test_new_credentials_are_put_in_place_and_not_shown() -> None:
    auth = {**BASE.base_connection.auth, "password": "${env:NEW_PASSWORD}"}
    found = compare(BASE, replace(BASE, base_connection=BaseConnection(name="ServiceNow production", auth=auth)))
    assert {name: (change.action, change.shared) for name, change in found.items()} == {
        "base_connection": (Action.UPDATE, True)
    }
    assert fields(found["base_connection"]) == {
        "auth.params.password": ("${env:SERVICENOW_PASSWORD}", "${env:NEW_PASSWORD}")
    }


def test_another_base_connection_replaces_what_reads_through_it() -> None:
    named = replace(BASE, base_connection=BaseConnection(id="11111111-2222-4333-8444-555555555555", auth={}))
    found = compare(BASE, named)
    assert {name: change.action for name, change in found.items()} == {
        "source_connection": Action.REPLACE,
        "flow": Action.REPLACE,
    }
    nameless = replace(BASE, base_connection=replace(BASE.base_connection, name=None))
    assert set(compare(nameless, named)) == set(found)  # others may share what was made for it


@pytest.mark.parametrize("inputs", CASES, ids=lambda inputs: inputs.chain)
def test_a_rename_changes_names_in_place(inputs: Inputs) -> None:
    found = compare(inputs, replace(inputs, source="acme-customers"), source="acme-customers")
    own = set(onboarding.plan(inputs).steps) - set(onboarding.plan(inputs).shared)
    assert set(found) == own
    assert not any(change.destroys for change in found.values())
    assert [name for name, change in found.items() if change.superseded] == ["mapping_set"]


def test_a_step_keeps_what_it_was_made_with_until_it_is_changed() -> None:
    """A change that was begun and changed again: each step is compared with the inputs that it really has."""
    second = replace(BASE, schedule=Schedule(frequency="day", interval=1, backfill=True))
    third = replace(second, table="Account_v2")
    run, shared = finished(BASE)
    chain = onboarding
    underway = RunState(**{**fields_of(run), "was": (run.inputs, chain.encode(second)), "inputs": chain.encode(third)})
    found = {c.step: c for c in changes(chain, underway, third, RESOURCES, shared=shared, now=LATER)}
    assert fields(found["flow"])["scheduleParams.frequency"] == ("hour", "day")
    assert found["source_connection"].action is Action.REPLACE


def fields_of(run: RunState) -> dict[str, Any]:
    return {name: getattr(run, name) for name in RunState.__slots__}
