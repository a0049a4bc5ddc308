"""Condition averages of units with different trials, on files made up here."""

import numpy as np
import pytest
from scipy.io import savemat

from neurodyn import labels, trials
from neurodyn.datasets import mante

COHERENCES = {"a": [-0.5, -0.17, 0.17, 0.5], "b": [-0.5, -0.13, 0.13, 0.5]}


@pytest.fixture
def paths(tmp_path):
    """Two units; unit b has neither errors nor trials with motion rank 0 in the colour context."""
    made = []
    for i, (name, levels) in enumerate(COHERENCES.items()):
        rng = np.random.default_rng(i)
        n = 400 + 100 * i
        motion, colour = rng.choice(levels, n), rng.choice(levels, n)
        context = rng.choice([-1, 1], n)
        if name == "b":
            motion = np.where((motion == levels[0]) & (context < 0), levels[1], motion)
        correct = np.ones(n) if name == "b" else rng.integers(0, 2, n)
        columns = {
            "stim_dir": motion,
            "stim_col": colour,
            "stim_col2dir": colour,
            "stim_dir2col": motion,
            "targ_dir": np.sign(motion),
            "targ_col": np.sign(colour),
            "context": context,
            "correct": correct,
            "congruent": motion * colour > 0,
        }
        unit = {
            "name": name,
            "response": (rng.random((n, 751)) < 0.02 + 0.01 * motion[:, None]).astype(np.uint8),
            "task_variable": columns,
            "time": np.arange(100, 851) / 1e3,
            "unitInfo": {"type": "s"},
        }
        made.append(tmp_path / f"{name}.mat")
        savemat(made[-1], {"unit": unit})
    return made


def trial_rates(node, width):
    """Rates of one unit's trials (trial, time, unit), with bins made by xarray."""
    counts = node.to_dataset()
    bins = 751 // width
    coarse = counts.isel(time=slice(bins * width)).coarsen(time=width).sum()
    return coarse.spike_count * (1e3 / width)


@pytest.mark.parametrize("correct_only", [True, False])
def test_conditions_agree_with_trial_averages(paths, correct_only):
    """The averages made here with sums over codes, and by `trials.average` from each unit."""
    averaged = mante.read(paths, bin_width=50.0, correct_only=correct_only)
    labels.check(averaged)
    assert averaged.rate.dims == ("condition", "time", "unit")
    assert averaged.sizes == {"condition": 32, "time": 15, "unit": 2}
    assert averaged.time.values[0] == 125.0
    tree = mante.read(paths, form="trials")
    labels.check(tree)
    by = ["motion", "colour", "context"]
    for name, levels in COHERENCES.items():
        rates = trial_rates(tree[name], 50)
        if correct_only:
            rates = rates.isel(trial=rates.correct.values == 1)
        expected = trials.average(rates.rename("rate"), by).isel(unit=0)
        own = averaged.sel(unit=name)
        found = 0
        for condition in range(32):
            rank = [int(own[f"{c}_rank"][condition]) for c in by[:2]]
            same = (expected.motion == levels[rank[0]]) & (expected.colour == levels[rank[1]])
            same &= expected.context == own.context[condition]
            (match,) = np.flatnonzero(same.values) if same.any() else (None,)
            if match is None:
                assert own.n_trials[condition] == 0
                assert np.isnan(own.rate[condition]).all()
                continue
            found += 1
            assert own.n_trials[condition] == expected.n_trials[match]
            np.testing.assert_allclose(own.rate[condition], expected.rate[match])
            np.testing.assert_allclose(own["sem"][condition], expected["sem"][match])
        assert found == expected.sizes["condition"]


def test_coherences_are_the_mean_of_the_units(paths):
    averaged = mante.read(paths)
    pairs = set(zip(averaged.motion_rank.values, averaged.motion.values.round(6), strict=True))
    assert pairs == {(0, -0.5), (1, -0.15), (2, 0.15), (3, 0.5)}
    assert set(averaged.context.values) == {"motion", "colour"}


def test_combinations_that_do_not_occur_are_left_out(paths):
    averaged = mante.read(paths, by=("motion_evidence", "choice"))
    assert averaged.sizes["condition"] == 4
    np.testing.assert_array_equal(np.sign(averaged.motion_evidence), averaged.choice)


def test_halves_are_disjoint_and_complete(paths):
    whole = mante.read(paths, by=("context",))
    halves = mante.read(paths, by=("context",), halves=True, key=3)
    labels.check(halves)
    assert halves.rate.dims == ("repetition", "condition", "time", "unit")
    np.testing.assert_array_equal(halves.n_trials.sum("repetition"), whole.n_trials)
    assert abs(halves.n_trials.diff("repetition")).max() <= 1
    together = (halves.rate * halves.n_trials).sum("repetition") / whole.n_trials
    np.testing.assert_allclose(together.transpose(*whole.rate.dims), whole.rate)


def test_halves_follow_the_key(paths):
    first, again, other = (
        mante.read(paths, halves=True, key=key, by=("context",)) for key in (0, 0, 1)
    )
    assert first.identical(again)
    assert not np.allclose(first.rate, other.rate)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"form": "trial"}, "'conditions' or 'trials'"),
        ({"by": ("stim_dir",)}, r"by must name labels out of motion, .*\['stim_dir'\]"),
        ({"by": ()}, "by must name"),
        ({"bin_width": 0.0}, "bin_width"),
        ({"bin_width": 12.5}, "whole number of ms"),
        ({"bin_width": 1000.0}, "bin_width"),
    ],
)
def test_bad_options(paths, options, message):
    with pytest.raises(ValueError, match=message):
        mante.read(paths, **options)
