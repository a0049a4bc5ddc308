"""Tests that measures of spike trains leave out what was not observed."""

import numpy as np
import pytest
from scipy.signal import welch

from neurodyn import analysis, labels, spikes, trials

RNG = np.random.default_rng(3)


def _poisson(rate, duration):
    return np.sort(RNG.uniform(0, duration, RNG.poisson(rate * duration / 1e3)))


@pytest.fixture(scope="module")
def whole():
    """Five units at 40 Hz for 6 s, without gaps."""
    return spikes.from_times([_poisson(40, 6000) for _ in range(5)], window=(0, 6000))


@pytest.fixture(scope="module")
def broken(whole):
    """The same, of which all lack 2 to 3 s, unit 1 lacks 4 to 5 s, and unit 4 is never seen."""
    seen = [np.array([[0, 2000], [3000, 6000]])] * 5
    seen[1] = np.array([[0, 2000], [3000, 4000], [5000, 6000]])
    seen[4] = np.zeros((0, 2))
    times = [
        np.concatenate([[t for t in times if low <= t < high] for low, high in each] or [[]])
        for times, each in zip(spikes.times(whole), seen, strict=True)
    ]
    return spikes.from_times(times, observed=seen)


def test_population_rate_is_over_units_that_were_observed(broken):
    rate = analysis.population_rate(broken, bin_width=100.0)["rate"].values[:, 0]
    times = spikes.times(broken)
    for bin_, units in ((5, [0, 1, 2, 3]), (45, [0, 2, 3])):
        low = bin_ * 100
        n = sum(((times[u] >= low) & (times[u] < low + 100)).sum() for u in units)
        assert rate[bin_] == pytest.approx(n / len(units) / 0.1, rel=1e-5)
    np.testing.assert_array_equal(np.isnan(rate), (np.arange(60) >= 20) & (np.arange(60) < 30))


def test_spectrum_is_the_mean_over_segments_without_gaps(broken):
    part = broken.isel(unit=[0, 2, 3])
    found = analysis.population_spectrum(part, bin_width=5.0, segment=500.0)
    rate = np.mean(
        [np.histogram(t, np.arange(0, 6001, 5.0))[0] * 200.0 for t in spikes.times(part)], axis=0
    )
    pieces, counts = [rate[:400], rate[600:]], [7, 11]  # half overlapping segments of 100 bins
    power = [welch(piece, 200.0, nperseg=100)[1] for piece in pieces]
    np.testing.assert_allclose(
        found["power"].values[:, 0], np.average(power, axis=0, weights=counts), rtol=1e-4
    )
    with pytest.raises(labels.LabelError, match="shorter segment"):
        analysis.population_spectrum(part, bin_width=5.0, segment=3500.0)


def test_synchrony_of_bins_in_which_all_were_observed(whole, broken):
    found = analysis.synchrony(broken, bin_width=10.0)
    kept = np.r_[0:200, 300:400, 500:600]
    counts = spikes.bin(whole.isel(unit=slice(4)), bin_width=10.0).spike_count.values[kept]
    r = np.corrcoef(counts.T)
    assert float(found["n_units"]) == 4
    assert float(found["correlation"]) == pytest.approx((r.sum() - 4) / 12)


def test_counts_over_trials_of_units_that_were_observed(broken):
    cut = spikes.align(broken, np.arange(0, 6000, 500.0), (0, 500), invalid="drop")
    assert cut.sizes["trial"] == 10
    times = spikes.times(broken)
    events = cut["event_time"].values
    counts = [
        [((t >= e) & (t < e + 500)).sum() for e in events if not (u == 1 and 4000 <= e < 5000)]
        for u, t in enumerate(times[:4])
    ]
    fano = analysis.fano_factor(cut).values
    np.testing.assert_allclose(fano[:4], [np.var(c, ddof=1) / np.mean(c) for c in counts])
    assert np.isnan(fano[4])
    psth = trials.psth(cut, by=[], bin_width=500.0)
    labels.check(psth)
    np.testing.assert_allclose(psth["rate"].values[0, 0, :4], [2 * np.mean(c) for c in counts])
    assert psth["n_trials"].values[0].tolist() == [10, 8, 10, 10, 0]
    assert np.isfinite(analysis.fano_factor(broken, bin_width=100.0).values[:4]).all()


def test_responses_whose_start_was_not_observed_have_no_latency():
    seen = [[[0, 100], [150, 300]], [[20, 300]]]
    ds = spikes.from_times([[10.0, 60.0, 160.0, 210.0, 235.0], [30.0, 240.0]], observed=seen)
    cut = spikes.align(ds, [0.0, 140.0], (0, 140))
    cut = cut.assign_coords(step=("trial", [10.0, 20.0], {"units": "pA"}))
    found = analysis.fi_curve(cut)
    np.testing.assert_allclose(found["rate"], [[2 / 0.1, 1 / 0.12], [3 / 0.13, 1 / 0.14]])
    np.testing.assert_allclose(found["latency"], [[10, np.nan], [np.nan, 100]])
    np.testing.assert_allclose(found["initial_rate"], [[20, np.nan], [20, np.nan]])
    longer = spikes.align(ds, [0.0], (0, 240)).assign_coords(step=("trial", [10.0]))
    longer["step"].attrs["units"] = "pA"
    assert float(analysis.fi_curve(longer)["final_rate"][0, 0]) == pytest.approx(2e3 / 75)
