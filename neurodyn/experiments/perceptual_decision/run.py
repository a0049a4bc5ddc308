"""Train on the coherences of a recording, and compare by coherence and choice."""

import numpy as np
import xarray as xr

from neurodyn import datasets, spikes
from neurodyn.experiments.perceptual_decision.settings import Settings
from neurodyn.experiments.running.experiment import Run
from neurodyn.experiments.shared.decision import nearest, study
from neurodyn.tasks import PerceptualDecision

__all__ = ["WINDOW", "run"]

#: Time of the recording that figures show [ms]; the comparison uses the time of the evidence.
WINDOW = (-200.0, 1000.0)


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Train on the coherences of the recording, and compare by coherence and choice.

    Returns
    -------
    xr.DataTree
        As of :func:`~neurodyn.experiments.shared.decision.study`.
    """
    recorded = _load(settings.recording)
    coherence = np.unique(recorded["coherence"].values)
    task = PerceptualDecision(dt=settings.dt, coherence=coherence, stimulus=settings.stimulus)
    names = [n for n in ("coherence", "choice", "correct", "rt") if n in recorded.coords]
    behaviour = recorded[names].reset_coords(names)

    def relabel(trials: xr.Dataset) -> xr.Dataset:
        values = nearest(trials["coherence"].values, coherence)
        return trials.assign_coords(coherence=("trial", values, trials["coherence"].attrs))

    return study(
        settings,
        run,
        task,
        _rates(recorded, settings),
        by=("coherence", "choice"),
        show=("coherence", "choice"),
        window=(0.0, settings.stimulus),
        min_trials=settings.min_trials,
        relabel=relabel,
        behaviour=behaviour,
    )


def _load(recording: str) -> xr.Dataset:
    loaded = datasets.open(recording)
    needed = ("coherence", "choice")
    missing = [n for n in needed if not isinstance(loaded, xr.Dataset) or n not in loaded.coords]
    if missing:
        raise ValueError(
            f"{recording}: the comparison needs trials labelled with {', '.join(needed)}; "
            f"{', '.join(missing)} is missing. Cut the recording into labelled trials with "
            "neurodyn.spikes.align and save the result."
        )
    return loaded


def _rates(recorded: xr.Dataset, settings: Settings) -> xr.Dataset:
    """Rates of single trials in bins."""
    if "spike" not in recorded.dims:
        return recorded
    counts = spikes.bin(recorded, bin_width=settings.bin_width, window=WINDOW)
    rate = counts["spike_count"] * (1000.0 / settings.bin_width)
    rate.attrs = {"units": "Hz", "long_name": "firing rate", "kind": "rate"}
    return counts.drop_vars("spike_count").assign(rate=rate)
