"""Figures of spike trains and cells show what they are given."""

import numpy as np
import pytest
import xarray as xr

from neurodyn import analysis, labels, plot, spikes
from tests.neurodyn.plot.test_figures import drawn


@pytest.fixture(scope="module")
def ds():
    rng = np.random.default_rng(0)
    n, unit, trial = 600, rng.integers(0, 12, 600), rng.integers(0, 2, 600)
    coords = {
        "unit": np.arange(12),
        "trial": np.arange(2),
        "ei": ("unit", [1, -1, 1] * 4),
        "step": ("trial", [0.0, 50.0], "pA"),
    }
    time = rng.uniform(0, 1000, n)
    return spikes.dataset(time, unit, trial, coords=coords, source="model", window=(0, 1000))


def marks(ax):
    return [line for line in ax.lines if len(line.get_xdata())]


def test_raster_sorts_units_into_bands(ds):
    figure = plot.raster(ds, trial=1)
    ax = figure.axes[0]
    excitatory, inhibitory = (np.unique(line.get_ydata()) for line in marks(ax))
    assert excitatory.max() == 7
    assert inhibitory.min() == 8
    shown = sum(len(line.get_xdata()) for line in marks(ax))
    assert shown == (ds["spike_trial"].values == 1).sum()
    assert [text.get_text() for text in ax.texts] == ["excitatory", "inhibitory"]
    drawn(figure)


def test_raster_of_a_window_with_rates(ds):
    rate = analysis.population_rate(ds, bin_width=20.0, by="ei")
    figure = plot.raster(ds, window=(100, 300), rate=rate)
    times = np.concatenate([line.get_xdata() for line in marks(figure.axes[0])])
    assert times.min() >= 100
    assert times.max() <= 300
    line = figure.axes[1].lines[0]
    want = rate["rate"].isel(trial=0, unit=0).sel(time=slice(100, 300))
    np.testing.assert_allclose(line.get_ydata(), want)
    drawn(figure)


def test_silence_is_drawn():
    figure = plot.raster(spikes.from_times([[], []], window=(0, 10)))
    assert figure.axes[0].get_xlim() == (0, 10)


def test_rates_intervals_and_spectra(ds):
    drawn(plot.population_rate(analysis.population_rate(ds, bin_width=20.0)))
    figure = plot.intervals(analysis.spike_intervals(ds), analysis.interval_statistics(ds))
    bars = sum(patch.get_height() for patch in figure.axes[0].patches)
    assert bars == analysis.spike_intervals(ds).sizes["interval"]
    drawn(figure)
    drawn(plot.population_spectrum(analysis.population_spectrum(ds, bin_width=4.0, by="ei")))


def test_voltages_mark_spikes():
    v = np.full((2, 50, 3), -60.0)
    ds = labels.dataset(
        {
            "v": (("trial", "time", "unit"), v, "mV", "membrane potential"),
            "i": (("trial", "time"), np.ones((2, 50)), "pA", "injected current"),
            "spike_time": ("spike", [10.0, 20.0, 30.0], "ms", "spike time"),
            "spike_unit": ("spike", [1, 1, 2], "1", "position of the unit"),
            "spike_trial": ("spike", [0, 1, 1], "1", "position of the trial"),
        },
        {"time": labels.time_axis(50, 1.0)},
        source="model",
    )
    figure = plot.voltages(ds, trial=1, current="i")
    assert len(figure.axes) == 4
    assert figure.axes[1].lines[1].get_xdata().tolist() == [20.0]
    assert len(figure.axes[0].lines) == 1
    drawn(figure)
    both = plot.voltages({"recorded": ds.isel(trial=0), "fitted": ds}, units=(2,))
    assert len(both.axes) == 1


def test_fi_curves(ds):
    curve = analysis.fi_curve(ds)
    figure = plot.fi_curve({"a": curve, "b": curve}, variables=("rate", "latency"))
    np.testing.assert_allclose(figure.axes[0].lines[0].get_ydata(), curve["rate"].values[:, 0])
    drawn(figure)


def test_weights_show_signs_alike():
    W = np.zeros((10, 10))
    W[:8, :5], W[8:, :] = 0.5, -2.0
    figure = plot.weights(W, populations={"E": 8, "I": 2})
    image = figure.axes[0].images[0]
    assert image.norm.vmin == -image.norm.vmax == -2.0
    assert sum(p.get_height() for p in figure.axes[1].patches) == 60
    assert "60 % connected" in figure.axes[1].get_title()
    drawn(figure)


WRONG = {
    "not spikes": (lambda ds: plot.raster(xr.Dataset({"a": 1})), "draws a spike Dataset"),
    "no trial": (lambda ds: plot.raster(ds, trial=5), "no trial 5; the labels of .trial. are 0, 1"),
    "no band": (lambda ds: plot.raster(ds, by="layer"), "no coordinate 'layer'"),
    "no rates": (lambda ds: plot.population_rate(ds), "analysis.population_rate"),
    "no intervals": (
        lambda ds: plot.intervals(analysis.spike_intervals(spikes.from_times([[1.0]]))),
        "no unit fired twice",
    ),
    "no potential": (lambda ds: plot.voltages(ds), "no variable 'v'"),
    "no curve": (lambda ds: plot.fi_curve(ds), "no 'rate'"),
    "no matrix": (lambda ds: plot.weights(np.ones(3)), "one finite matrix"),
    "other sizes": (lambda ds: plot.weights(np.ones((3, 3)), populations={"E": 2}), "2 units"),
}


@pytest.mark.parametrize("case", WRONG)
def test_says_what_is_wrong(ds, case):
    call, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        call(ds)
