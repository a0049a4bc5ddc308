"""Selection vectors and line attractors: which inputs the slowest mode takes up."""

from __future__ import annotations

import numpy as np
import xarray as xr
from jaxtyping import Float

from neurodyn.analysis.equilibria.jacobians import jacobians_of
from neurodyn.analysis.equilibria.linear import modes_of


def selection(linear: xr.Dataset) -> xr.Dataset:
    r"""Which inputs the slowest mode of each state selects, and where it takes them.

    Around a line attractor one mode hardly decays, and all others do. So a push of an input by
    :math:`b` moves the state along the line by :math:`l \cdot b`, with the left eigenvector
    :math:`l` of the slow mode, the selection vector. What is orthogonal to it is lost, however
    large. The same network can select another input in another context, because its Jacobian
    depends on the state and on constant inputs.

    The slowest mode without a frequency is taken, because a line does not oscillate.

    Parameters
    ----------
    linear
        Result of :func:`fixed_points` (slow points included, best with the inputs of several
        contexts), :func:`linearise` or :func:`local_linear`.

    Returns
    -------
    Dataset on the dims of the points (here ``*lead``), NaN where all modes oscillate or there is no
    basis of eigenvectors:

    ``selection`` (*lead, unit)
        Left eigenvector; its product with `line` is 1.
    ``line`` (*lead, unit)
        Right eigenvector, of length 1: direction of the line attractor. Lines of all states point
        to the same side as the first one, whose largest entry is positive.
    ``growth_rate`` (*lead), ``timescale`` (*lead)
        Of the mode: growth rate [1/ms], and timescale [ms]; of maps per step, and steps.
    ``next_timescale`` (*lead)
        Timescale of the slowest mode but this one [ms]. A line is distinct where it is much shorter
        than `timescale`.
    ``selected`` (*lead, input)
        How much a unit of input moves the state along the line [1/ms]: ``selection . B`` with
        ``B`` the ``input_jacobian``.
    ``selected_fraction`` (*lead, input)
        The same relative to the length of the push. It can be above 1, where dynamics are not
        normal; it is 0 for an input without effect on the state.
    ``input_angle`` (*lead, input)
        Angle between the push of the input and the selection vector [degrees], 0 to 90, because the
        sign of an input is a convention.
    ``line_angle`` (*lead)
        Angle between selection vector and line [degrees]: 0 where dynamics are normal.
    ``read`` (*lead, output)
        Change of each output along the line.

    Raises
    ------
    TypeError, LabelError
        If `linear` has no Jacobians, or they are not finite.

    References
    ----------
    Mante, Sussillo, Shenoy & Newsome, "Context-dependent computation by recurrent dynamics in
    prefrontal cortex", Nature 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import analysis, models
    >>> v, w = np.array([1.0, 0.0]), np.array([1.0, 1.0])  # a line, and what it selects
    >>> model = models.CTRNN(
    ...     2, 2, 1, tau=10.0, W=np.outer(w, v).astype("float32"), U=np.eye(2, dtype="float32"),
    ...     key=0,
    ... )
    >>> found = analysis.selection(analysis.linearise(model, np.zeros(2)))
    >>> found["line"].values, found["selected"].values.round(3)
    (array([1., 0.]), array([0.1, 0.1]))
    """
    stack = jacobians_of(linear)
    modes = modes_of(stack.matrix, stack.is_map)
    with np.errstate(divide="ignore"):
        growth = np.log(np.abs(modes.values)) if stack.is_map else modes.values.real
        slow = 1.0 / np.abs(growth)
    # A negative eigenvalue of a map turns the state over in every step.
    steady = (modes.values.imag == 0) & (modes.values.real > 0 if stack.is_map else True)
    there = steady.any(1) & ~np.isnan(modes.left).any((1, 2))
    best = np.where(steady, slow, -1.0).argmax(1)
    pick = (np.arange(len(best)), slice(None), best)
    line, left = modes.right[pick].real, modes.left[pick].real
    sign = _signs(line)
    line, left = (np.where(there[:, None], sign[:, None] * v, np.nan) for v in (line, left))
    chosen = np.where(there, growth[np.arange(len(best)), best], np.nan)
    others = np.where(np.arange(slow.shape[1]) == best[:, None], 0.0, slow).max(1)
    per = "1" if stack.is_map else "1/ms"
    D = stack.dim
    with np.errstate(divide="ignore", invalid="ignore"):
        found = {
            "selection": ((D,), left, "1", "selection vector"),
            "line": ((D,), line, "1", "direction of the slowest mode"),
            "growth_rate": ((), chosen, per, "growth rate of the slowest mode"),
            "timescale": ((), 1.0 / np.abs(chosen), stack.time_unit, "timescale of that mode"),
            "next_timescale": (
                (),
                np.where(there, others, np.nan),
                stack.time_unit,
                "timescale of the next mode",
            ),
            "line_angle": ((), _angle(left, line), "deg", "angle of selection vector and line"),
        }
        if stack.inward is not None:
            B = stack.inward
            taken = np.einsum("pd,pdi->pi", left, B)
            size = np.linalg.norm(B, axis=1)
            part = np.where(size > 0, np.abs(taken) / np.where(size > 0, size, 1.0), 0.0)
            part = np.where(there[:, None], part, np.nan)
            cosine = part / np.linalg.norm(left, axis=1)[:, None]
            angle = np.degrees(np.arccos(np.clip(cosine, 0.0, 1.0)))
            found["selected"] = (("input",), taken, per, "motion along the line by an input")
            found["selected_fraction"] = (("input",), part, "1", "selected part of an input")
            found["input_angle"] = (("input",), angle, "deg", "angle of input and selection vector")
    if stack.outward is not None:
        read = np.einsum("pod,pd->po", stack.outward, line)
        found["read"] = (("output",), read, "1", "change of the output along the line")
    return stack.labelled(found)


def _signs(line: Float[np.ndarray, "point d"]) -> Float[np.ndarray, " point"]:
    """Signs that turn all lines to the side of the first one, whose largest entry is positive."""
    if not len(line):
        return np.ones(0)
    first = line[0] * np.sign(line[0][np.abs(line[0]).argmax()] or 1.0)
    return np.where(line @ first < 0, -1.0, 1.0)


def _angle(x: Float[np.ndarray, "point d"], y: Float[np.ndarray, "point d"]):
    """Angle between lines along two vectors [degrees]."""
    cosine = np.abs((x * y).sum(1)) / (np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1))
    return np.degrees(np.arccos(np.clip(cosine, 0.0, 1.0)))
