"""The judge can condemn: what it looks for is found when it is really there."""

from __future__ import annotations

import json
import sqlite3
import urllib.request
from collections.abc import Mapping
from contextlib import closing
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.crash.judge import judge
from tests.crash.marks import on_sqlite
from tests.crash.stage import KILLED, SHARED, Stage, Tally
from tests.crash.traps import Trap

FLOW_SERVICE = "/data/foundation/flowservice"


def twin(stage: Stage) -> str:
    """A second connection to the data lake."""
    copy(stage, "dataset_base_connection")
    return "duplicates: [{"


def orphan(stage: Stage) -> str:
    """A connection of its own name, to which nothing refers."""
    return f"nothing refers to {copy(stage, 'base_connection', name='left over')}"


def loss(stage: Stage) -> str:
    """A flow that was deleted behind our back."""
    flow = live(stage, "flow")
    call(stage, "DELETE", f"/flows/{flow}")
    return f"{flow} does not exist"


def shared_id(stage: Stage) -> str:
    """The journal has the id of one dataset for all."""
    dataset = live(stage, "dataset")
    forge(stage, "dataset", "id", dataset)
    return f"dataset: {dataset} is that of"


def wrong_kind(stage: Stage) -> str:
    """The journal has a dataset's id for flows."""
    dataset = live(stage, "dataset")
    forge(stage, "flow", "id", dataset)
    return f"flow: {dataset} is a dataset"


def wrong_etag(stage: Stage) -> str:
    """The journal has an etag that the platform never gave."""
    forge(stage, "source_connection", "etag", "never")
    return "source_connection: etag never here"


def unfinished(stage: Stage) -> str:
    """The journal has forgotten that a run is done."""
    change(stage, "UPDATE runs SET status = 'failed' WHERE source = 'team-1'")
    return "team-1 is failed"


def another_id(stage: Stage) -> str:
    """A process once called another id done."""
    line = {"event": "step_done", "source": "team-1", "step": "flow", "id": "another"}
    with stage.processes[0].script.out.open("a") as file:
        file.write(json.dumps(line) + "\n")
    return "team-1 flow was another"


@on_sqlite
@pytest.mark.crash
def test_every_crime_is_found(stage: Stage) -> None:
    stage.finish()
    said = verdict(stage)
    assert not said
    for crime in (another_id, wrong_etag, shared_id, unfinished, orphan, twin, loss, wrong_kind):
        expected = crime(stage)
        assert expected not in said, crime.__doc__
        said = verdict(stage)
        assert expected in said, crime.__doc__


def verdict(stage: Stage) -> str:
    """What the judge says; nothing when all is well. Crimes on purpose do not count in the sums."""
    try:
        judge(stage)
    except AssertionError as error:
        return str(error)
    finally:
        stage.tally = Tally()
    return ""


@on_sqlite
@pytest.mark.crash
def test_a_broken_rule_is_found(stage: Stage) -> None:
    """A successor that sends what is in doubt again at once makes twins."""
    assert stage.run(trap=Trap(point="POST:answered", shared=SHARED)) == KILLED
    assert stage.run(sabotage="send_again_blindly") == 0
    assert "duplicates: [{" in verdict(stage)


# --- crimes -----------------------------------------------------------------------------------------------------------


def live(stage: Stage, kind: str) -> str:
    """The id of an object of ours."""
    return next(id for id, entry in stage.platform.objects().items() if entry["kind"] == kind and entry["live"])


def copy(stage: Stage, kind: str, **others: str) -> str:
    """Another connection like the one that there is; its id."""
    (found,) = call(stage, "GET", f"/connections/{live(stage, kind)}")["items"]
    kept = {key: found[key] for key in ("name", "connectionSpec", "auth") if key in found}
    made: str = call(stage, "POST", "/connections", kept | others)["id"]
    return made


def call(stage: Stage, method: str, path: str, content: Mapping[str, Any] | None = None) -> Any:
    """A request of somebody who knows nothing of journals."""
    known = stage.platform.environ
    form = {
        "grant_type": "client_credentials",
        "client_id": known["AEP_API_KEY"],
        "client_secret": known["AEP_CLIENT_SECRET"],
        "scope": known["AEP_SCOPES"],
    }
    with urllib.request.urlopen(f"{stage.platform.url}/ims/token/v3", urlencode(form).encode(), timeout=10) as answer:
        token = json.load(answer)["access_token"]
    headers = {
        "Authorization": f"Bearer {token}",
        "x-api-key": known["AEP_API_KEY"],
        "x-gw-ims-org-id": known["AEP_IMS_ORG"],
        "x-sandbox-name": known["AEP_SANDBOX_NAME"],
        "Content-Type": "application/json",
    }
    body = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(f"{stage.platform.url}{FLOW_SERVICE}{path}", body, headers, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        text = answer.read()
        return json.loads(text) if text else None


def forge(stage: Stage, step: str, field: str, value: str) -> None:
    """Write something else into the receipts of all runs."""
    change(stage, f"UPDATE steps SET receipt = json_set(receipt, '$.{field}', ?) WHERE step = ?", value, step)


def change(stage: Stage, statement: str, *values: str) -> None:
    """Change the journal from outside."""
    with closing(sqlite3.connect(stage.store.url)) as connection, connection:
        assert connection.execute(statement, values).rowcount
