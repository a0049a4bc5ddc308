"""Surrogate gradients, used in place of the derivative of the spike's step function."""

import abc
import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from neurodyn.common.arrays import as_array
from neurodyn.common.checks import number
from neurodyn.common.reprs import brief
from neurodyn.params import Fixed
from neurodyn.params.base import numbers_of, value_of


class AbstractSurrogate(eqx.Module):
    """A step function, 1 at and beyond threshold, else 0, with a surrogate derivative.

    Attributes
    ----------
    width
        Distance from threshold over which the derivative falls [mV]; given as a number, kept fixed.
    height
        Its value at threshold [1/mV]; given as a number or None, kept fixed.
    """

    width: Any = 10.0
    height: Any = None

    __repr__ = brief

    def __post_init__(self):
        width = number("width", self.width, above=0)
        if self.height is None:
            known = numbers_of(width)
            height = 1 / width if known is None else as_array(1 / known, width.dtype)
        else:
            height = number("height", self.height, above=0)
        self.width, self.height = Fixed(raw=width), Fixed(raw=height)

    @abc.abstractmethod
    def shape(self, x: Float[Array, " unit"]) -> Float[Array, " unit"]:
        """Derivative at a distance ``x`` from threshold, counted in widths; 1 at 0."""

    def __call__(self, crossing: Float[Array, " unit"]) -> Float[Array, " unit"]:
        """Spikes, 0 or 1."""
        x = jax.lax.stop_gradient(crossing)
        height, width = (value_of(each).astype(x.dtype) for each in (self.height, self.width))
        slope = height * self.shape(x / width)
        return _heaviside(crossing, slope)


class FastSigmoid(AbstractSurrogate):
    """The derivative of a fast sigmoid, ``1 / (1 + |x|)^2``, known as SuperSpike.

    Parameters
    ----------
    width
        Distance from threshold where a quarter of the derivative is left [mV]; default 10, about
        the distance from rest to threshold.
    height
        Derivative at threshold [1/mV]; default ``1 / width``.

    References
    ----------
    Zenke & Ganguli, "SuperSpike: supervised learning in multilayer spiking neural networks", Neural
    Comput. 30:1514, 2018.
    """

    def shape(self, x):
        return 1 / (1 + jnp.abs(x)) ** 2


class Triangle(AbstractSurrogate):
    """A triangle, ``max(0, 1 - |x|)``: nothing beyond the width.

    Parameters
    ----------
    width
        Half of the base [mV]; default 10.
    height
        Derivative at threshold [1/mV]; default ``1 / width``. Bellec et al. dampen it to 0.3 of
        that.

    References
    ----------
    Bellec et al., "Long short-term memory and learning-to-learn in networks of spiking neurons",
    NeurIPS 2018.
    """

    def shape(self, x):
        return jnp.maximum(1 - jnp.abs(x), 0.0)


class Gaussian(AbstractSurrogate):
    """A Gaussian, ``exp(-x^2 / 2)``.

    Parameters
    ----------
    width
        Its standard deviation [mV]; default 10.
    height
        Derivative at threshold [1/mV]; default ``1 / width``.

    References
    ----------
    Yin, Corradi & Bohte, "Accurate and efficient time-domain classification with adaptive spiking
    recurrent neural networks", Nat. Mach. Intell. 3:905, 2021.
    """

    def shape(self, x):
        return jnp.exp(-(x**2) / 2)


class Arctan(AbstractSurrogate):
    """The derivative of an arctangent, ``1 / (1 + (pi x / 2)^2)``.

    Parameters
    ----------
    width
        Distance from threshold that counts as 1 [mV]; default 10.
    height
        Derivative at threshold [1/mV]; default ``1 / width``.

    References
    ----------
    Fang et al., "Incorporating learnable membrane time constant to enhance learning of spiking
    neural networks", ICCV 2021.
    """

    def shape(self, x):
        return 1 / (1 + (math.pi / 2 * x) ** 2)


class Sigmoid(AbstractSurrogate):
    """The derivative of a logistic sigmoid, ``4 s(x) (1 - s(x))``.

    Parameters
    ----------
    width, height
        As of :class:`Arctan`.
    """

    def shape(self, x):
        return 4 * jax.nn.sigmoid(x) * jax.nn.sigmoid(-x)


@jax.custom_jvp
def _heaviside(x, slope):
    return (x >= 0).astype(x.dtype)


@_heaviside.defjvp
def _heaviside_jvp(primals, tangents):
    x, slope = primals
    return _heaviside(x, slope), slope * tangents[0]
