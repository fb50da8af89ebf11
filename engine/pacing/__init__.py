"""Pacing: permits to send per family (a service of an organisation), learned limits, pauses, outages.

rate     requests per second, learned from 429      window   requests at once, learned from 500 and 503
spurt    what leaves at once when a pause is over   at_once  whose window it is
misfit   refusals that no rate explains             blame    whose rate it is
cap      the person's bound on the rate             outage   the breaker and its probes
family   all of it for one family
gate     Pacing: waiting for permits; the only part that knows tasks and a clock
"""

from engine.pacing.family import FamilyView
from engine.pacing.gate import Pacing

__all__ = ["FamilyView", "Pacing"]
