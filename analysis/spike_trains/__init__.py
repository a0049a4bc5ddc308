"""Spike trains: rates, intervals, variability, synchrony, rhythms, cells in current clamp.

::

    firing           rates, spike counts, Fano factor
    spike_intervals  intervals and their irregularity
    synchrony        synchrony and mean correlation
    rhythms          spectrum of the population rate
    current_clamp    spikes out of potentials, f-I curves
    waveforms        outputs against targets whose phase drifts
    observed         spikes and time within a window
"""
