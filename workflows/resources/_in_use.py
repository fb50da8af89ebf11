"""What connections of every kind have in common: none can be deleted while a flow uses it (contract 3.5, 10.1)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

from engine.labels import parse
from engine.model import Failure, Json
from workflows.aep import FLOW_SERVICE, BadRequest, NotFound
from workflows.resources._flow_service import FlowServiceObjects
from workflows.resources._json import text
from workflows.resources._translate import answers

ENDS = {"/sourceConnections": "sourceConnectionIds[]", "/targetConnections": "targetConnectionIds[]"}
"""Where flows name the two kinds of connection that they join."""


class ConnectionObjects(FlowServiceObjects):
    """A kind of connection: base, source or target."""

    async def used(self, id: str) -> Failure | None:
        """A flow that stands on it and that headway did not make. Flows of headway's own are not named: they are
        deleted first, and the platform may still show them for a while."""
        with answers(passing=(BadRequest,)):
            try:
                async for flow in self._flows_over(id):
                    if not parse(text(flow, "description") or "").attempt and await self._is_there(flow):
                        return _used_by(flow, f"{self.kind} {id}")
            except BadRequest:  # a service that filters otherwise: then the platform's own words must do
                return None
        return None

    async def _flows_over(self, id: str) -> AsyncIterator[Json]:
        for path, field in ENDS.items():
            ids = [id] if path == self.path else []
            if self.path not in ENDS:
                ids = [text(end, "id") or "" async for end in self._listed(path, "baseConnectionId", [id])]
            async for flow in self._listed("/flows", field, ids):
                yield flow

    async def _is_there(self, flow: Json) -> bool:
        """A list may still show what was deleted."""
        try:
            await self._client.read("GET", FLOW_SERVICE, f"/flows/{quote(text(flow, 'id') or '', safe='')}")
        except NotFound:
            return False
        return True


def _used_by(flow: Json, what: str) -> Failure:
    named = f'the flow "{text(flow, "name") or ""}" ({text(flow, "id")})'
    return Failure(
        kind="in_use",
        message=f"{named}, which headway did not make, uses the {what}",
        hint="delete that flow, or give it another connection, and run the command again",
    )
