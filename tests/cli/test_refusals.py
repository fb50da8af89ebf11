"""Bad input: its exit code, one message with cause and remedy, nothing sent, and a journal that can still be used."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from engine.errors import Answer, InDoubt, NotApplied, NotReady
from tests.cli.conftest import Headway, Platform, emulating
from workflows.cli.failures import explain
from workflows.emulator import EmulatorConfig, Org, Sandbox

Setup = Callable[[Path, pytest.MonkeyPatch, Platform], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Something wrong before anything is sent: the exit code, and words of the message in this order."""

    setup: Setup
    code: int
    says: tuple[str, ...]
    arguments: tuple[str, ...] = ("run", "sources.yaml")


def variable(name: str, value: str) -> Setup:
    return lambda _folder, patch, _platform: patch.setenv(name, value)


def unset(*names: str) -> Setup:
    def setup(_folder: Path, patch: pytest.MonkeyPatch, _platform: Platform) -> None:
        for name in names:
            patch.delenv(name)

    return setup


def replaced(old: str, new: str) -> Setup:
    def setup(folder: Path, _patch: pytest.MonkeyPatch, _platform: Platform) -> None:
        manifest = folder / "sources.yaml"
        text = manifest.read_text()
        assert old in text
        manifest.write_text(text.replace(old, new))

    return setup


def broken(rule: str) -> Setup:
    return lambda _folder, _patch, platform: platform.faults(rule)


def a_file(name: str, content: bytes) -> Setup:
    return lambda folder, _patch, _platform: (folder / name).write_bytes(content) and None


def a_database(folder: Path, _patch: pytest.MonkeyPatch, _platform: Platform) -> None:
    with closing(sqlite3.connect(folder / "headway.db")) as database, database:
        database.execute("CREATE TABLE customers (name TEXT)")


def nothing(_folder: Path, _patch: pytest.MonkeyPatch, _platform: Platform) -> None:
    pass


