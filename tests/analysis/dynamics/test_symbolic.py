"""Symbolic dynamics of systems whose graphs and entropies are known."""

import numpy as np
import pytest
import xarray as xr

from neurodyn import labels
from neurodyn.analysis import symbols, topological_entropy, transitions, word_growth
from tests.analysis.dynamics.piecewise import Map, orbit, random_map, tent

GOLDEN = (1 + np.sqrt(5)) / 2


def golden(n, seed=0):
    """A sequence of the golden-mean shift: no two ones in a row."""
    rng = np.random.default_rng(seed)
    row = [0]
    for draw in rng.random(n - 1):
        row.append(0 if row[-1] == 1 else int(draw < 0.4))
    return np.array(row)


def test_entropy_of_the_full_shift_is_log_two():
    row = np.random.default_rng(0).integers(0, 2, 20_000)
    assert float(topological_entropy(row, level="step")) == pytest.approx(np.log(2))
    words = word_growth(row, 8, level="step")
    assert words["n_words"].values.tolist() == [2**k for k in range(1, 9)]
    np.testing.assert_allclose(words["growth"][1:], np.log(2))


def test_entropy_of_the_golden_mean_shift():
    row = golden(20_000)
    assert float(topological_entropy(row, level="step")) == pytest.approx(np.log(GOLDEN))
    fibonacci = [2, 3, 5, 8, 13, 21, 34, 55]
    assert word_growth(row, 8, level="step")["n_words"].values.tolist() == fibonacci


def test_entropy_of_a_chain_of_three_regions_by_visits():
    """L <-> C <-> R, as in a model of the Lorenz system: log sqrt 2 per visit."""
    rng = np.random.default_rng(0)
    visits = np.stack([np.ones(500, int), rng.choice([0, 2], 500)], axis=1).ravel()
    dwell = rng.integers(5, 30, visits.size)
    row = np.repeat(visits, dwell)
    assert float(topological_entropy(row)) == pytest.approx(np.log(2) / 2)
    assert float(topological_entropy(row, level="step")) > 3 * np.log(2) / 2 / 2
    counts = word_growth(row, 6)["n_words"].values
    assert counts.tolist() == [3, 4, 6, 8, 12, 16]
    graph = transitions(row)
    expected = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], bool)
    np.testing.assert_array_equal(graph["adjacency"], expected)
    np.testing.assert_allclose(graph["probability"].sum("region_to"), 1.0)
    assert int(graph["count"].sum()) == visits.size - 1


def test_a_tent_orbit_is_coded_by_its_side():
    system = tent()
    start = np.array([0.3141592])
    states = orbit(system, start, 40)  # before rounding matters
    coded = symbols(system, states)
    labels.check(coded)
    open_gate = coded["mask"].values[coded["symbol"].values, 0]
    np.testing.assert_array_equal(open_gate, states[:, 0] > 0)
    assert set(coded["code"].values) == {"0", "1"}


def test_frequencies_visits_and_centroids_equal_a_plain_count():
    system = random_map(1, 5, 3)
    rng = np.random.default_rng(3)
    states = rng.standard_normal((2, 300, 5)).astype(np.float32)
    coded = symbols(system, states)
    words = [["".join("01"[int(z > 0)] for z in state[2:]) for state in trial] for trial in states]
    flat = [word for trial in words for word in trial]
    number = {word: flat.count(word) for word in set(flat)}
    assert coded.sizes["region"] == len(number)
    assert sorted(coded["frequency"].values, reverse=True) == coded["frequency"].values.tolist()
    code = coded["code"].values
    for region, word in enumerate(code):
        here = coded.isel(region=region)
        inside = np.array([w == word for w in flat])
        assert float(here["frequency"]) == pytest.approx(number[word] / len(flat))
        np.testing.assert_allclose(
            here["centroid"], states.reshape(-1, 5)[inside].mean(0), rtol=1e-4
        )
        entries = sum(
            t == 0 or trial[t - 1] != w for trial in words for t, w in enumerate(trial) if w == word
        )
        assert int(here["visits"]) == entries
        assert float(here["dwell"]) == pytest.approx(number[word] / entries)
    assert float(coded["coverage"][-1]) == pytest.approx(1.0)
    assert [[code[s] for s in trial] for trial in coded["symbol"].values] == words


