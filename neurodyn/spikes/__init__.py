"""Spike trains as flat labelled Datasets: build, cut around events, bin, estimate rates.

All spikes lie on one dim `spike`: `spike_time` [ms], `spike_unit` and, once cut into trials,
`spike_trial`; the last two are positions along `unit` and `trial`, whose coordinates are the unit
and trial tables. Spikes are sorted by trial, unit and time. `window` in attrs says which times were
observed, so that "no spikes" and "not recorded" stay apart; trials that end early carry
`valid_until` (trial) [ms], units that were lost or found along the way `observed_start` and
`observed_stop` (unit) [ms].

Intervals are half-open: a spike at `start` belongs to ``[start, stop)``, one at `stop` does not.
Runs (`closed` is "right" in attrs) label a spike with the end of its step, ``t0 + (k + 1) dt``; it
counts in the interval in which that step lies.
"""

from neurodyn.spikes.build import dataset, from_times, times
from neurodyn.spikes.count import bin, rate
from neurodyn.spikes.cut import align

__all__ = ["align", "bin", "dataset", "from_times", "rate", "times"]
