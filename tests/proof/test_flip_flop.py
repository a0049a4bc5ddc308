"""Trained flip-flops have their memories as stable fixed points, whatever the seed."""

import numpy as np
import pytest
import scipy.optimize

import neurodyn as nd
from neurodyn import analysis, models, params, tasks
from neurodyn.training import Seeds

pytestmark = pytest.mark.slow
TOLERANCE, N_SEEDS = 1e-10, 10


def trained():
    """Ten networks of 128 units, each after the other."""
    task = tasks.FlipFlop()

    def network(key):
        return models.CTRNN(3, 128, 3, tau=100.0, form="rate", key=key)

    fit = nd.fit(
        network, task, steps=1500, key=1, ensemble=Seeds(N_SEEDS, how="map"), progress=False
    )
    return task, fit


def points_of(model, task):
    """Fixed points without input, from states of a run with jitter."""
    run = nd.simulate(model, task, n_trials=64, key=2, progress=False)
    return analysis.fixed_points(
        model, starts=run, n_starts=2048, tolerance=TOLERANCE, key=0, progress=False
    )


def roots(model, states):
    """The roots that SciPy finds from close to these points, in double precision."""
    model = params.with_values(model)
    W, b = np.asarray(model.W, np.float64), np.asarray(model.b, np.float64)

    def rate(r):
        return (-r + np.tanh(r @ W + b)) / 100.0

    def jacobian(r):
        gain = 1 - np.tanh(r @ W + b) ** 2
        return (-np.eye(len(r)) + gain[:, None] * W.T) / 100.0

    rng = np.random.default_rng(0)
    starts = states + 1e-4 * rng.standard_normal(states.shape)
    found = [scipy.optimize.root(rate, z, jac=jacobian, method="hybr", tol=1e-14) for z in starts]
    return np.stack([f.x for f in found])


def report(points, closest):
    """One line of a seed: counts by index, the fastest point, the distance to SciPy's roots."""
    index = np.bincount(points["n_unstable"].values, minlength=4)
    fastest = float(points["speed"].max()) / points.attrs["scale"]
    return (
        f"{index.sum()} points, by index {index.tolist()}, speed {fastest:.1e}, SciPy {closest:.1e}"
    )


def test_eight_stable_points_in_nine_of_ten_seeds():
    task, fit = trained()
    eight = []
    for i in range(N_SEEDS):
        model = fit.model[i]
        points = points_of(model, task)
        states = points["state"].values
        closest = (
            np.linalg.norm(roots(model, states) - states, axis=1).max() / points.attrs["scale"]
        )
        print(f"seed {i}: {report(points, closest)}", flush=True)
        assert closest < 1e-8
        assert (points["speed"] < TOLERANCE * points.attrs["scale"]).all()
        eight.append((points["stability"] == "stable").sum() == 8)
    assert sum(eight) >= 9
