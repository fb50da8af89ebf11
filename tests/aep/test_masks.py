"""Secrets are hidden in whatever spelling others write them."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from html import escape
from urllib.parse import quote, quote_plus

from hypothesis import example, given
from hypothesis import strategies as st

from workflows.aep.masks import MASK, Masks

SECRETS = st.text(st.characters(exclude_categories=["Cs"], min_codepoint=33), min_size=8, max_size=30)


@given(SECRETS, st.text(st.characters(max_codepoint=127), max_size=9))
@example("pa?ss/wö&r d~>", "user:")
def test_a_secret_is_hidden_however_it_is_written(secret: str, before: str) -> None:
    masks = Masks([secret])
    spelled = (
        secret,
        json.dumps(secret)[1:-1],
        quote_plus(secret),
        quote(secret),
        escape(secret),
        escape(secret, quote=False),
    )
    for text in (*spelled, quote(secret, safe="").lower() if secret.islower() else quote(secret, safe="")):
        assert masks.hide(f"<{text}>") == f"<{MASK}>"
    for encode in (b64encode, urlsafe_b64encode):
        text = encode((before + secret).encode()).decode()
        hidden = masks.hide(f"Basic {text}")
        assert MASK in hidden
        assert len(hidden) < len("Basic ") + 4 * (len(before.encode()) // 3 + 2) + len(MASK)


def test_what_is_added_later_is_hidden_and_the_longest_goes_first() -> None:
    masks = Masks(["swordfish"])
    assert masks.hide("swordfish-4711") == f"{MASK}-4711"
    masks.add(["swordfish-4711", "abc", ""])
    assert masks.hide("swordfish-4711, swordfish, abc") == f"{MASK}, {MASK}, abc"
    assert masks.also(["once-only"]).hide("once-only swordfish") == f"{MASK} {MASK}"
    assert masks.hide("once-only") == "once-only"
    assert "swordfish" not in repr(masks)
