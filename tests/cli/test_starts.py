"""A start that has passed by the time that a source is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Headway


@pytest.mark.parametrize(("start", "said"), [("2020-01-01T00:00:00Z", True), ("2999-01-01T00:00:00Z", False)])
def test_plan_says_of_a_start_that_has_passed_what_is_taken_for_it(
    offline: Headway, manifest: Path, *, start: str, said: bool
) -> None:
    text = manifest.read_text()
    assert "frequency: hour" in text
    manifest.write_text(text.replace("frequency: hour", f"start: {start}, frequency: hour", 1))
    planned = offline("plan", manifest.name)
    assert (planned.code, f"every hour from soon, as {start} has passed" in planned.out) == (0, said), planned.out
