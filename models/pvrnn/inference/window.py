"""The sliding window of error regression, and its update by an observation."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from neurodyn.common.reprs import brief
from neurodyn.models.pvrnn import dynamics
from neurodyn.models.pvrnn.inference import descent
from neurodyn.models.pvrnn.inference.descent import Pass, Stretch
from neurodyn.models.pvrnn.inference.settings import ErrorRegression


class Reports(eqx.Module):
    """Settings of the results that are reported at every observation.

    Attributes
    ----------
    n_horizons, n_samples
        Steps that are predicted, and rollouts of the prior for that.
    windows
        Whether the whole window is reported.
    """

    n_horizons: int = eqx.field(static=True)
    n_samples: int = eqx.field(static=True)
    windows: bool = eqx.field(static=True)

    __repr__ = brief


class Carry(NamedTuple):
    """State that is kept between observations.

    Attributes
    ----------
    u0
        State before the window.
    A
        Adaptive vectors of the window.
    observed, mask
        Observations in the window, and the weights of their errors.
    u
        States along it, of the last pass.
    n
        Steps in it.
    number
        Observations so far.
    """

    u0: Float[Array, "trial unit"]
    A: Float[Array, "time trial raw"]
    observed: Float[Array, "time trial output"]
    mask: Float[Array, "time trial output"]
    u: Float[Array, "time trial unit"]
    n: Int[Array, ""]
    number: Int[Array, ""]


def start(model: Any, n_trials: int, window: int) -> Carry:
    """State before the first observation."""
    dtype = model.b.dtype

    def blank(*shape):
        return jnp.zeros(shape, dtype)

    none = jnp.asarray(0, jnp.int32)
    return Carry(
        blank(n_trials, sum(model.n_units)),
        blank(window, n_trials, 2 * sum(model.n_latents)),
        blank(window, n_trials, model.n_outputs),
        blank(window, n_trials, model.n_outputs),
        blank(window, n_trials, sum(model.n_units)),
        none,
        none,
    )


def observe(
    model: Any,
    method: ErrorRegression,
    reports: Reports,
    carry: Carry,
    x: Float[Array, "trial output"],
    seen: Float[Array, "trial output"],
    keys: Any,
) -> tuple[Carry, dict[str, Array]]:
    """Process an observation of each stream: move the window, infer, predict.

    ``model`` is resolved; ``seen`` weighs the errors of ``x``; ``keys`` has one for each stream.
    """
    size, dropped = method.window, carry.number >= method.window
    at = jax.vmap(lambda k: jax.random.fold_in(k, carry.number))(keys)
    carry = _slide(model, method, carry, x, seen, at)
    stretch = Stretch(
        carry.u0,
        carry.observed,
        carry.mask,
        jnp.arange(size, dtype=jnp.int32) < carry.n,
        jnp.asarray(True) if method.edge_prior == "unit" else ~dropped,
    )
    found = descent.descend(
        model,
        carry.A,
        stretch,
        _deviations(method, at, (size, sum(model.n_latents)), x.dtype),
        method.adam,
        n_updates=method.n_updates,
        keep_best=method.keep_best,
    )
    newest = carry.n - 1
    ahead = _ahead(model, found.run.u[newest], at, reports.n_horizons, reports.n_samples)
    out = _report(model, found, newest, ahead, reports.windows)
    return carry._replace(A=found.A, u=found.run.u), out


def _slide(model, method, carry, x, seen, keys) -> Carry:
    """The window after a new observation."""
    size = method.window
    full = carry.n == size
    n = jnp.minimum(carry.n + 1, size)

    def shifted(a):
        return jnp.where(full, jnp.roll(a, -1, axis=0), a)

    def append(buffer, row):
        return shifted(buffer).at[n - 1].set(row)

    # The state after the step that drops out of the window; zeros while none drops out.
    u0 = jnp.where(full, carry.u[0], carry.u0)
    A = shifted(carry.A) if method.warm_start == "shifted" else carry.A
    before = jnp.maximum(carry.n - 1, 0)
    if method.new_entry == "prior":
        last = jnp.where(carry.n == 0, carry.u0, carry.u[before])
        row = jax.vmap(lambda u: dynamics.prior_as_A(model, jnp.tanh(u), carry.n == 0))(last)
    elif method.new_entry == "previous":
        row = carry.A[before]
    elif method.new_entry == "zeros":
        row = jnp.zeros_like(A[0])
    else:
        fresh = jax.vmap(lambda k: jax.random.fold_in(k, _NEW))(keys)
        row = jax.vmap(lambda k: jax.random.normal(k, A.shape[2:], A.dtype))(fresh)
    grown = A.at[n - 1].set(row)
    A = grown if method.warm_start == "shifted" else jnp.where(full, A, grown)
    observed, mask = append(carry.observed, x), append(carry.mask, seen)
    return Carry(u0, A, observed, mask, carry.u, n, carry.number + 1)


# Numbers that are folded into the keys of a step; passes use the numbers from 0 on.
_NEW, _AHEAD = 2**32 - 1, 2**32 - 2


def _deviations(method, keys, shape, dtype):
    def draw(k):
        if not method.noise:
            return jnp.zeros((shape[0], keys.shape[0], shape[1]), dtype)
        now = jax.vmap(lambda key: jax.random.fold_in(key, k))(keys)
        return jax.vmap(lambda key: jax.random.normal(key, shape, dtype), out_axes=1)(now)

    return draw


def _ahead(model, u, keys, n_horizons: int, n_samples: int):
    if n_samples == 0:
        mean = descent.rollout_prior(model, u, None, n_horizons)
        return mean, None
    keys = jax.vmap(lambda k: jax.random.fold_in(k, _AHEAD))(keys)
    if n_samples == 1:
        return descent.rollout_prior(model, u, keys, n_horizons), None
    many = jax.vmap(lambda k: jax.random.split(k, n_samples), out_axes=1)(keys)
    each = jax.vmap(lambda k: descent.rollout_prior(model, u, k, n_horizons))(many)
    return jnp.mean(each, 0), jnp.std(each, 0)


def _report(model, found, newest, ahead, windows) -> dict[str, Array]:
    run: Pass = found.run
    mean, std = ahead
    u = run.u if windows else run.u[newest][None]
    outputs = model.head.outputs(model.raw_outputs(jnp.tanh(u)))
    out = {
        "prediction": mean,
        "reconstruction": outputs[newest] if windows else outputs[0],
        "z": run.z[newest],
        "mean": run.q.mean[newest],
        "sigma": run.q.sigma[newest],
        "prior_mean": run.p.mean[newest],
        "prior_sigma": run.p.sigma[newest],
        "loss": found.losses,
    }
    if std is not None:
        out["prediction_std"] = std
    if windows:
        # Lags count back from the newest step.
        back = newest - jnp.arange(u.shape[0], dtype=jnp.int32)
        there = (back >= 0)[:, None, None]
        out["postdiction"] = jnp.where(there, outputs[back], jnp.full_like(outputs, jnp.nan))
    return out
