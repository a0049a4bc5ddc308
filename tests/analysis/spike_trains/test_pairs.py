"""Correlograms, tiling, count correlations and distances of trains, against elephant and formulas.

Numbers of elephant 1.2.1 and pynapple 0.11.4 on `TRAINS`.
"""

import numpy as np
import pytest
from scipy.integrate import trapezoid

from neurodyn import analysis, labels, spikes
from neurodyn.labels import LabelError


def _trains():
    rng = np.random.default_rng(7)
    base = np.floor(np.sort(rng.uniform(0, 2000, 40))) + 0.5
    late = np.unique(np.clip(base + np.round(rng.normal(0, 4, 40)), 0.5, 1999.5))
    other = np.unique(np.floor(np.sort(rng.uniform(0, 2000, 50))) + 0.5)
    return [base, late, other, np.array([1000.5]), np.zeros(0)]


TRAINS = _trains()
UPPER = np.triu_indices(5, 1)
NAN = np.nan


@pytest.fixture(scope="module")
def ds():
    return spikes.from_times(TRAINS, window=(0, 2000), coords={"unit": ["a", "b", "c", "d", "e"]})


def in_trials(ds, starts, length):
    """A continuous recording in trials."""
    return spikes.align(ds, np.asarray(starts, float), (0, length))


def test_tiling_and_correlations_are_those_of_elephant(ds):
    found = analysis.spike_time_tiling(ds)
    labels.check(found, values=False)
    sttc = [0.893819160054, 0.141667058971, -0.094, NAN, 0.084503244367, -0.091, NAN, -0.1205, NAN,
            NAN]  # fmt: skip
    np.testing.assert_allclose(found["sttc"].values[UPPER], sttc, atol=1e-11)
    np.testing.assert_array_equal(np.diag(found["sttc"]), [1, 1, 1, 1, NAN])
    np.testing.assert_array_equal(found["sttc"], found["sttc"].values.T)
    counts = [0.943242218284, 0.129358420951, 0.337579789028, NAN, 0.212973947226, 0.347366737146,
              NAN, 0.275113367258, NAN, NAN]  # fmt: skip
    value = analysis.count_correlation(ds, bin_width=50.0)["correlation"]
    np.testing.assert_allclose(value.values[UPPER], counts, atol=1e-11)


def test_distances_are_those_of_elephant_and_metrics(ds):
    rossum = analysis.van_rossum_distance(ds, tau=10.0, over="unit")
    want = [4.16545476082, 8.809247094131, 7.360896539589, 7.431425975107, 8.799484069281,
            7.452715798147, 7.501414077149, 8.263907850694, 8.216256620249, 1.0]  # fmt: skip
    np.testing.assert_allclose(rossum.values[UPPER], want, atol=1e-11)
    victor = analysis.victor_purpura_distance(ds, cost=0.05, over="unit")
    want = [5.25, 52.55, 39.35, 40.0, 52.35, 39.5, 40.0, 50.3, 50.0, 1.0]
    np.testing.assert_allclose(victor.values[UPPER], want, atol=1e-11)
    for distance in (rossum, victor):
        d = distance.values
        np.testing.assert_array_equal(d, d.T)
        assert (np.diag(d) == 0).all()
        assert (d[:, :, None] + d[None] >= d[:, None] - 1e-9).all()
    # The square is 2 / tau times the integral of the squared difference of the traces.
    t = np.arange(0, 2300, 0.05)
    trace = [(np.exp(-np.maximum(t - s[:, None], 0) / 10) * (t >= s[:, None])).sum(0)
             for s in TRAINS[:3]]  # fmt: skip
    area = trapezoid((trace[0] - trace[2]) ** 2, t)
    assert float(rossum[0, 2]) ** 2 == pytest.approx(2 / 10 * area, rel=5e-3)


def test_distances_of_trials_and_of_units_are_the_same_pairs():
    rng = np.random.default_rng(2)
    times = [np.sort(rng.uniform(0, 3000, n)) for n in (40, 300, 2)]
    until = [1000.0, 1000.0, 600.0]
    cut = spikes.align(
        spikes.from_times(times, window=(0, 3000)), np.array([0.0, 1000.0, 2000.0]), (0, 1000),
        until=np.array([0.0, 1000.0, 2000.0]) + until,
    )  # fmt: skip
    for distance, options in (
        (analysis.van_rossum_distance, {"tau": 20.0}),
        (analysis.victor_purpura_distance, {"cost": 0.1}),
    ):
        trials = distance(cut, **options)
        assert trials.dims == ("trial", "trial_to", "unit")
        # The third trial was not observed in all of the window, but in all of a shorter one.
        np.testing.assert_array_equal(np.isnan(trials[..., 0]).values[:2, :2], False)
        assert np.isnan(trials.sel(trial=2)).all()
        short = distance(cut, window=(0, 600), **options)
        assert not np.isnan(short).any()
        units = distance(cut, over="unit", **options)
        assert units.dims == ("trial", "unit", "unit_to")
        # As units of one recording: trial 0 and 1 of the second unit.
        both = spikes.from_times([times[1][times[1] < 1000], times[1][(times[1] >= 1000)
                                  & (times[1] < 2000)] - 1000], window=(0, 1000))  # fmt: skip
        one = distance(both, over="unit", **options)
        assert float(trials[0, 1, 1]) == pytest.approx(float(one[0, 1]), rel=1e-12)
        again = distance(cut.isel(trial=[1, 0], unit=[1]), **options)
        assert float(again[0, 1, 0]) == pytest.approx(float(one[0, 1]), rel=1e-12)
    with pytest.raises(LabelError, match="over='unit'"):
        analysis.van_rossum_distance(spikes.from_times(times, window=(0, 3000)), tau=1.0)
    with pytest.raises(ValueError, match="`over` must be"):
        analysis.victor_purpura_distance(cut, cost=0.1, over="units")


