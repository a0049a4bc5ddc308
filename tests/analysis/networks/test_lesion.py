"""Lesions against the published rule written out in NumPy, with explicit lesions."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn import analysis, labels, models, params, tasks
from neurodyn.analysis.networks.perturbation import _Perturb

N_UNITS = 6
TASK = tasks.NParity(2, scored="every", p=0.5, length=60, burn_in=10)
MODEL = models.LeakyRNN(1, N_UNITS, 2, key=0, initial="zeros")


def by_hand(model, trials, *, cut=(), W=None, tau=None):
    """Accuracy of each trial: the update and the lesion of the paper, step by step."""
    W = np.asarray(model.W.value() if W is None else W, np.float64).copy()
    U, readout = (np.asarray(a, np.float64).copy() for a in (model.U, model.W_out))
    tau = np.maximum(np.asarray(model.tau.raw if tau is None else tau, np.float64), 1)
    b = np.asarray(model.b + model.b_in, np.float64)
    for unit in cut:
        W[unit], W[:, unit], U[:, unit], readout[unit] = 0, 0, 0, 0
    x = np.asarray(trials.inputs)
    h, right = np.zeros((len(x), N_UNITS)), []
    for t in range(60):
        z = (1 - 1 / tau) * h + (h @ W + b + x[:, t] @ U) / tau
        h = np.where(z > 0, z, 0.01 * z)
        logits = h @ readout + np.asarray(model.b_out)
        parity = (x[:, t, 0] + x[:, t - 1, 0]) % 2
        right.append((logits[:, 1] > logits[:, 0]) == parity)
    return np.mean(right[10:], axis=0)


def trials_of(key, n):
    return TASK.batch(jax.random.fold_in(jax.random.key(key), 0), n)


@pytest.fixture(scope="module")
def ablated():
    return analysis.ablation(MODEL, TASK, [4, 1], n_trials=8, key=0)


def test_ablation_is_the_explicit_one(ablated):
    trials = trials_of(0, 8)
    np.testing.assert_allclose(ablated["intact"], by_hand(MODEL, trials), atol=1e-6)
    for unit in (4, 1):
        expected = by_hand(MODEL, trials, cut=[unit])
        np.testing.assert_allclose(ablated["accuracy"].sel(unit=unit), expected, atol=1e-6)
    base = ablated["intact"].values.max()
    expected = (ablated["accuracy"].mean("repetition") - 0.5) / (base - 0.5)
    np.testing.assert_allclose(ablated["relative_accuracy"], expected)
    np.testing.assert_allclose(ablated["tau"], np.asarray(MODEL.tau.value())[[4, 1]])
    labels.check(ablated)


def test_groups_and_all_units():
    mask = np.zeros((2, N_UNITS), bool)
    mask[1, [0, 3, 5]] = True
    result = analysis.ablation(MODEL, TASK, mask, n_trials=8, key=0)
    expected = by_hand(MODEL, trials_of(0, 8), cut=[0, 3, 5])
    np.testing.assert_allclose(result["accuracy"][1], expected, atol=1e-6)
    np.testing.assert_array_equal(result["accuracy"][0], result["intact"])
    same = analysis.ablation(MODEL, TASK, [[0, 3, 5]], n_trials=8, key=0)
    np.testing.assert_allclose(same["accuracy"][0], expected, atol=1e-6)
    alone = analysis.ablation(MODEL, TASK, mask[1], n_trials=8, key=0)
    assert alone["unit"].values.tolist() == [0, 3, 5]
    every = analysis.ablation(MODEL, TASK, n_trials=8, at_once=4, key=0)
    assert every.sizes["unit"] == N_UNITS
    expected = by_hand(MODEL, trials_of(0, 8), cut=[4])
    np.testing.assert_allclose(every["accuracy"].sel(unit=4), expected, atol=1e-6)


@pytest.mark.parametrize("parameter", ["W", "tau"])
def test_perturbation_is_the_explicit_one(parameter):
    result = analysis.perturbation(
        MODEL, TASK, parameter, [0.0, 0.3], n_repeats=2, n_trials=3, key=5
    )
    k_noise, k_trials = jax.random.split(jax.random.key(5))
    keys = jax.random.split(k_noise, 6)
    number = 5  # the second repeat of size 0.3, after two intact networks and two of size 0
    raw = np.asarray(MODEL.W.value() if parameter == "W" else MODEL.tau.raw, np.float64)
    noise = np.asarray(jax.random.normal(keys[number], raw.shape), np.float64)
    noise = np.abs(noise) if parameter == "tau" else noise
    moved = raw + 0.3 * np.linalg.norm(raw) * noise / np.linalg.norm(noise)
    if parameter == "W":
        np.fill_diagonal(moved, 0)
    own = jax.random.fold_in(jax.random.fold_in(k_trials, 2 + number), 0)
    expected = by_hand(MODEL, TASK.batch(own, 3), **{parameter: moved}).mean()
    assert float(result["accuracy"][1, 1]) == pytest.approx(expected, abs=1e-6)
    base = float(result["intact"].mean())
    assert float(result["baseline"]) == pytest.approx(base)
    assert result["perturbation"].values.tolist() == [0.0, 0.3]
    labels.check(result)


def test_noise_on_scaled_time_constants_comes_before_the_clamp():
    # In bits of one step each the network is the same, and so is relative noise.
    tau = params.Scaled(jnp.ones(()), MODEL.tau)
    scaled = eqx.tree_at(lambda m: m.tau, MODEL, tau)
    raw = jnp.full(N_UNITS, 0.2)  # far below the clamp
    low = [eqx.tree_at(where, model, raw) for where, model in (
        (lambda m: m.tau.raw, MODEL), (lambda m: m.tau.of.raw, scaled),
    )]  # fmt: skip
    plain, same = (
        analysis.perturbation(model, TASK, "tau", [0.5], n_repeats=2, n_trials=2, key=1)
        for model in low
    )
    np.testing.assert_array_equal(same["accuracy"], plain["accuracy"])
    # Moved from 0.2 by half of it they stay below: nothing changes. After the clamp it would.
    still = analysis.altered_scores(
        low[1], TASK, _Perturb("tau", True), (jnp.array([0, 0.5]), _keys(2)), n_trials=4, key=2
    )
    np.testing.assert_array_equal(still["score"][0], still["score"][1])
    assert still["finite"].all()
    labels.check(still)


def _keys(n):
    return jax.random.key_data(jax.random.split(jax.random.key(0), n))


def test_what_grows_beyond_all_bounds_is_counted():
    result = analysis.perturbation(MODEL, TASK, "W", [0.0, 1e6], n_repeats=2, key=0)
    np.testing.assert_array_equal(result["finite"], [1.0, 0.0])


def test_an_unknown_score_is_refused_before_any_network_is_changed():
    def untouched(model, mask):
        raise AssertionError

    with pytest.raises(ValueError, match="no score 'accuracy'"):
        analysis.altered_scores(MODEL, TASK, untouched, jnp.zeros((1, 6)), score="accuracy", key=0)


def test_new_numbers_do_not_compile_anew():
    traces = []

    def counting(model, mask):
        traces.append(1)
        return model.cut(mask)

    masks = np.eye(N_UNITS, dtype=bool)
    for seed, these in ((0, masks), (1, masks[::-1].copy())):
        analysis.altered_scores(MODEL, TASK, counting, these, n_trials=2, key=seed)
    other = eqx.tree_at(lambda m: m.U, MODEL, 2 * MODEL.U)
    analysis.altered_scores(other, TASK, counting, masks, n_trials=2, key=0)
    assert len(traces) == 1


def test_heads_that_are_read_at_the_end_and_flows():
    task = tasks.NParity([2, 3], n_heads=2)
    model = models.CTRNN(1, 4, 4, tau=params.Bounded(1.0, 9.0, init=3.0), key=1)
    result = analysis.ablation(
        model, task, [0], n_trials=4, score="correct_largest", baseline="mean", key=0
    )
    assert set(np.unique(result["accuracy"])) <= {0.0, 1.0}
    assert result["tau"].attrs["units"] == "ms"


def test_a_network_at_chance_has_no_relative_accuracy():
    result = analysis.ablation(MODEL, TASK, [0], n_trials=2, chance=1.0, key=0)
    assert np.isnan(result["relative_accuracy"]).all()


def test_bad_input():
    with pytest.raises(ValueError, match="no unit 6: this LeakyRNN has 6 units"):
        analysis.ablation(MODEL, TASK, [6], key=0)
    with pytest.raises(ValueError, match="twice"):
        analysis.ablation(MODEL, TASK, [2, 2], key=0)
    with pytest.raises(ValueError, match="mask over the 6 units"):
        analysis.ablation(MODEL, TASK, np.ones((1, 3)), key=0)
    with pytest.raises(ValueError, match="as many heads"):
        analysis.ablation(MODEL, tasks.NParity([2, 3]), [0], key=0)
    with pytest.raises(TypeError, match="cut"):
        analysis.ablation(models.reference.Lorenz63(), TASK, [0], key=0)
    with pytest.raises(ValueError, match="'V'"):
        analysis.perturbation(MODEL, TASK, "V", [0.1], key=0)
    with pytest.raises(ValueError, match="`sizes`"):
        analysis.perturbation(MODEL, TASK, "W", [-0.1], key=0)
    with pytest.raises(ValueError, match="`key=`"):
        analysis.perturbation(MODEL, TASK, "W", [0.1], key=None)
    with pytest.raises(ValueError, match="3 units"):
        analysis.extreme_units([1.0, 2.0, 3.0], 4)
