"""Parametrisations: each property they name holds whatever training does to the raw values."""

import dataclasses
import types

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurodyn import models, params
from neurodyn.params import (
    Blocks,
    Bounded,
    Clamped,
    Dale,
    Fixed,
    Free,
    Grouped,
    Indexed,
    LowRank,
    Masked,
    Normal,
    Scaled,
    Shared,
    Uniform,
    as_parameter,
    signs_of,
    trainable,
    with_values,
)
from neurodyn.params.bind import bind_initial

ORTHOGONAL = jax.nn.initializers.orthogonal()
AREAS = {"V1": 5, "PFC": 3}
MASK = np.random.default_rng(0).random((8, 8)) < 0.5
EI = np.array([1.0, -1, 1, 1, -1, 1, 1, 1])


def shake(parameter, seed, size=3.0):
    """Move everything that training may move, far and at random."""
    moved, kept = eqx.partition(parameter, trainable(parameter))
    leaves, treedef = jax.tree.flatten(moved)
    keys = jax.random.split(jax.random.key(seed), max(len(leaves), 1))
    steps = [
        x + size * jax.random.normal(k, x.shape, x.dtype)
        for x, k in zip(leaves, keys, strict=False)
    ]
    return eqx.combine(jax.tree.unflatten(treedef, steps), kept)


def build(spec, shape=(8, 8), seed=0):
    return as_parameter(spec, default=ORTHOGONAL).build(shape, jax.random.key(seed))


def value(parameter):
    return np.asarray(with_values(parameter))


# --- properties --------------------------------------------------------------------------------


def obeys_signs(w):
    return (EI[:, None] * w >= 0).all()


def has_mask(w):
    return (w[~MASK] == 0).all()


def has_no_autapses(w):
    return (np.diag(w) == 0).all()


def has_rank_2(w):
    return np.linalg.matrix_rank(w, tol=1e-4 * np.abs(w).max()) <= 2


def has_blocks(w):
    return (w[5:, :5] == 0).all() and np.abs(w[:5, 5:]).sum() > 0


def has_area_signs(w):
    sign = np.array([1, 1, 1, 1, -1, 1, 1, -1])
    return (sign[:, None] * w >= 0).all()


def blocks(within=None, between=None):
    return Blocks(AREAS, within or Free(), {("V1", "PFC"): between or Free()})


MATRICES = {
    "dale": (Dale(EI), [obeys_signs]),
    "mask": (Masked(MASK), [has_mask]),
    "autapses": (Masked("off-diagonal"), [has_no_autapses]),
    "low rank": (LowRank(2), [has_rank_2]),
    "blocks": (blocks(), [has_blocks]),
    "dale over mask": (Dale(EI, Masked(MASK)), [obeys_signs, has_mask]),
    "mask over dale": (Masked(MASK, Dale(EI)), [obeys_signs, has_mask]),
    "mask over mask": (Masked(MASK, Masked("off-diagonal")), [has_mask, has_no_autapses]),
    "dale over low rank": (Dale(EI, LowRank(2)), [obeys_signs, has_rank_2]),
    "dale over blocks": (Dale(0.7, blocks()), [has_blocks, has_area_signs]),
    "mask over blocks": (Masked("off-diagonal", blocks()), [has_blocks, has_no_autapses]),
    "low-rank block": (blocks(LowRank(1), Masked(0.9)), [has_blocks]),
    "dale in blocks": (blocks(Dale(0.7), Dale(0.7)), [has_blocks, has_area_signs]),
    "all": (
        Dale(0.7, Masked("off-diagonal", blocks(between=Masked(0.9)))),
        [has_blocks, has_area_signs, has_no_autapses],
    ),
}


@pytest.mark.parametrize("name", MATRICES)
def test_matrix_keeps_its_properties_whatever_training_does(name):
    spec, properties = MATRICES[name]
    for seed in range(5):
        parameter = build(spec, seed=seed)
        for moved in (parameter, shake(parameter, seed), shake(parameter, seed, 1e3)):
            w = value(moved)
            for holds in properties:
                assert holds(w), (name, holds.__name__)


