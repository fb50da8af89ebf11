"""What the chains mean for a source: its steps, what it shares and with whom, what it adopts, when it runs."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import Rejected
from engine.model import Receipt, replace
from engine.resource import Adopt, Label
from tests.onboarding.sources import CRM_RULES, DETAILS, PROFILE, SCHEDULE_TODAY, receipts, source, zendesk
from workflows.onboarding.chains import onboarding, schedule_mistakes
from workflows.onboarding.inputs import BaseConnection, Column, Inputs, Schedule, Target
from workflows.resources import Flows, FlowSpec

ADHOC_STEPS = {
    "base_connection", "adhoc_class", "adhoc_schema", "source_connection", "target_schema", "dataset",
    "dataset_base_connection", "target_connection", "mapping_set", "flow_spec", "flow",
}  # fmt: skip
SCHEMA = "https://ns.adobe.com/acme/schemas/77aa"
DATASET = "5e54aa11bb22cc33dd44ee55"
EXISTING = BaseConnection(id="60a5c8b9-3c30-43ba-a5c8-b93c3093ba66", auth={})
NOW = 1893455880.0


def spec(inputs: Inputs, step: str, known: dict[str, Receipt] | None = None) -> Any:
    chain = onboarding
    return chain.spec(chain.steps[step], inputs, known or receipts(CRM_RULES))


def shared(inputs: Inputs) -> dict[str, str]:
    return dict(onboarding.plan(inputs).shared)


def body(inputs: Inputs, now: float = NOW) -> Any:
    flow: FlowSpec = spec(inputs, "flow")
    return Flows(None).body(flow, Label(name="f", note="", attempt="1"), now)  # type: ignore[arg-type]


def test_steps_are_named_as_promised() -> None:
    assert set(onboarding.plan(source()).steps) == ADHOC_STEPS
    newer = ADHOC_STEPS - {"adhoc_class", "adhoc_schema", "dataset_base_connection"}
    assert set(onboarding.plan(source(chain="tabular")).steps) == newer


def test_an_existing_base_connection_is_used_as_it_is() -> None:
    inputs = source(base_connection=EXISTING)
    plan = onboarding.plan(inputs)
    known = {name: receipt for name, receipt in receipts(CRM_RULES).items() if name != "base_connection"}
    assert "base_connection" not in plan.steps
    assert spec(inputs, "source_connection", known).base_id == EXISTING.id


def test_the_target_schema_goes_first() -> None:
    assert onboarding.plan(source()).sentinel == "target_schema"
    assert onboarding.plan(source(chain="tabular")).sentinel == "target_schema"


def test_everything_waits_for_both_schemas_by_which_another_journal_may_hold_the_run() -> None:
    plan = onboarding.plan(source())
    assert plan.first == {"target_schema", "adhoc_class", "adhoc_schema"}
    waiting = [name for name, step in plan.steps.items() if name not in plan.first and not step.reads_only]
    assert all({"target_schema", "adhoc_schema"} <= {*plan.needs[name]} for name in waiting)


@pytest.mark.parametrize("schema", ["acme-people", SCHEMA])
def test_where_the_target_schema_is_not_the_runs_own_the_ad_hoc_schema_goes_first(schema: str) -> None:
    target = Target(klass=PROFILE, field_groups=(DETAILS,), schema=schema)
    assert onboarding.plan(source(target=target)).sentinel == "adhoc_schema"
    assert onboarding.plan(source(chain="tabular", target=target)).sentinel is None


def test_base_connections_are_shared_by_connector_and_name() -> None:
    auth = source().base_connection.auth
    one = shared(source())["base_connection"]
    same = shared(source(source="acme-contacts", chain="tabular"))["base_connection"]
    other_name = shared(source(base_connection=BaseConnection(name="sandbox", auth=auth)))["base_connection"]
    other_connector = shared(source(connector="oracle-service-cloud"))["base_connection"]
    assert one == same
    assert len({one, other_name, other_connector}) == 3


def test_base_connections_without_a_name_are_shared_by_what_anybody_may_see_of_them() -> None:
    auth = dict(source().base_connection.auth)

    def key(**changes: str) -> str:
        return shared(source(base_connection=BaseConnection(auth={**auth, **changes})))["base_connection"]

    assert key() == key(password="${env:ANOTHER}")
    assert len({key(), key(username="another"), key(endpoint="https://another.service-now.com")}) == 3
    assert key().rpartition(":")[2] == "ServiceNow"


@pytest.mark.parametrize(
    ("schema", "dataset", "schema_key", "dataset_shared"),
    [
        (None, None, None, False),
        ("acme", None, "schema:acme", False),
        (None, "acme", "dataset-schema:acme", True),
        ("people", "acme", "schema:people", True),
        (SCHEMA, None, None, False),
        (SCHEMA, "acme", None, True),
        (None, DATASET, None, False),
    ],
)
def test_targets_are_shared_by_name(
    schema: str | None, dataset: str | None, schema_key: str | None, dataset_shared: bool
) -> None:
    keys = shared(source(target=Target(klass=PROFILE, field_groups=(), schema=schema, dataset=dataset)))
    assert keys.get("target_schema") == schema_key
    assert ("dataset" in keys) is dataset_shared


def test_no_two_things_share_one_key() -> None:
    """A schema, a dataset and its schema of one name are three; a dataset on another schema is another dataset."""
    targets = [
        Target(klass=PROFILE, field_groups=(), schema=schema, dataset=dataset)
        for schema, dataset in [("a", None), (None, "a"), ("a", "a"), ("b", "a"), (SCHEMA, "a")]
    ]
    keys = [shared(source(target=target)) for target in targets]
    assert len({key["dataset"] for key in keys if "dataset" in key}) == 4
    assert {key["target_schema"] for key in keys if "target_schema" in key} == {
        "schema:a", "schema:b", "dataset-schema:a",
    }  # fmt: skip


def test_what_exists_is_adopted() -> None:
    by_schema = source(target=Target(klass="", field_groups=(), schema=SCHEMA))
    by_dataset = source(target=Target(klass="", field_groups=(), dataset=DATASET))
    assert spec(by_schema, "target_schema") == Adopt(ref=SCHEMA)
    assert spec(by_dataset, "target_schema") == Adopt(ref=f"dataset:{DATASET}")
    assert spec(by_dataset, "dataset") == Adopt(ref=DATASET)


def test_inputs_survive_the_journal() -> None:
    chain = onboarding
    for inputs in (source(), source(base_connection=EXISTING), zendesk()):
        assert chain.decode(chain.encode(inputs)) == inputs


def test_equal_targets_are_validated_once_whatever_their_ids() -> None:
    one = spec(source(), "mapping_set")
    other = spec(source(), "mapping_set", {"target_schema": Receipt(id="https://ns.adobe.com/acme/schemas/99ff")})
    adopted = spec(source(target=Target(klass="", field_groups=(), schema=SCHEMA)), "mapping_set")
    assert one.structure == other.structure
    assert one.schema_id != other.schema_id
    assert adopted.structure == adopted.schema_id


def test_odd_column_names_are_escaped_in_the_mapping() -> None:
    names = ("plain_1", "first.name", "full name", "a.b-c")
    inputs = source(chain="tabular", mappings=tuple((name, "_id") for name in names))
    assert [pair[0] for pair in spec(inputs, "mapping_set").pairs] == [
        "plain_1", r"first\.name", "${full name}", r"${a\.b-c}",
    ]  # fmt: skip


# --- schedules --------------------------------------------------------------------------------------------------------


def test_a_start_that_nobody_named_is_a_full_minute_soon_after_each_send() -> None:
    for now in (NOW, NOW + 1, NOW + 3600):
        start = body(source(), now)["scheduleParams"]["startTime"]
        assert isinstance(start, int)
        assert start % 60 == 0
        assert 300 <= start - now < 360


def test_a_named_start_holds_until_it_has_passed() -> None:
    named = int(NOW) + 86_400
    inputs = source(schedule=Schedule(frequency="hour", interval=1, start=named))
    assert body(inputs)["scheduleParams"]["startTime"] == named
    assert body(inputs, named + 10)["scheduleParams"]["startTime"] > named + 300


def test_an_intended_flow_gets_a_fresh_start_when_its_own_has_passed() -> None:
    flows = Flows(None)  # type: ignore[arg-type]
    intended = body(source())
    start = intended["scheduleParams"]["startTime"]
    late: Any = flows.refresh(intended, spec(source(), "flow"), start + 1.0)
    assert flows.refresh(intended, spec(source(), "flow"), start - 1.0) == intended
    assert late["scheduleParams"]["startTime"] > start + 300
    assert {**late, "scheduleParams": None} == {**intended, "scheduleParams": None}


def test_starts_are_spread_always_the_same_way() -> None:
    def offset(name: str) -> int:
        inputs = source(source=name, schedule=Schedule(frequency="hour", interval=1, spread=3600))
        return int(body(inputs)["scheduleParams"]["startTime"]) - plain

    plain = int(body(source())["scheduleParams"]["startTime"])
    offsets = [offset(f"source-{number}") for number in range(60)]
    assert offsets == [offset(f"source-{number}") for number in range(60)]
    assert all(0 <= seconds < 3600 for seconds in offsets)
    assert len({seconds // 600 for seconds in offsets}) == 6


def test_starts_stay_spread_when_they_are_made_fresh() -> None:
    inputs = source(schedule=Schedule(frequency="hour", interval=1, spread=3600))
    plain, spread = body(source())["scheduleParams"]["startTime"], body(inputs)["scheduleParams"]["startTime"]
    late: Any = Flows(None).refresh(body(inputs), spec(inputs, "flow"), spread + 86_400)  # type: ignore[arg-type]
    assert spread > plain
    assert late["scheduleParams"]["startTime"] == body(inputs, spread + 86_400)["scheduleParams"]["startTime"]


def test_the_delta_column_says_how_its_dates_look() -> None:
    columns = (Column(name="updatedAt", type="date-time", format="yyyy-MM-dd", timezone="Europe/Berlin"),)
    copy = body(source(columns=columns))["transformations"][0]
    assert copy == {
        "name": "Copy",
        "params": {"deltaColumn": {"name": "updatedAt", "dateFormat": "yyyy-MM-dd", "timezone": "Europe/Berlin"}},
    }


def test_once_takes_neither_interval_nor_copy() -> None:
    flow = body(source(schedule=Schedule(frequency="once")))
    assert [step["name"] for step in flow["transformations"]] == ["Mapping"]
    assert set(flow["scheduleParams"]) == {"startTime", "frequency"}


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        (
            Schedule(frequency="minute", interval=5),
            "schedule: every 5 minutes is too often, the platform takes 15 minutes or more",
        ),
        (Schedule(frequency="day", interval=0), "the platform takes 1 day or more"),
        (Schedule(frequency="hour"), "schedule: 'interval' is missing"),
        (Schedule(frequency="month", interval=1), "frequency is 'month', the platform takes once, minute"),
        (Schedule(frequency="once", interval=1), "schedule: once takes no interval"),
        (Schedule(frequency="once", backfill=True), "schedule: once takes no backfill"),
    ],
)
def test_a_schedule_that_the_platform_cannot_take_is_told_before_anything_is_sent(
    schedule: Schedule, said: str
) -> None:
    inputs = source(schedule=schedule)
    [mistake] = schedule_mistakes(inputs, CRM_RULES)
    assert said in mistake
    with pytest.raises(Rejected, match="schedule") as refusal:
        body(inputs)
    assert refusal.value.failure.kind == "invalid"


def test_what_is_documented_is_taken() -> None:
    for schedule in (
        Schedule(frequency="once"),
        Schedule(frequency="minute", interval=15),
        Schedule(frequency="week", interval=2, backfill=False),
    ):
        assert schedule_mistakes(source(schedule=schedule), CRM_RULES) == []
    assert schedule_mistakes(zendesk(), {}) == []


def test_the_flow_spec_read_at_run_time_decides() -> None:
    older: dict[str, Any] = {**SCHEDULE_TODAY, "required": ["startTime", "frequency", "interval"]}
    older = {key: value for key, value in older.items() if key not in ("if", "then", "else")}
    older["properties"] = {**older["properties"], "frequency": {"enum": ["minute", "hour", "day", "week"]}}
    mistakes = schedule_mistakes(source(schedule=Schedule(frequency="once")), {**CRM_RULES, "schedule": older})
    assert any("the platform takes minute, hour, day, week" in mistake for mistake in mistakes)


def test_a_flow_that_copies_needs_its_delta_column() -> None:
    [mistake] = schedule_mistakes(source(delta_column=None), CRM_RULES)
    assert "delta_column" in mistake


def test_a_connector_that_the_flow_spec_does_not_serve_is_told() -> None:
    [mistake] = schedule_mistakes(source(connector="oracle-service-cloud"), CRM_RULES)
    assert "CRMToAEP does not serve this connector" in mistake


def test_a_schema_that_is_none_forbids_nothing() -> None:
    assert schedule_mistakes(source(), {**CRM_RULES, "schedule": {"type": "nonsense"}}) == []


def test_changing_a_run_only_in_its_schedule_changes_only_its_flow() -> None:
    before, after = source(), replace(source(), schedule=Schedule(frequency="day", interval=1))
    known = receipts(CRM_RULES)
    changed = {name for name in ADHOC_STEPS if spec(before, name, known) != spec(after, name, known)}
    assert changed == {"flow"}
