"""Timescales: autocorrelations, exponential fits, intrinsic timescales and their bias.

::

    autocorrelation     autocorrelation of recordings and runs in memory
    streaming           the same for runs too long to hold, in chunks (`chunks`)
    time_constants      one exponential with an offset
    decay               one or two exponentials (`exponentials`)
    intrinsic           timescales of recorded units with intervals
    recovery            bias of the estimator, from surrogate spikes
    network_timescales  timescales of networks under random bits
"""
