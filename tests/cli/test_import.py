"""`import`: chains that were built by hand become sources, all that they stand on adopted, nothing of it changed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.cli.conftest import Headway, Platform
from tests.emulator import chain as by_hand

HOUR: dict[str, Any] = {"frequency": "hour", "interval": 1}
CASES = {"sys_id": "string", "email": "string", "sys_updated_on": "date-time"}


class Builder:
    """Somebody who builds chains with plain requests."""

    def __init__(self, platform: Platform) -> None:
        self.http = httpx.Client(base_url=platform.url, headers=by_hand.HEADERS, verify=False)
        settings = platform.environ
        asked = {"grant_type": "client_credentials", "client_id": settings["AEP_API_KEY"],
                 "client_secret": settings["AEP_CLIENT_SECRET"], "scope": settings["AEP_SCOPES"]}  # fmt: skip
        token = self.http.post("/ims/token/v3", data=asked).json()["access_token"]
        self.http.headers["Authorization"] = f"Bearer {token}"

    def make(self, path: str, body: Any) -> str:
        answer = self.http.post(path, json=body)
        assert answer.status_code in (200, 201), answer.text
        said = answer.json()
        return str(said[0].rpartition("/")[2] if isinstance(said, list) else said.get("$id") or said["id"])

    def ends(self, n: str) -> dict[str, str]:
        """What any chain goes to, by step."""
        schema = by_hand.schema(f"target {n}", by_hand.PROFILE, by_hand.PERSON, by_hand.PERSONAL)
        made = {"schema": self.make(by_hand.SCHEMAS, schema), "base": by_hand.DEFAULT_BASE_CONNECTION}
        return {**made, "dataset": self.make(f"{by_hand.CATALOG}/dataSets", by_hand.dataset(made["schema"]))}

    def flow(self, made: dict[str, str], name: str, *, delta: Any, schedule: Any, **more: Any) -> str:
        copy = [{"name": "Copy", "params": {"deltaColumn": delta}}] if delta else []
        return self.make(f"{by_hand.FLOW}/flows{more.get('query', '')}", by_hand.flow(
            made, name=name, transformations=[*copy, by_hand.turn(made)],
            scheduleParams={"startTime": int(time.time()) + 3600, **schedule}, **more.get("said", {}),
        ))  # fmt: skip

    def adhoc(self, name: str, *, delta: str = "updatedAt", schedule: Any = HOUR) -> dict[str, str]:
        """The chain of February 2020, its mappings in dialect A."""
        made = self.ends(name)
        columns = {"Id": {"type": "string"}, "updatedAt": {"type": "string", "format": "date-time"}}
        made["class"] = self.make(by_hand.CLASSES, by_hand.ad_hoc_class(f"class {name}", columns))
        made["ad_hoc"] = self.make(by_hand.SCHEMAS, by_hand.schema(f"ad hoc {name}", made["class"]))
        made["source"] = self.make(f"{by_hand.FLOW}/sourceConnections", by_hand.source(made))
        made["lake"] = self.make(f"{by_hand.FLOW}/connections", by_hand.connection())
        made["target"] = self.make(f"{by_hand.FLOW}/targetConnections", by_hand.target(made))
        made["mapping"] = self.make(f"{by_hand.DATA_PREP}/mappingSets", by_hand.mapping(made["schema"]))
        said = {"name": delta, "dateFormat": "yyyy-MM-dd'T'HH:mm:ss", "timezone": "CET"}
        return {**made, "flow": self.flow(made, name, delta=said, schedule=schedule)}

    def tabular(self, name: str, *, schedule: Any = HOUR, **more: Any) -> dict[str, str]:
        """Today's chain, its mappings in dialect B, one of them an expression."""
        made = self.ends(name)
        columns = [{"name": column, "type": "string", "xdm": {"type": "string"}} for column in ("sys_id", "email")]
        columns += [{"name": "sys_updated_on", "type": "string", "xdm": {"type": "string", "format": "date-time"}}]
        made["source"] = self.make(f"{by_hand.FLOW}/sourceConnections", by_hand.connection(
            "source", by_hand.SERVICENOW, baseConnectionId=made["base"],
            data={"format": "tabular"}, params={"tableName": "case", "columns": columns},
        ))  # fmt: skip
        version = "application/vnd.adobe.xed-full+json;version=1"
        data = {"format": "parquet_xdm", "schema": {"id": made["schema"], "version": version}}
        made["target"] = self.make(
            f"{by_hand.FLOW}/targetConnections",
            by_hand.connection("target", data=data, params={"dataSetId": made["dataset"]}),
        )
        rows = [("ATTRIBUTE", "sys_id", "_id"), ("EXPRESSION", "lower(email)", "personalEmail.address")]
        made["mapping"] = self.make(f"{by_hand.DATA_PREP}/mappingSets", {
            "outputSchema": {"schemaRef": {"id": made["schema"], "contentType": version}},
            "mappings": [{"sourceType": kind, "source": at, "destination": to} for kind, at, to in rows],
        })  # fmt: skip
        delta = None if schedule["frequency"] == "once" else {"name": "sys_updated_on"}
        return {**made, "flow": self.flow(made, name, delta=delta, schedule=schedule, **more)}


