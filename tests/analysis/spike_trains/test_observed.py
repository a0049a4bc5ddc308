"""What was observed counts, and nothing else: ends of trials, selected bins, single trials."""

import numpy as np
import pytest
import xarray as xr

from neurodyn import analysis, labels, plot, spikes
from neurodyn.labels import LabelError


@pytest.fixture
def ended():
    """A spike each 10 ms until the end of each trial, at 60, 100, 30 and 80 ms."""
    ends = np.array([60.0, 100.0, 30.0, 80.0])
    times = [np.arange(5.0, end, 10.0) for end in ends]
    return spikes.dataset(
        np.concatenate(times),
        np.full(sum(map(len, times)), "a"),
        np.repeat([7, 5, 9, 3], [len(t) for t in times]),
        coords={
            "unit": ["a", "b"],
            "trial": [7, 5, 9, 3],
            "valid_until": ("trial", ends, "ms"),
            "step": ("trial", [0.0, 10.0, 10.0, 20.0], "pA"),
        },
        source="recording",
        window=(0, 100),
    )


def test_rates_are_over_what_was_observed(ended):
    np.testing.assert_allclose(analysis.firing_rate(ended), [100.0, 0.0])
    np.testing.assert_allclose(analysis.fi_curve(ended)["rate"], [[100.0, 0.0]] * 3)
    throughout = ended.assign_coords(valid_until=ended.valid_until.where(ended.trial != 5))
    np.testing.assert_allclose(analysis.firing_rate(throughout), [100.0, 0.0])
    counts = spikes.bin(ended, bin_width=10.0)
    merged = counts.assign_coords(valid_until=counts.valid_until.where(counts.trial != 5))
    xr.testing.assert_equal(labels.valid(merged), labels.valid(counts))


def test_a_single_bin_says_how_wide_it_is_or_is_refused(ended):
    counts = spikes.bin(ended.drop_vars("valid_until"), bin_width=10.0)
    whole = analysis.firing_rate(counts)
    with pytest.raises(LabelError, match=r"single bin.*Bin anew"):
        analysis.firing_rate(counts.coarsen(time=10).sum())
    said = counts.coarsen(time=10).sum().assign_attrs(bin_width=100.0)
    np.testing.assert_allclose(analysis.firing_rate(said), whole)
    one = spikes.bin(ended, bin_width=10.0, window=(20, 30))
    np.testing.assert_allclose(analysis.firing_rate(one), [100.0, 0.0])
    with pytest.raises(LabelError, match="A mean of counts is not the count of the wide bin"):
        spikes.rate(counts.coarsen(time=2).mean())


def test_populations_of_transposed_counts_and_units_as_numbers(ended):
    counts = spikes.bin(ended.drop_vars("valid_until"), bin_width=10.0)
    right = analysis.population_rate(counts, by=None)["rate"]
    turned = counts.transpose("unit", "time", "trial")
    xr.testing.assert_allclose(analysis.population_rate(turned)["rate"], right)
    for measure in (analysis.firing_rate, analysis.population_rate):
        with pytest.raises(LabelError, match=r"isel\(unit=\[0\]\)"):
            measure(counts.isel(unit=0))


def test_figures_of_one_trial_refuse_another(ended):
    one = ended.isel(trial=2)
    drawn = plot.raster(one, trial=9).axes[0].lines[0].get_xdata()
    assert drawn.tolist() == [5.0, 15.0, 25.0]
    with pytest.raises(ValueError, match="the data hold trial 9 alone"):
        plot.raster(one, trial=5)
    found = analysis.spike_intervals(ended)
    for chosen, n in (({"trial": [2]}, 2), ({"unit": [1]}, 0), ({"trial": [0, 1]}, 5 + 9)):
        part = found.isel(chosen)
        if n:
            bars = plot.intervals(part).axes[0].patches
            assert sum(bar.get_height() for bar in bars) == n
        else:
            with pytest.raises(ValueError, match="no intervals"):
                plot.intervals(part)


def test_units_and_components_of_figures_are_labels():
    means = labels.dataset(
        {
            "rate": (
                ("condition", "time", "unit"),
                np.arange(24.0).reshape(2, 4, 3),
                "Hz",
                "firing rate",
            )
        },
        {
            "time": labels.time_axis(4, 10.0),
            "unit": [7, 5, 9],
            "coherence": ("condition", [-0.5, 0.5]),
        },
        source="recording",
        kind="rate",
    )
    figure = plot.psth(means, by="coherence", units=[9])
    line = figure.axes[0].lines[0].get_ydata()
    np.testing.assert_allclose(line, means["rate"].sel(unit=9).isel(condition=0))
