"""What it costs to find the unit and trial of each spike by label, beside positions.

The peer is the same call with positions taken as they are, which is right only as long as nobody
selects or sorts.
"""

from unittest import mock

import numpy as np

from neurodyn import analysis, spikes, trials
from tests.benchmarks.harness import Row, alternate

CORES = 1
_UNITS, _TRIALS, _RATE, _BAR = 500, 1000, 5.0, 1 / 1.05


def run() -> list[Row]:
    """Rows for `rate`, `psth` and `compare`, with labels of three kinds."""
    rows = []
    for kind, unit in _labels().items():
        recording, place = _recording(unit)
        size = recording.sizes["spike"]
        sizes = {"units": _UNITS, "trials": _TRIALS, "spikes": size}

        def rate(recording=recording):
            return spikes.rate(recording, bin_width=50.0)

        def psth(recording=recording):
            return trials.psth(recording, by="side", bin_width=50.0)

        def compare(recording=recording):
            rates = spikes.rate(recording, bin_width=50.0)
            options = {"by": "side", "n_null": 100, "key": 0}
            return analysis.compare(rates.isel(unit=slice(0, 50)), rates, ["cka"], **options)

        calls = {"rate": rate, "psth": psth} | ({"compare": compare} if kind == "0, 1, ..." else {})
        for name, call in calls.items():

            def by_position(call=call, place=place):
                with mock.patch("neurodyn.spikes.count.positions", return_value=place):
                    return call()

            ours, peer = alternate(call, by_position)
            title = f"{name}, units and trials by label ({kind})"
            rows.append(Row(title, "by position", ours.best, peer.best, bar=_BAR, sizes=sizes))
    return rows


def _labels() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "0, 1, ...": np.arange(_UNITS),
        "numbers": rng.permutation(10 * _UNITS)[:_UNITS],
        "names": np.array([f"unit-{i:04d}" for i in rng.permutation(_UNITS)]),
    }


def _recording(unit: np.ndarray):
    """Poisson spikes in trials of a second, and their positions."""
    rng = np.random.default_rng(1)
    counts = rng.poisson(_RATE, (_TRIALS, _UNITS))
    time = rng.uniform(0.0, 1000.0, counts.sum())
    trial, cell = (np.repeat(i.ravel(), counts.ravel()) for i in np.indices(counts.shape))
    label = np.arange(_TRIALS) if unit[0] == 0 else np.arange(_TRIALS)[::-1] + 7
    recording = spikes.dataset(
        time,
        unit[cell],
        label[trial],
        coords={"unit": unit, "trial": label, "side": ("trial", np.arange(_TRIALS) % 8)},
        source="recording",
        window=(0.0, 1000.0),
    )
    order = np.lexsort([time, cell, trial])
    place = spikes.Positions(time[order], cell[order], trial[order])
    assert all(np.array_equal(a, b) for a, b in zip(spikes.positions(recording), place))
    return recording, place
