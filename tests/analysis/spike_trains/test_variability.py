"""PSTHs, irregularity and Fano factors, against explicit formulas and published numbers."""

import os

import numpy as np
import pytest

from neurodyn import analysis, datasets, labels, spikes, trials
from neurodyn.labels import LabelError

WINDOW = (0.0, 1000.0)
#: Test vector of elephant 1.2.1 for its LV and LvR [ms].
ISI = [1, 28, 4, 47, 5, 16, 2, 5, 21, 12, 4, 12, 59, 2, 4, 18, 33, 25, 2, 34, 4, 1, 1, 14, 8, 1,
       10, 1, 8, 20, 5, 1, 6, 5, 12, 2, 8, 8, 2, 8, 2, 10, 2, 1, 1, 2, 15, 3, 20, 6, 11, 6, 18, 2,
       5, 17, 4, 3, 13, 6, 1, 18, 1, 16, 12, 2, 52, 2, 5, 7, 6, 25, 6, 5, 3, 15, 4, 3, 16, 3, 6,
       5, 24, 21, 3, 3, 4, 8, 4, 11, 5, 7, 5, 6, 8, 11, 33, 10, 7, 4]  # fmt: skip


def poisson(rate, n_trials, *, seed=0, until=None, **coords):
    """Units of rates (time 100 ms, unit) [Hz] in trials of a second."""
    rng = np.random.default_rng(seed)
    count = rng.poisson(np.broadcast_to(rate, (n_trials, *np.shape(rate))) / 10)
    trial, step, unit = (np.repeat(i.ravel(), count.ravel()) for i in np.indices(count.shape))
    time = 100 * (step + rng.random(step.size))
    if until is not None:
        coords["valid_until"] = ("trial", until, "ms")
        kept = time < until[trial]
        time, unit, trial = time[kept], unit[kept], trial[kept]
    coords = {"unit": np.arange(count.shape[2]), "trial": np.arange(n_trials)} | coords
    return spikes.dataset(time, unit, trial, coords=coords, source="recording", window=WINDOW)


def test_irregularity_is_that_of_elephant():
    """elephant 1.2.1; the first ten intervals, and its own test vector."""
    ten = analysis.interval_statistics(spikes.from_times([np.cumsum([0, *ISI[:10]])]))
    for name, want in (("cv2", 1.3222521475), ("lv", 1.4362130170), ("lvr", 2.5274433586)):
        assert float(ten[name][0]) == pytest.approx(want, abs=5e-11)
    found = analysis.interval_statistics(spikes.from_times([np.cumsum([0, *ISI])]))
    for name, want in (("cv2", 1.0022235297), ("lv", 0.971826029994), ("lvr", 2.1845363465)):
        assert float(found[name][0]) == pytest.approx(want, abs=6e-11)
    none = analysis.interval_statistics(spikes.from_times([np.cumsum([0, *ISI])]), refractory=0)
    assert float(none["lvr"][0]) == pytest.approx(float(none["lv"][0]))
    with pytest.raises(ValueError, match="`refractory` must be"):
        analysis.interval_statistics(spikes.from_times([[1.0]]), refractory=-1.0)


@pytest.fixture(scope="module")
def ended():
    """Trials that end early, in three conditions, one unit lost in some trials."""
    until = np.random.default_rng(3).uniform(400, 1000, 24)
    rate = np.linspace(5, 40, 10)[:, None] * [1.0, 0.3, 0.0]
    ds = poisson(rate, 24, until=until, side=("trial", np.arange(24) % 3))
    seen = np.ones((24, 3), bool)
    seen[::5, 1] = False
    lost = ~seen[ds["spike_trial"].values, ds["spike_unit"].values]
    return ds.isel(spike=~lost).assign(observed=(("trial", "unit"), seen)), until, seen