CASES = {
    "unknown sandbox": Case(
        setup=variable("AEP_SANDBOX_NAME", "deb"),
        code=64,
        says=("no sandbox 'deb'", "dev, prod", "did you mean 'dev'?"),
    ),
    "upper case sandbox": Case(
        setup=variable("AEP_SANDBOX_NAME", "DEV"), code=64, says=("AEP_SANDBOX_NAME", "lower case")
    ),
    "production": Case(
        setup=variable("AEP_SANDBOX_NAME", "prod"),
        code=3,
        says=("prod is a production sandbox, 3 sources to create or change: continue?", "--yes"),
    ),
    "refused secret": Case(
        setup=variable("AEP_CLIENT_SECRET", "wrong"),
        code=77,
        says=("Adobe refused the credentials", "emul…0a from AEP_API_KEY", "AEP_CLIENT_SECRET", "headway doctor"),
    ),
    "refused token": Case(
        setup=variable("AEP_ACCESS_TOKEN", "old"), code=77, says=("401013", "AEP_ACCESS_TOKEN, which cannot be renewed")
    ),
    "missing credentials": Case(
        setup=unset("AEP_API_KEY", "AEP_IMS_ORG", "AEP_SCOPES"),
        code=77,
        says=("AEP_API_KEY, AEP_IMS_ORG, AEP_SCOPES", "--credentials"),
    ),
    "missing permission": Case(
        setup=broken("kind=status,status=403,service=sandbox-management"),
        code=77,
        says=("not permitted (403", "headway doctor"),
    ),
    "no such credentials file": Case(
        setup=nothing,
        code=64,
        says=("no.env: cannot be read",),
        arguments=("run", "sources.yaml", "--credentials", "no.env"),
    ),
    "foreign file": Case(
        setup=a_file("headway.db", b"PK\x03\x04 a spreadsheet, say"),
        code=74,
        says=("headway.db is not a journal", "--store"),
    ),
    "foreign database": Case(setup=a_database, code=74, says=("SQLite database of another program", "--store")),
    "missing folder": Case(
        setup=nothing,
        code=74,
        says=("the folder of away/headway.db does not exist", "--store"),
        arguments=("run", "sources.yaml", "--store", "away/headway.db"),
    ),
    "a root for a journal": Case(
        setup=nothing, code=74, says=("/ is not a file", "--store"), arguments=("run", "sources.yaml", "--store", "/")
    ),
    "a URL of a journal that is none": Case(
        setup=nothing,
        code=74,
        says=("not a URL that can be read", "--store"),
        arguments=("run", "sources.yaml", "--store", "postgresql://u:p@host:port/journal"),
    ),
    "a port for the emulator that is taken": Case(
        setup=lambda _folder, patch, platform: patch.setenv("PORT", platform.url.rpartition(":")[2]),
        code=64,
        says=("cannot listen on 127.0.0.1:", "in use", "--port"),
        arguments=("emulator", "--port", "$PORT"),
    ),
    "an endless settle": Case(
        setup=nothing,
        code=64,
        says=("--settle", "inf is no bound"),
        arguments=("run", "sources.yaml", "--settle", "inf"),
    ),
    "no manifest": Case(
        setup=nothing, code=64, says=("nowhere.yaml  cannot be read", "headway init"), arguments=("run", "nowhere.yaml")
    ),
    "mistakes in the manifest": Case(
        setup=replaced("delta_column: sys_updated_on", "delta_colum: sys_updated_on"),
        code=64,
        says=(
            "sources.yaml:",
            'unknown key "delta_colum"',
            'did you mean "delta_column"?',
            "mistakes, nothing was sent.",
        ),
    ),
    "a schedule that the connector does not take": Case(
        setup=replaced("schedule: {frequency: minute, interval: 30}", "schedule: {frequency: minute, interval: 10}"),
        code=64,
        says=("sources.yaml:", "15", "nothing was sent."),
    ),
    "a secret that is not set": Case(
        setup=unset("SERVICENOW_PASSWORD"),
        code=64,
        says=(
            "own.yaml:7:77  base_connection: ${env:SERVICENOW_PASSWORD}: the variable is not set",
            "nothing was sent.",
        ),
        arguments=("run", "own.yaml"),
    ),
    "unknown option": Case(
        setup=nothing, code=64, says=("--fast", "`headway run --help`"), arguments=("run", "sources.yaml", "--fast")
    ),
    **{
        f"{command} that may delete data, but not replace": Case(
            setup=nothing,
            code=64,
            says=("--delete-data goes with --replace", f"`headway {command} --help`"),
            arguments=(command, "sources.yaml", "--delete-data"),
        )
        for command in ("run", "plan")
    },
    "a format that there is not": Case(
        setup=nothing,
        code=64,
        says=("Invalid value for '--format': 'pdf' is not one of 'mermaid', 'svg', 'html'.",),
        arguments=("graph", "--format", "pdf"),
    ),
    "no credentials": Case(
        setup=unset("AEP_API_KEY"),
        code=77,
        says=("credentials are missing: AEP_API_KEY.", "project JSON", "Postman environment", "configuration of aepp"),
    ),
    "unknown state": Case(
        setup=nothing, code=64, says=("no such state",), arguments=("run", "sources.yaml", "--only", "state:bad")
    ),
    "unknown command": Case(
        setup=nothing,
        code=64,
        says=("no command 'rnu'; did you mean `headway run`?",),
        arguments=("rnu", "sources.yaml"),
    ),
    **{
        f"no journal to {command}": Case(
            setup=nothing, code=64, says=("there is no journal at headway.db", "recover"), arguments=(command, *rest)
        )
        for command, *rest in (("resume",), ("why", "acme"), ("pause", "acme"))
    },
    "an answer that is none": Case(
        setup=nothing,
        code=64,
        says=("neither adopt=ID nor recreate",),
        arguments=("resume", "--resolve", "a", "b", "c"),
    ),
}


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("name", CASES)
def test_bad_input(
    name: str, headway: Headway, platform: Platform, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[name]
    with monkeypatch.context() as patch:
        case.setup(manifest.parent, patch, platform)
        ended = headway(*map(os.path.expandvars, case.arguments))
    place = 0
    for words in case.says:
        place = ended.err.find(words, place)
        assert place >= 0, f"{words!r} is not in its place in:\n{ended.err}"
    assert (ended.code, platform.posts(), ended.out) == (case.code, 0, "")
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("answer", [NotApplied("nobody answers"), InDoubt("a 503"), NotReady("it is being made")])
def test_a_platform_that_does_not_answer_is_no_wrong_usage(answer: Answer) -> None:
    code, text = explain(answer)
    assert (int(code), "run the command again" in text) == (1, True)


def test_a_traceback_is_shown_when_it_is_asked_for(headway: Headway) -> None:
    assert "Traceback" in headway("run", "nowhere.yaml", "--debug").err


def test_a_sandbox_that_is_not_active_is_refused(
    offline: Headway, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandboxes = (Sandbox(name="dev"), Sandbox(name="new", state="creating"))
    config = manifest.with_name("config.json")
    config.write_text(json.dumps(asdict(EmulatorConfig(port=0, orgs=(Org(sandboxes=sandboxes),)))))
    with emulating("--config", str(config)) as platform:
        for name, value in {**platform.environ, "AEP_SANDBOX_NAME": "new"}.items():
            monkeypatch.setenv(name, value)
        ended = offline("run", manifest.name)
        assert ended.code == 64
        assert "sandbox 'new' is creating, only an active one can be used" in ended.err
        assert platform.posts() == 0


@pytest.mark.parametrize(
    ("name", "text"), [("rows.csv", "name,table\n"), ("none.yaml", "version: 1\nsources: []\n"), ("lines.jsonl", "\n")]
)
def test_a_manifest_without_sources_is_a_mistake(headway: Headway, folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    for command in ("plan", "run", "drift", "destroy"):
        ended = headway(command, name)
        assert (ended.code, f"{name}  names no sources, so there is nothing to do" in ended.err) == (64, True)


def test_what_a_manifest_named_before_can_be_taken_down_when_it_names_nothing(
    headway: Headway, platform: Platform, manifest: Path
) -> None:
    headway("run", manifest.name, "--only", "acme-accounts")
    manifest.write_text("version: 1\nsources: []\n")
    planned = headway("plan", manifest.name, "--detailed-exitcode")
    assert (planned.code, "acme-accounts      in the journal, not in the manifest" in planned.out) == (0, True)
    ended = headway("run", manifest.name)
    assert (ended.code, "acme-accounts: in the journal, not in sources.yaml" in ended.err) == (0, True)
    assert headway("destroy", manifest.name, "--removed", "--delete-data", "--yes").code == 0
    assert not any(one["live"] and one["kind"] == "flow" for one in platform.objects().values())
