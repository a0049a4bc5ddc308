"""Principal angles of known subspaces, and of random ones."""

import numpy as np
import pytest

from neurodyn.analysis import principal_angles, random_angles


def test_angles_of_rotated_axes_are_the_rotations():
    e = np.eye(5)
    b = np.stack([np.cos(0.3) * e[0] + np.sin(0.3) * e[2], np.cos(1.1) * e[1] + np.sin(1.1) * e[3]])
    mixed = b.T @ np.array([[2.0, 1.0], [0.5, -1.0]])
    np.testing.assert_allclose(principal_angles(e[:, :2], mixed), np.degrees([0.3, 1.1]))


def test_random_spans_have_the_expected_overlap():
    """The squared cosines of spans of dimensions m and n in N dimensions sum to m n / N."""
    got = random_angles(50, 2, 3, n_draws=2000, key=0)
    assert got.shape == (2000, 2)
    overlap = (np.cos(np.radians(got)) ** 2).sum(1)
    np.testing.assert_allclose(overlap.mean(), 6 / 50, rtol=0.05)


def test_dependent_vectors_are_refused():
    a = np.random.default_rng(0).standard_normal((6, 1))
    with pytest.raises(ValueError, match="not independent"):
        principal_angles(np.hstack([a, 2 * a]), np.eye(6)[:, :2])
    with pytest.raises(ValueError, match="NaN"):
        principal_angles(a * np.nan, a)
