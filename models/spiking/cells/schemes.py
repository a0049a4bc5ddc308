"""Integration schemes of the equations between spikes."""

from collections.abc import Callable
from typing import Any, ClassVar

import diffrax
import jax
import jax.numpy as jnp


class Izh2003(diffrax.AbstractItoSolver):
    """The scheme of Izhikevich's program of 2003.

    The potential makes two half-steps with everything else held; the recovery variable then makes
    one whole step that sees the new potential. All other variables (synapses) make an Euler
    step from the old state. White noise is added at the end, as in Euler's method.

    The state may be any pytree in which potentials are called ``v`` and recovery variables ``u``.

    References
    ----------
    Izhikevich, "Simple model of spiking neurons", IEEE Trans. Neural Netw. 14:1569, 2003.
    """

    term_structure: ClassVar = diffrax.AbstractTerm
    interpolation_cls: ClassVar[Callable[..., diffrax.LocalLinearInterpolation]] = (
        diffrax.LocalLinearInterpolation
    )

    def order(self, terms):
        """Order of convergence."""
        return 1

    def strong_order(self, terms):
        """Strong order of convergence with additive or Ito noise."""
        return 0.5

    def init(self, terms, t0, t1, y0, args):
        """No state of its own."""
        return

    def step(self, terms, t0, t1, y0, args, solver_state, made_jump):
        """One step."""
        del solver_state, made_jump
        drift, diffusion = terms, None
        if isinstance(terms, diffrax.MultiTerm):
            drift, diffusion = terms.terms
        dt = t1 - t0
        rate = drift.vf(t0, y0, args)
        half = _moved(y0, rate, dt / 2, "v")
        with_v = _moved(half, drift.vf(t0, half, args), dt / 2, "v")
        y1 = _moved(with_v, drift.vf(t0, with_v, args), dt, "u")
        y1 = _moved(y1, rate, dt, None)
        if diffusion is not None:
            noise = diffusion.vf_prod(t0, y0, args, diffusion.contr(t0, t1))
            y1 = jax.tree.map(jnp.add, y1, noise)
        return y1, None, {"y0": y0, "y1": y1}, None, diffrax.RESULTS.successful

    def func(self, terms, t0, y0, args):
        """The rate of change."""
        return terms.vf(t0, y0, args)


def _moved(y: Any, rate: Any, dt: Any, name: str | None) -> Any:
    """The state after a step of the entries of this name; None: of those that are not v or u."""

    def advance(path, a, b):
        own = getattr(path[-1], "name", "") if path else ""
        own = own if own in ("v", "u") else None
        return a + dt.astype(a.dtype) * b if own == name else a

    return jax.tree_util.tree_map_with_path(advance, y, rate)


#: Names of schemes.
SCHEMES = {"euler": diffrax.Euler, "izh2003": Izh2003}


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
