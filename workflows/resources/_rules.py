"""What a flow may ask for: the JSON Schemas that its flow spec carries, and rules beyond them (contract 9.4, 9.6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from jsonschema_rs import ValidationError

from engine.model import Json
from workflows.resources._json import dig, rows, table, text
from workflows.resources._json_schema import errors

ONCE = "once"


def mistakes(flow: Json, rules: Mapping[str, Json], connection_spec_id: str) -> list[str]:
    """Everything for which the platform would refuse this flow body, in words for people; empty when it may be sent.

    `rules` is what `FlowSpecs` keeps of a flow spec. The rules come first: they say better what a schema says, too.
    """
    return [*_of_connector(rules, connection_spec_id), *_of_schedule(flow, rules)] or _of_schemas(flow, rules)


def _of_connector(rules: Mapping[str, Json], connection_spec_id: str) -> Iterator[str]:
    served = rows(rules, "sources")
    if served and connection_spec_id not in served:
        yield f"the flow spec {text(rules, 'name') or 'of this connector'} does not serve this connector any more"


def _of_schedule(flow: Json, rules: Mapping[str, Json]) -> Iterator[str]:
    schedule = table(flow, "scheduleParams")
    copies = any(dig(item, "name") == "Copy" for item in rows(flow, "transformations"))
    if schedule.get("frequency") == ONCE:
        if "interval" in schedule:
            yield "schedule: once takes no interval"
        if "backfill" in schedule:
            yield "schedule: once takes no backfill"
    elif "Copy" in table(rules, "transformations") and not copies:
        yield "a delta_column is needed, unless the schedule's frequency is once"


def _of_schemas(flow: Json, rules: Mapping[str, Json]) -> list[str]:
    known = table(rules, "transformations")
    found = _errors(rules.get("schedule"), dig(flow, "scheduleParams"), "schedule")
    for item in rows(flow, "transformations"):
        name = str(dig(item, "name"))
        if known and name not in known:
            found.append(f"transformation {name}: the flow spec takes {', '.join(known)}")
        else:
            found += _errors(known.get(name), dig(item, "params"), f"transformation {name}")
    return found


def _errors(schema: Json, value: Json, where: str) -> list[str]:
    if not isinstance(schema, Mapping):
        return []
    return [f"{where}: {_in_words(error, value)}" for error in errors(schema, value)]


def _in_words(error: ValidationError, value: Json) -> str:
    field, limit = ".".join(map(str, error.instance_path)), error.kind.value
    match error.kind.name:
        case "minimum" if field == "interval":
            unit, found = text(value, "frequency") or "interval", error.instance
            return (
                f"every {found} {_units(unit, found)} is too often, "
                f"the platform takes {limit} {_units(unit, limit)} or more"
            )
        case "enum" if isinstance(limit, list):
            return f"{field} is {error.instance!r}, the platform takes {', '.join(map(str, limit))}"
        case "required":
            return f"{limit!r} is missing"
        case _:
            return f"{field}: {error.message}" if field else error.message


def _units(unit: str, count: object) -> str:
    return unit if count == 1 else f"{unit}s"
