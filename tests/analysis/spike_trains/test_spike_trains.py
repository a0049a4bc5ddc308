"""Statistics of spike trains, against explicit formulas on the trains of each unit."""

import numpy as np
import pytest
import xarray as xr

from neurodyn import analysis, labels, spikes
from neurodyn.labels import LabelError

WINDOW = (0.0, 2000.0)


@pytest.fixture(scope="module")
def trains():
    """Four units in 20 trials: Poisson, clock, gamma, silent. [trial][unit] -> times."""
    rng = np.random.default_rng(0)

    def one():
        poisson = np.cumsum(rng.exponential(40.0, 200))
        clock = 7.0 + 25.0 * np.arange(80)
        gamma = np.cumsum(rng.gamma(4.0, 10.0, 200))
        return [t[t < WINDOW[1]] for t in (poisson, clock, gamma, np.zeros(0))]

    return [one() for _ in range(20)]


@pytest.fixture(scope="module")
def ds(trains):
    flat = [
        (t, u, k) for k, trial in enumerate(trains) for u, train in enumerate(trial) for t in train
    ]
    time, unit, trial = (np.array(c) for c in zip(*flat, strict=True))
    coords = {
        "unit": np.arange(4),
        "trial": np.arange(20),
        "population": ("unit", ["a", "b", "a", "b"]),
        "side": ("trial", np.arange(20) % 2),
    }
    return spikes.dataset(time, unit, trial, coords=coords, source="recording", window=WINDOW)


def test_intervals_do_not_cross_trials(ds, trains):
    found = analysis.spike_intervals(ds)
    labels.check(found)
    for u in range(4):
        mine = found["interspike_interval"].values[found["interval_unit"].values == u]
        want = np.concatenate([np.diff(trial[u]) for trial in trains])
        np.testing.assert_allclose(mine, want)


def test_statistics_are_those_of_elephant(ds, trains):
    """The formulas of its cv (scipy's variation), cv2 and lv, one unit at a time."""
    found = analysis.interval_statistics(ds)
    labels.check(found, values=False)
    for u in range(3):
        isi = [np.diff(trial[u]) for trial in trains]
        pooled = np.concatenate(isi)
        pairs = np.concatenate([np.abs(np.diff(v)) / (v[1:] + v[:-1]) for v in isi])
        assert float(found["cv"][u]) == pytest.approx(pooled.std() / pooled.mean())
        assert float(found["cv2"][u]) == pytest.approx(2 * pairs.mean())
        assert float(found["lv"][u]) == pytest.approx(3 * (pairs**2).mean())
        assert int(found["n_intervals"][u]) == pooled.size
    poisson, clock, gamma = found.isel(unit=slice(3)).to_dataframe()[["cv", "cv2", "lv"]].values
    np.testing.assert_allclose(poisson, 1, atol=0.12)
    np.testing.assert_allclose(clock, 0, atol=1e-12)
    # A gamma process of shape k has CV 1/sqrt(k) and LV 3/(2k + 1).
    np.testing.assert_allclose(gamma[[0, 2]], [0.5, 1 / 3], atol=0.04)
    assert np.isnan(found["cv"][3])


def test_intervals_over_a_gap_are_left_out():
    one = spikes.from_times([[1.0, 3.0, 20.0, 24.0]], window=(0, 30))
    one.attrs["obs_intervals"] = [0.0, 5.0, 15.0, 30.0]
    found = analysis.spike_intervals(one)
    assert found["interspike_interval"].values.tolist() == [2.0, 4.0]
    assert np.isnan(analysis.interval_statistics(one)["cv2"][0])  # the two are not successive
    assert float(analysis.firing_rate(one)[0]) == pytest.approx(4 / 20e-3)


def test_silence_has_no_intervals():
    found = analysis.interval_statistics(spikes.from_times([[], [3.0]], window=(0, 10)))
    labels.check(found, values=False)
    assert np.isnan(found["mean_interval"].values).all()


