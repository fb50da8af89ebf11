"""Looking behind base connections: tables, columns, tests, and what is made of refusals."""

from __future__ import annotations

import pytest

from engine.errors import Rejected
from tests.resources.platform import AUTH, Platform, platform
from workflows.resources import ConnectionSpec, Explorer, Field, Misfit, Table, misfits
from workflows.resources._columns import read_columns
from workflows.sources import discover

COLUMNS = (Field(name="sys_id", type="string"), Field(name="sys_updated_on", type="date-time"))


async def base(to: Platform, connector: str = "servicenow", **auth: str) -> str:
    source = discover()[connector]
    known = AUTH if connector == "servicenow" else {"subdomain": "https://a.zendesk.com", "accessToken": "t"}
    spec = ConnectionSpec(
        connection_spec_id=source.connection_spec_id, auth_spec=source.auth_spec, auth={**known, **auth}
    )
    return (await to.make("connection", spec)).id


async def test_tables_and_columns_are_shown_live() -> None:
    async with platform() as to:
        explorer, id = Explorer(to.client), await base(to)
        assert "incident" in [table.path for table in await explorer.tables(id)]
        assert ("AccountChangeEvent", "Account Change Event") in [(t.path, t.name) for t in await explorer.tables(id)]
        columns = await explorer.columns(Table(base_id=id, path="incident"))
        assert columns is not None
        assert set(COLUMNS) <= set(columns)


async def test_a_rest_source_shows_the_fields_of_its_json() -> None:
    async with platform() as to:
        explorer, id = Explorer(to.client), await base(to, "zendesk")
        (only,) = await explorer.tables(id, rest=True)
        columns = await explorer.columns(Table(base_id=id, path=only.path, rest=True))
        assert columns is not None
        assert Field(name="result.email", type="string") in columns
        assert to.requests("flowservice", "GET") == 1


@pytest.mark.parametrize(
    ("password", "table", "kind"), [("wrong", "incident", "unreachable"), ("right", "incidents", "no_table")]
)
async def test_refusals_say_what_they_are_about(password: str, table: str, kind: str) -> None:
    async with platform() as to:
        id = await base(to, password=password)
        with pytest.raises(Rejected) as refused:
            await Explorer(to.client).columns(Table(base_id=id, path=table))
        assert refused.value.failure.kind == kind


async def test_what_the_platform_does_not_show_is_not_known() -> None:
    async with platform() as to:
        explorer, table = Explorer(to.client), Table(base_id=await base(to), path="incident")
        to.fault(kind="status", status=404, path="/explore")
        assert await explorer.columns(table) is None
        await explorer.check(table, (Field(name="nothing", type="string"),))


async def test_a_connection_is_tested_once_and_a_table_looked_at_once() -> None:
    async with platform() as to:
        explorer, table = Explorer(to.client), Table(base_id=await base(to), path="incident")
        assert not explorer.checked(table, COLUMNS)
        for _ in range(3):
            await explorer.check(table, COLUMNS)
        assert explorer.checked(table, COLUMNS)
        assert to.requests("flowservice", "GET") == 2


async def test_bad_credentials_are_told_to_everybody_who_asks_and_asked_for_once() -> None:
    async with platform() as to:
        explorer, id = Explorer(to.client), await base(to, password="wrong")
        for path in ("incident", "case"):
            with pytest.raises(Rejected) as refused:
                await explorer.check(Table(base_id=id, path=path), COLUMNS)
            assert refused.value.failure.kind == "unreachable"
        assert to.requests("flowservice", "GET") == 1


@pytest.mark.parametrize(
    ("wanted", "live", "fits"),
    [
        ("string", "string", True),
        ("string", "date-time", True),
        ("date-time", "string", True),
        ("number", "integer", True),
        ("integer", "number", False),
        ("string", "integer", False),
        ("boolean", "string", False),
        ("string", "array", True),
    ],
)
def test_types_fit_where_their_values_do(wanted: str, live: str, fits: bool) -> None:
    found = list(misfits([Field(name="a", type=wanted)], [Field(name="a", type=live)], "t"))
    expected = [] if fits else [Misfit(column="a", message=f'column "a" is {wanted} here, but {live} in the table t')]
    assert found == expected


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ({"type": "nvarchar", "xdm": {"type": "string", "format": "date-time"}}, "date-time"),
        ({"type": "glide_date", "meta:xdmType": "date", "xdm": {"type": "string"}}, "date"),
        ({"type": "integer"}, "integer"),
    ],
)
def test_a_column_has_the_platforms_type_not_the_vendors(column: dict[str, object], kind: str) -> None:
    answer = {"format": "flat", "schema": {"columns": [{"name": "c", **column}]}}  # type: ignore[dict-item]
    assert read_columns(answer) == (Field(name="c", type=kind),)  # type: ignore[arg-type]
