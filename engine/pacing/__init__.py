"""Pacing: permits to send per family (a service of an organisation), learned limits, pauses, outages.

rate     requests per second, learned from 429      window   requests at once, learned from 500 and 503
blame    whose rate it is, and what does not fit    outage   the breaker and its probes
cap      the person's bound on the rate             family   all of it for one family
gate     Pacing: waiting for permits; the only part that knows tasks and a clock
"""

from engine.pacing.family import FamilyView
from engine.pacing.gate import Pacing

__all__ = ["FamilyView", "Pacing"]
