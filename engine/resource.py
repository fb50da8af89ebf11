"""What a workflow's resource is: what the engine asks of it, and the values that pass between them.

A resource is declared like one of Terraform's: a *pure* function from inputs to the desired body, plus how to create,
find, read and compare; further powers are further protocols. Nothing has to inherit from the engine; who inherits from
`Resource` gets its defaults.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol, TypeVar

from engine.errors import Rejected
from engine.model import Failure, Json, Receipt, field, value

SpecIn = TypeVar("SpecIn", contravariant=True)


@value
class Label:
    """What a resource plants in the object so that it can be found again.

    `name` is readable, at most 100 characters of `A-Z a-z 0-9 - _ .` and single inner spaces, unique to (run, step,
    generation), and ends with the marker (rule 2). `note` is text for a description; it names the attempt, and in a
    sentinel the journal and the generation (rules 2, 3 and 7). `attempt` is the attempt's bare tag, for resources
    without a description.
    """

    name: str
    note: str
    attempt: str


@value
class Adopt:
    """What a step function returns in place of a spec to take somebody else's object, named by the user."""

    ref: str


@value
class Hit:
    """An object that a search showed: `name` as planted. A hit may be deleted, or older than it looks."""

    id: str
    name: str


@value
class View:
    """One object as it is now. `note` is its description (or whatever carries `Label.note`), `created` its creation
    time (epoch seconds) by the other side's clock, `content` what `differences` and `changes` compare, `data` what a
    receipt keeps of it. `left`: when the request that it answers left (boot clock), or a moment before; None: not
    known. A resource that can be a sentinel sets it if its reads may wait, as the lease counts from there (rule 7)."""

    id: str
    name: str
    note: str
    created: float
    etag: str | None = None
    version: str | None = None
    left: float | None = None
    content: Json = None
    data: Mapping[str, Json] = field(default_factory=dict)


@value
class Difference:
    """One field in which an object differs from what was asked for."""

    path: str
    wanted: Json
    found: Json


@value
class Change:
    """One field that is to change. `in_place`: the object can take the new value; otherwise another object must take
    its place. `hidden`: the other side does not show the field, or not as it was sent."""

    path: str
    before: Json
    after: Json
    in_place: bool = False
    hidden: bool = False


class Resource(Protocol[SpecIn]):
    """A kind of remote object.

    `kind` is what people call it. `family` names the service that it belongs to, for permits and pauses. `unique`: the
    other side itself refuses a second object of the same name. `superseding`: objects cannot be deleted, so another one
    takes the place of one that is to change, and the old one stays; a second one does no harm, so that a doubt about it
    is never a question for people. `holds_data`: deleting an object loses what can never be made again. `etagged`:
    objects have etags, which are read where the answer to their creation does not tell them.
    """

    kind: str
    family: str
    unique: bool = False
    superseding: bool = False
    holds_data: bool = False
    etagged: bool = False

    @abstractmethod
    def body(self, spec: SpecIn, label: Label, now: float) -> Json:
        """The request body, pure, with `label.name` planted in it and, where there is a place for it, `label.note`.
        Values that must be fresh at each send are computed from `now` (epoch seconds). Secrets stay references
        (`${env:NAME}`); `create` resolves them. Raises `Rejected` for what cannot be sent."""
        ...

    @abstractmethod
    async def create(self, body: str, send_within: float) -> Receipt:
        """Send `body` (JSON text) as exactly one request that leaves within `send_within` seconds or never.
        Returns for *created*, raises one of the five `Answer`s otherwise; a `Halt` means that it was not applied."""
        ...

    @abstractmethod
    async def find(self, names: Sequence[str], since: float | None) -> Sequence[Hit]:
        """Every listed object that bears one of `names`, by one query over all pages. `since` (epoch seconds, None:
        ever) bounds how far back an unfilterable list must be read."""
        ...

    @abstractmethod
    async def read(self, id: str) -> View | None:
        """The object, or None when the other side says that it is gone."""
        ...

    def ready(self, spec: SpecIn) -> bool:
        """Whether `prepare` would have nothing to do at this moment."""
        del spec
        return True

    async def prepare(self, spec: SpecIn) -> None:
        """Whatever must be read or checked before the intent (a token, a validation). Raises the five answers."""
        del spec

    def differences(self, body: Json, view: View) -> Sequence[Difference]:
        """In which fields the object differs from `body`; pure, and blind to late-bound values and to the label's
        note. By default: the fields of `view.content` that `body` does not have, or has otherwise."""
        if not isinstance(body, Mapping) or not isinstance(view.content, Mapping):
            return () if body == view.content else (Difference(path="", wanted=body, found=view.content),)
        return [
            Difference(path=name, wanted=body.get(name), found=found)
            for name, found in view.content.items()
            if body.get(name) != found
        ]

    def changes(self, before: Json, after: Json, now: float) -> Sequence[Change]:
        """In which fields the body `after` differs from `before`, which is a body or a view's content; pure. `now`
        (epoch seconds) tells what has passed meanwhile. The object's name is the field `name`; the label's note is not
        a field. By default every field that differs, none of them in place."""
        del now
        if not isinstance(before, Mapping) or not isinstance(after, Mapping):
            return () if before == after else (Change(path="", before=before, after=after),)
        return [
            Change(path=name, before=before.get(name), after=after.get(name))
            for name in {**before, **after}
            if before.get(name) != after.get(name)
        ]

    async def adopt(self, ref: str) -> Receipt:
        """Take the object that a user named; by default `ref` is its id. Raises `Rejected` when there is none."""
        view = await self.read(ref)
        if view is None:
            raise Rejected(f"there is no {self.kind} {ref}")
        return Receipt(id=view.id, etag=view.etag, version=view.version, data=view.data)


