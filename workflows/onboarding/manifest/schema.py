"""The shape of a manifest: its keys and types, which pydantic checks strictly and editors can read."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Required, get_args

from pydantic import ConfigDict, Discriminator, Field, Tag, TypeAdapter, with_config
from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

from workflows.onboarding.chains import nameable
from workflows.sources import CHAINS, discover

ColumnType = Literal["string", "integer", "number", "boolean", "date", "date-time"]
COLUMN_TYPES: tuple[str, ...] = get_args(ColumnType)
FREQUENCIES = ("once", "minute", "hour", "day", "week")

Text = Annotated[str, Field(min_length=1)]
_STRICT = ConfigDict(strict=True, extra="forbid")


def _connectors(schema: dict[str, Any]) -> None:
    schema["enum"] = list(discover())


def _steps(schema: dict[str, Any]) -> None:
    schema["propertyNames"] = {"enum": list(dict.fromkeys(step for chain in CHAINS for step in nameable(chain)))}


@with_config(_STRICT)
class ColumnEntry(TypedDict, total=False):
    """A column whose text form has to be told."""

    type: Required[ColumnType]
    format: Annotated[Text | None, Field(description="Java pattern of a date, as yyyy-MM-dd HH:mm:ss")]
    timezone: Annotated[Text | None, Field(description="time zone of a date, as UTC")]


@with_config(_STRICT)
class ConnectionEntry(TypedDict, total=False):
    """A base connection to create; sources that name the same one share it."""

    name: Text | None
    auth: Required[Annotated[dict[str, Text], Field(description="secrets only as ${env:NAME} or ${file:PATH}")]]


_Class = TypedDict("_Class", {"class": Text | None}, total=False)  # `class` is a word of Python


@with_config(_STRICT)
class TargetEntry(_Class, total=False):
    """Where the data goes; an id names an existing schema or dataset, a name one that sources share."""

    field_groups: list[Text]
    schema: Annotated[Text | None, Field(description="https://ns.adobe.com/… or a name that sources share")]
    dataset: Annotated[Text | None, Field(description="24 hex digits, or a name that sources share")]


@with_config(_STRICT)
class ScheduleEntry(TypedDict, total=False):
    """When the flow runs."""

    frequency: Annotated[str, Field(json_schema_extra={"enum": list(FREQUENCIES)})]
    interval: Annotated[int | None, Field(description="minute: 15 or more; other units: 1 or more; once: none")]
    backfill: Annotated[bool | None, Field(description="the first run takes what is there already")]
    start: Annotated[Text | None, Field(description="2030-01-01T00:00:00Z or 2030-01-01; else soon after creation")]
    spread: Annotated[Text | None, Field(description="scatters the starts of many sources: 90s, 15m, 2h, 1d")]


def _connection_tag(value: object) -> str:
    return "new" if isinstance(value, dict) else "id"


def _column_tag(value: object) -> str:
    return "detail" if isinstance(value, dict) else "type"


Connection = Annotated[
    Annotated[Text, Tag("id")] | Annotated[ConnectionEntry, Tag("new")], Discriminator(_connection_tag)
]
ColumnShape = Annotated[
    Annotated[ColumnType, Tag("type")] | Annotated[ColumnEntry, Tag("detail")], Discriminator(_column_tag)
]


@with_config(_STRICT)
class DefaultsEntry(TypedDict, total=False):
    """What holds for every source that does not say otherwise."""

    connector: Annotated[str, Field(json_schema_extra=_connectors)]
    chain: Annotated[str, Field(json_schema_extra={"enum": list(CHAINS)})]
    base_connection: Annotated[Connection, Field(description="the id of an existing one, or one to create")]
    table: Text
    columns: Annotated[dict[str, ColumnShape], Field(description="column: its type")]
    delta_column: Annotated[Text | None, Field(description="the column that tells when a row changed")]
    mappings: Annotated[dict[str, Text], Field(description="column: path in the target schema")]
    target: TargetEntry
    schedule: ScheduleEntry


@with_config(_STRICT)
class SourceEntry(DefaultsEntry, total=False):
    """One table of one customer success system."""

    name: Annotated[Text, Field(description="unique in the manifest; part of the run's identity")]
    existing: Annotated[
        dict[str, Text], Field(description="step: id of what is there already and is adopted", json_schema_extra=_steps)
    ]
    previously: Annotated[Text | None, Field(description="the name that this source had before")]


@with_config(_STRICT)
class ManifestFile(TypedDict, total=False):
    """A manifest of headway."""

    version: Required[Literal[1]]
    defaults: DefaultsEntry
    sources: Required[list[SourceEntry]]


DEFAULTS = TypeAdapter(DefaultsEntry)
SOURCE = TypeAdapter(SourceEntry)


def manifest_schema() -> dict[str, Any]:
    """The JSON Schema of a YAML manifest, for editors (`headway init --schema`)."""
    schema = TypeAdapter(ManifestFile).json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "headway manifest"}
