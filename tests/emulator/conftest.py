from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from tests.emulator.chain import TOKEN, Platform
from workflows.emulator import EmulatorConfig, Faults, serving

Start = Callable[..., AbstractAsyncContextManager[Platform]]


@contextlib.asynccontextmanager
async def _start(*, faults: dict[str, Any] | None = None, **settings: Any) -> AsyncIterator[Platform]:
    config = EmulatorConfig(port=0, static_token=TOKEN, faults=Faults.from_options(**(faults or {})))
    async with serving(dataclasses.replace(config, **settings)) as (url, _):
        platform = Platform(url)
        try:
            yield platform
        finally:
            await platform.close()


@pytest.fixture
def start() -> Start:
    """Starts an emulator with settings and faults of one's own."""
    return _start


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    """An emulator as it comes."""
    async with _start() as platform:
        yield platform