def test_psth_is_the_mean_over_the_trials_that_observed_each_bin(ended):
    ds, until, seen = ended
    found = analysis.psth(ds, "side", bin_width=50.0)
    labels.check(found, values=False)
    edges = np.arange(0, 1001, 50)
    for c in range(3):
        for unit in range(3):
            mine = (ds["spike_unit"] == unit).values
            rows = []
            for k in np.flatnonzero((np.arange(24) % 3 == c) & seen[:, unit]):
                own = ds["spike_time"].values[mine & (ds["spike_trial"] == k).values]
                row = np.histogram(own, edges)[0] / 0.05
                rows.append(np.where(edges[1:] <= until[k], row, np.nan))
            rows = np.array(rows)
            n = np.isfinite(rows).sum(0)
            one = found.isel(condition=c, unit=unit)
            np.testing.assert_array_equal(one["n_trials"], n)
            np.testing.assert_allclose(one["rate"], [np.nanmean(r) if np.isfinite(r).any() else
                                                     np.nan for r in rows.T])  # fmt: skip
            want = [r[np.isfinite(r)].std(ddof=1) / np.sqrt(k) if k > 1 else np.nan
                    for r, k in zip(rows.T, n, strict=True)]  # fmt: skip
            np.testing.assert_allclose(one["sem"], want, atol=1e-10)


def test_psth_smooths_counts_and_continuous_recordings_as_trials_psth(ended):
    ds = ended[0]
    for options in ({"sigma": 30.0}, {"window": (100, 700)}):
        found, want = (
            f(ds, "side", bin_width=20.0, **options) for f in (analysis.psth, trials.psth)
        )
        for name in ("rate", "sem"):
            np.testing.assert_allclose(found[name], want[name], rtol=1e-5, atol=1e-5)
    counts = spikes.bin(ds, bin_width=50.0)
    direct = analysis.psth(ds, "side", bin_width=50.0)
    np.testing.assert_allclose(analysis.psth(counts, "side")["rate"], direct["rate"], rtol=1e-6)
    long = spikes.from_times([np.arange(3.0, 2000.0, 10.0)], window=(0, 2000))
    events = trials.align(long, [100.0, 900.0], (-50, 100))["event_time"].drop_attrs()
    found = analysis.psth(long, [], event=events, window=(-50, 100), bin_width=50.0)
    np.testing.assert_allclose(found["rate"].values.ravel(), 100.0)
    np.testing.assert_allclose(found["high"] - found["low"], 0.0, atol=1e-9)
    order = np.random.default_rng(0).permutation(24)
    again = analysis.psth(ds.isel(trial=order, unit=[2, 0]), "side", bin_width=50.0)
    np.testing.assert_allclose(again["rate"], direct["rate"].isel(unit=[2, 0]))


def test_intervals_of_psths_cover_the_rate():
    rate = np.full((10, 60), 20.0)
    ds = poisson(rate, 40, seed=5)
    for interval in ("normal", "bootstrap"):
        found = analysis.psth(ds, [], bin_width=100.0, interval=interval, key=0, n_draws=400)
        inside = ((found["low"] <= 20) & (found["high"] >= 20)).values
        # 600 intervals: 95 % within four standard errors, somewhat less for the bootstrap.
        assert 0.95 - 4 * 0.009 - 0.01 <= inside.mean() <= 0.95 + 4 * 0.009
    alone = analysis.psth(ds.isel(trial=[0]), [], bin_width=100.0, interval="bootstrap", key=0)
    assert np.isnan(alone["low"]).all()
    assert np.isnan(alone["sem"]).all()
    assert "low" not in analysis.psth(ds, [], interval=None)


def test_psth_refuses_what_it_cannot_average(ended):
    ds = ended[0]
    with pytest.raises(LabelError, match="not in trials: pass event="):
        analysis.psth(spikes.from_times([[1.0]], window=(0, 10)), [])
    with pytest.raises(ValueError, match="`interval` must be"):
        analysis.psth(ds, "side", interval="sem")
    with pytest.raises(ValueError, match="pass `key="):
        analysis.psth(ds, "side", interval="bootstrap")
    with pytest.raises(LabelError, match="make a condition"):
        analysis.psth(ds)


