"""Crossnobis dissimilarities of 200 conditions, 8 folds and 1000 channels against rsatoolbox.

``RSATOOLBOX_PYTHON`` names an interpreter that has rsatoolbox; without it the rows of the peer stay
empty. Each side has one thread.
"""

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from neurodyn import analysis, labels
from tests.benchmarks.harness import Row
from tests.benchmarks.peers.memory import peak_mb

_CONDITIONS, _FOLDS, _CHANNELS = 200, 8, 1000
_ROUNDS = 5
#: What the noise of channels is whitened by.
_NOISE = {"as it is": None, "whitened, Ledoit-Wolf": "ledoit_wolf"}


def rows() -> list[Row]:
    """Time and memory without whitening, and with that of the noise between trials."""
    measured = _measured()
    peer = _peer(measured)
    found = []
    for name, noise in _NOISE.items():
        before = peak_mb()
        seconds, distance = _ours(measured, noise)
        memory = peak_mb() - before
        theirs = peer.get(name, {})
        note = peer.get("missing", "")
        if theirs:
            upper = distance[np.triu_indices(_CONDITIONS, 1)]
            off = np.abs(upper - np.array(theirs["distance"])).max() / np.abs(upper).max()
            note = f"largest relative difference {off:.1e}; peak memory beside the data "
            note += f"{memory:.0f} MB, peer {theirs['memory']:.0f} MB"
        sizes = {"conditions": _CONDITIONS, "folds": _FOLDS, "channels": _CHANNELS}
        found.append(
            Row(
                f"crossnobis, noise {name}", "rsatoolbox calc_rdm", seconds, theirs.get("seconds"),
                "s", bar=5.0, sizes=sizes, note=note,
            )
        )  # fmt: skip
    return found


def _measured() -> np.ndarray:
    """One trial of each condition in each fold."""
    rng = np.random.default_rng(0)
    mean = rng.standard_normal((_CONDITIONS, _CHANNELS))
    return mean + rng.standard_normal((_FOLDS, _CONDITIONS, _CHANNELS))


def _ours(measured: np.ndarray, noise: str | None) -> tuple[float, np.ndarray]:
    data = labels.dataset(
        {"rate": (("trial", "unit"), measured.reshape(-1, _CHANNELS), "Hz", "rate")},
        {
            "stimulus": ("trial", np.tile(np.arange(_CONDITIONS), _FOLDS)),
            "run": ("trial", np.repeat(np.arange(_FOLDS), _CONDITIONS)),
        },
        source="recording",
    )
    best, distance = np.inf, np.zeros(0)
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        found = analysis.rdm(data, "stimulus", dissimilarity="crossnobis", folds="run", noise=noise)
        best = min(best, time.perf_counter() - start)
        distance = found["dissimilarity"].values
    return best, distance


def _peer(measured: np.ndarray) -> dict:
    python = os.environ.get("RSATOOLBOX_PYTHON")
    if not python:
        return {"missing": "set RSATOOLBOX_PYTHON"}
    script = Path(__file__).parents[1] / "peers" / "rsatoolbox_peer.py"
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder, "data.npy"), Path(folder, "out.json")
        np.save(data, measured)
        env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        subprocess.run([python, script, data, out, str(_ROUNDS)], check=True, env=env)
        return json.loads(out.read_text())
