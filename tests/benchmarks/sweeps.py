"""Sweeps: two workers beside one, and what a point costs beside the function itself.

The clusters are started, and have imported everything, before the clock runs. They take turns.
"""

import itertools
import tempfile
import time
from pathlib import Path

import jax
import numpy as np

from tests.benchmarks.harness import Row, alternate

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
    import distributed

    from neurodyn.sweeps.cluster import connected

    with tempfile.TemporaryDirectory() as folder:
        stores = (Path(folder) / f"{n}.zarr" for n in itertools.count())
        with (
            connected(None, workers=1, points=1) as one,
            connected(None, workers=2, points=2) as two,
        ):
            assert isinstance(one, distributed.Client)
            single, double = alternate(
                lambda: _swept(heavy, _HEAVY, one, next(stores)),
                lambda: _swept(heavy, _HEAVY, two, next(stores)),
                rounds=2,
                burst=1,
                warmup=1,
            )
            _swept(light, _LIGHT, one, next(stores))
            began = time.perf_counter()
            _swept(light, _LIGHT, one, next(stores))
            point = 1e3 * (time.perf_counter() - began) / _LIGHT
    return [
        Row(
            "heavy points, two workers",
            "one worker",
            double.best,
            single.best,
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


def _swept(function, n, client, out) -> None:
    from neurodyn import sweep

    seeds = 1 if function is heavy else None
    found = sweep(function, {"i": range(n)}, seeds=seeds, client=client, out=out, progress=False)
    assert found.attrs["n_done"] == n, found["point_error"].values
