"""Mapping sets: which column goes where (contract 8).

A mapping set has no description: the attempt that made it stands in one of the `tags` of the platform's model. Whether
the platform filters by `name` is not known (contract 17, A6), so a set is found by reading the newest ones.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

import anyio

from engine import codec
from engine.errors import InDoubt, Rejected
from engine.model import Failure, Json, Receipt, value
from engine.resource import Change, Difference, Hit, Label, View
from workflows.aep import DATA_PREP, AepClient, BadRequest, NotFound
from workflows.resources._changes import changes
from workflows.resources._json import compare, dig, hits, rows, seconds, text
from workflows.resources._mapping_check import invalid_rows
from workflows.resources._platform import PlatformObjects
from workflows.resources._registry import XED_FULL
from workflows.resources._translate import answers

TAG = "headway"
PLAIN = (None, "ATTRIBUTE", "text/x.schema-path")
"""How the kind of a row says that its source is an attribute (contract 8.1)."""
OVERLAP = 3600.0
"""The clocks that made the list and `since` may differ by so many seconds."""


@value
class MappingSpec:
    """Pairs of (source attribute, path in the target schema). `structure` says what the target looks like: sets with
    equal structure and pairs are valid or invalid together."""

    schema_id: str
    structure: str
    pairs: tuple[tuple[str, str], ...]


class MappingSets(PlatformObjects):
    """Mapping sets. The platform documents no way to delete one (contract 8.2)."""

    kind = "mapping set"
    family = DATA_PREP
    superseding = True

    def __init__(self, client: AepClient) -> None:
        super().__init__(client)
        self._valid: set[str] = set()
        self._checks: dict[str, anyio.Lock] = {}

    def body(self, spec: MappingSpec, label: Label, now: float) -> Json:  # noqa: ARG002
        return {**_set(spec), "name": label.name, "tags": [{"name": TAG, "values": [label.attempt]}]}

    def ready(self, spec: MappingSpec) -> bool:
        return super().ready(spec) and _key(spec) in self._valid

    async def prepare(self, spec: MappingSpec) -> None:
        """Have the platform validate the rows: what it checks at creation is not documented (contract 17, A17). Equal
        sets are validated once. Raises `Rejected` with every bad row."""
        await super().prepare(spec)
        key = _key(spec)
        lock = self._checks.setdefault(key, anyio.Lock())
        try:
            async with lock:
                if key not in self._valid:
                    await self._validate(spec)
        finally:
            self._checks.pop(key, None)

    async def create(self, body: str, send_within: float) -> Receipt:
        with answers():
            answer = await self._client.effect(
                "POST", self.family, "/mappingSets", content=body.encode(), send_within=send_within
            )
        id = text(answer.body, "id")
        if id is None:
            raise InDoubt("Data Prep answered without the id of the mapping set")
        return Receipt(id=id, version=_version(answer.body))

    async def find(self, names: Sequence[str], since: float | None) -> Sequence[Hit]:
        """Read back to `since`. Without it, the undocumented filter is tried; where it shows nothing, everything is
        read. A filter that is ignored or refused changes nothing: names are matched here."""
        if since is None:
            found = [hit for name in names for hit in await self._filtered(name)]
            if found:
                return found
        return await self._listed(names, since)

    async def read(self, id: str) -> View | None:
        content = await read_mapping_set(self._client, id)
        if content is None:
            return None
        return View(
            id=id,
            name=text(content, "name") or "",
            note=_note(content),
            created=_created(content),
            version=_version(content),
            content=content,
        )

    def differences(self, body: Json, view: View) -> Sequence[Difference]:
        """Rows are compared by where they lead, in either spelling (contract 8.1); more rows are a difference."""
        sent, stored = _rows(body), _rows(view.content)
        extra = [Difference(path=f"mappings.{path}", wanted=None, found=stored[path]) for path in stored.keys() - sent]
        return [
            *compare(_schema(body), _schema(view.content), "outputSchema"),
            *compare(sent, stored, "mappings"),
            *extra,
        ]

    def changes(self, before: Json, after: Json, now: float) -> Sequence[Change]:  # noqa: ARG002
        """A set is never changed: flows refer to a version of it, and a PUT knows no condition (contract 1.6). That the
        platform keeps its name is not known (17, A6): where it shows none, that is no difference."""
        found = changes(_normal(before), _normal(after), lambda _path: False)
        return [change for change in found if change.path != "name" or change.before is not None]

    async def delete(self, id: str, send_within: float) -> None:
        """Nothing is sent: there is no such request (contract 8.2). A set that no flow uses does no harm."""

    async def _validate(self, spec: MappingSpec) -> None:
        bad = await invalid_rows(self._client, _set(spec))
        if bad:
            hint = "Mend the mappings in the manifest and run again."
            raise Rejected(Failure(kind="invalid", message="; ".join(bad), hint=hint))
        self._valid.add(_key(spec))

    async def _filtered(self, name: str) -> list[Hit]:
        with answers():
            try:
                pages = self._client.pages(self.family, "/mappingSets", params={"name": name})
                return [hit async for page in pages for hit in hits(page, (name,))]
            except BadRequest:
                return []

    async def _listed(self, names: Sequence[str], since: float | None) -> list[Hit]:
        """The newest sets, page by page; what is created meanwhile moves rows back, never past the reader."""
        found: list[Hit] = []
        with answers():
            async for page in self._client.pages(self.family, "/mappingSets", params={"orderBy": "-createdDate"}):
                found += hits(page, names)
                oldest = min((created for item in page if (created := _created(item))), default=float("inf"))
                if since is not None and oldest < since - OVERLAP:
                    break
        return found


@value
class Row:
    """A row of a set: `source` is a source attribute where it is `plain`, else an expression or a fixed value."""

    source: str
    destination: str
    plain: bool


async def read_mapping_set(client: AepClient, id: str, version: Json = None) -> Json:
    """A set, in this version or the newest; None when there is none."""
    query = {} if version is None else {"version": str(version)}
    with answers():
        try:
            answer = await client.read("GET", DATA_PREP, f"/mappingSets/{quote(id, safe='')}", params=query)
        except NotFound:
            return None
    content: Json = answer.body
    return content


def mapping_rows(content: Json) -> tuple[Row, ...]:
    """The rows of a set, in either dialect (contract 8.1)."""
    return tuple(
        Row(source=_source(row) or "", destination=_destination(row), plain=text(row, "sourceType") in PLAIN)
        for row in rows(content, "mappings")
    )


def column(attribute: str) -> str:
    """The inverse of `attribute`."""
    fenced = re.fullmatch(r"\$\{(.*)\}", attribute)
    return (fenced[1] if fenced else attribute).replace("\\.", ".")


def attribute(column: str) -> str:
    """A column as a source attribute: a dot inside the name is escaped, other special characters are fenced
    (contract 8.1)."""
    escaped = column.replace(".", "\\.")
    return escaped if re.fullmatch(r"[A-Za-z0-9_.]+", column) else f"${{{escaped}}}"


def _set(spec: MappingSpec) -> dict[str, Json]:
    return {
        "outputSchema": {"schemaRef": {"id": spec.schema_id, "contentType": XED_FULL}},
        "mappings": [
            {"sourceType": "ATTRIBUTE", "source": source, "destination": destination}
            for source, destination in spec.pairs
        ],
    }


def _key(spec: MappingSpec) -> str:
    return codec.fingerprint([spec.structure, spec.pairs])


def _normal(content: Json) -> Json:
    return {"name": dig(content, "name"), "outputSchema": _schema(content), "mappings": _rows(content)}


def _rows(content: Json) -> dict[str, Json]:
    """Source by destination."""
    return {_destination(row): _source(row) for row in rows(content, "mappings")}


def _destination(row: Json) -> str:
    return str(text(row, "destination") or text(row, "destinationXdmPath"))


def _source(row: Json) -> str | None:
    return text(row, "source") or text(row, "sourceAttribute")


def _schema(content: Json) -> Json:
    return text(content, "outputSchema", "schemaRef", "id") or text(content, "xdmSchema")


def _version(content: Json) -> str | None:
    version = dig(content, "version")
    return None if version is None else str(version)


def _note(content: Json) -> str:
    """The attempt, as a note says it."""
    values = [text(tag, "values", 0) for tag in rows(content, "tags") if text(tag, "name") == TAG]
    return f"attempt={values[0]}" if values and values[0] else ""


def _created(content: Json) -> float:
    """Epoch seconds: the platform writes milliseconds, its specification says date-time (contract 8.2)."""
    value = dig(content, "createdDate")
    if isinstance(value, str) and not value.isdecimal():
        try:
            return datetime.fromisoformat(value).timestamp()
        except ValueError:
            return 0.0
    return seconds(value)