@pytest.fixture
def builder(platform: Platform) -> Iterator[Builder]:
    built = Builder(platform)
    yield built
    built.http.close()


def sources(path: Path) -> dict[str, Any]:
    return {source["name"]: source for source in yaml.safe_load(path.read_text())["sources"]}


def state(platform: Platform) -> Any:
    """All that is there, as it is, and what was ever asked for that changes something."""
    changing = {method: sum(all_.get(method, 0) for family, all_ in platform.report()["requests"].items()
                            if family != "ims") for method in ("POST", "PUT", "PATCH", "DELETE")}  # fmt: skip
    return platform.objects(), changing


def test_chains_of_both_kinds_are_adopted_and_there_is_nothing_left_to_do(
    headway: Headway, platform: Platform, builder: Builder, folder: Path
) -> None:
    old, new = builder.adhoc("Old accounts!"), builder.tabular("cases", schedule={"frequency": "once"})
    before = state(platform)
    ended = headway("import", old["flow"], new["flow"], "--write", "s.yaml")
    assert (ended.code, ended.err.count("\n")) == (0, 1), ended
    assert "2 sources added to s.yaml" in ended.out
    said = sources(folder / "s.yaml")
    assert said["Old-accounts"] == {
        "name": "Old-accounts", "connector": "servicenow", "chain": "adhoc", "base_connection": old["base"],
        "table": "Account", "delta_column": "updatedAt", "mappings": {"Id": "person.name.fullName"},
        "columns": {
            "Id": "string",
            "updatedAt": {"type": "date-time", "format": "yyyy-MM-dd'T'HH:mm:ss", "timezone": "CET"},
        },
        "schedule": {**HOUR, "start": said["Old-accounts"]["schedule"]["start"]},
        "target": {"dataset": old["dataset"]},
        "existing": {
            "adhoc_class": old["class"], "adhoc_schema": old["ad_hoc"], "source_connection": old["source"],
            "dataset_base_connection": old["lake"], "target_connection": old["target"],
            "mapping_set": old["mapping"], "flow": old["flow"],
        },
    }  # fmt: skip
    assert said["cases"]["columns"] == CASES
    assert (said["cases"]["chain"], said["cases"]["schedule"]["frequency"]) == ("tabular", "once")
    assert said["cases"]["mappings"] == {"sys_id": "_id"}
    assert "   # 1 of 2 rows cannot be said here" in (folder / "s.yaml").read_text()
    plan = headway("plan", "s.yaml", "--detailed-exitcode")
    assert (plan.code, plan.out.splitlines()[-1]) == (0, "2 unchanged.   Nothing has been sent.")
    assert headway("run", "s.yaml").out.startswith("2 sources: 2 done")
    assert headway("drift", "s.yaml").out.startswith("2 sources compared, no drift.")
    steps = {step["name"]: step for line in headway("status", "--json").lines for step in line["steps"]}
    assert {step["origin"] for step in steps.values()} == {"adopted", None}
    assert [name for name, step in steps.items() if step["shared"]] == ["flow_spec"]
    assert "the flow was adopted" in headway("pause", "cases").err
    assert "cases" in headway("export", "cases").out
    assert headway("destroy", "s.yaml", "--yes", "--delete-data").code == 0
    assert state(platform) == before
