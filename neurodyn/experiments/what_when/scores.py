"""Scores of tests, and angles between the weights of what and when."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.analysis import principal_angles, random_angles
from neurodyn.experiments.what_when.session import Plan
from neurodyn.tasks import PredictionObject

SCORES = {
    "error": "root mean squared distance to the expectation",
    "amplitude_a": "height of the bump at event A",
    "amplitude_b": "height of the bump at event B",
    "timing_a": "timing error at event A",
    "timing_b": "timing error at event B",
}


def probed(task: PredictionObject, made: Plan, outputs: np.ndarray) -> dict[str, np.ndarray]:
    """Scores ``(session, test)`` and outputs ``(session, test, time, output)`` of the tests."""
    tests = np.flatnonzero(made.tested)
    given = np.moveaxis(outputs[tests], 1, 0)
    found: dict[str, Any] = {"output": given}
    for session in range(given.shape[0]):
        trials = jax.tree.map(lambda a, s=session: a[s, tests], made.trials)
        score = task.score(jax.numpy.asarray(given[session]), trials)
        for name in SCORES:
            found.setdefault(name, []).append(np.asarray(score[name], np.float64))
        found.setdefault("expected", []).append(np.asarray(trials.targets))
    return {name: np.asarray(values) for name, values in found.items()}


def by_trial(
    task: PredictionObject, found: dict[str, np.ndarray], made: Plan, sweep: dict[str, np.ndarray]
) -> xr.Dataset:
    """Scores of all tests, and outputs of the last test of each block, labelled."""
    units = {"timing_a": "ms", "timing_b": "ms"}
    tests = np.flatnonzero(made.tested)
    variables: dict[str, Any] = {
        name: (("sweep", "trial"), found[name], units.get(name, "1"), text)
        for name, text in SCORES.items()
    }
    block, number = made.block[tests], made.number[tests]
    n_trials = int(made.number.max())
    last = [int(np.flatnonzero(block == b)[-1]) for b in range(made.n_blocks)]
    dims = ("sweep", "epoch", "time", "output")
    variables["outputs"] = (dims, found["output"][:, last], "1", "output", "output")
    variables["expected"] = (dims, found["expected"][:, last], "1", "expectation", "target")
    return labels.dataset(
        variables,
        {
            "block": ("trial", block, "1", "block"),
            "trained": ("trial", number + block * n_trials, "1", "trial"),
            "time": labels.time_axis(task.n_steps, task.dt, task.t0),
            "output": list(task.output_names),
            **{k: ("sweep", v, "1", "probability of event A") for k, v in sweep.items()},
        },
        source="model",
    )


def joined(parts: list[xr.Dataset]) -> xr.Dataset:
    """Results of all networks on `seed`."""
    return xr.concat(parts, "seed", join="exact", combine_attrs="drop_conflicts")


def angles(weights: xr.Dataset, seeds: Sequence[int], *, n_draws: int = 200) -> xr.Dataset:
    """Principal angles between the spans of the weights of what and when, with two controls.

    The controls are random spans of the same dimension, and the same weights with shuffled units in
    one of them, which keeps the distribution of weights over units.
    """
    what, when = (weights[name].transpose("seed", "sweep", "unit", "output") for name in weights)
    shape = what.shape[:2]
    found = np.full((*shape, what.shape[-1]), np.nan)
    shuffled = np.full((*shape, n_draws, what.shape[-1]), np.nan)
    rngs = [np.random.default_rng(seed) for seed in seeds]
    for index in np.ndindex(*shape):
        a, b = what.values[index], when.values[index]
        if np.linalg.matrix_rank(a) < a.shape[1] or np.linalg.matrix_rank(b) < b.shape[1]:
            continue  # at probabilities 0 and 1, one of the events never occurs
        found[index] = principal_angles(a, b)
        for d in range(n_draws):
            shuffled[(*index, d)] = principal_angles(a, b[rngs[index[0]].permutation(len(b))])
    chance = random_angles(what.shape[2], 2, 2, n_draws=1000, key=0)
    dims = ("seed", "sweep", "component")
    return labels.dataset(
        {
            "angle": (dims, found, "deg", "principal angle"),
            "shuffled": (
                ("seed", "draw", "sweep", "component"),
                np.moveaxis(shuffled, 2, 1),
                "deg",
                "principal angle with shuffled units",
            ),
            "chance": (("component",), chance.mean(0), "deg", "principal angle of random spans"),
            "chance_low": (
                ("component",),
                np.quantile(chance, 0.025, 0),
                "deg",
                "2.5 % quantile of random spans",
            ),
        },
        {"probability": ("sweep", weights["probability"].values, "1", "probability of event A")},
        source="analysis",
    )
