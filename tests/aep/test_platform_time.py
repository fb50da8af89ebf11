"""The clock that the platform's answers set."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import formatdate

import pytest

from workflows.aep import PlatformTime

NOW = 1_900_000_000.0


@dataclass(slots=True)
class Machine:
    """Clocks to be set."""

    walls: float = NOW
    booted: float = 0.0

    def wall(self) -> float:
        return self.walls

    def boot(self) -> float:
        return self.booted

    def passes(self, seconds: float) -> None:
        self.walls += seconds
        self.booted += seconds


def test_before_the_first_answer_it_is_the_systems() -> None:
    assert PlatformTime(Machine()).wall() == NOW


@pytest.mark.parametrize("wrong", [-3600.0, 3600.0, 31_536_000.0])
def test_an_answer_sets_a_clock_that_is_wrong(wrong: float) -> None:
    machine = Machine(walls=NOW + wrong)
    clock = PlatformTime(machine)
    clock.hear(formatdate(NOW, usegmt=True))
    machine.passes(10)
    assert clock.wall() == NOW + 10


def test_a_clock_that_is_right_keeps_its_fractions() -> None:
    machine = Machine(walls=NOW + 0.75)
    clock = PlatformTime(machine)
    clock.hear(formatdate(NOW, usegmt=True))
    assert clock.wall() == NOW + 0.75


def test_setting_the_systems_clock_changes_nothing_afterwards() -> None:
    machine = Machine()
    clock = PlatformTime(machine)
    clock.hear(formatdate(NOW, usegmt=True))
    machine.walls -= 3600
    machine.passes(60)
    assert clock.wall() == NOW + 60
    clock.hear(formatdate(NOW + 60, usegmt=True))
    assert clock.wall() == NOW + 60


@pytest.mark.parametrize("date", [None, "", "yesterday", "Thu, 99 Zzz 2030 00:00:00 GMT"])
def test_an_answer_that_does_not_say_the_time_sets_nothing(date: str | None) -> None:
    clock = PlatformTime(Machine())
    clock.hear(date)
    assert clock.wall() == NOW