@pytest.mark.parametrize("name", MATRICES)
def test_gradient_steps_change_the_matrix_and_keep_its_properties(name, key):
    spec, properties = MATRICES[name]
    parameter = build(spec)
    target = jax.random.normal(key, (8, 8))
    moved, kept = eqx.partition(parameter, trainable(parameter))

    def loss(moved):
        return ((with_values(eqx.combine(moved, kept)) - target) ** 2).mean()

    @jax.jit
    def step(moved):
        # Normalised steps, so that factors divided by the number of units move as well.
        before, g = jax.value_and_grad(loss)(moved)
        size = jnp.sqrt(sum((x**2).sum() for x in jax.tree.leaves(g)))
        return jax.tree.map(lambda x, d: x - 0.1 * d / size, moved, g), before

    losses = []
    for _ in range(51):
        last = moved
        moved, before = step(last)
        losses.append(float(before))
    assert losses[-1] < 0.95 * losses[0]
    for holds in properties:
        assert holds(value(eqx.combine(last, kept)))


@settings(deadline=None, max_examples=40)
@given(
    low=st.floats(-100, 100),
    width=st.floats(0.1, 1e3),
    at=st.floats(0.02, 0.98),
    raw=st.floats(-1e6, 1e6, width=32),
)
def test_bounded_stays_inside_and_starts_at_its_initial_value(low, width, at, raw):
    init = low + at * width
    parameter = Bounded(low, low + width, init=init).build((3,), jax.random.key(0))
    scale = max(abs(low), width)
    np.testing.assert_allclose(value(parameter), init, atol=2e-5 * scale)
    extreme = eqx.tree_at(lambda p: p.raw, parameter, jnp.full((3,), raw, jnp.float32))
    tiny = np.finfo(np.float32).tiny  # XLA takes subnormal numbers for 0 on some processors
    assert (value(extreme) >= np.float32(low if abs(low) >= tiny else min(low, 0))).all()
    assert (value(extreme) <= np.float32(low + width)).all()


def test_clamped_keeps_the_raw_value_and_kills_its_gradient_below():
    parameter = Clamped(1.0, init=np.array([0.5, 1.0, 1.5], np.float32)).build(
        (3,), jax.random.key(0)
    )
    np.testing.assert_array_equal(parameter.raw, [0.5, 1.0, 1.5])
    np.testing.assert_array_equal(value(parameter), [1.0, 1.0, 1.5])
    gradient = jax.grad(lambda p: p.value().sum())(parameter)
    np.testing.assert_array_equal(gradient.raw, [0.0, 0.0, 1.0])


def test_scaled_is_trained_in_its_own_units():
    spec = Scaled(10.0, Clamped(0.1, init=np.array([0.05, 0.5, 2.0], np.float32)))
    parameter = spec.build((3,), jax.random.key(0))
    np.testing.assert_allclose(parameter.value(), [1.0, 5.0, 20.0])
    assert trainable(parameter).of.raw is True
    assert (trainable(parameter).factor, trainable(parameter).of.minimum) == (False, False)
    grad = eqx.filter_grad(lambda p: p.value().sum())(parameter)
    assert grad.of.raw.tolist() == [0.0, 10.0, 10.0]
    assert float(grad.factor) == float(grad.of.minimum) == 0.0
    filled = as_parameter(Scaled(2.0), default=3.0).build((2,), jax.random.key(0))
    assert filled.value().tolist() == [6.0, 6.0]
    with pytest.raises(ValueError, match="other than 0"):
        Scaled(0.0)


def test_fixed_is_not_trained_and_has_no_gradient(key):
    parameter = Fixed(2.0).build((3,), key)
    assert not any(jax.tree.leaves(trainable(parameter)))
    gradient = jax.grad(lambda p: (p.value() ** 2).sum())(parameter)
    np.testing.assert_array_equal(gradient.raw, 0.0)


def test_shared_and_grouped_values_are_the_same_over_their_units(key):
    shared = shake(Shared(Bounded(20.0, 500.0, init=100.0)).build((6,), key), 1, 0.5)
    assert len(set(value(shared).tolist())) == 1
    names = ["PFC", "V1", "PFC", "V1", "V1"]
    grouped = Grouped(names, of=Free(np.array([1.0, 2.0], np.float32))).build((5,), key)
    np.testing.assert_array_equal(value(grouped), [1, 2, 1, 2, 2])
    gradient = eqx.filter_grad(lambda p: p.value().sum())(grouped)
    np.testing.assert_array_equal(gradient.of, [2, 3])


