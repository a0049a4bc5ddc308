"""Shared by all reference systems: a named state vector, a start, noise, a time unit.

**Time.** The equations of most of these systems have no unit of time. Here one unit of their time
lasts ``time_unit`` ms, by default 1 ms, so that rates, periods and exponents have the numbers of
the textbooks, in ms and per ms. ``Lorenz63(time_unit=1000.0)`` is the same system with a unit of
1 s. Hodgkin-Huxley and Wilson-Cowan have physical time and are in ms as they are.

**Interventions.** The units of an intervention are the entries of the state, by number or by name
("x"). A current is added to the right-hand side of the equation of an entry, in the equations' unit
of time, or to the next value of a map. For Hodgkin-Huxley it is added to the membrane current, and
for Wilson-Cowan to the input of a population.
"""

import abc
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.common.checks import number
from neurodyn.system import AbstractFlow, AbstractMap, AbstractSystem, State, Variable

#: A declared parameter: given as a number, kept as an array ``Float[Array, ""]``.
Number = Any
#: The declared start: given as numbers, kept as an array ``Float[Array, " latent"]``.
Vector = Any


class AbstractVectorSystem(AbstractSystem):
    """A system whose state is one vector with named entries, which is also its output."""

    start: eqx.AbstractVar[Float[Array, " latent"]]
    spread: eqx.AbstractVar[Float[Array, ""]]
    names: eqx.AbstractVar[tuple[str, ...]]

    #: Bounds of declared parameters by name, as keywords of `neurodyn.common.checks.number`.
    limits: ClassVar[Mapping[str, dict[str, float]]] = {}

    @abc.abstractmethod
    def equilibria(self) -> Float[np.ndarray, "equilibrium latent"]:
        """States at rest without input (of a map: fixed points), one a row."""

    def exponents(self) -> Float[np.ndarray, " exponent"] | None:
        """Lyapunov exponents known for these parameters [1/ms; map: per step], else None."""
        return None

    @property
    def n_outputs(self) -> int:
        """The state is the output."""
        return self.start.shape[0]

    def initial_state(self, *, dt, trial=None, key=None):
        del dt, trial
        return begin(self, key)

    def readout(self, state):
        return state.x

    def observe(self, state):
        return {"state": state.x}

    def variables(self):
        return {"state": Variable(("latent",), "1", "state", "hidden")}

    def unit_coords(self):
        return {"latent": ("latent", np.array(self.names))}


class AbstractReferenceFlow(AbstractVectorSystem, AbstractFlow):
    """A flow of a vector with named entries. A subclass adds the equations.

    Attributes
    ----------
    start
        State at the start of a run.
    spread
        Standard deviation of the start over trials, where a run has a key.
    noise
        Amplitude of white noise on each entry [per square root of the time unit], or None.
    time_unit
        Duration of the equations' unit of time [ms].
    names
        Name of each entry of the state.
    sums_current
        Whether an injected current is added to the input inside the equations, rather than to their
        right-hand side.
    """

    sums_current: ClassVar[bool] = False
    noise: eqx.AbstractVar[Float[Array, " latent"] | None]
    time_unit: eqx.AbstractVar[Float[Array, ""]]

    @abc.abstractmethod
    def rates(
        self, t: Any, x: Float[Array, " latent"], u: Float[Array, " input"] | None
    ) -> Float[Array, " latent"]:
        """Right-hand side of the equations; `t` and the result are in their own unit of time."""

    def drift(self, t, state, u):
        drive, push = u.input, u.current
        if self.sums_current and push is not None:
            drive, push = push if drive is None else drive + push, None
        rates = self.rates(t / self.time_unit, state.x, drive)
        return (rates if push is None else rates + push) / self.time_unit

    def diffusion(self, t, state, u):
        del t, state, u
        return None if self.noise is None else self.noise / jnp.sqrt(self.time_unit)


class AbstractDeclaredFlow(AbstractReferenceFlow):
    """A flow whose parameters are declared as fields with their defaults.

    Numbers are checked against `limits` and kept as arrays.
    """

    noise: Any = eqx.field(default=None, kw_only=True)
    time_unit: Number = eqx.field(default=1.0, kw_only=True)

    def __post_init__(self):
        _settle(self)


class AbstractReferenceMap(AbstractVectorSystem, AbstractMap):
    """A map of a vector with named entries, whose parameters are declared as fields."""

    @abc.abstractmethod
    def next(self, x: Float[Array, " latent"]) -> Float[Array, " latent"]:
        """The equations: the state after `x`."""

    def __post_init__(self):
        _settle(self)

    def update(self, state, u, *, key):
        del key
        x = self.next(state.x)
        return State(x if u.current is None else x + u.current)


def _settle(system: Any) -> None:
    """Check the declared parameters of a system that is being built, and make them arrays."""
    limits = {"spread": {"low": 0}, "time_unit": {"above": 0}} | dict(system.limits)
    for field in dataclasses.fields(system):
        if field.metadata.get("static"):
            continue
        name, value, n = field.name, getattr(system, field.name), len(system.names)
        if name == "start":
            value = vector(name, value, n)
        elif name == "noise":
            value = amplitude(value, n)
        else:
            value = number(name, value, **limits.get(name, {}))
        setattr(system, name, value)


def begin(system: Any, key: Any) -> State:
    """The initial state: the system's start, with a random offset where there is a key."""
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
    """Parameters as numbers, rounded so that single and double precision give the same."""
    return tuple(float(f"{float(p):.6g}") for p in parameters)


def real_roots(*coefficients: float) -> Float[np.ndarray, " root"]:
    """Real roots of a polynomial by rising value, from its coefficients, highest power first."""
    roots = np.roots(coefficients)
    return np.sort(roots[np.abs(roots.imag) < 1e-9].real)


def crossings(
    residual: Callable, low: float, high: float, *, xtol: float
) -> Float[np.ndarray, " root"]:
    """Roots of a function by rising value, bracketed on a grid of 4001 values."""
    from scipy.optimize import brentq  # takes long to import

    grid = np.linspace(low, high, 4001)
    values = residual(grid)
    crossed = np.flatnonzero(np.sign(values[:-1]) * np.sign(values[1:]) < 0)
    return np.array([brentq(residual, grid[i], grid[i + 1], xtol=xtol) for i in crossed])
