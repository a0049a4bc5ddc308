"""Labelled result of a sweep, and of the networks in a folder."""

import dataclasses

import xarray as xr

from neurodyn.experiments.running.experiment import Run
from neurodyn.experiments.running.seeds import shared_key
from neurodyn.experiments.timescales.analyses import analyse
from neurodyn.experiments.timescales.settings import AnalysisSettings
from neurodyn.experiments.timescales.trained import Trained, table
from neurodyn.labels import encode_attrs

__all__ = ["open_runs", "result"]


def result(settings: AnalysisSettings, trained: Trained, run: Run) -> xr.DataTree:
    """Trained networks and all their analyses, labelled.

    Returns
    -------
    xr.DataTree
        ``/model``: epochs until each N was solved, and properties of the network at that time, on
        ``(curriculum, treatment, seed, n)``; ``/model/NAME``: epochs of each network;
        ``/analysis/...`` as of :func:`analyse`.
    """
    folder = None if run.folder is None else run.folder / "analysis"
    if folder is not None and not run.resume and folder.is_dir():
        for old in folder.glob("*.nc"):  # analyses of other networks of the same names
            old.unlink()
    tree = {"/model": table(trained)}
    for variant in trained.variants:
        tree[f"/model/{variant.name}"] = trained.epochs(variant)
    key = shared_key(7)
    for name, part in analyse(settings, trained, folder=folder, key=key).items():
        tree[f"/analysis/{name}"] = part
    labelled = xr.DataTree.from_dict(tree)
    labelled.attrs |= encode_attrs({"settings": dataclasses.asdict(settings)})
    return labelled


def open_runs(settings: AnalysisSettings, run: Run) -> Trained:
    """Networks of a sweep that a folder holds, finished or not.

    Raises
    ------
    FileNotFoundError
        If it holds none.
    """
    trained = Trained(settings, run.folder)
    trained.variants = [v for v in trained.variants if trained.recall(v) is not None]
    if not trained.variants:
        raise FileNotFoundError(f"{run.folder} holds no run of these settings.")
    return trained
