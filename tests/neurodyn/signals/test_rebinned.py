"""Counts in wider bins and shorter windows are those of the spikes, or refused."""

import inspect

import numpy as np
import pytest
import xarray as xr

from neurodyn import analysis, spikes, trials
from neurodyn.labels import LabelError


@pytest.fixture(scope="module")
def ds():
    rng = np.random.default_rng(0)
    whole = spikes.from_times(
        [np.sort(rng.uniform(0, 9000, 900)) for _ in range(3)], window=(0, 9e3)
    )
    cut = spikes.align(whole, np.arange(8) * 1000.0 + 100, (-100, 500))
    return cut.assign_coords(side=("trial", np.arange(8) % 2))


@pytest.fixture(scope="module")
def ended(ds):
    """The same in trials of which some end early."""
    rng = np.random.default_rng(1)
    whole = spikes.from_times(
        [np.sort(rng.uniform(0, 9000, 900)) for _ in range(3)], window=(0, 9e3)
    )
    events = np.arange(8) * 1000.0 + 100
    until = events + np.array([500, 500, 371, 250, 500, 120, 500, 489.0])
    return spikes.align(whole, events, (-100, 500), until=until)


@pytest.mark.parametrize("kind", ["ds", "ended"])
@pytest.mark.parametrize("window", [None, (0, 300)])
def test_wider_bins_hold_what_the_spikes_say(kind, window, request):
    ds = request.getfixturevalue(kind)
    fine = spikes.bin(ds, bin_width=10.0)
    wide, want = (spikes.bin(x, bin_width=50.0, window=window) for x in (fine, ds))
    xr.testing.assert_identical(wide, want)


#: Every public function with a width of bins: what it says of spikes or of counts.
WIDTHS = {
    analysis.fano_factor: {"window": (0, 300)},
    analysis.population_rate: {"window": (0, 300)},
    analysis.population_spectrum: {"window": (0, 400), "segment": 400.0},
    analysis.synchrony: {"window": (0, 300)},
    analysis.psth: {"by": [], "window": (0, 300)},
    analysis.count_moments: {"by": "side", "window": (0, 300)},
    analysis.count_correlation: {"window": (0, 300)},
    analysis.noise_correlation: {"by": "side", "window": (0, 300)},
    analysis.signal_correlation: {"by": "side", "window": (0, 300)},
    spikes.bin: {"window": (0, 300)},
    spikes.rate: {"window": (0, 300)},
    trials.psth: {"window": (0, 300), "by": []},
}


@pytest.mark.parametrize("function", WIDTHS, ids=lambda f: f.__name__)
def test_counts_give_what_spikes_give(ds, function):
    options = WIDTHS[function] | {"bin_width": 50.0}
    fine = spikes.bin(ds, bin_width=10.0)
    found, want = (function(x, **options) for x in (fine, ds))
    xr.testing.assert_allclose(found, want)
    with pytest.raises(LabelError, match="do not add up to bin_width=25"):
        function(spikes.bin(ds, bin_width=20.0), **WIDTHS[function] | {"bin_width": 25.0})
    if inspect.signature(function).parameters["bin_width"].default is None:
        own = options | {"bin_width": None}
        coarse = spikes.bin(ds, bin_width=50.0)
        xr.testing.assert_allclose(function(coarse, **own), want)


def test_every_width_of_bins_is_tried():
    found = {
        getattr(module, name)
        for module in (analysis, spikes, trials)
        for name in module.__all__
        if inspect.isfunction(getattr(module, name))
        and "bin_width" in inspect.signature(getattr(module, name)).parameters
    }
    # One makes counts, one takes times of spikes only, and one hands counts to `count_moments`.
    others = {analysis.modulated_counts, analysis.correlogram, analysis.mean_matched_fano}
    assert found - others == set(WIDTHS)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"bin_width": 5.0}, "do not add up"),
        ({"bin_width": 25.0}, "do not add up"),
        ({"bin_width": np.nan}, "do not add up"),
        ({"window": (5, 45)}, r"bins of 10 ms from -100 to 500 ms"),
        ({"window": (400, 600)}, "does not begin and end with a bin"),
        ({"bin_width": 70.0}, r"60 bins of 10 ms.*window=\(-100, 460\)"),
        ({"bin_width": 1000.0}, "do not fill"),
    ],
)
def test_refuses(ds, options, match):
    with pytest.raises(LabelError, match=match):
        spikes.rate(spikes.bin(ds, bin_width=10.0), **options)


def test_refuses_gaps_and_what_it_cannot_add(ds):
    fine = spikes.bin(ds, bin_width=10.0)
    with pytest.raises(LabelError, match="gap"):
        spikes.rate(fine.isel(time=[0, 1, 2, 3, 6, 7]), bin_width=20.0)
    beside = fine.assign_coords(speed=("time", np.arange(60.0)))
    with pytest.raises(LabelError, match=r"\['speed'\] lie on 'time'"):
        spikes.rate(beside, bin_width=20.0)
    v = xr.Dataset({"v": fine.spike_count.astype(float)})
    with pytest.raises(LabelError, match="leave bin_width out"):
        analysis.synchrony(v, variable="v", bin_width=20.0)
