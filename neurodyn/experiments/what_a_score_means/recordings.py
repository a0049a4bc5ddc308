"""The recordings as condition means, and their task variables."""

from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from neurodyn import datasets, spikes, trials
from neurodyn.experiments.what_a_score_means.settings import Settings
from neurodyn.labels import between


class Recorded(NamedTuple):
    """Condition means ``(condition, time, unit)``, and the labels that are the task variables."""

    rates: xr.DataArray
    by: list[str]


def _mante(settings: Settings) -> Recorded:
    """Prefrontal units while monkeys judged motion or colour; correct trials."""
    by = ["motion", "colour_evidence", "context"]
    loaded: Any = datasets.load(
        "mante2013", bin_width=settings.bin_width, correct_only=True, by=tuple(by)
    )
    return _whole(between(loaded["rate"], (100.0, 850.0)), by)


def _decision(settings: Settings) -> Recorded:
    """The bundled simulation of a circuit that integrates evidence for two choices."""
    by = ["coherence", "choice"]
    window = (0.0, 800.0)
    loaded: Any = datasets.load("decision_example")
    counts = spikes.bin(loaded, bin_width=settings.bin_width, window=window)
    means = trials.average(counts, by)
    enough = np.flatnonzero((means["n_trials"] >= 5).values)
    rate = means["spike_count"].isel(condition=enough) * (1000.0 / settings.bin_width)
    rate.attrs = {"units": "Hz", "long_name": "firing rate", "source": "recording"}
    return _whole(rate, by)


def _whole(rates: xr.DataArray, by: list[str]) -> Recorded:
    """Conditions that every unit was recorded in, and units that vary."""
    there = rates.notnull().all(("time", "unit")).values
    rates = rates.isel(condition=np.flatnonzero(there))
    varies = (rates.max(("condition", "time")) > rates.min(("condition", "time"))).values
    return Recorded(rates.isel(unit=np.flatnonzero(varies)), by)


LOAD: dict[str, Any] = {"mante2013": _mante, "decision_example": _decision}
