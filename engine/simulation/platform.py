"""The other side, and the network before it: what it may do to a request is drawn from the seed.

A request is processed or not, now or up to `GATEWAY` seconds later, whether or not its client still waits. Reads by id
may be stale. Nothing is forgotten: a judge looks at the whole history.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from engine.simulation.lists import Lists
from engine.simulation.things import History, Thing, see
from engine.simulation.world import World

Answer = tuple[object, ...]
Reply = Callable[[Answer], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`verb`: POST, SIGN, PATCH, SWITCH, DELETE, GET, LIST. `names`: the one to give, or any of these to list.
    `before`: the note, or the etag, on which a change depends. `content` -1, no `refs`, no `note`, no name: as they
    are."""

    verb: str
    kind: str = ""
    names: tuple[str, ...] = ()
    id: str = ""
    content: int = 0
    table: int = 0
    refs: tuple[str, ...] = ()
    note: str = ""
    before: str = ""
    on: bool = True

    def __str__(self) -> str:
        return f"{self.verb} {self.kind} {self.id or ' | '.join(self.names)}"


def theirs(kind: str) -> Thing:
    """The object of this kind that somebody else made before us: to be adopted, never to be touched."""
    name, note = f"their {kind}", "made by hand"
    return Thing(id=f"{kind}-theirs", kind=kind, name=name, content=7, table=0, refs=(), note=note, etag=1, created=0.0)


class Platform:
    """Objects with their whole history. `processed` is told of every request that has an effect, when it has it."""

    def __init__(self, world: World, unique: frozenset[str], adoptable: tuple[str, ...]) -> None:
        self.world, self.unique = world, unique
        self.history: History = {f"{kind}-theirs": [(-1e9, theirs(kind))] for kind in adoptable}
        self.lists = Lists(world, self.history)
        self.processed: Callable[[Request, Answer], None] = lambda _request, _answer: None
        self._serial: Iterator[int] = itertools.count(1)
        self._outages = [_Outage.draw(world, number) for number in range(world.outages)]

    def live(self) -> list[Thing]:
        """What exists now."""
        return [thing for past in self.history.values() if (thing := past[-1][1])]

    def rivals(self, where: tuple[str, str]) -> list[str]:
        """The live objects of a step of which there may be one: those that supersede each other have different names,
        and only the newest of those that bear one name counts."""
        mine = [thing for thing in self.live() if thing.owner == where]
        if where[1] != "mapping" or not mine:
            return [thing.id for thing in mine]
        newest = max(mine, key=lambda thing: thing.created)
        return [thing.id for thing in mine if thing.name == newest.name]

    def doubled(self, where: tuple[str, str]) -> bool:
        """Whether there were ever two of them at the same time; of what is superseded, two of one name."""
        made = [(past[0][0], thing) for past in self.history.values() if (thing := past[0][1]) and thing.owner == where]
        pairs = [(since, new, one) for since, new in made for _, one in made if one is not new]
        same = [(since, one.id) for since, new, one in pairs if where[1] != "mapping" or new.name == one.name]
        return any(see(self.history, id, since) for since, id in same)

    def receive(self, request: Request, reply: Reply) -> None:
        """One request: whether and when it is processed, and whether and when it is answered, are drawn apart."""
        world, rng = self.world, self.world.stream("gateway")
        work, back = rng.uniform(0.02, 0.2), rng.uniform(0.01, 0.1)
        for outage in self._outages:
            if outage.hits(world):
                outage.answer(world, reply, work)
                return
        fate = rng.choice(world.weather.fates) if world.strikes("request", world.fault_rate) else "fine"
        if fate != "fine":
            world.fault("gateway", f"{fate} {request}")
        if request.verb in ("GET", "LIST"):
            if fate in ("fine", "late"):
                world.after(work, lambda: world.after(back, reply, self._process(request)))
            else:
                world.after(work, reply, ("in_doubt",))
            return
        immediate: dict[str, Answer] = {
            "refused": ("not_applied", rng.choice([0.5, 2, 20, 50])), "rejected": ("rejected",), "error": ("in_doubt",)
        }  # fmt: skip
        if fate in immediate:
            world.after(work, reply, immediate[fate])
            return
        if fate != "fine" and rng.random() < 0.7:
            most = rng.choice(world.weather.late)
            work = rng.choice([most, rng.uniform(0.1, most)])
        if fate == "error_after":
            world.after(rng.uniform(0.05, 12), reply, ("in_doubt",))
        world.after(work, self._finish, request, reply if fate in ("fine", "late") else None, back)

    def _finish(self, request: Request, reply: Reply | None, back: float) -> None:
        answer = self._process(request)
        self.world.say("platform", f"{request} -> {_shown(answer)}")
        self.processed(request, answer)
        if reply:
            self.world.after(back, reply, answer)

    def _process(self, request: Request) -> Answer:
        now = self.world.now
        match request.verb:
            case "LIST":
                return ("ok", self.lists.show(request.kind, request.names))
            case "GET":
                lag = self.world.stream("read").uniform(0, self.world.read_lag)
                return ("ok", see(self.history, request.id, now - lag))
            case "POST":
                return self._post(request)
        thing = see(self.history, request.id, now)
        if thing is None:
            return ("gone",)
        if request.verb == "SIGN":
            if request.before and request.before != thing.note:
                return ("conflict", "")
            thing = replace(thing, note=request.note, etag=thing.etag + 1)
            self.history[request.id].append((now, thing))
            return ("ok", thing)
        if request.verb == "PATCH":
            return self._patch(request, thing)
        if request.verb == "SWITCH":
            return self._switch(request, thing)
        return self.remove(request.id)

    def _patch(self, request: Request, thing: Thing) -> Answer:
        """A change on the condition that the object is as it was seen: titled ones by their note, others by etag."""
        titled = thing.kind in self.unique
        if request.before and request.before != (thing.note if titled else str(thing.etag)):
            return ("conflict", "")
        name = request.names[0] if request.names else thing.name
        if titled and any(other.name == name and other.id != thing.id for other in self.live()):
            return ("conflict", "")
        if not all(see(self.history, ref, self.world.now) for ref in request.refs):
            return ("rejected",)
        changed = replace(
            thing, name=name, content=thing.content if request.content < 0 else request.content,
            refs=request.refs or thing.refs, note=request.note or thing.note, etag=thing.etag + 1,
        )  # fmt: skip
        self.history[thing.id].append((self.world.now, changed))
        return ("ok", changed)

    def _switch(self, request: Request, thing: Thing) -> Answer:
        """Off or on, on condition that nobody changed it; what is so already is left as it is."""
        if request.before and request.before != str(thing.etag):
            return ("conflict", "")
        if thing.on is not request.on:
            thing = replace(thing, on=request.on, etag=thing.etag + 1)
            self.history[thing.id].append((self.world.now, thing))
        return ("ok", thing)

    def _post(self, request: Request) -> Answer:
        now, name = self.world.now, request.names[0]
        if request.kind in self.unique:
            for thing in self.live():
                if thing.name == name:
                    return ("conflict", thing.id)
        if not all(see(self.history, ref, now) for ref in request.refs):
            return ("rejected",)
        id = f"{request.kind}-{next(self._serial)}"
        thing = Thing(
            id=id, kind=request.kind, name=name, content=request.content, table=request.table, refs=request.refs,
            note=request.note, etag=1, created=now,
        )  # fmt: skip
        self.history[id] = [(now, thing)]
        return ("created", thing)

    def remove(self, id: str) -> Answer:
        """Delete an object, unless another one refers to it; what cannot be deleted keeps nothing from it."""
        if any(id in other.refs for other in self.live() if other.kind != "mapping"):
            return ("not_ready",)
        self.history[id].append((self.world.now, None))
        return ("ok", None)