def test_correlograms_are_those_of_elephant_and_pynapple(ds):
    counts = analysis.correlogram(ds, max_lag=10.0, scale="count")
    labels.check(counts, values=False)
    c = counts["correlogram"]
    want = [0, 0, 1, 2, 2, 4, 2, 5, 3, 5, 9, 3, 2, 7, 1, 4, 2, 0, 1, 2, 1]  # times on a grid
    np.testing.assert_array_equal(c.sel(unit="a", unit_to="b"), want)
    np.testing.assert_array_equal(c.values, c.values[::-1].swapaxes(1, 2))
    assert float(c.sel(unit="d", unit_to="d").sum()) == 0  # a spike is no pair with itself
    # pynapple leaves out the ends of the recording.
    rate = analysis.correlogram(ds, max_lag=12.0, bin_width=3.0, scale="normalised")["correlogram"]
    pair = rate.sel(unit="a", unit_to="c")
    ends = 1 - np.abs(pair["lag"].values) / 2000
    np.testing.assert_allclose(pair * ends, np.array([6, 1, 1, 6, 4, 3, 5, 2, 3]) / 3)
    hertz = analysis.correlogram(ds, max_lag=12.0, bin_width=3.0)["correlogram"]
    np.testing.assert_allclose(hertz[:, 0, 2], pair * len(TRAINS[2]) / 2)
    assert np.isnan(hertz.sel(unit="e")).all()
    with pytest.raises(ValueError, match="multiple of `bin_width`"):
        analysis.correlogram(ds, max_lag=10.0, bin_width=3.0)


def test_pairs_are_of_one_trial_and_of_observed_times():
    """Rates are right at all lags whatever was observed of each unit, and nothing crosses gaps."""
    rng = np.random.default_rng(1)
    seen = [[[0, 8000]], [[0, 3000], [4500, 20000]], [[0, 20000]]]
    times = [np.sort(np.concatenate([rng.uniform(a, b, int((b - a) * 0.05)) for a, b in each]))
             for each in seen]  # fmt: skip
    ds = spikes.from_times(times, observed=[np.array(each, float) for each in seen])
    found = analysis.correlogram(ds, max_lag=3000.0, bin_width=500.0, scale="normalised")
    np.testing.assert_allclose(found["correlogram"], 1, atol=0.1)
    # Where units are observed one after the other, there is nothing to divide by.
    apart = spikes.from_times([[10.0, 20.0], [210.0, 220.0]], observed=[[[0, 100]], [[200, 300]]])
    rate = analysis.correlogram(apart, max_lag=50.0, bin_width=10.0)["correlogram"]
    assert np.isnan(rate[:, 0, 1]).all()
    assert np.isnan(analysis.spike_time_tiling(apart)["sttc"][0, 1])
    # Tiles end with the observation: 5 + 5 of 100 ms around 0 and 100, 10 around 50.
    edges = spikes.from_times([[0.0, 50.0, 99.999]], window=(0, 100))
    assert float(analysis.spike_time_tiling(edges)["tiled"][0]) == pytest.approx(0.2, abs=1e-4)
    both = spikes.from_times([[90.0, 110.0, 150.0], [95.0, 105.0]], window=(0, 200))
    cut = in_trials(both, [0.0, 100.0], 100.0)
    counts = analysis.correlogram(cut, max_lag=20.0, bin_width=5.0, scale="count")["correlogram"]
    assert counts.sel(unit=0, unit_to=1).values.tolist() == [0, 0, 0, 1, 0, 1, 0, 0, 0]
    # 3 of 3 and 2 of 2 spikes... but one of the first has no neighbour in its trial.
    sttc = analysis.spike_time_tiling(cut, reach=6.0)
    p, t = np.array([2 / 3, 1.0]), sttc["tiled"].values
    want = 0.5 * ((p[0] - t[1]) / (1 - p[0] * t[1]) + (p[1] - t[0]) / (1 - p[1] * t[0]))
    assert float(sttc["sttc"][0, 1]) == pytest.approx(want)


