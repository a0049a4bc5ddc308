"""Local linear models against scikit-learn's ridge, and systems whose Jacobians are known."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from neurodyn import analysis, labels

RNG = np.random.default_rng(0)
TURN = 0.97 * np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
#: (to, from) of two conditions: one turns, the other has modes of 0.9 and 0.5.
MAPS = {"a": TURN, "b": np.array([[0.9, 0.4], [0.0, 0.5]])}


def recording(n_trials=60, n_times=51):
    """Trials of two linear maps driven by noise, one for each condition."""
    which = np.tile(["a", "b"], n_trials)
    J = np.stack([MAPS[name] for name in which])
    x = [RNG.standard_normal((len(which), 2))]
    for _ in range(n_times - 1):
        x.append(np.einsum("kij,kj->ki", J, x[-1]) + 0.1 * RNG.standard_normal((len(which), 2)) + 1)
    return labels.dataset(
        {"rate": (("trial", "time", "unit"), np.stack(x, 1), "Hz", "rate")},
        {"time": 10.0 * np.arange(n_times), "rule": ("trial", which), "unit": ["u", "v"]},
        source="recording",
    )


DATA = recording()


def test_jacobians_and_modes_are_found():
    found = analysis.local_linear(DATA, "rule")
    labels.check(found)
    assert found["rule"].values.tolist() == ["a", "b"]
    for i, J in enumerate(MAPS.values()):
        np.testing.assert_allclose(found["jacobian"].values[i].T, J, atol=0.03)
    assert (found["r2"] > 0.3).all()
    assert float(found["frequency"][0, 0]) == pytest.approx(0.3 / (2 * np.pi) * 100, rel=0.03)
    assert float(found["timescale"][1, 0]) == pytest.approx(-10 / np.log(0.9), rel=0.1)
    # The results serve measures of Jacobians.
    departure = analysis.non_normality(found)["departure"].values
    assert departure[0] < 0.05
    assert departure[1] == pytest.approx(0.4, abs=0.03)
    mixed = DATA.isel(unit=[1, 0])
    again = analysis.local_linear(mixed, "rule")["jacobian"].isel(unit=[1, 0], presynaptic=[1, 0])
    np.testing.assert_allclose(again, found["jacobian"], atol=1e-9)


def test_each_window_is_a_ridge_regression():
    """Scikit-learn's, of the change in a step, and held-out predictions fold by fold."""
    found = analysis.local_linear(DATA, width=100.0, penalty=0.3, n_folds=2)
    assert found["time"].values.tolist() == [50.0, 150.0, 250.0, 350.0, 450.0]
    x = DATA["rate"].values
    for w in range(5):
        here = x[:, 10 * w : 10 * w + 11]
        before, change = here[:, :-1].reshape(-1, 2), np.diff(here, axis=1).reshape(-1, 2)
        size = before.var(0).mean() * len(before)
        ridge = Ridge(0.3 * size).fit(before, change)
        np.testing.assert_allclose(
            found["jacobian"].values[w].T, np.eye(2) + ridge.coef_, atol=1e-9
        )
        np.testing.assert_allclose(found["state"].values[w], before.mean(0))
        assert int(found["n_samples"][w]) == len(before)
    moving = analysis.local_linear(DATA, width=100.0, centres=[50.0, 55.0, 60.0], penalty=0.3)
    np.testing.assert_allclose(moving["jacobian"][0], found["jacobian"][0])
    assert (moving["n_samples"] == 1200).all()


def test_noise_is_not_dynamics_and_what_does_not_fit_is_refused():
    dims, white = DATA["rate"].dims, RNG.standard_normal(DATA["rate"].shape)
    noise, walk = DATA.assign(rate=(dims, white)), DATA.assign(rate=(dims, white.cumsum(1)))
    there = analysis.local_linear(noise, penalty=0.0)
    np.testing.assert_allclose(there["jacobian"], 0, atol=0.05)  # the next state is the mean
    still = analysis.local_linear(walk)
    assert abs(float(still["r2"])) < 0.02
    for call, said in (
        (lambda: analysis.local_linear(DATA, "colour"), "no coordinate"),
        (lambda: analysis.local_linear(DATA.isel(trial=[0, 1]), "rule"), "two of each"),
        (lambda: analysis.local_linear(DATA, width=5.0), "width"),
        (lambda: analysis.local_linear(DATA, centres=[50.0]), "width="),
        (lambda: analysis.local_linear(DATA, width=50.0, centres=[900.0]), "no step"),
        (lambda: analysis.local_linear(DATA, penalty=-1.0), "penalty"),
        (lambda: analysis.local_linear(DATA, n_folds=1), "n_folds"),
    ):
        with pytest.raises(ValueError, match=said):
            call()
