"""Parameters whose entries are constrained one by one."""

import functools
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.params.base import AbstractParameter, numbers_of
from neurodyn.params.held import refuse_entries
from neurodyn.params.kinds import AbstractElementwise
from neurodyn.params.laws import Init, initial_value, is_concrete


class Free(AbstractElementwise):
    """An unconstrained, trained parameter. Binding gives a plain array, which needs no class.

    Parameters
    ----------
    init
        A number, an array of the right shape, or a callable ``(key, shape, dtype)`` such as
        :class:`Uniform` or those of ``jax.nn.initializers``. None: the model's own default.
    """

    init: Init = None
    raw: Array | None = None

    def draw(self, shape, key, dtype=None):
        """An array."""
        return initial_value(self.init, shape, key, dtype)

    def constrain(self, raw):
        """The same."""
        return raw

    unconstrain = constrain


class Fixed(AbstractElementwise):
    """A parameter that is not trained.

    Parameters
    ----------
    init
        As for :class:`Free`.
    raw
        Its array, where it is bound already: ``Fixed(raw=array)``.
    """

    trained: ClassVar = ()
    init: Init = None
    raw: Array | None = None

    def constrain(self, raw):
        """The same, with no gradient."""
        return jax.lax.stop_gradient(raw)

    def unconstrain(self, value):
        """The same."""
        return value


class Bounded(AbstractElementwise):
    """A trained parameter kept inside ``(low, high)`` by ``low + (high - low) sigmoid(raw)``.

    Parameters
    ----------
    low, high
        The open interval.
    init
        As for :class:`Free`; must lie strictly inside. None: the model's default.

    Raises
    ------
    ValueError
        If the interval is empty or not finite; when it is bound, if ``init`` lies outside.
    """

    low: Any
    high: Any
    init: Init = None
    raw: Float[Array, "..."] | None = None

    def __check_init__(self):
        if not is_concrete(self.low, self.high):
            return
        low, high = np.asarray(self.low), np.asarray(self.high)  # one each, or one a seed
        if not (low < high).all() or not (np.isfinite(low) & np.isfinite(high)).all():
            raise ValueError(
                f"Bounded needs finite low < high, got low={self.low}, high={self.high}. "
                "For a lower bound only, use Clamped."
            )

    @property
    def lower(self):
        """``low``."""
        return self.low

    def hold(self, value):
        low, high = np.asarray(self.low), np.asarray(self.high)
        why = f"values lie strictly between {low:g} and {high:g}."
        refuse_entries(self, value, ~((value > low) & (value < high)), why)
        return super().hold(value)

    def constrain(self, raw):
        """A scaled sigmoid."""
        return _between(raw, *jax.lax.stop_gradient((self.low, self.high)))

    def unconstrain(self, value):
        """The inverse of the sigmoid."""
        numbers = numbers_of(value)
        if numbers is not None:
            low, high = np.asarray(self.low), np.asarray(self.high)
            if not ((numbers > low) & (numbers < high)).all():
                raise ValueError(
                    f"Bounded({low:g}, {high:g}): the initial value must lie strictly inside; "
                    f"got values from {float(numbers.min()):.6g} to {float(numbers.max()):.6g}. "
                    "Pass another `init` or wider bounds."
                )
        return _logit(value, self.low, self.high)

    scale_rows = AbstractParameter.scale_rows  # refused: the product may leave the interval


class Clamped(AbstractElementwise):
    """A trained parameter with a hard lower clamp, ``max(raw, minimum)``.

    Where the raw value falls below the clamp it gets no gradient any more and stays there, as in
    the reference. :class:`Bounded` is the constraint that keeps learning.

    Parameters
    ----------
    minimum
        The clamp.
    init
        As for :class:`Free`.

    References
    ----------
    Khajehabdollahi, Zeraati et al., "Emergent mechanisms for long timescales depend on training
    curriculum and affect performance in memory tasks", ICLR 2024.
    """

    minimum: Any
    init: Init = None
    raw: Float[Array, "..."] | None = None

    @property
    def lower(self):
        """``minimum``."""
        return self.minimum

    def hold(self, value):
        low = np.asarray(self.minimum)
        refuse_entries(self, value, ~(value >= low), f"values are at least {low:g}.")
        return super().hold(value)

    def constrain(self, raw):
        """The clamped value."""
        return jnp.where(raw > self._minimum, raw, self._minimum)

    def unconstrain(self, value):
        """The same: values below the clamp stay as they are."""
        return value

    scale_rows = AbstractParameter.scale_rows  # refused: the product may fall below the clamp

    @property
    def _minimum(self):
        return jax.lax.stop_gradient(self.minimum)


# One program each, when they are computed outside of a program.


@functools.partial(jax.jit, inline=True)
def _between(raw: Array, low: Array, high: Array) -> Array:
    """A scaled sigmoid."""
    # Rounding can carry the sum past a bound, which matters where a time constant must not
    # fall below the step.
    return jnp.clip(low + (high - low) * jax.nn.sigmoid(raw), low, high)


@functools.partial(jax.jit, inline=True)
def _logit(x: Array, low: Array, high: Array) -> Array:
    """The argument at which a scaled sigmoid takes the value x."""
    return jnp.log(x - low) - jnp.log(high - x)
