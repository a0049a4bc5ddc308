"""Nulls, intervals and ceilings against what is known of simulated data."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from jax.tree_util import Partial
from jaxtyping import TypeCheckError
from scipy import stats

from neurodyn import analysis, labels
from neurodyn.analysis import MEASURES, Measure, of_samples
from neurodyn.analysis.comparison import levels, redraws, scoring
from neurodyn.analysis.comparison.exchange import rotated
from neurodyn.analysis.comparison.intervals import KINDS, Jackknife, ends
from neurodyn.analysis.shared.measure import CrossValidation
from neurodyn.analysis.shared.pairing import pair_up
from neurodyn.analysis.shared.resampling import means, shuffled_means
from neurodyn.analysis.shared.threads import one_lapack_thread
from neurodyn.labels import LabelError

N_SIMULATIONS = 300
#: Three standard errors of a coverage of 95 %.
CLOSE = 3 * np.sqrt(0.95 * 0.05 / N_SIMULATIONS)
FOLDS = CrossValidation(jnp.ones((1, 1), bool), jnp.ones(1))


def _run(patterns):
    return labels.dataset(
        {"rate": (("condition", "time", "unit"), patterns[:, None], "Hz", "rate")},
        {"time": labels.time_axis(1, 20.0), "side": ("condition", np.arange(len(patterns)))},
        source="model",
        attrs={"bin_width": 20.0},
    )


def _rec(values, side, **more):
    names = {n: ("trial", np.asarray(v)) for n, v in more.items()}
    return labels.dataset(
        {"rate": (("trial", "time", "unit"), values[:, None], "Hz", "rate", "rate")},
        {"time": labels.time_axis(1, 20.0), "side": ("trial", side), **names},
        source="recording",
        attrs={"bin_width": 20.0},
    )


def _pair(run, rec):
    options = {"join": "exact", "min_trials": 1, "window": None, "variable": None}
    return pair_up(run, rec, by="side", **options)


def covered(low, high, truth):
    """Share of the intervals that hold the truth."""
    return float(((low <= truth) & (truth <= high)).mean())


def test_p_values_are_uniform_under_the_null_if_shuffles_stay_within_sessions():
    """Two sessions differ, and hold the conditions in other numbers."""
    side = np.concatenate([np.repeat([0, 1, 2], n) for n in ((9, 5, 2), (2, 5, 9))])
    session = np.repeat([0, 1], 16)
    x = np.array([[-1.0], [0.1], [0.9]])
    pair = _pair(_run(x), _rec(np.random.default_rng(0).standard_normal((32, 2)), side))
    effect = session[:, None] * np.array([3.0, 0.0])
    how = MEASURES["cka"].pairwise

    def p_value(key, blocks):
        data, draws = jax.random.split(key)
        values = jax.random.normal(data, (1, 32, 1, 2)) + effect[None, :, None]
        trials = pair.trials._replace(values=values, blocks=blocks)
        null = scoring._of_draws(
            how, pair.x, FOLDS, jax.random.split(draws, 99), Partial(shuffled_means, trials=trials)
        )[0]
        score = scoring._scores(how, pair.x, means(values, trials.codes, 3), FOLDS)[0]
        return (1 + (null >= score).sum()) / 100

    keys = jax.random.split(jax.random.key(0), N_SIMULATIONS)
    both = jax.jit(jax.vmap(p_value, (0, None)))
    # Ties of the 100 values that p can have are broken at random.
    spread = np.random.default_rng(1).uniform(-0.01, 0, N_SIMULATIONS)
    within = np.asarray(both(keys, jnp.asarray(session))) + spread
    across = np.asarray(both(keys, jnp.zeros(32, jnp.int32))) + spread
    assert stats.kstest(within, "uniform").pvalue > 0.01
    assert np.mean(across < 0.05) > 0.2
    score = analysis.compare(
        _run(x),
        _rec(np.random.default_rng(2).standard_normal((32, 2)) + effect, side, session=session),
        ["cka"],
        by="side",
        within="session",
        n_null=19,
        n_splits=2,
    )
    assert score.attrs["null"] == "trial labels shuffled within session"
    assert score.attrs["null_question"].endswith("at random within session?")


def test_intervals_over_conditions_cover_the_known_value():
    """CKA of single units is their squared correlation."""
    n, r = 60, 0.7
    plan = levels.Plan(None, None, None, jnp.arange(n))
    how = MEASURES["cka"].pairwise

    def one(key):
        data, draws = jax.random.split(key)
        x, noise = jax.random.normal(data, (2, n, 1, 1))
        y = r * x + np.sqrt(1 - r**2) * noise
        mine = plan._replace(y=y)
        found = [
            scoring._of_redraws(how, x[None], FOLDS, items, Partial(draw, plan=mine))[0][0]
            for items, draw in (
                (jax.random.split(draws, 500), redraws.redraw),
                (jnp.arange(n), redraws.without_conditions),
            )
        ]
        return scoring._scores(how, x[None], y, FOLDS)[0], *found

    keys = jax.random.split(jax.random.key(1), N_SIMULATIONS)
    score, draws, left_out = (np.asarray(v, np.float64) for v in jax.jit(jax.vmap(one))(keys))
    options = {"level": 0.95, "left_out": (Jackknife(left_out, n),)}
    for kind in ("bca", "percentile"):
        low, high = ends(score, draws, kind=kind, **options)
        assert covered(low, high, r**2) == pytest.approx(0.95, abs=CLOSE)


def test_bca_is_that_of_scipy():
    """SciPy 1.16's levels of the quantiles, for the mean of skewed numbers."""
    data = np.random.default_rng(0).exponential(size=40)
    theirs = stats.bootstrap((data,), np.mean, n_resamples=2000, method="BCa", rng=1)
    without = np.array([np.delete(data, i).mean() for i in range(40)])
    low, high = ends(
        np.array(data.mean()),
        theirs.bootstrap_distribution,
        kind="bca",
        level=0.95,
        left_out=(Jackknife(without, 40),),
    )
    assert (float(low), float(high)) == pytest.approx(tuple(theirs.confidence_interval), abs=1e-9)


