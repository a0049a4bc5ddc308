"""A sine wave, or a product of several, to be generated."""

from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.common.checks import number, numbers
from neurodyn.tasks.timing.pattern import AbstractPattern


class Sines(AbstractPattern):
    """Produce a sine wave, or the product of several.

    Parameters
    ----------
    dt
        Step [ms]; default 1.
    frequencies
        One or more [Hz]; default 5, the sine of Nicola & Clopath (2017). Their figure has a product
        of two sines as well, whose frequencies we have not confirmed.
    duration
        Of a trial [ms]; default 1000, to the nearest step.
    amplitude
        Default 1.
    clock
        Components of a clock given as input; default 0, none.

    Raises
    ------
    ValueError
        On frequencies that are not positive, or durations that are not whole steps.

    References
    ----------
    Nicola & Clopath, Nat. Commun. 2017.

    Examples
    --------
    >>> Sines(dt=1.0, frequencies=(4.0, 6.0)).batch(0, 3).targets.shape
    (3, 1000, 1)
    """

    frequencies: Float[Array, " factor"]
    amplitude: Float[Array, ""]
    reference: ClassVar[tuple[str, ...]] = ("nicola2017",)
    output_names: ClassVar[tuple[str, ...]] = ("z",)

    def __init__(
        self,
        dt: float | int = 1.0,
        *,
        frequencies: Any = (5.0,),
        duration: float | int | None = None,
        amplitude: Any = 1.0,
        clock: Any = 0,
    ):
        self._set_steps(dt, duration, 1000.0, clock)
        self.frequencies = numbers("frequencies", np.atleast_1d(frequencies), above=0)
        self.amplitude = number("amplitude", amplitude, above=0)

    def period(self) -> Float[Array, ""]:
        """Of the slowest factor [ms]; the product repeats then if the others are multiples."""
        return 1000.0 / jnp.min(self.frequencies)

    def pattern(
        self, start: Float[Array, ""], elapsed: Float[Array, " time"]
    ) -> Float[Array, "time output"]:
        """The product."""
        first = jnp.mod(self.frequencies * start / 1000.0, 1.0)
        cycles = jnp.mod(self.frequencies[None, :] * elapsed[:, None] / 1000.0, 1.0)
        phase = 2 * jnp.pi * (first[None, :] + cycles)
        return self.amplitude * jnp.prod(jnp.sin(phase), axis=1, keepdims=True)
