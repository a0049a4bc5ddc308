"""Split halves, reliability and noise correction against what is known of simulated data."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from jaxtyping import TypeCheckError

from neurodyn import analysis, labels
from neurodyn.analysis.shared import resampling
from neurodyn.labels import LabelError


def _trials(n_trials=20, noise=1.0, n_units=30, seed=0, times=5):
    """Trials of 12 conditions whose reliability is known: signal variance 1."""
    rng = np.random.default_rng(seed)
    signal = rng.standard_normal((12, times, n_units))
    condition = rng.permutation(np.repeat(np.arange(12), n_trials))
    values = signal[condition] + noise * rng.standard_normal((len(condition), times, n_units))
    return xr.DataArray(
        values,
        dims=("trial", "time", "unit"),
        coords={
            "time": ("time", labels.time_axis(times, 10.0), {"units": "ms"}),
            "stimulus": ("trial", condition),
            "unit": [f"u{i}" for i in range(n_units)],
        },
        name="rate",
        attrs={"units": "Hz", "long_name": "rate"},
    ), signal


def test_halves_are_disjoint_and_balanced():
    codes = jnp.asarray([0, 1, 0, 2, 0, 1, 2, 0, 1, 3], jnp.int32)  # 3: does not count
    keys = jax.vmap(jax.random.key)(np.arange(20))
    for half in np.asarray(jax.vmap(resampling._halves, (0, None))(keys, codes)):
        for condition, n in ((0, 4), (1, 3), (2, 2)):
            counts = np.bincount(half[np.asarray(codes) == condition], minlength=2)
            assert counts.sum() == n
            assert abs(counts[0] - counts[1]) <= 1


def test_split_means_average_to_the_mean():
    trials, _ = _trials(n_trials=4)
    codes = trials["stimulus"].values
    grouped = resampling.group_trials(trials, codes, 12, what="data")
    halves = resampling.split_means(jax.random.key(0), grouped)
    expected = np.stack([trials.values[codes == c].mean(0) for c in range(12)])
    np.testing.assert_allclose(halves.mean(0), expected, atol=1e-5)
    assert not np.allclose(halves[0], halves[1], atol=0.1)
    np.testing.assert_allclose(
        resampling.means(grouped.values, grouped.codes, 12), expected, atol=1e-5
    )


def test_reliability_matches_theory():
    n, noise = 20, 2.0
    trials, _ = _trials(n, noise, n_units=100)
    found = analysis.split_half_reliability(trials, "stimulus", n_splits=50)
    half, full = 1 / (1 + noise**2 / (n / 2)), 1 / (1 + noise**2 / n)
    assert float(found["split_half"].mean()) == pytest.approx(half, abs=0.02)
    assert float(found["reliability"].mean()) == pytest.approx(full, abs=0.02)
    labels.check(found)
    again = analysis.split_half_reliability(trials, "stimulus", n_splits=50)
    xr.testing.assert_identical(found, again)


def test_units_of_different_trials():
    trials, _ = _trials(16, n_units=2)
    together = analysis.split_half_reliability(trials, "stimulus", n_splits=60)
    first = trials.where(xr.DataArray([True, False], dims="unit"))
    second = trials.where(xr.DataArray([False, True], dims="unit"))
    apart = xr.concat([first, second.isel(trial=slice(None, None, -1))], "trial")
    found = analysis.split_half_reliability(apart, "stimulus", n_splits=60)
    np.testing.assert_allclose(found["reliability"], together["reliability"], atol=0.02)


def test_given_halves():
    rng = np.random.default_rng(1)
    signal = rng.standard_normal((6, 5, 3))
    both = xr.DataArray(
        signal + 0.5 * rng.standard_normal((2, 6, 5, 3)),
        dims=("repetition", "condition", "time", "unit"),
        coords={"time": np.arange(5) * 10.0},
    )
    found = analysis.split_half_reliability(both)
    r = [np.corrcoef(*both.values[..., i].reshape(2, -1))[0, 1] for i in range(3)]
    np.testing.assert_allclose(found["split_half"], r, atol=1e-6)
    np.testing.assert_allclose(found["reliability"], 2 * np.array(r) / (1 + np.array(r)), atol=1e-6)
    with pytest.raises(LabelError, match="two halves"):
        analysis.split_half_reliability(xr.concat([both, both], "repetition"))


def test_perfect_model_is_corrected_to_one():
    trials, signal = _trials(10, 2.0, n_units=200, times=40)
    reliability = analysis.split_half_reliability(trials, "stimulus", n_splits=30)["reliability"]
    means = trials.groupby("stimulus").mean().values
    flat = lambda v: v.reshape(-1, 200).T  # noqa: E731
    r = [np.corrcoef(a, b)[0, 1] for a, b in zip(flat(means), flat(signal), strict=True)]
    score = xr.DataArray(r, dims="unit", coords={"unit": trials["unit"]})
    fixed = analysis.corrected(score, reliability)
    assert float(fixed.mean()) == pytest.approx(1.0, abs=0.01)
    assert float(fixed.max()) > 1.0  # by chance, and not clipped
    both = analysis.corrected(score, reliability, ceiling_kind="consistency")
    np.testing.assert_allclose(both, score / reliability)


def test_unreliable_units_are_dropped_and_listed():
    score = xr.DataArray([0.5, 0.5, 0.5], dims="unit", coords={"unit": ["a", "b", "c"]})
    fixed = analysis.corrected(score, score.copy(data=[0.81, 0.1, np.nan]))
    np.testing.assert_allclose(fixed, [0.5 / 0.9, np.nan, np.nan])
    assert fixed.attrs["n_dropped"] == 2
    assert fixed.attrs["dropped"] == "b, c"
    with pytest.raises((ValueError, TypeCheckError), match="sqrt"):
        analysis.corrected(score, score, ceiling_kind="cube")


def test_bad_input():
    trials, _ = _trials(2)
    with pytest.raises(LabelError, match=r"two trials of each condition.*stimulus=11"):
        analysis.split_half_reliability(
            trials.isel(trial=trials["stimulus"].values != 11).pipe(
                lambda t: xr.concat(
                    [t, trials.isel(trial=np.flatnonzero(trials["stimulus"] == 11)[:1])], "trial"
                )
            ),
            "stimulus",
        )
    with pytest.raises(LabelError, match=r"say which.*stimulus"):
        analysis.split_half_reliability(trials)
    with pytest.raises(LabelError, match="within trials"):
        analysis.split_half_reliability(trials.where(trials["time"] < 45), "stimulus")
    with pytest.raises(LabelError, match="condition means"):
        analysis.split_half_reliability(
            trials.groupby("stimulus").mean().rename(stimulus="condition")
        )
    with pytest.raises(ValueError, match="n_splits"):
        analysis.split_half_reliability(trials, "stimulus", n_splits=0)
