"""A declaration is checked as a whole, and means for each set of inputs one plan."""

from __future__ import annotations

from typing import Any

import pytest

from engine import Adopt, Receipt, RetryPolicy, Workflow, WorkflowError
from engine.model import value
from engine.workflow import Plan


@value
class Inputs:
    """Of a run."""

    key: str | None = None
    adopts: str = ""
    full: bool = True


class Things:
    kind, unique = "thing", False

    async def create(self) -> None: ...


class Titled(Things):
    kind, unique = "titled", True

    async def sign(self) -> None: ...


class Unsigned(Things):
    unique = True


class Lookup:
    async def fetch(self) -> None: ...


class Nothing: ...


def make(**options: Any) -> Workflow[Inputs]:
    return Workflow("site", inputs=Inputs, **options)


def mistakes(workflow: Workflow[Any], *given: type) -> list[str]:
    with pytest.raises(WorkflowError) as caught:
        workflow.check(given or None)
    assert str(caught.value) == f"workflow {workflow.name!r}:\n" + "\n".join(f"  - {m}" for m in caught.value.mistakes)
    return caught.value.mistakes


def plain(*needs: str) -> Any:
    """A step function with these parameters."""
    space: dict[str, Any] = {}
    exec(f"def made({', '.join(needs)}): return ({', '.join(needs)})", space)
    return space["made"]


def chain(*, sentinels: tuple[str, ...] = ("title",)) -> Workflow[Inputs]:
    """parent -> title (sentinel) and base (shared), both -> end; beside stands alone; look reads."""
    site = make(sentinels=sentinels)
    site.step(Things, name="beside")(plain("inputs"))
    site.step(Lookup, name="look")(plain("inputs"))
    site.step(Things, name="end", when=lambda inputs: inputs.full)(plain("title", "base", "look"))
    site.step(Titled, name="title")(plain("parent"))
    site.step(Things, name="parent")(plain())
    site.step(Things, name="base", shared=lambda inputs: inputs.key)(plain())
    site.check()
    return site


def test_every_mistake_is_told_at_once() -> None:
    site = make(sentinels=("gone", "plain", "unsigned"))
    site.step(Things, name="inputs")(plain())
    site.step(Things, name="größe")(plain())
    site.step(Things, name="x" * 61)(plain())
    site.step(Nothing, name="nothing")(plain())
    site.step(Lookup, name="look")(plain("plain", "elsewhere"))
    site.step(Things, name="plain")(plain())
    site.step(Things, name="plain")(plain())
    site.step(Unsigned, name="unsigned")(plain("nobody"))
    site.step(Things, name="hen")(plain("egg"))
    site.step(Things, name="egg")(plain("hen"))
    form = "a name is words of A-Z a-z 0-9 with _ between, at most 60 long"
    *found, circle = mistakes(site)
    assert found == [
        "step 'plain' is declared twice",
        "a step cannot be called 'inputs': that parameter is the run's inputs",
        f"step 'größe': {form}",
        f"step '{'x' * 61}': {form}",
        "step 'nothing': Nothing is neither a resource nor a lookup",
        "step 'look' only reads, but needs 'plain', which creates",
        "step 'look' needs 'elsewhere', which is not a step",
        "step 'unsigned' needs 'nobody', which is not a step",
        "sentinel 'gone' is not a step",
        "sentinel 'plain': the platform does not refuse a second Things",
        "sentinel 'plain': Things has no `sign`",
        "sentinel 'unsigned': Unsigned has no `sign`",
    ]
    assert circle in (
        "these steps need each other: hen -> egg -> hen",
        "these steps need each other: egg -> hen -> egg",
    )


@pytest.mark.parametrize("name", ["_first", "first_", "two__words", "two words", "a-b", "a.b", ""])
def test_a_step_name_fits_into_names_of_objects(name: str) -> None:
    site = make()
    site.step(Things, name=name or " ")(plain())
    assert len(mistakes(site)) == 1


def test_a_step_that_needs_itself_is_a_circle() -> None:
    site = make()
    site.step(Things, name="egg")(plain("egg"))
    assert mistakes(site) == ["these steps need each other: egg -> egg"]


def test_resources_that_are_not_given_are_mistakes_where_that_is_asked() -> None:
    site = chain()
    site.check([Things, Titled, Lookup])
    assert mistakes(site, Things) == [
        "step 'look': the engine was given no Lookup", "step 'title': the engine was given no Titled"
    ]  # fmt: skip


def test_steps_come_in_the_order_of_their_declaration_each_after_its_needs() -> None:
    assert chain().order == ("beside", "look", "parent", "title", "base", "end")
    assert list(chain().plan(Inputs()).steps) == list(chain().order)


def test_edges_are_the_parameters_and_needs_renames_them() -> None:
    site = make()
    site.step(Things, name="first")(plain())
    site.step(Things, name="second", needs={"before": "first"})(plain("inputs", "before"))
    site.check()
    inputs, receipt = Inputs(), Receipt(id="1")
    assert site.steps["second"].needs == ("first",)
    assert site.spec(site.steps["second"], inputs, {"first": receipt}) == (inputs, receipt)
    assert site.spec(site.steps["first"], inputs, {"first": receipt}) == ()


