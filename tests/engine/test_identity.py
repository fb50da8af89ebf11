"""Who a run is: the same for everybody who says the same, and different as soon as one part is."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from engine.identity import run_id
from engine.model import Scope, replace

SCOPE = Scope(gateway="https://api.example", org="org@Example", sandbox="dev", created="2030-01-01")


def test_an_id_is_sixteen_characters_and_stays_what_it_is() -> None:
    assert run_id("site", SCOPE, "acme") == "6jklilskj7exhiws"
    assert re.fullmatch(r"[a-z2-7]{16}", run_id("site", SCOPE, "acme"))


def test_every_part_counts_except_the_life_of_the_sandbox() -> None:
    ids = [
        run_id("site", SCOPE, "acme"),
        run_id("other", SCOPE, "acme"),
        run_id("site", replace(SCOPE, gateway="other"), "acme"),
        run_id("site", replace(SCOPE, org="other"), "acme"),
        run_id("site", replace(SCOPE, sandbox="other"), "acme"),
        run_id("site", SCOPE, "other"),
        run_id("site", SCOPE, "acme", shared=True),
    ]
    assert len(set(ids)) == len(ids)
    assert run_id("site", replace(SCOPE, created=None), "acme") == ids[0]


parts = st.tuples(*[st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=3)] * 5)


@given(one=parts, other=parts)
def test_where_one_part_ends_and_the_next_begins_matters(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    def of(workflow: str, gateway: str, org: str, sandbox: str, source: str) -> str:
        return run_id(workflow, Scope(gateway=gateway, org=org, sandbox=sandbox), source)

    assert (of(*one) == of(*other)) is (one == other)
