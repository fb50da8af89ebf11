"""`recover` finds again what a lost journal knew, and creates nothing."""

from pathlib import Path

from tests.cli.conftest import Headway, Platform


def test_recover_finds_again_what_a_lost_journal_knew(
    headway: Headway, platform: Platform, own: Path, folder: Path
) -> None:
    headway("run", own.name)
    before = platform.report()["created"]
    for file in folder.glob("headway.db*"):
        file.unlink()
    ended = headway("recover", own.name)
    assert ended.code == 0
    assert "1 source: 1 found whole" in ended.out
    assert ended.out.endswith("Continue with   headway run own.yaml\n")
    elsewhere = headway("recover", own.name, "--store", "new.db").out
    assert elsewhere.endswith("Continue with   headway run own.yaml --store new.db\n")
    assert headway("run", own.name).code == 0
    assert platform.report()["created"] == before


def test_recover_finds_all_of_a_source_of_which_a_part_was_replaced(
    headway: Headway, platform: Platform, own: Path, folder: Path
) -> None:
    """The mapping set is of an older generation than the run: it is known to be the newest only after settle."""
    whole = own.read_text().replace("columns: {", "columns: {priority: integer, ")
    own.write_text(whole)
    headway("run", own.name)
    own.write_text(whole.replace("priority: integer, ", ""))
    assert headway("run", own.name, "--replace").code == 0
    before = platform.report()["created"]
    for file in folder.glob("headway.db*"):
        file.unlink()
    assert "1 source: 1 found whole" in headway("recover", own.name).out
    assert headway("run", own.name).code == 0
    assert platform.report()["created"] == before
