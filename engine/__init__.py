"""headway's engine: durable workflows whose every step has exactly one effect, over APIs that cannot promise it.

The front door, and what is declared:

    api         `Engine`, the composition root                 workflow   a DAG of pure steps
    resource    what the engine asks of a kind of object       ports      what it needs: Clock, Gate, Journal
    model       the values that everything speaks of           errors     what is raised, as a tree

How a step comes to its object, from the batch down to the request:

    wanted      what users want, compared with the journal     evidence   searching, judging, taking what is ours
    runner      many runs at once, in a bounded window         confirm    watching what was sent again without proof
    drive, walk one run, pass after pass, through its graph    sentinel   the lease against a second journal
    ensure      one step to its receipt                        machine    the state machine: read it first
    effect      permit, intent, window, request, receipt       labels     names that can be found again

What becomes of the object then:

    changes     what new inputs mean, step by step             destroy    deleting, in safe order
    give_way    what cannot change is taken down               orphans    shared steps that nobody needs any more
    revise      what can is changed in place                   recover    finding what a lost journal knew
    refresh     what others did by hand                        switch     off and on again
    upkeep      its transitions, as `machine`'s                drift      compared with the platform; only looks

Beside them `journal/` (SQL: SQLite or PostgreSQL), `pacing/` (permits, learned rates, outages) and `simulation/` (the
proof). docs/architecture.md has every module, and an order to read them in.

The engine knows nothing of Adobe or HTTP, and never imports `workflows`.
"""

from engine.api import Engine
from engine.errors import (
    Answer,
    Conflict,
    Halt,
    HeadwayError,
    InDoubt,
    NotApplied,
    NotAuthorised,
    NotReady,
    Rejected,
    ScopeMismatch,
    ScopeMissing,
    StorageError,
    TooLate,
    UnknownRun,
    WorkflowChanged,
    WorkflowError,
)
from engine.model import Event, Failure, Json, Origin, Receipt, RunState, RunStatus, Scope, StepState, StepStatus
from engine.ports import Clock, Gate, Journal, Standing
from engine.resource import (
    Adopt,
    Amendable,
    Change,
    Deletable,
    Difference,
    Exclusive,
    Hit,
    Label,
    LateBound,
    Lookup,
    Resource,
    Restorable,
    Sealed,
    Signable,
    Switchable,
    Usable,
    View,
)
from engine.retry import RetryPolicy
from engine.session import Notice
from engine.wanted import Item, Registration
from engine.workflow import Workflow

__all__ = [
    "Adopt",
    "Amendable",
    "Answer",
    "Change",
    "Clock",
    "Conflict",
    "Deletable",
    "Difference",
    "Engine",
    "Event",
    "Exclusive",
    "Failure",
    "Gate",
    "Halt",
    "HeadwayError",
    "Hit",
    "InDoubt",
    "Item",
    "Journal",
    "Json",
    "Label",
    "LateBound",
    "Lookup",
    "NotApplied",
    "NotAuthorised",
    "NotReady",
    "Notice",
    "Origin",
    "Receipt",
    "Registration",
    "Rejected",
    "Resource",
    "Restorable",
    "RetryPolicy",
    "RunState",
    "RunStatus",
    "Scope",
    "ScopeMismatch",
    "ScopeMissing",
    "Sealed",
    "Signable",
    "Standing",
    "StepState",
    "StepStatus",
    "StorageError",
    "Switchable",
    "TooLate",
    "UnknownRun",
    "Usable",
    "View",
    "Workflow",
    "WorkflowChanged",
    "WorkflowError",
]
