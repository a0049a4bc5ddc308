"""Error regression of many streams: time for each observation of each stream, against real time.

A stream that comes in steps of 1 ms is followed in real time below 1 ms an observation. Compilation
is not counted; it stands in the note. The time of a batch is divided by its number of streams.
"""

import time

import numpy as np

from neurodyn.models.pvrnn import PVRNN, ErrorRegression, error_regression
from tests.benchmarks.harness import Row, alternate

CORES = 1
_STEPS, _HORIZONS, _OUTPUTS = 30, 10, 2
_LIMIT = 1.0  # ms


def run() -> list[Row]:
    """Rows for the two published lines at a window of 15 and 20 iterations, and for one stream."""
    model = PVRNN(_OUTPUTS, (20, 10, 10), (2, 2, 2), (2.0, 8.0, 32.0), key=0)
    shared = {"window": 15, "iterations": 20}
    lines = {
        "soda2023": ErrorRegression.soda2023(**shared),
        "idei2022": ErrorRegression.idei2022(**shared),
    }
    cases = [(line, 64) for line in lines] + [("soda2023", 1)]
    calls, compiled = [], []
    for line, n in cases:
        call = _call(model, lines[line], n)
        start = time.perf_counter()
        call()
        compiled.append(time.perf_counter() - start)
        calls.append(call)
    timings = alternate(*calls, rounds=5, burst=1, warmup=0)
    return [
        Row(
            f"error regression, {line}",
            "real time at 1 kHz",
            ours=timing.best / (n * _STEPS),
            peer=_LIMIT,
            bar=1.0 if n == 64 else None,
            sizes={"B": n, "H": 15, "K": 20, "F": _HORIZONS},
            threads=CORES,
            note=f"first call {seconds:.1f} s",
        )
        for (line, n), timing, seconds in zip(cases, timings, compiled, strict=True)
    ]


def _call(model, method, n):
    x = 0.3 * np.random.default_rng(0).standard_normal((n, _STEPS, _OUTPUTS))

    def call():
        # Labels hold NumPy arrays: the work is done when they are there.
        error_regression(model, x, method, n_horizons=_HORIZONS, key=0)

    return call
