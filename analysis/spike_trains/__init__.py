"""Spike trains: rates, variability, pairs, tuning, rhythms, cells in current clamp.

::

    firing              rates, spike counts
    histograms          PSTHs with intervals
    spike_intervals     intervals and their irregularity
    variability         moments of counts, Fano factor
    mean_matching       Fano factor over time at equal mean counts
    correlograms        auto- and cross-correlograms with controls
    tiling              spike-time tiling coefficients
    count_correlations  correlations of counts: total, noise, signal
    distances           van Rossum, Victor-Purpura
    tuning              to conditions of trials
    tuning_maps         to variables over time
    synchrony           synchrony and mean correlation
    rhythms             spectrum of the population rate
    current_clamp       spikes out of potentials, f-I curves
    waveforms           outputs against targets whose phase drifts
    records             which of them are measures

What they stand on: `observed` (spikes and time within a window), `coincidences` (pairs of spikes,
and time that pairs of units share), `surrogates`, `pairs` (labels of the second of a pair),
`train_distances` and `occupancy` (arrays).
"""
