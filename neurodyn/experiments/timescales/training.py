"""Training: every curriculum with every treatment of tau, network by network."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.experiments.experiment import Run
from neurodyn.experiments.timescales.networks import (
    Variant,
    curriculum_of,
    network,
    optimizer_of,
    raw_tau,
    sizes,
    task_of,
    variants,
)
from neurodyn.experiments.timescales.settings import Settings
from neurodyn.experiments.timescales.workers import train_apart
from neurodyn.io.files import load, save
from neurodyn.params import AbstractParameter
from neurodyn.progress import bar
from neurodyn.training import FreshTrials, Heads, Snapshot, fit

__all__ = ["Trained", "load_network", "table", "train"]

#: What is recorded after every epoch, with a phrase.
_EPOCH = {
    "n_min": "smallest N",
    "n_max": "largest N",
    "correct": "accuracy, mean over heads",
    "correct_largest": "accuracy for the largest N",
    "loss": "loss of the test",
    "solved": "whether the curriculum goes on to the next N",
    "tau_mean": "mean time constant, not clamped",
    "tau_sd": "standard deviation of the time constants, not clamped",
    "tau_below": "fraction of time constants at or below one step, not clamped",
    "spectral_radius": "spectral radius of the recurrent weights",
    "weight_mean": "mean recurrent weight",
    "weight_norm": "Frobenius norm of the recurrent weights",
}
#: Of these, the properties of the network, which are kept for every N that it solved.
_NETWORK = tuple(_EPOCH)[6:]


class Trained:
    """The networks of a sweep, each as it was when it solved an N.

    Parameters
    ----------
    settings
        Settings.
    folder
        Where they lie in files; None: in memory.
    """

    def __init__(self, settings: Settings, folder: Path | None):
        self.settings, self.folder = settings, folder
        self.variants = variants(settings)
        self._epochs: dict[Variant, xr.Dataset] = {}
        self._models: dict[tuple[Variant, int], Any] = {}

    def epochs(self, variant: Variant) -> xr.Dataset:
        """One row per epoch of a run."""
        return self._epochs[variant]

    def solved(self, variant: Variant) -> list[int]:
        """The largest N of every stage that a run has passed, in order."""
        ds = self.epochs(variant)
        return ds["n_max"].values[ds["solved"].values > 0].astype(int).tolist()

    def network(self, variant: Variant, n: int) -> Any:
        """The network of a run at the end of the epoch in which it solved N.

        Raises
        ------
        ValueError
            If it did not solve it.
        """
        if n not in self.solved(variant):
            raise ValueError(
                f"{variant.name} has not solved N={n}; it has solved {self.solved(variant)}."
            )
        if self.folder is None:
            return self._models[variant, n]
        return load(_network_path(self.folder, variant, n))

    def keep(self, variant: Variant, epochs: xr.Dataset, n: int | None, model: Any) -> None:
        """Take the record of a run so far, and its network if it has just solved N."""
        self._epochs[variant] = epochs
        if n is not None and self.folder is None:
            self._models[variant, n] = model
        elif n is not None:
            path = _network_path(self.folder, variant, n)
            path.parent.mkdir(exist_ok=True)
            save(path, model, overwrite=True)
        if self.folder is not None:
            save(_epochs_path(self.folder, variant), epochs, overwrite=True)

    def recall(self, variant: Variant) -> xr.Dataset | None:
        """The record of an earlier call, where there is one."""
        if self.folder is None or not _epochs_path(self.folder, variant).exists():
            return None
        self._epochs[variant] = load(_epochs_path(self.folder, variant))
        return self._epochs[variant]


def train(settings: Settings, run: Run) -> Trained:
    """Train all networks of a sweep.

    A run ends when it has solved ``n_last``, runs out of heads, or after ``epochs``. Resumed, it
    goes on from its checkpoint, also with a larger ``n_last`` or more ``epochs``.
    """
    trained = Trained(settings, run.folder)
    if run.folder is not None and not run.resume:
        for variant in trained.variants:
            _epochs_path(run.folder, variant).unlink(missing_ok=True)
    if settings.workers > 1 and run.folder is not None:
        todo = [v for v in trained.variants if not _finished(settings, v, run, trained)]
        train_apart(settings, todo, run.folder, resume=run.resume, progress=run.progress)
        for variant in trained.variants:
            trained.recall(variant)
        return trained
    optimizer = optimizer_of(settings)
    for variant in trained.variants:
        if not _finished(settings, variant, run, trained):
            _train_one(settings, variant, optimizer, run, trained)
    return trained


def _finished(settings: Settings, variant: Variant, run: Run, trained: Trained) -> bool:
    """Whether an earlier call has taken a run as far as it should go."""
    recalled = trained.recall(variant) if run.resume else None
    return recalled is not None and _reached(recalled) >= settings.n_last


def _train_one(settings, variant: Variant, optimizer, run: Run, trained: Trained) -> None:
    recalled = trained.recall(variant) if run.resume else None
    batch_size, epoch = sizes(settings)
    curriculum = curriculum_of(settings, variant)
    with bar(variant.name, settings.n_last - 1, show=run.progress) as advance:
        record = _Recorder(settings, variant, curriculum, epoch, trained, recalled, advance)
        fit(
            lambda key: network(settings, variant, key=key),
            task_of(settings, variant),
            optimizer=optimizer,
            steps=settings.epochs * epoch,
            batch_size=batch_size,
            evaluate=FreshTrials(settings.n_test, batch_size),
            evaluate_every=epoch,
            curriculum=curriculum,
            checkpoint=None if run.folder is None else run.folder / f"{variant.name}.ckpt",
            resume=run.resume,
            callbacks=(record,),
            progress=False,
            key=variant.seed,
        )


class _Recorder:
    """A callback of `fit`: writes down every epoch, keeps networks, and ends at the last N."""

    def __init__(self, settings, variant, curriculum: Heads, epoch, trained, recalled, advance):
        self._settings, self._variant, self._curriculum = settings, variant, curriculum
        self._epoch, self._trained, self._advance = epoch, trained, advance
        self._rows: dict[int, dict[str, float]] = {}
        if recalled is not None:
            for i, number in enumerate(recalled["evaluation"].values.tolist()):
                self._rows[number] = {name: float(recalled[name][i]) for name in _EPOCH}
        advance(0 if recalled is None else max(0, _reached(recalled) - 1))

    def __call__(self, snapshot: Snapshot) -> bool:
        seen = {name.removeprefix("validation_"): x for name, x in snapshot.metrics.items()}
        solved = bool(self._curriculum.passed(seen))
        number, n = snapshot.step // self._epoch, int(seen["n_max"])
        # A checkpoint may be older than the record, whose later epochs are then made again.
        self._rows = {k: row for k, row in self._rows.items() if k < number}
        before = max((row["n_max"] for row in self._rows.values() if row["solved"]), default=1)
        self._rows[number] = {
            **{name: float(seen[name]) for name in tuple(_EPOCH)[:5]},
            "solved": float(solved),
            **describe(snapshot.model, spectrum=solved),
        }
        epochs = _labelled(self._rows, self._variant)
        self._trained.keep(self._variant, epochs, n if solved else None, snapshot.model)
        note = f"epoch {number}, N={n}: {100 * seen['correct']:.1f} %"
        self._advance(int(n - before) if solved else 0, note=note)
        return solved and n >= self._settings.n_last


def describe(model: Any, *, spectrum: bool) -> dict[str, float]:
    """Time constants and recurrent weights of a network; NaN for what it does not have."""
    found = dict.fromkeys(_NETWORK, np.nan)
    raw = raw_tau(model)
    if raw is not None:
        found |= {
            "tau_mean": float(raw.mean()),
            "tau_sd": float(raw.std()),
            "tau_below": float((raw <= 1).mean()),
        }
    weights = model.W.value() if isinstance(model.W, AbstractParameter) else model.W
    weights = np.asarray(weights, np.float64)
    if weights.shape[0] == weights.shape[1]:
        n = len(weights)
        found["weight_mean"] = float(weights.sum() / max(1, n * (n - 1)))
        found["weight_norm"] = float(np.linalg.norm(weights))
        if spectrum:
            found["spectral_radius"] = float(np.abs(np.linalg.eigvals(weights)).max())
    return found


def table(trained: Trained) -> xr.Dataset:
    """What became of every run: when it solved N, and the network as it was then.

    Returns
    -------
    xr.Dataset
        ``epochs`` (until N was solved), ``steps``, and the properties of the network on
        ``(curriculum, treatment, seed, n)``, NaN where N was not solved; ``largest_n`` without
        ``n``.
    """
    runs = trained.variants
    axes = {
        "curriculum": list(dict.fromkeys(v.curriculum for v in runs)),
        "treatment": list(dict.fromkeys(v.tau for v in runs)),
        "seed": list(dict.fromkeys(v.seed for v in runs)),
        "n": list(range(2, 1 + max([2, *(_reached(trained.epochs(v)) for v in runs)]))),
    }
    shape = tuple(len(values) for values in axes.values())
    values = {name: np.full(shape, np.nan) for name in ("epochs", *_NETWORK)}
    largest = np.zeros(shape[:3], np.int64)
    for v in runs:
        place = tuple(
            axes[dim].index(x) for dim, x in zip(axes, (v.curriculum, v.tau, v.seed), strict=False)
        )
        ds = trained.epochs(v)
        largest[place] = _reached(ds)
        for row in np.flatnonzero(ds["solved"].values > 0):
            at = (*place, axes["n"].index(int(ds["n_max"][row])))
            values["epochs"][at] = ds["evaluation"][row]
            for name in _NETWORK:
                values[name][at] = ds[name][row]
    dims = tuple(axes)
    phrases = {"epochs": "epochs until N was solved"} | _EPOCH
    variables: Mapping[str, Any] = {
        name: (dims, x, _unit(name), phrases[name]) for name, x in values.items()
    } | {"largest_n": (dims[:3], largest, "1", "largest N solved, 1 where none")}
    return labels.dataset(variables, axes, source="model", values=False)


def load_network(
    folder: str | Path, curriculum: str, n: int, *, tau: str = "trained", seed: int = 0
) -> Any:
    """A network that a sweep has left in a folder, as it was when it solved N.

    Parameters
    ----------
    folder
        Where the sweep ran.
    curriculum, tau, seed
        Which run.
    n
        The largest N that it had solved.
    """
    return load(_network_path(Path(folder), Variant(curriculum, tau, seed), n))


def _labelled(rows: Mapping[int, Mapping[str, float]], variant: Variant) -> xr.Dataset:
    coords = {"evaluation": ("evaluation", np.array(list(rows)), "1", "epochs of training")}
    variables = {
        name: ("evaluation", np.array([row[name] for row in rows.values()]), _unit(name), phrase)
        for name, phrase in _EPOCH.items()
    }
    return labels.dataset(variables, coords, source="model", attrs=variant._asdict(), values=False)


def _unit(name: str) -> str:
    return "step" if name in ("tau_mean", "tau_sd") else "1"


def _reached(epochs: xr.Dataset) -> int:
    """The largest N solved, 1 where none is."""
    return int(epochs["n_max"].where(epochs["solved"] > 0, 1).max())


def _network_path(folder: Path, variant: Variant, n: int) -> Path:
    return folder / "networks" / f"{variant.name}-n{n}.nd"


def _epochs_path(folder: Path, variant: Variant) -> Path:
    return folder / f"{variant.name}.nc"
