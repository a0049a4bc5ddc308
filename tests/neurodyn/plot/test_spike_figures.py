"""Figures of spike trains show the numbers that they are given, in an order of their own."""

import numpy as np
import pytest

from neurodyn import analysis, labels, plot, spikes


@pytest.fixture(scope="module")
def recording():
    rng = np.random.default_rng(0)
    side = np.arange(40) % 4
    rate = np.array([[5, 10, 20, 30], [30, 20, 10, 5], [12, 12, 12, 12]])[:, side]
    count = rng.poisson(rate * 0.5)
    unit, trial = (np.repeat(i.ravel(), count.ravel()) for i in np.indices(count.shape))
    return spikes.dataset(
        rng.uniform(0, 500, unit.size), unit, trial, source="recording", window=(0, 500),
        coords={"unit": np.arange(3), "trial": np.arange(40), "area": ("unit", ["b", "a", "b"]),
                "side": ("trial", side * 90.0, "deg", "direction")},
    )  # fmt: skip


def test_bands_of_psths_are_their_intervals(recording):
    means = analysis.psth(recording, "side", bin_width=50.0)
    figure = plot.psth(means, by="side", units=[1])
    band = figure.axes[0].collections[0].get_paths()[0].vertices[:, 1]
    one = means.isel(condition=0).sel(unit=1)
    assert band.max() == pytest.approx(float(one["high"].max()))
    assert band.min() == pytest.approx(float(one["low"].min()))


def test_correlograms_show_pairs_and_their_control(recording):
    found = analysis.correlogram(recording, max_lag=20.0, bin_width=5.0, control="jitter", key=0)
    figure = plot.correlogram(found, pairs=[(0, 2)])
    heights = [bar.get_height() for bar in figure.axes[0].patches]
    np.testing.assert_allclose(heights, found["correlogram"].sel(unit=0, unit_to=2))
    line = figure.axes[0].lines[0].get_ydata()
    np.testing.assert_allclose(line, found["control"].sel(unit=0, unit_to=2))
    titles = [ax.get_title() for ax in plot.correlogram(found.isel(unit=[2, 0, 1])).axes]
    assert sorted(titles) == ["0 \u2192 1", "0 \u2192 2", "1 \u2192 2"]
    with pytest.raises(ValueError, match="no pairs"):
        plot.correlogram(found.isel(unit=[0], unit_to=[0]))


def test_tuning_is_drawn_against_its_label(recording):
    found = analysis.tuning_curve(recording, "side", period=360, key=0)
    figure = plot.tuning(found, units=2)
    assert {ax.get_title()[:6] for ax in figure.axes} == {"unit 0", "unit 1"}
    line = figure.axes[0].lines[0]
    assert line.get_xdata().tolist() == [0, 90, 180, 270]
    chosen = int(figure.axes[0].get_title()[5])
    np.testing.assert_allclose(line.get_ydata(), found["rate"].sel(unit=chosen))
    time = np.arange(5.0, 500.0, 10.0)
    wave = np.sin(time / 30)[None] * np.ones((40, 1))
    coords = {"trial": np.arange(40), "time": time}
    both = labels.dataset(
        {n: (("trial", "time"), v, "cm", n) for n, v in (("x", wave), ("y", wave**2))}, coords,
        source="recording",
    )  # fmt: skip
    flat = plot.tuning(analysis.tuning_map(recording, both, bins=4, n_shifts=0), units=[1])
    assert flat.axes[0].get_xlabel() == "x (cm)"
    assert flat.axes[0].collections[0].get_array().shape == (4, 4)


def test_matrices_of_pairs_stand_in_the_order_of_their_labels(recording):
    found = analysis.noise_correlation(recording, "side")
    want = found["correlation"].isel(unit=[1, 0, 2], unit_to=[1, 0, 2]).values.copy()
    np.fill_diagonal(want, np.nan)
    for order in ([0, 1, 2], [2, 0, 1]):
        shown = plot.pairs(found.isel(unit=order, unit_to=order), by="area").axes[0].images[0]
        np.testing.assert_array_equal(np.ma.filled(shown.get_array(), np.nan), want)
    distance = analysis.van_rossum_distance(recording.isel(trial=[0, 1, 2]), tau=10.0)
    shown = plot.pairs(distance.sel(unit=0)).axes[0].images[0].get_array()
    assert float(np.ma.filled(shown, np.nan)[0, 2]) == float(distance.sel(unit=0)[0, 2])
    with pytest.raises(ValueError, match="no coordinate 'depth'"):
        plot.pairs(found, by="depth")


def test_fano_factors_over_time(recording):
    found = analysis.mean_matched_fano(
        recording, "side", bin_width=100.0, match_width=2.0, key=0
    )  # fmt: skip
    lines = plot.fano(found).axes[0].lines
    np.testing.assert_allclose(lines[1].get_ydata(), found["fano"])
