"""A whole comparison with nulls and split halves on recorded units, and an interval."""

import time

import jax
import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter1d

from neurodyn import datasets, labels
from neurodyn.analysis import compare
from neurodyn.experiments.shared.decision import METRICS
from tests.benchmarks.harness import Row

CORES = 2
BIN, N_BINS = 50, 15
N_UNITS, N_NULL, N_SPLITS, N_DRAWS = 100, 200, 20, 200
PEER = "a bar of 60 s"
BY = ("motion", "colour_evidence", "context")


def run() -> list[Row]:
    """Wall times beside a bar of a minute: of all measures, of these again, and of an interval."""
    if datasets.where("mante2013") in ("download", "missing"):
        return [Row("compare", PEER, np.nan, None, "s", note="mante2013 is not at hand")]
    jax.config.update("jax_enable_compilation_cache", False)
    recording = trials()
    model = smooth(recording)
    full = {"metrics": METRICS, "n_null": N_NULL, "n_splits": N_SPLITS}
    few = {"metrics": ("cka", "procrustes"), "n_null": 0, "n_splits": N_SPLITS}
    cases = {
        "compare with recorded units, compilation included": full,
        "compare with recorded units, again": full,
        "compare with an interval, compilation included": few | {"bootstrap": "unit"},
    }
    rows = []
    for title, options in cases.items():
        begin = time.perf_counter()
        score = compare(model, recording, by=BY, n_bootstrap=N_DRAWS, **options)
        seconds = time.perf_counter() - begin
        assert np.isfinite(score["score"]).all()
        note = f"{options['n_null']} nulls, {N_SPLITS} splits"
        note += f", {N_DRAWS} draws of units" if "bootstrap" in options else ""
        sizes = {
            "measures": len(options["metrics"]), "conditions": model.sizes["condition"],
            "trials": recording.sizes["trial"], "times": N_BINS, "units": N_UNITS,
            "recorded units": recording.sizes["unit"],
        }  # fmt: skip
        rows.append(
            Row(title, PEER, seconds, 60.0, "s", bar=1.0, sizes=sizes, threads=CORES, note=note)
        )
    return rows


def trials() -> xr.Dataset:
    """Correct trials of all units, in bins.

    The units were recorded one at a time. The first trial of a condition of one unit is put beside
    the first ones of the others; where a unit has fewer trials it is NaN.
    """
    found = [_sorted(unit) for unit in datasets.load("mante2013", form="trials").children.values()]
    seen = set.intersection(*({c for c, rows in unit.items() if len(rows) > 1} for unit in found))
    columns, blocks = [], []
    for condition in sorted(seen):
        n = max(len(unit[condition]) for unit in found)
        block = np.full((n, N_BINS, len(found)), np.nan, np.float32)
        for i, unit in enumerate(found):
            block[: len(unit[condition]), :, i] = unit[condition]
        blocks.append(block)
        columns += [condition] * n
    return _dataset(np.concatenate(blocks), "trial", columns, "recording")


def smooth(recording: xr.Dataset) -> xr.Dataset:
    """Random activity of the same conditions, smooth in time."""
    columns = sorted(set(zip(*(recording[name].values.tolist() for name in BY), strict=True)))
    noise = np.random.default_rng(0).standard_normal((len(columns), N_BINS, N_UNITS))
    return _dataset(gaussian_filter1d(noise, 2.0, axis=1), "condition", columns, "model")


def _sorted(unit: xr.Dataset) -> dict[tuple, np.ndarray]:
    """Binned rates [Hz] of a unit's correct trials by condition, with coherences by rank."""
    unit = unit.isel(trial=np.flatnonzero(unit["correct"].values == 1))
    counts = unit["spike_count"].values[:, : BIN * N_BINS, 0]
    rates = counts.reshape(len(counts), N_BINS, BIN).sum(-1) / (BIN / 1000)
    codes = np.stack([np.unique(unit[name].values, return_inverse=True)[1] for name in BY], 1)
    kinds = np.unique(codes, axis=0)
    return {tuple(kind.tolist()): rates[(codes == kind).all(1)] for kind in kinds}


def _dataset(rates: np.ndarray, dim: str, columns: list[tuple], source: str) -> xr.Dataset:
    conditions = {
        name: (dim, np.array(values), "1", name)
        for name, values in zip(BY, zip(*columns, strict=True), strict=True)
    }
    return labels.dataset(
        {"rate": ((dim, "time", "unit"), rates, "Hz", "rate")},
        {"time": 100.0 + BIN * (np.arange(N_BINS) + 0.5), **conditions},
        source=source,
        kind="rate",
        attrs={"simultaneous": 0} if source == "recording" else None,
    )