def test_bca_has_no_interval_beside_the_score():
    """Of a score above which lies less than a tail of the draws, or none."""
    draws = np.stack([np.linspace(0, 1, 1001)] * 4)
    score = np.array([0.5, 0.96, 0.98, 1.5])
    low, high = ends(score, draws, kind="bca", level=0.95)
    assert np.isfinite(low).tolist() == [True, True, False, False]
    np.testing.assert_allclose([low[0], high[0]], [0.025, 0.975], atol=1e-3)
    assert low[1] < score[1] < high[1]
    assert np.isnan(high[2:]).all()


def _slope(x, y):
    """Slope of the first unit on the second one, along the model: 1 in `_sessions`."""
    return (x[:, :1] * y).sum(0)[0] / (x[:, :1] * y).sum(0)[1]


SLOPE = Measure(_slope, "slope", higher_is_better=True, pairwise=of_samples(_slope))


def _sessions(key, side, session, x):
    """Trials whose slope differs from session to session, with mean 1; the second unit is exact."""
    of_session, of_trial = jax.random.split(key)
    slope = 1 + 0.5 * jax.random.normal(of_session, (session.max() + 1,))[session]
    exact = x[side, 0]
    first = slope * exact + 0.5 * jax.random.normal(of_trial, exact.shape)
    return jnp.stack([first, exact], -1)


