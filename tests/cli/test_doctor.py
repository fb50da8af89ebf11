"""`doctor`: what it finds, what it says to do about it, and that it changes nothing."""

from __future__ import annotations

import re
import sqlite3
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.cli.conftest import Headway, Platform

CHECKS = ("credentials", "sandbox", "permissions", "clock", "journal")


def test_all_is_well(headway: Headway, platform: Platform, folder: Path) -> None:
    ended = headway("doctor")
    assert ended.code == 0
    assert [line.split()[:2] for line in ended.out.splitlines()] == [
        *(["ok", check] for check in CHECKS),
        ["0", "problems."],
    ]
    for found in (
        r"token for 23 h 59 min, client id emul…0a, org \w+@AdobeOrg",
        r"dev, development, active",
        r"flows, schemas, datasets and mapping sets can be read; connections, schemas and datasets can be created",
        r"\d\.\d s (behind|ahead of) the platform",
        r"headway\.db, not there yet: the first run makes it",
    ):
        assert re.search(found, ended.out), found
    report = platform.report()
    assert (report["created"], report["mistakes"]["count"], list(folder.iterdir())) == ({}, 0, [])


def test_a_journal_is_described(headway: Headway, manifest: Path) -> None:
    headway("run", manifest.name)
    before = manifest.with_name("headway.db").read_bytes()
    ended = headway("doctor", "--json")
    assert ended.code == 0
    assert {line["check"]: line["ok"] for line in ended.lines} == dict.fromkeys(CHECKS, True)
    assert re.fullmatch(r"headway\.db, version \d+, 3 runs, \d+ kB, intact", ended.lines[-1]["text"])
    assert manifest.with_name("headway.db").read_bytes() == before


@pytest.mark.parametrize(
    "case",
    [
        ("AEP_CLIENT_SECRET", "wrong", 77, "credentials", "Adobe refused the credentials"),
        ("AEP_ACCESS_TOKEN", "old", 77, "credentials", "401013"),
        ("AEP_API_KEY", "somebody-else", 77, "credentials", "Adobe refused the credentials"),
        ("AEP_BASE_URL", "http://127.0.0.1:1", 1, "sandbox", "the platform cannot be reached"),
        ("AEP_IMS_URL", "http://127.0.0.1:1", 1, "credentials", "no access token"),
        ("AEP_SANDBOX_NAME", "nowhere", 64, "sandbox", "it has dev, prod"),
        ("AEP_SANDBOX_NAME", "", 77, "credentials", "AEP_SANDBOX_NAME"),
        ("HEADWAY_STORE", "away/headway.db", 74, "journal", "does not exist"),
    ],
    ids=lambda case: "-".join(case[:2]),
)
def test_what_is_wrong_is_told_with_what_to_do(
    headway: Headway, monkeypatch: pytest.MonkeyPatch, case: tuple[str, str, int, str, str]
) -> None:
    name, value, code, check, says = case
    monkeypatch.setenv(name, value)
    ended = headway("doctor", "--json")
    assert ended.code == code
    (wrong,) = [line for line in ended.lines if not line["ok"]]
    assert (wrong["check"], says in wrong["text"], bool(wrong["hint"])) == (check, True, True)
    assert "1 problem." in headway("doctor").out


def test_a_service_that_may_not_be_read_is_named_with_the_permission_to_ask_for(
    headway: Headway, platform: Platform
) -> None:
    platform.faults("kind=status,status=403,service=catalog|conversion")
    ended = headway("doctor")
    assert ended.code == 77
    assert "FAIL  permissions     reading datasets does not work (403" in ended.out
    assert "; reading mapping sets does not work (403" in ended.out
    assert 'Ask for "View Datasets" and "View Sources" in the integration\'s product profile' in ended.out


def test_a_platform_that_asks_for_hours_is_not_waited_for(headway: Headway, platform: Platform) -> None:
    platform.faults("kind=status,status=429,retry_after=7200,service=sandbox-management")
    ended = headway("doctor")
    assert ended.code == 1
    assert "the platform does not serve you now: too many requests" in ended.out
    assert "Retry-After 7200 s" in ended.out


def test_what_may_be_read_but_not_created_is_told_and_nothing_is_created(headway: Headway, platform: Platform) -> None:
    platform.faults("kind=status,status=403,method=POST,service=flowservice")
    ended = headway("doctor")
    assert ended.code == 77
    assert "FAIL  permissions     reading flows works, creating connections does not work (FLOW-" in ended.out
    assert 'Ask for "Manage Sources" in' in ended.out
    assert platform.report()["live"] == {}


def test_a_service_that_does_not_answer_says_nothing_of_permissions(headway: Headway, platform: Platform) -> None:
    platform.faults("kind=status,status=503,method=POST,service=flowservice")
    ended = headway("doctor")
    assert ended.code == 0
    assert "schemas and datasets can be created; of creating connections nothing is known" in ended.out


def test_a_damaged_journal_is_found_out(headway: Headway, manifest: Path) -> None:
    headway("run", manifest.name)
    journal = manifest.with_name("headway.db")
    with closing(sqlite3.connect(journal)) as database:
        (page,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'history'").fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
    damaged = bytearray(journal.read_bytes())
    damaged[(page - 1) * size : page * size] = bytes(size)
    journal.write_bytes(damaged)
    ended = headway("doctor")
    assert ended.code == 74
    assert "FAIL  journal         headway.db is damaged: " in ended.out
    assert "headway recover" in ended.out


def test_rows_that_refer_to_nothing_are_found_out(headway: Headway, manifest: Path) -> None:
    headway("run", manifest.name)
    with closing(sqlite3.connect(manifest.with_name("headway.db"))) as database, database:
        database.execute("DELETE FROM runs WHERE source = 'acme-accounts'")
    ended = headway("doctor")
    assert ended.code == 74
    assert "refers to one of runs that is gone" in ended.out


@contextmanager
def in_another_time(platform: Platform, seconds: float | str) -> Iterator[str]:
    """The same platform through a gateway whose clock is ahead by so much, or says this."""

    class Gateway(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = urllib.request.Request(platform.url + self.path, body or None, dict(self.headers))
            try:
                answer = urllib.request.urlopen(request, timeout=10)
            except urllib.error.HTTPError as error:
                answer = error
            with answer:
                content = answer.read()
            self.send_response_only(answer.status)
            said = seconds if isinstance(seconds, str) else formatdate(time.time() + seconds, usegmt=True)
            self.send_header("Date", said)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _forward  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Gateway) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (20, r"ok    clock           [12]\d(\.\d)? s behind the platform"),
        (-200, r"FAIL  clock           3 min \d+ s ahead of the platform"),
        ("noon", r"ok    clock           the platform does not say what time it is"),
    ],
    ids=["a little", "too much", "no date"],
)
def test_the_clock_is_held_against_the_platforms(
    headway: Headway, platform: Platform, monkeypatch: pytest.MonkeyPatch, seconds: float | str, says: str
) -> None:
    with in_another_time(platform, seconds) as url:
        monkeypatch.setenv("AEP_BASE_URL", url)
        ended = headway("doctor")
    assert re.search(says, ended.out), ended.out
    wrong = "FAIL" in says
    assert (ended.code, "Set this machine's clock" in ended.out) == (int(wrong), wrong)
