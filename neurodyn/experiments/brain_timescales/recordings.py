"""Spike counts of the recordings, and their deviations from the means of conditions."""

from collections.abc import Callable
from typing import NamedTuple, cast

import numpy as np
import xarray as xr

from neurodyn import datasets, labels, spikes
from neurodyn.analysis.shared.conditions import noise
from neurodyn.experiments.brain_timescales.settings import Settings
from neurodyn.labels import LabelError

#: Smallest number of trials of a condition whose mean is subtracted.
LEAST = 3


#: Length of the runs that the bootstrap of a session draws [ms], longer than its timescales.
RUN = 30_000.0


class Counted(NamedTuple):
    """Spike counts of one area ``(trial, time, unit)``.

    Attributes
    ----------
    counts
        Recorded counts.
    fluctuations
        Deviations from the means of conditions; the counts themselves without conditions.
    block
        Number of consecutive trials that the bootstrap draws together.
    """

    counts: xr.DataArray
    fluctuations: xr.DataArray
    block: int = 1


def _windows(settings: Settings) -> dict[str, Counted]:
    """Hippocampus and amygdala of one patient, both sides, the session cut into windows."""
    loaded = datasets.load("zheng2022")
    session = loaded["spikes"].to_dataset()
    stop = float(session.attrs["window"][1])
    starts = np.arange(0.0, stop - settings.window, settings.window)
    cut = spikes.align(session, starts, (0.0, settings.window))
    counts = spikes.bin(cut, bin_width=settings.bin_width)["spike_count"]
    area = np.array([str(a).split("_")[0] for a in counts["area"].values])
    block = max(1, round(RUN / settings.window))
    found = {}
    for name in ("hippocampus", "amygdala"):
        own = counts.isel(unit=np.flatnonzero(area == name))
        found[name] = Counted(own, own, block)
    return found


def _prefrontal(settings: Settings) -> dict[str, Counted]:
    """Prefrontal units, recorded one at a time, around the means of conditions."""
    loaded = datasets.load("mante2013", form="trials")
    by = ["motion", "colour", "context", "choice"]
    parts = [
        _residual(_rebinned(node.to_dataset(), settings.bin_width), by)
        for node in loaded.children.values()
    ]
    counts, fluctuations = (_side_by_side([part[i] for part in parts]) for i in (0, 1))
    return {"prefrontal": Counted(counts, fluctuations)}


def _rebinned(unit: xr.Dataset, width: float) -> xr.DataArray:
    """Counts in wider bins, without an incomplete last bin."""
    times, step, _ = labels.clock(unit, what="the recording")
    some = round(width / step)
    if some < 1 or not np.isclose(some * step, width):
        raise LabelError(
            f"Setting 'bin_width' is {width:g} ms, but the recording has bins of {step:g} ms; take "
            "a multiple of these."
        )
    n = unit.sizes["time"] // some
    values = unit["spike_count"].values[:, : n * some].astype(np.float64)
    values = values.reshape(len(values), n, some, -1).sum(2)
    start = float(times[0]) - step / 2
    kept = {str(k): c for k, c in unit.coords.items() if c.dims in (("trial",), ("unit",))}
    centres = start + (np.arange(n) + 0.5) * some * step
    time = ("time", centres, {"units": "ms", "long_name": "time"})
    return xr.DataArray(
        values,
        dims=("trial", "time", "unit"),
        coords=kept | {"time": time},
        attrs={"units": "count", "long_name": "spike count"},
        name="spike_count",
    )


def _residual(counts: xr.DataArray, by: list[str]) -> Counted:
    """Deviations from condition means, scaled to the same variance at any number of trials."""
    codes = np.unique(list(zip(*(counts[n].values.astype(str) for n in by), strict=True)), axis=0,
                      return_inverse=True)[1]  # fmt: skip
    size = np.bincount(codes.ravel())[codes.ravel()]
    enough = np.flatnonzero(size >= LEAST)
    kept = counts.isel(trial=enough)
    scale = np.sqrt(size[enough] / (size[enough] - 1))
    left = noise(kept, by) * xr.DataArray(scale, dims="trial")
    return Counted(kept, left.assign_attrs(counts.attrs))


def _side_by_side(parts: list[xr.DataArray]) -> xr.DataArray:
    """Units with trials of their own side by side, padded with NaN to the same number."""
    most = max(a.sizes["trial"] for a in parts)
    values = np.full((most, parts[0].sizes["time"], len(parts)), np.nan)
    for i, a in enumerate(parts):
        values[: a.sizes["trial"], :, i] = a.values[:, :, 0]
    return xr.DataArray(
        values,
        dims=("trial", "time", "unit"),
        coords={"time": parts[0]["time"], "unit": [str(a["unit"].values[0]) for a in parts]},
        attrs={"units": "count", "long_name": "spike count", "simultaneous": 0},
        name="spike_count",
    )


def _example(settings: Settings) -> dict[str, Counted]:
    """The bundled simulated decision network, around the means of conditions."""
    cut = datasets.load("decision_example")
    binned = spikes.bin(cast(xr.Dataset, cut), bin_width=settings.bin_width, window=(0.0, 1000.0))
    counts = binned["spike_count"]
    excitatory = np.flatnonzero(counts["ei"].values > 0)
    chosen = counts.isel(unit=excitatory).astype(float)
    return {"simulated": _residual(chosen, ["coherence", "choice"])}


#: Function of the settings that reads a data set, by name.
LOAD: dict[str, Callable[[Settings], dict[str, Counted]]] = {
    "zheng2022": _windows,
    "mante2013": _prefrontal,
    "decision_example": _example,
}
