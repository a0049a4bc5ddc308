"""Output heads of the lowest layer, and the error of each.

A head turns ``raw = d W_out + b_out`` of the lowest layer into outputs in the units of the data,
and into the error, whose sum training minimises with the divergences.
"""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.common.checks import check_whole
from neurodyn.common.reprs import brief
from neurodyn.models.pvrnn.layers import fixed
from neurodyn.params import Fixed
from neurodyn.params.base import value_of


class AbstractHead(eqx.Module):
    """An output head.

    Attributes
    ----------
    per_output
        Number of raw outputs for each output.
    squared
        Whether the error is a squared one.
    """

    per_output: eqx.AbstractVar[int]
    squared: eqx.AbstractClassVar[bool]

    __repr__ = brief

    @abc.abstractmethod
    def outputs(self, raw: Float[Array, "*batch raw"]) -> Float[Array, "*batch output"]:
        """Outputs in the units of the data."""

    @abc.abstractmethod
    def error(
        self, raw: Float[Array, "*batch raw"], targets: Float[Array, "*batch output"]
    ) -> Float[Array, "*batch output"]:
        """Error of each output; its sum over outputs is ``E`` of the objective."""


class TanhHead(AbstractHead):
    """``tanh(raw)`` with the squared error; data lie in (-1, 1)."""

    per_output: ClassVar[int] = 1
    squared: ClassVar[bool] = True

    def outputs(self, raw):
        return jnp.tanh(raw)

    def error(self, raw, targets):
        return jnp.square(jnp.tanh(raw) - targets)


class LinearHead(AbstractHead):
    """``raw`` itself with the squared error, for data without bounds."""

    per_output: ClassVar[int] = 1
    squared: ClassVar[bool] = True

    def outputs(self, raw):
        return raw

    def error(self, raw, targets):
        return jnp.square(raw - targets)


class GaussianHead(AbstractHead):
    """A normal distribution with mean ``tanh`` and learned variance; negative log density.

    The first half of ``raw`` are the means, the second the log variances. The error of an output
    is ``((x - mean)^2 / variance + log variance + log 2 pi) / 2``.
    """

    per_output: ClassVar[int] = 2
    squared: ClassVar[bool] = False

    def outputs(self, raw):
        return jnp.tanh(_halves(raw)[0])

    def variance(self, raw: Float[Array, "*batch raw"]) -> Float[Array, "*batch output"]:
        """Variance of each output."""
        return jnp.exp(_halves(raw)[1])

    def error(self, raw, targets):
        mean, log_variance = _halves(raw)
        squared = jnp.square(targets - jnp.tanh(mean)) * jnp.exp(-log_variance)
        return 0.5 * (squared + log_variance + np.log(2 * np.pi))


class SoftmaxHead(AbstractHead):
    """A softmax population code with the divergence of the network's code from the data's.

    Each output is represented by bins with evenly spaced preferred values ``r``: the code of a
    value x is ``p_b`` proportional to ``exp(-(r_b - x)^2 / width)``, and a code is decoded as
    ``sum_b r_b p_b``. The error of an output is ``sum_b p_b log(p_b / softmax(raw)_b)``.

    Parameters
    ----------
    n_bins
        Bins for each output, 10 as in the public codes.
    low, high
        First and last preferred value.
    width
        Sharpness of the code, in squared units of the data; 0.05 on [-1, 1] in the public codes.
        Values near the ends are decoded with a bias towards the middle.
    """

    squared: ClassVar[bool] = False
    n_bins: int = eqx.field(static=True)
    low: Float[Array, ""] | Fixed
    high: Float[Array, ""] | Fixed
    width: Float[Array, ""] | Fixed

    def __init__(self, n_bins: int = 10, *, low: Any = -1.0, high: Any = 1.0, width: Any = 0.05):
        check_whole(2, n_bins=n_bins)
        if not np.isfinite([low, high, width]).all() or not low < high or not width > 0:
            raise ValueError(
                f"SoftmaxHead needs low < high and width > 0, got {low}, {high} and {width}."
            )
        self.n_bins = n_bins
        self.low, self.high, self.width = fixed(low), fixed(high), fixed(width)

    @property
    def per_output(self):
        """One raw number for each bin."""
        return self.n_bins

    def encode(self, x: Float[Array, "*batch output"]) -> Float[Array, "*batch output bin"]:
        """Code of values."""
        return jax.nn.softmax(self._logits(x), axis=-1)

    def decode(self, code: Float[Array, "*batch output bin"]) -> Float[Array, "*batch output"]:
        """Values that are represented by codes."""
        return code @ self._preferred(code.dtype)

    def outputs(self, raw):
        return self.decode(jax.nn.softmax(self._bins(raw), axis=-1))

    def error(self, raw, targets):
        wanted = jax.nn.log_softmax(self._logits(targets), axis=-1)
        got = jax.nn.log_softmax(self._bins(raw), axis=-1)
        return jnp.sum(jnp.exp(wanted) * (wanted - got), axis=-1)

    def _preferred(self, dtype: Any) -> Float[Array, " bin"]:
        low, high = value_of(self.low).astype(dtype), value_of(self.high).astype(dtype)
        return low + (high - low) * jnp.linspace(0, 1, self.n_bins, dtype=dtype)

    def _logits(self, x: Array) -> Float[Array, "*batch output bin"]:
        preferred = self._preferred(x.dtype).reshape(*(1,) * x.ndim, -1)
        width = value_of(self.width).astype(x.dtype)
        return -jnp.square(preferred - x[..., None]) / width

    def _bins(self, raw: Array) -> Float[Array, "*batch output bin"]:
        return raw.reshape(*raw.shape[:-1], -1, self.n_bins)


_NAMED = {
    "tanh": TanhHead,
    "linear": LinearHead,
    "gaussian": GaussianHead,
    "softmax": SoftmaxHead,
}


def as_head(head: Any) -> AbstractHead:
    """A head, from a head or its name."""
    if isinstance(head, AbstractHead):
        return head
    if not isinstance(head, str) or head not in _NAMED:
        raise ValueError(
            f"`head` must be one of {list(_NAMED)} or a head of neurodyn.models.pvrnn, "
            f"got {head!r}."
        )
    return _NAMED[head]()


def _halves(raw: Array) -> list[Array]:
    return jnp.split(raw, 2, axis=-1)
