"""Learning rules against closed forms, their theory, and Brian2."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn.engine.drive import Drive
from neurodyn.models.spiking.network import CSR, Dense
from neurodyn.models.spiking.plasticity import RLS, Clock, Consolidation, PairSTDP, ThreeFactor
from tests.rounding import assert_equal_to_rounding

N, K, STEPS = 6, 2, 40


def data(seed=0, n_steps=STEPS):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n_steps, N)), rng.standard_normal((n_steps, K))


def learn(rule, rates, targets, gates=None, *, dt=1.0, memory=None, W=None, first=0):
    """Weights and memory after the rule has seen everything."""
    rates, targets, dt = (jnp.asarray(a, jnp.result_type(float)) for a in (rates, targets, dt))
    gates = jnp.ones(len(rates), rates.dtype) if gates is None else jnp.asarray(gates, rates.dtype)
    W = jnp.zeros((rates.shape[1], targets.shape[1]), rates.dtype) if W is None else W
    memory = rule.start(W, key=None) if memory is None else memory

    def step(carry, x):
        memory, W = carry
        k, r, target, gate = x
        u = Drive(target=target, gate=gate, step=k)
        return rule.update(None, dt, memory, W, r, r @ W, u, key=None), None

    steps = first + jnp.arange(len(rates), dtype=jnp.int32)
    run = jax.jit(lambda carry: jax.lax.scan(step, carry, (steps, rates, targets, gates))[0])
    memory, W = run((memory, W))
    return W, memory


def least_squares(rates, targets, weights, alpha, decay=1.0):
    """Weighted, regularised least squares by the normal equations."""
    gram = (rates * weights[:, None]).T @ rates + decay * np.eye(rates.shape[1]) / alpha
    return np.linalg.solve(gram, (rates * weights[:, None]).T @ targets), np.linalg.inv(gram)


def test_rls_is_regularised_least_squares(x64):
    rates, targets = data()
    W, memory = learn(RLS(0.3), rates, targets)
    expected, P = least_squares(rates, targets, np.ones(STEPS), 0.3)
    np.testing.assert_allclose(W, expected, atol=1e-10)
    np.testing.assert_allclose(memory.P, P, atol=1e-10)


def test_forgetting_weighs_the_past_exponentially(x64):
    rates, targets = data(1)
    W, memory = learn(RLS(0.3, forgetting=0.9), rates, targets)
    weights = 0.9 ** np.arange(STEPS)[::-1]
    expected, P = least_squares(rates, targets, weights, 0.3, 0.9**STEPS)
    np.testing.assert_allclose(W, expected, atol=1e-10)
    np.testing.assert_allclose(memory.P, P, atol=1e-10)


def test_a_bound_keeps_forgetting_from_inflating_p(x64):
    rates, targets = data(8, 300)
    rates[:, 4:] = 0  # two directions that are never visited
    W, memory = learn(RLS(0.3, forgetting=0.9, bound=0.5), rates, targets)
    P, expected = 0.3 * np.eye(N), np.zeros((N, K))
    for r, target in zip(rates, targets, strict=True):
        kept = np.clip(np.trace(P) / (N * 0.5), 0.9, 1.0)
        k = P @ r
        expected = expected - np.outer(k, r @ expected - target) / (kept + r @ k)
        P = (P - np.outer(k, k) / (kept + r @ k)) / kept
    np.testing.assert_allclose(W, expected, atol=1e-10)
    np.testing.assert_allclose(memory.P, P, atol=1e-10)
    assert 0.45 < np.trace(P) / N <= 0.5
    free = learn(RLS(0.3, forgetting=0.9), rates, targets)[1].P
    np.testing.assert_allclose(free[5, 5], 0.3 / 0.9**300)


def test_forgetting_in_single_precision_needs_a_bound():
    """Ever the same four rates and a little noise, for many times the memory."""
    rng = np.random.default_rng(0)
    modes = rng.standard_normal((4, 60))
    rates = modes[np.arange(6000) % 4] + 1e-3 * rng.standard_normal((6000, 60))
    targets = np.eye(4)[np.arange(6000) % 4][:, :K]
    lowest, errors = {}, {}
    for bound in (None, 1.0):
        W, memory = learn(RLS(1.0, forgetting=0.99, bound=bound), rates, targets)
        P = np.asarray(memory.P, np.float64)
        lowest[bound] = np.linalg.eigvalsh((P + P.T) / 2)[0]
        errors[bound] = np.abs(rates[-4:] @ np.asarray(W) - targets[-4:]).max()
    assert lowest[None] < 0 < lowest[1.0]
    assert errors[1.0] < 0.01


def test_gates_weigh_samples(x64):
    rates, targets = data(2)
    gates = np.random.default_rng(0).choice([0.0, 0.5, 1.0], STEPS)
    W, memory = learn(RLS(2.0), rates, targets, gates)
    expected, P = least_squares(rates, targets, gates, 2.0)
    np.testing.assert_allclose(W, expected, atol=1e-10)
    np.testing.assert_allclose(memory.P, P, atol=1e-10)


def test_the_published_gain_skips_the_normalisation(x64):
    rates, targets = data(3)
    W, memory = learn(RLS(2.0, gain="published"), rates, targets)
    P, expected = 2.0 * np.eye(N), np.zeros((N, K))
    for r, target in zip(rates, targets, strict=True):  # the equations of the published script
        k = P @ r
        expected = expected - np.outer(k, r @ expected - target)
        P = P - np.outer(k, k) / (1 + r @ k)
    np.testing.assert_allclose(W, expected, rtol=1e-10)
    np.testing.assert_allclose(memory.P, P, atol=1e-12)


def test_rls_acts_when_its_clock_says_so(x64):
    rates, targets = data(4)
    W, _ = learn(RLS(1.0, every=2.0, start=4.0, stop=15.0), rates, targets, dt=0.5)
    acts = np.zeros(STEPS)
    acts[8:30:4] = 1
    np.testing.assert_allclose(W, least_squares(rates, targets, acts, 1.0)[0], atol=1e-10)


def test_a_reset_forgets_the_covariance_but_not_the_weights(x64):
    rates, targets = data(5)
    W, memory = learn(RLS(1.0, resets=(20.0,)), rates, targets)
    before, _ = least_squares(rates[:20], targets[:20], np.ones(20), 1.0)
    # From there on deviations from the weights at the reset are what is penalised.
    change, P = least_squares(rates[20:], targets[20:] - rates[20:] @ before, np.ones(20), 1.0)
    np.testing.assert_allclose(W, before + change, atol=1e-10)
    np.testing.assert_allclose(memory.P, P, atol=1e-10)


@pytest.mark.parametrize("rule", [RLS(1.0, every=3.0, resets=(9.0,)), ThreeFactor(0.01)])
def test_a_run_that_is_cut_goes_on(rule):
    rates, targets = data(6)
    whole = learn(rule, rates, targets)
    W, memory = learn(rule, rates[:17], targets[:17])
    joined = learn(rule, rates[17:], targets[17:], memory=memory, W=W, first=17)
    for a, b in zip(jax.tree.leaves(whole), jax.tree.leaves(joined), strict=True):
        assert_equal_to_rounding(b, a, n_steps=len(rates))


def test_a_batch_with_one_clock_keeps_the_branch():
    """Between updates nothing of size unit by unit is computed, in a batch of trials either."""
    rule, W = RLS(1.0, every=2.0), jnp.zeros((3, N, K))
    memory = jax.vmap(lambda W: rule.start(W, key=None))(W)
    dt, r, z = jnp.asarray(1.0), jnp.ones((3, N)), jnp.ones((3, K))

    def step(k, memory, W):
        def one(memory, W, r, z):
            return rule.update(None, dt, memory, W, r, z, Drive(target=z, step=k), key=None)

        return jax.vmap(one)(memory, W, r, z)

    jaxpr = jax.make_jaxpr(step)(jnp.asarray(0, jnp.int32), memory, W)
    assert "cond" in {equation.primitive.name for equation in jaxpr.eqns}
    assert "dot_general" not in {equation.primitive.name for equation in jaxpr.eqns}


def test_the_three_factor_rule_tracks_exponentially(x64):
    """For one rate vector the output is an average with memory 1 / (eta |r|^2)."""
    rng = np.random.default_rng(0)
    r, eta = rng.random(N), 0.03
    targets = rng.standard_normal((STEPS, K))
    W, _ = learn(ThreeFactor(eta), np.tile(r, (STEPS, 1)), targets)
    keep = 1 - eta * r @ r
    expected = (1 - keep) * (keep ** np.arange(STEPS)[::-1]) @ targets
    np.testing.assert_allclose(r @ W, expected, atol=1e-12)


def test_gates_choose_outputs(x64):
    rates, targets = data(7)
    gates = np.zeros((STEPS, K))
    gates[::3, 0] = 1
    W, _ = learn(ThreeFactor(0.02), rates, targets, gates)
    alone, _ = learn(ThreeFactor(0.02), rates[::3], targets[::3])
    np.testing.assert_allclose(W[:, 0], alone[:, 0], atol=1e-12)
    np.testing.assert_array_equal(W[:, 1], 0)


def test_consolidation_moves_towards_the_outcome_once_per_trial(x64):
    rates, _ = data(8, 30)
    gates = np.zeros((30, 3))
    gates[2:9, 0], gates[9, 1:] = 1, 1  # collect, then consolidate and start anew
    gates[12:20, 0], gates[25, 1:] = 1, 1
    targets = np.zeros((30, K))
    targets[9], targets[25] = [1, 0], [0, 1]
    W, memory = learn(Consolidation(0.2), rates, targets, gates)
    expected = np.zeros((N, K))
    for mean, y in ((rates[2:9].mean(0), [1, 0]), (rates[12:20].mean(0), [0, 1])):
        expected += 0.2 * np.outer(mean, y - mean @ expected) / (mean @ mean)
    np.testing.assert_allclose(W, expected, atol=1e-12)
    assert memory.weight == 0


def test_rls_shares_one_gate():
    rates, targets = data(9)
    with pytest.raises(ValueError, match="one number per trial"):
        learn(RLS(1.0), rates, targets, np.ones((STEPS, K)))


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: RLS(0.0), "alpha"),
        (lambda: RLS(1.0, gain="better"), "gain"),
        (lambda: RLS(1.0, resets=100.0), "list of numbers"),
        (lambda: RLS(1.0, bound=0.0), "bound"),
        (lambda: RLS(1.0, forgetting=1.5), "forgetting"),
        (lambda: Clock(start=5.0, stop=5.0), "stop after it starts"),
        (lambda: Clock(every=0.0), "every"),
        (lambda: ThreeFactor(-1.0), "rate"),
        (lambda: Consolidation(2.0), "below 2"),
        (lambda: Consolidation(-1.0, normalised=False), "rate"),
        (lambda: PairSTDP(w_min=1.0, w_max=0.0), "w_min"),
        (lambda: PairSTDP(tau_plus=0.0), "tau_plus"),
    ],
)
def test_bad_numbers_are_named(make, match):
    with pytest.raises(ValueError, match=match):
        make()


def spike_trains(n, n_steps, seed):
    return (np.random.default_rng(seed).random((n_steps, n)) < 0.05).astype(float)


def as_csr(W):
    n_pre, n_post = W.shape
    indices = jnp.tile(jnp.arange(n_post, dtype=jnp.int32), n_pre)
    return CSR(W.ravel(), indices, jnp.arange(n_pre + 1, dtype=jnp.int32) * n_post, n_post)


# Brian2 still calls pyparsing by names that are going away.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("layout", [Dense, as_csr])
def test_stdp_equals_brian2(layout, x64):
    brian2 = pytest.importorskip("brian2")
    brian2.prefs.codegen.target = "numpy"
    n_pre, n_post, n_steps, dt = 4, 3, 600, 0.5
    pre, post = spike_trains(n_pre, n_steps, 0), spike_trains(n_post, n_steps, 1)
    assert (pre.any(1) & post.any(1)).any()  # spikes of both in one step
    start = np.random.default_rng(2).random((n_pre, n_post))
    rule = PairSTDP(0.06, 0.03, tau_plus=15.0, tau_minus=30.0)

    def step(carry, x):
        memory, W = rule.update(None, jnp.asarray(dt), *carry, *x, None, None, key=None)
        return (memory, W), W.values

    W = layout(jnp.asarray(start))
    _, seen = jax.lax.scan(step, (rule.start(W, n_pre, n_post), W), (pre, post))
    seen = seen.reshape(-1, n_pre, n_post)

    ms = brian2.ms
    net = brian2.Network()
    groups = []
    for spikes in (pre, post):
        steps, units = np.nonzero(spikes)
        generator = brian2.SpikeGeneratorGroup(
            spikes.shape[1], units, steps * dt * ms, dt=dt * ms, sorted=True
        )
        groups.append(generator)
    synapses = brian2.Synapses(
        *groups,
        """w : 1
        dx/dt = -x / (15*ms) : 1 (event-driven)
        dy/dt = -y / (30*ms) : 1 (event-driven)""",
        on_pre="x += 1\nw = clip(w - 0.03 * y, 0, 1)",
        on_post="y += 1\nw = clip(w + 0.06 * x, 0, 1)",
        dt=dt * ms,
    )
    synapses.connect()
    synapses.w = start[np.asarray(synapses.i), np.asarray(synapses.j)]
    net.add(*groups, synapses)
    for last in (200, 600):
        net.run(last * dt * ms - net.t, namespace={})
        weights = np.zeros((n_pre, n_post))
        weights[np.asarray(synapses.i), np.asarray(synapses.j)] = synapses.w
        np.testing.assert_allclose(seen[last - 1], weights, atol=1e-12)
    assert np.abs(weights - start).max() > 0.1
