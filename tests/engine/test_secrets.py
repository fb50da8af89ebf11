"""A secret that a resource resolves when it sends is nowhere in the journal, whatever happens to the request."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from engine import Engine, Hit, InDoubt, Json, Label, NotApplied, Receipt, Resource, RunStatus, View, Workflow
from engine.model import value

SECRET = "swordfish-4711"


@value
class Account:
    """Inputs, and what the step asks for."""

    password: str


class Accounts(Resource[Account]):
    kind, family = "account", "accounts"

    def __init__(self, environ: dict[str, str]) -> None:
        self.environ, self.seen = environ, list[dict[str, str]]()
        self.troubles = [InDoubt("no answer"), NotApplied("slow down")]

    def body(self, spec: Account, label: Label, now: float) -> Json:  # noqa: ARG002
        return {"name": label.name, "note": label.note, "password": spec.password}

    async def create(self, body: str, send_within: float) -> Receipt:  # noqa: ARG002
        sent = json.loads(body)
        trouble = self.troubles.pop() if self.troubles else None
        if not isinstance(trouble, NotApplied):
            self.seen.append(sent | {"password": self.environ[sent["password"].strip("${}").removeprefix("env:")]})
        if trouble:
            raise trouble
        return Receipt(id=f"account-{len(self.seen)}")

    async def find(self, names: Sequence[str], since: float | None) -> Sequence[Hit]:  # noqa: ARG002
        return [Hit(id=str(n), name=one["name"]) for n, one in enumerate(self.seen) if one["name"] in names]

    async def read(self, id: str) -> View | None:
        seen = self.seen[int(id)]
        return View(id=id, name=seen["name"], note=seen["note"], created=0.0, content={"name": seen["name"]})


accounts = Workflow("accounts", inputs=Account)


@accounts.step(Accounts)
def account(inputs: Account) -> Account:
    return inputs


def written(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, by name."""
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_a_secret_is_sent_and_never_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    platform, notices = Accounts({"TOKEN": SECRET}), list[str]()
    async with Engine(
        str(tmp_path / "journal.db"), workflows=[accounts], resources=[platform], settle=1,
        observer=lambda notice: notices.append(repr(notice)),
    ) as engine:  # fmt: skip
        run = await engine.start(accounts, Account(password="${env:TOKEN}"), "acme")
        history = [repr(event) async for event in engine.history(run)]
        told = json.dumps(await engine.report(run))
    assert (run.status, run.receipts["account"].origin) == (RunStatus.DONE, "recovered")
    assert [one["password"] for one in platform.seen] == [SECRET]
    assert "${env:TOKEN}" in run.inputs
    everything = [*notices, *history, told, repr(run), caplog.text]
    assert not [text for text in everything if SECRET in text]
    files = written(tmp_path)
    assert "journal.db" in files
    assert not [name for name, content in files.items() if SECRET.encode() in content]
