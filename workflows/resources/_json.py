"""Reading what others wrote: paths into JSON, hits in a list, and where a stored object differs from what was sent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from engine.model import Json
from engine.resource import Difference, Hit


def dig(value: Json, *path: str | int) -> Json:
    """The value at a path of keys and indices; None where it leads nowhere."""
    for key in path:
        if isinstance(value, Mapping) and isinstance(key, str):
            value = value.get(key)
        elif isinstance(value, list | tuple) and isinstance(key, int) and key < len(value):
            value = value[key]
        else:
            return None
    return value


def text(value: Json, *path: str | int) -> str | None:
    """The text at a path; None where there is none, or an empty one."""
    found = dig(value, *path)
    return found if isinstance(found, str) and found else None


def rows(value: Json, *path: str | int) -> list[Json]:
    """The list at a path; an empty one where there is none."""
    found = dig(value, *path)
    return list(found) if isinstance(found, list | tuple) else []


def table(value: Json, *path: str | int) -> Mapping[str, Json]:
    """The object at a path; an empty one where there is none."""
    found = dig(value, *path)
    return found if isinstance(found, Mapping) else {}


def hits(items: Iterable[Json], names: Collection[str], *, id: str = "id", name: str = "name") -> list[Hit]:
    """Those items that bear one of `names` exactly, whatever the platform's filter made of them."""
    found = [Hit(id=text(item, id) or "", name=text(item, name) or "") for item in items]
    return [hit for hit in found if hit.id and hit.name in names]


def compare(wanted: Json, found: Json, path: str) -> Iterator[Difference]:
    """Where `found` is not as `wanted`. What the platform added by itself is no difference."""
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for key, item in wanted.items():
            yield from compare(item, found.get(key), f"{path}.{key}" if path else key)
    elif isinstance(wanted, list | tuple) and isinstance(found, list | tuple) and len(wanted) == len(found):
        for index, (mine, theirs) in enumerate(zip(wanted, found, strict=True)):
            yield from compare(mine, theirs, f"{path}[{index}]")
    elif wanted != found:
        yield Difference(path=path, wanted=wanted, found=found)


def media_type(value: Json) -> Json:
    """A schema's media type in one spelling: `;version=1`, `; version=1` and `; version=1.0` are the same
    (contract, conflict 3)."""
    if not isinstance(value, str):
        return value
    return value.replace(" ", "").removesuffix(".0")


def seconds(value: Json) -> float:
    """A time as the platform writes it, in epoch milliseconds, in epoch seconds; 0 where there is none."""
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    return value / 1000 if isinstance(value, int | float) else 0.0
