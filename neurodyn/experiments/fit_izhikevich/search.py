"""Search for the parameters of a neuron from its responses to currents."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.models.spiking import Izhikevich2007
from neurodyn.params import with_values


class Bound(NamedTuple):
    """Range of one parameter in the search, on a logarithmic or linear scale."""

    low: float
    high: float
    log: bool
    units: str
    long_name: str


#: Parameters of the search.
BOUNDS = {
    "C": Bound(10.0, 200.0, True, "pF", "capacitance"),
    "k": Bound(0.02, 3.0, True, "nS/mV", "gain of the quadratic current"),
    "vr": Bound(-75.0, -50.0, False, "mV", "resting potential"),
    "vt": Bound(-55.0, -25.0, False, "mV", "instantaneous threshold"),
    "a": Bound(0.003, 1.0, True, "1/ms", "rate of recovery"),
    "b": Bound(-5.0, 20.0, False, "nS", "slope of the recovery current"),
    "c": Bound(-75.0, -40.0, False, "mV", "potential after a spike"),
    "d": Bound(0.0, 300.0, False, "pA", "jump of the recovery current"),
}


class Protocol(NamedTuple):
    """Injected currents of an experiment.

    Attributes
    ----------
    current
        Injected current [pA], ``(time, sweep)``.
    dt
        Step [ms].
    start, stop
        First and last step of the responses.
    late
        First step of the average of potentials.
    v0
        Initial potential [mV], at which the recovery current is at rest.
    """

    current: Float[Array, "time sweep"]
    dt: Float[Array, ""]
    start: int
    stop: int
    late: int
    v0: Float[Array, ""]


class Response(NamedTuple):
    """Responses of cells in each sweep.

    Attributes
    ----------
    count
        Number of spikes.
    latency
        Time of the first spike after the start [ms]; infinite without one.
    potential
        Mean potential late in the sweep [mV].
    """

    count: Float[Array, "sweep cell"]
    latency: Float[Array, "sweep cell"]
    potential: Float[Array, "sweep cell"]


def cell(theta: Float[np.ndarray, "parameter cell"], vpeak: float) -> Izhikevich2007:
    """Cells whose parameters have these coordinates, from 0 to 1, within `BOUNDS`."""
    values = {}
    for row, (name, bound) in zip(theta, BOUNDS.items(), strict=True):
        low, high = (np.log([bound.low, bound.high])) if bound.log else (bound.low, bound.high)
        value = low + np.clip(row, 0, 1) * (high - low)
        values[name] = np.exp(value) if bound.log else value
    return Izhikevich2007(theta.shape[1], "RS", vpeak=vpeak, **values)


def response(cells: Izhikevich2007, protocol: Protocol) -> Response:
    """Responses of all cells to all currents, simulated at once.

    Steps are those of `neurodyn.simulate` with the scheme "euler". Only counts and sums are kept,
    so that memory does not grow with time.
    """
    steps = (protocol.start, protocol.stop, protocol.late)
    return _response(cells, protocol.current, protocol.dt, protocol.v0, *map(jnp.asarray, steps))


@eqx.filter_jit
def _response(cells, current, dt, v0, start, stop, late):
    neuron = with_values(cells)
    n = neuron.n
    rest = type(neuron.start(None))(jnp.full((n,), v0, dt.dtype), neuron.b * (v0 - neuron.vr))
    shape = (current.shape[1], n)
    state = jax.tree.map(lambda x: jnp.broadcast_to(x[None, :], shape), rest)
    never = jnp.full(shape, jnp.inf, dt.dtype)
    zeros = jnp.zeros(shape, dt.dtype)

    def one(x, i):
        rate = neuron.drift(x, jnp.broadcast_to(i, (n,)))
        x = jax.tree.map(lambda a, b: a + dt * b, x, rate)
        spikes = (neuron.crossing(x) >= 0).astype(dt.dtype)
        return neuron.reset(x, spikes), spikes

    def advance(carry, this):
        x, count, first, potential = carry
        k, i = this
        x, spikes = jax.vmap(one)(x, i)
        inside = (k >= start) & (k < stop)
        fired = (spikes > 0) & inside
        t = (k + 1 - start).astype(dt.dtype) * dt
        first = jnp.where(fired & (count == 0), t, first)
        averaged = jnp.where((k >= late) & (k < stop), x.v, 0)
        count = count + fired.astype(dt.dtype)
        return (x, count, first, potential + averaged), None

    ks = jnp.arange(current.shape[0])
    carry = (state, zeros, never, zeros)
    (_, count, first, potential), _ = jax.lax.scan(advance, carry, (ks, current))
    samples = (stop - late).astype(dt.dtype)
    return Response(count, first, potential / samples)


def search(
    loss: Callable[[Response], Float[np.ndarray, " cell"]],
    protocol: Protocol,
    *,
    vpeak: float,
    generations: int,
    candidates: int,
    seed: int,
    advance: Callable[[], Any] = lambda: None,
) -> tuple[Float[np.ndarray, " parameter"], Float[np.ndarray, " evaluation"]]:
    """Differential evolution; all candidates of a generation run together.

    Parameters
    ----------
    loss
        Function of the responses that returns a number for each cell.
    protocol, vpeak
        Currents, and the peak of spikes [mV] in the recording.
    generations, candidates
        Number of generations, and of cells in each.
    seed
        Seed of the search.
    advance
        Function that is called after each generation.

    Returns
    -------
    Coordinates of the best cell, and the best loss after each generation.

    References
    ----------
    Storn & Price (1997), J. Glob. Optim. 11:341.
    """
    from scipy.optimize import differential_evolution

    best: list[float] = []

    def values(theta: np.ndarray) -> np.ndarray:
        theta = theta.reshape(len(BOUNDS), -1)
        found = loss(jax.tree.map(np.asarray, response(cell(theta, vpeak), protocol)))
        return np.nan_to_num(found, nan=1e9, posinf=1e9)

    def after(intermediate_result: Any) -> None:
        best.append(float(intermediate_result.fun))
        advance()

    result = differential_evolution(
        values,
        [(0.0, 1.0)] * len(BOUNDS),
        maxiter=generations,
        popsize=max(1, candidates // len(BOUNDS)),
        init="sobol",
        tol=0.0,
        polish=False,
        updating="deferred",
        vectorized=True,
        callback=after,
        rng=seed,
    )
    return result.x, np.array(best)
