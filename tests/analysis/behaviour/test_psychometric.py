"""Psychometric and chronometric functions of observers whose numbers are known."""

import json
import warnings

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import minimize
from scipy.special import ndtr

import neurodyn as nd
from neurodyn import analysis, labels, models, plot, tasks
from neurodyn.analysis.behaviour.likelihood import fit_curves
from neurodyn.tasks.mixtures.transitions import Blocks

LEVELS = np.array([-0.512, -0.256, -0.128, -0.064, -0.032, 0.032, 0.064, 0.128, 0.256, 0.512])
TRUTH = {"bias": 0.03, "slope": 8.0, "lapse_below": 0.05, "lapse_above": 0.08}


def chance(x, bias, slope, below, above):
    return below + (1 - below - above) * ndtr(slope * (x - bias))


def observer(rng, n_each=40, seeds=None, **changed):
    """Trials of an observer, in random order; of several networks where there are seeds."""
    x = rng.permutation(np.repeat(LEVELS, n_each))
    p = chance(x, *(TRUTH | changed).values())
    choice = rng.random((seeds, x.size) if seeds else x.size) < p
    dims = ("seed", "trial") if seeds else ("trial",)
    coords = {"coherence": ("trial", x), "choice": (dims, choice.astype(int))}
    coords |= {"seed": np.arange(seeds)} if seeds else {}
    return xr.Dataset(coords=coords, attrs={"source": "model" if seeds else "recording"})


@pytest.mark.parametrize("lapse", ["each", "shared", "none"])
def test_the_likelihood_is_that_of_an_independent_search(lapse):
    rng = np.random.default_rng(0)
    n = np.full(10, 40.0)
    hits = rng.binomial(40, chance(LEVELS, *TRUTH.values()), (8, 10)).astype(float)
    hits[1], hits[2] = 40 - hits[1], np.where(LEVELS > 0, 40, 0)
    found = fit_curves(LEVELS, hits, np.broadcast_to(n, hits.shape), lapse)
    n_lapses = {"each": 2, "shared": 1, "none": 0}[lapse]
    steepest = 3.92 / 0.064 * 2
    bounds = [(-1.024, 1.024), (-steepest, steepest)] + [(0, 0.5)] * n_lapses
    for i, k in enumerate(hits):

        def cost(q, k=k):
            lapses = (q[2], q[-1]) if n_lapses else (0.0, 0.0)
            p = np.clip(chance(LEVELS, q[0], q[1], *lapses), 1e-12, 1 - 1e-12)
            return -(k * np.log(p) + (n - k) * np.log1p(-p)).sum()

        starts = [[0.0, s, *[0.05] * n_lapses] for s in (-8, 8, 30)]
        best = min((minimize(cost, q, bounds=bounds) for q in starts), key=lambda r: r.fun)
        assert found.log_likelihood[i] >= -best.fun - 1e-4
        ours = (found.bias[i], found.slope[i], found.below[i], found.above[i])
        assert cost(ours[: 2 + n_lapses]) == pytest.approx(-found.log_likelihood[i], abs=1e-8)
        if i != 2:
            np.testing.assert_allclose(ours[:2], best.x[:2], rtol=2e-2, atol=2e-3)
    assert found.at_limit[2]
    assert found.slope[1] < 0 < found.slope[0]


def test_intervals_cover_what_is_known():
    """Of 60 observers, about 95 % of the intervals hold the truth."""
    seeds = 60
    ds = observer(np.random.default_rng(1), seeds=seeds)
    fit = analysis.psychometric(ds, n_boot=120)
    labels.check(fit)
    assert fit.bias.dims == ("seed",)
    for name, truth in TRUTH.items():
        covered = (fit[f"{name}_low"] <= truth) & (truth <= fit[f"{name}_high"])
        # Three standard errors; percentiles of lapses, which end at 0, hold 3 % fewer.
        slack = 3 * np.sqrt(0.95 * 0.05 / seeds) + (0.04 if "lapse" in name else 0.01)
        assert abs(float(covered.mean()) - 0.95) < slack, name
        away = fit[name].values - truth
        assert abs(np.median(away)) < 3 * 1.25 * away.std() / np.sqrt(seeds) + 0.01, name
    # Wrong models are told by their likelihood: two lapses are more than none.
    bare = analysis.psychometric(ds, n_boot=1, lapse="none")
    assert (fit.log_likelihood >= bare.log_likelihood - 1e-6).all()
    assert (bare.slope < fit.slope).all()


