"""What classes and schemas have in common: they live in the Schema Registry, under unique titles (contract 5)."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from urllib.parse import quote

import orjson

from engine.errors import Conflict, InDoubt
from engine.model import Json, Receipt
from engine.resource import Change, Hit, View
from workflows.aep import REGISTRY, AepClient, Answer, BadRequest, NotFound
from workflows.resources._changes import described
from workflows.resources._json import dig, hits, seconds, text
from workflows.resources._platform import PlatformObjects
from workflows.resources._translate import answers, failure_of

XED_FULL = "application/vnd.adobe.xed-full+json;version=1"
"""How a target schema is referred to wherever a version must agree (contract 6.3, 7.1, 8.1)."""
_RAW = {"Accept": "application/vnd.adobe.xed+json; version=1"}
_RESOLVED = {"Accept": "application/vnd.adobe.xed-full+json; version=1"}
_LISTED = {"Accept": "application/vnd.adobe.xed-id+json"}
_GLOBAL = re.compile(r"https://ns\.adobe\.com/(?:xdm|experience)/|_(?:xdm|experience)\.")
_PLURAL = re.compile(r"[/.](classes|schemas|mixins|fieldgroups|datatypes)[/.]")

_TAKEN = re.compile(r"(https?://ns\.adobe\.com/\S+/[0-9a-f]+) already exists with the same title")


class RegistryObjects(PlatformObjects):
    """One type of Registry object; a kind adds its body and its differences."""

    plural: str
    family = REGISTRY
    unique = True

    async def create(self, body: str, send_within: float) -> Receipt:
        """A taken title has a code today; in 2020 it had only words (contract 1.3)."""
        with answers():
            try:
                answer = await self._client.effect(
                    "POST", self.family, f"/tenant/{self.plural}", content=body.encode(), send_within=send_within
                )
            except BadRequest as refused:
                existing = _TAKEN.search(refused.problem.message)
                if existing is None:
                    raise
                raise Conflict(failure_of(refused, Conflict.kind), existing=existing[1]) from refused
        return _receipt(answer.body)

    async def find(self, names: Sequence[str], since: float | None) -> Sequence[Hit]:  # noqa: ARG002
        """One query for each title: the filter has no *any of* (contract 5.5). A title has one object at most."""
        return [hit for name in names for hit in await self._titled(name)]

    async def read(self, id: str) -> View | None:
        """Any Registry object, by its `$id` or its `meta:altId`: a title may turn out to be another type's."""
        answer = await _get(self._client, id, self.plural, _RAW)
        return None if answer is None else _view(answer)

    async def delete(self, id: str, send_within: float) -> None:
        with answers():
            try:
                await self._client.effect("DELETE", self.family, _path(id, self.plural), send_within=send_within)
            except NotFound:
                return

    async def sign(self, view: View, note: str, send_within: float) -> Receipt:
        """Replace the description, if it is still what it was: a PATCH has no If-Match here, but a JSON Patch can test
        (contract 5.5). How a failed test is answered is not documented; any refusal is one."""
        patch = [
            {"op": "test", "path": "/description", "value": view.note},
            {"op": "replace", "path": "/description", "value": note},
        ]
        return await self._patch(view.id, orjson.dumps(patch), send_within)

    @abstractmethod
    def changes(self, before: Json, after: Json, now: float) -> Sequence[Change]:
        """Where two bodies differ, or a content and a body."""
        ...

    def restoring(self, content: Json, body: Json, now: float) -> Sequence[Change]:
        return described(self.changes(content, body, now), content, body)

    def condition(self, view: View) -> str:
        """A PATCH has no If-Match here: every change tests and replaces the description (contract 5.5)."""
        return view.note

    def amendment(self, view: View, body: Json, paths: Collection[str]) -> Json:
        """A JSON Patch that tests first. A kind adds what may grow."""
        return [
            {"op": "test", "path": "/description", "value": view.note},
            {"op": "replace", "path": "/description", "value": dig(body, "description")},
            *([{"op": "replace", "path": "/title", "value": dig(body, "title")}] if "name" in paths else ()),
        ]

    async def amend(self, view: View, amendment: str, send_within: float) -> Receipt:
        return await self._patch(view.id, amendment.encode(), send_within)

    async def _patch(self, id: str, patch: bytes, send_within: float) -> Receipt:
        with answers():
            try:
                answer = await self._client.effect(
                    "PATCH", self.family, _path(id, self.plural), content=patch, send_within=send_within
                )
            except BadRequest as refused:
                raise Conflict(failure_of(refused, Conflict.kind), existing=id) from refused
        return _receipt(answer.body)

    async def _titled(self, title: str) -> list[Hit]:
        query = {"property": f"title=={title}"}
        path = f"/tenant/{self.plural}"
        with answers():
            pages = self._client.pages(self.family, path, params=query, headers=_LISTED)
            items = [item async for page in pages for item in page]
        return hits(items, (title,), id="$id", name="title")


async def read_schema(client: AepClient, id: str, *, plural: str = "schemas", resolved: bool = False) -> Json:
    """A Registry object by `$id` or `meta:altId`, its references kept or resolved; None when it does not exist."""
    answer = await _get(client, id, plural, _RESOLVED if resolved else _RAW)
    return None if answer is None else answer.body


async def _get(client: AepClient, id: str, plural: str, headers: Mapping[str, str]) -> Answer | None:
    with answers():
        try:
            return await client.read("GET", REGISTRY, _path(id, plural), headers=headers)
        except NotFound:
            return None


def _path(id: str, plural: str) -> str:
    container = "global" if _GLOBAL.match(id) else "tenant"
    named = _PLURAL.search(id)
    return f"/{container}/{named[1] if named else plural}/{quote(id, safe='')}"


def _etag(content: Json) -> str | None:
    return text(content, "meta:registryMetadata", "eTag")


def _receipt(content: Json) -> Receipt:
    id = text(content, "$id")
    if id is None:
        raise InDoubt("the Schema Registry answered without the $id of the object")
    return Receipt(id=id, etag=_etag(content), version=text(content, "version"))


def _view(answer: Answer) -> View | None:
    content = answer.body
    id = text(content, "$id")
    if id is None:
        return None
    return View(
        id=id,
        name=text(content, "title") or "",
        note=text(content, "description") or "",
        created=seconds(dig(content, "meta:registryMetadata", "repo:createdDate")),
        etag=_etag(content),
        version=text(content, "version"),
        left=answer.left,
        content=content,
    )
