"""Random biases that are not trained."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.params import Fixed


class _Redrawn:
    """Normal numbers, drawn again until their sample variance is close to the given one."""

    def __init__(self, variance: float, tolerance: float):
        self.variance, self.tolerance = variance, tolerance

    def __call__(
        self, key: PRNGKeyArray, shape: tuple[int, ...], dtype: Any
    ) -> Float[Array, " unit"]:
        if shape[0] < 2:
            raise ValueError("frozen_bias: a single unit has no sample variance.")

        def draw(i):
            noise = jax.random.normal(jax.random.fold_in(key, i), shape, dtype)
            return jnp.sqrt(jnp.asarray(self.variance, dtype)) * noise

        def off(i):
            return jnp.abs(jnp.var(draw(i)) / self.variance - 1) > self.tolerance

        return draw(jax.lax.while_loop(off, lambda i: i + 1, jnp.zeros((), jnp.uint32)))


def frozen_bias(variance: float | int = 10.0, *, tolerance: float = 0.1) -> Fixed:
    """Random biases of large variance that are not trained, for ``PVRNN(b=...)``.

    They spread the units over the range of their nonlinearity, so that the network starts out with
    many different features.

    Parameters
    ----------
    variance
        Variance of the normal distribution; default 10, of the study that introduced them.
    tolerance
        Largest relative difference of the sample variance from ``variance``; biases are drawn
        again until it is smaller.

    References
    ----------
    Idei, Ohata, Yamashita, Ogata & Tani, "Emergence of sensory attenuation based upon the
    free-energy principle", Sci. Rep. 2022.
    """
    if not variance > 0 or not tolerance > 0:
        raise ValueError(
            f"`variance` and `tolerance` must be above 0, got {variance} and {tolerance}."
        )
    return Fixed(_Redrawn(float(variance), float(tolerance)))