def test_controls_tell_fine_timing_from_rates_and_events():
    """Two units follow the event alike; two share spikes besides."""
    rng = np.random.default_rng(3)
    n = 60
    time, unit, trial = [], [], []
    for k in range(n):
        shared = rng.uniform(0, 1000, rng.poisson(6))
        for u in range(3):
            locked = 200 + 40 * rng.standard_normal(rng.poisson(8))
            own = np.concatenate([locked, shared + rng.normal(0, 1, shared.size)] if u < 2
                                 else [locked, rng.uniform(0, 1000, 6)])  # fmt: skip
            own = own[(own >= 0) & (own < 1000)]
            time, unit, trial = [*time, *own], [*unit, *[u] * own.size], [*trial, *[k] * own.size]
    ds = spikes.dataset(time, unit, trial, coords={"unit": range(3), "trial": range(n),
                        "side": ("trial", np.arange(n) % 2)}, source="recording",
                        window=(0, 1000))  # fmt: skip
    for control in ("jitter", "shuffle"):
        options = {"control": control, "key": 0, "max_lag": 100.0, "bin_width": 4.0, "by": "side"}
        found = analysis.correlogram(ds, **options)
        labels.check(found, values=False)
        beyond = (found["correlogram"] > found["high"]) | (found["correlogram"] < found["low"])
        pair = found.sel(unit=0, unit_to=1)
        assert float(pair["corrected"].sel(lag=0)) > 5 * float(pair["corrected"].std())
        # Units that share nothing but the event stay within the interval at nearly all lags.
        assert float(beyond.sel(unit=0, unit_to=2).mean()) < 0.15
        assert float(found["control"].sel(unit=0, unit_to=2, lag=0)) > 15  # and not by a low one
    same = analysis.correlogram(ds, **options)
    assert same.identical(found)
    with pytest.raises(LabelError, match="have a single trial"):
        analysis.correlogram(ds.isel(trial=[0, 1, 2]), **options)
    with pytest.raises(LabelError, match="control='jitter'"):
        analysis.correlogram(spikes.from_times(TRAINS, window=(0, 2000)), control="shuffle", key=0)


def counts(values, *, attrs=(), **coords):
    """Labelled counts in bins of 100 ms."""
    return labels.dataset(
        {"spike_count": (("trial", "time", "unit"), values, "count", "spike count")},
        {"time": 50 + 100.0 * np.arange(values.shape[1])} | coords,
        source="recording", kind="spike_count", attrs={"bin_width": 100.0} | dict(attrs),
    )  # fmt: skip


def test_noise_and_signal_are_taken_apart():
    rng = np.random.default_rng(4)
    side = np.arange(400) % 4
    tuning = np.array([[5, 9, 13, 17], [5, 9, 13, 17], [17, 13, 9, 5], [7, 7, 7, 7]]).T
    shared = rng.normal(0, 2, (400, 1)) * [1, -1, 1, 0]
    n = rng.poisson(np.clip(tuning[side] + shared, 0.1, None)).astype(float)
    n = np.concatenate([n, np.full((400, 1), 3.0)], 1)
    n[::7, 2] = np.nan
    ds = counts(n[:, None], side=("trial", side), attrs={"gaps": 1})
    noise, signal, total = (
        analysis.noise_correlation(ds, "side"), analysis.signal_correlation(ds, "side"),
        analysis.count_correlation(ds),
    )  # fmt: skip
    assert np.sign(noise["correlation"].values[0, 1:3]).tolist() == [-1, 1]
    assert signal["correlation"].values[0, 1] > 0.98
    assert signal["correlation"].values[0, 2] < -0.98
    z = np.concatenate([(n[side == k, :2] - n[side == k, :2].mean(0)) / n[side == k, :2].std(0)
                        for k in range(4)])  # fmt: skip
    assert float(noise["correlation"][0, 1]) == pytest.approx(np.mean(z[:, 0] * z[:, 1]))
    means = np.stack([np.nanmean(n[side == k], 0) for k in range(4)])
    np.testing.assert_allclose(signal["correlation"][:3, :3], np.corrcoef(means[:, :3].T))
    there = ~np.isnan(n[:, 2])
    assert float(total["correlation"][0, 2]) == pytest.approx(
        np.corrcoef(n[there][:, [0, 2]].T)[0, 1]
    )
    for found in (noise, signal, total):  # of a unit that does not vary
        assert np.isnan(found["correlation"][4]).all()
        labels.check(found, values=False)
    assert noise["n_samples"].values[0, :3].tolist() == [400, 400, int(there.sum())]
    apart = ds.assign_attrs(simultaneous=0)
    for measure in (analysis.noise_correlation, analysis.count_correlation):
        with pytest.raises(LabelError, match="not recorded at the same time"):
            measure(apart, **({"by": "side"} if measure is analysis.noise_correlation else {}))
    assert analysis.signal_correlation(apart, "side").identical(signal)
    with pytest.raises(LabelError, match="three are needed"):
        analysis.signal_correlation(ds.isel(trial=side < 2), "side")
