"""Context-dependent decision: networks against prefrontal units in the task of Mante et al."""

import dataclasses

import numpy as np
import xarray as xr

from neurodyn import datasets
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
from neurodyn.tasks import ContextDecision

__all__ = ["EXPERIMENT", "Settings", "run"]

#: The animal chose a coloured target whose side varied; the model's colour input, like its motion
#: input, is the evidence for choice 1, so that is what it is compared by.
LABELS = ("motion", "colour_evidence", "context")


@dataclasses.dataclass(frozen=True)
class Settings(DecisionSettings):
    """Settings; see :class:`~neurodyn.experiments.shared.decision.DecisionSettings`.

    Attributes
    ----------
    recording
        Default: 20 prefrontal units of Mante et al. (2013).
    bin_width
        Time bins in which rates are compared [ms].
    """

    recording: str = "mante2013"
    bin_width: Positive = 50.0
    n_units: Count = 100
    n_networks: Count = 3
    steps: Count = 3000
    repeats: Count = 20


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Train on the coherences of the recording, compare correct trials by condition."""
    options = {"bin_width": settings.bin_width, "correct_only": True, "by": LABELS}
    recorded = datasets.load(settings.recording, **options)
    halves = datasets.load(settings.recording, halves=True, key=0, **options)
    recorded = recorded.assign(halves=halves["rate"]).rename(colour_evidence="colour")
    motion, colour = (np.unique(recorded[name].values) for name in ("motion", "colour"))
    task = ContextDecision(dt=settings.dt, motion=motion, colour=colour)
    names = task.labels()["context"]

    def relabel(trials: xr.Dataset) -> xr.Dataset:
        columns = {
            "motion": _nearest(trials["motion"].values, motion),
            "colour": _nearest(trials["colour"].values, colour),
            "context": np.array([names[int(c)] for c in trials["context"].values]),
        }
        coords = {n: ("trial", c, trials[n].attrs) for n, c in columns.items()}
        return trials.assign_coords(coords)

    return study(
        settings,
        run,
        task,
        recorded,
        by=("motion", "colour", "context"),
        show=("motion", "context"),
        window=(100.0, 850.0),
        min_trials=2,  # one for each half of the ceiling
        correct_only=True,
        relabel=relabel,
        behaviour=_behaviour(settings.recording, motion, colour),
    )


def _behaviour(recording: str, motion: np.ndarray, colour: np.ndarray) -> xr.Dataset:
    """Choices in the trials of all units, which come from different sessions."""
    units = datasets.load(recording, form="trials").children.values()
    names = (*LABELS, "choice")
    table = {name: np.concatenate([unit[name].values for unit in units]) for name in names}
    table["motion"] = _nearest(table["motion"], motion)
    table["colour"] = _nearest(table.pop("colour_evidence"), colour)
    table["choice"] = (table["choice"] > 0).astype(np.int64)
    about = {"units": "1"}
    columns = {
        name: ("trial", values, about | {"long_name": name}) for name, values in table.items()
    }
    return xr.Dataset(columns, attrs={"source": "recording"})


def _nearest(values: np.ndarray, levels: np.ndarray) -> np.ndarray:
    return levels[np.abs(values[:, None] - levels[None, :]).argmin(1)]


EXPERIMENT = Experiment(
    name="context_decision",
    title="Do networks that select evidence by context look like prefrontal cortex?",
    reference=("mante2013", *decision.MEASURED_BY),
    presets={
        "quick": Settings(),
        "paper": Settings(n_networks=10, n_units=200, steps=20_000, repeats=100, n_null=1000),
    },
    run=run,
    figures=decision_figures,
    summary=decision_summary,
    method=(
        "{n_networks} networks of {n_units} units were trained for {steps} steps to decide by "
        "the motion or by the colour of a stimulus, as a context tells them, and ran through "
        "{repeats} trials of each condition of the recording '{recording}'. Means of correct "
        "trials, by motion, colour and context, were compared with those of the recording by "
        "four measures, with a null of {n_null} shuffled labels and the recording's own halves "
        "as the ceiling."
    ),
    ranges=RANGES,
    captions={
        **CAPTIONS,
        "psychometric_": (
            "Choices against the evidence named, in the context in which it counts; of the "
            "networks and of the animal."
        ),
        "psth_model": "Mean activity of the first network by motion and context.",
        "psth_recording": "Mean rates of the recording by motion and context.",
    },
    check=decision.check,
)