def test_transitions_do_not_cross_trials():
    rows = np.array([[0, 0, 1, 1], [2, 2, 0, 0]])
    graph = transitions(rows)
    expected = np.zeros((3, 3), int)
    expected[0, 1] = expected[2, 0] = 1
    np.testing.assert_array_equal(graph["count"], expected)
    assert np.isnan(graph["probability"].values[1]).all()


def test_connectome_counts_ended_visits_and_their_transitions():
    """By hand: 0 0 1 2 2 0 has visits 0 1 2 (ended) and 0; 0->1, 1->2 and three self counts."""
    graph = transitions(np.array([0, 0, 1, 2, 2, 0]))
    expected = np.eye(3)
    expected[0, 1] = expected[1, 2] = 1
    np.testing.assert_allclose(graph["connectome"], expected / 5)


def test_one_region_has_no_entropy():
    row = np.zeros(50, int)
    assert float(topological_entropy(row)) == 0.0
    assert int(transitions(row)["count"].sum()) == 0


def test_labelled_trajectories_keep_their_times():
    system = random_map(1, 4, 2)
    states = xr.DataArray(
        np.random.default_rng(0).standard_normal((4, 30)),
        {"time": np.arange(1, 31) * 5.0},
        ("unit", "time"),
    )
    coded = symbols(system, states)
    np.testing.assert_array_equal(coded["time"], states["time"])
    again = symbols(system, states.values.T)
    np.testing.assert_array_equal(coded["symbol"], again["symbol"])


def test_a_linear_map_has_one_region():
    coded = symbols(Map([0.5, 0.5], np.zeros((2, 2)), [0.0, 0.0], 0), np.ones((10, 2)))
    assert coded.sizes["region"] == 1
    assert coded["symbol"].values.tolist() == [0] * 10


def test_bad_input():
    system = Map([0.5, 0.5], np.zeros((2, 2)), [0.0, 0.0], 1)
    with pytest.raises(labels.LabelError, match="2 latents"):
        symbols(system, np.zeros((10, 3)))
    with pytest.raises(ValueError, match="diverged"):
        symbols(system, np.full((10, 2), np.inf))
    with pytest.raises(labels.LabelError, match="seed"):
        symbols(system, xr.DataArray(np.zeros((2, 5, 2)), dims=("seed", "time", "unit")))
    with pytest.raises(labels.LabelError, match="time"):
        symbols(system, xr.DataArray(np.zeros((5, 2)), dims=("trial", "unit")))
    with pytest.raises(TypeError, match="n_relu"):
        symbols(None, np.zeros((10, 2)))
    with pytest.raises(labels.LabelError, match="integers"):
        transitions(np.array([0.5, 1.0]))
    with pytest.raises(labels.LabelError, match="from 0"):
        topological_entropy(np.array([0, -1]))
    with pytest.raises(labels.LabelError, match="symbol"):
        word_growth(xr.Dataset())
    with pytest.raises(ValueError, match="visit"):
        topological_entropy(np.array([0, 1]), level="word")
    with pytest.raises(ValueError, match="max_length"):
        word_growth(np.array([0, 1]), 5)


def test_symbols_that_concatenation_spread_are_refused():
    coded = symbols(tent(), orbit(tent(), [0.2], 200))
    halves = [coded.isel(region=[0]), coded.isel(region=[1])]
    spread = xr.concat(halves, "region", data_vars="all")
    with pytest.raises(labels.LabelError, match=r"'symbol' lies on \['region'\], too"):
        transitions(spread)
