"""A day's work of AEPP, a client of the platform that nobody here wrote (https://pypi.org/project/aepp): the chain
`adhoc`, then lists, pages, an update. What came back is the last line that it prints.

A program of its own, as AEPP's dependencies are not ours; `test_aepp.py` runs it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

import aepp
from aepp import catalog, dataprep, flowservice, schema

LAKE = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
SERVICENOW = "eb13cb25-47ab-407f-ba89-c0125281c563"
PROFILE = "https://ns.adobe.com/xdm/context/profile"
PERSONAL = f"{PROFILE}-personal-details"


def configure(url: str) -> None:
    """AEPP knows where Adobe is; lead it elsewhere."""
    aepp.configure(
        org_id=os.environ["AEP_IMS_ORG"],
        client_id=os.environ["AEP_API_KEY"],
        secret=os.environ["AEP_CLIENT_SECRET"],
        scopes=os.environ["AEP_SCOPES"],
        sandbox="dev",
        environment="support",
        endpoint=url,
    )
    for version in ("v1", "v3"):
        aepp.config.config_object[f"oauthTokenEndpointV{'2' if version == 'v3' else '1'}"] = (
            f"{url}/ims/token/{version}"
        )


def work() -> dict[str, Any]:
    """Everything, in the order of the tutorial."""
    flows, registry, datasets, mappings = (
        flowservice.FlowService(),
        schema.Schema(),
        catalog.Catalog(),
        dataprep.DataPrep(),
    )
    seen: dict[str, Any] = {}
    seen["tenant"] = registry.getTenantId()
    auth = {"endpoint": "https://acme.service-now.com", "username": "u", "password": "p"}
    base = flows.createConnection(
        name="aepp snow",
        connectionSpec={"id": SERVICENOW, "version": "1.0"},
        auth={"specName": "Basic Authentication", "params": auth},
    )["id"]
    seen["test"] = flows.connectionTest(base)
    columns = {
        "sys_id": {"type": "string"},
        "email": {"type": "string"},
        "at": {"type": "string", "format": "date-time"},
    }
    own = {"properties": {"_adhoc": {"type": "object", "properties": columns}}}
    klass = registry.createClass({
        "type": "object", "title": "aepp class", "description": "d",
        "allOf": [{"$ref": "https://ns.adobe.com/xdm/data/adhoc"}, own],
    })["$id"]  # fmt: skip
    adhoc = registry.createSchema(
        {"type": "object", "title": "aepp adhoc", "description": "d", "allOf": [{"$ref": klass}]}
    )["$id"]
    people = {
        "type": "object", "title": "aepp target", "description": "d", "allOf": [{"$ref": PROFILE}, {"$ref": PERSONAL}]
    }  # fmt: skip
    target = registry.createSchema(people)["$id"]
    seen["target"] = registry.getSchema(target, full=True)["title"]
    source = flows.createSourceConnection({
        "name": "aepp source", "baseConnectionId": base,
        "data": {"format": "parquet_xdm", "schema": {
            "id": adhoc, "version": "application/vnd.adobe.xed-full-notext+json; version=1"}},
        "params": {"path": "incident"}, "connectionSpec": {"id": SERVICENOW, "version": "1.0"},
    })["id"]  # fmt: skip
    dataset = datasets.createDataSet(name="aepp dataset", schemaId=target)[0].rpartition("/")[2]
    seen["dataset"] = datasets.getDataSet(dataset)[dataset]["name"]
    lake = flows.createConnection(name="aepp lake", connectionSpec={"id": LAKE, "version": "1.0"})["id"]
    to = flows.createTargetConnection(data={
        "name": "aepp sink", "baseConnectionId": lake, "params": {"dataSetId": dataset},
        "data": {"format": "parquet_xdm", "schema": {
            "id": target, "version": "application/vnd.adobe.xed-full+json;version=1.0"}},
        "connectionSpec": {"id": LAKE, "version": "1.0"},
    })["id"]  # fmt: skip
    pairs = [("sys_id", "_id"), ("email", "personalEmail.address")]
    mapping = mappings.createMappingSet(mappingSet={
        "version": 0, "xdmSchema": target, "xdmVersion": "1.0", "id": None,
        "mappings": [{"destinationXdmPath": path, "sourceAttribute": column, "identity": False, "version": 0}
                     for column, path in pairs],
    })  # fmt: skip
    seen["mappings"] = [rule["destinationXdmPath"] for rule in mappings.getMappingSetMappings(mapping["id"])]
    (kind,) = [spec for spec in flows.getFlowSpecs() if spec["name"] == "CRMToAEP"]
    flow = flows.createFlow(flow_spec_id=kind["id"], obj={
        "name": "aepp flow", "flowSpec": {"id": kind["id"], "version": "1.0"},
        "sourceConnectionIds": [source], "targetConnectionIds": [to],
        "transformations": [
            {"name": "Copy", "params": {"deltaColumn": {"name": "at", "dateFormat": "YYYY-MM-DD", "timezone": "UTC"}}},
            {"name": "Mapping", "params": {"mappingId": mapping["id"], "mappingVersion": mapping["version"]}},
        ],
        "scheduleParams": {"startTime": int(time.time()) + 3600, "frequency": "minute", "interval": 30},
    })  # fmt: skip
    seen["created"] = [base, klass, adhoc, target, source, dataset, lake, to, mapping["id"], flow["id"]]
    seen["updated"] = (
        flows.updateFlow(flow["id"], flow["etag"], [{"op": "add", "path": "/description", "value": "by hand"}])["etag"]
        != flow["etag"]
    )
    seen["stale"] = flows.updateFlow(flow["id"], flow["etag"], [{"op": "add", "path": "/description", "value": "x"}])
    about = flowservice.FlowManager(flow["id"]).summary()
    seen["about"] = [about["flowSpecs"]["name"], about["targetConnection"]["params"]["datasetName"]]
    seen["second title"] = registry.createSchema(people)
    for number in range(7):
        flows.createConnection(name=f"page {number}", connectionSpec={"id": LAKE, "version": "1.0"})
    seen["connections"] = sorted(item["name"] for item in flows.getConnections(limit=2, n_results=50))
    seen["flows"] = [item["name"] for item in flows.getFlows()]
    seen["flows of the mapping"] = [item["name"] for item in flows.getFlows(filterMappingSetIds=[mapping["id"]])]
    seen["schemas"] = sorted(item["title"] for item in registry.getSchemas(excludeAdhoc=False))
    seen["without ad hoc"] = sorted(item["title"] for item in registry.getSchemas())
    seen["datasets"] = [item["name"] for item in datasets.getDataSets().values()]
    seen["mapping sets"] = [item["id"] for item in mappings.getMappingSets()] == [mapping["id"]]
    return seen


if __name__ == "__main__":
    configure(sys.argv[1])
    print(json.dumps(work()))  # noqa: T201 - a program speaks by printing