class Deletable(Protocol):
    """A resource whose objects can be deleted (rule 10); others are left where they are, and named."""

    @abstractmethod
    async def delete(self, id: str, send_within: float) -> None:
        """Delete by one request that leaves within `send_within` seconds or never; returns when the other side says
        that it is gone, now or already. Raises the five answers."""
        ...


class Usable(Protocol):
    """A resource whose objects cannot be deleted while somebody uses them."""

    @abstractmethod
    async def used(self, id: str) -> Failure | None:
        """Who uses an object whose deletion was `NotReady`, and what people are to do about it; None if that will pass
        by itself. Only reads; raises the five answers."""
        ...


class Exclusive(Protocol[SpecIn]):
    """A resource where a second object that stands on the same ones does harm, whatever its name is."""

    @abstractmethod
    async def rivals(self, spec: SpecIn) -> Sequence[Hit]:
        """Every listed object that stands on what an object made from `spec` would need for itself. Only reads; raises
        the five answers."""
        ...


class LateBound(Protocol[SpecIn]):
    """A resource whose bodies hold values that must be fresh at each send (rule 9)."""

    @abstractmethod
    def refresh(self, body: Json, spec: SpecIn, now: float) -> Json:
        """The same body with those values computed again from `spec` and `now` (epoch seconds); pure."""
        ...

    @abstractmethod
    def settled(self, spec: SpecIn, now: float) -> Collection[str]:
        """The paths of hidden fields that `spec` does not leave open as of `now` (epoch seconds), so that what somebody
        made of them can be told; pure."""
        ...


class Signable(Protocol):
    """A resource whose objects can serve as sentinels: the note can be replaced on condition (rule 7)."""

    @abstractmethod
    async def sign(self, view: View, note: str, send_within: float) -> Receipt:
        """Replace the note on condition that it is still `view.note`. One request; raises `Conflict` otherwise."""
        ...


SWITCH = "on"
"""Where a view's and a receipt's `data` say whether the object is on."""


class Switchable(Protocol):
    """A resource whose objects can be switched off and on again; the data of a view says whether it is `on`, unless
    it is between the two."""

    @abstractmethod
    async def switch(self, view: View, on: bool, send_within: float) -> Receipt:
        """Switch it on condition that nobody changed it since this view. One request; raises the five answers."""
        ...


class Restorable(Protocol):
    """A resource for which putting back what somebody did by hand needs other changes than new inputs would."""

    @abstractmethod
    def restoring(self, content: Json, body: Json, now: float) -> Sequence[Change]:
        """As `changes` from a view's content to `body`, where somebody else made them differ; without what was added
        and cannot be taken away again. Pure."""
        ...


class Amendable(Protocol):
    """A resource whose objects can be changed, on condition that nobody else changed them meanwhile (rule 10)."""

    @abstractmethod
    def condition(self, view: View) -> str:
        """What `amend` makes the change depend on, such as the etag: while it is the same, a change that was sent
        earlier may still be applied."""
        ...

    @abstractmethod
    def amendment(self, view: View, body: Json, paths: Collection[str]) -> Json:
        """The request that makes these fields (`Change.path`) of the object as they are in `body`; pure. With `name`
        goes the note. Secrets stay references."""
        ...

    @abstractmethod
    async def amend(self, view: View, amendment: str, send_within: float) -> Receipt:
        """Send an amendment (JSON text) as one request that leaves within `send_within` seconds or never, on the
        condition of `view`. The receipt has what is new of etag and version. Raises `Conflict` when the condition does
        not hold any more, or another of the five answers."""
        ...


class Sealed(Protocol[SpecIn]):
    """A resource whose bodies refer to secrets, and whose receipts tell whether these are still what was sent."""

    renewal: Change
    """The change that sends the secrets anew."""

    @abstractmethod
    async def sealed(self, spec: SpecIn) -> Mapping[str, Json]:
        """What a receipt keeps in its data of the secrets to which a spec refers; nothing where they cannot be read."""
        ...

    @abstractmethod
    async def current(self, receipt: Receipt) -> bool:
        """Whether the references lead to the secrets that were sent; True where that cannot be told."""
        ...


class Lookup(Protocol[SpecIn]):
    """A step that only reads: no intent, no marker."""

    kind: str
    family: str

    @abstractmethod
    async def fetch(self, spec: SpecIn) -> Receipt:
        """Read it. Raises the five answers; `InDoubt` and `NotApplied` are tried again."""
        ...
