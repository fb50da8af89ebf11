"""The emulator's answers against the platform's own OpenAPI files, deviations named: where the documentation wins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from tests.emulator.chain import (
    CATALOG,
    DATA_PREP,
    FLOW,
    FULL,
    REGISTRY,
    SHORT,
    Json,
    Platform,
    connection,
    dataset,
    flow,
    mapping,
    resource,
    schema,
    target,
)

SPECS = Path(__file__).parents[1] / "openapi"
BASES = {"flow-service": FLOW, "schema-registry": REGISTRY, "catalog": CATALOG, "data-prep": DATA_PREP}

# What the files say otherwise than the documentation, which is followed (contract 1.5, 8.1, 8.2, 9.1, 10.2, 19).
DEVIATIONS = {
    "transformationSpecs": "a list, in every printed answer",
    "createdDate": "milliseconds, in every example of Data Prep",
    "modifiedDate": "milliseconds, in every example of Data Prep",
    "sourceType": "read back as text/x.schema-path, in the file's own example",
    "errors": "null for a row without errors, in the file's own example",
    "interval": "an integer, in the flow spec",
    "next": "null on the last page",
}


def _plain(node: Any) -> Any:
    """A part of an OpenAPI document as JSON Schema: without examples and the older spellings."""
    if isinstance(node, list):
        return [_plain(one) for one in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _plain(value) for key, value in node.items() if key not in {"example", "examples", "default"}}
    if isinstance(kept.get("required"), bool):
        del kept["required"]
    return kept


@pytest.fixture(scope="module")
def specs() -> Json:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return {name: _plain(yaml.load((SPECS / f"{name}.yaml").read_text(), loader)) for name in BASES}


def _deviations(document: Json, template: str, method: str, status: int, body: Any) -> Iterator[str]:
    """Where an answer differs from what the file says, beyond the known places."""
    answers = document["paths"][template][method]["responses"]
    described = answers.get(str(status), answers.get(status))
    assert described is not None, f"{method} {template} never answers {status}"
    shape = described.get("schema") or described.get("content", {}).get("application/json", {}).get("schema")
    if shape is not None:
        whole = {**shape, "components": document.get("components"), "definitions": document.get("definitions")}
        for error in Draft7Validator(whole).iter_errors(body):
            if not any(str(key) in DEVIATIONS for key in error.absolute_path):
                yield f"{method} {template}: {list(error.absolute_path)}: {error.message[:200]}"


async def test_every_answer_has_the_documented_shape(platform: Platform, specs: Json) -> None:
    found: list[str] = []

    async def ask(spec: str, template: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        response = await platform.http.request(method.upper(), BASES[spec] + path, json=body, headers=headers)
        assert response.status_code < 400, response.text
        answer = response.json() if response.content else None
        found.extend(_deviations(specs[spec], template, method, response.status_code, answer))
        return answer

    made = await platform.chain()
    service, registry, catalog, prep = "flow-service", "schema-registry", "catalog", "data-prep"
    base, flow_id, source_id, target_id = made["base"], made["flow"], made["source"], made["target"]
    await ask(service, "/connections", "get", "/connections")
    await ask(service, "/connections", "post", "/connections", connection("more"))
    await ask(service, "/connections/{BASE_CONNECTION_ID}", "get", f"/connections/{base}")
    await ask(service, "/connections/{BASE_CONNECTION_ID}/test", "get", f"/connections/{base}/test")
    await ask(
        service, "/connections/{BASE_CONNECTION_ID}/explore", "get", f"/connections/{base}/explore?objectType=root"
    )
    await ask(service, "/connections/search", "post", "/connections/search", {"queryString": "property=name==x"})
    await ask(service, "/connectionSpecs", "get", "/connectionSpecs")
    await ask(service, "/flowSpecs", "get", "/flowSpecs")
    await ask(service, "/sourceConnections", "get", "/sourceConnections")
    await ask(service, "/sourceConnections/{SOURCE_CONNECTION_ID}", "get", f"/sourceConnections/{source_id}")
    await ask(service, "/targetConnections", "post", "/targetConnections", target(made, "more"))
    await ask(service, "/targetConnections/{TARGET_CONNECTION_ID}", "get", f"/targetConnections/{target_id}")
    await ask(service, "/flows", "get", "/flows?limit=1")
    await ask(service, "/flows", "post", "/flows", flow(made))
    (item,) = (await ask(service, "/flows/{FLOW_ID}", "get", f"/flows/{flow_id}"))["items"]
    rename = [{"op": "replace", "path": "/name", "value": "n"}]
    await ask(service, "/flows/{FLOW_ID}", "patch", f"/flows/{flow_id}", rename, **{"If-Match": item["etag"]})
    await ask(service, "/flows/{FLOW_ID}/action", "post", f"/flows/{flow_id}/action?op=DISABLE")
    await ask(service, "/flows/{FLOW_ID}", "delete", f"/flows/{flow_id}")
    await ask(service, "/runs", "get", f"/runs?property=flowId=={flow_id}")

    await ask(registry, "/stats", "get", "/stats")
    await ask(registry, "/{CONTAINER_ID}/schemas", "get", "/tenant/schemas", Accept=SHORT)
    one = f"/tenant/schemas/{resource(made['schema'])}"
    await ask(registry, "/{CONTAINER_ID}/schemas/{SCHEMA_ID}", "get", one, Accept=FULL)
    describe = [{"op": "replace", "path": "/description", "value": "q"}]
    await ask(registry, "/tenant/schemas/{SCHEMA_ID}", "patch", one, describe)
    spare = await ask(registry, "/tenant/schemas", "post", "/tenant/schemas", schema("spare", made["class"]))
    await ask(registry, "/tenant/schemas/{SCHEMA_ID}", "delete", f"/tenant/schemas/{resource(spare['$id'])}")

    await ask(catalog, "/dataSets", "get", "/dataSets")
    (reference,) = await ask(catalog, "/dataSets", "post", "/dataSets", dataset(made["schema"]))
    more = reference.rsplit("/", 1)[1]
    await ask(catalog, "/dataSets/{DATASET_ID}", "get", f"/dataSets/{more}")
    await ask(catalog, "/dataSets/{DATASET_ID}", "put", f"/dataSets/{more}", dataset(made["schema"], "again"))
    await ask(catalog, "/v2/dataSets/{DATASET_ID}", "patch", f"/v2/dataSets/{more}", {"description": "x"})
    await ask(catalog, "/dataSets/{DATASET_ID}", "delete", f"/dataSets/{more}")

    rows = {"outputSchema": {"schemaRef": {"id": made["schema"], "contentType": FULL}}, "mappings": []}
    await ask(prep, "/mappingSets", "get", "/mappingSets?limit=3&start=0")
    await ask(prep, "/mappingSets", "post", "/mappingSets", mapping(made["schema"]))
    await ask(prep, "/mappingSets/{MAPPING_SET_ID}", "get", f"/mappingSets/{made['mapping']}")
    await ask(prep, "/mappingSets/{MAPPING_SET_ID}", "put", f"/mappingSets/{made['mapping']}", rows)
    await ask(prep, "/mappingSets/validate", "post", "/mappingSets/validate", mapping(made["schema"], "person"))

    assert found == []
