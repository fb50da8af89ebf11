"""Questions about many sources: each asked once, its answer there for whoever asks in the same breath."""

from workflows.cli.asking import KEPT, Asking


async def test_what_is_asked_again_is_kept_whatever_is_asked_beside_it() -> None:
    asked = list[int]()

    async def ask(question: int) -> str:
        asked.append(question)
        return f"answer {question}"

    asking = Asking[int, str](ask)
    await asking.about(range(KEPT))
    await asking.about((0, KEPT, KEPT + 1))
    assert [asking.get(question) for question in (0, KEPT, KEPT + 1)] == [
        f"answer {question}" for question in (0, KEPT, KEPT + 1)
    ]
    assert len(asked) == KEPT + 2
    assert asking.get(1) is None, "an older one is asked for again"