def test_rates(ds, trains):
    want = [np.mean([len(trial[u]) for trial in trains]) / 2 for u in range(4)]
    np.testing.assert_allclose(analysis.firing_rate(ds), want)
    np.testing.assert_allclose(analysis.firing_rate(spikes.bin(ds, bin_width=50.0)), want)
    np.testing.assert_allclose(
        analysis.firing_rate(spikes.rate(ds, bin_width=50.0)), want, rtol=1e-5
    )
    late = analysis.firing_rate(ds, window=(1000, 2000))
    want = [np.mean([(trial[u] >= 1000).sum() for trial in trains]) for u in range(4)]
    np.testing.assert_allclose(late, want)


def test_rates_count_only_what_was_observed():
    cut = spikes.align(spikes.from_times([[10.0, 110.0]], window=(0, 150)), [0.0, 100.0], (0, 100))
    assert float(analysis.firing_rate(cut)[0]) == pytest.approx(2 / 0.150)


def test_fano_factor(ds, trains):
    count = np.array([[len(train) for train in trial] for trial in trains], float)
    found = analysis.fano_factor(ds)
    np.testing.assert_allclose(found[:3], (count.var(0, ddof=1) / count.mean(0).clip(1))[:3])
    assert np.isnan(found[3])
    by = analysis.fano_factor(ds, by="side", bin_width=100.0)
    fine = spikes.bin(ds, bin_width=100.0)["spike_count"].values
    parts = [fine[0::2], fine[1::2]]
    want = (
        sum(p.var(0, ddof=1).sum(0) for p in parts)[:3] / sum(p.mean(0).sum(0) for p in parts)[:3]
    )
    np.testing.assert_allclose(by[:3], want)


def test_fano_factor_says_what_is_missing(ds):
    half = ds.sizes["trial"] // 2
    side = np.where(np.arange(ds.sizes["trial"]) < half, 1.0, np.nan)
    with pytest.raises(LabelError, match="have no 'cue'"):
        analysis.fano_factor(ds.assign_coords(cue=("trial", side)), by="cue")
    counts = spikes.bin(ds, bin_width=100.0)
    with pytest.raises(LabelError, match="select more of them"):
        analysis.fano_factor(counts.isel(trial=[0]))


def test_detect_spikes_refuses_a_dead_time_that_is_none_and_takes_the_variable():
    v = np.full((1, 100), -60.0)
    v[0, 10::20] = 20.0
    run = labels.dataset(
        {"v": (("sweep", "time"), v, "mV", "potential")},
        {"time": labels.time_axis(100, 1.0)},
        source="recording",
    )
    assert analysis.detect_spikes(run.v, refractory=25.0).sizes["spike"] == 3
    for bad in (-1.0, np.nan):
        with pytest.raises(ValueError, match="`refractory` must be"):
            analysis.detect_spikes(run, refractory=bad)


def _ended(until):
    """Three units in ten trials of 500 ms that end at these times."""
    rng = np.random.default_rng(0)
    whole = spikes.from_times([rng.uniform(0, 10e3, 400) for _ in range(3)], window=(0, 10e3))
    events = np.arange(10) * 1000.0
    return spikes.align(whole, events, (0, 500), until=events + until)


@pytest.mark.parametrize("by", [None, "side"])
def test_fano_factor_of_trials_that_end_early(by):
    """Bins count that two trials (of a condition) reached, each with the same weight."""
    until = np.array([420.0] * 8 + [500.0, 240.0])
    side = np.array([0, 1] * 5)
    cut = _ended(until).assign_coords(side=("trial", side))
    found = analysis.fano_factor(cut, bin_width=100.0, by=by)
    count = spikes.bin(cut, bin_width=100.0)["spike_count"].values
    var, mean = np.zeros(3), np.zeros(3)
    for k in range(5):
        for group in [side == 0, side == 1] if by else [side >= 0]:
            there = count[group & (until >= 100 * (k + 1)), k]
            if len(there) >= 2:
                var += there.var(0, ddof=1)
                mean += there.mean(0)
    np.testing.assert_allclose(found, var / mean)