def test_trainable_marks_raw_values_only():
    parameter = build(Dale(EI, Masked(MASK)))
    marks = trainable(parameter)
    assert marks.of.of is True
    assert (marks.ei, marks.of.mask) == (False, False)
    half_fixed = build(blocks(Fixed(), Free()))
    marks = trainable(half_fixed)
    assert marks.blocks[0][0].raw is False
    assert marks.blocks[0][1] is True
    tau = Bounded(1.0, 3.0, init=2.0).build((2,), jax.random.key(0))
    marks = trainable(tau)
    assert (marks.raw, marks.low, marks.high) == (True, False, False)


def test_trainable_leaves_laws_and_integers_alone():
    tree = {"law": Uniform(0.0, 1.0), "w": jnp.ones(2), "n": jnp.arange(2), "f": jnp.tanh}
    marks = trainable(tree)
    assert jax.tree.leaves(marks["law"]) == [False, False]
    assert (marks["w"], marks["n"], marks["f"]) == (True, False, False)


# --- initial values ----------------------------------------------------------------------------


N_DISC = 240
TWO = {"V1": 60, "PFC": 180}
FORTH_AND_BACK = {
    ("V1", "PFC"): Free(Uniform(0.0, 0.5)),
    ("PFC", "V1"): Masked(0.1, Free(Normal(0.0, 1.0))),
}
DISCS = {
    "half-normal": lambda: Dale(0.8, Free(Normal(0.0, 0.01)), True),
    "half of them inhibitory": lambda: Dale(0.5, Free(Normal(0.0, 3.0)), True),
    "uniform": lambda: Dale(0.8, Free(Uniform(0.0, 2.0)), True),
    "far from 0": lambda: Dale(0.8, Free(Normal(1.0, 0.2)), True),
    "sparse": lambda: Dale(0.8, Masked(0.2, Free(Normal(0.0, 1.0))), True),
    "sparse and alike": lambda: Dale(0.7, Masked(0.05, Free(1.0)), True),
    "no autapses": lambda: Dale(0.8, Masked("off-diagonal", Free(Uniform(0.0, 1.0))), True),
    "a mask that is given": lambda: Dale(
        0.8, Masked(np.random.default_rng(0).random((N_DISC, N_DISC)) < 0.3, Free(1.0)), True
    ),
    "signs in any order": lambda: Dale(
        np.where(np.arange(N_DISC) % 5, 1, -1), Free(Uniform(0.0, 1.0)), True
    ),
    "areas apart": lambda: Dale(0.8, Blocks(TWO, Free(Normal(0.0, 1.0))), True),
    "areas with laws of their own": lambda: Dale(
        0.8, Blocks(TWO, Free(Normal(0.0, 0.1)), FORTH_AND_BACK), True
    ),
}


def edge(w):
    """Modulus at a twentieth of the eigenvalues: at the edge, and within the few outliers.

    In a disc of uniform density that is 0.97; unequal variances of rows leave less at the edge.
    """
    return np.median(np.sort(np.abs(np.linalg.eigvals(w)))[::-1][5:19])


@pytest.mark.parametrize("name", DISCS)
def test_balanced_dale_fills_the_unit_disc(name):
    edges = []
    for seed in range(3):
        w = value(build(DISCS[name](), (N_DISC, N_DISC), seed=seed))
        np.testing.assert_allclose(w.sum(), 0, atol=1e-4 * np.abs(w).sum())
        edges.append(edge(w))
    assert 0.86 < np.mean(edges) < 1.05


def test_balance_reaches_what_is_fixed_or_scaled():
    law = Uniform(0.0, 2.0)
    free, fixed, scaled = (Free(law), Fixed(law), Scaled(5.0, Free(law)))
    expected = value(build(Dale(0.8, free, True), (20, 20)))
    for of in (fixed, scaled):
        got = value(build(Dale(0.8, of, True), (20, 20)))
        np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_half_of_a_disc_of_uniform_density_lies_within_the_root_of_one_half():
    w = value(build(DISCS["half of them inhibitory"](), (N_DISC, N_DISC)))
    assert np.median(np.abs(np.linalg.eigvals(w))) == pytest.approx(2**-0.5, abs=0.03)


@pytest.mark.parametrize("of", [Free(Normal(0.0, 1.0)), Masked(0.2, Free(Uniform(0.0, 1.0)))])
def test_dale_without_inhibition_starts_at_spectral_radius_one(of):
    w = value(build(Dale(1.0, of, True), (200, 200)))
    assert np.abs(np.linalg.eigvals(w)).max() == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("make", [models.CTRNN, models.LeakyRNN])
