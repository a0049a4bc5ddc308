"""Selection vectors and line attractors: which inputs the slowest mode takes up."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Float

from neurodyn.analysis.equilibria.jacobians import jacobians_of
from neurodyn.analysis.equilibria.modes import growth_of, modes_of


def selection(linear: xr.Dataset) -> xr.Dataset:
    r"""Which inputs the slowest mode of each state selects, and where it takes them.

    Around a line attractor one mode hardly decays, and all others do. So a push of an input by
    :math:`b` moves the state along the line by :math:`l \cdot b`, with the left eigenvector
    :math:`l` of the slow mode, the selection vector. What is orthogonal to it is lost, however
    large. The same network can select another input in another context, because its Jacobian
    depends on the state and on constant inputs.

    The slowest mode may be a pair of complex ones, which turn in a plane. Then `selection` and
    `line` belong to the long axis of its ellipse, and what is said of inputs to the whole plane.

    Parameters
    ----------
    linear
        Result of :func:`fixed_points` (slow points included, best with the inputs of several
        contexts), :func:`linearise` or :func:`local_linear`.

    Returns
    -------
    Dataset on the dims of the points (here ``...``), NaN where there is no basis of eigenvectors:

    ``selection`` (..., unit)
        Left eigenvector; its product with `line` is 1.
    ``line`` (..., unit)
        Right eigenvector, of length 1: direction of the line attractor. Lines of all states point
        to the same side as the first one, whose largest entry is positive.
    ``growth_rate``, ``timescale``, ``frequency`` (...)
        Of the mode: growth rate [1/ms], timescale [ms; infinite of a neutral mode] and frequency
        [Hz; 0 of a line]; of maps per step, and steps.
    ``next_timescale`` (...)
        Timescale of the slowest mode but this one [ms]. A line is distinct where it is much shorter
        than `timescale`.
    ``selected`` (..., input)
        How much a unit of input moves the state along the line [1/ms]: ``selection . B`` with
        ``B`` the ``input_jacobian``.
    ``selected_fraction`` (..., input)
        Length of the motion in the slow mode, relative to that of the whole push. It can be above
        1, where dynamics are not normal; it is 0 for an input without effect on the state.
    ``input_angle`` (..., input)
        Angle between the push of the input and the selection vector (of a pair: the plane of both
        left ones) [degrees], 0 to 90, because the sign of an input is a convention.
    ``line_angle`` (...)
        Angle between selection vector and line [degrees]: 0 where dynamics are normal.
    ``read`` (..., output)
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
    slow = _slowest(stack.matrix, stack.is_map)
    per, hertz = ("1", "1") if stack.is_map else ("1/ms", "Hz")
    unit, D = stack.time_unit, stack.dim
    left, line = slow.left[..., 0], slow.right[..., 0]
    with np.errstate(divide="ignore"):
        timescale, following = 1.0 / np.abs(slow.growth), 1.0 / np.abs(slow.following)
    frequency = slow.turning / (2 * np.pi) * (1.0 if stack.is_map else 1e3)
    found = {
        "selection": ((D,), left, "1", "selection vector"),
        "line": ((D,), line, "1", "direction of the slowest mode"),
        "growth_rate": ((), slow.growth, per, "growth rate of the slowest mode"),
        "timescale": ((), timescale, unit, "timescale of the slowest mode"),
        "frequency": ((), frequency, hertz, "frequency of the slowest mode"),
        "next_timescale": ((), following, unit, "timescale of the next mode"),
        "line_angle": ((), _angle(left, line), "deg", "angle of selection vector and line"),
    }
    if stack.inward is not None:
        B = stack.inward
        size = np.linalg.norm(B, axis=1)
        along = np.einsum("pdk,pdi->pki", slow.left, B)  # both axes are orthogonal
        kept = np.linalg.norm(np.einsum("pdk,pki->pdi", slow.right, along), axis=1)
        plane = np.linalg.svd(np.nan_to_num(slow.left), full_matrices=False)
        spanned = plane.U * (1e-12 * plane.S[:, :1] < plane.S)[:, None, :]
        cosine = np.linalg.norm(np.einsum("pdk,pdi->pki", spanned, B), axis=1)
        kept, cosine = (
            np.divide(a, size, np.zeros_like(a), where=size > 0) + 0 * along[:, 0]
            for a in (kept, cosine)
        )
        angle = np.degrees(np.arccos(np.clip(cosine, 0.0, 1.0)))
        found["selected"] = (("input",), along[:, 0], per, "motion along the line by an input")
        found["selected_fraction"] = (("input",), kept, "1", "selected part of an input")
        found["input_angle"] = (("input",), angle, "deg", "angle of input and selection vector")
    if stack.outward is not None:
        read = np.einsum("pod,pd->po", stack.outward, line)
        found["read"] = (("output",), read, "1", "change of the output along the line")
    return stack.labelled(found)


class _Slow(NamedTuple):
    """The slowest mode of each point, with two axes, of which a real mode uses the first.

    Attributes
    ----------
    left, right
        Real vectors as columns: the product of a left with its right one is 1.
    growth, turning, following
        Growth rate and angular frequency of the mode, and growth rate of the next one.
    """

    left: Float[np.ndarray, "point d 2"]
    right: Float[np.ndarray, "point d 2"]
    growth: Float[np.ndarray, " point"]
    turning: Float[np.ndarray, " point"]
    following: Float[np.ndarray, " point"]


def _slowest(J: Float[np.ndarray, "point d d"], is_map: bool) -> _Slow:
    modes = modes_of(J, is_map)
    growth = growth_of(modes.values, is_map)
    turning = np.abs(np.angle(modes.values) if is_map else modes.values.imag)
    point = np.arange(len(J))
    best = np.abs(growth).argmin(1)
    right, left = modes.right[point, :, best], modes.left[point, :, best]
    paired = modes.values[point, best].imag != 0
    # Turned so that real and imaginary parts are the axes of the ellipse, the long one first.
    turn = np.exp(-0.5j * np.angle((right**2).sum(1)))[:, None]
    right, left = right * turn, left / turn
    axes = np.stack([right.real, np.where(paired[:, None], right.imag, 0.0)], -1)
    size = np.linalg.norm(axes, axis=1)
    weight = np.where(paired, 2.0, 1.0)[:, None]
    duals = np.stack([weight * left.real, np.where(paired[:, None], -weight * left.imag, 0.0)], -1)
    axes = axes / np.where(size > 0, size, 1.0)[:, None]
    duals = duals * size[:, None]
    sign = _signs(axes[..., 0])[:, None]
    axes[..., 0], duals[..., 0] = sign * axes[..., 0], sign * duals[..., 0]
    lost = np.isnan(left).any(1)
    axes[lost], duals[lost] = np.nan, np.nan
    own = np.arange(J.shape[-1]) == best[:, None]
    pair = own | (paired[:, None] & (modes.values == modes.values[point, best].conj()[:, None]))
    following = np.where(pair, np.inf, np.abs(growth)).min(1)
    following[following == np.inf] = np.nan
    return _Slow(duals, axes, growth[point, best], turning[point, best], following)


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
