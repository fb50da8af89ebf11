"""What a resource gets that inherits from `Resource`: cautious defaults, and no forgotten verb."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from engine import (
    Amendable,
    Change,
    Deletable,
    Difference,
    Hit,
    Json,
    Label,
    LateBound,
    Lookup,
    Receipt,
    Rejected,
    Resource,
    Restorable,
    Signable,
    Switchable,
    Usable,
    View,
)  # fmt: skip

BODY: Json = {"name": "n", "size": 3, "tags": ["a"]}


class Things(Resource[int]):
    kind, family = "thing", "things"

    def body(self, spec: int, label: Label, now: float) -> Json:
        return {"name": label.name, "size": spec, "at": now}

    async def create(self, body: str, send_within: float) -> Receipt:
        raise Rejected(f"not in this test: {body}, {send_within}")

    async def find(self, names: Sequence[str], since: float | None) -> Sequence[Hit]:
        return [Hit(id=str(since), name=name) for name in names]

    async def read(self, id: str) -> View | None:
        if id != "1":
            return None
        return View(id="1", name="n", note="", created=0.0, etag="e", version="v", data={"k": "d"})


def view(content: Json) -> View:
    return View(id="1", name="n", note="", created=0.0, content=content)


async def test_there_is_nothing_to_prepare() -> None:
    assert Things().ready(1)
    await Things().prepare(1)


async def test_an_object_is_adopted_by_its_id() -> None:
    assert await Things().adopt("1") == Receipt(id="1", etag="e", version="v", data={"k": "d"})
    with pytest.raises(Rejected, match="there is no thing 2"):
        await Things().adopt("2")


@pytest.mark.parametrize("content", [BODY, {"size": 3}, {}])
def test_what_the_content_shows_as_asked_is_no_difference(content: Json) -> None:
    assert not Things().differences(BODY, view(content))


def test_differences_are_told_field_by_field() -> None:
    assert Things().differences(BODY, view({"size": 4, "tags": ["a"], "extra": True})) == [
        Difference(path="size", wanted=3, found=4), Difference(path="extra", wanted=None, found=True)
    ]  # fmt: skip


@pytest.mark.parametrize("content", [None, [], "text"])
def test_an_object_that_shows_no_fields_is_never_taken_for_what_was_asked(content: Json) -> None:
    assert list(Things().differences(BODY, view(content))) == [Difference(path="", wanted=BODY, found=content)]


def test_bodies_that_are_no_objects_are_compared_as_a_whole() -> None:
    assert not Things().differences([1], view([1]))
    assert list(Things().differences([1], view([2]))) == [Difference(path="", wanted=[1], found=[2])]
    assert not Things().changes([1], [1], 0.0)
    assert list(Things().changes([1], [2], 0.0)) == [Change(path="", before=[1], after=[2])]


def test_a_change_is_never_thought_possible_in_place() -> None:
    assert not Things().changes(BODY, BODY, 0.0)
    assert Things().changes({"name": "n", "size": 3, "old": 1}, {"name": "n", "size": 4, "new": 2}, 0.0) == [
        Change(path="size", before=3, after=4),
        Change(path="old", before=1, after=None),
        Change(path="new", before=None, after=2),
    ]


@pytest.mark.parametrize(
    "kind", [Resource, Deletable, LateBound, Signable, Switchable, Usable, Amendable, Restorable, Lookup]
)
def test_a_forgotten_verb_cannot_pass_for_one_that_does_nothing(kind: Any) -> None:
    with pytest.raises(TypeError, match="abstract"):
        type("Forgetful", (kind,), {})()
