"""The proof: the real engine in a simulated world, one seed per schedule, judged by the promise.

loop      hours in milliseconds              process   the engine with simulated ways out; it crashes and freezes
world     the seed and what it decides       operator  people: start again, hurry, break journals
platform  the other side and the network     judge     the promise
chain     a small workflow over it           sabotage  one broken rule at a time: each must be caught
"""

import warnings

from engine.simulation.schedule import Result, schedule

# Killed processes leave coroutines that never run: that is what killing means.
warnings.filterwarnings("ignore", message="coroutine .* was never awaited", category=RuntimeWarning)

__all__ = ["Result", "schedule"]
