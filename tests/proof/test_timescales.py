"""The published networks, their gradients and their optimiser, against NumPy in double precision.

Nothing here is shared with the library: states by a loop over steps, gradients by hand-written
backpropagation through time, and the update by its formulas.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from neurodyn.models import LeakyRNN
from neurodyn.params import Clamped, trainable
from neurodyn.tasks import NDMS, NParity
from neurodyn.training import BPTT, Heads, Supervised
from neurodyn.training.indexed import apply_gradients, init_optimizer

N_UNITS, N_HEADS, N_TRIALS, SLOPE = 9, 4, 6, 0.01
LEARNING_RATE, MOMENTUM, CLIP = 0.05, 0.1, 2.0


def leaky_relu(z):
    return np.where(z >= 0, z, SLOPE * z)


def others(W):
    """1 but on the diagonal, in the precision of W."""
    return 1 - np.eye(len(W), dtype=W.dtype)


def forward(p, x, h0, form):
    """Logits of the last step, and what the backward pass needs."""
    tau = np.maximum(p["tau"], 1.0)
    W = p["W"] * others(p["W"])
    h, tape = h0, []
    for x_t in x:
        drive = h @ W + p["b"] + x_t @ p["U"] + p["b_in"]
        if form == "update":
            z = (1 - 1 / tau) * h + (1 / tau) * drive
            new = leaky_relu(z)
        else:
            z = drive
            new = (1 - 1 / tau) * h + (1 / tau) * leaky_relu(z)
        tape.append((x_t, h, drive, z))
        h = new
    return h @ p["W_out"] + p["b_out"], h, tape, W, tau


def loss_and_gradients(p, x, h0, labels, used, form):
    """Cross-entropy summed over the heads in use, mean over trials, by hand."""
    logits, h, tape, W, tau = forward(p, x, h0, form)
    n = len(logits)
    by_head = logits.reshape(n, -1, 2)
    top = by_head.max(-1, keepdims=True)
    log_p = by_head - top - np.log(np.exp(by_head - top).sum(-1, keepdims=True))
    chosen = np.take_along_axis(log_p, labels[..., None], -1)[..., 0]
    loss = -(chosen * used).sum(1).mean()
    d_logits = (np.exp(log_p) - np.eye(2, dtype=h.dtype)[labels]) * used[None, :, None] / n
    d_logits = d_logits.reshape(n, -1)
    g = {name: np.zeros_like(a) for name, a in p.items()}
    g["W_out"], g["b_out"] = h.T @ d_logits, d_logits.sum(0)
    dh, d_alpha = d_logits @ p["W_out"].T, np.zeros_like(tau)
    for x_t, h_before, drive, z in reversed(tape):
        slope = np.where(z >= 0, z.dtype.type(1), z.dtype.type(SLOPE))
        if form == "update":
            dz = dh * slope
            d_drive, d_before = dz / tau, dz * (1 - 1 / tau)
            d_alpha += (dz * (drive - h_before)).sum(0)
        else:
            d_drive, d_before = dh / tau * slope, dh * (1 - 1 / tau)
            d_alpha += (dh * (leaky_relu(z) - h_before)).sum(0)
        g["W"] += h_before.T @ d_drive
        g["U"] += x_t.T @ d_drive
        g["b"] += d_drive.sum(0)
        g["b_in"] += d_drive.sum(0)
        dh = d_before + d_drive @ W.T
    g["W"] *= others(W)
    g["tau"] = np.where(p["tau"] > 1, -d_alpha / tau**2, 0.0)
    return loss, g


def nesterov(p, g, velocity):
    """One step of stochastic gradient descent, after clipping the norm of the whole gradient."""
    norm = np.sqrt(sum((a**2).sum() for a in g.values()))
    scale = min(1.0, CLIP / norm)
    for name in p:
        velocity[name] = MOMENTUM * velocity[name] + scale * g[name]
        p[name] = p[name] - LEARNING_RATE * (scale * g[name] + MOMENTUM * velocity[name])


def arrays_of(model):
    """Raw parameters by name."""
    plain = {name: getattr(model, name) for name in ("U", "b", "b_in", "W_out", "b_out")}
    plain |= {"W": model.W.of, "tau": model.tau}
    raw = {name: getattr(x, "raw", x) for name, x in plain.items()}
    return {name: np.array(x, np.float64) for name, x in raw.items()}


def close(ours, theirs, name):
    scale = max(1e-3, np.abs(theirs).max())
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9 * scale, err_msg=name)


@pytest.mark.parametrize("form", ["update", "rate"])
@pytest.mark.parametrize(("make", "gain"), [(NParity, 1.0), (NDMS, 40.0)])
def test_forward_gradients_and_steps(form, make, gain, x64):
    # A large readout makes gradients that the clip cuts.
    task = make([2, 3], n_heads=N_HEADS)
    tau = np.concatenate([np.linspace(0.6, 0.98, 3), np.linspace(1.02, 2.5, N_UNITS - 3)])
    h0 = np.linspace(0.0, 0.1, N_UNITS)
    model = LeakyRNN(
        1, N_UNITS, 2 * N_HEADS, tau=Clamped(1.0, init=tau), form=form, initial=h0, key=0
    )
    model = eqx.tree_at(lambda m: m.W_out, model, gain * model.W_out)
    optimizer = optax.chain(
        optax.clip_by_global_norm(CLIP), optax.sgd(LEARNING_RATE, momentum=MOMENTUM, nesterov=True)
    )
    p = arrays_of(model)
    start = {name: a.copy() for name, a in p.items()}
    velocity = {name: np.zeros_like(a) for name, a in p.items()}
    gradient, curriculum = eqx.filter_jit(BPTT()(Supervised())), Heads.cumulative()
    params, rest = eqx.partition(model, trainable(model))
    state = init_optimizer(optimizer, params)
    norms = []
    for step in range(3):
        trials = task.batch(step, N_TRIALS)
        model = eqx.combine(params, rest)
        loss, _, _, grads = gradient(model, task, trials, None, key=jax.random.key(step))
        length, used = int(trials.length), np.array([1.0, 1.0, 0.0, 0.0])
        x = np.asarray(trials.inputs, np.float64)[:, :length].transpose(1, 0, 2)
        labels = np.asarray(trials.targets[:, 0])
        starts = np.tile(h0, (N_TRIALS, 1))
        expected, g = loss_and_gradients(p, x, starts, labels * used.astype(int), used, form)
        np.testing.assert_allclose(loss, expected, rtol=1e-10)
        for name, ours in arrays_of(grads).items():
            close(ours, g[name], f"gradient of {name}, step {step}")
        assert (np.asarray(grads.tau.raw)[:3] == 0).all()
        norms.append(np.sqrt(sum((a**2).sum() for a in g.values())))
        active = curriculum.active(params, task)
        params, state = apply_gradients(optimizer, grads, state, params, trials, active)
        nesterov(p, g, velocity)
        for name, ours in arrays_of(params).items():
            close(ours, p[name], f"{name} after step {step}")
    # All of it was at work: the clip in one case only, time constants, and heads at rest.
    assert (max(norms) > CLIP) == (gain > 1)
    assert (p["tau"][:3] == start["tau"][:3]).all()
    assert (p["tau"][3:] != start["tau"][3:]).all()
    ours = arrays_of(params)["W_out"]
    assert (ours[:, 4:] == start["W_out"][:, 4:]).all()
    assert (ours[:, :4] != start["W_out"][:, :4]).all()


def test_finite_differences_agree_with_the_backpropagation_above():
    rng = np.random.default_rng(0)
    shapes = {"W": (5, 5), "U": (1, 5), "b": (5,), "b_in": (5,), "W_out": (5, 4), "b_out": (4,)}
    p = {name: rng.normal(0, 0.6, shape) for name, shape in shapes.items()}
    p["tau"] = np.array([0.7, 1.2, 1.5, 2.0, 3.0])
    x, h0 = rng.integers(0, 2, (7, 3, 1)).astype(float), rng.uniform(0, 0.1, (3, 5))
    labels, used = rng.integers(0, 2, (3, 2)), np.ones(2)
    for form in ("update", "rate"):
        _, g = loss_and_gradients(p, x, h0, labels, used, form)
        for name in p:
            direction = rng.normal(size=p[name].shape)
            moved = [{**p, name: p[name] + s * 1e-6 * direction} for s in (1, -1)]
            up, down = (loss_and_gradients(q, x, h0, labels, used, form)[0] for q in moved)
            slope = (up - down) / 2e-6
            np.testing.assert_allclose((g[name] * direction).sum(), slope, rtol=1e-6, atol=1e-9)


def through_weights(p, bars):
    """The error of the gradient of time constants, given errors of the gradients of weights.

    The drive of a unit is linear in its weights, so that the product of drive and cotangent is a
    sum of weights times their gradients. The leak is subtracted from it, of about the same size.
    """
    squares = bars["W"] ** 2  # the leak
    for name in ("W", "U", "b", "b_in"):
        squares = squares + (np.square(np.atleast_2d(p[name])) * bars[name] ** 2).sum(0)
    return (np.sqrt(squares) / p["tau"]).max()


def test_single_precision_is_as_good_as_that_of_numpy():
    """As trained: float32, 500 units, a batch of 256.

    By how much sums of thousands of products may be off in single precision, the same formulas in
    NumPy tell; another order of the same sums, on whatever processor, makes a few times that.
    """
    task = NParity(5)
    model = LeakyRNN(1, 500, 2, initial=np.linspace(0.0, 0.1, 500), key=1)
    trials = task.batch(0, 256)
    gradient = eqx.filter_jit(BPTT()(Supervised()))
    loss, _, _, grads = gradient(model, task, trials, None, key=jax.random.key(0))
    x = np.asarray(trials.inputs, np.float64)[:, : int(trials.length)].transpose(1, 0, 2)
    starts = np.tile(np.asarray(model.initial.value(), np.float64), (256, 1))
    labels = np.asarray(trials.targets[:, 0])
    given = arrays_of(model), x, starts, labels, np.ones(1), "update"
    expected, g = loss_and_gradients(*given)
    single = jax.tree.map(
        lambda a: a.astype(np.float32) if getattr(a, "dtype", None) == np.float64 else a, given
    )
    _, rough = loss_and_gradients(*single)
    np.testing.assert_allclose(float(loss), expected, rtol=1e-5)
    eps, bars = np.finfo(np.float32).eps, {}
    for name, exact in g.items():
        assert rough[name].dtype == np.float32, name
        bars[name] = 8 * max(np.abs(rough[name] - exact).max(), eps * np.abs(exact).max())
    bars["tau"] += through_weights(given[0], bars)
    for name, ours in arrays_of(grads).items():
        assert bars[name] < 3e-4 * np.abs(g[name]).max(), name
        assert np.abs(ours - g[name]).max() < bars[name], name
    assert jnp.asarray(loss).dtype == jnp.float32
