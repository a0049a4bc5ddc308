"""Train on the coherences of the recording, and compare correct trials by condition."""

import numpy as np
import xarray as xr

from neurodyn import datasets
from neurodyn.experiments.context_decision.settings import Settings
from neurodyn.experiments.running.experiment import Run
from neurodyn.experiments.shared.decision import nearest, study
from neurodyn.tasks import ContextDecision

__all__ = ["LABELS", "run"]

#: Labels of the recording. The animal chose a coloured target whose side varied, but the colour
#: input of the model is evidence for choice 1, as its motion input is. So colours are compared as
#: evidence for choice 1.
LABELS = ("motion", "colour_evidence", "context")


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Train on the coherences of the recording, and compare correct trials by condition.

    Returns
    -------
    xr.DataTree
        As of :func:`~neurodyn.experiments.shared.decision.study`.
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
