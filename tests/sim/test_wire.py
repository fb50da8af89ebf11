"""What waits at the wire leaves within its send window, or never; looks wait as long as they must."""

import pytest

from engine.simulation.schedule import Result, schedule
from engine.simulation.weather import STILL

CALM = 300.0


def waiting(seconds: float) -> Result:
    weather = STILL.but(calm_at=[CALM], wire_rate=[1.0], wires=[seconds], scripts=[("run", "change", "destroy")])
    return schedule(1, weather=weather, trace=True)


def left(result: Result, *verbs: str) -> list[float]:
    """When such requests left."""
    lines = [line.split(maxsplit=3) for line in result.story]
    return [float(when) for when, who, word, *_ in lines if who != "platform" and word in verbs]


@pytest.mark.parametrize("verb", ["POST", "PATCH", "DELETE"])
def test_what_waits_for_less_than_its_window_leaves(verb: str) -> None:
    result = waiting(4.0)
    assert result.wrong == []
    assert min(left(result, verb)) < CALM


def test_what_waits_for_longer_never_leaves_and_is_tried_again() -> None:
    result = waiting(6.0)
    assert result.wrong == []
    assert min(left(result, "POST", "SIGN", "PATCH", "DELETE")) >= CALM
    assert {step for _, step in result.reported} == set()


def test_looks_have_no_window() -> None:
    result = schedule(1, weather=STILL.but(calm_at=[CALM], wire_rate=[1.0], wires=[20.0]), trace=True)
    assert result.wrong == []
    assert all(when >= CALM for when in left(result, "POST"))
    assert "too late for LIST" not in "\n".join(result.story)