def test_fano_factors_of_conditions_are_pooled_by_sums():
    trial = np.repeat(np.arange(3), [3, 5, 8])
    ds = spikes.dataset(np.arange(16.0), np.zeros(16, int), trial, source="recording",
                        coords={"unit": [0], "trial": np.arange(3)}, window=(0, 20))  # fmt: skip
    assert float(analysis.fano_factor(ds, ddof=0)[0]) == pytest.approx(0.791667, abs=5e-7)
    assert float(analysis.fano_factor(ds)[0]) == pytest.approx(0.791667 * 1.5, abs=1e-6)
    ds = poisson(
        np.linspace(2, 60, 10)[:, None] * [1.0, 0.5], 30, side=("trial", np.arange(30) % 2)
    )
    found = analysis.count_moments(ds, "side", bin_width=200.0)
    labels.check(found, values=False)
    pooled = analysis.fano_factor(ds, by="side", bin_width=200.0)
    ratio = found["count_variance"].sum(["condition", "time"]) / found["mean_count"].sum(
        ["condition", "time"]
    )
    np.testing.assert_allclose(pooled, ratio)
    counts = spikes.bin(ds, bin_width=200.0)["spike_count"].values[1::2]
    np.testing.assert_allclose(found["count_variance"][1], counts.var(0, ddof=1))
    with pytest.raises(ValueError, match="`ddof` must be"):
        analysis.fano_factor(ds, ddof=2)


def test_mean_matching_takes_the_effect_of_rates_off():
    """Refractory counts: variance falls below the mean as rates grow, at all times alike."""
    rng = np.random.default_rng(1)
    drive = rng.uniform(0.5, 6.0, (8, 1, 25)) * np.linspace(1, 2, 4)[:, None]
    count = rng.binomial(20, np.repeat(drive, 40, 0) / 20)[..., :]
    ds = labels.dataset(
        {"spike_count": (("trial", "time", "unit"), count, "count", "spike count")},
        {"time": 40 + 80 * np.arange(4.0), "side": ("trial", np.repeat(np.arange(8), 40))},
        source="recording", kind="spike_count", attrs={"bin_width": 80.0},
    )  # fmt: skip
    found = analysis.mean_matched_fano(ds, "side", match_width=0.5, key=0)
    labels.check(found, values=False)
    whole = found["fano_all"].values
    assert whole[0] - whole[-1] > 0.12
    assert np.ptp(found["fano"].values) < 0.04
    assert np.ptp(found["mean_count"].values) < 0.1 < np.ptp(found["mean_count_all"].values)
    assert (found["low"] < found["fano"]).all()
    # The slope of all points is that of weighted least squares.
    each = count.reshape(8, 40, 4, 25)[:, :, 1]
    mean, var = each.mean(1).ravel(), each.var(1, ddof=1).ravel()
    root = np.sqrt(40) / (mean + 0.08)
    want = np.linalg.lstsq((root * mean)[:, None], root * var, rcond=None)[0][0]
    assert whole[1] == pytest.approx(want)
    with pytest.raises(LabelError, match="widen `match_width`"):
        analysis.mean_matched_fano(ds.isel(unit=[0]), "side", match_width=0.1, key=0)
    with pytest.raises(ValueError, match="multiple of `step`"):
        analysis.mean_matched_fano(ds, "side", bin_width=80.0, step=50.0)


@pytest.mark.skipif("NEURODYN_DATA" not in os.environ, reason="needs NEURODYN_DATA")
def test_recorded_units_are_as_variable_as_other_code_found():
    """Counts of 750 ms in 72 conditions; and a session of single units of a patient."""
    tree = datasets.load("mante2013", form="trials")
    by = ["motion", "colour", "context"]
    fano = []
    for node in tree.children.values():
        unit = node.to_dataset()
        unit = unit.isel(trial=unit["correct"] == 1, time=slice(750))
        many = unit.groupby(by)
        rare = [index for index in many.groups.values() if len(index) < 2]
        unit = unit.isel(
            trial=np.setdiff1d(np.arange(unit.sizes["trial"]), np.concatenate([[], *rare])).astype(
                int
            )
        )
        fano.append(float(analysis.fano_factor(unit, by=by, bin_width=750.0)[0]))
    assert round(float(np.median(fano)), 2) == 3.58
    session = datasets.load("zheng2022")["spikes"].to_dataset()
    found = analysis.interval_statistics(session).median("unit")
    want = {"cv": 1.0115, "cv2": 0.9971, "lv": 0.9947}
    assert {name: round(float(found[name]), 4) for name in want} == want
    assert round(float(analysis.firing_rate(session).median()), 3) == 1.312
