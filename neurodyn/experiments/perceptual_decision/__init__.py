"""Perceptual decision: networks against a population that integrates evidence for two choices."""

import numpy as np
import xarray as xr

from neurodyn import datasets, spikes
from neurodyn.experiments.perceptual_decision.settings import PRESETS, Settings, check
from neurodyn.experiments.running.experiment import Experiment, Run
from neurodyn.experiments.shared import decision
from neurodyn.experiments.shared.decision import nearest, study
from neurodyn.experiments.shared.decision_figures import CAPTIONS, RANGES, figures, summary
from neurodyn.tasks import PerceptualDecision

__all__ = ["EXPERIMENT"]

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


EXPERIMENT = Experiment(
    name="perceptual_decision",
    title="Do networks trained to decide between two alternatives look like a decision circuit?",
    reference=("roitman2002", "wang2002", "song2016", *decision.MEASURED_BY),
    presets=PRESETS,
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "{n_networks} networks of {n_units} units were trained for {steps} steps to decide "
        "between two alternatives, and ran through {repeats} trials of each condition of the "
        "recording '{recording}'. Means of the conditions, by coherence and choice, were "
        "compared with those of the recording by {measures}, with a null of {n_null} "
        "shuffled labels and the recording's own halves as the ceiling."
    ),
    ranges=RANGES,
    captions={
        **CAPTIONS,
        "psychometric": ("Choices against signed coherence, of the networks and of the recording."),
        "psth_model": "Mean activity of the first network by coherence and choice.",
        "psth_recording": "Mean rates of the recording by coherence and choice.",
    },
    check=check,
)
