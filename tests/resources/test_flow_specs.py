"""Flow specs, in every form in which the platform has been seen to answer."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from engine.errors import InDoubt, Rejected
from tests.resources.platform import SERVICENOW, platform
from workflows.aep import AepClient, Credentials
from workflows.resources import FlowSpecQuery, FlowSpecs

CRM = "14518937-270c-4525-bdec-c2ba7cce3860"
ZENDESK = "6499120c-0b15-42dc-936e-847ea3c24d72"


async def test_by_name_with_its_rules() -> None:
    async with platform() as to:
        receipt = await to.kinds["flow spec"].fetch(FlowSpecQuery(name="CRMToAEP"))
        assert (receipt.id, receipt.version) == (CRM, "1.0")
        assert receipt.data["name"] == "CRMToAEP"
        assert set(receipt.data["transformations"]) == {"Copy", "Mapping"}
        assert SERVICENOW in receipt.data["sources"]
        assert "once" in receipt.data["schedule"]["properties"]["frequency"]["enum"]


async def test_by_id() -> None:
    async with platform() as to:
        receipt = await to.kinds["flow spec"].fetch(FlowSpecQuery(id=ZENDESK))
        assert receipt.id == ZENDESK
        assert set(receipt.data["transformations"]) == {"Mapping"}


async def test_the_older_one_does_not_say_whom_it_serves() -> None:
    async with platform(dialect="2020") as to:
        receipt = await to.kinds["flow spec"].fetch(FlowSpecQuery(name="CRMToAEP"))
        assert receipt.data["sources"] == []


@pytest.mark.parametrize("query", [FlowSpecQuery(name="Nothing"), FlowSpecQuery(id="no-such-id")])
async def test_unknown_is_told(query: FlowSpecQuery) -> None:
    async with platform() as to:
        with pytest.raises(Rejected, match="has no flow spec"):
            await to.kinds["flow spec"].fetch(query)


async def test_trouble_is_not_absence() -> None:
    async with platform() as to:
        to.fault(kind="status", status=500, method="GET")
        with pytest.raises(InDoubt):
            await to.kinds["flow spec"].fetch(FlowSpecQuery(name="CRMToAEP"))


async def test_a_bare_spec_with_the_key_spelled_otherwise() -> None:
    """As one page of the documentation prints it (contract, conflict 37)."""
    bare: dict[str, Any] = {
        "id": CRM,
        "name": "CRMToAEP",
        "version": "1.0",
        "transformationSpec": [{"name": "Mapping", "spec": {"type": "object"}}],
        "scheduleSpec": {"spec": {"type": "object"}},
    }
    credentials = Credentials(access_token="t", api_key="k", ims_org="o", sandbox="dev", base_url="http://x")
    answer = httpx.MockTransport(lambda _: httpx.Response(200, json=bare))
    receipt = await FlowSpecs(AepClient(credentials, transport=answer)).fetch(FlowSpecQuery(name="CRMToAEP"))
    assert receipt.id == CRM
    assert receipt.data["transformations"] == {"Mapping": {"type": "object"}}
    assert receipt.data["schedule"] == {"type": "object"}