def test_fano_factor_of_units_lost_on_the_way():
    """What one unit misses changes nothing of the others."""
    fine = spikes.bin(_ended(np.full(10, 500.0)), bin_width=100.0)
    lost = fine.assign(spike_count=fine.spike_count.astype(float))
    lost.spike_count[1:, :, 1] = np.nan
    lost.spike_count[3:, 2:, 2] = np.nan
    found, whole = (analysis.fano_factor(x).values for x in (lost, fine))
    assert found[0] == whole[0]
    assert np.isnan(found[1])
    some = fine.spike_count.values[:, :, 2].astype(float)
    parts = [some[:, :2], some[:3, 2:]]
    want = sum(p.var(0, ddof=1).sum() for p in parts) / sum(p.mean(0).sum() for p in parts)
    assert found[2] == pytest.approx(want)
    # The mean of a population is that of the units that were seen.
    rate = analysis.population_rate(lost).rate.values[..., 0]
    np.testing.assert_allclose(rate, 10 * np.nanmean(lost.spike_count, axis=2), rtol=1e-6)


def test_synchrony_of_trials_that_end_early():
    until = np.array([500.0] * 5 + [255.0] * 5)
    found = analysis.synchrony(_ended(until), bin_width=10.0)
    early = analysis.synchrony(_ended(np.full(10, 500.0)), bin_width=10.0, window=(0, 250))
    np.testing.assert_allclose(found.chi[5:], early.chi[5:])
    assert found.chi.notnull().all()


def test_population_rate(ds, trains):
    found = analysis.population_rate(ds, bin_width=100.0, by="population")
    labels.check(found)
    assert found["population"].values.tolist() == ["a", "b"]
    assert found["n_units"].values.tolist() == [2, 2]
    count = spikes.bin(ds, bin_width=100.0)["spike_count"].values
    np.testing.assert_allclose(
        found["rate"][..., 0], 5 * (count[..., 0] + count[..., 2]), rtol=1e-5
    )


def test_synchrony_of_spikes_and_potentials():
    rng = np.random.default_rng(1)
    common, own = rng.standard_normal((500, 1)), rng.standard_normal((500, 40))
    for x, chi, r in (
        (np.repeat(common, 40, 1), 1.0, 1.0),
        (own, 40**-0.5, 0.0),
        (common + own, np.sqrt((1 + 1 / 40) / 2), 0.5),
    ):
        v = labels.dataset(
            {"v": (("time", "unit"), x, "mV", "membrane potential")},
            {"time": labels.time_axis(500, 1.0)},
            source="model",
        )
        found = analysis.synchrony(v, variable="v")
        assert float(found["chi"]) == pytest.approx(chi, abs=0.06)
        correlation = np.corrcoef(x.T)
        want = (correlation.sum() - 40) / (40 * 39)
        assert float(found["correlation"]) == pytest.approx(want, abs=1e-9)
        assert float(found["correlation"]) == pytest.approx(r, abs=0.06)


def test_spectrum_finds_a_rhythm():
    rng = np.random.default_rng(2)
    t = np.arange(4000.0)
    rate = 0.1 * (1 + np.sin(2 * np.pi * 40e-3 * t))
    times = [t[rng.random(4000) < rate] for _ in range(50)]
    one = spikes.from_times(times, window=(0, 4000))
    found = analysis.population_spectrum(one)
    labels.check(found, values=False)
    assert float(found["peak_frequency"][0]) == pytest.approx(40, abs=2)
    assert float(found["gamma"][0]) > 0.5 > float(found["alpha"][0])
    # Parseval: the power sums up to the variance of the rate.
    variance = analysis.population_rate(one)["rate"].values.var()
    resolution = float(found["frequency"][1])
    assert float(found["power"].sum()) * resolution == pytest.approx(variance, rel=0.05)


def test_runs_count_spikes_in_the_step_they_fell_into():
    run = spikes.dataset(
        [10.0, 10.5, 20.0],
        [0, 0, 0],
        coords={"unit": [0]},
        source="model",
        window=(0, 20),
        attrs={"dt": 0.5, "closed": "right"},
    )
    assert spikes.bin(run, bin_width=10.0)["spike_count"].values.ravel().tolist() == [1, 2]
    assert float(analysis.firing_rate(run)[0]) == pytest.approx(150.0)


def potentials(rows, units="mV"):
    return labels.dataset(
        {"v": (("sweep", "time"), np.asarray(rows, float), units, "membrane potential")},
        {
            "time": np.arange(len(rows[0])) * 0.1,
            "step": ("sweep", 50.0 * np.arange(len(rows)), "pA"),
        },
        source="recording",
    )


