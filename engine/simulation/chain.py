"""The workflow of the simulation: a small chain with every kind of step, over the simulated platform.

class (titled) ── source ─┐      (tabular: no class, so that nothing titled goes before the source)
schema (titled, sentinel) ─┬─ target ── flow
base (shared) ─────────────┘
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import orjson

from engine.errors import Conflict, InDoubt, NotApplied, NotAuthorised, NotReady, Rejected
from engine.model import Json, Receipt
from engine.ports import Adopt, Change, Difference, Hit, Label, Resource, View
from engine.simulation.platform import Answer, Request
from engine.simulation.things import Thing
from engine.workflow import Workflow

Call = Callable[[Request], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a manifest would say: the content that every object gets, which step takes somebody else's object, and
    which chain it is."""

    content: int = 0
    adopts: str = ""
    tabular: bool = False

    def ask(self, step: str, *refs: Receipt | None) -> Spec | Adopt:
        """What a step of the run's own asks for."""
        if step == self.adopts:
            return Adopt(ref=f"{step}-theirs")
        return Spec(content=self.content, refs=tuple(ref.id for ref in refs if ref))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What an object is to be: its content, and the ids of the objects that it refers to."""

    content: int
    refs: tuple[str, ...] = ()


class Kind(Resource[Spec]):
    """A kind of object on the simulated platform. `call` sends one request and returns its answer."""

    family = "platform"

    def __init__(self, call: Call) -> None:
        self.call = call

    def body(self, spec: Spec, label: Label, now: float) -> Json:
        del now
        return {"name": label.name, "note": label.note, "content": spec.content, "refs": spec.refs}

    async def create(self, body: str, send_within: float) -> Receipt:
        del send_within
        sent = orjson.loads(body)
        answer = await self._answer(Request(
            verb="POST", kind=self.kind, names=(sent["name"],), content=sent["content"], refs=tuple(sent["refs"]),
            note=sent["note"],
        ))  # fmt: skip
        thing = cast("Thing", answer[1])
        return Receipt(id=thing.id, etag=str(thing.etag))

    async def find(self, names: Sequence[str], since: float | None) -> Sequence[Hit]:
        del since
        answer = await self._answer(Request(verb="LIST", kind=self.kind, names=tuple(names)))
        return [Hit(id=thing.id, name=thing.name) for thing in cast("list[Thing]", answer[1])]

    async def read(self, id: str) -> View | None:
        thing = cast("Thing | None", (await self._answer(Request(verb="GET", kind=self.kind, id=id)))[1])
        return None if thing is None else _view(thing)

    def differences(self, body: Json, view: View) -> Sequence[Difference]:
        wanted, found = cast("Mapping[str, Json]", body), cast("Mapping[str, Json]", view.content)
        return [
            Difference(path=key, wanted=wanted[key], found=found[key])
            for key in ("content", "refs")
            if _plain(wanted[key]) != _plain(found[key])
        ]

    def changes(self, before: Json, after: Json, now: float) -> Sequence[Change]:
        """Content changes in place, references do not."""
        del now
        old, new = cast("Mapping[str, Json]", before), cast("Mapping[str, Json]", after)
        return [
            Change(path=key, before=old[key], after=new[key], in_place=key != "refs")
            for key in ("name", "content", "refs")
            if _plain(old[key]) != _plain(new[key])
        ]

    async def sign(self, view: View, note: str, send_within: float) -> Receipt:
        del send_within
        answer = await self._answer(Request(verb="SIGN", kind=self.kind, id=view.id, note=note, before=view.note))
        thing = cast("Thing", answer[1])
        return Receipt(id=thing.id, etag=str(thing.etag))

    async def delete(self, id: str) -> None:
        await self._answer(Request(verb="DELETE", kind=self.kind, id=id))

    async def _answer(self, request: Request) -> Answer:
        answer = await self.call(request)
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
            case "gone" if request.verb == "SIGN":
                raise Rejected("gone")
        return answer


def _plain(value: Json) -> Json:
    return list(value) if isinstance(value, tuple) else value


def _view(thing: Thing) -> View:
    return View(
        id=thing.id, name=thing.name, note=thing.note, created=thing.created, etag=str(thing.etag),
        content={"content": thing.content, "refs": thing.refs},
    )  # fmt: skip


class Class(Kind):
    """Titled."""

    kind, unique = "class", True


class Schema(Kind):
    """Titled; the sentinel."""

    kind, unique = "schema", True


class Base(Kind):
    """Named; shared by all runs."""

    kind = "base"


class Source(Kind):
    """Named."""

    kind = "source"


class Target(Kind):
    """Named."""

    kind = "target"


class Flow(Kind):
    """Named; nothing refers to it."""

    kind = "flow"


KINDS: tuple[type[Kind], ...] = (Class, Schema, Base, Source, Target, Flow)
ADOPTABLE = ("source", "schema")
chain = Workflow("simulated", inputs=Inputs, sentinels=("schema",))


@chain.step(Schema)
def schema(inputs: Inputs) -> Spec | Adopt:
    """The sentinel: before every other effect that does not go before it."""
    return inputs.ask("schema")


@chain.step(Class, name="class", when=lambda inputs: not inputs.tabular)
def class_(inputs: Inputs) -> Spec | Adopt:
    """Titled, like the sentinel, but no sentinel."""
    return inputs.ask("class")


@chain.step(Base, shared="base")
def base() -> Spec:
    """The same for all runs, whatever their inputs."""
    return Spec(content=0)


@chain.step(Source, needs={"class_": "class"})
def source(inputs: Inputs, class_: Receipt | None) -> Spec | Adopt:
    """Refers to something titled, or to nothing."""
    return inputs.ask("source", class_)


@chain.step(Target)
def target(inputs: Inputs, schema: Receipt, base: Receipt) -> Spec | Adopt:
    """Refers to something shared."""
    return inputs.ask("target", schema, base)


@chain.step(Flow)
def flow(inputs: Inputs, source: Receipt, target: Receipt) -> Spec | Adopt:
    """Refers to what is only named."""
    return inputs.ask("flow", source, target)


chain.check()
