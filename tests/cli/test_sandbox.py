"""The sandbox is looked up before anything is sent; what cannot be known of it counts as production."""

from __future__ import annotations

import httpx
import pytest

from tests.aep.support import GIVEN, Reply, answer, world
from workflows.cli.failures import Exit, Refusal
from workflows.cli.preparing import find_sandbox, kind_of


@pytest.mark.parametrize("down", [answer(503, {"message": "down"}), answer(502, b"<html>"), httpx.ReadTimeout("")])
async def test_a_platform_that_does_not_answer_is_no_sandbox_of_unknown_type(down: Reply) -> None:
    with pytest.raises(Refusal, match="the platform does not answer") as caught:
        await find_sandbox(world(down).client, GIVEN)
    assert (caught.value.code, "nothing was sent" in caught.value.hint) == (Exit.FAILED, True)


async def test_an_answer_that_cannot_be_read_says_nothing_of_the_type() -> None:
    sandbox = await find_sandbox(world(answer(200, b"<html>")).client, GIVEN)
    assert (sandbox.name, kind_of(sandbox)) == ("dev", "a sandbox of unknown type")