def test_an_interval_is_about_the_level_that_was_drawn():
    x = np.array([[-1.5], [-0.5], [0.5], [1.5]])
    side, session = np.tile(np.repeat(np.arange(4), 2), 20), np.repeat(np.arange(20), 8)
    key = jax.random.key(3)
    rec = _rec(np.asarray(_sessions(key, side, session, x)), side, session=session)
    pair = _pair(_run(x), rec)
    shares = {}
    for names in (["trial"], ["session"], ["session", "trial"]):
        drawn = levels.plan_of(pair, names)
        assert drawn.sizes == {n: {"trial": 160, "session": 20}[n] for n in names}

        def one(key, plan=drawn.plan):
            data, draws = jax.random.split(key)
            values = _sessions(data, side, session, x)[None, :, None]
            of = plan.trials._replace(trials=plan.trials.trials._replace(values=values))
            draw = Partial(redraws.redraw, plan=plan._replace(trials=of))
            how, items = SLOPE.pairwise, jax.random.split(draws, 150)
            return scoring._of_redraws(how, pair.x, FOLDS, items, draw)[0][0]

        keys = jax.random.split(key, N_SIMULATIONS)
        found = np.asarray(jax.jit(jax.vmap(one))(keys), np.float64)
        low, high = ends(np.zeros(N_SIMULATIONS), found, kind="percentile", level=0.95)
        shares["+".join(names)] = covered(low, high, 1.0)
    assert shares["trial"] < 0.7
    # Twenty sessions: percentile intervals are somewhat narrow.
    assert shares["session"] == pytest.approx(0.95, abs=CLOSE + 0.02)
    assert shares["session+trial"] == pytest.approx(0.95, abs=CLOSE + 0.02)


def test_trials_drawn_again_hold_the_noise_twice():
    """Noise biases a plug-in measure, drawing biases it as much again; "basic" takes that out."""
    rng = np.random.default_rng(4)
    x, signal = rng.standard_normal((2, 40, 20))
    signal = x @ rng.standard_normal((20, 20)) / np.sqrt(20) + signal
    side = np.repeat(np.arange(40), 4)
    pair = _pair(_run(x), _rec(signal[side], side))
    plan = levels.plan_of(pair, ["trial"]).plan
    how = MEASURES["cka"].pairwise
    truth = float(scoring._scores(how, pair.x, pair.y, FOLDS)[0])

    def one(key):
        data, draws = jax.random.split(key)
        values = (signal[side] + jax.random.normal(data, (160, 20)))[None, :, None]
        trials = plan.trials.trials._replace(values=values)
        mine = plan._replace(trials=plan.trials._replace(trials=trials))
        items, draw = jax.random.split(draws, 150), Partial(redraws.redraw, plan=mine)
        found = scoring._of_redraws(how, pair.x, FOLDS, items, draw)[0]
        return scoring._scores(how, pair.x, means(values, trials.codes, 40), FOLDS)[0], found[0]

    keys = jax.random.split(jax.random.key(5), 100)
    score, draws = (np.asarray(v, np.float64) for v in jax.jit(jax.vmap(one))(keys))
    bias, again = score.mean() - truth, (draws.mean(1) - score).mean()
    assert bias < -0.02
    assert again == pytest.approx(bias, rel=0.25)
    share = {k: covered(*ends(score, draws, kind=k, level=0.95), truth) for k in KINDS}
    assert share["percentile"] < 0.1
    assert share["basic"] > 0.87  # within Monte Carlo error of 95 % but for the next order of bias


def test_draws_keep_what_they_should():
    rng = np.random.default_rng(6)
    animal = np.repeat([0, 1, 2], [16, 8, 8])
    session = np.repeat([0, 1, 0, 0], 8)  # the same names in different animals
    side = np.tile(np.repeat([0, 1], 4), 4)
    rec = _rec(rng.standard_normal((32, 6)), side, animal=animal, session=session)
    rec = rec.assign_coords(area=("unit", ["a", "a", "a", "b", "b", "c"]))
    pair = _pair(_run(rng.standard_normal((2, 3))), rec)
    drawn = levels.plan_of(pair, ["animal", "session", "trial"])
    assert drawn.leave_out == {"trials": 3}
    keys = jax.random.split(jax.random.key(0), 50)
    weights = np.asarray(jax.jit(jax.vmap(lambda k: redraws._weights(k, drawn.plan)))(keys))[:, 0]
    of_animal = np.stack([weights[:, animal == a].sum(1) for a in range(3)], 1)
    # Two of three animals, one of two sessions or the only one, three of four trials.
    assert set(np.unique(of_animal)) == {0, 6, 12}
    assert (weights.sum(1) == 12).all()
    assert (weights[:, side == 0].sum(1) == weights[:, side == 1].sum(1)).all()
    units = levels.plan_of(pair, ["area", "unit"]).plan.units
    slots = np.asarray(jax.jit(jax.vmap(lambda k: redraws._units(k, units)))(keys))
    areas = np.array([0, 0, 0, 1, 1, 2])[slots]
    for row, area in zip(slots.reshape(100, 2), areas.reshape(100, 2), strict=True):
        there = area[row >= 0]
        assert len(set(there)) == 1
        assert len(there) == {0: 2, 1: 1, 2: 1}[there[0]]


