"""The clock that the platform's answers set."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import formatdate

import pytest

from workflows.aep import PlatformTime
from workflows.aep.platform_time import Dates

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


def test_the_fraction_of_a_date_is_found_from_many_and_never_overstated() -> None:
    dates, late = Dates(), []
    for count in range(300):
        boot = count * 0.07
        true = NOW + 0.4 + boot
        dates.hear(formatdate(int(true - 0.02), usegmt=True), boot)  # the answer took 20 ms
        late.append(true - (dates.now(boot) or 0.0))
    assert min(late) >= 0.0
    assert max(late[:10]) <= 1.1
    assert max(late[-100:]) <= 0.1


@pytest.mark.parametrize("step", [-3600.0, -1.5, 1.5, 3600.0])
def test_a_date_that_does_not_fit_is_believed(step: float) -> None:
    dates = Dates()
    dates.hear(formatdate(NOW, usegmt=True), 0.0)
    dates.hear(formatdate(int(NOW + step) + 10, usegmt=True), 10.0)
    assert dates.now(10.0) == int(NOW + step) + 10


@pytest.mark.parametrize("date", [None, "yesterday"])
def test_what_is_no_date_says_nothing(date: str | None) -> None:
    dates = Dates()
    dates.hear(date, 5.0)
    assert dates.now(5.0) is None
    dates.hear(formatdate(NOW, usegmt=True), 6.0)
    assert dates.now(100.0) is None
