"""Training of every curriculum with every treatment of tau, network by network."""

from typing import Any

import numpy as np

from neurodyn.common.progress import bar
from neurodyn.experiments.running.experiment import Run
from neurodyn.experiments.timescales.networks import (
    Variant,
    curriculum_of,
    network,
    optimizer_of,
    raw_tau,
    sizes,
    task_of,
)
from neurodyn.experiments.timescales.settings import Settings
from neurodyn.experiments.timescales.trained import EPOCH, NETWORK, Trained, labelled, reached
from neurodyn.experiments.timescales.workers import train_apart
from neurodyn.params import AbstractParameter, Scaled
from neurodyn.training import FreshTrials, Heads, Snapshot, fit


def train(settings: Settings, run: Run) -> Trained:
    """Train all networks of a sweep.

    Training of a network ends when it has solved ``n_last``, has no more heads, or after
    ``epochs``. A resumed training continues from its checkpoint, also with a larger ``n_last`` or
    more ``epochs``.

    Raises
    ------
    ValueError
        For several workers without a folder, or with a mesh.
    CheckpointError
        If the networks in the folder were trained with other settings.
    """
    if settings.workers > 1 and run.folder is None:
        raise ValueError(
            f"Setting 'workers' is {settings.workers}: processes exchange networks in files, so "
            "name a folder (--out), or take one worker."
        )
    if settings.workers > 1 and run.mesh is not None:
        raise ValueError(
            f"Setting 'workers' is {settings.workers}: processes for single networks and a mesh "
            "for each network exclude each other, so take one worker."
        )
    trained = Trained(settings, run.folder)
    if not run.resume:
        for variant in trained.variants:
            trained.forget(variant)
    if settings.workers > 1:
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
    """Whether an earlier call has solved the largest N."""
    recalled = trained.recall(variant) if run.resume else None
    return recalled is not None and reached(recalled) >= settings.n_last


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
            callbacks=(record,),
            key=variant.seed,
            **run.training(variant.name) | {"progress": False},
        )


class _Recorder:
    """Callback of `fit` that records every epoch, keeps networks, and stops at the last N."""

    def __init__(self, settings, variant, curriculum: Heads, epoch, trained, recalled, advance):
        self._settings, self._variant, self._curriculum = settings, variant, curriculum
        self._epoch, self._trained, self._advance = epoch, trained, advance
        self._rows: dict[int, dict[str, float]] = {}
        if recalled is not None:
            for i, number in enumerate(recalled["evaluation"].values.tolist()):
                self._rows[number] = {name: float(recalled[name][i]) for name in EPOCH}
        advance(0 if recalled is None else max(0, reached(recalled) - 1))

    def __call__(self, snapshot: Snapshot) -> bool:
        solved = bool(self._curriculum.passed(snapshot.metrics))
        seen = {name.removeprefix("validation_"): x for name, x in snapshot.metrics.items()}
        number, n = snapshot.step // self._epoch, int(seen["n_max"])
        # The checkpoint may be older than the record; training then repeats the later epochs.
        self._rows = {k: row for k, row in self._rows.items() if k < number}
        before = max((row["n_max"] for row in self._rows.values() if row["solved"]), default=1)
        self._rows[number] = {
            **{name: float(seen[name]) for name in tuple(EPOCH)[:5]},
            "solved": float(solved),
            **describe(snapshot.model, spectrum=solved),
        }
        epochs = labelled(self._rows, self._variant)
        self._trained.keep(self._variant, epochs, n if solved else None, snapshot.model)
        note = f"epoch {number}, N={n}: {100 * seen['correct']:.1f} %"
        self._advance(int(n - before) if solved else 0, note=note)
        return solved and n >= self._settings.n_last


def describe(model: Any, *, spectrum: bool) -> dict[str, float]:
    """Properties of time constants and recurrent weights; NaN for a network without them."""
    found = dict.fromkeys(NETWORK, np.nan)
    raw = raw_tau(model)
    if raw is not None:
        # One step in bits, if bits last several steps.
        step = 1 / float(model.tau.factor) if isinstance(model.tau, Scaled) else 1.0
        found |= {
            "tau_mean": float(raw.mean()),
            "tau_sd": float(raw.std()),
            "tau_below": float((raw <= step).mean()),
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
