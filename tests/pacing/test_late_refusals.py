"""A refusal may be told long after its request was sent."""

from engine.pacing.misfit import Pace


def test_what_is_refused_seconds_after_the_last_request_leaves_a_pace() -> None:
    pace, now = Pace(), 0.0
    for sent, told_after in ((2, 0.1), (40, 3.1), (12, 3.1)):
        for _ in range(sent):
            now = max(now + 0.1, pace.next_at)
            pace.sent(now)
            pace.returned(used=True)
        now += told_after
        pace.refused(now, now + 1.0, late=False)
    pace.sent(pace.next_at)
    assert pace.pace
    assert 1 <= pace.pace <= 10
