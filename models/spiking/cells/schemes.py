"""Integration schemes of the equations between spikes."""

import abc
from collections.abc import Callable
from typing import Any, ClassVar

import diffrax
import jax
import jax.numpy as jnp

from neurodyn.models.spiking.cells.expression import exprel


class _OneStep(diffrax.AbstractItoSolver):
    """A scheme that needs the rate of change only; white noise is added, as in Euler's method."""

    term_structure: ClassVar = diffrax.AbstractTerm
    interpolation_cls: ClassVar[Callable[..., diffrax.LocalLinearInterpolation]] = (
        diffrax.LocalLinearInterpolation
    )

    def init(self, terms, t0, t1, y0, args):
        """No state of its own."""
        return

    def func(self, terms, t0, y0, args):
        """The rate of change."""
        return terms.vf(t0, y0, args)

    def strong_order(self, terms):
        """Strong order of convergence with additive or Ito noise."""
        return 0.5

    def step(self, terms, t0, t1, y0, args, solver_state, made_jump):
        """One step."""
        del solver_state, made_jump
        drift, diffusion = terms, None
        if isinstance(terms, diffrax.MultiTerm):
            drift, diffusion = terms.terms
        y1 = self.advance(lambda y: drift.vf(t0, y, args), y0, t1 - t0)
        if diffusion is not None:
            noise = diffusion.vf_prod(t0, y0, args, diffusion.contr(t0, t1))
            y1 = jax.tree.map(jnp.add, y1, noise)
        return y1, None, {"y0": y0, "y1": y1}, None, diffrax.RESULTS.successful

    @abc.abstractmethod
    def advance(self, rate: Callable[[Any], Any], y: Any, dt: Any) -> Any:
        """The state after a step without noise."""


class Izh2003(_OneStep):
    """The scheme of Izhikevich's program of 2003.

    The potential makes two half-steps with everything else held; the recovery variable then makes
    one whole step that sees the new potential. All other variables (synapses) make an Euler
    step from the old state. White noise is added at the end.

    The state may be any pytree in which potentials are called ``v`` and recovery variables ``u``.

    References
    ----------
    Izhikevich, "Simple model of spiking neurons", IEEE Trans. Neural Netw. 14:1569, 2003.
    """

    def order(self, terms):
        """Order of convergence."""
        return 1

    def advance(self, rate, y, dt):
        """Two half-steps of v, then one step of u, and of all else from the old state."""
        old = rate(y)
        half = _moved(y, old, dt / 2, "v")
        with_v = _moved(half, rate(half), dt / 2, "v")
        y1 = _moved(with_v, rate(with_v), dt, "u")
        return _moved(y1, old, dt, None)


def _moved(y: Any, rate: Any, dt: Any, name: str | None) -> Any:
    """The state after a step of the entries of this name; None: of those that are not v or u."""

    def advance(path, a, b):
        own = getattr(path[-1], "name", "") if path else ""
        own = own if own in ("v", "u") else None
        return a + dt.astype(a.dtype) * b if own == name else a

    return jax.tree_util.tree_map_with_path(advance, y, rate)


class ExactLinear(_OneStep):
    """The exact solution over a step of equations that are linear in the state, with held input.

    The series of the matrix exponential times the rate of change, with 20 terms, which is exact to
    rounding while no time constant is below half a step. Brian2 calls it "exact" or "linear".
    Equations that are not linear are integrated by their tangent (exponential Rosenbrock-Euler).
    """

    def order(self, terms):
        """Order of convergence for equations that are not linear."""
        return 2

    def advance(self, rate, y, dt):
        """Horner's form of ``sum_k dt^(k+1) / (k+1)! J^k f``."""
        f, tangent = jax.linearize(rate, y)
        total = f
        for k in range(_TERMS, 1, -1):
            along = tangent(total)
            total = jax.tree.map(lambda a, b, k=k: a + _as(dt, a) / k * b, f, along)
        return jax.tree.map(lambda a, b: a + _as(dt, a) * b, y, total)


class ExponentialEuler(_OneStep):
    """Each variable by the exact solution of its own linear equation, with all others held.

    The scheme of conditionally linear equations, such as those of Hodgkin and Huxley: every
    variable is linear in itself. Brian2 calls it "exponential_euler", GENESIS uses it by default.

    References
    ----------
    MacGregor, *Neural and Brain Modeling*, Academic Press 1987.
    """

    def order(self, terms):
        """Order of convergence."""
        return 1

    def advance(self, rate, y, dt):
        """``y + f (exp(a dt) - 1) / a``, with the rate f and its slope a along the variable."""
        f, tangent = jax.linearize(rate, y)
        leaves, structure = jax.tree.flatten(y)
        rates, moved = jax.tree.leaves(f), []
        for k, leaf in enumerate(leaves):
            along = [
                jnp.ones_like(x) if i == k else jnp.zeros_like(x) for i, x in enumerate(leaves)
            ]
            slope = jax.tree.leaves(tangent(jax.tree.unflatten(structure, along)))[k]
            moved.append(leaf + _as(dt, leaf) * rates[k] * exprel(slope * _as(dt, leaf)))
        return jax.tree.unflatten(structure, moved)


class RungeKutta4(_OneStep):
    """The classical Runge-Kutta scheme of fourth order."""

    def order(self, terms):
        """Order of convergence."""
        return 4

    def advance(self, rate, y, dt):
        """One step."""

        def at(k, part):
            return jax.tree.map(lambda a, b: a + _as(dt, a) * part * b, y, k)

        k1 = rate(y)
        k2 = rate(at(k1, 0.5))
        k3 = rate(at(k2, 0.5))
        k4 = rate(at(k3, 1.0))
        return jax.tree.map(
            lambda a, p, q, r, s: a + _as(dt, a) / 6 * (p + 2 * q + 2 * r + s), y, k1, k2, k3, k4
        )


#: Terms of the series of an exponential.
_TERMS = 20


def _as(dt: Any, like: Any) -> Any:
    return dt.astype(like.dtype)


#: Names of schemes.
SCHEMES = {
    "euler": diffrax.Euler,
    "izh2003": Izh2003,
    "exact": ExactLinear,
    "exponential_euler": ExponentialEuler,
    "rk2": diffrax.Midpoint,
    "rk4": RungeKutta4,
    "heun": diffrax.Heun,
}


def as_scheme(scheme: Any) -> diffrax.AbstractSolver:
    """A solver from its name, or as given.

    Raises
    ------
    ValueError, TypeError
        If it is neither a known name nor a solver.
    """
    if isinstance(scheme, str):
        if scheme not in SCHEMES:
            raise ValueError(
                f"Unknown scheme {scheme!r}; there are {', '.join(SCHEMES)}, and diffrax's solvers."
            )
        return SCHEMES[scheme]()
    if not isinstance(scheme, diffrax.AbstractSolver):
        raise TypeError(
            f"`scheme` must be a name or a diffrax solver, got {type(scheme).__name__}."
        )
    return scheme
