"""Results of several folders side by side, also of different cells and tasks."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.experiments.running.experiment import Run
from neurodyn.experiments.running.folder import RESULT
from neurodyn.experiments.timescales.analyses import result
from neurodyn.experiments.timescales.settings import AnalysisSettings, Settings
from neurodyn.experiments.timescales.trained import open_runs
from neurodyn.io.files import load
from neurodyn.labels import encode_attrs

#: Dims that identify a training.
RUN = ("curriculum", "treatment", "seed")


def joined(settings: AnalysisSettings) -> xr.DataTree:
    """Results of the folders in ``settings.join`` as one.

    Returns
    -------
    xr.DataTree
        As of one sweep. Names of treatments hold unusual cells, tasks or steps per bit; see
        :func:`treatment_name`.

    Raises
    ------
    FileNotFoundError
        If a folder holds no network.
    ValueError
        If two folders hold the same training, or their results differ in size.
    """
    folders = [Path(name) for name in settings.join]
    trees = {folder: _renamed(_opened(settings, folder)) for folder in folders}
    _refuse_twice({folder: tree["model"].to_dataset() for folder, tree in trees.items()})
    found: dict[str, list[xr.Dataset]] = {}
    for tree in trees.values():
        for node in tree.subtree:
            if node.data_vars:
                found.setdefault(node.path, []).append(node.to_dataset(inherit=False))
    parts = {path: _side_by_side(path, several) for path, several in found.items()}
    whole = xr.DataTree.from_dict(parts)
    whole.attrs |= encode_attrs({"settings": dataclasses.asdict(settings)})
    return whole


def treatment_name(tau: str, *, cell: str = "leaky", task: str = "n_parity", hold: int = 1) -> str:
    """Name of a treatment that holds its cell, task and steps per bit if they are unusual.

    Examples
    --------
    >>> treatment_name("trained"), treatment_name("trained", cell="lstm", task="n_dms")
    ('trained', 'LSTM N-DMS')
    """
    words = [] if cell == "leaky" else [cell.upper() if cell in ("lstm", "gru") else cell]
    words += [tau] if cell not in ("lstm", "gru") else []
    words += ["N-DMS"] if task == "n_dms" else []
    words += [f"bits of {hold}"] if hold > 1 else []
    return " ".join(words)


def _opened(settings: AnalysisSettings, folder: Path) -> xr.DataTree:
    """Result of a finished run, or of the networks in the folder of an unfinished one."""
    if (folder / RESULT).is_file():
        return load(folder / RESULT)
    records = [load(path) for path in sorted(folder.glob("*-*-*.nc"))]
    if not records:
        raise FileNotFoundError(f"Setting 'join': {folder} holds no run of this experiment.")
    seeds = [int(record.attrs["seed"]) for record in records]
    # Records of unfinished runs do not hold n_last, so take the largest possible.
    own: dict[str, Any] = {"n_last": settings.n_heads + 1, "workers": 1, "join": ()}
    for record in records:
        own |= json.loads(record.attrs.get("training", "{}"))
    own |= {"seed": min(seeds), "n_seeds": max(seeds) - min(seeds) + 1}
    for name, attr in (("curricula", "curriculum"), ("taus", "tau")):
        own[name] = tuple(dict.fromkeys(str(record.attrs[attr]) for record in records))
    there = dataclasses.replace(settings, **own)
    return result(there, open_runs(there, folder), Run(folder, resume=True))


def _renamed(tree: xr.DataTree) -> xr.DataTree:
    """A result with the names of treatments among others."""
    settings = json.loads(tree.attrs["settings"])
    fields = {field.name: field.default for field in dataclasses.fields(Settings)}
    kind = {name: settings.get(name, fields[name]) for name in ("cell", "task", "hold")}

    def renamed(ds: xr.Dataset) -> xr.Dataset:
        if "treatment" not in ds.dims:
            return ds
        names = [treatment_name(str(tau), **kind) for tau in ds["treatment"].values]
        return ds.assign_coords(treatment=("treatment", names, ds["treatment"].attrs))

    parts = {}
    for node in tree.subtree:
        path, ds = node.path, node.to_dataset(inherit=False)
        if node.parent is not None and node.parent.path == "/model":
            tau = treatment_name(str(ds.attrs["tau"]), **kind)
            path = f"/model/{ds.attrs['curriculum']}-{tau}-{ds.attrs['seed']}"
            ds = ds.assign_attrs(tau=tau)
        parts[path] = renamed(ds)
    return xr.DataTree.from_dict(parts)


def _refuse_twice(tables: dict[Path, xr.Dataset]) -> None:
    """Refuse a training that two folders hold."""
    owners: dict[tuple, Path] = {}
    for folder, table in tables.items():
        stacked = table["largest_n"].stack(run=RUN)
        for run in stacked["run"].values[stacked.values > 0].tolist():
            if run in owners:
                name = "-".join(map(str, run))
                raise ValueError(
                    f"Setting 'join': both {owners[run]} and {folder} hold the run {name}. Leave "
                    "one of the folders out, or train with another seed."
                )
            owners[run] = folder


def _without_gaps(part: xr.Dataset) -> xr.Dataset:
    """NaN in place of trainings that a folder does not hold."""
    if "largest_n" not in part:
        return part
    there = part["largest_n"] > 0
    return part.assign({name: part[name].where(there) for name in ("largest_n", "ended")})


def _side_by_side(path: str, parts: list[xr.Dataset]) -> xr.Dataset:
    """Trainings of several datasets in one, NaN for missing ones."""
    parts = [_without_gaps(part) for part in parts]
    try:
        whole = xr.merge(parts, join="outer", compat="no_conflicts", combine_attrs="override")
    except ValueError as error:
        raise ValueError(
            f"Setting 'join': {path} cannot be joined, because the folders were analysed "
            f"with other settings or hold networks of other sizes. {error}"
        ) from error
    if not set(RUN) <= set(whole.dims):
        return whole  # the epochs of one run
    for dim in RUN[:2]:
        names = list(dict.fromkeys(str(x) for part in parts for x in part[dim].values))
        whole = whole.sel({dim: names})
    whole = whole.sortby([dim for dim in ("seed", "n") if dim in whole.dims])
    if "largest_n" in whole:
        whole["largest_n"] = whole["largest_n"].fillna(0).astype(np.int64)
        ended = whole["ended"]
        whole["ended"] = ended.where(ended.notnull(), "unfinished").astype(str)
    return whole
