"""Dims of an NWB series beyond time, and what is known of their entries."""

from typing import Any

import numpy as np
from hdmf.common import DynamicTable
from pynwb.behavior import SpatialSeries
from pynwb.image import ImageSeries
from pynwb.misc import AbstractFeatureSeries, DecompositionSeries

from neurodyn.io.nwb.electrodes import electrode_coords
from neurodyn.io.nwb.values import Unreadable, flat
from neurodyn.io.parts import decode
from neurodyn.labels import LabelError
from neurodyn.labels.names import free_name


def axes(series: Any, shape: tuple[int, ...], notes: list[str]) -> tuple[tuple[str, ...], dict]:
    """Dims of a series, and coordinates of its channels and frequency bands.

    Parameters
    ----------
    series
        TimeSeries of pynwb.
    shape
        Shape of its data, time first.
    notes
        Takes what is known of channels but does not fit them.

    Returns
    -------
    Dims: `time`, `channel`, then `band` of a spectral decomposition; `x`, `y` (and `z`) of images;
    `axis_2`, ... of others. Coordinates in the form that `neurodyn.labels.dataset` takes.

    Raises
    ------
    LabelError
        If the data are clearly transposed.
    """
    names = [f"axis_{i}" for i in range(len(shape))]
    names[:2] = ["time", "channel"]
    if isinstance(series, ImageSeries):
        names[1:4] = ["x", "y", "z"]
        return tuple(names[: len(shape)]), {}
    coords: dict[str, Any] = {}
    if isinstance(series, DecompositionSeries):
        names[2:3] = ["band"]
        coords |= _bands(series.bands, shape[2:3])
    if isinstance(series, AbstractFeatureSeries):
        features = decode(np.asarray(series.features[:]))
        if shape[1:] == features.shape == np.unique(features).shape:
            coords["channel"] = ("channel", features, "1", "feature")
        return tuple(names[: len(shape)]), coords
    coords |= _channels(series, shape, notes)
    return tuple(names[: len(shape)]), coords


def _channels(series: Any, shape: tuple[int, ...], notes: list[str]) -> dict[str, Any]:
    region = next(
        (r for r in (getattr(series, n, None) for n in ("electrodes", "rois", "source_channels"))
         if r is not None),
        None,
    )  # fmt: skip
    if region is None:
        axis = isinstance(series, SpatialSeries) and len(shape) == 2 and shape[1] in (2, 3)
        return {"channel": ("channel", np.array(list("xyz"[: shape[1]])))} if axis else {}
    rows = np.atleast_1d(np.asarray(region.data[:], np.int64))
    what = "ROIs" if hasattr(series, "rois") else "electrodes"
    n = shape[1] if len(shape) > 1 else 1
    if len(rows) != n:
        if len(shape) > 1 and len(rows) == shape[0]:
            raise LabelError(
                f"it has shape {shape} and {len(rows)} {what}: time is to be its first axis, so "
                "its data are transposed"
            )
        notes.append(f"it has {n} channels and {len(rows)} {what}, which are left out")
        return {}
    found = electrode_coords(region.table, rows, "channel")
    ids = found.pop("electrode_id")[1]
    if what == "electrodes":
        found["electrode_id"] = ("channel", ids, "1", "id of the electrode")
    labels = ids
    if np.unique(ids).size < ids.size:  # one electrode several times
        labels, found["channel_id"] = np.arange(ids.size), ("channel", ids, "1", "id in the file")
    found["channel"] = ("channel", labels, "1", "id of the ROI" if what == "ROIs" else "channel")
    if len(shape) == 1:  # one channel without a dim
        return {name: ((), each[1][0], *each[2:]) for name, each in found.items()}
    return found


def _bands(bands: DynamicTable | None, size: tuple[int, ...]) -> dict[str, Any]:
    if bands is None or not size or len(bands) != size[0]:
        return {}
    found: dict[str, Any] = {}
    for name in bands.colnames:
        try:
            values = flat(bands[name])
        except Unreadable:
            continue
        text = str(getattr(bands[name], "description", "") or name)
        if name == "band_name" and np.unique(values).size == values.size:
            found["band"] = ("band", decode(values), "1", "frequency band")
        elif name == "band_limits" and values.ndim == 2 and values.shape[1] == 2:
            found["band_low"] = ("band", values[:, 0], "Hz", "lower limit of the band")
            found["band_high"] = ("band", values[:, 1], "Hz", "upper limit of the band")
        elif values.ndim == 1:
            unit = "Hz" if name in ("band_mean", "band_stdev") else "1"
            found[free_name(name, found)] = ("band", values, unit, text)
    return found
