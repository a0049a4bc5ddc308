"""The lower bound against a NumPy implementation layer by layer, written from the equations."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from neurodyn import models, params
from neurodyn.models.pvrnn import Scale, SoftmaxHead, dynamics, rollout, terms
from neurodyn.models.pvrnn.adaptive import adaptive_vectors
from neurodyn.models.pvrnn.gaussian import DiagonalGaussian, divergence
from neurodyn.models.pvrnn.objective import counted
from neurodyn.task import Trial

HEADS = {
    "tanh": "tanh",
    "linear": "linear",
    "gaussian": "gaussian",
    "softmax": lambda: SoftmaxHead(7, low=-1.5, high=1.2, width=0.1),
}


def cut(x, sizes, axis=-1):
    return np.split(x, np.cumsum(sizes)[:-1], axis=axis)


class Reference:
    """A PV-RNN with a list of matrices for each layer, for one sequence."""

    def __init__(self, model):
        m = params.with_values(model)
        self.D, self.Z, self.L = m.n_units, m.n_latents, len(m.n_units)
        self.model, z = m, sum(m.n_latents)
        blocks = [cut(rows, self.D) for rows in cut(np.asarray(m.W), self.D, 0)]
        self.W = blocks
        if m.W_down is not None:
            self.down = [cut(rows, self.D) for rows in cut(np.asarray(m.W_down), self.D, 0)]
        self.b, self.tau = cut(np.asarray(m.b), self.D), cut(np.asarray(m.tau), self.D)
        self.W_z = [cut(r, self.D)[i] for i, r in enumerate(cut(np.asarray(m.W_z), self.Z, 0))]

        def law(W, b):
            if W is None:
                return None
            W, b = np.asarray(W), np.asarray(b)
            halves = (slice(0, z), slice(z, 2 * z))
            return [
                [(cut(cut(W[:, h], self.D, 0)[i], self.Z)[i], cut(b[h], self.Z)[i]) for h in halves]
                for i in range(self.L)
            ]

        self.prior = law(m.W_prior, m.b_prior)
        self.posterior = law(m.W_posterior, m.b_posterior)

    def run(self, A, eps, x, mask, w, w_first):
        """Loss, and per step the error and the divergence of each layer."""
        m, L = self.model, self.L
        z_all = sum(self.Z)
        u = [np.zeros(n) for n in self.D]
        loss, errors, kls = 0.0, [], []
        last = max(np.flatnonzero((mask > 0).any(-1)))
        for t in range(len(x)):
            d = [np.tanh(v) for v in u]
            z, kl = [], []
            for i in range(L):
                raw = [d[i] @ W + b for W, b in self.prior[i]]
                mp, sp = (np.tanh(raw[0]), np.exp(raw[1])) if t else (0.0, 1.0)
                a = [cut(A[t][:z_all], self.Z)[i], cut(A[t][z_all:], self.Z)[i]]
                if self.posterior is not None:
                    a = [y + d[i] @ W + b for y, (W, b) in zip(a, self.posterior[i], strict=True)]
                mq, sq = np.tanh(a[0]), np.exp(a[1])
                z.append(mq + sq * cut(eps[t], self.Z)[i])
                each = np.log(sp / sq) + ((mq - mp) ** 2 + sq**2) / (2 * sp**2) - 0.5
                kl.append(each.sum())
            new = [None] * L
            for i in reversed(range(L)):
                total = z[i] @ self.W_z[i] + self.b[i]
                for j in range(L):
                    total = total + d[j] @ self.W[j][i]
                if m.W_down is not None and i + 1 < L:
                    total = total + np.tanh(new[i + 1]) @ self.down[i + 1][i]
                new[i] = (1 - 1 / self.tau[i]) * u[i] + total / self.tau[i]
            u = new
            raw = np.tanh(u[0]) @ np.asarray(m.W_out) + np.asarray(m.b_out)
            errors.append((mask[t] * self.error(raw, x[t])).sum() * self.error_factor())
            kls.append(kl)
            if t <= last:
                weights = w_first if t == 0 else w
                n = {"layer": self.Z, "total": [z_all] * L, "none": [1] * L}[m.scale.kl]
                loss += sum(weights[i] / n[i] * kl[i] for i in range(L))
            loss += errors[-1]
        return loss, np.array(errors), np.array(kls)

    def error_factor(self):
        m = self.model
        n = {"output": m.n_outputs, "raw": len(np.asarray(m.b_out)), "none": 1}[m.scale.error]
        halved = m.scale.half and type(m.head).__name__ in ("TanhHead", "LinearHead")
        return (0.5 if halved else 1.0) / n

    def error(self, raw, x):
        name = type(self.model.head).__name__
        if name == "TanhHead":
            return (np.tanh(raw) - x) ** 2
        if name == "LinearHead":
            return (raw - x) ** 2
        if name == "GaussianHead":
            mean, variance = np.tanh(raw[: len(x)]), np.exp(raw[len(x) :])
            return -scipy.stats.norm.logpdf(x, mean, np.sqrt(variance))
        r = np.linspace(-1.5, 1.2, 7)
        out = []
        for i, value in enumerate(x):
            target = np.exp(-((r - value) ** 2) / 0.1)
            target = target / target.sum()
            got = np.exp(raw[7 * i : 7 * i + 7])
            out.append((target * np.log(target / (got / got.sum()))).sum())
        return np.array(out)


def case(rng, **options):
    """A network of random sizes with everything drawn at random, and data."""
    n_layers = int(rng.integers(1, 4))
    sizes = [tuple(int(n) for n in rng.integers(1, 5, n_layers)) for _ in range(2)]
    n, n_time, n_outputs = (int(x) for x in rng.integers(2, 6, 3))
    model = models.PVRNN(
        n_outputs,
        *sizes,
        rng.uniform(1, 9, n_layers).tolist(),
        sequences=(n, n_time),
        w=rng.uniform(0.01, 1, n_layers).tolist(),
        w_first=rng.uniform(0.01, 1, n_layers).tolist(),
        A="normal",
        key=int(rng.integers(1000)),
        **options,
    )
    x = 0.5 * rng.standard_normal((n, n_time, n_outputs))
    mask = rng.uniform(0.5, 2, x.shape)
    mask[0, -1], mask[1, 0] = 0.0, 0.0
    trials = Trial(
        jnp.zeros((n, n_time, 0)),
        jnp.asarray(x),
        jnp.asarray(mask),
        {},
        {},
        item=jnp.asarray(rng.permutation(n), jnp.int32),
    )
    return model, trials


@eqx.filter_jit
def evaluate(model, trials, eps):
    """What `negative_elbo` does, with the deviations given."""
    m = params.with_values(model)
    A, x, mask = (jnp.swapaxes(a, 0, 1) for a in (m.A.row(trials), trials.targets, trials.mask))
    run = rollout(m, A, eps)
    got = terms(m, run.d, run.q, run.p, x, mask)
    return got.loss(counted(mask)), got


@pytest.mark.parametrize(
    ("seed", "options"),
    [
        (1, {"head": "softmax"}),
        (2, {"head": "gaussian", "top_down": "current"}),
        (3, {"head": "linear", "bottom_up": False, "scale": Scale("total", "none", True)}),
        (4, {"head": "tanh", "posterior": "A", "scale": Scale("none", "raw", True)}),
    ],
)
def test_bound_agrees_with_an_independent_implementation(seed, options, x64):
    rng = np.random.default_rng(seed)
    head = HEADS[options["head"]]
    head = head() if callable(head) else head  # made here, in double precision
    model, trials = case(rng, **{**options, "head": head})
    A = np.asarray(model.A.values)
    n, n_time, n_raw = A.shape
    eps = rng.standard_normal((n_time, n, n_raw // 2))
    loss, got = evaluate(model, trials, jnp.asarray(eps))
    reference = Reference(model)
    w, w_first = np.asarray(model.w.raw), np.asarray(model.w_first.raw)
    for i, item in enumerate(np.asarray(trials.item)):
        x, mask = np.asarray(trials.targets[i]), np.asarray(trials.mask[i])
        expected = reference.run(A[item], eps[:, i], x, mask, w, w_first)
        np.testing.assert_allclose(loss[i], expected[0], rtol=1e-8)
        np.testing.assert_allclose(got.error[:, i], expected[1], rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(got.kl[:, i], expected[2], rtol=1e-8, atol=1e-10)


def test_training_lowers_this_bound(x64):
    """`negative_elbo` is the same with deviations that it draws itself."""
    model, trials = case(np.random.default_rng(7))
    key = jax.random.key(3)
    A = model.A.row(trials)
    eps = jax.random.normal(key, (A.shape[1], A.shape[0], A.shape[2] // 2), A.dtype)
    expected, got = evaluate(model, trials, eps)
    loss, parts = eqx.filter_jit(lambda m, k: m.negative_elbo(trials, key=k))(model, key)
    np.testing.assert_allclose(loss, expected, rtol=1e-12)
    counts = np.asarray(counted(jnp.swapaxes(trials.mask, 0, 1)))
    assert not counts[-1, 0]
    kl = np.where(counts[..., None], np.asarray(got.kl), 0)
    np.testing.assert_allclose(
        parts["error"], np.asarray(got.error).sum() / counts.sum(), rtol=1e-10
    )
    np.testing.assert_allclose(parts["kl_1"], kl[1:, :, 0].sum() / counts[1:].sum(), rtol=1e-10)
    np.testing.assert_allclose(parts["kl_first"], kl[0].sum() / counts[0].sum(), rtol=1e-10)


def test_divergence_is_the_integral_that_defines_it(x64):
    rng = np.random.default_rng(0)
    q, p = (
        DiagonalGaussian(jnp.asarray(rng.standard_normal(4)), jnp.asarray(rng.normal(0, 0.5, 4)))
        for _ in range(2)
    )
    got = divergence(q, p)
    for i in range(4):
        laws = [scipy.stats.norm(float(g.mean[i]), float(g.sigma[i])) for g in (q, p)]
        expected, _ = scipy.integrate.quad(
            lambda x, a=laws[0], b=laws[1]: a.pdf(x) * (a.logpdf(x) - b.logpdf(x)), -12, 12
        )
        np.testing.assert_allclose(got[i], expected, rtol=1e-7)


@pytest.mark.parametrize("options", [{}, {"posterior": "A", "top_down": "current"}])
def test_gradients_against_finite_differences(options, x64):
    """Of the adaptive vectors and of all weights, along random directions."""
    rng = np.random.default_rng(1)
    model, trials = case(rng, **options)
    moved, kept = eqx.partition(model, params.trainable(model))
    key = jax.random.key(0)

    @jax.jit
    def loss(moved):
        return eqx.combine(moved, kept).negative_elbo(trials, key=key)[0].sum()

    grads = jax.jit(jax.grad(loss))(moved)
    for _ in range(3):
        direction = jax.tree.map(lambda x: jnp.asarray(rng.standard_normal(x.shape)), moved)
        slope = sum(jax.tree.leaves(jax.tree.map(lambda g, v: jnp.sum(g * v), grads, direction)))
        h = 1e-5
        ahead, behind = (
            loss(jax.tree.map(lambda x, v, s=s: x + s * h * v, moved, direction)) for s in (1, -1)
        )
        np.testing.assert_allclose(slope, (ahead - behind) / (2 * h), rtol=1e-6)
    only_A = jnp.zeros_like(model.A.values).at[1, 0, 0].set(1.0)
    ahead, behind = (loss(_with_A(moved, model.A.values + s * 1e-5 * only_A)) for s in (1, -1))
    np.testing.assert_allclose(grads.A.values[1, 0, 0], (ahead - behind) / 2e-5, rtol=1e-6)


def _with_A(moved, values):
    return eqx.tree_at(lambda m: m.A.values, moved, values)


@pytest.mark.parametrize("options", [{}, {"posterior": "A"}, {"top_down": "current"}])
def test_a_posterior_set_to_the_prior_has_no_divergence(options, x64):
    model = models.PVRNN(2, (5, 3), (2, 1), (2.0, 8.0), sequences=(4, 9), key=0, **options)
    m = params.with_values(model)
    eps = jax.random.normal(jax.random.key(1), (9, 4, 3))

    def step(u, inputs):
        t, eps = inputs
        A = dynamics.prior_as_A(m, jnp.tanh(u), t == 0)
        z = dynamics.prior(m, jnp.tanh(u), t == 0).sample(eps)
        return dynamics.advance(m, u, z), A

    each = jax.vmap(step, in_axes=(0, (None, 0)))
    _, A = jax.lax.scan(each, jnp.zeros((4, 8)), (jnp.arange(9), eps))
    run = rollout(m, A, eps)
    assert np.abs(divergence(run.q, run.p)).max() < 1e-14
    other = rollout(m, A.at[4, 2, 0].add(0.1), eps)
    assert np.abs(divergence(other.q, other.p)[4, 2, 0]) > 1e-6


def test_adaptive_vectors_can_start_as_zeros_normal_or_prior():
    def values(A):
        return np.asarray(models.PVRNN(1, (5,), (2,), 2.0, sequences=(50, 9), A=A, key=0).A.values)

    assert not values("zeros").any()
    assert values("normal").std() == pytest.approx(1, abs=0.05)
    fixed = np.random.default_rng(0).standard_normal((50, 9, 4)).astype(np.float32)
    np.testing.assert_array_equal(values(fixed), fixed)


@pytest.mark.parametrize("posterior", ["d+A", "A"])
def test_adaptive_vectors_of_the_prior_have_no_divergence_along_their_draw(posterior):
    model = models.PVRNN(1, (5, 3), (2, 1), (2.0, 8.0), posterior=posterior, key=0)
    key, n, steps = jax.random.key(4), 6, 9
    values = adaptive_vectors(model, (n, steps), "prior", key).values
    eps = jax.vmap(lambda k: jax.random.normal(k, (steps, 3)))(jax.random.split(key, n))
    A, eps = jnp.swapaxes(values, 0, 1), jnp.swapaxes(eps, 0, 1)
    run = rollout(params.with_values(model), A, eps)
    assert np.abs(divergence(run.q, run.p)).max() < 1e-5
    # Along another draw, as in the first epoch of training, there is some.
    other = rollout(params.with_values(model), A, -eps)
    assert np.abs(divergence(other.q, other.p)).max() > 1e-3


def test_targets_that_do_not_count_may_be_missing():
    model = params.with_values(models.PVRNN(2, (4,), (1,), 2.0, key=0))
    run = rollout(model, jnp.zeros((3, 2, 2)), jnp.zeros((3, 2, 1)))
    mask = jnp.ones((3, 2, 2)).at[1, 0, 1].set(0.0)
    x = jnp.full((3, 2, 2), 0.3)
    full, holed = (
        terms(model, run.d, run.q, run.p, targets, mask).loss(counted(mask))
        for targets in (x, x.at[1, 0, 1].set(jnp.nan))
    )
    np.testing.assert_array_equal(full, holed)
