"""Comparison of a model with the Mante units, with null and splits; and an interval."""

import time

import numpy as np
import xarray as xr

from neurodyn import analysis, datasets
from tests.benchmarks.harness import Row

CORES = 2
_MEASURES, _NULLS, _SPLITS, _DRAWS = 12, 200, 20, 200
#: Seconds that the comparison may take, compilation included.
_ALLOWED = 60.0
_UNITS = 64


def run() -> list[Row]:
    """Rows for the whole comparison, and for a bootstrap beside it."""
    recording = datasets.load("mante2013")
    model = _model(recording)
    metrics = [name for name, m in analysis.MEASURES.items() if m.pairwise is not None]
    metrics = metrics[:_MEASURES]
    whole = _seconds(model, recording, metrics, n_null=_NULLS, n_splits=_SPLITS)
    few = ["cka", "procrustes"]
    drawn = _seconds(model, recording, few, n_null=0, bootstrap="unit", n_bootstrap=_DRAWS)
    sizes = {"conditions": recording.sizes["condition"], "N": _UNITS, "measures": len(metrics)}
    allowed = f"{_ALLOWED:.0f} s allowed"
    note = f"{_NULLS} nulls, {_SPLITS} splits"
    return [
        Row("compare with the Mante units", allowed, whole, _ALLOWED, "s", bar=1.0, sizes=sizes,
            threads=CORES, note=note),
        Row("interval of two measures", allowed, drawn, _ALLOWED, "s", bar=1.0,
            sizes=sizes | {"measures": len(few)}, threads=CORES, note=f"{_DRAWS} draws of units"),
    ]  # fmt: skip


def _seconds(model: xr.Dataset, recording: xr.Dataset, metrics: list[str], **options) -> float:
    start = time.perf_counter()
    analysis.compare(model, recording, metrics, join="inner", **options)
    return time.perf_counter() - start


def _model(recording: xr.Dataset) -> xr.Dataset:
    """A population that codes what the recording does, and noise."""
    rate = recording["rate"]
    rate = rate.isel(condition=np.flatnonzero(np.isfinite(rate.values).all((1, 2))))
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((rate.sizes["unit"], _UNITS)) / np.sqrt(rate.sizes["unit"])
    mixed = rate.values @ weights
    mixed = mixed + mixed.std() * rng.standard_normal(mixed.shape)
    coords = {n: c for n, c in rate.coords.items() if "unit" not in c.dims}
    found = xr.DataArray(mixed, coords, rate.dims, name="rate", attrs=rate.attrs)
    return found.to_dataset().assign_attrs(recording.attrs | {"source": "model"})
