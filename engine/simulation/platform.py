"""The other side, and the network before it: what it may do to a request is drawn from the seed.

A request is processed or not, now or up to `GATEWAY` seconds later, whether or not its client still waits. Lists lag,
also for deletions; reads by id may be stale. Nothing is forgotten: a judge looks at the whole history.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from engine.simulation.world import GATEWAY, LAG, World

Answer = tuple[object, ...]
Reply = Callable[[Answer], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`verb`: POST, SIGN, DELETE, GET, LIST. `names`: the one to give, or any of these to list."""

    verb: str
    kind: str = ""
    names: tuple[str, ...] = ()
    id: str = ""
    content: int = 0
    refs: tuple[str, ...] = ()
    note: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One object at one time."""

    id: str
    kind: str
    name: str
    content: int
    refs: tuple[str, ...]
    note: str
    etag: int
    created: float


@dataclass(slots=True)
class Platform:
    """Objects with their whole history: (since, what it was then, None: deleted)."""

    world: World
    unique: frozenset[str]
    history: dict[str, list[tuple[float, Thing | None]]] = field(default_factory=dict)
    posts: list[tuple[float, Request]] = field(default_factory=list)
    _serial: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _replica_lag: dict[tuple[int, int], float] = field(default_factory=dict)
    _horizon: dict[int, float] = field(default_factory=dict)
    _own_lag: dict[tuple[str, float], float] = field(default_factory=dict)

    def see(self, id: str, when: float) -> Thing | None:
        """The object as it was then."""
        seen = None
        for since, thing in self.history.get(id, ()):
            if since <= when:
                seen = thing
        return seen

    def live(self) -> list[Thing]:
        """What exists now."""
        return [thing for past in self.history.values() if (thing := past[-1][1])]

    def receive(self, request: Request, reply: Reply) -> None:
        """One request: whether and when it is processed, and whether and when it is answered, are drawn apart."""
        world, rng = self.world, self.world.rng
        work = rng.uniform(0.02, 0.2)
        fate = rng.choice(world.weather.fates) if world.chance(world.fault_rate) else "fine"
        if fate != "fine":
            world.fault("gateway", f"{fate} {request.verb} {request.kind or request.id}")
        if request.verb in ("GET", "LIST"):
            if fate in ("fine", "late"):
                world.after(work, lambda: world.after(rng.uniform(0.01, 0.1), reply, self._process(request)))
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
            work = rng.uniform(0.1, GATEWAY - 1)
        if fate == "error_after":
            world.after(rng.uniform(0.05, 12), reply, ("in_doubt",))
        world.after(work, self._finish, request, reply if fate in ("fine", "late") else None)

    def _finish(self, request: Request, reply: Reply | None) -> None:
        answer = self._process(request)
        self.world.say("platform", f"{request.verb} {request.kind} {request.id or request.names} -> {answer}")
        if reply:
            self.world.after(self.world.rng.uniform(0.01, 0.1), reply, answer)

    def _process(self, request: Request) -> Answer:
        now = self.world.now
        match request.verb:
            case "LIST":
                return ("ok", self._listed(request))
            case "GET":
                return ("ok", self.see(request.id, now - self.world.rng.uniform(0, self.world.read_lag)))
            case "POST":
                return self._post(request)
        thing = self.see(request.id, now)
        if thing is None:
            return ("gone",)
        if request.verb == "SIGN":
            if request.before != thing.note:
                return ("conflict", "")
            thing = replace(thing, note=request.note, etag=thing.etag + 1)
            self.history[request.id].append((now, thing))
            return ("ok", thing)
        if any(request.id in other.refs for other in self.live()):
            return ("not_ready",)
        self.history[request.id].append((now, None))
        return ("ok", None)

    def _post(self, request: Request) -> Answer:
        now, name = self.world.now, request.names[0]
        self.posts.append((now, request))
        if request.kind in self.unique:
            for thing in self.live():
                if thing.name == name:
                    return ("conflict", thing.id)
        if not all(self.see(ref, now) for ref in request.refs):
            return ("rejected",)
        id = f"{request.kind}-{next(self._serial)}"
        thing = Thing(
            id=id, kind=request.kind, name=name, content=request.content, refs=request.refs, note=request.note,
            etag=1, created=now,
        )  # fmt: skip
        self.history[id] = [(now, thing)]
        return ("created", thing)

    def _listed(self, request: Request) -> list[Thing]:
        """Lists lag. fresh: not at all; ordered: a replica shows the past, at most LAG old; each: every change is indexed by itself, at
        most LAG late; tail: as ordered, but now and then far older. A replica never goes back."""
        world, now = self.world, self.world.now
        if world.lists == "fresh":
            seen = [self.see(id, now) for id in self.history]
        elif world.lists == "each":
            seen = [self._indexed(id) for id in self.history]
        else:
            replica = world.rng.randrange(2)
            slot = replica, int(now // 100)
            if slot not in self._replica_lag:
                far = world.lists == "tail" and not world.calm and world.rng.random() < 0.5
                near = world.rng.choice([0, 1, world.rng.uniform(0, LAG - 1)])
                self._replica_lag[slot] = world.rng.uniform(100, 900) if far else near
            self._horizon[replica] = max(self._horizon.get(replica, 0), now - self._replica_lag[slot])
            seen = [self.see(id, self._horizon[replica]) for id in self.history]
        return [t for t in seen if t and t.kind == request.kind and t.name in request.names]

    def _indexed(self, id: str) -> Thing | None:
        shown = None
        for when, thing in self.history[id]:
            key = id, when
            if key not in self._own_lag:
                self._own_lag[key] = self.world.rng.choice([0, self.world.rng.uniform(0, LAG - 1)])
            if when + self._own_lag[key] <= self.world.now:
                shown = thing
        return shown
