"""The linear dynamics of a system around given states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neurodyn.analysis.equilibria.field import Field, field_of
from neurodyn.analysis.equilibria.inputs import each_input, input_names
from neurodyn.analysis.equilibria.modes import MAY_BE_INFINITE, mode_variables
from neurodyn.analysis.equilibria.states import Names, names_of, vectors
from neurodyn.analysis.shared.results import results


class Linear(NamedTuple):
    """Derivatives of a system at some states.

    Attributes
    ----------
    rate
        Rate of change [per ms]; of a map the difference that a step makes.
    jacobian
        Of the rate of a flow, or of the step of a map, by the state: ``(to, from)``.
    inward
        The same by the input.
    output
        The output, and its derivative by the state.
    """

    rate: Float[Array, "point d"]
    jacobian: Float[Array, "point d d"]
    inward: Float[Array, "point d input"]
    output: Float[Array, "point output"]
    outward: Float[Array, "point output d"]


@eqx.filter_jit
def derivatives(
    field: Field, states: Float[Array, "point d"], inputs: Float[Array, "point input"]
) -> Linear:
    """Derivatives at these states, with these inputs."""

    def one(pair):
        z, u = pair
        step = jnp.eye(z.size) if field.is_map else 0.0
        A, B = jax.jacfwd(field.rate, (0, 1))(z, u)
        out, outward = field.output(z), jax.jacfwd(field.output)(z)
        return Linear(field.rate(z, u), A + step, B, out, outward)

    return jax.lax.map(one, (states, inputs), batch_size=64)


def variables_of(
    field: Field, names: Names, lead: tuple[str, ...], linear: Linear, dt: float | None
) -> dict[str, tuple]:
    """Derivatives, eigenvalues and eigenvectors as variables of a result on the dims `lead`."""
    of_step = "1" if field.is_map else "1/ms"
    D, E = names.dim, names.origin
    there = "of the step" if field.is_map else "of the rate of change"
    found = {
        "outputs": ((*lead, "output"), linear.output, "1", "output"),
        "input_jacobian": (
            (*lead, D, "input"),
            linear.inward,
            of_step,
            f"derivative {there} by the input",
        ),
        "output_jacobian": (
            (*lead, D, "output"),
            np.swapaxes(linear.outward, 1, 2),
            "1",
            "derivative of the output by the state",
        ),
    } | mode_variables(np.asarray(linear.jacobian), field.is_map, dt, lead, D, E)
    if not field.system.n_inputs:
        del found["input_jacobian"]
    return found


def linearise(
    system: Any,
    states: Any,
    inputs: Any = None,
    *,
    dt: float | None = None,
) -> xr.Dataset:
    r"""Linear dynamics of a system around states: Jacobians, modes, inputs and readouts.

    Close to a state :math:`x^*` a flow moves by
    :math:`\dot x = f(x^*) + J (x - x^*) + B (u - u^*)`, and a map by the same with
    :math:`x_{t+1}` on the left. Noise is left out. All is computed in double precision.

    Parameters
    ----------
    system
        A map, or a flow without spikes, memory or dependence on time.
    states
        Where to linearise: a run with the variables that record the state, fixed points of
        :func:`fixed_points`, a DataArray with the dim of the state, an array ``(*lead, d)``, or a
        :class:`neurodyn.State` with leading axes.
    inputs
        Constant input ``(input,)``, or one for each state ``(*lead, input)``; a DataArray is paired
        by its labels. Default: that of the fixed points if there is one, else 0.
    dt
        Step of a map [ms], so that timescales are in ms. Without it they are in steps.

    Returns
    -------
    Dataset on the dims of `states` (here ``...``); the dim of the state is that of the variable
    that records it (``unit``), or ``dimension`` for states of several parts (LSTM):

    ``jacobian`` (..., presynaptic, unit)
        Effect of one unit on another: entry (i, j) is the derivative of the rate of change [1/ms]
        (of a map, of the next state) of unit j by unit i, as recurrent weights are written.
    ``input_jacobian`` (..., unit, input), ``output_jacobian`` (..., unit, output)
        Directions in which inputs push, and that the readout reads.
    ``eigenvalue_real``, ``eigenvalue_imag`` (..., component)
        Eigenvalues, the fastest growing first.
    ``growth_rate``, ``timescale``, ``frequency`` (..., component)
        Their growth rates [1/ms], timescales (1 / abs(growth rate)) [ms] and frequencies [Hz]. The
        timescale of a neutral mode is infinite; so is the growth rate (-inf) of a mode of a map
        with the eigenvalue 0, which is gone after a step.
    ``right_real``, ``right_imag``, ``left_real``, ``left_imag`` (..., unit, component)
        Eigenvectors. Right ones, of length 1, are the directions of the modes. A left one selects
        how much of a push goes into its mode (selection vector): its product with its right one is
        1. Left ones are NaN where the Jacobian has no basis of eigenvectors.
    ``rate`` (..., unit), ``speed`` (...)
        Rate of change at the state, and its length.
    ``outputs`` (..., output), ``stability``, ``n_unstable`` (...)
        Readout; words as in :func:`fixed_points`.

    Raises
    ------
    TypeError
        For spiking systems, systems that carry other memory, and things that are no system.
    ValueError, LabelError
        If states or inputs do not fit the system or are not finite.

    References
    ----------
    Sussillo & Barak, Neural Comput. 2013. Mante, Sussillo, Shenoy & Newsome, Nature 2013 (selection
    vectors).

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import analysis, models
    >>> model = models.CTRNN(1, 3, 1, tau=10.0, W=np.zeros((3, 3), "float32"), key=0)
    >>> analysis.linearise(model, np.zeros(3))["timescale"].values
    array([10., 10., 10.])
    """
    with jax.enable_x64(True):
        field = field_of(system, "linear dynamics")
        names = names_of(field)
        array, coords, lead = vectors(field, names, states, "states")
        given = states if inputs is None and isinstance(states, xr.Dataset) else None
        if (
            given is not None
            and "inputs" in given
            and set(given["inputs"].dims) <= {*lead, "input"}
        ):
            inputs = given["inputs"]
        u = each_input(field, inputs, array.shape[:-1], lead, coords)
        coords |= input_names(inputs)
        flat = array.reshape(-1, array.shape[-1])
        if not (np.isfinite(flat).all() and np.isfinite(u).all()):
            raise ValueError(
                "states or inputs hold NaN or infinite values; leave these samples out, e.g. those "
                "after the end of a trial."
            )
        at = jnp.asarray(flat), jnp.asarray(u.reshape(len(flat), -1))
        linear = jax.tree.map(np.asarray, derivatives(field, *at))
    found = {
        "state": (("point", names.dim), flat, names.units, "state"),
        "rate": (("point", names.dim), linear.rate, "1", "rate of change"),
        "speed": (("point",), np.linalg.norm(linear.rate, axis=1), "1", "speed"),
    } | variables_of(field, names, ("point",), linear, dt)
    shaped = {
        name: ((*lead, *dims[1:]), np.asarray(a).reshape((*array.shape[:-1], *a.shape[1:])), *rest)
        for name, (dims, a, *rest) in found.items()
    }
    return labelled(shaped, names, coords, type(system).__name__, lead)


def labelled(
    variables: Mapping[str, tuple],
    names: Names,
    coords: Mapping[str, Any],
    system: str,
    own: tuple[str, ...] = (),
    **attrs: Any,
) -> xr.Dataset:
    """A Dataset of variables on the state and on dims of their own.

    Its attribute ``recorded_by`` names the variables of a run that record the state.
    """
    return results(
        variables,
        dict(coords) | dict(names.coords),
        kind=None,
        values=False,
        dims=[*own, "dimension", "origin"],
        infinite=MAY_BE_INFINITE,
        system=system,
        recorded_by=[part.name for part in names.parts],
        **attrs,
    )
