"""The workflow of the simulation: a small chain with every kind of step, over the simulated platform.

class (titled, second sentinel) ── source ──┐   (tabular: no class, so that nothing titled goes before the source,
schema (titled, sentinel) ─┬─ mapping ── flow   and another target)
base (shared) ─────────────┴─ target ───────┘

The schema, the target of it all, is the run's own, or shared, or somebody else's: then the class is the sentinel, if
there is one.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.model import Receipt
from engine.resource import Adopt
from engine.simulation.kinds import Base, Class, Flow, MappingSet, Schema, Source, Spec, Target
from engine.simulation.things import PEOPLE
from engine.workflow import Workflow

OWN, SHARED, ADOPTED = "own", "shared", "adopted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a manifest would say: the content that every object gets, that of the source, which no object changes in
    place, which step takes somebody else's object, whose the schema is (`OWN`, `SHARED`, `ADOPTED`), and which chain it
    is."""

    content: int = 0
    table: int = 0
    adopts: str = ""
    target: str = OWN
    tabular: bool = False

    def ask(self, step: str, *refs: Receipt | None) -> Spec | Adopt:
        """What a step of the run's own asks for."""
        if step == self.adopts:
            return Adopt(ref=f"{step}-theirs")
        return Spec(content=self.content, table=self.tables(step), refs=tuple(ref.id for ref in refs if ref))

    def tables(self, step: str) -> int:
        """What cannot be changed of a step's object: of the source, and of the target, which each chain has its own."""
        return {"source": self.table, "target": int(self.tabular)}.get(step, 0)


ADOPTABLE = ("source", "schema")
chain = Workflow("simulated", inputs=Inputs, sentinels=("schema", "class"))


@chain.step(Schema, shared=lambda inputs: PEOPLE if inputs.target == SHARED else None)
def schema(inputs: Inputs) -> Spec | Adopt:
    """The sentinel, if it is the run's own: before every other effect that does not go before it."""
    if inputs.target == ADOPTED:
        return Adopt(ref="schema-theirs")
    return Spec(content=0) if inputs.target == SHARED else inputs.ask("schema")


@chain.step(Class, name="class", when=lambda inputs: not inputs.tabular)
def class_(inputs: Inputs) -> Spec | Adopt:
    """Titled, like the schema; the sentinel, if that is not the run's own."""
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


@chain.step(MappingSet)
def mapping(inputs: Inputs, schema: Receipt) -> Spec | Adopt:
    """What another one may supersede."""
    return inputs.ask("mapping", schema)


@chain.step(Flow)
def flow(inputs: Inputs, source: Receipt, mapping: Receipt, target: Receipt) -> Spec | Adopt:
    """Refers to what is only named."""
    return inputs.ask("flow", source, mapping, target)


chain.check()