def test_compare_gives_intervals_for_every_kind_of_level():
    rng = np.random.default_rng(7)
    side, session = np.tile(np.repeat(np.arange(5), 2), 4), np.repeat(np.arange(4), 10)
    signal = rng.standard_normal((5, 6))
    rec = _rec(signal[side] + 0.4 * rng.standard_normal((40, 6)), side, session=session)
    run = _run(signal @ rng.standard_normal((6, 4)))
    options = {"by": "side", "n_null": 0, "n_splits": 3, "n_bootstrap": 60}
    levels_and_metrics = (
        ("condition", ["ridge_r"]),
        (["session", "trial"], ["cka"]),
        (["session", "trial", "unit"], ["cka", "ridge_r"]),
    )
    for names, metrics in levels_and_metrics:
        score = analysis.compare(run, rec, metrics, bootstrap=names, **options)
        labels.check(score)
        assert score["resampled"].dims == ("metric", "resample")
        known = score["resampled"].notnull().mean("resample")
        assert (known > 0.9).all()
        assert (score["low"] < score["high"]).all()
    assert score.attrs["n_session"] == 4
    assert score.attrs["n_trials"] == 40
    assert score.attrs["n_units"] == [4, 6]
    assert score.attrs["bootstrap"] == "session, trial, unit"
    again = analysis.compare(run, rec, ["cka", "ridge_r"], bootstrap=names, **options)
    xr.testing.assert_identical(again, score)
    of_sessions = analysis.compare(run, rec, ["cka"], ceiling="session", **options)
    assert of_sessions.attrs["ceiling_splits"] == "session"
    none = analysis.compare(run, rec, ["cka"], ceiling=None, **options)
    assert np.isnan(none["ceiling"]).all()
    options["bootstrap"] = ["session", "trial"]
    as_users = one_lapack_thread(inspect.unwrap(analysis.compare))  # without beartype
    for given in ({"one": run, "other": run}, run):
        with pytest.warns(UserWarning, match="no interval of cka: nearly all draws") as told:
            twice = as_users(given, rec, ["cka"], level=0.2, **options)
        assert [warning.filename for warning in told] == [__file__]
    assert np.isnan(twice["low"]).all()
    assert twice["resampled"].notnull().all()
    assert twice.attrs["interval_note"].startswith("cka: nearly all draws")
    for kind in ("units", "rotation"):
        found = analysis.compare(
            run, rec, ["cka"], null=kind, **options | {"bootstrap": None, "n_null": 9}
        )
        assert (float(found["p_value"].item()) == 1.0) == (kind == "rotation")


def test_the_ceiling_across_sessions_is_the_known_one():
    """Patterns of units differ between 8 sessions: their mean has reliability 1 / (1 + 1 / 8)."""
    rng = np.random.default_rng(8)
    side, session = np.tile(np.repeat(np.arange(30), 4), 8), np.repeat(np.arange(8), 120)
    own = rng.standard_normal((8, 30, 60))
    values = rng.standard_normal((30, 60))[side] + own[session, side]
    rec = _rec(values + 0.1 * rng.standard_normal(values.shape), side, session=session)
    options = {"by": "side", "n_null": 0, "n_splits": 20, "metrics": ["ridge_r"], "n_folds": 3}
    run = _run(rng.standard_normal((30, 2)))
    across = analysis.compare(run, rec, ceiling="session", **options)["reliability"]
    inside = analysis.compare(run, rec, **options)["reliability"]
    assert float(across.mean()) == pytest.approx(1 / (1 + 1 / 8), abs=0.02)
    assert float(inside.mean()) > 0.95