def test_spikes_out_of_potentials():
    quiet = [-60.0] * 8
    spiking = [-60, -20, 20, -60, -60, -10, 30, -60]
    found = analysis.detect_spikes(potentials([quiet, spiking]), refractory=0.2)
    np.testing.assert_allclose(found["spike_time"], [0.15, 0.525])
    assert found["spike_trial"].values.tolist() == [1, 1]
    assert found["step"].dims == ("trial",)
    once = analysis.detect_spikes(potentials([quiet, spiking]), refractory=1.0)
    assert once.sizes["spike"] == 1


@pytest.mark.parametrize(("every", "dead"), [(8, 1.0), (25, 1.0), (25, 3.0), (9, 2.0), (25, 60.0)])
def test_dead_time_counts_from_the_last_spike_that_counted(every, dead):
    """Crossings that do not count start no dead time: 18 of those every 2.5 ms in 90 ms, not 1."""
    rising = np.arange(50, 950, every)
    v = np.full((2, 1000), -60.0)
    v[0, rising] = v[1, rising[::3]] = 60.0
    want = []
    for row, at in enumerate((rising, rising[::3])):
        last = -np.inf
        for sample in at:
            if sample * 0.1 - last >= dead - 1e-9:
                last = sample * 0.1
                want.append((row, last))
    found = analysis.detect_spikes(potentials(v), refractory=dead)
    assert found["spike_trial"].values.tolist() == [row for row, _ in want]
    np.testing.assert_allclose(found["spike_time"], [at - 0.05 for _, at in want])


def test_fi_curve():
    ds = spikes.dataset(
        [10.0, 30.0, 35.0, 45.0, 12.0, 80.0],
        [0] * 6,
        [1, 1, 1, 1, 2, 2],
        coords={"unit": [0], "trial": [0, 1, 2], "step": ("trial", [0.0, 50.0, 50.0], "pA")},
        source="recording",
        window=(0, 100),
    )
    found = analysis.fi_curve(ds, window=(5, 50))
    labels.check(found, values=False)
    assert found["current"].values.tolist() == [0.0, 50.0]
    np.testing.assert_allclose(found["rate"].values.ravel(), [0, 2.5 / 0.045])
    assert float(found["initial_rate"][1, 0]) == pytest.approx(50.0)
    assert float(found["final_rate"][1, 0]) == pytest.approx(2 / 15e-3)
    assert float(found["latency"][1, 0]) == pytest.approx(6.0)
    assert np.isnan(found["latency"][0, 0])


BARE = spikes.from_times([[1.0, 2.0]])
WRONG = {
    "rate of unknown window": (lambda ds: analysis.firing_rate(BARE), "pass window"),
    "window beyond the recording": (lambda ds: analysis.firing_rate(ds, window=(0, 9e3)), "exceed"),
    "not spikes": (lambda ds: analysis.spike_intervals(xr.Dataset()), "spike Dataset"),
    "one trial": (lambda ds: analysis.fano_factor(ds, by="trial"), "two trials at least"),
    "no variance": (
        lambda ds: analysis.fano_factor(spikes.from_times([[1.0]], window=(0, 9))),
        "bin_width",
    ),
    "no population": (lambda ds: analysis.population_rate(ds, by="layer"), "no coordinate 'layer'"),
    "long segments": (lambda ds: analysis.population_spectrum(ds, segment=5e3), "do not fit"),
    "volts": (lambda ds: analysis.detect_spikes(potentials([[0.0, 1.0]], "V")), "are in mV"),
    "low peaks": (
        lambda ds: analysis.detect_spikes(potentials([[-60.0, -5.0]])),
        "lower the threshold",
    ),
    "no trials": (lambda ds: analysis.fi_curve(BARE), "needs trials"),
    "no current": (lambda ds: analysis.fi_curve(ds), "no label 'step'"),
    "not in pA": (lambda ds: analysis.fi_curve(ds, current="side"), "currents are in pA"),
    "nothing to compare": (lambda ds: analysis.synchrony(xr.Dataset()), "variable="),
}


@pytest.mark.parametrize("case", WRONG)
def test_says_what_is_wrong(ds, case):
    call, message = WRONG[case]
    with pytest.raises(LabelError, match=message):
        call(ds)
