"""What a score means: exact sensitivities, data that contain a known part, climbs, refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn import analysis, datasets, labels, spikes
from neurodyn.analysis import Measure, of_samples, optimise, score_reference
from neurodyn.analysis.meaning.content import components_of, content
from neurodyn.analysis.meaning.target import target_of
from neurodyn.analysis.prediction.ridge import PENALTIES
from neurodyn.labels import LabelError

#: The recipe of 60 samples and 12 units on which similarity measures are compared elsewhere.
RNG = np.random.default_rng(0)
Z = RNG.standard_normal((60, 5))
X = Z @ RNG.standard_normal((5, 12)) + 0.5 * RNG.standard_normal((60, 12))


def recording(x=X, **variables):
    n = len(x) // 5
    variables = variables or {"level": np.arange(float(n)), "side": np.repeat(["a", "b"], n // 2)}
    return labels.dataset(
        {"rate": (("condition", "time", "unit"), x.reshape(n, 5, -1), "Hz", "rate")},
        {"time": labels.time_axis(5, 20.0), "condition": np.arange(n)}
        | {name: ("condition", v) for name, v in variables.items()},
        source="recording",
    )


def test_scores_without_a_component_are_those_of_theory():
    eigenvalues = np.linalg.svd(X - X.mean(0), compute_uv=False) ** 2
    share = eigenvalues / eigenvalues.sum()
    squares = eigenvalues**2 / (eigenvalues**2).sum()
    cka = score_reference("cka", recording(), n_draws=0)
    np.testing.assert_allclose(cka["without_component"], np.sqrt(1 - squares), rtol=1e-9)
    np.testing.assert_allclose(cka["leading"], np.sqrt(np.cumsum(squares)), rtol=1e-9)
    angle = score_reference("procrustes", recording(), n_draws=0)
    np.testing.assert_allclose(np.cos(angle["without_component"]), np.sqrt(1 - share), rtol=1e-9)
    np.testing.assert_allclose(np.cos(angle["leading"][:-1]), np.sqrt(np.cumsum(share))[:-1])
    known = [0.565083475, 0.887209957, 0.995951858]
    np.testing.assert_allclose(cka["without_component"][[0, 1, 4]], known, atol=1e-9)
    np.testing.assert_allclose(np.cos(angle["leading"][:2]), [0.667020007, 0.832896354], atol=1e-9)


def test_a_variable_is_taken_out_and_read_out():
    """Activity that is the sum of a part of each variable, and of time."""
    rng = np.random.default_rng(1)
    side, level = np.repeat([0, 1], 6), np.tile(np.arange(6.0), 2)
    of_side, of_level, of_time = rng.standard_normal((3, 5, 9))
    x = side[:, None, None] * of_side + (level - 2.5)[:, None, None] / 2 * of_level + of_time
    words = np.array(["left", "right"])[side]
    rec = recording(x.reshape(60, 9), side=words, level=level)
    found = score_reference("cka", rec, 0.99, n_draws=1, steps=200, key=3)
    rest = {
        "side": x - side[:, None, None] * of_side + of_side / 2,
        "level": x - (level - 2.5)[:, None, None] / 2 * of_level,
    }
    for name, without in rest.items():
        direct = float(analysis.linear_cka(x.reshape(60, 9), without.reshape(60, 9)))
        one = found.sel(task_variable=name)
        np.testing.assert_allclose(one["without_variable"], direct, rtol=1e-6)
        assert bool(one["variable_needed"]) == (direct < 0.99)
    assert float(found["climbed"].max()) > 0.99
    with jax.enable_x64(True):
        target = target_of(rec, None, None, None, None, PENALTIES, jax.random.key(0))
        y = np.asarray(target.y)
        captured, decoded = content(
            target.y[None], components_of(y, None), target.variables, target.folds
        )
    np.testing.assert_allclose(captured, 1, atol=1e-3)
    np.testing.assert_allclose(decoded, 1, atol=1e-3)
    np.testing.assert_allclose(found["decodable"], 1, atol=1e-3)
    assert int(found["components_needed"]) == 1 + int((found["leading"] < 0.99).sum())
    # Words and their order of appearance change nothing; nor does the order of conditions.
    mixed = rec.isel(condition=np.random.default_rng(0).permutation(12))
    again = score_reference("cka", mixed, n_draws=1, steps=200, key=3)
    np.testing.assert_array_equal(again["decoded"], found["decoded"])
    alone = score_reference("cka", rec, by=["side", "level"], n_draws=0)
    np.testing.assert_allclose(alone["without_variable"], found["without_variable"])
    nested = recording(x.reshape(60, 9), code=np.arange(12.0), side=words)
    without = score_reference("cka", nested, n_draws=0)["without_variable"]
    assert np.isnan(without.sel(task_variable="side"))
    # A measure that falls with every further component is reached by the first alone.
    fewest = Measure(lambda x, y: 0, "fewest", higher_is_better=True, name="fewest",
                     pairwise=of_samples(lambda x, y: 1.0 / jnp.sum(x**2)))  # fmt: skip
    first = float(score_reference(fewest, nested, n_draws=0)["leading"][0])
    found = score_reference(fewest, nested, first, n_draws=0)
    assert found["components_needed"] == 1
    assert np.isnan(found["variable_needed"].sel(task_variable="side"))


def test_climbs_reach_a_score_hold_another_and_repeat():
    found = optimise("procrustes", recording(), steps=400, n_draws=2, key=1)
    assert (np.cos(found["score"].isel(step=-1)) > 0.95).all()
    assert (np.diff(np.cos(found["score"]), axis=1) > -1e-6).all()
    assert found["activity"].dims == ("draw", "condition", "time", "unit")
    final = found["activity"].isel(draw=1).values.reshape(60, 12)
    angle = float(analysis.procrustes_angle(X, final))
    np.testing.assert_allclose(found["score"].isel(step=-1, draw=1), angle, atol=1e-5)
    again = optimise("procrustes", recording(), steps=400, n_draws=2, key=1)
    np.testing.assert_array_equal(again["captured"], found["captured"])
    held = optimise("procrustes", recording(), hold={"cka": 0.5}, steps=600, key=1)
    last = held.isel(draw=0, step=-1)
    np.testing.assert_allclose(last["held"].sel(metric="cka"), 0.5, atol=0.02)
    # A shape that is as close as this has a higher CKA, so it cannot be reached.
    assert np.cos(float(last["score"])) < np.cos(float(found["score"].isel(draw=0, step=-1)))
    narrow = optimise("cka", recording(), n_units=3, steps=5, n_saved=1, n_components=2)
    assert narrow["step"].values.tolist() == [0, 5]
    assert narrow["activity"].sizes["unit"] == 3
    assert narrow["captured"].sizes["component"] == 2


def test_a_measure_of_ones_own_and_one_of_single_units():
    own = Measure(lambda x, y: 0, "overlap", higher_is_better=True, name="overlap",
                  pairwise=of_samples(lambda x, y: (x * y).mean()))  # fmt: skip
    found = optimise(own, recording(), steps=20)
    assert float(found["score"][0, -1]) > float(found["score"][0, 0])
    found = score_reference("ridge_r", recording(), 0.9, n_draws=0)
    assert float(found["whole"]) > 0.99
    assert float(found["leading"][0]) < float(found["leading"][4])


def test_the_bundled_recording_and_its_figure():
    from neurodyn import plot

    rec = datasets.load("decision_example")
    counts = spikes.bin(rec, bin_width=100.0, window=(0.0, 1000.0))
    by = ["coherence", "choice"]
    found = score_reference("cka", counts, 0.8, by=by, n_draws=1, steps=10)
    assert found["task_variable"].values.tolist() == by
    figure = plot.score_meaning(found)
    assert len(figure.axes) == 3


def test_what_has_no_meaning_is_refused():
    plain = recording().drop_vars(["level", "side"])
    with pytest.raises(LabelError, match="no labels that vary"):
        optimise("cka", plain)
    with pytest.raises(LabelError, match="1 of 12 units do not vary"):
        optimise("cka", recording(np.c_[X[:, 1:], np.ones(60)]))
    with pytest.raises(LabelError, match=r"no label 'color': they have .*level, side"):
        optimise("cka", recording(), by="color")
    with pytest.raises(ValueError, match=r"unknown measure 'ckaa'.*'cka'"):
        score_reference("ckaa", recording())
    with pytest.raises(ValueError, match="rate must be a positive number"):
        optimise("cka", recording(), rate=0.0)
    with pytest.raises(ValueError, match="n_components must be from 1 to 12, got 13"):
        score_reference("cka", recording(), n_components=13)
    with pytest.raises(ValueError, match="score must be a number"):
        score_reference("cka", recording(), float("nan"))
    with pytest.raises(LabelError, match=r"dims \['seed'\] beside .*isel\(seed=0\)"):
        optimise("cka", recording().expand_dims(seed=2))
    with pytest.raises(ValueError, match="one measure at a time"):
        score_reference(["cka", "nbs"], recording())
    with pytest.raises(ValueError, match=r"'cka' cannot be held at 3\.0: it goes from 0 to 1"):
        optimise("nbs", recording(), hold={"cka": 3.0})
    with pytest.raises(ValueError, match="derivative of 'neighbour_overlap' is 0"):
        optimise("neighbour_overlap", recording(), steps=2)
    root = Measure(lambda x, y: 0, "root", higher_is_better=True, name="root",
                   pairwise=of_samples(lambda x, y: ((x - x) ** 0.5).mean()))  # fmt: skip
    with pytest.raises(
        FloatingPointError, match="'root' or its gradient is not finite after 1 steps"
    ):
        optimise(root, recording(), steps=3)
