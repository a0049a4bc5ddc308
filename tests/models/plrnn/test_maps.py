"""The maps, their linear pieces and Jacobians, against the equations written out in NumPy."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn import models, params
from neurodyn.engine.integrate import integrate
from neurodyn.engine.record import Save
from neurodyn.models import plrnn
from neurodyn.models.plrnn.initial import stable_diagonal, stable_off_diagonal
from neurodyn.task import Trial

M, N, K = 7, 3, 2
MAKE = {
    "ALRNN": lambda key=0, **kw: models.ALRNN(K, M, N, n_relu=3, key=key, **({"W": wide} | kw)),
    "PLRNN": lambda key=0, **kw: models.PLRNN(K, M, N, key=key, **kw),
    "DendriticPLRNN": lambda key=0, **kw: models.DendriticPLRNN(
        K, M, N, n_branches=4, clipped=False, key=key, **kw
    ),
    "DendriticPLRNN, clipped": lambda key=0, **kw: models.DendriticPLRNN(
        K, M, N, n_branches=4, key=key, **kw
    ),
    "ShallowPLRNN": lambda key=0, **kw: models.ShallowPLRNN(
        K, M, N, n_hidden=11, clipped=False, h2=wide, key=key, **kw
    ),
    "ShallowPLRNN, clipped": lambda key=0, **kw: models.ShallowPLRNN(
        K, M, N, n_hidden=11, key=key, **kw
    ),
}
EVERY = pytest.mark.parametrize("name", MAKE)


def key(seed):
    return jax.random.key(seed)


def over(function):
    return jax.jit(jax.vmap(function))


def wide(key, shape, dtype):
    return 0.3 * jax.random.normal(key, shape, dtype)


def relu(x):
    return np.maximum(0, x)


def by_hand(name, model, z, u):
    """The equations of the papers, one unit at a time; their matrices are (post, pre)."""
    p = jax.tree.map(np.asarray, params.with_values(model))
    C = p.C.T
    if name.startswith("Shallow"):
        W1, W2 = p.W1.T, p.W2.T
        hidden = relu(W2 @ z + p.h2)
        if model.clipped:
            hidden = hidden - relu(W2 @ z)
        return p.A * z + W1 @ hidden + p.h1 + C @ u
    phi = np.empty(M)
    for i in range(M):
        if name == "ALRNN":
            phi[i] = relu(z[i]) if i >= M - 3 else z[i]
        elif name == "PLRNN":
            phi[i] = relu(z[i])
        else:
            phi[i] = sum(p.alpha[b] * relu(z[i] - p.H[i, b]) for b in range(4))
            if model.clipped:
                phi[i] -= sum(p.alpha[b] * relu(z[i]) for b in range(4))
    return p.A * z + p.W.T @ phi + p.h + C @ u


def states(n=40, scale=1.5):
    return scale * np.random.default_rng(1).normal(size=(n, M))


@EVERY
def test_steps_follow_the_equations(name, x64):
    model = params.with_values(MAKE[name]())
    inputs = np.random.default_rng(2).normal(size=(40, K))
    got = over(model.step)(jnp.asarray(states()), jnp.asarray(inputs))
    expected = [by_hand(name, model, z, u) for z, u in zip(states(), inputs, strict=True)]
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)
    silent = over(model.step)(jnp.asarray(states()))
    expected = [by_hand(name, model, z, np.zeros(K)) for z in states()]
    np.testing.assert_allclose(silent, expected, rtol=1e-12, atol=1e-12)


@EVERY
def test_jacobian_is_that_of_automatic_differentiation(name, x64):
    model, z = params.with_values(MAKE[name]()), jnp.asarray(states())
    expected = over(jax.jacfwd(model.step))(z)
    np.testing.assert_allclose(over(model.jacobian)(z), expected, atol=1e-12)
    norms = np.linalg.norm(np.asarray(expected), 2, axis=(1, 2))
    assert norms.max() <= float(model.jacobian_bound()) + 1e-12


@EVERY
def test_the_piece_of_a_state_gives_its_step_exactly(name, x64):
    model = params.with_values(MAKE[name]())
    z = jnp.asarray(states())
    masks = over(model.mask)(z)
    assert masks.shape == (40, model.n_relu)
    J, offset = over(model.affine)(masks)
    there = np.einsum("nij,nj->ni", J, z) + offset
    np.testing.assert_allclose(there, over(model.step)(z), atol=1e-12)
    for got, again in zip(over(model.region)(z), (J, offset), strict=True):
        np.testing.assert_allclose(got, again, atol=1e-15)


@EVERY
def test_models_with_their_parameters_still_bound(name):
    """Off-diagonal weights are parameters with a mask: methods take their value."""
    model = MAKE[name]()
    plain, z = params.with_values(model), jnp.asarray(states(1)[0], jnp.float32)
    np.testing.assert_allclose(model.step(z), plain.step(z), rtol=1e-5)
    np.testing.assert_allclose(model.jacobian(z), plain.jacobian(z), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.jacobian_bound(), plain.jacobian_bound(), rtol=1e-5)


@EVERY
def test_states_side_by_side(name, x64):
    model = params.with_values(MAKE[name]())
    z, u = jnp.asarray(states(6)), jnp.ones((6, K))
    weights = jnp.asarray(np.random.default_rng(3).normal(size=(6, M)))

    def one_by_one(model, z):
        return jnp.sum(weights * jax.vmap(model.step)(z, u))

    def together(model, z):
        return jnp.sum(weights * model.steps(z.T, u.T).T)

    expected, got = (
        jax.jit(jax.value_and_grad(f, argnums=(0, 1)))(model, z) for f in (one_by_one, together)
    )
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def test_symbols_number_the_regions():
    model = MAKE["ALRNN"]()
    z = jnp.asarray([-1.0, 1, 1, 1, 0.5, -0.5, 2.0], jnp.float32)
    assert int(model.symbol(z)) == 0b101
    assert int(model.symbol(-z)) == 0b010
    assert int(model.symbol(jnp.zeros(M))) == 0  # a gate opens above zero
    with pytest.raises(ValueError, match=r"35 gates.*mask"):
        MAKE["DendriticPLRNN, clipped"]().symbol(z)


def test_gates_at_the_ends_of_the_family(x64):
    z = jnp.asarray(states(1)[0])
    linear = models.ALRNN(0, M, N, n_relu=0, W=wide, key=0)
    assert linear.mask(z).shape == (0,)
    np.testing.assert_allclose(linear.step(2 * z), 2 * linear.step(z), atol=1e-12)
    full = models.ALRNN(0, M, N, n_relu=M, W=wide, key=0)
    as_plrnn = by_hand(
        "PLRNN",
        eqx.tree_at(lambda m: m.C, full, jnp.zeros((1, M)), is_leaf=lambda x: x is None),
        np.asarray(z),
        [0.0],
    )
    np.testing.assert_allclose(full.step(z), as_plrnn, atol=1e-12)


@pytest.mark.parametrize("name", ["DendriticPLRNN, clipped", "ShallowPLRNN, clipped"])
def test_clipped_orbits_stay_bounded(name):
    model = MAKE[name](A=0.9)
    far = models.ShallowPLRNN if name.startswith("Shallow") else models.DendriticPLRNN
    assert isinstance(model, far)
    run = integrate(model.starting_from(100 * np.ones(N)), None, dt=1.0, n_steps=2000)
    assert np.isfinite(run.outputs).all()
    assert np.abs(run.outputs[-100:]).max() < 50


def test_initial_values_are_the_published_ones():
    n, key = 40, jax.random.key(0)
    K_ = np.diag(stable_diagonal(key, (n,), jnp.float32))
    K_ = K_ + np.asarray(stable_off_diagonal(key, (n, n), jnp.float32))
    eigenvalues = np.linalg.eigvalsh(K_)
    np.testing.assert_allclose(eigenvalues[-1], 1, rtol=1e-5)
    assert eigenvalues[0] > 0
    model = models.PLRNN(0, n, 3, key=3)
    W = params.with_values(model).W
    assert (np.diag(W) == 0).all()
    np.testing.assert_allclose(np.linalg.eigvalsh(np.diag(model.A) + W)[-1], 1, rtol=1e-5)
    alrnn = models.ALRNN(0, n, 3, n_relu=2, key=0)
    assert np.std(alrnn.W) == pytest.approx(0.01, rel=0.1)
    assert np.abs(np.diag(alrnn.W)).max() > 0
    shallow = models.ShallowPLRNN(0, 3, 3, n_hidden=400, key=0)
    for value, fan_in in ((shallow.W1, 400), (shallow.W2, 3), (shallow.h2, 400)):
        assert 0.95 * fan_in**-0.5 < np.abs(value).max() <= fan_in**-0.5
    assert (models.ShallowPLRNN(0, 3, 3, n_hidden=5, clipped=False, key=0).h2 == 0).all()
    dendritic = models.DendriticPLRNN(0, n, 3, n_branches=25, key=0)
    assert np.std(dendritic.H) == pytest.approx(1, rel=0.1)
    assert np.abs(dendritic.alpha).max() <= 0.2


def test_parameter_counts_of_the_papers():
    def n_trained(model):
        leaves = jax.tree.leaves(eqx.filter(model, params.trainable(model)))
        return sum(x.size for x in leaves)

    def shallow(M, L, N, kind):
        return models.ShallowPLRNN(0, M, N, n_hidden=L, observation=kind, key=0)

    assert n_trained(shallow(3, 50, 3, "identity")) == 356
    assert n_trained(shallow(3, 50, 3, "affine")) == 365
    assert n_trained(shallow(16, 512, 64, "affine")) == 17952
    assert n_trained(models.ALRNN(0, 20, 3, n_relu=2, key=0)) == 20 + 400 + 20 + 17 * 3


def test_observations_and_their_inverses(x64):
    x = np.array([0.3, -1.2, 0.7])
    model = MAKE["ALRNN"](observation="identity").starting_from(x)
    z = model.infer(jnp.asarray(x))
    np.testing.assert_allclose(z, np.concatenate([x, np.asarray(model.observation.L).T @ x]))
    state = model.initial_state(dt=1.0)
    np.testing.assert_allclose(model.readout(state), x)
    affine = MAKE["ALRNN"](observation="affine")
    B = np.asarray(affine.observation.B).T  # the paper's (output, unit)
    np.testing.assert_allclose(affine.infer(jnp.asarray(x)), np.linalg.pinv(B) @ x, atol=1e-12)
    np.testing.assert_allclose(affine.observation.readout(affine.infer(jnp.asarray(x))), x)
    s = np.linalg.svd(B, compute_uv=False)
    expected = (1 - s[0] / s[-1]) ** 2
    np.testing.assert_allclose(affine.penalties()["observation"], expected, rtol=1e-6)
    orthogonal = plrnn.AffineObservation(N, M, B=np.eye(M, N), key=jax.random.key(0))
    np.testing.assert_allclose(orthogonal.penalty(), 0, atol=1e-12)


def test_penalties_follow_their_formulas(x64):
    model = MAKE["ALRNN"]()
    A, W, h = (np.asarray(x) for x in (model.A, model.W, model.h))
    got = model.penalties()
    np.testing.assert_allclose(got["latent"], ((1 - A) ** 2).sum() + (W**2).sum() + (h**2).sum())
    np.testing.assert_allclose(got["growth"], np.linalg.norm(relu(A + np.diag(W) - 0.05)))
    quiet = MAKE["ALRNN"](A=-1.0, W=0.0)
    gradient = eqx.filter_grad(lambda m: m.penalties()["growth"])(quiet)
    assert (np.asarray(gradient.A) == 0).all()


def test_each_subject_has_its_own_row():
    W = params.Indexed(2, by="subject", init=wide)
    model = models.ALRNN(0, M, N, n_relu=2, W=W, key=0)
    trial = Trial(
        jnp.zeros((2, 5, 0)),
        jnp.zeros((2, 5, N)),
        jnp.ones((2, 5, N)),
        {"subject": jnp.asarray([1, 0], jnp.int32)},
        {},
    )
    model = model.starting_from(np.ones(N))
    run = integrate(
        model, None, dt=1.0, n_steps=5, n_trials=2, trial=trial, save=Save(variables=("z",))
    )
    for i, subject in enumerate((1, 0)):
        own = eqx.tree_at(lambda m: m.W, model, model.W.values[subject])
        alone = integrate(own, None, dt=1.0, n_steps=5, save=Save(variables=("z",)))
        np.testing.assert_allclose(run.variables["z"][:, i], alone.variables["z"], atol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: models.ALRNN(0, 5, 3, n_relu=6, key=0), "n_relu.*from 0 to 5.*6"),
        (lambda: models.ALRNN(0, 5, 3, n_relu=True, key=0), "n_relu.*whole number"),
        (
            lambda: models.ALRNN(
                0, 6, 2, n_relu=1, observation=plrnn.AffineObservation(3, 5, key=key(0)), key=0
            ),
            "3 outputs and 5 units.*n_outputs=2 and n_units=6",
        ),
        (lambda: models.PLRNN(0, 2, 3, key=0), "first 3 units.*there are 2.*affine"),
        (lambda: models.PLRNN(0, 4, 0, key=0), "n_outputs.*at least 1"),
        (lambda: models.PLRNN(0, 4, 2, observation="linear", key=0), "observation.*'linear'"),
        (lambda: models.PLRNN(0, 4, 2, C=np.ones((4, 1)), key=0), "`C`.*n_inputs=0"),
        (lambda: models.PLRNN(0, 4, 2, A=np.ones(3), key=0), r"`A` \(4,\)"),
        (lambda: models.ShallowPLRNN(0, 4, 2, n_hidden=0, key=0), "n_hidden"),
        (lambda: models.DendriticPLRNN(0, 4, 2, n_branches=True, key=0), "n_branches"),
        (lambda: models.PLRNN(0, 4, 2), "key"),
        (lambda: models.PLRNN(0, 4, 2, key=0).starting_from(np.ones(3)), "2 finite numbers"),
        (lambda: models.PLRNN(0, 4, 2, key=0).starting_from([0, np.nan]), "2 finite numbers"),
    ],
)
def test_mistakes_are_named(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()
