"""Cycles against plain exhaustive search, and against maps whose cycles are known."""

import itertools

import numpy as np
import pytest

from neurodyn import labels
from neurodyn.analysis import cycles, fixed_points
from tests.analysis.dynamics.piecewise import Map, lozi, orbit, random_map, tent


def matrix(system, word):
    """Jacobian in the region of a word, in double precision."""
    A, W = np.asarray(system.A, np.float64), np.asarray(system.W, np.float64)
    gain = np.r_[np.ones(len(A) - system.n_relu), word]
    return np.diag(A) + W * gain


def exhaustive(system, order):
    """Real cycles by trying every word, each as one large linear system; as sets of points."""
    n, h = len(system.A), np.asarray(system.h, np.float64)
    symbols = list(itertools.product([0.0, 1.0], repeat=system.n_relu))
    found = {}
    for word in itertools.product(symbols, repeat=order):
        # z_{i+1} - J_i z_i = h for all points at once.
        system_of_all = np.eye(n * order)
        for i, gates in enumerate(word):
            row, column = ((i + 1) % order) * n, i * n
            system_of_all[row : row + n, column : column + n] -= matrix(system, gates)
        points = np.linalg.solve(system_of_all, np.tile(h, order)).reshape(order, n)
        inside = all(
            ((z[n - system.n_relu :] > 0) == np.array(gates)).all()
            for z, gates in zip(points, word, strict=True)
        )
        distinct = order == 1 or np.abs(points[1:] - points[0]).max(-1).min() > 1e-9
        if inside and distinct:
            found[tuple(sorted(map(tuple, points.round(7) + 0.0)))] = points
    return found


def points_of(result):
    return {tuple(sorted(map(tuple, c.round(7) + 0.0))) for c in result["state"].values}


@pytest.mark.parametrize("seed", [7, 9])
def test_fixed_points_of_ten_rectifiers_equal_brute_force(seed):
    system = random_map(seed, 10, 10, gain=3.0)
    expected = exhaustive(system, 1)
    assert expected
    result = fixed_points(system)
    assert result.attrs["complete"] == 1
    found = {(tuple(z.round(7) + 0.0),) for z in result["state"].values}
    assert found == set(expected)
    for cycle in range(result.sizes["equilibrium"]):
        one = result.isel(equilibrium=cycle)
        J = matrix(system, one["mask"].values)
        moduli = np.sort(np.abs(np.linalg.eigvals(J)))[::-1]
        np.testing.assert_allclose(one["modulus"], moduli, rtol=1e-6)
        assert int(one["n_unstable"]) == (moduli > 1).sum()


@pytest.mark.parametrize(("system", "n_cycles"), [(random_map(0, 3, 2, gain=3.0), 2), (lozi(), 4)])
def test_all_cycles_up_to_six_points_equal_exhaustive_search(system, n_cycles):
    total = 0
    for order in range(1, 7):
        result = cycles(system, order)
        assert points_of(result) == set(exhaustive(system, order))
        assert float(result["residual"].max()) < 1e-9 if result.sizes["cycle"] else True
        total += result.sizes["cycle"]
    assert total >= n_cycles


def test_the_tent_map_has_all_cycles_of_the_full_shift():
    """Their number is that of the primitive necklaces; each doubles distances at every step."""
    for order, number in enumerate((2, 1, 2, 3, 6, 9, 18), start=1):
        result = cycles(tent(), order)
        assert result.sizes["cycle"] == number
        np.testing.assert_allclose(result["modulus"], 2.0**order)
        assert set(result["stability"].values) == {"unstable"}


def test_the_search_finds_what_enumeration_finds():
    for system, box in ((tent(), 1.0), (lozi(), 2.0), (random_map(9, 10, 10, gain=3.0), 10.0)):
        for order in (1, 2, 5) if system.n_relu < 10 else (1,):
            known = points_of(cycles(system, order, method="enumerate"))
            found = cycles(system, order, method="search", box=box, key=0)
            assert points_of(found) == known
            assert found.attrs["complete"] == 0


