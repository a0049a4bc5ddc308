"""Sweeps: two workers beside one, and what a point costs beside the function itself.

Clusters have imported everything before the clock runs. They take turns, and only one is there at a
time, because an idle one takes some percent of a core too.
"""

import math
import tempfile
import time
from pathlib import Path

import jax
import numpy as np

from tests.benchmarks.harness import Row

CORES = 2
#: Points of the heavy function and of the light one, and the seconds of one heavy point, roughly.
_HEAVY, _LIGHT = 24, 100
_SIZE = 384


def heavy(i, *, key):
    """About a second of products of matrices, with one thread."""
    weights = jax.random.normal(key, (_SIZE, _SIZE)) / _SIZE**0.5

    def step(x, _):
        return jax.numpy.tanh(x @ weights), None

    return jax.lax.scan(step, jax.numpy.eye(_SIZE) * (1 + i), length=1000)[0].mean()


def light(i):
    """Nothing."""
    return {"value": float(i), "trace": np.zeros(100, np.float32)}


def run() -> list[Row]:
    """Rows for the speed of two workers, and for the time of a point that does nothing."""
    best = {1: math.inf, 2: math.inf}
    for workers in (1, 2, 1, 2):
        best[workers] = min(best[workers], _seconds(heavy, _HEAVY, workers))
    point = 1e3 * _seconds(light, _LIGHT, 1) / _LIGHT
    return [
        Row(
            "heavy points, two workers",
            "one worker",
            1e3 * best[2],
            1e3 * best[1],
            bar=1.8,
            sizes={"points": _HEAVY},
            threads=2,
        ),
        Row(
            "a point that does nothing",
            "50 ms",
            point,
            50.0,
            bar=1.0,
            sizes={"points": _LIGHT},
            note="with its results written",
        ),
    ]


def _seconds(function, n: int, workers: int) -> float:
    """Seconds of a sweep on workers that have run the function before."""
    from neurodyn.sweeps.cluster import connected

    with (
        tempfile.TemporaryDirectory() as folder,
        connected(None, workers=workers, points=workers) as client,
    ):
        _swept(function, 4 * workers, client, Path(folder) / "warm.zarr")
        began = time.perf_counter()
        _swept(function, n, client, Path(folder) / "timed.zarr")
        return time.perf_counter() - began


def _swept(function, n, client, out) -> None:
    from neurodyn import sweep

    seeds = 1 if function is heavy else None
    found = sweep(function, {"i": range(n)}, seeds=seeds, client=client, out=out, progress=False)
    assert found.attrs["n_done"] == n, found["point_error"].values
