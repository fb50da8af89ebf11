"""headway's engine: durable workflows whose every step has exactly one effect, over APIs that cannot promise it.

    api         the front door: `Engine`                       workflow   declaring a DAG of pure steps
    runner      many runs at once, in a bounded window         machine    the state machine: read it first
    drive, walk one run through its graph                      labels     names that can be found again
    ensure      one step to its receipt                        retry      when to try again
    effect      permit, intent, window, request, receipt       codec      canonical JSON and fingerprints
    evidence    look, take, confirm: resolving a doubt         ports      the seams: Resource, Journal, Gate, Clock
    sentinel    the lease against a second journal             model      the values that everything speaks of
    destroy     deleting, in safe order                        errors     what is raised, as a tree
    wanted      what users want against what is there          upkeep     what becomes of what a step has made
    journal/    SQL: SQLite or PostgreSQL                      pacing/    permits, learned rates, outages

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
