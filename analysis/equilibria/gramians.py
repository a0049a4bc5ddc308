"""Controllability and observability of linear dynamics."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neurodyn.analysis.equilibria.jacobians import Jacobians, jacobians_of
from neurodyn.analysis.equilibria.modes import NEUTRAL

#: Doublings of the horizon after which the slowest mode has long decayed.
_MOST = 60


def controllability(linear: xr.Dataset, *, horizon: float | None = None) -> xr.Dataset:
    r"""How far inputs move the state, and how much of the state the readout shows.

    With the Jacobian J, the input matrix B and the output matrix C, the Gramians are
    :math:`\int e^{J t} B B^T e^{J^T t} dt` and :math:`\int e^{J^T t} C^T C e^{J t} dt` (of maps
    sums over steps). The first is the covariance of the state that white noise in the inputs
    causes. The second weighs a state by the output that follows it.

    Parameters
    ----------
    linear
        Result of :func:`linearise`, :func:`fixed_points` or :func:`local_linear`.
    horizon
        Time over which is integrated [ms; of maps a power of two of steps]. Default: without end,
        which stable dynamics alone allow.

    Returns
    -------
    Dataset on the dims of the points (here ``...``):

    ``controllability``, ``observability`` (..., presynaptic, unit)
        The Gramians, symmetric, where there are inputs, or outputs.
    ``input_energy`` (..., input)
        Integral of the squared state after an impulse of one input.
    ``output_energy`` (..., output)
        Integral of the squared output, summed over impulses to all units.
    ``unit_energy`` (..., unit)
        Integral of the squared state after an impulse to one unit (average controllability).
    ``hankel`` (..., component)
        Hankel singular values, the largest first, where there are inputs and outputs: how strongly
        each of the best modes is both driven and read out.

    Raises
    ------
    TypeError, LabelError
        If `linear` has no Jacobians, or they are not finite.
    ValueError
        If dynamics are not stable and there is no `horizon`, or it does not fit.

    References
    ----------
    Kailath, Linear Systems, 1980. Gu et al., "Controllability of structural brain networks", Nat.
    Commun. 2015 (average controllability).

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import analysis, models
    >>> options = {"W": np.zeros((1, 1), "float32"), "U": np.ones((1, 1), "float32")}
    >>> model = models.CTRNN(1, 1, 1, tau=10.0, key=0, **options)  # x' = (u - x) / 10
    >>> linear = analysis.linearise(model, np.zeros(1))
    >>> analysis.controllability(linear)["controllability"].values  # 1 / (2 * 10)
    array([[0.05]])
    """
    stack = jacobians_of(linear)
    doublings = _doublings(stack, horizon)
    with jax.enable_x64(True):
        J = jnp.asarray(stack.matrix)
        eye = jnp.broadcast_to(jnp.eye(J.shape[-1]), J.shape)
        back = J.swapaxes(1, 2)

        def gramian(J, source):
            return np.asarray(_gramian(J, source, *doublings, stack.is_map))

        seen = gramian(back, eye)
        found = {"unit_energy": ((stack.dim,), np.einsum("pii->pi", seen), "energy of a unit")}
        square = (stack.origin, stack.dim)
        B, C = stack.inward, stack.outward
        if B is not None and B.shape[-1]:
            driven = gramian(J, jnp.asarray(B @ B.swapaxes(1, 2)))
            energy = np.einsum("pik,pij,pjk->pk", B, seen, B)
            found["controllability"] = (square, driven, "controllability Gramian")
            found["input_energy"] = (("input",), energy, "energy of an input")
        if C is not None and C.shape[-2]:
            read = gramian(back, jnp.asarray(C.swapaxes(1, 2) @ C))
            energy = np.einsum("pki,pij,pkj->pk", C, gramian(J, eye), C)
            found["observability"] = (square, read, "observability Gramian")
            found["output_energy"] = (("output",), energy, "energy of an output")
    if "controllability" in found and "observability" in found:
        values = np.linalg.eigvals(driven @ read).real
        values = np.sqrt(np.maximum(np.sort(values, axis=-1)[:, ::-1], 0.0))
        found["hankel"] = (("component",), values, "Hankel singular value")
    return stack.labelled({n: (dims, a, "1", long) for n, (dims, a, long) in found.items()})


def _doublings(stack: Jacobians, horizon: Any) -> tuple[float, int]:
    """A first time span, and how often it is doubled."""
    size = float(np.linalg.norm(stack.matrix, axis=(1, 2)).max(initial=0.0)) or 1.0
    if horizon is not None:
        if not (np.isfinite(horizon) and horizon > 0):
            raise ValueError(f"horizon must be a positive number, got {horizon!r}.")
        if stack.is_map:
            n = np.log2(horizon)
            if n != round(n):
                raise ValueError(
                    f"horizon of a map must be a power of two of steps, got {horizon}."
                )
            return 1.0, int(n)
        n = max(0, int(np.ceil(np.log2(horizon * size))))
        return horizon / 2**n, n
    values = np.linalg.eigvals(stack.matrix)
    growth = np.abs(values) - 1.0 if stack.is_map else values.real
    slack = NEUTRAL * (1.0 if stack.is_map else np.abs(values).max(-1, initial=0.0))
    unstable = (growth.max(-1, initial=-np.inf) >= -slack).nonzero()[0]
    if len(unstable):
        raise ValueError(
            f"{len(unstable)} of {len(values)} states are not stable (the first at "
            f"{stack.where(int(unstable[0]))}), so that their Gramians have no end: pass horizon=, "
            "or select the stable ones, e.g. by 'n_unstable'."
        )
    return (1.0 if stack.is_map else 1.0 / size), _MOST


def _gramian(
    J: Float[Array, "point d d"],
    source: Float[Array, "point d d"],
    first: float,
    n: int,
    is_map: bool,
) -> Float[Array, "point d d"]:
    """The integral over ``first * 2**n`` of a source that the dynamics carry on."""
    if is_map:
        return _doubled(J, source, n)
    # One exponential of a block matrix holds the integral over a short span (Van Loan 1978).
    d = J.shape[-1]
    block = jnp.block([[-J, source], [jnp.zeros_like(J), J.swapaxes(1, 2)]]) * first
    raised = jax.vmap(jax.scipy.linalg.expm)(block)
    step = raised[:, d:, d:].swapaxes(1, 2)
    return _doubled(step, step @ raised[:, :d, d:], n)


@jax.jit
def _doubled(
    step: Float[Array, "point d d"], whole: Float[Array, "point d d"], n: Any
) -> Float[Array, "point d d"]:
    """Twice the span, n times: what was gathered, and the same carried over it."""

    def twice(_, carry):
        step, whole = carry
        return step @ step, whole + step @ whole @ step.swapaxes(1, 2)

    whole = jax.lax.fori_loop(0, n, twice, (step, whole))[1]
    return (whole + whole.swapaxes(1, 2)) / 2
