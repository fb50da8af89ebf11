"""Ways to run the emulator: a child that dies with its parent, the command, what it prints."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process

import httpx
import pytest

from tests.emulator.chain import FLOW, TOKEN, Platform, connection
from workflows.emulator import (
    DEFAULT_CLIENT_SECRET,
    EmulatorConfig,
    Faults,
    Org,
    Outage,
    Rate,
    Rule,
    Sandbox,
    spawn_emulator,
)
from workflows.emulator.server import welcome


async def test_a_child_serves_and_resets_connections_for_real() -> None:
    faults = Faults(rules=(Rule(kind="reset", after=True, method="POST"), Rule(kind="truncate", op="list", times=1)))
    url, process = await spawn_emulator(EmulatorConfig(port=0, static_token=TOKEN, faults=faults))
    platform = Platform(url)
    try:
        with pytest.raises(httpx.ReadError):
            await platform.post(f"{FLOW}/connections", connection())
        with pytest.raises(httpx.RemoteProtocolError):
            await platform.get(f"{FLOW}/connections")
        assert (await platform.report())["created"] == {"dataset_base_connection": 1}
    finally:
        await platform.close()
        process.terminate()
        assert await process.wait() == 0


async def test_a_child_does_not_outlive_its_parent() -> None:
    _, process = await spawn_emulator(EmulatorConfig(port=0))
    assert process.stdin is not None
    process.stdin.close()
    async with asyncio.timeout(5):
        assert await process.wait() == 0


async def _command(*options: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "workflows.emulator", "--port", "0", *options, stdout=PIPE, stderr=PIPE
    )


async def test_the_command_says_where_it_is_and_gives_an_account_at_the_end() -> None:
    process = await _command("--json", "--fault", "kind=status,status=503,times=1", "--seed", "7")
    assert process.stdout is not None
    ready = json.loads(await process.stdout.readline())
    assert ready["seed"] == 7
    async with httpx.AsyncClient(base_url=ready["url"], verify=False) as client:
        assert (await client.get(f"{FLOW}/flows")).status_code == 503
    process.send_signal(signal.SIGINT)
    out, err = await process.communicate()
    assert (out, process.returncode) == (b"", 0)
    assert b"created       nothing" in err
    assert b"1 status" in err


async def test_a_wrong_option_is_explained() -> None:
    process = await _command("--fault", "kind=sabotage")
    _, err = await process.communicate()
    assert process.returncode == 2
    assert b"unknown kind of fault 'sabotage'" in err
    assert b"Traceback" not in err


def test_people_are_told_what_to_set() -> None:
    text = welcome(EmulatorConfig(), "http://127.0.0.1:1")
    for name in ("BASE_URL", "IMS_URL", "IMS_ORG", "API_KEY", "CLIENT_SECRET", "SCOPES", "SANDBOX_NAME"):
        assert f"export AEP_{name}=" in text


def test_a_configuration_survives_its_json() -> None:
    faults = Faults(
        seed=1,
        rules=(Rule(kind="late", cut=None),),
        rates=(Rate(service="catalog", per_second=1),),
        outages=(Outage(start=1, end=2),),
        concurrency=(("catalog", 2),),
    )
    orgs = (Org(sandboxes=(Sandbox(name="x", type="production"),)), Org(id="B@AdobeOrg"))
    config = EmulatorConfig(port=0, orgs=orgs, dialect="2020", static_token=TOKEN, faults=faults)
    assert EmulatorConfig.from_json(json.loads(json.dumps(dataclasses.asdict(config)))) == config
    assert TOKEN not in repr(config)
    assert DEFAULT_CLIENT_SECRET not in repr(config)
