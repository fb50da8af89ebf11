"""`graph`: every step and every edge, and what became of them in a run, in three forms."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.cli.conftest import Headway, Platform
from workflows.onboarding.chains import steps_of
from workflows.sources import CHAINS

SVG = "{http://www.w3.org/2000/svg}"


def words(svg: str) -> list[str]:
    """Every text of a picture; fails for one that is not well formed."""
    return ["".join(text.itertext()) for text in ET.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("chain", sorted(CHAINS))
def test_a_chain_is_drawn_with_all_its_steps_and_edges(offline: Headway, chain: str) -> None:
    steps = steps_of(chain)
    mermaid = offline("graph", "--chain", chain).out
    assert set(re.findall(r"^    (\w+) --> (\w+)$", mermaid, re.MULTILINE)) == {
        (need, name) for name, step in steps.items() for need in step.needs if need in steps
    }
    svg = offline("graph", "--chain", chain, "--format", "svg").out
    assert {name.replace("_", " ") for name in steps} <= set(words(svg))
    assert svg.count("marker-end") == sum(len(steps.keys() & set(step.needs)) for step in steps.values())


def test_a_run_is_drawn_in_time_with_what_went_wrong(headway: Headway, platform: Platform, manifest: Path) -> None:
    platform.faults(
        "kind=reset,after=true,method=POST,path=/targetConnections,times=1",
        "kind=status,status=429,retry_after=1,method=POST,path=/dataSets,times=1",
    )
    headway("run", manifest.name, "--only", "acme-accounts")
    gantt = headway("graph", "acme-accounts").out
    assert gantt.startswith("gantt\n    title acme-accounts: done\n")
    assert re.search(r"section dataset\n    done :\d+, \d+\n    not applied :milestone", gantt)
    assert "recovered :milestone" in gantt
    svg = headway("graph", "acme-accounts", "--format", "svg").out
    assert {"target connection", "◆", "▽"} <= {re.sub(r".*(◆|▽)$", r"\1", word, flags=re.DOTALL) for word in words(svg)}


def test_a_page_needs_nothing_else(headway: Headway, manifest: Path) -> None:
    headway("run", manifest.name, "--only", "acme-accounts", "--quiet")
    assert headway("graph", "acme-accounts", "--format", "html", "-o", "run.html").code == 0
    page = Path("run.html").read_text()
    assert page.count("<svg") == 2
    assert "What happened" in page
    assert not re.search(r'(src|href)="|@import|url\(http', page.replace('href="#', ""))


def test_an_unknown_run_is_a_refusal(headway: Headway, manifest: Path) -> None:
    headway("run", manifest.name, "--only", "acme-accounts", "--quiet")
    ended = headway("graph", "acme-acounts")
    assert (ended.code, "did you mean 'acme-accounts'?" in ended.err) == (64, True)
