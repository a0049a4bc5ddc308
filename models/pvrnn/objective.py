r"""The negative lower bound that training minimises, term by term.

.. math::
    L = \sum_t \Big\{ \frac{E_t}{R} + \sum_l \frac{w^l_t}{Z_l}
        \mathrm{KL}\big(q(z^l_t) \,\|\, p(z^l_t)\big) \Big\}

with the error ``E`` summed over ``R`` outputs and the divergence summed over the ``Z_l`` latents of
a layer. The published codes divide by different numbers, so that the same meta-prior ``w`` has
different effects: :class:`Scale` gives the choices.
"""

from typing import Any, Literal, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from neurodyn.common.reprs import brief
from neurodyn.kernels import standard_normal
from neurodyn.models.pvrnn.dynamics import sum_by_layer
from neurodyn.models.pvrnn.gaussian import DiagonalGaussian, divergence
from neurodyn.models.pvrnn.rollout import rollout
from neurodyn.params import with_values
from neurodyn.task import Trial


class Scale(eqx.Module):
    """Divisors of the terms of the bound.

    Parameters
    ----------
    kl
        ``"layer"``: the divergence of each layer by its own number of latents (the papers of the
        original authors); ``"total"``: by the number of latents of all layers; ``"none"``.
    error
        ``"output"``: the error by the number of outputs (not of the bins that code them);
        ``"raw"``: by the number of raw outputs, bins included; ``"none"``.
    half
        Whether squared errors are halved, as in the negative log density of a unit Gaussian. It has
        no effect on other heads.
    """

    kl: Literal["layer", "total", "none"] = eqx.field(static=True, default="layer")
    error: Literal["output", "raw", "none"] = eqx.field(static=True, default="output")
    half: bool = eqx.field(static=True, default=False)

    __repr__ = brief

    def __check_init__(self):
        if self.kl not in ("layer", "total", "none"):
            raise ValueError(f"Scale: `kl` is 'layer', 'total' or 'none', got {self.kl!r}.")
        if self.error not in ("output", "raw", "none"):
            raise ValueError(f"Scale: `error` is 'output', 'raw' or 'none', got {self.error!r}.")

    def of_kl(self, n_latents: tuple[int, ...]) -> np.ndarray:
        """Factor of each layer's divergence."""
        n = {
            "layer": np.asarray(n_latents),
            "total": np.full(len(n_latents), sum(n_latents)),
            "none": np.ones(len(n_latents)),
        }
        return 1 / n[self.kl]

    def of_error(self, n_outputs: int, per_output: int, *, squared: bool) -> float:
        """Factor of the summed error."""
        n = {"output": n_outputs, "raw": n_outputs * per_output, "none": 1}[self.error]
        return (0.5 if self.half and squared else 1.0) / n


class Terms(NamedTuple):
    """The bound of each trial, step by step.

    Attributes
    ----------
    error
        Error with the weights and divisors of the bound.
    kl
        Divergence of each layer [nats], summed over its latents, not yet weighted.
    weight
        Weights of the divergences.
    """

    error: Float[Array, "time trial"]
    kl: Float[Array, "time trial layer"]
    weight: Float[Array, "time layer"]

    def loss(self, counts: Bool[Array, "time trial"]) -> Float[Array, " trial"]:
        """Negative lower bound over the steps that count."""
        weighted = jnp.sum(self.kl * self.weight[:, None, :], axis=-1)
        total = self.error + jnp.where(counts, weighted, jnp.zeros_like(weighted))
        return jnp.sum(total, axis=0)


def counted(mask: Float[Array, "time trial output"]) -> Bool[Array, "time trial"]:
    """Steps up to the last scored step of each trial; later steps are padding."""
    steps = jnp.arange(mask.shape[0], dtype=jnp.int32)[:, None]
    last = jnp.max(jnp.where(jnp.any(mask > 0, axis=-1), steps, -1), axis=0)
    return steps <= last[None]


def terms(
    model: Any,
    d: Float[Array, "time trial unit"],
    q: DiagonalGaussian,
    p: DiagonalGaussian,
    targets: Float[Array, "time trial output"],
    mask: Float[Array, "time trial output"],
    first: Bool[Array, ""] | bool = True,
) -> Terms:
    """The terms of the bound.

    Parameters
    ----------
    model
        A resolved PV-RNN.
    d, q, p
        Units after each step, and posterior and prior of its latents.
    targets, mask
        Data, and the weight of the error of each step and output.
    first
        Whether the first step is the first of its sequence, which has its own weight.
    """
    n_time = d.shape[0]
    raw = model.raw_outputs(d)
    factor = model.scale.of_error(
        model.n_outputs, model.head.per_output, squared=model.head.squared
    )
    # Values that are not scored may be NaN.
    targets = jnp.where(mask > 0, targets, jnp.zeros_like(targets))
    error = factor * jnp.sum(mask * model.head.error(raw, targets), axis=-1)
    opening = first & (jnp.arange(n_time) == 0)
    w = jnp.where(opening[:, None], model.w_first[None], model.w[None])
    weight = w * jnp.asarray(model.scale.of_kl(model.n_latents), w.dtype)[None]
    return Terms(error, sum_by_layer(divergence(q, p), model.n_latents), weight)


def negative_elbo(
    model: Any, trials: Trial, key: PRNGKeyArray
) -> tuple[Float[Array, " trial"], dict[str, Float[Array, ""]]]:
    """See :meth:`neurodyn.models.PVRNN.negative_elbo`."""
    if model.A is None:
        raise ValueError(
            "This PVRNN has no posterior to train: build it with "
            "sequences=(task.n_items, task.n_steps)."
        )
    targets, mask = (jnp.swapaxes(x, 0, 1) for x in (trials.targets, trials.mask))
    A = jnp.swapaxes(model.A.row(trials), 0, 1)
    if targets.shape[0] != A.shape[0]:
        raise ValueError(
            f"This PVRNN was built for sequences of {A.shape[0]} steps, but the trials have "
            f"{targets.shape[0]}: build it with sequences=(task.n_items, task.n_steps)."
        )
    values = with_values(model)
    eps = standard_normal(key, (*A.shape[:2], A.shape[2] // 2), A.dtype)
    run = rollout(values, A, eps)
    got = terms(values, run.d, run.q, run.p, targets, mask)
    counts = counted(mask)
    # Means for the history of training: the error, and the divergence of each layer.
    each = counts.astype(got.kl.dtype)
    kl = got.kl * each[..., None]
    n, later = jnp.sum(each), jnp.maximum(jnp.sum(each[1:]), 1)
    means = {"error": jnp.sum(got.error) / n}
    for i in range(kl.shape[-1]):
        means[f"kl_{i + 1}"] = jnp.sum(kl[1:, :, i]) / later
    return got.loss(counts), means | {"kl_first": jnp.sum(kl[0]) / jnp.sum(each[0])}
