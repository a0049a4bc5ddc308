"""Shape distances of 20 networks (8000 samples x 128 units) against netrep, on one thread.

``NETREP_PYTHON`` names an interpreter that has netrep (ahwillia/netrep, with ``NETREP_PATH`` the
folder that holds it if it is not installed); without it the rows of the peer stay empty.
"""

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from neurodyn.analysis import shape_distances
from tests.benchmarks.harness import Row
from tests.benchmarks.peers.memory import peak_mb

_NETWORKS, _SAMPLES, _UNITS = 20, 8000, 128
_ALPHAS = (1.0, 0.5)
_ROUNDS = 3


def rows() -> list[Row]:
    """Time and memory for each alpha, and the largest difference between the two."""
    networks = _networks()
    peer = _peer(networks)
    found = []
    for alpha in _ALPHAS:
        before = peak_mb()
        seconds, distance = _ours(networks, alpha)
        memory = peak_mb() - before
        theirs = peer.get(str(alpha), {})
        note = peer.get("missing", "")
        if theirs:
            off = np.abs(distance - np.array(theirs["distance"])).max()
            note = f"largest difference {off:.1e}; peak memory beside the data {memory:.0f} MB"
            note += f", peer {theirs['memory']:.0f} MB"
        sizes = {"networks": _NETWORKS, "samples": _SAMPLES, "units": _UNITS}
        found.append(
            Row(
                f"shape distances, alpha {alpha:g}",
                "netrep LinearMetric, whitening cached",
                seconds,
                theirs.get("seconds"),
                "s",
                bar=5.0,
                sizes=sizes,
                note=note,
            )
        )
    return found


def _networks() -> np.ndarray:
    """Networks that share latents, each with noise of its own."""
    rng = np.random.default_rng(0)
    latents = rng.standard_normal((_SAMPLES, 20))
    seen = [latents @ rng.standard_normal((20, _UNITS)) for _ in range(_NETWORKS)]
    return np.stack([x + rng.standard_normal(x.shape) for x in seen])


def _ours(networks: np.ndarray, alpha: float) -> tuple[float, np.ndarray]:
    best, distance = np.inf, np.zeros(0)
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        distance = shape_distances(list(networks), alpha=alpha)["distance"].values
        best = min(best, time.perf_counter() - start)
    return best, distance


def _peer(networks: np.ndarray) -> dict:
    python = os.environ.get("NETREP_PYTHON")
    if not python:
        return {"missing": "set NETREP_PYTHON"}
    script = Path(__file__).parents[1] / "peers" / "shapes_peer.py"
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder, "data.npy"), Path(folder, "out.json")
        np.save(data, networks)
        env = os.environ | {"PYTHONPATH": os.environ.get("NETREP_PATH", "")}
        alphas = json.dumps([_ROUNDS, *_ALPHAS])
        subprocess.run([python, script, data, out, alphas], check=True, env=env)
        return json.loads(out.read_text())