def test_sessions_conditions_and_order():
    rng = np.random.default_rng(2)
    parts = [observer(rng, bias=b).assign_coords(session=("trial", [s] * 400))
             for s, b in (("b", 0.2), ("a", -0.2))]  # fmt: skip
    ds = xr.concat(parts, "trial").assign_coords(trial=np.arange(800))
    fit = analysis.psychometric(ds, by="session", n_boot=100)
    assert fit["session"].values.tolist() == ["a", "b"]
    assert (np.abs(fit.bias - [-0.2, 0.2]) < 0.06).all()
    alone = analysis.psychometric(ds.sel(trial=ds.session == "b"), n_boot=100)
    for name in TRUTH:
        assert alone[name] == fit[name][1]
    shuffled = analysis.psychometric(ds.isel(trial=rng.permutation(800)), by="session", n_boot=100)
    xr.testing.assert_identical(fit, shuffled)
    # Within sessions, their difference does not widen the interval of the bias.
    within, over = (analysis.psychometric(ds, within=w, n_boot=300) for w in (None, []))
    width = [float(f.bias_high - f.bias_low) for f in (within, over)]
    assert width[0] < 0.98 * width[1]
    tree = xr.DataTree.from_dict({"/": xr.Dataset(attrs={"subject_id": "Ada"}), "trials": ds})
    of_session = analysis.psychometric(tree, n_boot=300)
    assert of_session.attrs["name"] == "Ada"
    assert of_session.bias == within.bias


def test_evidence_of_contexts_words_and_early_responses():
    """The evidence that counts is named by another label, of codes or of words."""
    rng = np.random.default_rng(3)
    n = 1200
    context = rng.integers(0, 2, n)
    motion, colour = (rng.choice(LEVELS, n) for _ in range(2))
    x = np.where(context == 0, motion, colour)
    right = rng.random(n) < chance(x, 0.0, 10.0, 0.0, 0.0)
    early = rng.random(n) < 0.3
    choice = np.where(early, 0, right)  # nonsense
    ds = xr.Dataset(
        coords={n: ("trial", v) for n, v in (("motion", motion), ("colour", colour),
                ("context", context), ("choice", choice), ("early", early.astype(float)))},
        attrs={
            "source": "model",
            "labels": json.dumps({"context": {"0": "motion", "1": "colour"},
                                  "choice": {"-1": "none", "0": "left", "1": "right"}}),
            "evidence": json.dumps({"context": {"motion": "motion", "colour": "colour"}}),
        },
    )  # fmt: skip
    fit = analysis.psychometric(ds, n_boot=50, lapse="shared")
    assert fit["context"].values.tolist() == [0, 1]
    assert int(fit.n_trials.sum()) == n - early.sum()
    assert (np.abs(fit.slope - 10) < 3).all()
    assert (fit.lapse_below < 0.04).all()
    assert fit.attrs["option"] == "right"
    wrong = analysis.psychometric(ds, evidence="colour", by="context", lapse="none", n_boot=9)
    assert abs(wrong.slope[0]) < 0.5
    words = ds.assign_coords(
        context=("trial", np.array(["motion", "colour"])[context]),
        choice=("trial", np.where(choice == 1, "right", "left")),
    )
    by_words = analysis.psychometric(words, n_boot=50, lapse="shared")
    np.testing.assert_allclose(by_words.bias.sel(condition="context=motion"), fit.bias[0])
    left = analysis.psychometric(words, option="left", n_boot=20)
    assert (left.slope < 0).all()
    with pytest.raises(ValueError, match="which evidence counts where context is 'colour'"):
        analysis.psychometric(ds, evidence={"context": {"motion": "motion"}})


