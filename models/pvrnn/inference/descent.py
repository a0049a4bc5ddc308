"""Inference of adaptive vectors with frozen weights, shared by error regression and planning."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from neurodyn.models.pvrnn import dynamics, layers
from neurodyn.models.pvrnn.gaussian import DiagonalGaussian
from neurodyn.models.pvrnn.objective import terms
from neurodyn.models.pvrnn.rollout import Rollout, rollout
from neurodyn.params.base import changed


class Stretch(NamedTuple):
    """Steps along which latents are inferred, for a batch of streams.

    Attributes
    ----------
    u0
        Internal state of the units before the first step.
    observed
        Data.
    mask
        Weight of the error of each of them; 0 where nothing was observed.
    counts
        Steps that exist; divergences of the others do not count.
    first
        Whether the first step has the unit Gaussian as its prior.
    """

    u0: Float[Array, "trial unit"]
    observed: Float[Array, "time trial output"]
    mask: Float[Array, "time trial output"]
    counts: Bool[Array, " time"]
    first: Bool[Array, ""]


class Pass(NamedTuple):
    """States and distributions of the network along a stretch.

    Attributes
    ----------
    u
        Internal state of the units after each step.
    z
        Latents.
    q, p
        Posterior and prior.
    """

    u: Float[Array, "time trial unit"]
    z: Float[Array, "time trial latent"]
    q: DiagonalGaussian
    p: DiagonalGaussian


class Adam(NamedTuple):
    """Settings of the optimiser of adaptive vectors (Kingma & Ba 2015)."""

    learning_rate: Float[Array, ""]
    beta1: Float[Array, ""]
    beta2: Float[Array, ""]


class Inferred(NamedTuple):
    """Result of an inference.

    Attributes
    ----------
    A, eps
        Adaptive vectors, and the deviations of the pass that they are judged by.
    run
        That pass.
    losses
        Loss before each update, and at the end.
    """

    A: Float[Array, "time trial raw"]
    eps: Float[Array, "time trial latent"]
    run: Pass
    losses: Float[Array, "iteration trial"]


def adam(learning_rate: Any, betas: Any) -> Adam:
    """Settings of the optimiser, checked."""
    if np.ndim(learning_rate) != 0 or not float(learning_rate) > 0:
        raise ValueError(f"`learning_rate` must be a number above 0, got {learning_rate!r}.")
    if np.shape(betas) != (2,) or not all(0 <= float(b) < 1 for b in betas):
        raise ValueError(f"`betas` are two numbers in [0, 1), got {betas!r}.")
    return Adam(*(jnp.asarray(v, jnp.result_type(float)) for v in (learning_rate, *betas)))


def with_meta_prior(model: Any, w: Any, w_first: Any) -> Any:
    """The network with other meta-priors; None keeps those of training."""
    n = len(model.n_units)
    given = {"w": w, "w_first": w_first}
    new = {
        name: layers.fixed(layers.by_layer(name, value, n))
        for name, value in given.items()
        if value is not None
    }
    return changed(model, **new)


def states(
    model: Any, u0: Float[Array, "trial unit"], z: Float[Array, "time trial latent"]
) -> Float[Array, "time trial unit"]:
    """Internal state of the units after each step, given the latents."""

    def step(u, z):
        u = jax.vmap(lambda u, z: dynamics.advance(model, u, z))(u, z)
        return u, u

    return jax.lax.scan(step, u0, z)[1]


def loss_of(model: Any, run: Rollout, stretch: Stretch) -> Float[Array, " trial"]:
    """Negative lower bound of each stream along the stretch."""
    got = terms(
        model,
        run.d,
        run.q,
        run.p,
        stretch.observed,
        stretch.mask * stretch.counts.astype(stretch.mask.dtype)[:, None, None],
        stretch.first,
    )
    counts = jnp.broadcast_to(stretch.counts[:, None], run.d.shape[:2])
    return got.loss(counts)


def descend(
    model: Any,
    A: Float[Array, "time trial raw"],
    stretch: Stretch,
    draw: Callable[[Int[Array, ""]], Float[Array, "time trial latent"]],
    adam: Adam,
    *,
    n_updates: int,
    keep_best: bool,
) -> Inferred:
    """Move adaptive vectors down the loss, by a fresh Adam.

    Parameters
    ----------
    model
        A resolved network; its weights stay.
    A, stretch
        Where to start, and along which steps.
    draw
        Deviations of the latents in pass k.
    adam
        The optimiser.
    n_updates
        Number of updates; one more pass evaluates the last.
    keep_best
        Whether the best pass of all counts instead of the last, for each stream by itself.
    """

    def along(A, eps):
        return rollout(model, A, eps, u0=stretch.u0, first=stretch.first)

    def total(A, eps):
        run = along(A, eps)
        loss = loss_of(model, run, stretch)
        # Streams are independent, so the gradient of the sum holds the gradient of each.
        return jnp.sum(loss), (loss, run)

    def update(carry, k):
        A, m, v, best = carry
        eps = draw(k)
        gradient, (loss, _) = jax.grad(total, has_aux=True)(A, eps)
        best = _better(best, loss, A, eps) if keep_best else best
        m = adam.beta1 * m + (1 - adam.beta1) * gradient
        v = adam.beta2 * v + (1 - adam.beta2) * jnp.square(gradient)
        n = (k + 1).astype(A.dtype)
        m_hat, v_hat = m / (1 - adam.beta1**n), v / (1 - adam.beta2**n)
        A = A - adam.learning_rate * m_hat / (jnp.sqrt(v_hat) + 1e-8)
        return (A, m, v, best), loss

    zeros = jnp.zeros_like(A)
    last = jnp.asarray(n_updates, jnp.int32)
    eps = draw(last)
    best = (jnp.full(A.shape[1], jnp.inf, A.dtype), A, eps) if keep_best else None
    (A, _, _, best), losses = jax.lax.scan(
        update, (A, zeros, zeros, best), jnp.arange(n_updates, dtype=jnp.int32)
    )
    _, (loss, run) = total(A, eps)
    losses = jnp.concatenate([losses, loss[None]])
    if keep_best:
        _, A, eps = _better(best, loss, A, eps)
        run = along(A, eps)
    z = run.q.sample(eps)
    return Inferred(A, eps, Pass(states(model, stretch.u0, z), z, run.q, run.p), losses)


def _better(best, loss, A, eps):
    old, *held = best
    wins = loss < old
    new = [jnp.where(wins[None, :, None], x, y) for x, y in zip((A, eps), held, strict=True)]
    return (jnp.where(wins, loss, old), *new)


def rollout_prior(
    model: Any, u: Float[Array, "trial unit"], keys: Any, n: int
) -> Float[Array, "horizon trial output"]:
    """Outputs that the network predicts for the next ``n`` steps; without keys, along the means."""

    def one(u, key):
        def step(u, number):
            law = dynamics.prior(model, jnp.tanh(u), False)
            z = law.mean
            if key is not None:
                noise = jax.random.normal(jax.random.fold_in(key, number), z.shape, z.dtype)
                z = law.sample(noise)
            u = dynamics.advance(model, u, z)
            return u, model.head.outputs(model.raw_outputs(jnp.tanh(u)))

        return jax.lax.scan(step, u, jnp.arange(n, dtype=jnp.uint32))[1]

    return jnp.swapaxes(jax.vmap(one)(u, keys), 0, 1)
