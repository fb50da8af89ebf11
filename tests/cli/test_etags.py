"""A flow may be answered without its etag, as in the tutorial of 2020: then it is read, the id being safe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Headway, Platform, emulating
from tests.cli.test_refresh import steps

SOURCES = ("acme-accounts", "acme-incidents", "acme-contacts")


@pytest.fixture(scope="module")
def emulator() -> Iterator[Platform]:
    with emulating("--port", "0", "--dialect", "2020") as platform:
        yield platform


def etags(headway: Headway, platform: Platform) -> None:
    """The journal has the platform's."""
    for source in SOURCES:
        flow = steps(headway, source)["flow"]
        assert flow["etag"] == platform.objects()[flow["id"]]["etag"] is not None


def test_an_etag_that_was_not_told_is_read(headway: Headway, platform: Platform, manifest: Path) -> None:
    assert headway("run", manifest.name).code == 0
    etags(headway, platform)


def test_an_etag_that_could_not_be_read_is_read_later(headway: Headway, platform: Platform, manifest: Path) -> None:
    platform.faults("kind=status,status=403,method=GET,path=/flows/")
    assert headway("run", manifest.name).code == 77
    platform.faults()
    posts = platform.posts()
    assert headway("run", manifest.name).code == 0
    etags(headway, platform)
    live = [one for one in platform.objects().values() if one["kind"] == "flow" and one["live"]]
    assert len(live) == len(SOURCES)
    assert platform.posts() <= posts + 2 * len(SOURCES)
