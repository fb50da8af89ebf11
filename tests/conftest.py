"""What holds for every test: no setting of the person's own reaches it, and property tests do not race a clock."""

import os

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
