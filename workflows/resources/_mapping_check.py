"""What the platform says of the rows of a mapping set, in words for people (contract 8.2)."""

from __future__ import annotations

from engine.model import Json
from workflows.aep import DATA_PREP, AepClient
from workflows.resources._json import dig, rows, table, text
from workflows.resources._paths import Fields
from workflows.resources._registry import read_schema
from workflows.resources._translate import answers


async def invalid_rows(client: AepClient, mapping_set: Json) -> list[str]:
    """One sentence for each row that the platform refuses; none when it takes them all. The schema is read only to
    help with what was refused."""
    with answers():
        answer = await client.read("POST", DATA_PREP, "/mappingSets/validate", json=mapping_set)
    verdicts, sent = rows(answer.body, "validationResponse"), rows(mapping_set, "mappings")
    refused = [
        (row, verdict)
        for row, verdict in zip(sent, verdicts, strict=False)
        if (text(verdict, "status") or "").upper() == "FAILED"
    ]
    if not refused:
        return []
    schema = await read_schema(client, text(mapping_set, "outputSchema", "schemaRef", "id") or "", resolved=True)
    fields = Fields(table(schema, "properties"))
    return [_in_words(row, verdict, fields) for row, verdict in refused]


def _in_words(row: Json, verdict: Json, fields: Fields) -> str:
    source, destination = text(row, "source") or "", text(row, "destination") or ""
    if fields.paths and fields.type_at(destination) is None:
        meant = fields.nearest(destination)
        question = f'; did you mean "{meant}"?' if meant else ""
        return f'column {source}: no field "{destination}" in the target schema{question}'
    reason = text(verdict, "errors", 0, "exception") or str(dig(verdict, "errors"))
    return f'column {source}: cannot go to "{destination}": {reason}'
