"""Encoding models against scikit-learn, and against what is known of simulated recordings."""

import numpy as np
import pytest
import xarray as xr
from sklearn.cross_decomposition import PLSRegression
from sklearn.linear_model import LinearRegression

from neurodyn import analysis, labels
from neurodyn.labels import LabelError

N_CONDITIONS, N_TIMES, N_TRIALS, N_UNITS = 48, 5, 10, 12
TIME = labels.time_axis(N_TIMES, 20.0)
NOISE = np.linspace(0.3, 5, N_UNITS)


def _latent(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((N_CONDITIONS, N_TIMES, 4)), rng


def _run(n_units=9, seed=0):
    latent, _ = _latent()
    rate = latent @ np.random.default_rng(seed + 1).standard_normal((4, n_units))
    coords = {"time": TIME, "stimulus": ("condition", np.arange(N_CONDITIONS))}
    coords["block"] = ("condition", np.arange(N_CONDITIONS) // 12)
    of = {"rate": (("condition", "time", "unit"), rate, "Hz", "rate", "rate")}
    return labels.dataset(of, coords, source="model")


def _recording(noise=NOISE, n_trials=N_TRIALS, seed=0):
    """Trials whose expected response has variance 1 in each unit."""
    latent, rng = _latent(seed=0)
    mean = latent @ np.random.default_rng(7).standard_normal((4, N_UNITS))
    mean = (mean - mean.mean((0, 1))) / mean.std((0, 1))
    stimulus = np.repeat(np.arange(N_CONDITIONS), n_trials)
    rng = np.random.default_rng(seed + 100)
    rate = mean[stimulus] + noise * rng.standard_normal((stimulus.size, N_TIMES, N_UNITS)) + 10
    coords = {"time": TIME, "stimulus": ("trial", stimulus), "block": ("trial", stimulus // 12)}
    of = {"rate": (("trial", "time", "unit"), rate, "Hz", "rate", "rate")}
    return labels.dataset(of, coords, source="recording")


@pytest.mark.usefixtures("x64")
def test_maps_are_those_of_scikit_learn():
    run, rec = _run(), _recording()
    pls = {"n_components": [1, 2, 4]}
    exact = {"scale": False, "tol": 1e-15, "max_iter": 100_000}
    one = rec.isel(unit=[0])
    for ours, theirs, options in (
        ({"model": "ridge", "penalties": [1e-13]}, {"model": LinearRegression()}, {}),
        ({"model": "nonnegative"}, {"model": LinearRegression(positive=True)}, {}),
        (
            {"model": "pls", "components": 3},
            {"model": PLSRegression(3, **exact)},
            {"groups": "block", "by": ["stimulus", "block"]},
        ),
        (
            {"model": "pls", "components": [1, 2, 4]},
            {"model": PLSRegression(**exact), "grid": pls},
            {"rec": one},
        ),
    ):
        common = {"run": run, "rec": rec, "by": "stimulus", "n_folds": 4} | options
        a, b = analysis.encode(**common, **ours), analysis.encode(**common, **theirs)
        np.testing.assert_allclose(a["prediction"], b["prediction"], rtol=0, atol=1e-5)
        assert a["score"] == pytest.approx(float(b["score"]), abs=1e-6)
        assert int(a.n_folds) == 4


def test_corrections_reach_what_is_known():
    found = analysis.encode(_run(), _recording(), by="stimulus", n_splits=100)
    labels.check(found)
    truth = 1 / (1 + NOISE**2 / N_TRIALS)
    np.testing.assert_allclose(found["reliability"], truth, atol=0.2)
    assert abs(float((found["reliability"] - truth).mean())) < 0.05
    # The run holds the whole signal, so that nothing but noise is missing.
    np.testing.assert_allclose(found["r"], np.sqrt(truth), atol=0.15)
    for name in ("corrected", "cc_norm"):
        kept = found[name].dropna("unit")
        assert kept.size == int(found["kept"].sum()) or name == "cc_norm"
        np.testing.assert_allclose(kept, 1, atol=0.15)
    y = found["prediction"].copy(data=found["prediction"])
    mean = _recording()["rate"].groupby("stimulus").mean("trial").transpose("stimulus", ...)
    order = [int(str(c).split("=")[1]) for c in found["condition"].values]
    mean = mean.values[order][:, : y.sizes["time"]]
    r2 = 1 - ((mean - y.values) ** 2).sum((0, 1)) / ((mean - mean.mean((0, 1))) ** 2).sum((0, 1))
    np.testing.assert_allclose(found["r2"], r2, atol=1e-4)
    stricter = analysis.encode(
        _run(), _recording(), by="stimulus", min_ceiling=0.6, ceiling_kind="consistency"
    )
    low = stricter["reliability"].values < 0.6
    assert stricter.attrs["n_dropped"] == low.sum() > found.attrs["n_dropped"]
    np.testing.assert_array_equal(np.isnan(stricter["corrected"]), low)
    ratio = (stricter["r"] / stricter["reliability"]).values[~low]
    np.testing.assert_allclose(stricter["corrected"].values[~low], ratio, rtol=1e-6)


def test_both_directions_tell_what_each_lacks():
    run = _run()
    # The run holds something of its own besides, which the recording cannot predict.
    own = np.random.default_rng(3).standard_normal((N_CONDITIONS, N_TIMES, 9))
    own[..., 5:] = 0
    run["rate"] = run["rate"].copy(data=run["rate"].values + 3 * own)
    rec = _recording(noise=0.1)
    both = analysis.encode(run, rec, by="stimulus", direction="both")
    forward, reverse = (both[name].to_dataset() for name in ("forward", "reverse"))
    assert reverse.sizes["unit"] == 9
    assert "corrected" not in reverse
    assert float(reverse["r"][:5].max()) < 0.8 < float(reverse["r"][5:].min())
    one = analysis.compare(run, rec, ["ridge_r", "reverse_ridge_r"], by="stimulus", n_null=0)
    assert float(one["score"].sel(metric="reverse_ridge_r")) == pytest.approx(
        float(reverse["score"]), abs=0.1
    )
    assert float(one["score"].sel(metric="ridge_r")) == pytest.approx(
        float(forward["score"]), abs=0.05
    )


def test_groups_are_held_out_together():
    # Conditions of a block share a response that says nothing about other blocks.
    rng = np.random.default_rng(5)
    block = np.arange(N_CONDITIONS) // 12
    run, rec = _run(), _recording(noise=0.1)
    own = rng.standard_normal((4, 1, 9))[block] + 0 * run["rate"].values
    shared = rng.standard_normal((4, 1, N_UNITS))[block] + 0 * np.zeros((1, N_TIMES, 1))
    run["rate"] = run["rate"].copy(data=own + 0.01 * rng.standard_normal(own.shape))
    trial = rec["stimulus"].values
    rate = shared[trial] + 0.01 * rng.standard_normal(rec["rate"].shape)
    rec["rate"] = rec["rate"].copy(data=rate)
    by = ["stimulus", "block"]
    leaking = analysis.encode(run, rec, by=by)
    held = analysis.encode(run, rec, by=by, groups="block")
    assert held.attrs["n_groups"] == held.attrs["n_folds"] == 4
    assert float(leaking["score"]) > 0.9
    assert float(held["score"]) < 0.5
    assert float(held["r2"].min()) < 0


def test_signal_power():
    rng = np.random.default_rng(0)
    response = np.sin(np.arange(200) / 9)[None, :, None] * [1.0, 0.5]
    # Noise with a shift of whole trials, which is no variance over time.
    noise = rng.standard_normal((12, 200, 2)) + rng.standard_normal((12, 1, 2))
    data = xr.DataArray(response + noise, dims=("trial", "time", "unit"), attrs={"units": "Hz"})
    data = data.assign_coords(time=np.arange(200.0), cue=("trial", np.arange(12) % 3))
    found = analysis.signal_power(data, by=[])
    n, x = 12, data.values
    power = x.mean(0).var(0)
    single = x.var(1).mean(0)
    signal = (n * power - single) / (n - 1)  # Sahani & Linden (2003), equation 1
    np.testing.assert_allclose(found["signal_power"], signal, rtol=1e-4)
    np.testing.assert_allclose(found["noise_power"], single - signal, rtol=1e-4)
    np.testing.assert_allclose(found["cc_max"], np.sqrt(signal / power), rtol=1e-4)
    # Unequal numbers of trials, and no signal: the estimate is right on average.
    draws = rng.standard_normal((40, 300, 10, 1)).transpose(0, 2, 1, 3)[..., 0]
    many = xr.DataArray(draws, dims=("trial", "time", "unit"))
    many = many.assign_coords(cue=("trial", np.repeat([0, 1, 2], [2, 8, 30])))
    none = analysis.signal_power(many, by="cue")["signal_power"].values
    assert abs(none.mean()) < 4 * none.std() / np.sqrt(none.size)


def test_bad_input_is_refused():
    run, rec = _run(), _recording()
    for match, options in {
        "model is one of": {"model": "lasso"},
        "estimator of scikit-learn": {"model": 3},
        "direction is": {"direction": "back"},
        "have no penalties": {"model": "pls", "penalties": [1.0]},
        "belong to model='pls'": {"components": 3},
        "grid belongs": {"grid": {"alpha": [1]}},
        "by grid=": {"model": LinearRegression(), "components": 2},
        r"no coordinate 'area'.*labels in `by`": {"groups": "area"},
        "n_folds must be": {"n_folds": 60},
    }.items():
        with pytest.raises((ValueError, TypeError, LabelError), match=match):
            analysis.encode(run, rec, by="stimulus", **options)
    halves = [
        d.assign_coords(half=(d["stimulus"].dims, d["stimulus"].values % 2)) for d in (run, rec)
    ]
    with pytest.raises(LabelError, match="makes 2 groups"):
        analysis.encode(*halves, by=["stimulus", "half"], groups="half")
    means = rec["rate"].groupby("stimulus").mean("trial").rename(stimulus="condition")
    means = means.assign_coords(stimulus=("condition", means["condition"].values))
    found = analysis.encode(run, means.to_dataset(), by="stimulus")
    assert "corrected" not in found
    assert "condition means" in found.attrs["ceiling_note"]
    with pytest.raises(LabelError, match="condition means"):
        analysis.signal_power(means)
    with pytest.raises(LabelError, match="two trials"):
        analysis.signal_power(rec.isel(trial=slice(1, None, 10)), by="stimulus")
    wide = analysis.encode(_run(n_units=300), rec, by="stimulus")
    assert np.isfinite(wide["r2"]).all()