@pytest.mark.parametrize("of", [Free(), Masked(0.2)])
def test_defaults_of_models_under_dale_fill_the_unit_disc(make, of):
    ws = [with_values(make(0, N_DISC, 0, W=Dale(0.8, of), key=k)).W for k in range(3)]
    assert 0.88 < np.mean([edge(np.asarray(w)) for w in ws]) < 1.03


def test_what_has_no_disc_only_cancels():
    for spec in (
        Dale(0.8, Free(0.3), True),
        Dale(0.8, LowRank(2)),
        Dale(0.8, Free(Normal(0.0, 1.0)), "cancel"),
    ):
        drawn = np.abs(value(build(dataclasses.replace(spec, balance=False), (20, 20))))
        w = value(build(spec, (20, 20)))
        np.testing.assert_allclose(w[:16], drawn[:16], rtol=1e-6)
        np.testing.assert_allclose(w.sum(), 0, atol=1e-4 * drawn.sum())
    for empty in (Free(0.0), Masked(np.eye(20) * 0)):
        empty = as_parameter(empty, default=Normal(0.0, 1.0))
        assert (value(build(Dale(0.8, empty, True), (20, 20))) == 0).all()


def test_each_area_cancels_by_itself():
    w = value(build(DISCS["areas with laws of their own"](), (N_DISC, N_DISC)))
    for rows in (w[:60], w[60:]):
        np.testing.assert_allclose(rows.sum(), 0, atol=1e-4 * np.abs(rows).sum())


def test_weights_of_a_plrnn_stay_small_under_dale():
    w = np.asarray(models.ALRNN(0, 20, 2, n_relu=2, W=Dale(0.8), key=0).W.value())
    assert np.abs(w[:16]).max() < 0.05
    np.testing.assert_allclose(w.sum(), 0, atol=1e-4 * np.abs(w).sum())


def test_dale_leaves_initial_values_of_the_user_alone():
    w = np.abs(np.random.default_rng(1).normal(size=(8, 8))).astype(np.float32)
    np.testing.assert_array_equal(value(build(Dale(EI, Free(w)))), EI[:, None] * w)
    signed = (EI[:, None] * w).astype(np.float32)
    np.testing.assert_array_equal(value(build(Dale(EI, Masked(MASK, Free(signed))))), signed * MASK)


def test_connection_probability(key):
    w = value(build(Masked(0.1), (300, 300)))
    assert np.mean(w != 0) == pytest.approx(0.1, abs=0.01)


def test_laws_draw_what_they_say(key):
    x = np.asarray(Uniform(1.0, 2.0)(key, (20_000,), jnp.float32))
    assert x.min() >= 1
    assert x.max() < 2
    assert x.mean() == pytest.approx(1.5, abs=0.01)
    y = np.asarray(Normal(3.0, 0.5)(key, (20_000,), jnp.float32))
    assert (y.mean(), y.std()) == (pytest.approx(3, abs=0.02), pytest.approx(0.5, abs=0.02))


def test_signs_are_found_through_masks_and_blocks():
    np.testing.assert_array_equal(signs_of(build(Masked(MASK, Dale(EI)))), EI)
    expected = [1, 1, 1, 1, -1, 1, 1, -1]
    np.testing.assert_array_equal(signs_of(build(MATRICES["dale in blocks"][0])), expected)
    np.testing.assert_array_equal(signs_of(build(MATRICES["all"][0])), expected)
    assert signs_of(build(blocks(Dale(0.7), Free()))) is None
    assert signs_of(build(Free())) is None


# --- resolving -----------------------------------------------------------------------------------


def test_with_values_takes_the_rows_of_the_trial(key):
    values = np.arange(12, dtype=np.float32).reshape(4, 3)
    parameter = Indexed(4, init=values).build((3,), key)
    assert with_values({"a": parameter})["a"] is parameter
    trial = types.SimpleNamespace(item=jnp.asarray(2), conditions={})
    np.testing.assert_array_equal(with_values(parameter, trial), values[2])
    batch = types.SimpleNamespace(item=jnp.asarray([3, 0]), conditions={})
    np.testing.assert_array_equal(with_values(parameter, batch), values[[3, 0]])
    subject = Indexed(4, by="subject", init=values).build((3,), key)
    trial = types.SimpleNamespace(item=None, conditions={"subject": jnp.asarray(1)})
    np.testing.assert_array_equal(with_values(subject, trial), values[1])


