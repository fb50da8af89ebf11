"""The smallest form of those benchmarks that need nothing else: they run, and count right. How fast is not asked."""

import json
from pathlib import Path

import pytest

from benchmarks import chain, pacing, steps
from benchmarks.measure import Results


def figures(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.postgres
def test_durable_steps_are_counted_on_both_stores(tmp_path: Path) -> None:
    results = Results("steps", tmp_path)
    steps.measure(results, tmp_path / "work", runs=3, rounds=1)
    found = figures(results.path)
    assert [line["what"] for line in found if line["what"] != "missing"] in (["sqlite"], ["sqlite", "postgresql"])
    assert {line["steps"] for line in found if "steps" in line} == {30}
    assert all(line["machine"] and line["commit"] for line in found)


def test_the_chain_makes_every_flow_without_a_mistake(tmp_path: Path) -> None:
    results = Results("chain", tmp_path)
    chain.measure(results, tmp_path / "work", peers=None, sources=2, rounds=1, latencies=(0.0,))
    missing, headway = figures(results.path)
    assert missing["what"] == "missing"
    assert (headway["flows"], headway["mistakes"]) == (2, 0)


def test_a_bucket_refuses_and_is_obeyed(tmp_path: Path) -> None:
    results = Results("pacing", tmp_path)
    pacing.measure(results, tmp_path / "work", sources=2, rounds=1)
    bucket, bound = figures(results.path)
    assert (
        bucket["effects"] == bound["effects"] == 2 * 8 + 2
    )  # eight a source; once for all: a validation, a connection
    assert (bucket["premature"], bound["refused"]) == (0, 0)
