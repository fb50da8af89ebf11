"""What the Flow Service kinds have in common: names that may repeat, etags in bodies, lists of one (contract 3)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from urllib.parse import quote

from engine.errors import InDoubt, NotReady
from engine.model import Json, Receipt
from engine.resource import Change, Difference, Hit, View
from workflows.aep import FLOW_SERVICE, BadRequest, NotFound
from workflows.resources._changes import changes, described, within
from workflows.resources._json import compare, dig, hits, media_type, rows, seconds, table, text
from workflows.resources._platform import PlatformObjects
from workflows.resources._translate import answers, failure_of

AT_ONCE = 20
"""Ids in one filter: a URL has its limits."""


class FlowServiceObjects(PlatformObjects):
    """One kind of Flow Service object; a kind adds its body, its differences, and which changes it takes in place."""

    path: str
    family = FLOW_SERVICE
    etagged = True

    async def create(self, body: str, send_within: float) -> Receipt:
        with answers():
            answer = await self._client.effect(
                "POST", self.family, self.path, content=body.encode(), send_within=send_within
            )
        id = text(answer.body, "id")
        if id is None:
            raise InDoubt(f"Flow Service answered without the id of the {self.kind}")
        return Receipt(id=id, etag=text(answer.body, "etag"))

    async def find(self, names: Sequence[str], since: float | None) -> Sequence[Hit]:  # noqa: ARG002
        """One filter with all names: a comma means any of them (contract 3.2). Names of source and target connections
        are filtered by the general rule only (12.3): a service that refuses it is asked for the whole list."""
        query = {"property": f"name=={','.join(names)}"}
        with answers():
            try:
                items = [
                    item async for page in self._client.pages(self.family, self.path, params=query) for item in page
                ]
            except BadRequest:
                items = [item async for page in self._client.pages(self.family, self.path) for item in page]
        return hits(items, names)

    async def read(self, id: str) -> View | None:
        """The object as it is shown."""
        with answers():
            try:
                answer = await self._client.read("GET", self.family, self._one(id))
            except NotFound:
                return None
        item = _item(answer.body)
        if text(item, "id") is None:
            return None
        return View(
            id=id,
            name=text(item, "name") or "",
            note=text(item, "description") or "",
            created=seconds(dig(item, "createdAt")),
            etag=text(item, "etag") or text(item, "version"),
            content=item,
        )

    @abstractmethod
    def changes(self, before: Json, after: Json, now: float) -> Sequence[Change]:
        """Where two bodies differ, or a content and a body."""
        ...

    def restoring(self, content: Json, body: Json, now: float) -> Sequence[Change]:
        return described(self.changes(content, body, now), content, body)

    def condition(self, view: View) -> str:
        """`If-Match` is mandatory (contract 3.3)."""
        return view.etag or ""

    def amendment(self, view: View, body: Json, paths: Collection[str]) -> Json:  # noqa: ARG002
        """A JSON Patch (contract 3.3). A kind adds its own fields."""
        return named(body, paths)

    async def amend(self, view: View, amendment: str, send_within: float) -> Receipt:
        with answers():
            answer = await self._client.effect(
                "PATCH",
                self.family,
                self._one(view.id),
                headers={"if-match": view.etag or ""},
                content=amendment.encode(),
                send_within=send_within,
            )
        etag = text(answer.body, "etag") or text(answer.body, "items", 0, "etag")  # either (contract 3.1)
        if etag is None:
            raise InDoubt(f"Flow Service answered without the etag of the {self.kind}")
        return Receipt(id=view.id, etag=etag)

    async def delete(self, id: str, send_within: float) -> None:
        """What is said not to be there, and is shown all the same, is not gone: it may be hidden for a while."""
        with answers():
            try:
                await self._client.effect("DELETE", self.family, self._one(id), send_within=send_within)
            except NotFound as error:
                if await self._shows(id):
                    raise NotReady(failure_of(error, NotReady.kind)) from error

    async def _listed(self, path: str, field: str, values: Sequence[str]) -> AsyncIterator[Json]:
        """Every object of which this field is one of these values."""
        for start in range(0, len(values), AT_ONCE):
            query = {"property": f"{field}=={','.join(values[start : start + AT_ONCE])}"}
            async for page in self._client.pages(self.family, path, params=query):
                for item in page:
                    yield item

    async def _shows(self, id: str) -> bool:
        """Whether the object can be read, with the caller's permit: who holds one may not wait for another."""
        try:
            answer = await self._client.effect("GET", self.family, self._one(id))
        except NotFound:
            return False
        return text(_item(answer.body), "id") is not None

    def _one(self, id: str) -> str:
        return f"{self.path}/{quote(id, safe='')}"


