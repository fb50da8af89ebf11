"""Somebody who builds chains by hand, of both kinds: what `import` finds."""

from __future__ import annotations

import time
from typing import Any

import httpx

from tests.cli.conftest import Platform
from tests.emulator import chain as by_hand

HOUR: dict[str, Any] = {"frequency": "hour", "interval": 1}


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