def test_the_decorated_function_stays_what_it_was() -> None:
    function = plain("inputs")
    assert make().step(Things, name="one")(function) is function


def test_the_sentinel_goes_before_every_effect_that_it_does_not_need() -> None:
    plan = chain().plan(Inputs())
    assert plan.sentinel == "title"
    assert plan.needs == {
        "beside": ("title",), "look": (), "parent": (), "title": ("parent",), "base": ("title",),
        "end": ("title", "base", "look"),
    }  # fmt: skip
    assert plan.following["title"] == ("beside", "base", "end")
    assert plan.before("end") == {"title", "base", "look", "parent"}
    assert plan.before("parent") == set()


def test_a_step_that_is_not_there_leaves_none_to_its_dependents() -> None:
    site = make()
    site.step(Things, name="option", when=lambda inputs: inputs.full)(plain())
    site.step(Things, name="end")(plain("option"))
    plan = site.plan(Inputs(full=False))
    assert (list(plan.steps), plan.needs) == (["end"], {"end": ()})
    assert site.spec(site.steps["end"], Inputs(full=False), {}) is None
    assert list(site.plan(Inputs()).steps) == ["option", "end"]


def test_a_key_makes_a_step_shared_and_none_leaves_it_to_the_run() -> None:
    assert chain().plan(Inputs(key="k")).shared == {"base": "k"}
    assert chain().plan(Inputs()).shared == {}
    site = make()
    site.step(Things, name="base", shared="always")(plain())
    assert site.plan(Inputs()).shared == {"base": "always"}


def sentinel_of(*, inputs: Inputs, candidates: tuple[str, ...] = ("first", "second")) -> Plan:
    site = make(sentinels=candidates)
    site.step(Titled, name="first", shared=lambda inputs: inputs.key, when=lambda inputs: inputs.full)(
        lambda inputs: Adopt(ref=inputs.adopts) if inputs.adopts else "spec"
    )
    site.step(Titled, name="second")(plain("inputs"))
    site.check()
    return site.plan(inputs)


@pytest.mark.parametrize(
    ("inputs", "sentinel"),
    [
        (Inputs(), "first"),
        (Inputs(key="shared by others"), "second"),
        (Inputs(adopts="somebody's"), "second"),
        (Inputs(full=False), "second"),
    ],
)
def test_the_first_candidate_that_is_the_runs_own_creation_is_the_sentinel(inputs: Inputs, sentinel: str) -> None:
    assert sentinel_of(inputs=inputs).sentinel == sentinel


def test_a_run_without_a_creation_of_its_own_has_no_sentinel() -> None:
    assert sentinel_of(inputs=Inputs(full=False), candidates=("first",)).sentinel is None
    assert chain(sentinels=()).plan(Inputs()).sentinel is None


def test_what_a_user_named_is_adopted_whatever_the_step_says_and_is_the_runs_own() -> None:
    site = Workflow("site", inputs=Inputs, sentinels=("title",), adopts=lambda inputs: {inputs.adopts: "theirs"})
    site.step(Things, name="base", shared="always")(plain())
    site.step(Titled, name="title")(plain("base"))
    site.step(Things, name="end")(plain("title"))
    site.check()
    shared, titled = Inputs(adopts="base"), Inputs(adopts="title")
    assert site.spec(site.steps["base"], shared, {}) == Adopt(ref="theirs")
    assert (site.plan(shared).shared, site.plan(shared).sentinel) == ({}, "title")
    assert (site.plan(titled).shared, site.plan(titled).sentinel) == ({"base": "always"}, None)
    assert (site.plan(Inputs()).shared, site.plan(Inputs()).sentinel) == ({"base": "always"}, "title")


def test_equal_meanings_are_one_plan_however_many_inputs_there_are() -> None:
    site = chain()
    plans = [site.plan(Inputs(key=f"key {number}")) for number in range(1100)]
    assert [plan.shared["base"] for plan in plans] == [f"key {number}" for number in range(1100)]
    assert site.plan(Inputs(key="key 1099")) is plans[-1]
    assert site.plan(Inputs(key="key 0")) == plans[0]


def test_the_print_of_a_definition_is_of_steps_needs_kinds_and_sharing() -> None:
    def make_one(needs: str = "first", resource: type = Things, shared: str | None = None, name: str = "second") -> str:
        site = make()
        site.step(Things, name="first")(plain())
        site.step(Things, name="other")(plain())
        site.step(resource, name=name, shared=shared, retry=RetryPolicy(max_attempts=3))(plain(needs))
        return site.fingerprint

    prints = [make_one(), make_one("other"), make_one(resource=Titled), make_one(shared="k"), make_one(name="third")]
    assert len(set(prints)) == len(prints)
    assert make_one() == make_one(shared=None)


def test_inputs_are_written_and_read_by_the_workflows_own_functions_where_it_has_them() -> None:
    own = make(encode=lambda inputs: f"!{inputs.key}", decode=lambda text: Inputs(key=text[1:]))
    assert own.encode(Inputs(key="k")) == "!k"
    assert own.decode("!k") == Inputs(key="k")
    assert make().decode(make().encode(Inputs(key="k"))) == Inputs(key="k")
