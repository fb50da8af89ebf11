"""What holds for every test: no setting of the person's own reaches it, property tests do not race a clock, and what a
test leaves open fails that test and no later one."""

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

pytest_plugins = ["tests.postgres"]

# On a busy machine a deadline measures the neighbours; in CI the same examples come every time.
settings.register_profile("headway", deadline=None, derandomize="CI" in os.environ)
settings.register_profile("proof", deadline=None, max_examples=300, derandomize="CI" in os.environ)
settings.load_profile("headway")


@pytest.fixture(autouse=True)
def no_settings_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials and stores of whoever runs the tests must not change what they show."""
    for name in os.environ:
        if name.startswith(("AEP_", "HEADWAY_")):
            monkeypatch.delenv(name)


def pytest_collection_finish() -> None:
    """All that is loaded by now stays: with it out of the way, a collection takes a hundredth of a second."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def nothing_left_open() -> Iterator[None]:
    """A socket or a file that was not closed is found here, and its warning is an error."""
    yield
    gc.collect()
