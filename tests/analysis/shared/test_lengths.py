"""Trials that end early: what needs complete ones names the window in which all are."""

import re

import numpy as np
import pytest
import xarray as xr

from neurodyn import analysis, trials
from neurodyn.labels import LabelError

#: The earliest end of a trial, and with it that of every condition's last complete bin [ms].
FIRST_END = 80.0


def _activity():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(40, 12, 3)).cumsum(axis=1)
    condition = np.arange(40) % 5
    # Trials of one condition end together, so that its mean does, too.
    until = FIRST_END + 10.0 * condition
    time = 10.0 * np.arange(1, 13)
    values[time[None] > until[:, None]] = np.nan
    coords = {"time": time, "cue": ("trial", condition), "valid_until": ("trial", until)}
    return xr.DataArray(
        values, coords | {"trial": np.arange(40)}, ("trial", "time", "unit"), name="rate"
    ).assign_attrs(bin_width=10.0)


def _compare(x):
    return analysis.compare(x, x, "cka", by="cue", n_null=2, n_splits=2)


def _compare_means(x):
    means = trials.average(x, "cue")["rate"]
    return analysis.compare(means, means, "cka", n_null=2)


CALLS = {
    "decode": lambda x: analysis.decode(x, "cue"),
    "compare": _compare,
    "compare means": _compare_means,
    "pca": lambda x: analysis.pca(x, 2),
    "cka": lambda x: analysis.cka(x, x),
    "reliability": lambda x: analysis.split_half_reliability(x, "cue", n_splits=2),
    "null": lambda x: analysis.shuffle_null(np.mean, x, "cue", n=2),
    "intrinsic timescale": lambda x: analysis.intrinsic_timescale(x, max_lag=50.0),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_window_that_works_is_named(name):
    _check(name, 0.0)


def test_the_window_is_named_to_the_sample_on_a_large_clock():
    _check("decode", 1_234_567_000.0)


def _check(name, start):
    data = _activity()
    data = data.assign_coords(time=data["time"] + start, valid_until=data["valid_until"] + start)
    with pytest.raises(LabelError) as refused:
        CALLS[name](data)
    (stop,) = re.findall(r"\.sel\(time=slice\(None, (\S+?)\)\)", str(refused.value))
    assert float(stop) == start + FIRST_END
    CALLS[name](data.sel(time=slice(None, float(stop))))


def test_no_window_is_named_where_values_are_missing_throughout():
    data = _activity().sel(time=slice(None, FIRST_END))
    with pytest.raises(LabelError, match=r"NaN(?!.*slice)"):
        analysis.decode(data.where(data["time"] != 30.0), "cue")
