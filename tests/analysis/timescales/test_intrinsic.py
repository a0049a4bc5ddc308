"""Correlations across trials against direct sums, intervals against repetition, and the bias."""

import numpy as np
import pytest

from neurodyn import analysis, labels
from neurodyn.labels import LabelError


def counts(tau=100.0, n_trials=120, n_times=20, n_units=6, seed=0, mean=2.0, modulation=1.0):
    drawn = analysis.modulated_counts(
        seed, np.full((n_times, n_units), mean), tau,
        bin_width=25.0, n_trials=n_trials, modulation=modulation,
    )  # fmt: skip
    return labels.dataset(
        {"spike_count": (("trial", "time", "unit"), np.asarray(drawn), "count", "spike count")},
        {"time": labels.time_axis(n_times, 25.0)},
        source="recording",
        kind="spike_count",
    )


@pytest.fixture(scope="module")
def recording():
    return counts()


@pytest.fixture(scope="module")
def found(recording):
    return analysis.intrinsic_timescale(recording, 250.0, n_draws=60)


def test_is_the_mean_correlation_across_trials(recording, found):
    for unit in range(2):
        r = np.corrcoef(recording["spike_count"].values[:, :, unit].T)
        expected = [np.diag(r, k).mean() for k in range(11)]
        np.testing.assert_allclose(found["autocorrelation"][:, unit], expected, atol=1e-5)
    labels.check(found)
    plain = analysis.timescale(recording, 250.0)
    np.testing.assert_allclose(found["tau"], plain["tau"], rtol=1e-3)


def test_intervals_hold_the_truth_and_narrow_with_trials(recording, found):
    assert float(found["population_low"]) < 100 < float(found["population_high"])
    inside = (found["low"] < found["tau"]) & (found["tau"] < found["high"])
    assert inside.mean() > 0.8
    few = analysis.intrinsic_timescale(recording.isel(trial=slice(30)), 250.0, n_draws=60)
    width = [float(f["population_high"] - f["population_low"]) for f in (few, found)]
    assert width[0] > 1.3 * width[1]
    units = analysis.intrinsic_timescale(recording, 250.0, over="unit", n_draws=60)
    assert "low" not in units
    assert float(units["population_low"]) < float(units["population_tau"])


def test_windows_that_are_alike_are_drawn_together(recording):
    # Every trial eight times: as sure as an eighth of them, which only runs of trials can tell.
    few = recording.isel(trial=slice(15))
    alike = recording.isel(trial=np.repeat(np.arange(15), 8))
    naive = analysis.intrinsic_timescale(alike, 250.0, n_draws=60)  # compiled above
    runs = analysis.intrinsic_timescale(alike, 250.0, n_draws=60, block=16)
    width = [float(f["population_high"] - f["population_low"]) for f in (naive, runs)]
    assert width[1] > 1.6 * width[0]
    with pytest.raises(ValueError, match="block"):
        analysis.intrinsic_timescale(few, 250.0, n_draws=2, block=15)


@pytest.mark.slow  # compiles for two more shapes
@pytest.mark.parametrize(("scale", "offset"), [(2.0**-80, 0.0), (2.0**80, 0.0), (1.0, 2.0**22)])
def test_neither_scale_nor_offset_change_anything(recording, scale, offset):
    data = recording.astype(np.float64)  # counts, so that all of this is exact
    options = {"key": 0, "n_draws": 5}
    want = analysis.intrinsic_timescale(data, **options)
    got = analysis.intrinsic_timescale(data * scale + offset, **options)
    np.testing.assert_array_equal(got.autocorrelation, want.autocorrelation)
    np.testing.assert_array_equal(got.tau, want.tau)