def test_words_of_a_trajectory_give_the_cycles_beside_it():
    system = tent()
    start = 0.2345678
    states = [start]
    for _ in range(400):  # the tent map in floating point falls to -1: nudge it
        states.append(min(1 - 2 * abs(states[-1]) + 1e-9, 1.0))
    states = np.array(states)[:, None]
    for order in (1, 2, 3, 4):
        found = cycles(system, order, method="words", states=states)
        assert points_of(found) == points_of(cycles(system, order))
    right = states[states[:, 0] > 0]
    assert fixed_points(system, method="words", states=right).sizes["equilibrium"] == 1


def test_known_fixed_points_of_the_lozi_map():
    a, b = 1.7, 0.5
    result = fixed_points(lozi(a, b))
    expected = sorted([1 / (1 + a - b), 1 / (1 - a - b)])
    np.testing.assert_allclose(np.sort(result["state"].values[:, 0]), expected, rtol=1e-6)
    assert set(result["stability"].values) == {"saddle"}
    labels.check(result)


def test_virtual_fixed_points_are_told_from_real_ones():
    """``x' = x / 2 - relu(x) / 4 - 1`` has its fixed point at -2; that of the other side is not."""
    system = Map([0.5], [[-0.25]], [-1.0], 1)
    assert fixed_points(system)["state"].values.ravel().tolist() == [-2.0]
    both = fixed_points(system, virtual=True)
    values = dict(zip(both["code"].values.tolist(), both["state"].values[:, 0], strict=True))
    assert values == pytest.approx({"0": -2.0, "1": -1 / 0.75})
    assert both["real"].values.tolist() == [c == "0" for c in both["code"].values]
    assert both["stability"].values.tolist() == ["stable"] * 2
    virtual = both.isel(equilibrium=np.flatnonzero(~both["real"].values))
    assert float(virtual["residual"][0]) > 0.1


def test_lines_of_fixed_points_are_counted_not_returned():
    """``x' = x`` below zero: every point is fixed, none is isolated."""
    result = fixed_points(Map([1.0], [[0.5]], [0.0], 1), virtual=True)
    assert result.attrs["n_singular"] == 1
    assert result.sizes["equilibrium"] == 1


def test_cycles_are_followed_by_the_map():
    system = lozi()
    result = cycles(system, 5)
    for cycle in result["state"].values:
        np.testing.assert_allclose(orbit(system, cycle[0], 5), np.roll(cycle, -1, 0), atol=1e-9)


def test_bad_input():
    system = tent()
    with pytest.raises(TypeError, match="n_relu"):
        cycles(np.eye(2), 1)
    with pytest.raises(ValueError, match=">= 1"):
        cycles(system, 0)
    with pytest.raises(ValueError, match="'enumerate'"):
        cycles(system, 1, method="all")
    with pytest.raises(ValueError, match="pass states"):
        cycles(system, 2, method="words")
    with pytest.raises(ValueError, match="shape"):
        cycles(system, 2, method="words", states=np.zeros(5))
    with pytest.raises(ValueError, match="diverged"):
        cycles(system, 1, method="words", states=np.full((5, 1), np.nan))
    with pytest.raises(ValueError, match="too many"):
        cycles(random_map(0, 10, 10), 3, method="enumerate")
    with pytest.raises(ValueError, match="NaN"):
        cycles(Map([np.nan], [[1.0]], [1.0], 1), 1)
    with pytest.raises(ValueError, match="virtual"):
        cycles(system, 1, method="search", virtual=True, key=0)
    with pytest.raises(ValueError, match="starts"):
        cycles(system, 1, method="search", starts=0, key=0)
    with pytest.raises(ValueError, match="box"):
        cycles(system, 1, method="search", box=-1.0, key=0)
