"""Distances of sets of fixed points: known sets, transport by other means, and what users do."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.stats import special_ortho_group, wasserstein_distance

from neurodyn import models
from neurodyn.analysis import fixed_points, skeleton_distances
from neurodyn.analysis.equilibria.skeletons import _between_rows
from neurodyn.analysis.shared.transport import transport_cost
from neurodyn.labels import LabelError


def uncoupled(n, gain, tau=100.0):
    """3^n points of a gain above 1, of index 0 to n in binomial shares."""
    W = gain * np.eye(n, dtype="float32")
    model = models.CTRNN(1, n, 1, W=W, tau=tau, form="current", key=0)
    return fixed_points(model, n_starts=512, key=1, progress=False)


@pytest.fixture(scope="module")
def points():
    return {
        "two": uncoupled(2, 1.5),
        "slower": uncoupled(2, 1.5, tau=200.0),
        "three": uncoupled(3, 1.5),
        "one": uncoupled(2, 0.5),
    }


def test_sets_that_are_known(points):
    found = skeleton_distances(points)
    assert found["n_points"].values.tolist() == [9, 9, 27, 1]
    index = found["index_distance"].sel(system="two")
    two, three = np.array([4, 4, 1, 0]) / 9, np.array([8, 12, 6, 1]) / 27
    np.testing.assert_allclose(
        index, [0, 0, np.abs(two - three).sum() / 2, np.abs(two - [1, 0, 0, 0]).sum() / 2]
    )
    # Eigenvalues of a unit at 0 and at +-x, and of a network below the critical gain.
    grow, decay, quiet = 0.5 / 100, -0.605687 / 100, -0.5 / 100
    assert found["eigenvalue_distance"].attrs["units"] == "1/ms"
    to_quiet = (12 * abs(decay - quiet) + 6 * abs(grow - quiet)) / 18
    both = found["eigenvalue_distance"].sel(system="two")
    np.testing.assert_allclose(both.sel(other="one"), to_quiet, rtol=1e-5)
    layout = found["layout_distance"].sel(system="two")
    np.testing.assert_allclose(layout.sel(other="slower"), 0, atol=1e-9)
    # A grid of 3 x 3 points at the root mean square distance 1 has this mean distance to a point.
    grid = np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1]), -1).reshape(-1, 2)
    apart = np.linalg.norm(grid[:, None] - grid, axis=-1)
    np.testing.assert_allclose(
        layout.sel(other="one"), apart.mean() / np.sqrt((apart**2).mean()), rtol=1e-6
    )
    for name in ("index_distance", "eigenvalue_distance", "layout_distance"):
        d = found[name].values
        np.testing.assert_array_equal(d, d.T)
        assert (d[:, None, :] <= d[:, :, None] + d[None] + 1e-9).all(), "triangle inequality"


def test_half_the_speed_halves_eigenvalues(points):
    fast, slow = points["two"], points["slower"]
    a, b = (p["eigenvalue_real"].values + 1j * p["eigenvalue_imag"].values for p in (fast, slow))
    costs = np.array(
        [[abs(x[:, None] - y[None])[linear_sum_assignment(abs(x[:, None] - y[None]))].mean()
          for y in b] for x in a]
    )  # fmt: skip
    wanted = costs[linear_sum_assignment(costs)].mean()
    found = skeleton_distances([fast, slow])
    np.testing.assert_allclose(found["eigenvalue_distance"][0, 1], wanted)
    assert found["system"].values.tolist() == ["system0", "system1"]


def test_neither_order_nor_rotation_matters_and_contexts_are_kept_apart(points):
    two, three = points["two"], points["three"]
    rng = np.random.default_rng(0)
    turned = three.isel(equilibrium=rng.permutation(27), unit=[2, 0, 1], component=[1, 2, 0])
    Q = special_ortho_group.rvs(3, random_state=1)
    turned["state"] = turned["state"].copy(data=3 * turned["state"].values @ Q + 1)
    found = skeleton_distances({"same": three, "turned": turned}, n_modes=2)
    for name in ("index_distance", "eigenvalue_distance", "layout_distance"):
        np.testing.assert_allclose(found[name], 0, atol=1e-12)
    label = np.arange(9) % 3 == 0
    parts = two.assign_coords(context=("equilibrium", label))
    other = two.assign_coords(context=("equilibrium", ~label))
    by = skeleton_distances([parts, other], by="context")
    pure = [two.isel(equilibrium=np.flatnonzero(kept)) for kept in (label, ~label)]
    alone = skeleton_distances(pure)
    np.testing.assert_allclose(by["index_distance"], alone["index_distance"])
    np.testing.assert_allclose(by["layout_distance"], alone["layout_distance"])


def test_transport_and_rows_by_other_means():
    rng = np.random.default_rng(0)
    cost = rng.random((4, 6))
    repeated = np.repeat(np.repeat(cost, 3, 0), 2, 1)  # 12 points each, of equal weight
    wanted = repeated[linear_sum_assignment(repeated)].mean()
    np.testing.assert_allclose(transport_cost(cost), wanted, rtol=1e-9)
    a, b = np.sort(rng.random((3, 5))), np.sort(rng.random((2, 7)))
    wanted = [[wasserstein_distance(x, y) for y in b] for x in a]
    np.testing.assert_allclose(_between_rows(a, b), wanted, rtol=1e-12)


def test_what_cannot_be_compared_is_refused(points):
    two, three = points["two"], points["three"]
    with pytest.raises(LabelError, match="two systems at least"):
        skeleton_distances({"two": two})
    with pytest.raises(LabelError, match="b has no fixed point, so there"):
        skeleton_distances({"a": two, "b": two.isel(equilibrium=[])})
    with pytest.raises(LabelError, match=r"analysis\.fixed_points, got DataArray"):
        skeleton_distances([two, two["state"]])
    with pytest.raises(ValueError, match=r"n_modes` must be .* 1 to 2, got 3"):
        skeleton_distances([two, three], n_modes=3)
    with pytest.raises(LabelError, match="no coordinate 'context' of its points"):
        skeleton_distances([two, three], by="context")
    named = [p.assign_coords(c=("equilibrium", v)) for p, v in ((two, [0] * 9), (three, [1] * 27))]
    with pytest.raises(LabelError, match=r"c is \[0\] in system0 and \[1\] in system1"):
        skeleton_distances(named, by="c")
    maps = two.copy()
    maps["eigenvalue_real"] = two["eigenvalue_real"].assign_attrs(units="1")
    with pytest.raises(LabelError, match="units of eigenvalues differ"):
        skeleton_distances([two, maps])
