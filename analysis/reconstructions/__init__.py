"""How well a model reconstructs a system: states visited, spectra, predictions, forecasts.

::

    protocols       the usual measures together, as publications use them
    state_space     divergence of the states visited, by bins
    mixtures        the same by Gaussians, for many dimensions
    spectra         power spectra and their distance
    prediction      errors of free runs, valid prediction time
    forecast        predictions at every horizon
    autoregression  ridge regression as a baseline
    trajectories    trajectories brought to one form
"""
