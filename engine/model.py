"""The engine's values: frozen data without behaviour that needs a clock, a socket or a database.

A `RunState` holds one `StepState` per step that was ever touched. The journal stores them as they are; only the state
machine (`machine.py`, `upkeep.py`) changes the status of a step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict, TypeVar, cast, dataclass_transform

from msgspec import Struct, StructMeta
from msgspec import field as field  # noqa: PLC0414 - the alias exports it

T = TypeVar("T")

if TYPE_CHECKING:
    from dataclasses import replace as replace  # noqa: PLC0414 - the alias exports it

    Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | float | bool | None"
    """Anything JSON can say."""
else:
    from msgspec.structs import replace as replace  # noqa: PLC0414

    Json = Any  # a type that names itself cannot be looked up when a value is read


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def value(cls: type[T]) -> type[T]:
    """Makes a class one of values: frozen, keyword-only, hashed by content; as JSON, without what has its default.

    The class is one of msgspec's, whose values are made, changed and encoded in C: a step makes a dozen of them.
    They hold data and nothing that could refer back to them, so the garbage collector need not know them.
    """
    kept = {name: item for name, item in vars(cls).items() if name not in ("__dict__", "__weakref__")}
    made = StructMeta(cls.__name__, (Struct,), kept, frozen=True, kw_only=True, omit_defaults=True, gc=False)
    return cast("type[T]", made)


class RunStatus(StrEnum):
    """What a run is doing, as users see it (`status --json`)."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    DESTROYED = "destroyed"


class StepStatus(StrEnum):
    """What is known of a step's effect."""

    PENDING = "pending"
    """Surely nothing of ours is out there."""
    INTENT = "intent"
    """Something of ours may be out there."""
    DONE = "done"
    """Something of ours is out there, and we know its id."""
    FAILED = "failed"
    """Refused for good; nothing is out there."""
    IN_DOUBT = "in_doubt"
    """A person must look: evidence contradicts itself, or does not come."""
    DESTROYED = "destroyed"
    """What was out there was deleted."""


class Origin(StrEnum):
    """Where the object of a receipt comes from (rule 6)."""

    CREATED = "created"
    RECOVERED = "recovered"
    ADOPTED = "adopted"


class Verb(StrEnum):
    """The effects that need an intent (rules 1 and 10)."""

    CREATE = "create"
    UPDATE = "update"
    SWITCH = "switch"
    DELETE = "delete"


@value
class Scope:
    """The world a run lives in (rule 8). `created` identifies one life of the sandbox; None: unknown."""

    gateway: str
    org: str
    sandbox: str
    created: str | None = None

    def same_sandbox(self, other: Scope) -> bool:
        """Whether both are of one sandbox, whichever of its lives."""
        return (self.gateway, self.org, self.sandbox) == (other.gateway, other.org, other.sandbox)


@value
class Failure:
    """Why something did not work, in the six words of `status --json`."""

    kind: str
    message: str
    code: str | None = None
    status: int | None = None
    hint: str | None = None
    request_id: str | None = None

    @property
    def details(self) -> dict[str, Json]:
        """What a line of history says of it."""
        told = {"message": self.message, "code": self.code, "status": self.status, "request_id": self.request_id}
        return {key: value for key, value in told.items() if value is not None}


@value
class Attempt:
    """One intent whose request is not settled. `tag` is planted in the object that it makes; `by` is the process that
    may send it; `at` the time of the intent (epoch seconds): from then on lists are read. `condition`: what an update
    depends on (`resource.Amendable.condition`), or the etag that a switch depends on."""

    tag: str
    by: str
    at: float
    verb: Verb = Verb.CREATE
    condition: str = ""


@value
class Receipt:
    """The outcome of a step: `id` and `etag` verbatim. `data` holds what dependent steps need beyond the id.

    `confirmed` is False while an earlier or a twin attempt may still show up (rules 3 and 4).
    """

    id: str
    etag: str | None = None
    version: str | None = None
    origin: Origin = Origin.CREATED
    confirmed: bool = True
    data: Mapping[str, Json] = field(default_factory=dict)


