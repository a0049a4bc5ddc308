"""Planning: inference of the latents that lead from a start to a goal."""

from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neurodyn import labels
from neurodyn.common.checks import check_whole
from neurodyn.common.random import as_key
from neurodyn.labels import Observed
from neurodyn.models.pvrnn import layers
from neurodyn.models.pvrnn.adaptive import along_prior
from neurodyn.models.pvrnn.gaussian import divergence
from neurodyn.models.pvrnn.inference import descent
from neurodyn.models.pvrnn.inference.descent import Stretch
from neurodyn.models.pvrnn.inference.streams import (
    as_streams,
    check_network,
    latent_coords,
    one_key_each,
)
from neurodyn.params import with_values


def plan(
    model: Any,
    wanted: Any,
    mask: Any,
    *,
    iterations: int = 500,
    learning_rate: float = 0.05,
    betas: tuple[float, float] = (0.9, 0.999),
    A: Literal["prior", "zeros", "normal"] | str = "prior",
    w: Any = None,
    w_first: Any = None,
    noise: bool = True,
    keep_best: bool = True,
    dt: float | None = None,
    key: Any,
) -> xr.Dataset:
    """Infer a whole plan from some of its steps, usually its beginning and its end.

    The adaptive vectors of all steps are moved down the errors of the steps and outputs that are
    asked for, and the divergence of all steps from the prior, so that the plan stays close to the
    sequences that the network has learned. Weights are frozen.

    Parameters
    ----------
    model
        A trained PV-RNN.
    wanted
        ``(trial, time, output)``, one row for each plan: an array, or a labelled array with the
        dims `trial`, `time` and one more in any order; values where the mask is 0 are not read.
    mask
        Weight of the error of each value: labelled like ``wanted``, or an array
        ``(trial, time, output)``; usually 1 in the first and the last steps and 0 between.
    iterations
        Updates; default 500, as for the planar tasks of the papers.
    learning_rate, betas
        Of Adam.
    A
        Initial vectors: ``"prior"``, those that make the posterior equal the prior along its means;
        ``"zeros"``; ``"normal"``, standard normal.
    w, w_first
        Meta-priors, one or one for each layer; None: those of training. With smaller ones the
        plan comes closer to the goal by less likely paths.
    noise
        Whether latents are drawn in every iteration; else they take their means.
    keep_best
        Whether the best iteration counts instead of the last.
    dt
        Step [ms]; None: that of `time`, 1 where there are no labels.
    key
        Seed or key; several plans of the same goal differ by their draws.

    Returns
    -------
    xr.Dataset
        ``plan`` ``(trial, time, output)``; ``z``, ``mean``, ``sigma``, ``prior_mean``,
        ``prior_sigma`` ``(trial, time, latent)``; ``kl`` ``(trial, time, latent)``;
        ``loss`` ``(trial, iteration)`` before each update and at the end; ``error`` ``(trial,)``,
        the mean squared error of the values with a mask above 0.

    Raises
    ------
    ValueError, TypeError
        If the model is no PV-RNN, `wanted` does not fit it, or the mask is 0 everywhere.

    References
    ----------
    Matsumoto & Tani, "Goal-directed planning for habituated agents by active inference using a
    variational recurrent neural network", Entropy 2020.
    """
    check_network(model)
    if mask is None:
        raise ValueError("`mask` says which steps and outputs are asked for: pass it.")
    seen, x, weights = as_streams(wanted, mask, model.n_outputs, dt, name="wanted")
    if not bool((weights > 0).any((1, 2)).all()):
        raise ValueError("`mask` is 0 everywhere in some trial: nothing is asked for there.")
    check_whole(1, iterations=iterations)
    layers.check_choice("A", A, ("prior", "zeros", "normal"))
    adam = descent.adam(learning_rate, betas)
    out = _plan(
        descent.with_meta_prior(model.mode("free"), w, w_first),
        jnp.swapaxes(x, 0, 1),
        jnp.swapaxes(weights, 0, 1),
        adam,
        one_key_each(as_key(key, needed_for="Planning"), seen.ranks),
        iterations=int(iterations),
        init=A,
        noise=bool(noise),
        keep_best=bool(keep_best),
    )
    return _label(model, {n: np.asarray(a) for n, a in out.items()}, x, weights, seen)


@eqx.filter_jit
def _plan(model, wanted, mask, adam, keys, *, iterations, init, noise, keep_best):
    model = with_values(model)
    n_steps, n_trials = wanted.shape[:2]
    n_latents, dtype = sum(model.n_latents), wanted.dtype
    stretch = Stretch(
        jnp.zeros((n_trials, sum(model.n_units)), dtype),
        wanted,
        mask,
        jnp.ones(n_steps, bool),
        jnp.asarray(True),
    )

    def normal(k, width):
        now = jax.vmap(lambda key: jax.random.fold_in(key, k))(keys)
        shape = (n_steps, width)
        return jax.vmap(lambda key: jax.random.normal(key, shape, dtype), out_axes=1)(now)

    def draw(k):
        return normal(k, n_latents) if noise else jnp.zeros((n_steps, n_trials, n_latents), dtype)

    if init == "prior":
        A = along_prior(model, stretch.u0, jnp.zeros((n_steps, n_trials, n_latents), dtype))
    elif init == "zeros":
        A = jnp.zeros((n_steps, n_trials, 2 * n_latents), dtype)
    else:
        A = normal(2**32 - 1, 2 * n_latents)
    found = descent.descend(
        model, A, stretch, draw, adam, n_updates=iterations, keep_best=keep_best
    )
    run = found.run
    return {
        "plan": model.head.outputs(model.raw_outputs(jnp.tanh(run.u))),
        "z": run.z,
        "mean": run.q.mean,
        "sigma": run.q.sigma,
        "prior_mean": run.p.mean,
        "prior_sigma": run.p.sigma,
        "kl": divergence(run.q, run.p),
        "loss": found.losses,
    }


def _label(
    model: Any, out: dict[str, np.ndarray], wanted: Array, weights: Array, seen: Observed
) -> xr.Dataset:
    of_latents = ("trial", "time", "latent")
    about = {
        "plan": (("trial", "time", "output"), "planned observations"),
        "z": (of_latents, "latents"),
        "mean": (of_latents, "mean of the posterior"),
        "sigma": (of_latents, "standard deviation of the posterior"),
        "prior_mean": (of_latents, "mean of the prior"),
        "prior_sigma": (of_latents, "standard deviation of the prior"),
        "kl": (of_latents, "divergence of the posterior from the prior"),
        "loss": (("trial", "iteration"), "negative lower bound of the plan"),
    }
    variables = {
        name: (dims, out[name].swapaxes(0, 1), "nat" if name == "kl" else "1", long_name)
        for name, (dims, long_name) in about.items()
    }
    apart = (out["plan"].swapaxes(0, 1) - np.asarray(wanted)) ** 2
    asked: Float[np.ndarray, "trial time output"] = np.asarray(weights)
    error = (asked * apart).sum((1, 2)) / asked.sum((1, 2))
    variables["error"] = (("trial",), error, "1", "mean squared error of the values asked for")
    coords = {**seen.coords, "time": seen.axis, **latent_coords(model)}
    attrs = {"model": type(model).__name__, "dt": seen.dt}
    return labels.dataset(variables, coords, source="model", attrs=attrs)
