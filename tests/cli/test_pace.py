"""How fast a batch goes, and how long it will take, as the progress tells it."""

from engine.model import RunState, Scope
from engine.session import Notice
from workflows.cli.render import pace
from workflows.cli.tally import Tally


def heard(tally: Tally, name: str, source: str, **detail: str) -> None:
    scope = Scope(gateway="g", org="o", sandbox="s")
    run = RunState(
        key=1, run_id=source, workflow="w", variant="", scope=scope, source=source, inputs="", inputs_print="",
        definition="",
    )  # fmt: skip
    tally.hear(Notice(name=name, run=run, detail=detail))


def test_the_time_left_is_told_while_something_runs() -> None:
    tally = Tally(total=3, done=0, now=0.0)
    for source in ("a", "b", "c"):
        heard(tally, "run_started", source)
    heard(tally, "run_done", "a")
    assert pace(tally, 60.0) == "1 source/min   2 min 0 s left"


def test_while_all_runs_wait_nothing_is_foreseen() -> None:
    """What has passed says nothing of how long they wait: the longer they did, the more time was left."""
    tally = Tally(total=3, done=0, now=0.0)
    for source in ("a", "b", "c"):
        heard(tally, "run_started", source)
    heard(tally, "run_done", "a")
    heard(tally, "run_waiting", "b", why="after settle")
    heard(tally, "run_waiting", "c", why="after settle")
    assert pace(tally, 60.0) == ""
    heard(tally, "step_done", "b")
    assert pace(tally, 60.0) == "1 source/min   2 min 0 s left"