@dataclass(slots=True)
class _Outage:
    """A time in which the gateway does not pass anything on."""

    number: int
    begin: float
    end: float
    how: str
    spared: bool | None = field(default=None)

    @classmethod
    def draw(cls, world: World, number: int) -> _Outage:
        rng = world.stream(f"outage {number}")
        begin = rng.choice([rng.uniform(0, 20), rng.uniform(0, 600)])
        how = rng.choice(["refusing", "failing", "silent", "unreachable"])
        return cls(number=number, begin=begin, end=begin + rng.choice([5, 60, rng.uniform(0, 600)]), how=how)

    def hits(self, world: World) -> bool:
        """Whether a request of this moment falls into it."""
        if not self.begin <= world.now < self.end or world.calm:
            return False
        if self.spared is None:
            self.spared = not world.strikes(f"outage {self.number}", 1.0)
            if not self.spared:
                world.fault("gateway", f"outage until {self.end:.1f}: {self.how}")
        return not self.spared

    def answer(self, world: World, reply: Reply, work: float) -> None:
        """A refusal that says how long, an error, or nothing at all."""
        if self.how == "refusing":
            world.after(work, reply, ("not_applied", min(self.end - world.now, 50.0)))
        elif self.how == "failing":
            world.after(work, reply, ("in_doubt",))
        elif self.how == "unreachable":
            world.after(work, reply, ("not_applied", None))


def _shown(answer: Answer) -> str:
    return " ".join(str(part) for part in answer)
