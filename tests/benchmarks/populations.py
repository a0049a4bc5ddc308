"""jPCA and dPCA against their old packages, from arrays to axes, on one thread.

``POPULATIONS_PYTHON`` names an interpreter that has jPCA (bantin/jPCA) and dPCA 1.0.5; rows of a
package that it lacks stay empty.
"""

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from neurodyn import labels
from neurodyn.analysis import dpca, jpca
from tests.benchmarks.harness import Row

CORES = 1
_CONDITIONS, _TIMES, _UNITS = 108, 61, 200
_REPEATS, _STIMULI, _CHOICES, _BINS, _N = 10, 6, 2, 100, 200


def run() -> list[Row]:
    """Rows of jPCA, of dPCA without a penalty, and of dPCA that chooses one."""
    rates, trials = _rotating(), _mixed()
    peer = _peer(rates, trials)
    return [_rotations(rates, peer["jpca"]), *_demixed(trials, peer["dpca"])]


def _rotations(rates: np.ndarray, peer: dict) -> Row:
    activity = labels.dataset(
        {"rate": (("condition", "time", "unit"), rates, "Hz", "rate")},
        {"time": np.arange(_TIMES) * 10.0},
        source="recording",
    )
    seconds, found = _best(lambda: jpca(activity, 6, n_null=0), 5)
    ours = float(found["plane_variance"].sum())
    note = peer.get("missing", f"variance of the planes {ours:.6f}, peer {peer.get('variance')}")
    sizes = {"conditions": _CONDITIONS, "times": _TIMES, "units": _UNITS}
    theirs = peer.get("seconds")
    return _row("jPCA", "jPCA", seconds, theirs, sizes, note)


def _demixed(trials: np.ndarray, peer: dict) -> list[Row]:
    activity = _labelled(trials, "trial")
    means = _labelled(trials.mean(0)[None], "condition")
    plain, found = _best(lambda: dpca(means, ["s", "d"], 3), 5)
    chosen, _ = _best(lambda: dpca(activity, ["s", "d"], 3, penalty="cv", n_splits=10), 1)
    first = float(found["marginal_explained"].sel(component=found["marginal"] == "s")[0])
    theirs = peer.get("explained", {}).get("s", [None])[0]
    note = peer.get("missing", f"first component of s explains {first:.6f}, peer {theirs}")
    sizes = {"conditions": _STIMULI * _CHOICES, "trials": _REPEATS, "times": _BINS, "units": _N}
    return [
        _row("dPCA", "dPCA", plain, peer.get("seconds"), sizes, note),
        _row("dPCA, penalty by 10 splits", "dPCA", chosen, peer.get("seconds_cv"), sizes, note),
    ]


def _labelled(trials: np.ndarray, dim: str):
    """Trials ``(repeat, unit, stimulus, choice, time)``, or their means, as a Dataset."""
    flat = np.moveaxis(trials, 1, -1).reshape(-1, _BINS, _N)
    each = (range(len(trials)), range(_STIMULI), range(_CHOICES))
    _, s, d = np.stack(np.meshgrid(*each, indexing="ij")).reshape(3, -1)
    return labels.dataset(
        {"rate": ((dim, "time", "unit"), flat, "Hz", "rate")},
        {"time": np.arange(_BINS) * 10.0, "s": (dim, s), "d": (dim, d)},
        source="recording",
    )


def _row(name: str, peer_name: str, ours: float, theirs: float | None, sizes, note: str) -> Row:
    milliseconds = None if theirs is None else 1e3 * theirs
    return Row(
        name, peer_name, 1e3 * ours, milliseconds, bar=1.0, sizes=sizes, threads=CORES, note=note
    )


def _best(call, rounds: int):
    call()  # imports and caches
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        found = call()
        times.append(time.perf_counter() - start)
    return min(times), found


def _rotating() -> np.ndarray:
    """Rates ``(condition, time, unit)`` of rotations at three frequencies, with noise."""
    rng = np.random.default_rng(0)
    t = np.arange(_TIMES) * 0.01
    x = np.zeros((_CONDITIONS, _TIMES, _UNITS))
    for frequency in (0.7, 1.5, 2.5):
        angle = 2 * np.pi * (frequency * t + rng.random((_CONDITIONS, 1)))
        for wave in (np.cos(angle), np.sin(angle)):
            x += wave[..., None] * rng.standard_normal(_UNITS)
    return 20 + 5 * x + rng.standard_normal(x.shape)


def _mixed() -> np.ndarray:
    """Trials ``(repeat, unit, stimulus, choice, time)`` of units that mix both with time."""
    rng = np.random.default_rng(1)
    shape = (_N, _STIMULI, _CHOICES, _BINS)
    means = 2 * rng.standard_normal((_N, _STIMULI, 1, 1)) * np.linspace(0, 1, _BINS)
    means = means + rng.standard_normal((_N, 1, _CHOICES, 1)) * np.linspace(0, 2, _BINS)
    means = means + rng.standard_normal((_N, 1, 1, _BINS)) + 0.3 * rng.standard_normal(shape)
    return means + 3 * rng.standard_normal((_REPEATS, *shape))


def _peer(rates: np.ndarray, trials: np.ndarray) -> dict:
    python = os.environ.get("POPULATIONS_PYTHON")
    if not python:
        return {name: {"missing": "set POPULATIONS_PYTHON"} for name in ("jpca", "dpca")}
    script = Path(__file__).parent / "peers" / "populations_peer.py"
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder) / "data.npz", Path(folder) / "out.json"
        np.savez(data, jpca=rates, dpca=trials)
        subprocess.run([python, script, data, out], check=True)
        return json.loads(out.read_text())