def test_with_values_is_idempotent_and_jits():
    model = {
        "W": build(Dale(EI)),
        "tau": Bounded(1.0, 3.0, init=2.0).build((2,), jax.random.key(0)),
    }
    once = with_values(model)
    assert all(isinstance(x, jax.Array) for x in once.values())
    again = jax.jit(with_values)(once)
    np.testing.assert_array_equal(again["W"], once["W"])


def test_models_can_be_built_under_vmap():
    spec = as_parameter(Dale(0.5, Masked(0.5)), default=ORTHOGONAL)

    def make(key):
        return {"W": spec.build((4, 4), key), "tau": Bounded(1.0, 3.0, init=2.0).build((4,), key)}

    many = eqx.filter_vmap(make)(jax.random.split(jax.random.key(0), 3))
    assert many["tau"].raw.shape == (3, 4)
    one = make(jax.random.split(jax.random.key(0), 3)[1])
    second = jax.tree.map(lambda x: x[1] if eqx.is_array(x) else x, many)
    np.testing.assert_allclose(value(second["W"]), value(one["W"]), rtol=1e-6)


@pytest.mark.parametrize("name", MATRICES)
def test_float64(name, x64):
    w = with_values(build(MATRICES[name][0]))
    assert w.dtype == jnp.float64


def test_built_in_single_precision_and_used_under_x64():
    parameter = build(MATRICES["all"][0])
    with jax.enable_x64(True):
        assert with_values(parameter).dtype == jnp.float32


# --- what is refused ------------------------------------------------------------------------------

