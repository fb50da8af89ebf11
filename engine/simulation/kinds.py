"""The kinds of objects of the simulated platform, as resources of the engine, and what a step asks of one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import cast

import orjson

from engine.errors import Conflict, InDoubt, NotApplied, NotAuthorised, NotReady, Rejected, TooLate
from engine.model import Json, Receipt, replace
from engine.resource import SWITCH, Change, Difference, Hit, Label, Resource, View
from engine.simulation.platform import Answer, Request
from engine.simulation.things import Thing
from engine.simulation.wire import FAMILY, Send


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What an object is to be: its content, what cannot be changed of it, and the ids of what it refers to."""

    content: int
    table: int = 0
    refs: tuple[str, ...] = ()


class Kind(Resource[Spec]):
    """A kind of object on the simulated platform. `send` is its client's."""

    in_place: tuple[str, ...] = ("name", "content")
    family = FAMILY

    def __init__(self, send: Send) -> None:
        self.send = send

    def body(self, spec: Spec, label: Label, now: float) -> Json:
        del now
        return {
            "name": label.name, "note": label.note, "content": spec.content, "table": spec.table, "refs": spec.refs,
        }  # fmt: skip

    async def create(self, body: str, send_within: float) -> Receipt:
        sent = orjson.loads(body)
        answer, _ = await self._answer(Request(
            verb="POST", kind=self.kind, names=(sent["name"],), content=sent["content"], refs=tuple(sent["refs"]),
            table=sent["table"], note=sent["note"],
        ), send_within)  # fmt: skip
        thing = cast("Thing", answer[1])
        return Receipt(id=thing.id, etag=str(thing.etag))

    async def find(self, names: Sequence[str], since: float | None) -> Sequence[Hit]:
        del since
        answer, _ = await self._answer(Request(verb="LIST", kind=self.kind, names=tuple(names)))
        return [Hit(id=thing.id, name=thing.name) for thing in cast("list[Thing]", answer[1])]

    async def read(self, id: str) -> View | None:
        answer, left = await self._answer(Request(verb="GET", kind=self.kind, id=id))
        thing = cast("Thing | None", answer[1])
        return None if thing is None else _view(thing, left)

    def differences(self, body: Json, view: View) -> Sequence[Difference]:
        wanted, found = cast("Mapping[str, Json]", body), cast("Mapping[str, Json]", view.content)
        return [
            Difference(path=key, wanted=wanted[key], found=found[key])
            for key in ("content", "table", "refs")
            if _plain(wanted[key]) != _plain(found[key])
        ]

    def changes(self, before: Json, after: Json, now: float) -> Sequence[Change]:
        """Name and content change in place; of the references, only that to what is superseded."""
        del now
        old, new = _fields(before), _fields(after)
        return [
            Change(path=key, before=old.get(key), after=new.get(key), in_place=key in self.in_place)
            for key in {**old, **new}
            if old.get(key) != new.get(key)
        ]

    def condition(self, view: View) -> str:
        """Titled objects have no etags: their notes are tested."""
        return view.note if self.unique else view.etag or ""

    def amendment(self, view: View, body: Json, paths: Collection[str]) -> Json:
        """Fields by name; a note goes with a name, and tells an object without etags apart."""
        wanted = cast("Mapping[str, Json]", body)
        patch: dict[str, Json] = {key: wanted[key] for key in ("name", "content") if key in paths}
        if "name" in paths or self.unique:
            patch["note"] = wanted["note"]
        if any(path.startswith("refs") for path in paths):
            patch["refs"] = wanted["refs"]
        return {"if": self.condition(view), **patch}

    async def amend(self, view: View, amendment: str, send_within: float) -> Receipt:
        patch = orjson.loads(amendment)
        answer, _ = await self._answer(Request(
            verb="PATCH", kind=self.kind, id=view.id, names=(patch["name"],) if "name" in patch else (),
            content=patch.get("content", -1), refs=tuple(patch.get("refs", ())), note=patch.get("note", ""),
            before=patch["if"],
        ), send_within)  # fmt: skip
        thing = cast("Thing", answer[1])
        return Receipt(id=thing.id, etag=str(thing.etag))

    async def sign(self, view: View, note: str, send_within: float) -> Receipt:
        request = Request(verb="SIGN", kind=self.kind, id=view.id, note=note, before=view.note)
        answer, _ = await self._answer(request, send_within)
        thing = cast("Thing", answer[1])
        return Receipt(id=thing.id, etag=str(thing.etag))

    async def delete(self, id: str, send_within: float) -> None:
        await self._answer(Request(verb="DELETE", kind=self.kind, id=id), send_within)

    async def _answer(self, request: Request, send_within: float = inf) -> tuple[Answer, float]:
        answer, left = await self.send(request, send_within)
        match answer[0]:
            case "not_applied":
                raise NotApplied("refused", cast("float | None", answer[1]))
            case "in_doubt":
                raise InDoubt("no answer")
            case "rejected":
                raise Rejected("refused for good")
            case "unauthorised":
                raise NotAuthorised("the token has expired")
            case "conflict":
                raise Conflict("taken", cast("str", answer[1]) or None)
            case "not_ready":
                raise NotReady("in use")
            case "gone" if request.verb in ("SIGN", "PATCH", "SWITCH"):
                raise Rejected("gone")
            case "late":
                raise TooLate("its send window closed before it could leave")
        return answer, left


def _fields(content: Json) -> dict[str, Json]:
    """What can differ, each reference by its place."""
    said = cast("Mapping[str, Json]", content)
    refs = {f"refs.{place}": ref for place, ref in enumerate(cast("Sequence[Json]", said["refs"]))}
    return {"name": said["name"], "content": said["content"], "table": said["table"], **refs}


def _plain(value: Json) -> Json:
    return list(value) if isinstance(value, tuple) else value


def _view(thing: Thing, left: float) -> View:
    return View(
        id=thing.id, name=thing.name, note=thing.note, created=thing.created, etag=str(thing.etag), left=left,
        content={"name": thing.name, "content": thing.content, "table": thing.table, "refs": thing.refs},
        data={SWITCH: thing.on} if thing.kind == "flow" else {},
    )  # fmt: skip


class Class(Kind):
    """Titled."""

    kind, unique = "class", True


class Schema(Kind):
    """Titled."""

    kind, unique = "schema", True


class Base(Kind):
    """Named; shared by all runs."""

    kind = "base"


class Source(Kind):
    """Named."""

    kind = "source"


class MappingSet(Kind):
    """Named; cannot be changed nor deleted: another one supersedes it."""

    kind, superseding, in_place = "mapping", True, ()

    async def delete(self, id: str, send_within: float) -> None:
        """There is no such request."""


class Target(Kind):
    """Named."""

    kind = "target"


class Flow(Kind):
    """Named; nothing refers to it. It can be pointed at another mapping, and switched off and on; a new one is on. The
    answer to its creation does not tell its etag."""

    kind, in_place, etagged = "flow", ("name", "content", "refs.1"), True

    async def create(self, body: str, send_within: float) -> Receipt:
        return replace(await super().create(body, send_within), etag=None, data={SWITCH: True})

    async def switch(self, view: View, on: bool, send_within: float) -> Receipt:
        request = Request(verb="SWITCH", kind=self.kind, id=view.id, on=on, before=self.condition(view))
        answer, _ = await self._answer(request, send_within)
        thing = cast("Thing", answer[1])
        return Receipt(id=thing.id, etag=str(thing.etag))


KINDS: tuple[type[Kind], ...] = (Class, Schema, Base, Source, MappingSet, Target, Flow)
