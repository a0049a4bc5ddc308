"""Distances of dynamics (DSA) against dsa-metric: time, and how small an angle is found.

Both take two systems of 8 trials and 120 steps, from arrays to the distance, in one process that
has compiled and imported. An angle is the smallest over rotations, so that a smaller one is better.

``DSA_PYTHON`` names an interpreter that has dsa-metric (it brings torch); without it rows stay
empty.
"""

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from neurodyn import analysis
from tests.benchmarks.harness import Row

CORES = 1
#: Delays and rank.
_SETTINGS = ((1, 4), (5, 8))
_ITERATIONS = 1500  # of the peer: its default
_ROUNDS = 5


def run() -> list[Row]:
    """Rows for time and for the angle of each pair."""
    systems = _systems()
    pairs = [(s, name) for s in _SETTINGS for name in list(systems)[1:]]
    peer = _peer(systems)
    rows = []
    for i, ((n_delays, rank), name) in enumerate(pairs):
        seconds, angle = _ours(systems["X"], systems[name], n_delays, rank)
        theirs = peer[i] if peer else {"seconds": None, "distance": None}
        about = {"sizes": {"delays": n_delays, "rank": rank}, "threads": CORES}
        about["note"] = "" if peer else "set DSA_PYTHON"
        rows += [
            Row(
                f"DSA, X and {name}",
                "dsa-metric",
                seconds,
                theirs["seconds"],
                "s",
                bar=1.0,
                **about,
            ),
            Row(f"angle, X and {name}", "dsa-metric", angle, theirs["distance"], "rad", **about),
        ]
    return rows


def _systems() -> dict[str, np.ndarray]:
    """A system, the same with other noise, a related one, and an unrelated one."""
    rng = np.random.default_rng(9)
    slow = _planes((0.3, 0.98), (0.1, 0.95))
    fast = _planes((0.6, 0.98), (0.2, 0.9))
    other, turn = (np.linalg.qr(rng.standard_normal((4, 4)))[0] for _ in range(2))
    found = {"X": slow, "same": slow, "related": fast, "other": 0.97 * other}
    made = {name: _linear(A, seed) for seed, (name, A) in enumerate(found.items())}
    return made | {"same": made["same"] @ turn.T}


def _planes(*planes: tuple[float, float]) -> np.ndarray:
    A = np.zeros((2 * len(planes),) * 2)
    for i, (angle, radius) in enumerate(planes):
        c, s = radius * np.cos(angle), radius * np.sin(angle)
        A[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = [[c, -s], [s, c]]
    return A


def _linear(A: np.ndarray, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x, out = rng.standard_normal((8, len(A))), []
    for _ in range(120):
        x = x @ A.T + 0.05 * rng.standard_normal(x.shape)
        out.append(x)
    return np.stack(out, axis=1)


def _ours(x: np.ndarray, y: np.ndarray, n_delays: int, rank: int) -> tuple[float, float]:
    """Best time, and the angle."""

    def once():
        return float(analysis.dsa(x, y, n_delays, rank=rank, offset="none"))

    once()  # compiles
    times = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        angle = once()
        times.append(time.perf_counter() - start)
    return min(times), angle


def _peer(systems: dict[str, np.ndarray]) -> list[dict] | None:
    python = os.environ.get("DSA_PYTHON")
    if not python:
        return None
    script = Path(__file__).parent / "peers" / "dsa_peer.py"
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder) / "data.npz", Path(folder) / "out.json"
        np.savez(data, settings=_SETTINGS, iters=_ITERATIONS, **systems)
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        subprocess.run([python, script, data, out], check=True, env=environment)
        return json.loads(out.read_text())