REFUSED = {
    "mask over low rank": (lambda: Masked(MASK, LowRank(2)), "destroys the rank"),
    "mask over dale over low rank": (lambda: Masked(MASK, Dale(EI, LowRank(2))), "Masked cannot"),
    "dale over blocks of low rank": (lambda: Dale(EI, blocks(LowRank(1))), "Dale cannot"),
    "dale over dale": (lambda: Dale(EI, Masked(MASK, Dale(EI))), "one sign per"),
    "dale over negative bounds": (lambda: Dale(EI, Bounded(-1.0, 1.0)), "magnitudes"),
    "dale over grouped": (lambda: Dale(EI, Grouped([0, 1])), "Dale cannot"),
    "dale fraction": (lambda: build(Dale(1.2)), r"fraction lies in \[0, 1\], got 1.2"),
    "dale signs": (lambda: build(Dale(np.zeros(8))), r"\+1 or -1"),
    "dale size": (lambda: build(Dale(EI[:5])), "8 presynaptic units"),
    "dale vector": (lambda: Dale(EI, Free(1.0)).build((8,), jax.random.key(0)), "weight matrix"),
    "dale against init": (
        lambda: build(Dale(EI, Free(-np.ones((8, 8), np.float32)))),
        "contradict the signs",
    ),
    "mask shape": (lambda: build(Masked(MASK[:5])), r"shape \(8, 8\), got bool of shape \(5, 8\)"),
    "mask values": (lambda: build(Masked(MASK * 2.0)), "0/1"),
    "mask name": (lambda: build(Masked("diagonal")), "off-diagonal"),
    "mask probability": (lambda: build(Masked(0.0)), r"\(0, 1\], got 0.0"),
    "rank": (lambda: LowRank(0), "at least 1"),
    "rank too high": (lambda: build(LowRank(9)), "at least that large"),
    "bounds": (lambda: Bounded(2.0, 1.0), "low < high"),
    "infinite bounds": (lambda: Bounded(1.0, np.inf), "Clamped"),
    "outside bounds": (
        lambda: Bounded(20.0, 500.0, init=10.0).build((3,), jax.random.key(0)),
        "strictly inside; got values from 10 to 10",
    ),
    "no init": (lambda: Free().build((3,), jax.random.key(0)), "pass `init=`"),
    "init shape": (lambda: Free(np.ones(4)).build((3,), jax.random.key(0)), r"\(4,\).*\(3,\)"),
    "NaN": (lambda: Free(np.nan).build((3,), jax.random.key(0)), "NaN"),
    "blocks size": (lambda: build(Blocks({"a": 3, "b": 3})), "hold 6 units"),
    "blocks name": (lambda: Blocks(AREAS, between={("V1", "IT"): Free()}), r"\('V1', 'IT'\)"),
    "blocks empty": (lambda: Blocks({"a": 0}), "at least one unit"),
    "blocks of rows": (lambda: build(blocks(Indexed(3))), "Indexed does not describe a block"),
    "grouped size": (lambda: build(Grouped([0, 1]), (3,)), r"units \(3,\)"),
    "grouped negative": (lambda: build(Grouped([0, -1]), (2,)), "number >= 0"),
    "grouped rows": (lambda: Grouped([0, 1], of=Indexed(3)), "Grouped spreads the entries"),
    "shared rows": (lambda: Shared(Indexed(3)), "Shared spreads the entries"),
    "shared matrix": (lambda: build(Shared(Free(1.0))), "over units"),
    "indexed": (lambda: Indexed(0), "at least 1"),
    "uniform": (lambda: Uniform(2.0, 1.0), "low < high"),
    "normal": (lambda: Normal(0.0, -1.0), "std >= 0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_a_reason(name):
    make, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    "of", [jnp.ones((4, 4)), np.ones((4, 4)), 1.0], ids=["jax", "numpy", "number"]
)
def test_an_array_in_the_place_of_a_parameter_is_refused(of):
    makes = {
        r"write Masked\(": lambda: Masked("off-diagonal", of),
        r"write Dale\(": lambda: Dale(0.5, of),
        r"write Blocks\(": lambda: params.Blocks({"a": 4}, of),
    }
    for message, make in makes.items():
        with pytest.raises(TypeError, match=message):
            models.CTRNN(1, 4, 1, W=make(), key=0)


def test_signs_and_masks_over_bound_weights_are_checked():
    W = models.CTRNN(1, 4, 1, W=params.Free(), key=0).W
    bound = params.Bounded(0.0, 1.0, 0.5).build((4, 4), jax.random.key(0))
    for wrong in (Dale(jnp.array([1, 3, -1, -1]), bound), Masked(jnp.full((4, 4), 0.5), W)):
        with pytest.raises(ValueError, match=r"\+1 or -1|0/1"):
            models.CTRNN(1, 4, 1, W=wrong, key=0)


def test_rows_that_do_not_exist_are_refused(key):
    parameter = Indexed(4).build((3,), key)
    with pytest.raises(ValueError, match="4 rows"):
        with_values(parameter, types.SimpleNamespace(item=jnp.asarray([0, 4]), conditions={}))
    with pytest.raises(ValueError, match="set `item`"):
        with_values(parameter, types.SimpleNamespace(item=None, conditions={}))


def test_public_names_are_documented():
    for name in params.__all__:
        assert getattr(params, name).__doc__


def test_rows_of_one_subject_take_the_place_of_all():
    model = models.ALRNN(0, 4, 2, n_relu=1, h=params.Indexed(3, by="subject"), key=0)
    rows = jnp.arange(12.0).reshape(3, 4)
    model = eqx.tree_at(lambda m: m.h.values, model, rows)
    one = params.rows(model, subject=2)
    np.testing.assert_array_equal(one.h, rows[2])
    np.testing.assert_array_equal(params.whole_model(one).h, rows[2])
    for bad, message in (({"subject": 3}, "0 to 2"), ({"session": 0}, "indexed by 'session'")):
        with pytest.raises(ValueError, match=message):
            params.rows(model, **bad)
    with pytest.raises(ValueError, match="subject=0"):
        params.whole_model(model)


def test_numpy_takes_a_parameter_for_its_value():
    model = models.CTRNN(1, 4, 1, tau=Bounded(20.0, 500.0, init=100.0), W=Dale(0.5), key=0)
    np.testing.assert_allclose(np.mean(model.tau), 100.0, rtol=1e-6)
    np.testing.assert_array_equal(np.asarray(model.W), model.W.value())
    with pytest.raises(jax.errors.TracerArrayConversionError):  # no constant in compiled code
        jax.jit(np.asarray)(model.tau)


def test_an_unknown_word_for_an_initial_state_is_refused_with_those_that_are_known():
    key, law = jax.random.key(0), Uniform(0.0, 0.1)
    assert bind_initial("uniform", (2,), key, uniform=law) is law
    for options, known in (({}, '"zeros"'), ({"uniform": law}, '"zeros", "uniform"')):
        assert bind_initial("zeros", (2,), key, **options) is None
        with pytest.raises(ValueError, match=f"must be {known}, a number"):
            bind_initial("unknown", (2,), key, **options)


def test_errors_of_initializers_say_which_parameter():
    def wrong(key, shape, dtype):
        return b"\xff".decode()

    with pytest.raises(UnicodeDecodeError) as caught:  # takes more than a text
        models.CTRNN(1, 2, 1, W=wrong, key=0)
    assert "`W` (2, 2)" in caught.value.__notes__[0]