def test_continuous_evidence():
    rng = np.random.default_rng(4)
    x = rng.uniform(-1, 1, 3000)
    y = rng.random(3000) < chance(x, 0.1, 4.0, 0.02, 0.05)
    ds = xr.Dataset(coords={"coherence": ("trial", x), "choice": ("trial", y)})
    fit = analysis.psychometric(ds, n_boot=30)
    assert abs(fit.bias - 0.1) < 0.05
    assert abs(fit.slope - 4) < 0.6
    assert fit.sizes["evidence"] == 20
    assert float(fit.n.sum()) == 3000
    # Joining levels hardly moves the fit to single trials.
    levels, place = np.unique(x, return_inverse=True)
    single = fit_curves(levels, y[place.argsort()][None].astype(float), np.ones((1, 3000)), "each")
    np.testing.assert_allclose(float(fit.slope), single.slope[0], rtol=1e-3)
    np.testing.assert_allclose(float(fit.bias), single.bias[0], atol=1e-3)


def one(**changed):
    return observer(np.random.default_rng(5)).assign_coords(changed)


REFUSED = {
    "few": (lambda: analysis.psychometric(one().isel(trial=range(12))), "12 trials .*at least 20"),
    "one level": (lambda: analysis.psychometric(one(coherence=("trial", np.ones(400)))), "two lev"),
    "one choice": (
        lambda: analysis.psychometric(one(choice=("trial", np.ones(400, int)))),
        "all 400 trials have one choice",
    ),
    "words": (
        lambda: analysis.psychometric(one(coherence=("trial", ["a", "b"] * 200))),
        "holds words",
    ),
    "no label": (lambda: analysis.psychometric(one(), evidence="motion"), "no label 'motion'"),
    "lapse": (lambda: analysis.psychometric(one(), lapse="two"), "each, shared, none"),
    "level": (lambda: analysis.psychometric(one(), level=95), "`level`"),
    "n_boot": (lambda: analysis.psychometric(one(), n_boot=0), "`n_boot`"),
    "three": (
        lambda: analysis.psychometric(one(choice=("trial", ["a", "b", "c", "a"] * 100))),
        "say which is counted",
    ),
    "no rt": (lambda: analysis.chronometric(one()), "no label 'rt'"),
    "by": (lambda: analysis.psychometric(one(), by="block"), r"'block' .* choose one by by=\.$"),
    "within": (lambda: analysis.psychometric(one(), within="day"), r"choose one by within=\.$"),
    "many": (
        lambda: analysis.psychometric(one(choice=("trial", np.arange(400)))),
        r"400 options, 0, 1, 2, 3, 4, 5, 6, 7, \.\.\.: say which",
    ),
    "names": (lambda: analysis.psychometric(one(), evidence=["coherence"]), "the name of a label"),
    "one name": (
        lambda: analysis.psychometric(one(), evidence={"context": "coherence"}),
        "the name for each value",
    ),
    "nothing": (lambda: analysis.psychometric(xr.Dataset()), "'coherence' of trials; there are no"),
    "level in words": (lambda: analysis.psychometric(one(), level="95%"), "`level`"),
    "no n_boot": (lambda: analysis.psychometric(one(), n_boot=None), "`n_boot`"),
    "no times": (
        lambda: analysis.chronometric(
            one(rt=("trial", np.full(400, np.nan)), correct=("trial", np.ones(400)))
        ),
        "no trial has a reaction time",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name):
    call, said = REFUSED[name]
    with pytest.raises(ValueError, match=said):
        call()


@pytest.mark.parametrize(
    "measure", [analysis.psychometric, analysis.chronometric, analysis.direction_errors]
)
def test_what_has_no_labels_is_refused(measure):
    with pytest.raises(TypeError, match=r"labels of trials: .* not a dict; a table of pandas"):
        measure({"coherence": [0.1], "choice": [1]})


def test_a_table_of_pandas_becomes_trials():
    ds = one()
    table = ds.reset_coords().to_dataframe().reset_index(drop=True)
    trials = table.rename_axis("trial").to_xarray()
    fit, found = (analysis.psychometric(x, n_boot=5) for x in (ds, trials))
    assert found.bias == fit.bias


def test_trials_of_sessions_have_a_curve_for_each_block():
    """Rows of a run, whose choices are those of an observer that knows the blocks."""
    trial = tasks.ContrastDecision(fixation=60.0, stimulus=120.0, decision=160.0, grace=60.0)
    blocks = Blocks.priors("side", ("left", "right"), opening=0, length=(10, 30), scale=20)
    session = tasks.Session(trial, 40, blocks)
    model = models.CTRNN(session.n_inputs, 2, session.n_outputs, key=0)
    run = nd.simulate(model, session, n_trials=30, key=2, save=(), progress=False)
    bias = np.where(run.block == 0, 0.2, -0.2)  # mostly left, mostly right
    rng = np.random.default_rng(9)
    p = chance(run.signed_contrast.values - bias, 0.0, 5.0, 0.0, 0.0)
    run = run.assign_coords(choice=("trial", (rng.random(p.size) < p).astype(int)))
    fit = analysis.psychometric(run, by="block", lapse="shared", n_boot=50)
    assert fit["block"].values.tolist() == [0, 1]
    assert int(fit.n_trials.sum()) == run.sizes["trial"] == 1200
    np.testing.assert_allclose(fit.bias, [0.2, -0.2], atol=0.06)
    assert (np.abs(fit.slope - 5) < 1.5).all()
    assert fit.attrs["option"] == "right"
    options = {"by": "block", "lapse": "shared", "n_boot": 50}
    xr.testing.assert_identical(fit, analysis.psychometric(run, within="session", **options))
    titles = [ax.get_title() for ax in plot.psychometric(fit).axes]
    assert titles == ["mostly left", "mostly right"]


def test_of_several_those_that_cannot_be_fitted_are_nan():
    ds = observer(np.random.default_rng(6), seeds=3)
    stuck = ds.assign_coords(choice=ds.choice.where(ds.seed != 1, -1))
    with pytest.warns(UserWarning, match="NaN in 1 groups of trials .seed 1: 0 trials"):
        fit = analysis.psychometric(stuck, n_boot=10)
    np.testing.assert_array_equal(np.isnan(fit.bias), [False, True, False])
    np.testing.assert_array_equal(fit.n.sum("evidence"), [400, 0, 400])


def test_reaction_times():
    """Gamma-distributed times whose medians are known; errors are slower."""
    rng = np.random.default_rng(7)
    n = 8000
    x = rng.choice(np.array([-0.5, -0.1, 0.1, 0.5]), n)
    right = rng.random(n) < np.where(np.abs(x) > 0.3, 0.9, 0.6)
    scale = np.where(np.abs(x) > 0.3, 100.0, 200.0) * np.where(right, 1.0, 1.5)
    median = 2.6740603137235604  # of a gamma distribution of shape 3
    rt = scale * rng.gamma(3.0, 1.0, n)
    rt[:40], early = np.nan, np.arange(n) >= n - 60
    rt[early] = 0.0
    ds = xr.Dataset(
        coords={"coherence": ("trial", x), "rt": ("trial", rt, {"units": "ms"}),
                "correct": ("trial", right), "early": ("trial", early)}
    )  # fmt: skip
    found = analysis.chronometric(ds, n_boot=200)
    labels.check(found)
    assert found.rt.dims == ("outcome", "strength")
    assert found.strength.values.tolist() == [0.1, 0.5]
    expected = median * np.array([[200.0, 100.0], [300.0, 150.0]])
    np.testing.assert_allclose(found.rt, expected, rtol=0.06)
    assert ((found.rt_low <= found.rt) & (found.rt <= found.rt_high)).all()
    assert int(found.n_trials) == found.n.sum() == n - 100
    inside = (x == 0.5) | (x == -0.5)
    mine = inside & right & ~early & np.isfinite(rt)
    assert float(found.rt.sel(outcome="correct", strength=0.5)) == np.median(rt[mine])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        few = analysis.chronometric(ds.isel(trial=[100, 101]))
    assert np.isnan(few.rt_low).all()


def test_intervals_of_medians_cover():
    rng = np.random.default_rng(8)
    seeds, n = 150, 60
    rt = 300 + 100 * rng.exponential(size=(seeds, n))
    ds = xr.Dataset(
        coords={"seed": np.arange(seeds), "coherence": ("trial", np.full(n, 0.1)),
                "rt": (("seed", "trial"), rt), "correct": ("trial", np.ones(n))}
    )  # fmt: skip
    found = analysis.chronometric(ds, n_boot=200).sel(outcome="correct", strength=0.1)
    truth = 300 + 100 * np.log(2)
    covered = ((found.rt_low <= truth) & (truth <= found.rt_high)).mean()
    assert abs(float(covered) - 0.95) < 3 * np.sqrt(0.95 * 0.05 / seeds) + 0.01
