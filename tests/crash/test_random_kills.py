"""SIGKILL at random moments of bad days, alone, after a freeze, and together with what may befall a journal."""

from random import Random
from signal import SIGCONT

import pytest

from tests.crash.judge import finish_with_doubts, judge
from tests.crash.stage import Headway, Stage

SERVICES = "schemaregistry|catalog|conversion|flowservice"


@pytest.mark.crash
@pytest.mark.parametrize("seed", [1])
def test_a_bad_day(stage: Stage, seed: int) -> None:
    live_through(stage, Random(seed), kills=2)


@pytest.mark.reality
@pytest.mark.parametrize("seed", range(2, 6))
def test_bad_days(stage: Stage, seed: int) -> None:
    live_through(stage, Random(seed), kills=5)


@pytest.mark.reality
@pytest.mark.parametrize("seed", range(6, 12))
def test_bad_days_for_the_journal_too(stage: Stage, seed: int) -> None:
    live_through(stage, Random(seed), kills=5, mischief=True)


def live_through(stage: Stage, rng: Random, *, kills: int, mischief: bool = False) -> None:
    """Lost replies, 5xx before and after the effect, late effects, throttling, lists that lag; kills in between."""
    bad_day(stage, rng.randrange(2**32))
    copies: list[str] = []
    for _ in range(kills):
        headway = stage.start()
        if rng.random() < 0.3:
            freeze_somewhere(stage, headway, rng)
        kill_somewhere(stage, headway, rng)
        if mischief:
            befall(stage, rng, copies)
    if mischief:
        finish_with_doubts(stage)
    else:
        stage.finish(tries=5)
    judge(stage)


def bad_day(stage: Stage, seed: int) -> None:
    stage.platform.faults(
        f"kind=reset,after=true,p=0.08,method=POST,service={SERVICES}",
        f"kind=late,delay=0.1,delay_max=0.4,p=0.04,method=POST,service={SERVICES}",
        *[
            f"kind=status,status={status},after={after},p=0.01,service={SERVICES}"
            for status in (500, 503, 504)
            for after in (True, False)
        ],
        rates=["flowservice=30/20"],
        latency=0.05,
        list_lag=0.4,
        seed=seed,
    )


def kill_somewhere(stage: Stage, headway: Headway, rng: Random) -> None:
    reach_some_moment(stage, headway, rng)
    stage.kill(headway)


def freeze_somewhere(stage: Stage, headway: Headway, rng: Random) -> None:
    reach_some_moment(stage, headway, rng)
    stage.freeze(headway)
    headway.send(SIGCONT)


def reach_some_moment(stage: Stage, headway: Headway, rng: Random) -> None:
    """After some requests and some milliseconds, wherever the process is then."""
    stage.until_posts(rng.randint(0, 12), headway)
    headway.ended(rng.uniform(0, 0.15))


def befall(stage: Stage, rng: Random, copies: list[str]) -> None:
    """The journal is left alone, deleted, copied for later, or replaced by an earlier copy."""
    what = rng.choice(["nothing", "lose", "copy", "put back"])
    if what == "copy":
        copies.append(stage.store.copy())
    elif what == "lose":
        stage.store.lose()
        stage.happened()
    elif what == "put back" and copies:
        stage.store.put_back(rng.choice(copies))
        stage.happened()
