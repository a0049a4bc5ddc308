"""Spike trains as flat labelled Datasets: build, cut around events, bin, estimate rates.

All spikes lie on one dim `spike`, as the coordinates `spike_time` [ms], `spike_unit` and, once cut
into trials, `spike_trial`. The last two hold labels of unit and trial: those that the unit and
trial tables had when the Dataset was built. `unit_key` and `trial_key` keep these labels, so that
units and trials can be selected, sorted, repeated and renumbered with xarray, and `positions` still
finds their spikes. `concat` joins Datasets, `relabel` gives new labels, `tidy` drops the spikes of
units and trials that were not selected. `window` in attrs is the observed interval, which tells "no
spikes" from "not recorded"; gaps shared by all units are those between the `obs_intervals` in
attrs (start, stop, start, stop ... [ms]). Units that were not observed throughout have
`observed_start` and `observed_stop` (unit) [ms], and gaps of their own are `gap_start` and
`gap_stop` (unit, gap) [ms]; `observed_intervals` reads all of this. Trials that end early have
`valid_until` (trial) [ms].

Intervals are half-open: a spike at `start` belongs to ``[start, stop)``, one at `stop` does not.
Runs (`closed` is "right" in attrs) label a spike with the end of its step, ``t0 + (k + 1) dt``; the
spike belongs to the interval that holds the step.
"""

from neurodyn.spikes.build import dataset, from_times, times
from neurodyn.spikes.combine import concat, relabel
from neurodyn.spikes.count import bin, rate
from neurodyn.spikes.cut import align
from neurodyn.spikes.join import Positions, positions, tidy
from neurodyn.spikes.observation import observed_intervals

__all__ = [
    # Build
    "from_times",
    "dataset",
    # Cut into trials, count, estimate rates
    "align",
    "bin",
    "rate",
    # Join and rename
    "concat",
    "relabel",
    "tidy",
    # Read
    "times",
    "observed_intervals",
    "positions",
    "Positions",
]
