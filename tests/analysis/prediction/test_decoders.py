"""Decoders of each time against scikit-learn, their folds, and their null."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from scipy.stats import kstest
from sklearn.covariance import ledoit_wolf_shrinkage
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from neurodyn import labels
from neurodyn.analysis import decode
from neurodyn.analysis.prediction.decoders import Options, decoded
from neurodyn.analysis.prediction.trial_folds import permutations, trial_folds

N_TRIALS, N_TIMES, N_UNITS = 60, 4, 6
WORDS = np.array(["left", "mid", "right"])


def _data(strength=1.5, seed=0, n_units=N_UNITS):
    """Trials in six sessions, which carry the side from the third time on."""
    rng = np.random.default_rng(seed)
    code = rng.integers(0, 3, N_TRIALS)
    x = rng.standard_normal((N_TRIALS, N_TIMES, n_units))
    x[:, 2:] += strength * rng.standard_normal((3, n_units))[code][:, None]
    coords = {
        "time": labels.time_axis(N_TIMES, 20.0),
        "side": ("trial", WORDS[code]),
        "code": ("trial", code),
        "value": ("trial", code + 0.1 * rng.standard_normal(N_TRIALS)),
        "session": ("trial", np.repeat(np.arange(6), 10)),
    }
    return xr.DataArray(x, coords, ("trial", "time", "unit"), name="rate")


def _by_loops(data, label, model, *, held_out, test=None):
    """Predictions of the held-out trials, one fit at a time."""
    x, y = data.values, data[label].values
    fold = np.asarray(held_out).argmax(0)
    found = np.empty((N_TRIALS, N_TIMES), y.dtype)
    for t in range(N_TIMES):
        for k in range(len(held_out)):
            model.fit(x[fold != k, t], y[fold != k])
            found[fold == k, t] = model.predict(x[fold == k, t if test is None else test])
    return found


def _folds(data, by=None, n_folds=5, key=0):
    groups = np.arange(N_TRIALS) if by is None else data[by].values
    strata = np.unique(data["side"].values, return_inverse=True)[1] if by is None else 0 * groups
    return trial_folds(jax.random.key(key), groups, strata, n_folds)


@pytest.mark.usefixtures("x64")
def test_decoders_are_those_of_scikit_learn():
    data = _data()
    held_out = _folds(data)
    lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.2)
    found = decode(data, "side", model="lda", times="each", shrinkage=0.2, n_folds=5)
    labels.check(found)
    expected = _by_loops(data, "side", lda, held_out=held_out)
    np.testing.assert_array_equal(found["decoded"], expected)
    logistic = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    found = decode(data, "side", model="logistic", times="each", n_folds=5)
    expected = _by_loops(data, "side", logistic, held_out=held_out)
    np.testing.assert_array_equal(found["decoded"], expected)
    right = expected == data["side"].values[:, None]
    np.testing.assert_allclose(found["accuracy"], right.mean(0))
    recall = [right[data["side"].values == word].mean(0) for word in WORDS]
    np.testing.assert_allclose(found["balanced_accuracy"], np.mean(recall, axis=0))
    assert found.attrs["n_per_class"] == [(data["side"] == w).sum() for w in WORDS]
    assert found.attrs["chance"] == pytest.approx(1 / 3)
    bayes = decode(data, "code", model=GaussianNB(), times="each", n_folds=5)
    expected = _by_loops(data, "code", GaussianNB(), held_out=held_out)
    np.testing.assert_array_equal(bayes["prediction"], expected)
    # A continuous label, in folds of sessions.
    held_out = _folds(data, "session", 3)
    options = {"groups": "session", "n_folds": 3}
    found = decode(data, "value", model="linear", times="each", **options)
    expected = _by_loops(data, "value", LinearRegression(), held_out=held_out)
    np.testing.assert_allclose(found["prediction"], expected, rtol=0, atol=1e-6)
    y = data["value"].values
    r2 = 1 - ((expected - y[:, None]) ** 2).sum(0) / ((y - y.mean()) ** 2).sum()
    np.testing.assert_allclose(found["r2"], r2, atol=1e-6)
    same = decode(data, "value", model=LinearRegression(), times="each", **options)
    np.testing.assert_allclose(same["prediction"], expected, rtol=0, atol=1e-6)
    assert (found.attrs["n_folds"], found.attrs["n_groups"]) == (3, 6)


@pytest.mark.usefixtures("x64")
def test_cross_temporal_decoders_and_default_shrinkage():
    data = _data()
    held_out = _folds(data)
    found = decode(data, "side", model="lda", times="cross", shrinkage=0.2, n_folds=5)
    labels.check(found)
    assert found["accuracy"].dims == ("train_time", "time")
    lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.2)
    at = _by_loops(data, "side", lda, held_out=held_out, test=3)
    right = (at == data["side"].values[:, None]).mean(0)
    np.testing.assert_allclose(found["accuracy"].isel(time=3), right)
    for options in ({"model": "lda"}, {"model": "ridge"}):
        each = decode(data, "side", times="each", n_folds=5, **options)
        cross = decode(data, "side", times="cross", n_folds=5, **options)
        diagonal = np.diagonal(cross["balanced_accuracy"])
        np.testing.assert_allclose(diagonal, each["balanced_accuracy"], atol=1e-9)
    late = decode(data.isel(time=[3]), "side", model="lda", n_folds=5)
    expected = np.empty(N_TRIALS, object)
    x, side = data.values[:, 3], data["side"].values
    for out in held_out:
        centred = x[~out] - np.stack([x[~out][side[~out] == s].mean(0) for s in side[~out]])
        share = ledoit_wolf_shrinkage(centred, assume_centered=True)
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=float(share))
        expected[out] = model.fit(x[~out], side[~out]).predict(x[out])
    np.testing.assert_array_equal(late["decoded"].squeeze(), expected)


def test_what_is_coded_when():
    data = _data()
    for model in ("ridge", "lda"):
        found = decode(data, "side", model=model, times="each", n_null=99, groups="session")
        score, null = found["balanced_accuracy"], found["null"]
        assert null.dims == ("draw", "time")
        assert null.sizes["draw"] == 99
        assert float(score[2:].min()) > 0.75
        assert float(score[:2].max()) < 0.6
        assert (found["p_value"][2:] == 0.01).all()
        assert float(found["p_value"][:2].min()) > 0.01
        assert (found["p_value_corrected"] >= found["p_value"]).all()
        expected = (1 + (null >= score).sum("draw")) / 100
        np.testing.assert_allclose(found["p_value"], expected, atol=0.011)
        # One against all others predicts the rest of the training trials, and is below chance.
        assert model == "ridge" or float(null.mean()) == pytest.approx(1 / 3, abs=0.05)
        assert found.attrs["null"] == "labels exchanged between trials of a group"
    cross = decode(data, "value", times="cross", n_null=19)
    assert cross["null"].dims == ("draw", "train_time", "time")
    assert float(cross["p_value"][2, 3]) == 0.05
    assert float(cross["r2"][0, 3]) < 0.2 < float(cross["r2"][2, 3])


def test_more_units_than_trials():
    data = _data(n_units=150)
    for model in ("ridge", "lda"):
        found = decode(data, "side", model=model, times="each", n_folds=5)
        assert float(found["balanced_accuracy"][2:].min()) > 0.75
    scaled = decode(1e6 * data + 5, "side", model="lda", times="each", n_folds=5)
    np.testing.assert_array_equal(scaled["decoded"], found["decoded"])
    silent = data.where(data["time"] > 30, 0.0)  # constant units at the first time
    found = decode(silent, "side", model="lda", times="each", n_folds=5)
    assert np.isfinite(found["accuracy"]).all()
    # The mean of the training trials is all that is left; permuted labels have the same one.
    found = decode(silent, "code", times="each", n_folds=5, n_null=19)
    assert -0.1 < float(found["r2"][0]) < 0
    assert float(found["p_value"][0]) == 1


def test_labels_shuffled_within_groups_leave_chance():
    # Sessions differ in activity and in how often each side is right, which is no code for sides.
    rng = np.random.default_rng(3)
    session = np.repeat(np.arange(8), 15)
    side = (rng.random(120) < np.where(session % 2, 0.8, 0.2)[np.arange(120)]).astype(int)
    x = rng.standard_normal((120, 1, 10)) + 3 * rng.standard_normal((8, 10))[session][:, None]
    coords = {"time": [10.0], "side": ("trial", WORDS[side]), "session": ("trial", session)}
    data = xr.DataArray(x, coords, ("trial", "time", "unit"))
    leaking = decode(data, "side", model="lda")
    assert float(leaking["balanced_accuracy"].item()) > 0.7
    held = decode(data, "side", model="lda", groups="session", n_null=99)
    inside = xr.apply_ufunc(np.abs, held["balanced_accuracy"] - held["null"].mean("draw"))
    assert float(inside.item()) < 0.12
    assert float(held["p_value"].item()) > 0.05
    # The labels of whole sessions: these are exchanged as wholes.
    whole = data.assign_coords(side=("trial", WORDS[session % 2]))
    found = decode(whole, "side", model="lda", groups="session", n_null=19, n_folds=4)
    assert found.attrs["null"] == "labels exchanged between groups"
    assert float(found["p_value"].item()) > 0.05


def test_permutations_and_folds_respect_groups():
    groups = np.array([0, 1, 0, 2, 1, 2, 0, 2, 1, 0])
    label = np.arange(10.0)[:, None]
    orders, _ = permutations(0, groups, label, 50)
    assert (groups[orders] == groups).all()
    assert (np.sort(orders, axis=1) == np.arange(10)).all()
    assert len({tuple(order) for order in orders}) > 40
    whole, _ = permutations(0, groups, 1.0 * groups[:, None], 50)
    for order in whole:
        assert len(set(zip(groups, groups[order], strict=True))) == 3
    folds = trial_folds(jax.random.key(1), groups, 0 * groups, 3)
    assert (folds.sum(0) == 1).all()
    assert all(np.unique(groups[out]).size == 1 for out in folds)
    strata = np.repeat([0, 1, 1], 10)
    folds = trial_folds(jax.random.key(1), np.arange(30), strata, 5)
    assert (folds[:, strata == 0].sum(1) == 2).all()
    assert (folds.sum(1) == 6).all()


def test_p_values_of_nothing_are_uniform():
    rng = np.random.default_rng(1)
    n, draws = 24, 39
    y = jnp.asarray(np.repeat([0.0, 1.0], n // 2)[:, None, None], jnp.float32)
    held_out = trial_folds(jax.random.key(0), np.arange(n), np.repeat([0, 1], n // 2), 4)
    one = jnp.asarray([0.1], jnp.float32)
    options = Options(jnp.asarray(held_out), one, one[0], jnp.asarray(0.5, jnp.float32))
    label = np.repeat([0, 1], n // 2)[:, None]
    orders, _ = permutations(5, np.arange(n), label, 300 * draws, within=held_out)
    moved = label[orders, 0]
    assert (np.stack([moved[:, out].sum(1) for out in held_out]) == 3).all()  # as many in each fold
    orders = orders.reshape(300, draws, n)
    orders = np.concatenate([np.broadcast_to(np.arange(n), (300, 1, n)), orders], axis=1)
    x = jnp.asarray(rng.standard_normal((300, n, 1, 3)), jnp.float32)

    def scores(x, order):
        found = decoded(x, y - 0.5, options, order, kind="ridge", times="each", n_classes=0)
        return found[1][0, :, 0]

    found = np.asarray(jax.vmap(scores)(x, jnp.asarray(orders)))
    p = (1 + (found[:, 1:] >= found[:, :1]).sum(1)) / (1 + draws)
    # p values lie on a grid of 40, between which a uniform number is drawn.
    spread = p - rng.random(300) / (1 + draws)
    assert kstest(spread, "uniform").pvalue > 0.01


def test_bad_input_is_refused():
    data = _data()
    one = data.assign_coords(side=("trial", np.where(np.arange(N_TRIALS), "a", "b")))
    for match, options in {
        "model is one of": {"model": "svm"},
        "needs `fit`|estimator of scikit": {"model": 3},
        "times is one of": {"times": "all"},
        "penalties belong": {"model": "lda", "penalties": [1.0]},
        "shrinkage, from 0 to 1": {"model": "lda", "shrinkage": 2.0},
        "belongs to 'lda'": {"shrinkage": 0.1},
        "grid belongs": {"grid": {"C": [1]}},
        "n_null must be": {"n_null": -1},
        "no coordinate 'area'": {"groups": "area"},
        "predicts numbers": {"model": LinearRegression()},
        "needs 3 of them": {"groups": xr.where(data["session"] > 2, 1, 0).drop_vars("session")},
        "n_folds must be": {"n_folds": 61},
    }.items():
        with pytest.raises((ValueError, TypeError, labels.LabelError), match=match):
            decode(data, "side", **options)
    with pytest.raises(ValueError, match="class b occurs in a single trial"):
        decode(one, "side")
    wide = _data(n_units=100)
    for options in ({"model": "linear"}, {"model": "lda", "shrinkage": 0.0}):
        with pytest.raises(ValueError, match="more training samples than units"):
            decode(wide, "side", times="each", **options)
    with pytest.raises(ValueError, match="vary"):
        decode(data.assign_coords(side=("trial", np.repeat("a", N_TRIALS))), "side", model="lda")