def _item(body: Json) -> Json:
    """The object that was read; the answer is a list even for one id (contract 3.1)."""
    items = rows(body, "items")
    return items[0] if items else body


def named(body: Json, paths: Collection[str]) -> list[Json]:
    """The operations that give an object the name and the description of a body, where one of them is to change."""
    if not {"name", "description"}.intersection(paths):
        return []
    return [{"op": "replace", "path": f"/{key}", "value": dig(body, key)} for key in ("name", "description")]


def member(content: Json, body: Json, table_name: str, key: str) -> Iterator[Json]:
    """The operation that gives one member of an object's table the value that it has in a body, if any."""
    path, sent, there = f"/{table_name}/{key}", table(body, table_name), key in table(content, table_name)
    if key in sent:
        yield {"op": "replace" if there else "add", "path": path, "value": sent[key]}
    elif there:
        yield {"op": "remove", "path": path}


class FlowEnds(FlowServiceObjects):
    """The two ends of a flow: the source connection that it reads from, and the target connection that it writes to."""

    def differences(self, body: Json, view: View) -> Sequence[Difference]:
        """What they say about themselves, field by field."""
        content = view.content
        sent, stored = dict(table(body, "data")), dict(table(content, "data"))
        for data in (sent, stored):
            if "schema" in data:
                schema = table(data, "schema")
                data["schema"] = {**schema, "version": media_type(schema.get("version"))}
        return [
            *compare(dig(body, "baseConnectionId"), dig(content, "baseConnectionId"), "baseConnectionId"),
            *compare(dig(body, "connectionSpec", "id"), dig(content, "connectionSpec", "id"), "connectionSpec.id"),
            *compare(sent, stored, "data"),
            *compare(dig(body, "params"), dig(content, "params"), "params"),
        ]

    def changes(self, before: Json, after: Json, now: float) -> Sequence[Change]:  # noqa: ARG002
        """Another table or dataset is another source or target connection, and another flow (contract 11.1)."""
        return changes(_normal(before), _normal(after), within("name"))

    def restoring(self, content: Json, body: Json, now: float) -> Sequence[Change]:  # noqa: ARG002
        """A flow does not follow a patched connection (contract 6.1), so what somebody patched may be patched back."""
        said = changes(_normal(content), _normal(body), within("name", "data", "params"))
        return described(said, content, body)

    def amendment(self, view: View, body: Json, paths: Collection[str]) -> Json:
        members = dict.fromkeys((path.split(".")[0], path.split(".")[1]) for path in paths if "." in path)
        patched = (operation for part, key in members for operation in member(view.content, body, part, key))
        return [*rows(super().amendment(view, body, paths)), *patched]


def _normal(content: Json) -> Json:
    data = dict(table(content, "data"))
    if "schema" in data:
        data["schema"] = {"id": dig(data, "schema", "id"), "version": media_type(dig(data, "schema", "version"))}
    return {
        "name": dig(content, "name"),
        "baseConnectionId": dig(content, "baseConnectionId"),
        "connectionSpec": {"id": dig(content, "connectionSpec", "id")},
        "data": data,
        "params": _by_name(table(content, "params")),
    }


def _by_name(params: Mapping[str, Json]) -> Mapping[str, Json]:
    """The order of columns means nothing."""
    columns = rows(params, "columns")
    return {**params, "columns": sorted(columns, key=lambda column: str(dig(column, "name")))} if columns else params
