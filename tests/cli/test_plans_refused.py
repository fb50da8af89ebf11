"""A saved plan that cannot be done, or not here, is refused by its name."""

from pathlib import Path

import pytest

from tests.cli.conftest import Headway


@pytest.mark.parametrize("text", ['{"headway_plan":1,"manifest":"sources.yaml"', '{"headway_plan":1,"only":[]}'])
def test_half_a_plan_is_refused_by_its_name(offline: Headway, folder: Path, text: str) -> None:
    (folder / "old.plan").write_text(text)
    ended = offline("run", "old.plan")
    assert ended.code == 64
    assert "old.plan is no plan of this headway, or not all of one" in ended.err
    assert "Make it again with headway plan -o" in ended.err


def test_a_saved_plan_is_done_where_it_was_made(
    offline: Headway, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert offline("plan", manifest.name, "-o", "monday.plan").code == 0
    away = manifest.parent / "away"
    away.mkdir()
    monkeypatch.chdir(away)
    ended = offline("run", "../monday.plan")
    assert (ended.code, "../monday.plan was made from sources.yaml, which is not here" in ended.err) == (64, True)
    assert "headway init" not in ended.err


@pytest.mark.parametrize("command", ["plan", "drift", "destroy", "recover"])
def test_a_saved_plan_is_no_manifest(offline: Headway, manifest: Path, command: str) -> None:
    offline("plan", manifest.name, "-o", "monday.plan")
    ended = offline(command, "monday.plan")
    assert (ended.code, ended.out) == (64, "")
    assert ended.err == "monday.plan is a saved plan, not a manifest\n`headway run monday.plan` does what it says\n"
