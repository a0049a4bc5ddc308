"""Emergent timescales: train every curriculum, then ask where the memory sits."""

import dataclasses

import jax
import xarray as xr

from neurodyn.experiments.experiment import Experiment, Run
from neurodyn.experiments.timescales.analyses import AnalysisSettings, analyse
from neurodyn.experiments.timescales.figures import figures
from neurodyn.experiments.timescales.summary import summary
from neurodyn.experiments.timescales.trained import Trained, table
from neurodyn.experiments.timescales.training import train
from neurodyn.labels import encode_attrs

__all__ = ["EXPERIMENT", "open_runs", "result", "run"]


def run(settings: AnalysisSettings, run: Run) -> xr.DataTree:
    """Train, then analyse."""
    return result(settings, train(settings, run), run)


def result(settings: AnalysisSettings, trained: Trained, run: Run) -> xr.DataTree:
    """Every analysis of the trained networks, labelled.

    Returns
    -------
    xr.DataTree
        ``/model``: when each N was solved, and the network as it was then, on ``(curriculum,
        treatment, seed, n)``; ``/model/NAME``: the epochs of each run; ``/analysis/...`` as from
        :func:`analyse`.
    """
    folder = None if run.folder is None else run.folder / "analysis"
    if folder is not None and not run.resume and folder.is_dir():
        for old in folder.glob("*.nc"):  # of other networks of the same names
            old.unlink()
    tree = {"/model": table(trained)}
    for variant in trained.variants:
        tree[f"/model/{variant.name}"] = trained.epochs(variant)
    key = jax.random.fold_in(jax.random.key(settings.seed), 7)
    for name, part in analyse(settings, trained, folder=folder, key=key).items():
        tree[f"/analysis/{name}"] = part
    labelled = xr.DataTree.from_dict(tree)
    labelled.attrs |= encode_attrs({"settings": dataclasses.asdict(settings)})
    return labelled


def open_runs(settings: AnalysisSettings, run: Run) -> Trained:
    """The runs of a sweep that lie in a folder, finished or not; others are left out.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    trained = Trained(settings, run.folder)
    trained.variants = [v for v in trained.variants if trained.recall(v) is not None]
    if not trained.variants:
        raise FileNotFoundError(f"{run.folder} holds no run of these settings.")
    return trained


EXPERIMENT = Experiment(
    name="timescales",
    title="Do networks get long memories from slow neurons or from recurrence?",
    reference=("khajehabdollahi2024",),
    presets={
        "quick": AnalysisSettings(
            n_last=5, timescales_at="2,5", n_steps=5000, ablate_at="5", perturb_at="5",
            n_ablated=5, n_scored=400, n_repeats=4,
        ),
        "paper": AnalysisSettings(
            n_seeds=4, n_last=101, curricula="single,cumulative,sliding", taus="trained,1,2,3,4",
            retrain_epochs=20,
        ),
    },
    run=run,
    figures=figures,
    summary=summary,
)  # fmt: skip
