"""The journal compared with an emulator's books: what was made, what is there twice, whether ids and etags agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.request import ProxyHandler, build_opener

import anyio
import orjson

from engine.api import Engine
from engine.model import RunState, RunStatus
from workflows.cli.compose import looking
from workflows.cli.story import chapter_of

SHOWN = 5

_direct = build_opener(ProxyHandler({})).open
"""The emulator is on this machine, to which no proxy of the environment leads."""


@dataclass(slots=True, kw_only=True)
class Account:
    """What an audit found. `live`: objects on the platform that the tool made; `recorded`: objects in the journal;
    `agreeing`: those among them that have the platform's id and etag; `recovered` and `resent`: steps that were in
    doubt."""

    flows: int = 0
    live: int = 0
    twice: int = 0
    left_over: int = 0
    mistakes: int = 0
    faults: Mapping[str, int] = field(default_factory=dict)
    done: int = 0
    recorded: int = 0
    agreeing: int = 0
    recovered: int = 0
    resent: int = 0
    differing: list[str] = field(default_factory=list)

    def wrong(self, sources: int) -> list[str]:
        """Everything that breaks the promise, in words."""
        found = {
            f"{self.done} of {sources} sources are done": self.done != sources,
            f"{self.flows} flows for {sources} sources": self.flows != sources,
            f"{self.twice} objects exist twice": self.twice,
            f"{self.left_over} objects are left over": self.left_over,
            f"{self.mistakes} requests were refused as mistakes": self.mistakes,
            f"the journal knows {self.recorded} of {self.live} objects": self.recorded != self.live,
            f"ids or etags differ: {'; '.join(self.differing[:SHOWN])}": self.differing,
        }
        return [text for text, is_wrong in found.items() if is_wrong]


async def look_into(url: str) -> Any:
    """The books of the emulator at `url`."""
    return orjson.loads(await _fetch(f"{url}/__emulator/report"))


async def audit(store: str, url: str) -> Account:
    """Compare the journal with the emulator at `url`."""
    books = await look_into(url)
    lines = (await _fetch(f"{url}/__emulator/objects")).splitlines()
    objects = {entry["id"]: entry for entry in map(orjson.loads, lines) if entry["live"] and not entry["foreign"]}
    account = Account(
        flows=sum(entry["kind"] == "flow" for entry in objects.values()),
        live=sum(entry["kind"] != "run" for entry in objects.values()),
        twice=books["duplicates"]["count"],
        left_over=books["unreferenced"]["count"],
        mistakes=books["mistakes"]["count"],
        faults=books["faults"],
    )
    seen: set[str] = set()
    async with looking(store) as engine:
        async for run in engine.journal.stream():
            account.done += run.status is RunStatus.DONE
            line: Any = await engine.report(run)
            for step in line["steps"]:
                if step["origin"] in ("created", "recovered") and step["id"] not in seen:
                    seen.add(step["id"])
                    _compare(account, run.source, step, objects.get(step["id"]))
                    account.recovered += step["origin"] == "recovered"
                    account.resent += step["origin"] == "created" and await _doubted(engine, run, step)
    account.recorded = len(seen)
    return account


async def _fetch(url: str) -> bytes:
    def fetch() -> bytes:
        with _direct(url, timeout=30) as answer:
            content: bytes = answer.read()
            return content

    return await anyio.to_thread.run_sync(fetch)


def _compare(account: Account, source: str, step: Mapping[str, Any], entry: Mapping[str, Any] | None) -> None:
    """Where the platform gives no etag, its version counts; a new dataset's it does not tell at all (contract 1.6)."""
    ours = step["etag"] or step["version"]
    theirs = None if entry is None else str(entry["etag"] or entry["version"])
    if entry is not None and ours in (None, theirs):
        account.agreeing += 1
    else:
        account.differing.append(f"{source} {step['name']} {step['id']}: {ours} here, {theirs} there")


async def _doubted(engine: Engine, run: RunState, step: Mapping[str, Any]) -> bool:
    """Whether nobody knew for a while what had become of a request of this step."""
    chapter = await chapter_of(engine, run, step)
    return any(event.name == "in_doubt" for event in chapter.events)
