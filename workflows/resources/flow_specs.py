"""Flow specs: what kind of flow serves a connector, and what such a flow may ask for (contract 9)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from engine.errors import Rejected
from engine.model import Failure, Json, Receipt, value
from workflows.aep import FLOW_SERVICE, AepClient, NotFound
from workflows.resources._json import dig, rows, table, text
from workflows.resources._translate import answers


@value
class FlowSpecQuery:
    """A flow spec by its name, or by its id where the documentation prints no name (Zendesk, contract 9.1)."""

    name: str | None = None
    id: str | None = None


class FlowSpecs:
    """Flow specs; they are only read, each once: they change with the platform's releases, not with a batch."""

    kind = "flow spec"
    family = FLOW_SERVICE

    def __init__(self, client: AepClient) -> None:
        self._client = client
        self._read: dict[FlowSpecQuery, Receipt] = {}

    async def fetch(self, spec: FlowSpecQuery) -> Receipt:
        """The flow spec, with its rules as `data`: `name`, `schedule` (a JSON Schema), `transformations` (a JSON Schema
        by name), `sources` (ids of the connection specs that it serves; none when it does not say)."""
        if spec in self._read:
            return self._read[spec]
        found = next((item for item in await self._items(spec) if _answers(item, spec)), None)
        id = text(found, "id")
        if id is None:
            raise Rejected(
                Failure(
                    kind="not_found",
                    message=f"this sandbox has no flow spec {spec.name or spec.id}",
                    hint="The connector may not be licensed for this organisation.",
                )
            )
        receipt = self._read[spec] = Receipt(id=id, version=text(found, "version"), data=_rules(found))
        return receipt

    async def _items(self, spec: FlowSpecQuery) -> list[Json]:
        path, params = "/flowSpecs", {"property": f"name=={spec.name}"}
        if spec.id is not None:
            path, params = f"/flowSpecs/{quote(spec.id, safe='')}", {}
        with answers():
            try:
                answer = await self._client.read("GET", self.family, path, params=params)
            except NotFound:
                return []
        return rows(answer.body, "items") or [answer.body]


def _answers(item: Json, spec: FlowSpecQuery) -> bool:
    return text(item, "id") == spec.id if spec.id is not None else text(item, "name") == spec.name


def _rules(found: Json) -> Mapping[str, Json]:
    """One page of the documentation spells the key `transformationSpec` (contract, conflict 37)."""
    transformations = rows(found, "transformationSpecs") or rows(found, "transformationSpec")
    return {
        "name": text(found, "name"),
        "schedule": dig(found, "scheduleSpec", "spec"),
        "transformations": {name: table(item, "spec") for item in transformations if (name := text(item, "name"))},
        "sources": rows(found, "sourceConnectionSpecIds"),
    }
