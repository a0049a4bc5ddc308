"""A recording larger than memory, from its file to a measure, and the memory that this takes.

``python -m tests.large TRIALS TIMES UNITS`` makes a recording of counts in a Zarr store in the
present folder, most of whose chunks are never written, because they hold zeros, so that it takes
no disk. It is read, binned, averaged and measured, and peaks of memory are printed as JSON.
"""

import json
import resource
import sys
import warnings
from pathlib import Path

import dask
import dask.array as da
import numpy as np
import xarray as xr
import zarr

import neurodyn as nd
from neurodyn import analysis, labels

#: Trials that hold spikes; all others are chunks that were never written.
WRITTEN = 8
BIN = 20


def made(path: Path, n_trials: int, n_times: int, n_units: int) -> np.ndarray:
    """Write a recording of counts in bins of 1 ms, and return those of the trials with spikes."""
    counts = da.zeros((n_trials, n_times, n_units), dtype=np.float32, chunks=(1, n_times, -1))
    coords = {
        "time": np.arange(n_times) + 0.5,
        "coherence": ("trial", np.arange(n_trials) % 4 / 10),
        "area": ("unit", np.repeat(["PFC", "V1"], [n_units // 2, n_units - n_units // 2])),
    }
    variables = {"spike_count": (("trial", "time", "unit"), counts, "count", "spike count")}
    attrs = {"bin_width": 1.0, "window": [0.0, float(n_times)]}
    ds = labels.dataset(
        variables, coords, source="recording", kind="spike_count", attrs=attrs, values=False
    )
    # Chunks that were never written hold the fill value, which is 0 and not NaN here.
    encoding = {"spike_count": {"fill_value": 0.0, "_FillValue": None}}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The data type")  # text, which xarray reads back
        ds.to_zarr(path, compute=False, consolidated=False, encoding=encoding)
    rng = np.random.default_rng(0)
    drive = rng.normal(size=(n_times // BIN, 3)) @ rng.normal(size=(3, n_units))
    rate = np.repeat(np.exp(drive), BIN, axis=0) / 20
    written = rng.poisson(rate, (WRITTEN, n_times, n_units)).astype(np.float32)
    stored = zarr.open_array(str(path), path="spike_count")
    for trial, values in enumerate(written):
        stored[trial] = values
    return written


def measured(path: Path) -> tuple[xr.Dataset, float, float]:
    """Bin and average a recording, and compare the means and the trials of two areas."""
    recording = nd.io.read(path, lazy=True)
    binned = nd.spikes.bin(recording, bin_width=float(BIN))
    means = nd.trials.average(binned, "coherence")
    areas = [means.isel(unit=means.area == name) for name in ("PFC", "V1")]
    trials = [binned.isel(unit=binned.area == name) for name in ("PFC", "V1")]
    return means, float(analysis.cka(*areas)), float(analysis.cka(*trials))


def peak() -> float:
    """The largest resident memory so far [bytes]."""
    return 1024.0 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def expected(written: np.ndarray, n_trials: int) -> tuple[np.ndarray, float]:
    """Means of conditions, and CKA trial by trial, from the trials that hold spikes."""
    n_trials_of = np.bincount(np.arange(n_trials) % 4)
    n, times, units = written.shape
    counts = written.reshape(n, times // BIN, BIN, units).sum(2, dtype=np.float64)
    sums = np.stack([counts[np.arange(n) % 4 == c].sum(0) for c in range(4)])
    flat = counts.reshape(-1, units)
    number = n_trials * counts.shape[1]
    scatter = flat.T @ flat - np.outer(flat.sum(0), flat.sum(0)) / number
    half = units // 2
    norm = [np.linalg.norm(scatter[a, b]) for a, b in _blocks(half)]
    return sums / n_trials_of[:, None, None], norm[2] ** 2 / norm[0] / norm[1]


def _blocks(half: int) -> list[tuple[slice, slice]]:
    first, second = slice(0, half), slice(half, None)
    return [(first, first), (second, second), (first, second)]


def main(n_trials: int, n_times: int, n_units: int) -> None:
    """Measure a small recording, to have all programs compiled, and then a large one."""
    with dask.config.set(num_workers=2):
        made(Path("small.zarr"), WRITTEN, 4 * BIN, n_units)
        measured(Path("small.zarr"))
        written = made(Path("large.zarr"), n_trials, n_times, n_units)
        want, of_trials = expected(written, n_trials)
        del written
        before = peak()
        means, of_means, cka = measured(Path("large.zarr"))
    found = {
        "bytes": 4 * n_trials * n_times * n_units,
        "before": before,
        "peak": peak(),
        "off": float(abs(means["spike_count"].values - want).max()),
        "cka_of_means": of_means,
        "cka_off": abs(cka - of_trials),
        "disk": sum(f.stat().st_size for f in Path("large.zarr").rglob("*") if f.is_file()),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
