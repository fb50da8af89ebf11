"""The platform vanishes, answers nobody, freezes, and comes back."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from signal import SIGCONT, SIGINT, SIGSTOP

import pytest

from tests.cli.conftest import Platform
from tests.crash.judge import judge
from tests.crash.relay import Relay, relaying
from tests.crash.stage import Stage
from workflows.cli.failures import Exit

GONE = 1.0
"""Seconds for which the platform is gone, at least."""


@pytest.fixture
def relay(stage: Stage) -> Iterator[Relay]:
    """The wire by which the stage's processes reach the platform."""
    with relaying(stage.platform.url) as relay:
        stage.gateway = relay.url
        yield relay
        stage.clear()


@pytest.mark.crash
def test_the_platform_vanishes_and_comes_back(stage: Stage, relay: Relay) -> None:
    """A process that lives on finishes by itself."""
    headway = stage.start()
    stage.until_posts(8, headway)
    relay.cut()
    stage.happened()
    assert not headway.ended(GONE), headway.err
    relay.mend()
    assert headway.code() == Exit.DONE, headway.err
    judge(stage)


@pytest.mark.reality
@pytest.mark.parametrize("posts", [2, 8, 16, 24])
def test_answers_are_lost_and_then_the_platform_and_the_process_are_gone(
    stage: Stage, relay: Relay, posts: int
) -> None:
    """What was done in those last moments is known to the platform alone."""
    headway = stage.start()
    stage.until_posts(posts, headway)
    relay.lose_answers()
    assert not headway.ended(GONE), headway.err
    relay.cut()
    stage.happened()
    stage.kill(headway)
    relay.mend()
    stage.finish()
    judge(stage)


@pytest.mark.reality
def test_a_person_gives_up_waiting_for_the_platform(stage: Stage, relay: Relay) -> None:
    headway = stage.start()
    stage.until_posts(8, headway)
    relay.cut()
    stage.happened()
    assert not headway.ended(GONE), headway.err
    headway.send(SIGINT)
    assert headway.code() == Exit.INTERRUPTED, headway.err
    relay.mend()
    stage.finish()
    judge(stage)


@pytest.mark.reality
def test_the_platform_freezes_and_a_process_dies_meanwhile(
    stage: Stage, emulator: tuple[Platform, subprocess.Popen[str]]
) -> None:
    """Its last requests wait in the platform's buffers and are done when the next process is there already."""
    _, process = emulator
    headway = stage.start()
    stage.until_posts(8, headway)
    process.send_signal(SIGSTOP)
    try:
        stage.happened()
        stage.outlast(headway)
        stage.kill(headway)
        successor = stage.start()
    finally:
        process.send_signal(SIGCONT)
    assert successor.code() == Exit.DONE, successor.err
    judge(stage)
