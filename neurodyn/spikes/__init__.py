"""Spike trains as flat labelled Datasets: build, cut around events, bin, estimate rates.

All spikes lie on one dim `spike`, as the coordinates `spike_time` [ms], `spike_unit` and, once cut
into trials, `spike_trial`. The last two hold labels of unit and trial: those that the unit and
trial tables had when the Dataset was built, which `unit_key` and `trial_key` keep. So units and
trials can be selected, sorted, repeated and renumbered by any means of xarray, and `positions`
finds the spikes of those that are there. `concat` puts Datasets together, `relabel` gives other
labels, `tidy` drops the spikes of what was not selected. `window` in attrs says which times were
observed, so that "no spikes" and "not recorded" stay apart; trials that end early carry
`valid_until` (trial) [ms], units that were lost or found along the way `observed_start` and
`observed_stop` (unit) [ms].

Intervals are half-open: a spike at `start` belongs to ``[start, stop)``, one at `stop` does not.
Runs (`closed` is "right" in attrs) label a spike with the end of its step, ``t0 + (k + 1) dt``; it
counts in the interval in which that step lies.
"""

from neurodyn.spikes.build import dataset, from_times, times
from neurodyn.spikes.combine import concat, relabel
from neurodyn.spikes.count import bin, rate
from neurodyn.spikes.cut import align
from neurodyn.spikes.join import Positions, positions, tidy

__all__ = [
    "Positions",
    "align",
    "bin",
    "concat",
    "dataset",
    "from_times",
    "positions",
    "rate",
    "relabel",
    "tidy",
    "times",
]
