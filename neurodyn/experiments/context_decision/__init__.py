"""Context-dependent decision: networks against prefrontal units in the task of Mante et al."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn import datasets, plot
from neurodyn.experiments.context_decision import selection
from neurodyn.experiments.context_decision.settings import PRESETS, Settings
from neurodyn.experiments.running.experiment import Experiment, Run
from neurodyn.experiments.shared import decision
from neurodyn.experiments.shared.decision import nearest, study
from neurodyn.experiments.shared.decision_figures import CAPTIONS, RANGES, figures, summary
from neurodyn.tasks import ContextDecision

__all__ = ["EXPERIMENT"]

#: Labels of the recording. The animal chose a coloured target whose side varied, but the colour
#: input of the model is evidence for choice 1, as its motion input is. So colours are compared as
#: evidence for choice 1.
LABELS = ("motion", "colour_evidence", "context")


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Train on the coherences of the recording, and compare correct trials by condition.

    Returns
    -------
    xr.DataTree
        As of :func:`~neurodyn.experiments.shared.decision.study`, and ``/analysis/selection`` of
        :func:`~neurodyn.experiments.context_decision.selection.selected`.
    """
    options = {"bin_width": settings.bin_width, "correct_only": True, "by": LABELS}
    recorded = datasets.load(settings.recording, **options)
    halves = datasets.load(settings.recording, halves=True, key=0, **options)
    recorded = recorded.assign(halves=halves["rate"]).rename(colour_evidence="colour")
    motion, colour = (np.unique(recorded[name].values) for name in ("motion", "colour"))
    task = ContextDecision(dt=settings.dt, motion=motion, colour=colour)
    names = task.labels()["context"]

    def relabel(trials: xr.Dataset) -> xr.Dataset:
        columns = {
            "motion": nearest(trials["motion"].values, motion),
            "colour": nearest(trials["colour"].values, colour),
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
        min_trials=2,  # one for each half that the ceiling compares
        correct_only=True,
        relabel=relabel,
        behaviour=_behaviour(settings.recording, motion, colour),
        more=lambda model, trials: {"/analysis/selection": selection.selected(model, trials, task)},
    )


def _behaviour(recording: str, motion: np.ndarray, colour: np.ndarray) -> xr.Dataset:
    """Choices in the trials of all units, whose sessions differ."""
    units = datasets.load(recording, form="trials").children.values()
    names = (*LABELS, "choice")
    table = {name: np.concatenate([unit[name].values for unit in units]) for name in names}
    table["motion"] = nearest(table["motion"], motion)
    table["colour"] = nearest(table.pop("colour_evidence"), colour)
    table["choice"] = (table["choice"] > 0).astype(np.int64)
    about = {"units": "1"}
    columns = {
        name: ("trial", values, about | {"long_name": name}) for name, values in table.items()
    }
    return xr.Dataset(columns, attrs={"source": "recording"})


def _figures(tree: xr.DataTree) -> dict[str, Any]:
    points = tree["analysis/selection"].to_dataset()
    evidence = points.sel(input=list(selection.EVIDENCE))
    return figures(tree) | {"selection": plot.selection(evidence, by="context")}


def _summary(tree: xr.DataTree) -> dict[str, str]:
    return summary(tree) | selection.summary(tree["analysis/selection"].to_dataset())


EXPERIMENT = Experiment(
    name="context_decision",
    title="Do networks that select evidence by context look like prefrontal cortex?",
    reference=("mante2013", *decision.MEASURED_BY),
    presets=PRESETS,
    run=run,
    figures=_figures,
    summary=_summary,
    method=(
        "{n_networks} networks of {n_units} units were trained for {steps} steps to decide by "
        "the motion or by the colour of a stimulus, as a context cue tells them, and ran through "
        "{repeats} trials of each condition of the recording '{recording}'. Means of correct "
        "trials, by motion, colour and context, were compared with those of the recording by "
        "{measures}, with a null of {n_null} shuffled labels and the recording's own halves "
        "as the ceiling. Without evidence, fixed points in each context were searched from states "
        "of these trials, and the slowest mode of the linear dynamics there tells how much of the "
        "evidence is taken up."
    ),
    ranges=RANGES,
    captions={
        **CAPTIONS,
        "psychometric_": (
            "Choices against the evidence named, in the context in which it is relevant, "
            "of the networks and of the animal."
        ),
        "selection": (
            "Part of the push of motion and colour evidence that the slowest mode takes up, at the "
            "fixed points in each context; dots are points of all networks."
        ),
        "psth_model": "Mean activity of the first network by motion and context.",
        "psth_recording": "Mean rates of the recording by motion and context.",
    },
    check=decision.check,
)
