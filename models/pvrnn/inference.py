"""Inference of adaptive vectors with frozen weights: what error regression and planning share."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from neurodyn.models.pvrnn import dynamics, layers
from neurodyn.models.pvrnn.dynamics import DiagonalGaussian
from neurodyn.models.pvrnn.objective import terms

__all__ = ["Adam", "Inferred", "Pass", "Stretch", "descend", "rollout_prior", "run_stretch"]


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
        Which steps there are: divergences of the others do not count.
    first
        Whether the first step has the unit Gaussian as its prior.
    """

    u0: Float[Array, "trial unit"]
    observed: Float[Array, "time trial output"]
    mask: Float[Array, "time trial output"]
    counts: Bool[Array, " time"]
    first: Bool[Array, ""]


class Pass(NamedTuple):
    """What the network does along a stretch.

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
    """Where an inference arrived.

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


def with_meta_prior(model: Any, w: Any, w_first: Any) -> Any:
    """The network with other meta-priors; None keeps those of training."""
    n = len(model.n_units)
    new = {
        "w": model.w if w is None else layers.fixed(layers.by_layer("w", w, n)),
        "w_first": model.w_first
        if w_first is None
        else layers.fixed(layers.by_layer("w_first", w_first, n)),
    }
    return eqx.tree_at(lambda m: [m.w, m.w_first], model, [new["w"], new["w_first"]])


def run_stretch(
    model: Any,
    A: Float[Array, "time trial raw"],
    eps: Float[Array, "time trial latent"],
    stretch: Stretch,
) -> Pass:
    """Run along the posterior; ``model`` is resolved."""

    def step(u, now):
        A, eps = now

        def one(u, A, eps):
            z = dynamics.posterior(model, jnp.tanh(u), A).sample(eps)
            return dynamics.advance(model, u, z), z

        u, z = jax.vmap(one)(u, A, eps)
        return u, (u, z)

    _, (u, z) = jax.lax.scan(step, stretch.u0, (A, eps))
    before = jnp.tanh(jnp.concatenate([stretch.u0[None], u[:-1]]))
    opening = stretch.first & (jnp.arange(A.shape[0]) == 0)
    q = jax.vmap(jax.vmap(lambda d, A: dynamics.posterior(model, d, A)))(before, A)
    p = jax.vmap(lambda d, now: jax.vmap(lambda d: dynamics.prior(model, d, now))(d))(
        before, opening
    )
    return Pass(u, z, q, p)


def loss_of(model: Any, run: Pass, stretch: Stretch) -> Float[Array, " trial"]:
    """Negative lower bound of each stream along the stretch."""
    got = terms(
        model,
        jnp.tanh(run.u),
        run.q,
        run.p,
        stretch.observed,
        stretch.mask * stretch.counts.astype(stretch.mask.dtype)[:, None, None],
        stretch.first,
    )
    counts = jnp.broadcast_to(stretch.counts[:, None], run.u.shape[:2])
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

    def total(A, eps):
        run = run_stretch(model, A, eps, stretch)
        loss = loss_of(model, run, stretch)
        # Streams do not meet: the gradient of the sum is the gradient of each.
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
        run = run_stretch(model, A, eps, stretch)
    return Inferred(A, eps, run, losses)


def _better(best, loss, A, eps):
    old, *held = best
    wins = loss < old
    new = [jnp.where(wins[None, :, None], x, y) for x, y in zip((A, eps), held, strict=True)]
    return (jnp.where(wins, loss, old), *new)


def raw_of_prior(model: Any, u: Float[Array, "trial unit"], first: Bool[Array, ""]) -> Array:
    """Adaptive vectors that make the posterior of the next step its prior."""

    def one(u):
        d = jnp.tanh(u)
        raw = d @ model.W_prior + model.b_prior
        raw = jnp.where(first, jnp.zeros_like(raw), raw)
        if model.W_posterior is None:
            return raw
        return raw - (d @ model.W_posterior + model.b_posterior)

    return jax.vmap(one)(u)


def along_the_prior(
    model: Any, u0: Float[Array, "trial unit"], n: int
) -> Float[Array, "time trial raw"]:
    """Adaptive vectors that make the posterior the prior along its means, from the start on."""

    def step(u, k):
        raw = raw_of_prior(model, u, k == 0)
        z = jax.vmap(lambda u, A: dynamics.posterior(model, jnp.tanh(u), A).mean)(u, raw)
        return jax.vmap(lambda u, z: dynamics.advance(model, u, z))(u, z), raw

    return jax.lax.scan(step, u0, jnp.arange(n, dtype=jnp.int32))[1]


def rollout_prior(
    model: Any,
    u: Float[Array, "trial unit"],
    keys: Any,
    n: int,
) -> Float[Array, "horizon trial output"]:
    """What the network expects in the next ``n`` steps; without keys, along the means."""

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
