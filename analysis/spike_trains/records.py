"""The measures of spike trains."""

from __future__ import annotations

from math import inf

from neurodyn.analysis.shared.measure import Measure
from neurodyn.analysis.spike_trains import (
    correlograms,
    count_correlations,
    current_clamp,
    distances,
    firing,
    histograms,
    mean_matching,
    spike_intervals,
    synchrony,
    tiling,
    tuning,
    tuning_maps,
    variability,
)

#: `neurodyn.analysis.comparison.measures` registers them.
RECORDS = (
    Measure(firing.firing_rate, "firing rate", "Hz", (0.0, inf), reference=("adrian1926",)),
    Measure(
        histograms.psth,
        "firing rate around events, with intervals",
        "Hz",
        (0.0, inf),
        reference=("gerstein1960",),
    ),
    Measure(
        variability.fano_factor,
        "Fano factor of spike counts",
        range=(0.0, inf),
        reference=("fano1947",),
    ),
    Measure(
        mean_matching.mean_matched_fano,
        "Fano factor over time, mean-matched",
        range=(0.0, inf),
        reference=("churchland2010",),
    ),
    Measure(
        spike_intervals.interval_statistics,
        "CV, CV2, LV and LvR of interspike intervals",
        range=(0.0, inf),
        reference=("softky1993", "holt1996", "shinomoto2003", "shinomoto2009"),
    ),
    Measure(
        synchrony.synchrony,
        "synchrony index of a population",
        range=(0.0, 1.0),
        reference=("golomb1994", "golomb2007"),
    ),
    Measure(
        correlograms.correlogram,
        "auto- and cross-correlograms",
        "Hz",
        (0.0, inf),
        reference=("perkel1967", "amarasingham2012"),
    ),
    Measure(
        tiling.spike_time_tiling,
        "spike-time tiling coefficient",
        range=(-1.0, 1.0),
        reference=("cutts2014",),
    ),
    Measure(
        count_correlations.noise_correlation,
        "noise correlation of spike counts",
        range=(-1.0, 1.0),
        reference=("cohen2011",),
    ),
    Measure(
        count_correlations.signal_correlation,
        "signal correlation of spike counts",
        range=(-1.0, 1.0),
        reference=("cohen2011",),
    ),
    Measure(
        distances.van_rossum_distance,
        "van Rossum distance of spike trains",
        range=(0.0, inf),
        reference=("vanrossum2001", "houghton2012"),
    ),
    Measure(
        distances.victor_purpura_distance,
        "Victor-Purpura distance of spike trains",
        range=(0.0, inf),
        reference=("victor1996",),
    ),
    Measure(
        tuning.tuning_curve,
        "tuning to the conditions of trials",
        "Hz",
        (0.0, inf),
        reference=("georgopoulos1982",),
    ),
    Measure(
        tuning_maps.tuning_map,
        "tuning to variables over time",
        "Hz",
        (0.0, inf),
        reference=("skaggs1993",),
    ),
    Measure(
        current_clamp.fi_curve,
        "firing rate against injected current",
        "Hz",
        (0.0, inf),
        reference=("adrian1926",),
    ),
)
