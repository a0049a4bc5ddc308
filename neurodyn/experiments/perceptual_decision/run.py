"""Perceptual decision: networks against a population that integrates evidence for two choices."""

import dataclasses

import numpy as np
import xarray as xr

from neurodyn import datasets, spikes
from neurodyn.experiments.shared import decision
from neurodyn.experiments.shared.decision import DecisionSettings, study
from neurodyn.experiments.shared.decision_figures import (
    CAPTIONS,
    RANGES,
    decision_figures,
    decision_summary,
)
from neurodyn.experiments.shared.experiment import Experiment, Run
from neurodyn.experiments.shared.limits import Count, Positive
from neurodyn.tasks import PerceptualDecision

__all__ = ["EXPERIMENT", "Settings", "run"]

#: What is shown of the recording [ms]; compared is what the model sees of it.
WINDOW = (-200.0, 1000.0)


@dataclasses.dataclass(frozen=True)
class Settings(DecisionSettings):
    """Settings; see :class:`~neurodyn.experiments.shared.decision.DecisionSettings`.

    Attributes
    ----------
    recording
        Default: the bundled, simulated decision network.
    bin_width
        Time bins in which rates are compared [ms].
    stimulus
        How long the model sees the evidence, and time that is compared [ms].
    min_trials
        Conditions with fewer trials on either side are left out.
    """

    recording: str = "decision_example"
    bin_width: Positive = 50.0
    stimulus: Positive = 800.0
    min_trials: Count = 5


def check(settings: Settings) -> None:
    """Refuse settings that do not fit together."""
    decision.check(settings)
    if settings.stimulus < max(settings.bin_width, settings.dt):
        raise ValueError(
            f"Setting 'stimulus' ({settings.stimulus:g} ms) must last a step `dt` "
            f"({settings.dt:g} ms) and a bin `bin_width` ({settings.bin_width:g} ms) at least."
        )


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Train on the coherences of the recording, compare by coherence and choice."""
    recorded = _load(settings.recording)
    coherence = np.unique(recorded["coherence"].values)
    task = PerceptualDecision(dt=settings.dt, coherence=coherence, stimulus=settings.stimulus)
    names = [n for n in ("coherence", "choice", "correct", "rt") if n in recorded.coords]
    behaviour = recorded[names].reset_coords(names)

    def relabel(trials: xr.Dataset) -> xr.Dataset:
        nearest = np.abs(trials["coherence"].values[:, None] - coherence[None, :]).argmin(1)
        return trials.assign_coords(
            coherence=("trial", coherence[nearest], trials["coherence"].attrs)
        )

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
            f"{', '.join(missing)} is missing. Cut the recording into trials and label them "
            "(neurodyn.spikes.align), and save that."
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
    presets={
        "quick": Settings(),
        "paper": Settings(n_networks=10, n_units=128, steps=5000, repeats=200, n_null=1000),
    },
    run=run,
    figures=decision_figures,
    summary=decision_summary,
    method=(
        "{n_networks} networks of {n_units} units were trained for {steps} steps to decide "
        "between two alternatives, and ran through {repeats} trials of each condition of the "
        "recording '{recording}'. Means of the conditions, by coherence and choice, were "
        "compared with those of the recording by four measures, with a null of {n_null} "
        "shuffled labels and the recording's own halves as the ceiling."
    ),
    ranges=RANGES,
    captions={
        **CAPTIONS,
        "psychometric": (
            "Choices against signed coherence, of the networks and of what was recorded."
        ),
        "psth_model": "Mean activity of the first network by coherence and choice.",
        "psth_recording": "Mean rates of the recording by coherence and choice.",
    },
    check=check,
)
