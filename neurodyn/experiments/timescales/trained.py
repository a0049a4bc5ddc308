"""Networks of a sweep and records of their training, in memory or in files."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.common import hosts
from neurodyn.experiments.timescales.networks import Variant, shaping, shown_by, variants
from neurodyn.experiments.timescales.settings import Settings
from neurodyn.io.files import load, save
from neurodyn.training import CheckpointError

#: Dims of this study: the curricula, the treatments of tau (trained, or fixed at a value), and N.
DIMS = ("curriculum", "treatment", "n")
#: Quantities recorded after every epoch, with their long names.
EPOCH = {
    "n_min": "smallest N",
    "n_max": "largest N",
    "correct": "accuracy, mean over heads",
    "correct_largest": "accuracy for the largest N",
    "loss": "loss of the test",
    "solved": "whether the curriculum continues with the next N",
    "tau_mean": "mean time constant in bits, not clamped",
    "tau_sd": "standard deviation of the time constants in bits, not clamped",
    "tau_below": "fraction of time constants at or below one step, not clamped",
    "spectral_radius": "spectral radius of the recurrent weights",
    "weight_mean": "mean recurrent weight",
    "weight_norm": "Frobenius norm of the recurrent weights",
}
#: Properties of the network among them, which the result holds for every solved N.
NETWORK = tuple(EPOCH)[6:]


class Trained:
    """Networks of a sweep, each at the times when it solved an N.

    Parameters
    ----------
    settings
        Settings.
    folder
        Folder of their files; None: keep them in memory.
    """

    def __init__(self, settings: Settings, folder: Path | None):
        self.settings, self.folder = settings, folder
        self.variants = variants(settings)
        self._epochs: dict[Variant, xr.Dataset] = {}
        self._models: dict[tuple[Variant, int], Any] = {}

    def epochs(self, variant: Variant) -> xr.Dataset:
        """Record of a training, one row for each epoch."""
        return self._epochs[variant]

    def solved(self, variant: Variant) -> list[int]:
        """Largest N of every stage that a training has passed, in order."""
        ds = self.epochs(variant)
        return ds["n_max"].values[ds["solved"].values > 0].astype(int).tolist()

    def network(self, variant: Variant, n: int) -> Any:
        """Network at the end of the epoch in which it solved N.

        Raises
        ------
        ValueError
            If it did not solve N.
        """
        if n not in self.solved(variant):
            raise ValueError(
                f"{variant.name} has not solved N={n}; it has solved {self.solved(variant)}."
            )
        if (variant, n) in self._models:
            return self._models[variant, n]
        return load(_network_path(self.folder, variant, n))

    def keep(self, variant: Variant, epochs: xr.Dataset, n: int | None, model: Any) -> None:
        """Keep the record of a training so far, and the network if it has just solved N."""
        epochs = epochs.assign_attrs(training=json.dumps(shaping(self.settings, variant)))
        self._epochs[variant] = epochs
        # Of several processes the first writes, so that the others have no file to read yet.
        writes = self.folder is not None and hosts.is_first()
        if n is not None and writes:
            path = _network_path(self.folder, variant, n)
            path.parent.mkdir(exist_ok=True)
            save(path, model, overwrite=True)
        elif n is not None:
            self._models[variant, n] = model
        if writes:
            save(_epochs_path(self.folder, variant), epochs, overwrite=True)

    def forget(self, variant: Variant) -> None:
        """Remove record, networks and checkpoint of an earlier training."""
        self._models = {key: model for key, model in self._models.items() if key[0] != variant}
        if self.folder is None or not hosts.is_first():
            return
        _epochs_path(self.folder, variant).unlink(missing_ok=True)
        (self.folder / f"{variant.name}.ckpt").unlink(missing_ok=True)
        for old in self.folder.glob(f"networks/{variant.name}-n*.nd"):
            old.unlink(missing_ok=True)

    def recall(self, variant: Variant) -> xr.Dataset | None:
        """Record of an earlier training; None if there is none.

        Raises
        ------
        CheckpointError
            If the earlier training had other settings, with their names.
        """
        if self.folder is None or not _epochs_path(self.folder, variant).exists():
            return None
        epochs = load(_epochs_path(self.folder, variant))
        self._refuse_others(variant, epochs)
        self._epochs[variant] = epochs
        return epochs

    def _refuse_others(self, variant: Variant, epochs: xr.Dataset) -> None:
        asked, there = shaping(self.settings, variant), {}
        if "training" in epochs.attrs:
            there = json.loads(epochs.attrs["training"])
        elif (n := reached(epochs)) > 1:  # an old record without settings: ask the network
            there = shown_by(load(_network_path(self.folder, variant, n)))
        differ = [
            f"{name} is {there[name]!r} there, {value!r} here"
            for name, value in asked.items()
            if name in there and there[name] != value
        ]
        if differ:
            raise CheckpointError(
                f"'{_epochs_path(self.folder, variant)}' is of other settings: "
                f"{'; '.join(differ)}. Continue with those, or choose another folder (--out)."
            )


def open_runs(settings: Settings, folder: Path) -> Trained:
    """Networks of a sweep that a folder holds, finished or not.

    Raises
    ------
    FileNotFoundError
        If it holds none.
    """
    trained = Trained(settings, folder)
    trained.variants = [v for v in trained.variants if trained.recall(v) is not None]
    if not trained.variants:
        raise FileNotFoundError(f"{folder} holds no run of these settings.")
    return trained


def axes_of(variants: Iterable[Variant], ns: Iterable[int]) -> dict[str, list[Any]]:
    """Axes of results of several networks: each network is at ``(*variant, n)``."""
    columns = zip(*variants, strict=True)
    curricula, taus, seeds = (dict.fromkeys(column) for column in columns)
    return {
        "curriculum": list(curricula),
        "treatment": list(taus),
        "seed": sorted(seeds),
        "n": sorted(ns),
    }


def place(axes: Mapping[str, list[Any]], *values: Any) -> tuple[int, ...]:
    """Position of values of the first axes."""
    return tuple(axis.index(value) for axis, value in zip(axes.values(), values, strict=False))


def table(trained: Trained) -> xr.Dataset:
    """Table of all trainings: epochs until N was solved, and properties of the network then.

    Returns
    -------
    xr.Dataset
        ``epochs`` (until N was solved) and the properties of the network on ``(curriculum,
        treatment, seed, n)``, NaN if N was not solved; ``largest_n`` and ``ended`` (as of
        :func:`ended`) without ``n``.
    """
    runs = trained.variants
    largest_of_all = max([2, *(reached(trained.epochs(v)) for v in runs)])
    axes = axes_of(runs, range(2, 1 + largest_of_all))
    shape = tuple(len(values) for values in axes.values())
    values = {name: np.full(shape, np.nan) for name in ("epochs", *NETWORK)}
    largest, ends = np.zeros(shape[:3], np.int64), np.full(shape[:3], "unfinished")
    for v in runs:
        ds, at = trained.epochs(v), place(axes, *v)
        largest[at], ends[at] = reached(ds), ended(trained.settings, ds)
        for row in np.flatnonzero(ds["solved"].values > 0):
            solved = place(axes, *v, int(ds["n_max"][row]))
            values["epochs"][solved] = ds["evaluation"][row]
            for name in NETWORK:
                values[name][solved] = ds[name][row]
    dims = tuple(axes)
    phrases = {"epochs": "epochs until N was solved"} | EPOCH
    variables: dict[str, Any] = {name: (dims, x, "1", phrases[name]) for name, x in values.items()}
    variables |= {
        "largest_n": (dims[:3], largest, "1", "largest N solved, 1 where none"),
        "ended": (dims[:3], ends, "1", "how training ended"),
    }
    return labels.dataset(variables, axes, source="model", dims=DIMS, values=False)


def load_network(
    folder: str | Path, curriculum: str, n: int, *, tau: str = "trained", seed: int = 0
) -> Any:
    """Load a network from the folder of a sweep, at the time when it solved N.

    Parameters
    ----------
    folder
        Folder of the sweep.
    curriculum, tau, seed
        Curriculum, time constants and seed of the network.
    n
        The largest N that it had solved.
    """
    return load(_network_path(Path(folder), Variant(curriculum, tau, seed), n))


def labelled(rows: Mapping[int, Mapping[str, float]], variant: Variant) -> xr.Dataset:
    """Rows by epoch as a dataset."""
    coords = {"evaluation": ("evaluation", np.array(list(rows)), "1", "epochs of training")}
    variables = {
        name: ("evaluation", np.array([row[name] for row in rows.values()]), "1", phrase)
        for name, phrase in EPOCH.items()
    }
    return labels.dataset(variables, coords, source="model", attrs=variant._asdict(), values=False)


def reached(epochs: xr.Dataset) -> int:
    """Largest solved N; 1 if there is none."""
    return int(epochs["n_max"].where(epochs["solved"] > 0, 1).max())


def ended(settings: Settings, epochs: xr.Dataset) -> str:
    """How a training ended.

    Returns
    -------
    str
        ``"n_last"``: the network has solved the largest N of the settings; ``"epochs"``: it has
        used all epochs without solving the next N; ``"unfinished"``: it was stopped or still
        trains, so that it may solve larger N.
    """
    if reached(epochs) >= settings.n_last:
        return "n_last"
    return "epochs" if int(epochs["evaluation"].max()) >= settings.epochs else "unfinished"


def _network_path(folder: Path, variant: Variant, n: int) -> Path:
    return folder / "networks" / f"{variant.name}-n{n}.nd"


def _epochs_path(folder: Path, variant: Variant) -> Path:
    return folder / f"{variant.name}.nc"
