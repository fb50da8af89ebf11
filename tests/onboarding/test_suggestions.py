"""Suggestions are by name and type, and rather none than a wild one; and what fits where."""

from __future__ import annotations

from typing import Any

import pytest

from tests.onboarding.sources import source
from workflows.onboarding.fitting import fits, mapping_flaws, missing_table
from workflows.onboarding.inputs import Column
from workflows.onboarding.suggest import suggest_delta_column, suggest_mappings
from workflows.resources import Field, Fields


def leaf(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, **more}


def tree(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields}


TARGET = Fields(
    {
        "_id": leaf("string"),
        "person": tree(
            name=tree(firstName=leaf("string"), fullName=leaf("string")),
            birthDate=leaf("string", format="date"),
            birthYear=leaf("integer"),
        ),
        "personalEmail": tree(address=leaf("string"), status=leaf("string"), primary=leaf("boolean")),
        "mobilePhone": tree(number=leaf("string"), status=leaf("string")),
        "homePhone": tree(number=leaf("string")),
        "homeAddress": tree(city=leaf("string"), state=leaf("string")),
        "identityMap": {"type": "object", "additionalProperties": {"type": "array", "items": tree(id=leaf("string"))}},
        "segments": {"type": "array", "items": leaf("string")},
        "_repo": tree(createDate=leaf("string", format="date-time")),
    }
)


@pytest.mark.parametrize(
    ("column", "kind", "path"),
    [
        ("sys_id", "string", "_id"),
        ("Id", "string", "_id"),
        ("Id", "integer", None),
        ("first_name", "string", "person.name.firstName"),
        ("FirstName", "string", "person.name.firstName"),
        ("caller_name", "string", "person.name.fullName"),
        ("company_name", "string", None),
        ("email", "string", "personalEmail.address"),
        ("result.email", "string", "personalEmail.address"),
        ("Phone", "string", "mobilePhone.number"),
        ("home_phone", "string", "homePhone.number"),
        ("u_city", "string", "homeAddress.city"),
        ("birth_date", "date", "person.birthDate"),
        ("birth_date", "string", None),
        ("status", "string", None),
        ("state", "string", None),
        ("number", "string", None),
        ("primary", "boolean", None),
    ],
)
def test_a_column_is_like_a_field_or_it_is_not(column: str, kind: str, path: str | None) -> None:
    assert suggest_mappings([Field(name=column, type=kind)], TARGET).get(column) == path


def test_no_field_is_suggested_twice_and_the_plainer_name_gets_it() -> None:
    columns = [Field(name=name, type="string") for name in ("caller_email", "email", "phone", "home_phone")]
    assert suggest_mappings(columns, TARGET) == {
        "email": "personalEmail.address", "phone": "mobilePhone.number", "home_phone": "homePhone.number",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("names", "delta"),
    [
        (("sys_created_on", "sys_updated_on", "due"), "sys_updated_on"),
        (("CreatedDate", "SystemModstamp"), "SystemModstamp"),
        (("opened_at", "due"), "due"),
        (("opened_at",), "opened_at"),
        ((), None),
    ],
)
def test_the_column_of_changes_tells_what_is_new(names: tuple[str, ...], delta: str | None) -> None:
    times = [Field(name=name, type="date-time") for name in names]
    assert suggest_delta_column([Field(name="updated", type="string"), *times]) == delta


def flaws(path: str, kind: str = "string") -> list[str]:
    inputs = source(columns=(Column(name="c", type=kind),), mappings=(("c", path),))
    return [f"{one.message}; {one.suggestion}" for one in mapping_flaws(inputs, TARGET)]


@pytest.mark.parametrize(
    ("path", "kind", "said"),
    [
        ("person.name.fullName", "string", None),
        ("person.name.fullName", "integer", None),
        ("person.birthDate", "string", None),
        ("person.birthDate", "integer", 'column "c" is integer, but "person.birthDate" takes date; None'),
        ("person.birthYear", "number", 'column "c" is number, but "person.birthYear" takes integer; None'),
        ("personalEmail.primary", "string", 'column "c" is string, but "personalEmail.primary" takes boolean; None'),
        ("identityMap.crm[0].id", "string", None),
        ("segments[*]", "string", None),
        ("segments", "string", '"segments" is a list, and takes no column; None'),
        ("identityMap", "string", '"identityMap" is a map, and takes no column; None'),
        (
            "person.name",
            "string",
            '"person.name" is an object, and takes no column; it has person.name.firstName, person.name.fullName',
        ),
        (
            "person.name.fulName",
            "string",
            'no field "person.name.fulName" in the target schema; did you mean "person.name.fullName"?',
        ),
        ("nowhere", "string", 'no field "nowhere" in the target schema; None'),
    ],
)
def test_a_mapping_leads_to_a_field_that_takes_the_column(path: str, kind: str, said: str | None) -> None:
    assert flaws(path, kind) == ([said] if said else [])


def test_whole_numbers_are_numbers() -> None:
    assert fits("integer", "number")
    assert not fits("number", "integer")


def test_a_table_that_is_not_there_is_told_with_those_that_are() -> None:
    flaw = missing_table(source(table="nothing"), ["a", "b"])
    assert (flaw.path, flaw.message) == (("table",), 'there is no table "nothing"; there are a, b')
