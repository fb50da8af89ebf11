"""Datasets (contract 7).

A dataset is found by its name: the name holds the marker, so that nobody else's bears it, and `name=` is the documented
filter. A tag of ours would say nothing more, and would claim a tag name in the whole organisation (contract 7.2).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from urllib.parse import quote

from engine.errors import InDoubt
from engine.model import Json, Receipt, value
from engine.resource import Change, Difference, Hit, Label, View
from workflows.aep import CATALOG, AepClient, NotFound
from workflows.resources._changes import changes, described, within
from workflows.resources._json import compare, dig, hits, media_type, seconds, table, text
from workflows.resources._platform import PlatformObjects
from workflows.resources._registry import XED_FULL
from workflows.resources._translate import answers


@value
class DatasetSpec:
    """A dataset on this schema."""

    schema_id: str


class Datasets(PlatformObjects):
    """Datasets. Their names are not unique."""

    kind = "dataset"
    family = CATALOG
    holds_data = True

    def body(self, spec: DatasetSpec, label: Label, now: float) -> Json:  # noqa: ARG002
        """The media type agrees with the mapping set's, which a flow asks for (FLOW-1425)."""
        return {
            "name": label.name,
            "description": label.note,
            "schemaRef": {"id": spec.schema_id, "contentType": XED_FULL},
        }

    async def create(self, body: str, send_within: float) -> Receipt:
        """`requestDataSource`: Catalog makes the data source by itself (contract 7.1)."""
        with answers():
            answer = await self._client.effect(
                "POST",
                self.family,
                "/dataSets",
                params={"requestDataSource": "true"},
                content=body.encode(),
                send_within=send_within,
            )
        reference = dig(answer.body, 0)
        kind, _, id = reference.rpartition("/") if isinstance(reference, str) else ("", "", "")
        if kind.lower() != "@/datasets" or not id:
            raise InDoubt("Catalog answered without the id of the dataset")
        return Receipt(id=id)

    async def find(self, names: Sequence[str], since: float | None) -> Sequence[Hit]:  # noqa: ARG002
        """One filter with all names: a comma means any of them (contract 7.2)."""
        query = {"name": ",".join(names), "properties": "name,created"}
        with answers():
            pages = self._client.pages(self.family, "/dataSets", params=query)
            items = [item async for page in pages for item in page]
        return hits(items, names)

    async def read(self, id: str) -> View | None:
        return await read_dataset(self._client, id)

    def differences(self, body: Json, view: View) -> Sequence[Difference]:
        """Of the media type only the version counts: its other parts say how fields are shown (contract 7.1)."""
        sent, stored = table(body, "schemaRef"), table(view.content, "schemaRef")
        return [
            *compare(sent.get("id"), stored.get("id"), "schemaRef.id"),
            *compare(_version(sent), _version(stored), "schemaRef.contentType"),
        ]

    def changes(self, before: Json, after: Json, now: float) -> Sequence[Change]:  # noqa: ARG002
        return changes(_normal(before), _normal(after), within("name"))

    def restoring(self, content: Json, body: Json, now: float) -> Sequence[Change]:
        return described(self.changes(content, body, now), content, body)

    def condition(self, view: View) -> str:
        """Without If-Match the last write would win (contract 7.3)."""
        return view.etag or ""

    def amendment(self, view: View, body: Json, paths: Collection[str]) -> Json:  # noqa: ARG002
        """A partial object."""
        return {key: dig(body, key) for key in ("name", "description")} if paths else {}

    async def amend(self, view: View, amendment: str, send_within: float) -> Receipt:
        """The answer does not say the new etag (contract 7.3): the next read does."""
        with answers():
            await self._client.effect(
                "PATCH",
                self.family,
                f"/dataSets/{quote(view.id, safe='')}",
                headers={"if-match": view.etag or ""},
                content=amendment.encode(),
                send_within=send_within,
            )
        return Receipt(id=view.id)

    async def delete(self, id: str, send_within: float) -> None:
        """An unknown id is answered with 200 or 404: gone, either way (contract 7.3)."""
        with answers():
            try:
                path = f"/dataSets/{quote(id, safe='')}"
                await self._client.effect("DELETE", self.family, path, send_within=send_within)
            except NotFound:
                return


async def read_dataset(client: AepClient, id: str) -> View | None:
    """One dataset; its etag is in a header, and is its version (contract 1.6)."""
    with answers():
        try:
            answer = await client.read("GET", CATALOG, f"/dataSets/{quote(id, safe='')}")
        except NotFound:
            return None
    item = dig(answer.body, id)
    if not table(item):
        return None
    return View(
        id=id,
        name=text(item, "name") or "",
        note=text(item, "description") or "",
        created=seconds(dig(item, "created")),
        etag=answer.headers.get("e-tag") or answer.headers.get("etag") or text(item, "version"),
        version=text(item, "version"),
        content=item,
    )


def _normal(content: Json) -> Json:
    ref = table(content, "schemaRef")
    return {"name": dig(content, "name"), "schemaRef": {"id": ref.get("id"), "contentType": _version(ref)}}


def _version(schema_ref: Json) -> Json:
    full = media_type(dig(schema_ref, "contentType"))
    return full.partition(";")[2] if isinstance(full, str) else None