def test_random_rotations_are_orthogonal_and_move_every_axis():
    y = jnp.eye(4)[:, None]
    q = np.asarray(
        jax.vmap(lambda k: rotated(k, y)[:, 0])(jax.random.split(jax.random.key(0), 400))
    )
    np.testing.assert_allclose(q @ q.transpose(0, 2, 1), np.eye(4)[None].repeat(400, 0), atol=1e-5)
    assert abs(np.mean(np.linalg.det(q) > 0) - 0.5) < 0.1
    np.testing.assert_allclose(q.mean(0), 0, atol=0.1)


def test_p_values_are_adjusted():
    p = [0.01, 0.04, 0.03, 0.005, np.nan]
    np.testing.assert_allclose(analysis.adjust(p), [0.03, 0.06, 0.06, 0.02, np.nan])
    np.testing.assert_allclose(analysis.adjust(p, "bh"), [0.02, 0.04, 0.04, 0.02, np.nan])
    np.testing.assert_allclose(analysis.adjust(p, "bonferroni"), [0.04, 0.16, 0.12, 0.02, np.nan])
    np.testing.assert_allclose(
        analysis.adjust(p, "by")[:4], np.array([0.02, 0.04, 0.04, 0.02]) * 25 / 12
    )
    table = xr.DataArray([[0.01, 0.04], [0.03, 0.005]], dims=("metric", "model"))
    assert analysis.adjust(table).values.tolist() == [[0.03, 0.06], [0.06, 0.02]]
    each = analysis.adjust(table, over="model")
    np.testing.assert_allclose(each, [[0.02, 0.04], [0.03, 0.01]])
    assert each.attrs["family"] == "model"
    with pytest.raises(LabelError, match="'seed'"):
        analysis.adjust(table, over="seed")
    with pytest.raises(ValueError, match="between 0 and 1"):
        analysis.adjust([1.2])


def test_levels_that_are_not_there_are_refused():
    rng = np.random.default_rng(9)
    side, session = np.tile([0, 1, 2], 8), np.repeat(np.arange(4), 6)
    rec = _rec(rng.standard_normal((24, 3)), side, session=session, rig=np.zeros(24), part=side)
    run = _run(rng.standard_normal((3, 2)))
    with pytest.raises(LabelError, match=r"'animal'.*'session'"):
        analysis.compare(run, rec, ["cka"], by="side", bootstrap=["animal", "trial"])
    with pytest.raises(LabelError, match="one rig"):
        analysis.compare(run, rec, ["cka"], by="side", bootstrap="rig")
    with pytest.raises(LabelError, match="outermost level inwards"):
        analysis.compare(run, rec, ["cka"], by="side", bootstrap=["trial", "session"])
    means_only = run.assign_attrs(source="recording")
    with pytest.raises(LabelError, match="no single trials"):
        analysis.compare(run, means_only, ["cka"], bootstrap="trial")
    with pytest.raises(LabelError, match="single condition"):
        analysis.compare(run, rec, ["cka"], by="side", within="part")
    with pytest.raises(LabelError, match="needs two"):
        analysis.compare(run, rec, ["cka"], by="side", ceiling="part")
    with pytest.raises(LabelError, match="ceiling='day'"):
        analysis.compare(run, rec, ["cka"], by="side", ceiling="day")
    with pytest.raises((ValueError, TypeCheckError), match=r"interval|bca"):
        analysis.compare(run, rec, ["cka"], by="side", interval="t")
    with pytest.raises((ValueError, TypeCheckError), match="rotation"):
        analysis.compare(run, rec, ["cka"], by="side", null="rotations")
