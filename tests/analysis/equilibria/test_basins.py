"""Basins against analytic ones, and runs of SciPy."""

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
import xarray as xr

from neurodyn import analysis, labels, models

#: Two uncoupled units x' = (-x + 2 tanh x) / 10: the basins are the quadrants.
PAIR = models.CTRNN(1, 2, 1, W=2 * np.eye(2, dtype="float32"), tau=10.0, form="current", key=0)


def test_basins_of_two_units_are_the_quadrants():
    points = analysis.fixed_points(PAIR, n_starts=256)
    field = analysis.flow_field(PAIR, limits=((-3, 3), (-2.9, 3.1)), n=12)
    ends = analysis.basins(PAIR, points, field)
    labels.check(ends)
    assert (ends["outcome"] == "point").all()
    at = points["state"].sel(equilibrium=ends["basin"])
    np.testing.assert_array_equal(np.sign(at.isel(unit=0)), np.sign(field["x"] + 0 * field["y"]))
    np.testing.assert_array_equal(np.sign(at.isel(unit=1)), np.sign(0 * field["x"] + field["y"]))
    assert float(ends["share"].sum()) == 1.0
    interval = scipy.stats.binomtest(int(ends["share"][0] * 144), 144).proportion_ci(0.95, "exact")
    np.testing.assert_allclose([ends["share_low"][0], ends["share_high"][0]], interval)
    # The time from x0 to where it is close, by SciPy.
    i, j = 1, 10
    z0 = [float(field["x"][i]), float(field["y"][j])]
    arrival = float(ends["arrival"][i, j])
    run = scipy.integrate.solve_ivp(
        lambda t, x: (2 * np.tanh(x) - x) / 10, (0, arrival), z0, rtol=1e-9, atol=1e-12
    )
    gap = np.linalg.norm(run.y[:, -1] - at.values[i, j])
    assert gap == pytest.approx(0.01 * 1.9150080482, rel=0.3)  # the end of a step of the solver
    assert gap <= 0.01 * 1.9150080482


def test_starts_near_each_stable_point_end_there_and_names_pair_them():
    W = (1.8 * np.random.default_rng(3).standard_normal((5, 5))).astype("float32")
    model = models.CTRNN(2, 5, 1, W=W, tau=20.0, key=3)
    points = analysis.fixed_points(model, np.array([0.2, -0.1]), n_starts=128)
    stable = points.isel(equilibrium=np.flatnonzero(points["stability"] == "stable"))
    noise = 0.05 * np.random.default_rng(0).standard_normal((6, *stable["state"].shape))
    starts = (stable["state"] + xr.DataArray(noise, dims=("draw", "equilibrium", "unit"))).rename(
        equilibrium="condition"
    )
    ends = analysis.basins(model, points, starts.isel(unit=[2, 4, 1, 0, 3]))
    assert ends["basin"].dims == ("draw", "condition")
    assert (ends["basin"] == stable["equilibrium"].values).all()
    with pytest.raises(ValueError, match="several inputs"):
        analysis.basins(model, points.assign(inputs=points["inputs"].copy(
            data=np.arange(points["inputs"].size).reshape(points["inputs"].shape)
        )), starts)  # fmt: skip


def test_what_does_not_end_at_a_point_says_so():
    logistic = models.reference.Logistic(r=3.2)  # 0 and 1 - 1/r are unstable
    points = analysis.fixed_points(logistic, starts=np.array([[0.1], [0.7]]), n_starts=32)
    with pytest.raises(ValueError, match="no point is stable"):
        analysis.basins(logistic, points, np.array([[0.3]]))
    words = np.where(points["state"].values[:, 0] > 0.5, "stable", "unstable")
    as_if = points.assign(stability=points["stability"].copy(data=words))
    ends = analysis.basins(logistic, as_if, np.array([[0.3], [1.5], [0.0]]))
    assert ends["outcome"].values.tolist() == ["moving", "diverged", "elsewhere"]
    assert ends["basin"].values.tolist() == [-1, -1, -1]
    assert np.isnan(ends["arrival"].values).all()
    stable = models.reference.Logistic(r=2.5)
    points = analysis.fixed_points(stable, starts=np.array([[0.1], [0.6]]), n_starts=32)
    ends = analysis.basins(stable, points, np.array([[0.01], [0.9]]))
    np.testing.assert_allclose(points["state"].sel(equilibrium=ends["basin"]).values, 0.6)
    with pytest.raises(ValueError, match="tolerance"):
        analysis.basins(stable, points, [[0.1]], tolerance=0)
    with pytest.raises(ValueError, match="finite"):
        analysis.basins(stable, points, [[np.nan]])
