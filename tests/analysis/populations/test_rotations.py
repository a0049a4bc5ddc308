"""jPCA against the numbers of recordings of motor cortex, known rotations and a solver."""

import os
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg

from neurodyn import labels
from neurodyn.analysis import jpca
from neurodyn.analysis.populations.surrogates import _mean, surrogate
from neurodyn.labels import LabelError


def activity(rates, time=None):
    time = np.arange(rates.shape[1]) * 10.0 if time is None else time
    return labels.dataset(
        {"rate": (("condition", "time", "unit"), rates, "Hz", "rate")},
        {"time": np.asarray(time, np.float64)},
        source="recording",
    )


@pytest.fixture(scope="module")
def motor():
    folder = os.environ.get("NEURODYN_DATA")
    path = Path(folder or "") / "neural" / "hatsopoulos2007_m1_centerout.npz"
    if not folder or not path.exists():
        pytest.skip("needs NEURODYN_DATA")
    with np.load(path) as file:
        return activity(file["firing_rate"].transpose(2, 1, 0).astype(float), file["time_ms"])


def test_motor_cortex_rotates_as_other_code_found(motor):
    """The numbers come from the published procedure, written with a numerical Sylvester solver."""
    found = jpca(motor, 6, window=(-50, 160), n_null=40)
    assert float(found["r2"]) == pytest.approx(0.574339, abs=5e-7)
    assert float(found["r2_rotation"]) == pytest.approx(0.497953, abs=5e-7)
    assert float(found["ratio"]) == pytest.approx(0.867003, abs=5e-7)
    assert found["frequency"].values == pytest.approx([0.9501, 0.2167, 0.0932], abs=5e-5)
    assert float(found["plane_variance"][0]) == pytest.approx(0.317, abs=5e-4)
    assert float(found["p_value"]) == pytest.approx(1 / 41)
    # Selecting and sorting changes no number.
    turned = motor.isel(
        unit=np.random.default_rng(0).permutation(141), condition=slice(None, None, -1)
    )
    again = jpca(turned, 6, window=(-50, 160), n_null=0)
    for name in ("r2", "r2_rotation", "frequency", "plane_variance"):
        np.testing.assert_allclose(again[name], found[name], rtol=1e-9)


def rotations(seed=0, noise=0.0):
    """Two planes that turn by 2 and -0.5 Hz, seen by 20 units, in 6 conditions."""
    rng = np.random.default_rng(seed)
    t = np.arange(50) * 10.0
    start = rng.standard_normal((6, 4))
    omega = 2 * np.pi * np.array([2.0, -0.5]) / 1e3
    c, s = np.cos(omega[:, None] * t), np.sin(omega[:, None] * t)
    x = np.stack(
        [c[0] * start[:, :1] - s[0] * start[:, 1:2], s[0] * start[:, :1] + c[0] * start[:, 1:2],
         c[1] * start[:, 2:3] - s[1] * start[:, 3:4], s[1] * start[:, 2:3] + c[1] * start[:, 3:4]],
        axis=-1,
    )  # fmt: skip
    mixing = np.linalg.qr(rng.standard_normal((20, 4)))[0]
    rates = x @ mixing.T
    return rates + noise * rng.standard_normal(rates.shape), mixing


def test_pure_rotations_are_found_in_their_planes():
    rates, mixing = rotations()
    found = jpca(activity(rates), 4, soft=1e6, n_null=0)  # the same scale for all units
    # A step of angle a changes x by (cos a - 1, sin a), of which the skew part is sin a.
    expected = np.sin(2 * np.pi * np.array([2.0, 0.5]) * 0.01) / (2 * np.pi * 0.01)
    assert found["frequency"].values == pytest.approx(expected, rel=1e-3)
    assert float(found["ratio"]) == pytest.approx(1.0, abs=0.01)
    assert found["of_plane"].values.tolist() == [0, 0, 1, 1]
    for plane in range(2):
        span = found["loadings"].values[:, 2 * plane : 2 * plane + 2]
        angles = scipy.linalg.subspace_angles(span, mixing[:, 2 * plane : 2 * plane + 2])
        assert angles.max() < 1e-2
        x, y = np.moveaxis(found["scores"].values[..., 2 * plane : 2 * plane + 2], -1, 0)
        turned = np.diff(np.unwrap(np.arctan2(y, x), axis=1), axis=1)
        assert (turned > 0).mean() > 0.99  # counterclockwise, also of the plane that turns back
    np.testing.assert_allclose(
        found["loadings"].values.T @ found["loadings"].values, np.eye(4), atol=1e-12
    )


