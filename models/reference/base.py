"""What reference systems share: a state vector with named entries, a start, noise, a time unit.

**Time.** The equations of most of these systems have no unit of time. Here one unit of their time
lasts ``time_unit`` ms, by default 1 ms, so that rates, periods and exponents have the numbers of
the textbooks, in ms and per ms. ``Lorenz63(time_unit=1000.0)`` is the same with a unit of 1 s.
Systems that come with physical time (Hodgkin-Huxley, Wilson-Cowan) are in ms as they are.

**Interventions.** Their units are the entries of the state, by number or by name ("x"). A current
is added to the right-hand side of the equation of an entry, in the equations' unit of time, or to
the next value of a map; of Hodgkin and Huxley's it joins the current into the membrane, and of
Wilson and Cowan's the input that a population sums up.
"""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.system import AbstractFlow, AbstractMap, State, Variable

__all__ = [
    "AbstractReferenceFlow",
    "AbstractReferenceMap",
    "amplitude",
    "begin",
    "row",
    "vector",
]


class AbstractReferenceFlow(AbstractFlow):
    """A flow of a vector whose entries have names; what remains to be written are its equations.

    Attributes
    ----------
    start
        State that a run starts from.
    spread
        Standard deviation of the start over trials, where a run has a key.
    noise
        Amplitude of white noise on each entry [per square root of the time unit], or None.
    time_unit
        Duration of the equations' unit of time [ms].
    names
        Name of each entry of the state.
    sums_current
        Whether a current joins the input inside of the equations, rather than their right-hand
        side.
    """

    sums_current: ClassVar[bool] = False
    start: eqx.AbstractVar[Float[Array, " latent"]]
    spread: eqx.AbstractVar[Float[Array, ""]]
    noise: eqx.AbstractVar[Float[Array, " latent"] | None]
    time_unit: eqx.AbstractVar[Float[Array, ""]]
    names: eqx.AbstractVar[tuple[str, ...]]

    @abc.abstractmethod
    def rates(
        self, t: Any, x: Float[Array, " latent"], u: Float[Array, " input"] | None
    ) -> Float[Array, " latent"]:
        """Right-hand side of the equations, in their own unit of time; `t` too."""

    @abc.abstractmethod
    def equilibria(self) -> Float[np.ndarray, "equilibrium latent"]:
        """States at rest without input, one a row."""

    @abc.abstractmethod
    def exponents(self) -> Float[np.ndarray, " exponent"] | None:
        """Lyapunov exponents known for these parameters [1/ms], or None where none are."""

    @property
    def n_outputs(self) -> int:
        """The state is the output."""
        return self.start.shape[0]

    def initial_state(self, *, dt, trial=None, key=None):
        del dt, trial
        return begin(self, key)

    def drift(self, t, state, u):
        drive, push = u.input, u.current
        if self.sums_current and push is not None:
            drive, push = push if drive is None else drive + push, None
        rates = self.rates(t / self.time_unit, state.x, drive)
        return (rates if push is None else rates + push) / self.time_unit

    def diffusion(self, t, state, u):
        del t, state, u
        return None if self.noise is None else self.noise / jnp.sqrt(self.time_unit)

    def readout(self, state):
        return state.x

    def observe(self, state):
        return {"state": state.x}

    def variables(self):
        return {"state": Variable(("latent",), "1", "state", "hidden")}

    def unit_coords(self):
        return {"latent": ("latent", np.array(self.names))}


class AbstractReferenceMap(AbstractMap):
    """A map of a vector whose entries have names; attributes as of `AbstractReferenceFlow`."""

    start: eqx.AbstractVar[Float[Array, " latent"]]
    spread: eqx.AbstractVar[Float[Array, ""]]
    names: eqx.AbstractVar[tuple[str, ...]]

    @abc.abstractmethod
    def next(self, x: Float[Array, " latent"]) -> Float[Array, " latent"]:
        """The equations."""

    @abc.abstractmethod
    def equilibria(self) -> Float[np.ndarray, "equilibrium latent"]:
        """Fixed points, one a row."""

    @abc.abstractmethod
    def exponents(self) -> Float[np.ndarray, " exponent"] | None:
        """Lyapunov exponents known for these parameters [per step], or None where none are."""

    @property
    def n_outputs(self) -> int:
        """The state is the output."""
        return self.start.shape[0]

    def initial_state(self, *, dt, trial=None, key=None):
        del dt, trial
        return begin(self, key)

    def update(self, state, u, *, key):
        del key
        x = self.next(state.x)
        return State(x if u.current is None else x + u.current)

    def readout(self, state):
        return state.x

    def observe(self, state):
        return {"state": state.x}

    def variables(self):
        return {"state": Variable(("latent",), "1", "state", "hidden")}

    def unit_coords(self):
        return {"latent": ("latent", np.array(self.names))}


def begin(system: Any, key: Any) -> State:
    """State to start from: the system's, jittered where there is a key."""
    if key is None:
        return State(system.start)
    jitter = jax.random.normal(key, system.start.shape, system.start.dtype)
    return State(system.start + system.spread * jitter)


def vector(name: str, value: Any, n: int) -> Float[Array, " latent"]:
    """`n` finite numbers as an array; one number stands for all."""
    if isinstance(value, jax.core.Tracer):
        return jnp.broadcast_to(value.astype(jnp.result_type(float)), (n,))
    given = np.asarray(value)
    if given.shape not in ((), (n,)) or given.dtype.kind not in "iuf":
        raise ValueError(f"`{name}` must be {n} numbers, got {value!r}.")
    if not np.isfinite(given).all():
        raise ValueError(f"`{name}` must be finite, got {value!r}.")
    return jnp.asarray(np.broadcast_to(given, (n,)), jnp.result_type(float))


def amplitude(value: Any, n: int) -> Float[Array, " latent"] | None:
    """Amplitude of the noise of each entry, or None."""
    if value is None:
        return None
    given = vector("noise", value, n)
    if not isinstance(given, jax.core.Tracer) and bool((given < 0).any()):
        raise ValueError(f"`noise` must be at least 0, got {value!r}.")
    return given


def row(*parameters: Any) -> tuple[float, ...]:
    """Parameters as numbers, rounded so that both precisions give the same."""
    return tuple(float(f"{float(p):.6g}") for p in parameters)
