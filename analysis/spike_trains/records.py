"""The measures of spike trains."""

from __future__ import annotations

from math import inf

from neurodyn.analysis.shared.measure import Measure
from neurodyn.analysis.spike_trains import current_clamp, firing, spike_intervals, synchrony

#: `neurodyn.analysis.comparison.measures` registers them.
RECORDS = (
    Measure(firing.firing_rate, "firing rate", "Hz", (0.0, inf), reference=("adrian1926",)),
    Measure(
        firing.fano_factor, "Fano factor of spike counts", range=(0.0, inf), reference=("fano1947",)
    ),
    Measure(
        spike_intervals.interval_statistics,
        "CV, CV2 and LV of interspike intervals",
        range=(0.0, inf),
        reference=("softky1993", "holt1996", "shinomoto2003"),
    ),
    Measure(
        synchrony.synchrony,
        "synchrony index of a population",
        range=(0.0, 1.0),
        reference=("golomb1994", "golomb2007"),
    ),
    Measure(
        current_clamp.fi_curve,
        "firing rate against injected current",
        "Hz",
        (0.0, inf),
        reference=("adrian1926",),
    ),
)