def test_the_skew_fit_solves_its_sylvester_equation():
    rates, _ = rotations(1, noise=0.5)
    x = rates - rates.mean(0)
    flat = x.reshape(-1, 20)
    axes = np.linalg.svd(flat, full_matrices=False)[2][:4].T
    scores = x @ axes
    before, change = scores[:, :-1].reshape(-1, 4), np.diff(scores, axis=1).reshape(-1, 4)
    S, C = before.T @ before, before.T @ change
    K = scipy.linalg.solve_sylvester(S, S, C - C.T)
    expected = 1 - ((change - before @ K) ** 2).sum() / (change**2).sum()
    found = jpca(activity(rates), 4, soft=1e6, n_null=0)
    assert float(found["r2_rotation"]) == pytest.approx(expected, rel=1e-6)


def test_surrogates_keep_what_they_say():
    rng = np.random.default_rng(0)
    x = np.cumsum(rng.standard_normal((5, 12, 7)), axis=1) @ rng.standard_normal((7, 7)) + 3.0
    shuffled = surrogate(x, "conditions", 3, 0)
    np.testing.assert_array_equal(np.sort(shuffled, axis=1)[0], np.sort(x, axis=0))
    assert not np.array_equal(shuffled[0], x)
    drawn = surrogate(x, "covariances", 4000, 0)
    spread = x - _mean(x)
    for axis in range(3):
        flat = np.moveaxis(spread, axis, 0).reshape(x.shape[axis], -1)
        many = np.moveaxis(drawn - _mean(x), axis + 1, 0).reshape(x.shape[axis], -1)
        wanted, got = flat @ flat.T, many @ many.T / 4000
        # 4000 draws of about 100 independent numbers: a standard error below 1 %.
        assert np.abs(got - wanted).max() < 0.05 * np.abs(wanted).max()
    error = drawn.std(0) / np.sqrt(4000)  # 420 means: five of them are exceeded once in 4,000
    assert (np.abs(drawn.mean(0) - _mean(x)) < 5 * error).all()


def test_smooth_random_activity_does_not_beat_its_null():
    """Over data without dynamics, p values of the covariance null are not small too often."""
    rng = np.random.default_rng(3)
    p = []
    for seed in range(30):
        x = scipy.ndimage.gaussian_filter1d(rng.standard_normal((6, 40, 10)), 4, axis=1)
        p.append(float(jpca(activity(x), 4, soft=1e6, n_null=19, key=seed)["p_value"]))
    # With uniform p values, 8 or more of 30 below .1 happen once in 100.
    assert sum(value <= 0.1 for value in p) < 8


def test_what_cannot_be_fitted_is_refused():
    rates, _ = rotations()
    with pytest.raises(ValueError, match="even"):
        jpca(activity(rates), 3)
    with pytest.raises(ValueError, match="null"):
        jpca(activity(rates), null="time")
    with pytest.raises(LabelError, match="average the trials"):
        jpca(activity(rates).rename(condition="trial"))
    with pytest.raises(LabelError, match="average the trials"):
        jpca(activity(rates[:1]))
    with pytest.raises(ValueError, match="constant"):
        jpca(activity(np.concatenate([rates, 0 * rates], axis=-1)), soft=0.0)
    with pytest.raises(LabelError, match="1 sample"):
        jpca(activity(rates), window=(0.0, 10.0))
    with pytest.raises(LabelError, match="2 times"):
        jpca(activity(rates), window=(0.0, 20.0))
