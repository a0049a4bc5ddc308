"""An orbit of the Lorenz system, to be generated."""

import functools
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.common.checks import number
from neurodyn.tasks.timing.pattern import AbstractPattern

#: Samples of the stored orbit in a unit of Lorenz time, between which cubics interpolate. A power
#: of two, so that scaling by it loses nothing.
SAMPLES = 128
#: Length of the stored orbit and of the discarded start, in Lorenz time.
ORBIT, TRANSIENT = 100.0, 20.0


class Lorenz(AbstractPattern):
    """Follow an orbit on the Lorenz attractor (sigma 10, rho 28, beta 8/3).

    The orbit is the same in every trial; trials begin at different places of it.

    Parameters
    ----------
    dt
        Step [ms]; default 1.
    unit_time
        How long a unit of Lorenz time lasts [ms]; default 100 (an oscillation of about 75 ms).
    duration
        Of a trial [ms]; default 1000, to the nearest step.
    scale
        Divides x, y and z - 25; default 20, so that outputs are near plus or minus 1.
    clock
        Components of a clock given as input; default 0, none.

    Raises
    ------
    ValueError
        On numbers that are not positive, or a trial longer than half of the 100 units stored.

    Notes
    -----
    Nicola & Clopath (2017) taught the Lorenz system to a network; time scale and amplitude here are
    ours. To train a model on the system itself, see :class:`~neurodyn.tasks.Attractor`.

    References
    ----------
    Lorenz, J. Atmos. Sci. 1963; Nicola & Clopath, Nat. Commun. 2017.

    Examples
    --------
    >>> Lorenz(dt=5.0).batch(0, 2).targets.shape
    (2, 200, 3)
    """

    orbit: Float[Array, "sample output"]
    unit_time: Float[Array, ""]
    scale: Float[Array, ""]
    reference: ClassVar[tuple[str, ...]] = ("lorenz1963", "nicola2017")
    output_names: ClassVar[tuple[str, ...]] = ("x", "y", "z")

    def __init__(
        self,
        dt: float | int = 1.0,
        *,
        unit_time: Any = 100.0,
        duration: float | int | None = None,
        scale: Any = 20.0,
        clock: Any = 0,
    ):
        self.unit_time = number("unit_time", unit_time, above=0)
        self._set_steps(dt, duration, 1000.0, clock)
        longest = ORBIT / 2 * float(self.unit_time)
        if self.n_steps * self.dt > longest:
            raise ValueError(
                f"`duration` must be at most {longest:g} ms, half of the stored orbit, got "
                f"{self.n_steps * self.dt:g} ms. A shorter unit_time makes it worse, a longer one "
                "gives room."
            )
        self.scale = number("scale", scale, above=0)
        self.orbit = jnp.asarray(_orbit(), jnp.result_type(float))

    def period(self) -> Float[Array, ""]:
        """Half of the stored orbit [ms], within which trials begin."""
        return self.unit_time * (ORBIT / 2)

    def pattern(
        self, start: Float[Array, ""], elapsed: Float[Array, " time"]
    ) -> Float[Array, "time output"]:
        """The orbit, between samples by Catmull and Rom's cubic."""
        sample = self.unit_time / SAMPLES
        whole = [jnp.floor(t / sample) for t in (start, elapsed)]
        # Differences of times lose less than a quotient does.
        rest = (start - whole[0] * sample) / sample + (elapsed - whole[1] * sample) / sample
        first = (whole[0] + whole[1] + jnp.floor(rest)).astype(jnp.int32)
        first = jnp.clip(first, 1, len(self.orbit) - 3)
        s = (rest - jnp.floor(rest))[:, None]
        a, b, c, d = (self.orbit[first + i] for i in (-1, 0, 1, 2))
        bend = (3 * b - 3 * c + d - a) * s + (2 * a - 5 * b + 4 * c - d)
        value = b + 0.5 * s * (c - a + s * bend)
        offset = jnp.asarray([0.0, 0.0, 25.0], value.dtype)
        return (value - offset[None, :]) / self.scale


@functools.cache
def _orbit() -> np.ndarray:
    from scipy.integrate import solve_ivp  # takes long to import

    times = TRANSIENT + np.arange(round(ORBIT * SAMPLES) + 2) / SAMPLES

    def flow(_, v):
        x, y, z = v
        return [10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z]

    solution = solve_ivp(
        flow, (0, times[-1]), [1.0, 1.0, 1.0], "DOP853", times, rtol=1e-9, atol=1e-9
    )
    return solution.y.T
