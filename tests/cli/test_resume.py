"""`resume` goes on from the journal alone, with the runs that are chosen, and takes a person's answer to a doubt."""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from alembic.config import Config
from sqlalchemy import text

from engine.journal.opening import VERSION_TABLE
from tests.cli.conftest import Ended, Headway, Platform
from tests.cli.test_refresh import steps


def test_resume_goes_on_from_the_journal_alone(headway: Headway, platform: Platform, manifest: Path) -> None:
    platform.faults("kind=status,status=400,method=POST,service=flowservice")
    assert headway("run", manifest.name).code == 1
    platform.faults()
    manifest.unlink()
    ended = headway("resume", "--failed")
    assert (ended.code, platform.report()["created"]["flow"]) == (0, 3)
    assert headway("resume", "acme-accounts").out.startswith("0 sources: 0 done, nothing to do ")
    assert "acme-accounts is done: nothing to do" in headway("resume", "acme-accounts").err


def test_a_name_that_two_sandboxes_have_is_that_of_the_one_which_the_variables_name(
    headway: Headway, platform: Platform, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert headway("run", own.name).code == 0
    monkeypatch.setenv("AEP_SANDBOX_NAME", "prod")
    platform.faults("kind=status,status=400,method=POST,service=flowservice,path=/flows$")
    assert headway("run", own.name, "--yes").code == 1
    platform.faults()
    ended = headway("resume", "own-cases", "--yes")
    assert (ended.code, ended.err.count("another sandbox")) == (0, 0)
    assert platform.report()["created"]["flow"] == 2
    monkeypatch.setenv("AEP_SANDBOX_NAME", "dev")
    assert "own-cases is done: nothing to do" in headway("resume", "own-cases").err


@pytest.mark.parametrize("command", [("resume",), ("pause", "acme-accounts")])
def test_an_older_journal_is_brought_up_to_date_by_what_goes_on_with_it(
    headway: Headway, manifest: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    def upgrade(config: Config, revision: str) -> None:  # there is no version yet that a migration starts from
        config.attributes["connection"].execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '{revision}'"))

    headway("run", manifest.name, "--only", "acme-accounts")
    with closing(sqlite3.connect("headway.db")) as journal, journal:
        journal.execute(f"UPDATE {VERSION_TABLE} SET version_num = '0000'")
    monkeypatch.setattr("alembic.command.upgrade", upgrade)
    assert headway("status").code == 74
    ended = headway(*command)
    assert (ended.code, ended.err.count("older headway")) == (0, 0)
    assert headway("status").code == 0


def test_runs_are_chosen_by_what_went_wrong(headway: Headway, platform: Platform, manifest: Path) -> None:
    platform.faults("kind=status,status=400,method=POST,service=flowservice,path=/flows$")
    assert headway("run", manifest.name).code == 1
    platform.faults()
    assert headway("resume", "--only", "error:FLOW-1404-*").out.startswith("0 sources")
    assert headway("run", manifest.name, "--only", "error:FLOW-1400-400", "--exclude", "acme-contacts").code == 0
    assert headway("resume", "--only", "error:rejected").out.startswith("1 source: 1 done")
    assert platform.report()["created"]["flow"] == 3


def conflicting(headway: Headway, manifest: Path) -> Ended:
    """A source whose journal was lost, and whose table was changed since: its marker is on another connection."""
    headway("run", manifest.name, "--only", "acme-accounts", "--yes")
    for file in manifest.parent.glob("headway.db*"):
        file.unlink()
    manifest.write_text(manifest.read_text().replace("table: Account", "table: Account_2"))
    return headway("run", manifest.name, "--only", "acme-accounts", "--json", "--yes")


def test_a_doubt_leaves_4_and_a_person_settles_it(headway: Headway, platform: Platform, manifest: Path) -> None:
    ended = conflicting(headway, manifest)
    assert ended.code == 4
    (cause,) = ended.lines[-1]["causes"]
    assert (cause["state"], cause["count"], cause["sources"]) == ("in_doubt", 1, ["acme-accounts"])
    assert 'params.path: wanted "Account_2", found "Account"' in cause["message"]
    assert headway("plan", manifest.name, "--only", "acme-accounts").out.startswith("> acme-accounts      in doubt")
    (line,) = headway("status", "--in-doubt", "--json").lines
    assert line["state"] == "in_doubt"
    (there,) = [entry for entry in platform.objects().values() if entry["kind"] == "source_connection"]
    refused = headway("resume", "--resolve", "acme-accounts", "source_connection", "adopt=nothing")
    assert (refused.code, "there is no nothing on the platform" in refused.err) == (64, True)
    ended = headway("resume", "--resolve", "acme-accounts", "source_connection", f"adopt={there['id']}")
    assert ended.code == 0, ended.err
    report = platform.report()
    assert (report["created"]["source_connection"], report["created"]["flow"]) == (1, 1)
    assert "by a person: adopt" in headway("why", "acme-accounts", "source_connection").out


@pytest.mark.parametrize("answer", ["recreate", "adopt=1b2c3d4e-5f60-4718-8a9b-0c1d2e3f4a5b"])
def test_where_there_is_no_doubt_no_answer_is_taken(
    headway: Headway, platform: Platform, own: Path, answer: str
) -> None:
    assert headway("run", own.name).code == 0
    ended = headway("resume", "--resolve", "own-cases", "flow", answer)
    assert (ended.code, "the flow is done: there is no doubt to answer" in ended.err) == (64, True)
    assert headway("plan", own.name, "--detailed-exitcode").code == 0
    assert platform.report()["created"]["flow"] == 1


def test_an_answer_that_is_refused_is_not_written_down(
    headway: Headway, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answers() -> int:
        return headway("why", "acme-accounts", "source_connection").out.count("by a person")

    monkeypatch.setenv("AEP_SANDBOX_NAME", "prod")
    assert conflicting(headway, manifest).code == 4
    question = ("resume", "--resolve", "acme-accounts", "source_connection", "recreate")
    assert (headway(*question).code, answers()) == (3, 0)
    monkeypatch.setenv("AEP_SANDBOX_NAME", "dev")
    ended = headway(*question)
    assert (ended.code, "of another sandbox than 'dev'" in ended.err, answers()) == (64, True, 0)
    monkeypatch.setenv("AEP_SANDBOX_NAME", "prod")
    headway(*question, "--yes")
    assert answers() == 1


def test_of_two_with_our_marker_the_other_one_is_not_forgotten(
    headway: Headway, manifest: Path, hand: httpx.Client
) -> None:
    headway("run", manifest.name)
    first = steps(headway, "acme-accounts")["flow"]["id"]
    (made,) = hand.get(f"/flowservice/flows/{first}").json()["items"]
    wanted = (
        "name",
        "description",
        "flowSpec",
        "sourceConnectionIds",
        "targetConnectionIds",
        "transformations",
        "scheduleParams",
    )
    second = hand.post("/flowservice/flows", json={key: made[key] for key in wanted}).raise_for_status().json()["id"]
    Path("headway.db").unlink()
    assert headway("run", manifest.name).code == 4
    answer = ("resume", "--resolve", "acme-accounts", "flow", f"adopt={second}")
    ended = headway(*answer)
    assert (ended.code, f"{first} bears the same marker" in ended.err) == (64, True)
    hand.delete(f"/flowservice/flows/{first}").raise_for_status()
    assert headway(*answer).code == 0
    assert steps(headway, "acme-accounts")["flow"]["id"] == second
    assert headway("plan", manifest.name, "--detailed-exitcode").code == 0


def test_the_same_object_by_its_other_id_is_no_second_one(headway: Headway, manifest: Path, hand: httpx.Client) -> None:
    headway("run", manifest.name)
    id = steps(headway, "acme-accounts")["target_schema"]["id"]
    accept = {"accept": "application/vnd.adobe.xed+json; version=1"}
    schema = hand.get(f"/schemaregistry/tenant/schemas/{quote(id, safe='')}", headers=accept).raise_for_status().json()
    Path("headway.db").unlink()
    said = manifest.read_text()
    manifest.write_text(said.replace("xdm/context/profile\n", "xdm/context/experienceevent\n"))
    assert headway("run", manifest.name, "--only", "acme-accounts").code == 1
    answer = f"adopt={schema['meta:altId']}"
    ended = headway("resume", "--resolve", "acme-accounts", "target_schema", answer)
    assert (ended.code, "bears the same marker" in ended.err) == (0, False)