def test_trials_a_unit_was_not_recorded_in_do_not_count(recording):
    own = recording.isel(unit=[0, 1]).astype(float).copy(deep=True)
    own["spike_count"][70:, :, 1] = np.nan
    own.attrs["simultaneous"] = 0
    found = analysis.intrinsic_timescale(own, 250.0, n_draws=5)
    short = recording.isel(unit=[1], trial=slice(70))
    alone = analysis.intrinsic_timescale(short, 250.0, n_draws=5)
    np.testing.assert_allclose(
        found["autocorrelation"][:, 1], alone["autocorrelation"][:, 0], atol=1e-5
    )
    assert found["n_trials"].values.tolist() == [120, 70]
    assert np.isfinite(found["low"]).all()
    # Neither do those of which it lacks a part, because of a gap.
    own["spike_count"][70:, :3, 1] = 1.0
    with pytest.raises(LabelError, match="NaN inside of trials"):
        analysis.intrinsic_timescale(own, 250.0, n_draws=5)
    partly = analysis.intrinsic_timescale(own.assign_attrs(gaps=1), 250.0, n_draws=5)
    np.testing.assert_array_equal(partly["autocorrelation"], found["autocorrelation"])
    np.testing.assert_array_equal(partly["n_trials"], found["n_trials"])


def test_surrogates_have_the_rate_and_the_timescale_they_should():
    drawn = counts(80.0, 4000, 12, 2, seed=1, mean=3.0)["spike_count"].values
    assert drawn.mean() == pytest.approx(3.0, rel=0.02)
    x = drawn - drawn.mean(0)
    for lag in (1, 3, 6):  # Poisson noise adds at lag 0 only
        product = (x[:, :-lag] * x[:, lag:]).mean()
        assert product == pytest.approx(9.0 * np.exp(-lag * 25 / 80), rel=0.12)


def test_recovery_measures_the_bias(recording):
    result = analysis.timescale_recovery(recording, [50.0, 100.0], 250.0, n_repeats=3)
    alone = analysis.timescale_recovery(recording, 50.0, 250.0, n_repeats=1)  # one, not in a list
    assert float(alone["recovered"][0, 0]) == float(result["recovered"][0, 0])
    assert result.attrs["modulation"] == pytest.approx(1.0, rel=0.35)
    assert np.abs(result["ratio"].mean("repetition") - 1).max() < 0.35
    assert (result["fitted"] > 0.6).all()
    labels.check(result)


def test_silent_bins():
    data = counts(n_units=2, n_trials=40)
    data["spike_count"] = data["spike_count"].copy(data=data["spike_count"].values.copy())
    data["spike_count"][:, 3, 1] = 0
    strict = analysis.intrinsic_timescale(data, 250.0, n_draws=2)
    assert strict["status"].values.tolist()[1] == "silent"
    assert np.isnan(strict["tau"][1])
    assert strict.attrs["n_used"] == 1
    lenient = analysis.intrinsic_timescale(data, 250.0, n_draws=2, silent=0.1)
    keep = [t for t in range(20) if t != 3]
    r = np.corrcoef(data["spike_count"].values[:, keep, 1].T)
    pairs = [r[i, j] for i, a in enumerate(keep) for j, b in enumerate(keep) if b - a == 2]
    assert float(lenient["autocorrelation"][2, 1]) == pytest.approx(np.mean(pairs), abs=1e-5)


def test_bad_input(recording):
    with pytest.raises(LabelError, match="3 of them"):
        analysis.intrinsic_timescale(recording.isel(trial=[0, 1]))
    with pytest.raises(LabelError, match="dims"):
        analysis.intrinsic_timescale(recording["spike_count"].mean("trial"))
    with pytest.raises(LabelError, match="empty"):
        analysis.intrinsic_timescale(recording.isel(unit=[]))
    with pytest.raises(ValueError, match="four lags"):
        analysis.intrinsic_timescale(recording.isel(time=slice(5)))
    with pytest.raises(LabelError, match="NaN inside"):
        analysis.intrinsic_timescale(recording.where(recording["time"] > 60))
    with pytest.raises(ValueError, match="`tau`"):
        analysis.timescale_recovery(recording, [], 250.0)
    with pytest.raises(ValueError, match="`tau`"):
        analysis.modulated_counts(0, np.ones((3, 2)), -1.0, bin_width=10.0, n_trials=2)
    rising = recording["spike_count"].copy(data=np.random.default_rng(0).normal(size=(120, 20, 6)))
    rising[:, 10:] += rising[:, :10].values  # alike at long lags only
    with pytest.raises(ValueError, match="modulation"):
        analysis.timescale_recovery(rising, [50.0], 250.0, first_lag=150.0)