@value
class StepState:
    """One step of one run as the journal holds it. Times are epoch seconds."""

    name: str
    status: StepStatus = StepStatus.PENDING
    attempts: tuple[Attempt, ...] = ()
    """The open intents, oldest first."""
    tries: int = 0
    """How many requests were sent so far."""
    body: str | None = None
    """The exact JSON text of the open intent."""
    spec: str | None = None
    """A print of what was asked for, of its name, and of the ids that it refers to (`prints.printed`)."""
    generation: int = 0
    """The run's generation when it was made, which its name tells."""
    receipt: Receipt | None = None
    failure: Failure | None = None
    due: float | None = None
    """Do not try again before."""
    tombstones: tuple[str, ...] = ()
    """Ids that were deleted or superseded, and are never taken again (rule 10)."""
    started_at: float | None = None
    finished_at: float | None = None
    off: bool = False
    """What was made was switched off, and what takes its place is to be, too."""

    @property
    def ours(self) -> bool:
        """Whether the step has an object that is the run's own: created or recovered, not adopted."""
        return self.receipt is not None and self.receipt.origin is not Origin.ADOPTED


@value
class RunState:
    """One run, or the pseudo-run of one shared step (`shared`), whose `source` is the share key."""

    key: int
    """The journal's own number."""
    run_id: str
    workflow: str
    variant: str
    scope: Scope
    source: str
    inputs: str
    """Encoded, JSON text."""
    inputs_print: str
    """The fingerprint of the inputs as the manifest has them."""
    definition: str
    """The fingerprint of the workflow."""
    shared: bool = False
    status: RunStatus = RunStatus.PENDING
    generation: int = 0
    suspect: bool = False
    """Another journal, or a later state of this one, may know more (rule 7)."""
    doomed: tuple[str, ...] = ()
    """The steps that are being deleted."""
    was: tuple[str, ...] = ()
    """Earlier inputs (encoded) that steps may still have, oldest first, until all have the current ones."""
    formerly: tuple[str, ...] = ()
    """Names that the source had before, the newest first."""
    begun_by: str | None = None
    """Who wrote the run's first record: a process, or `recover`."""
    owner: str | None = None
    """The process that may drive it."""
    epoch: int = 0
    """The fence: a write with an older epoch fails."""
    failure: Failure | None = None
    created_at: float = 0.0
    finished_at: float | None = None
    steps: Mapping[str, StepState] = field(default_factory=dict)

    @property
    def receipts(self) -> dict[str, Receipt]:
        """The receipts of the steps that have one, by name; those of shared steps are in their own runs."""
        return {name: step.receipt for name, step in self.steps.items() if step.receipt}


class RunChanges(TypedDict, total=False):
    """What changes of a run while it is driven."""

    status: RunStatus
    generation: int
    suspect: bool
    doomed: tuple[str, ...]
    was: tuple[str, ...]
    begun_by: str | None
    failure: Failure | None
    finished_at: float | None


@value
class Event:
    """One line of history (`why`): what happened to a step, when (epoch seconds), with details for people."""

    step: str
    at: float
    name: str
    detail: Mapping[str, Json] = field(default_factory=dict)


@value
class Record:
    """One atomic journal write: the new state of some steps of a run, of the run itself (`with_run`), and history."""

    run: RunState
    steps: tuple[StepState, ...] = ()
    events: tuple[Event, ...] = ()
    with_run: bool = False


@value
class NewRun:
    """A run to register: everything that its identity and its inputs say. `previously`: the name that the source had
    before, and the id of the run that it would have had."""

    run_id: str
    workflow: str
    variant: str
    scope: Scope
    source: str
    inputs: str
    inputs_print: str
    definition: str
    shared: bool = False
    previously: str | None = None
    previous_id: str | None = None


@value
class Known:
    """What the journal says of a run that is registered again: enough to tell unchanged from changed."""

    key: int
    run_id: str
    status: RunStatus
    inputs_print: str
    source: str
