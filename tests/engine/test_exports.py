"""What somebody needs who writes workflows and resources is in `engine`, and explains itself."""

from __future__ import annotations

import inspect

import pytest

import engine
from engine import errors, ports


@pytest.mark.parametrize("name", engine.__all__)
def test_what_is_offered_is_there_and_explains_itself(name: str) -> None:
    offered = getattr(engine, name)
    if name != "Json":  # an alias cannot
        assert inspect.getdoc(offered)
        assert inspect.getdoc(offered) != inspect.getdoc(object)


def test_every_answer_and_every_seam_of_a_resource_is_offered() -> None:
    answers = {name for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, errors.Answer)}
    seams = {name for name, kind in vars(ports).items() if inspect.isclass(kind) and kind.__module__ == ports.__name__}
    assert answers | seams <= set(engine.__all__)
