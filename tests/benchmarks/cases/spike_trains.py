"""PSTHs of 500 units and 1000 events against pynapple and elephant, on one thread.

``SPIKES_PYTHON`` names an interpreter that has the peers; without it, or where it lacks one, rows
stay empty and say so. Peers take minutes for all units, and their time goes with the number of
units: they are timed on some, and `peer` is scaled up.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import xarray as xr

from neurodyn import spikes
from neurodyn.analysis import psth
from tests.benchmarks.harness import Row, alternate
from tests.benchmarks.peers.memory import peak_mb

_UNITS, _TRIALS, _RATE, _WIDTH = 500, 1000, 5.0, 10.0
_LENGTH = 2000.0 * _TRIALS
#: Units on which each peer is timed.
_SOME = {"pynapple": 100, "elephant": 20}
_PEERS = {
    "pynapple": "pynapple count, compute_event_triggered_average",
    "elephant": "elephant time_histogram of trains that were cut before",
}


def rows() -> list[Row]:
    """Time to cut, average and give intervals; peers give means alone."""
    times, unit, events = _recording()
    recording = spikes.dataset(
        times, unit, coords={"unit": np.arange(_UNITS)}, source="recording", window=(0, _LENGTH)
    )
    cue = xr.DataArray(events, dims="trial", name="cue")

    def ours():
        return psth(recording, [], event=cue, window=(0, 1000), bin_width=_WIDTH)

    before = peak_mb()
    mean = float(ours()["rate"].mean())
    memory = peak_mb() - before
    taken = alternate(ours, rounds=3, burst=1, warmup=1)[0].best / 1e3
    found = []
    for name, title in _PEERS.items():
        theirs = _peer(name, times, unit, events)
        note = theirs.get("missing", "")
        seconds = None
        if not note:
            seconds = theirs["seconds"] * _UNITS / _SOME[name]
            note = (
                f"mean {mean:.3f} Hz, peer {1e3 * theirs['mean']:.3f} Hz of {_SOME[name]} units; "
            )
            note += f"peak memory beside the data {memory:.0f} MB, peer {theirs['memory']:.0f} MB"
        sizes = {"units": _UNITS, "trials": _TRIALS, "spikes": times.size}
        found.append(Row("PSTHs", title, taken, seconds, "s", bar=5.0, sizes=sizes, note=note))
    return found


def _recording() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    count = rng.poisson(_RATE * _LENGTH / 1e3, _UNITS)
    unit = np.repeat(np.arange(_UNITS), count)
    times = rng.uniform(0, _LENGTH, unit.size)
    order = np.lexsort([times, unit])
    return times[order], unit, 500.0 + 2000.0 * np.arange(_TRIALS)


def _peer(name: str, times: np.ndarray, unit: np.ndarray, events: np.ndarray) -> dict:
    python = os.environ.get("SPIKES_PYTHON")
    if not python:
        return {"missing": "set SPIKES_PYTHON to an interpreter that has elephant and pynapple"}
    some = unit < _SOME[name]
    script = Path(__file__).parents[1] / "peers" / "psth_peer.py"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recording.npz"
        given = {"times": times[some], "unit": unit[some], "events": events}
        np.savez(path, **given, length=_LENGTH, width=_WIDTH)
        command = [python, str(script), str(path), str(_SOME[name]), name]
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    return json.loads(done.stdout.splitlines()[-1])[name]
