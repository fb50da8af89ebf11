"""Pacing: permits to send per family, learned limits, pauses, outages.

rate     requests per second, learned from 429           cap      the person's bound on them (--rate)
window   requests at once, learned from 500 and 503      outage   the breaker and its probes
family   the four together, as one state per family      gate     Pacing: waiting for permits (the only part with tasks)
"""

from engine.pacing.family import FamilyView
from engine.pacing.gate import Pacing

__all__ = ["FamilyView", "Pacing"]
