"""Which unit of one population corresponds to which of another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.typing import ArrayLike
from jaxtyping import Array, Float
from scipy.optimize import linear_sum_assignment

from neurodyn.analysis.shared.measure import Pairwise, of_samples
from neurodyn.analysis.shared.results import coords_of, results
from neurodyn.analysis.shared.scaling import centred, products, standardised
from neurodyn.analysis.shared.transport import transport_plan
from neurodyn.analysis.similarity.matched import matched, unit_names
from neurodyn.labels import LabelError

#: Ways to match units.
KINDS = ("permutation", "soft")

Samples = Float[Array, "sample unit"]


def match_units(
    a: xr.Dataset | xr.DataArray | ArrayLike,
    b: xr.Dataset | xr.DataArray | ArrayLike,
    kind: str = "permutation",
    *,
    by: str | Sequence[str] | None = None,
    variable: str | None = None,
) -> xr.Dataset:
    """Match the units of two populations by the correlation of their activity.

    Unlike shapes, matchings tell populations apart that carry the same activity in other
    directions: they ask whether single units are alike.

    Parameters
    ----------
    a, b
        Populations with the same labels along all dims but ``unit``, or arrays ``(condition, time,
        unit)`` or ``(sample, unit)``.
    kind
        "permutation": one to one, the matching with the largest sum of correlations; of the larger
        population some units stay without a partner. "soft": each unit of either population has
        the same mass, which is shared out over units of the other such that the correlation is
        largest (optimal transport); equal to the permutation for equal numbers of units.
    by
        Labels of trials that make a condition: the means of conditions are compared.
    variable
        Which variable of Datasets.

    Returns
    -------
    Dataset with

    - ``score``: mean correlation of matched pairs, or correlation summed over the masses;
    - ``matching`` (unit, other): 1 for matched pairs and else 0, or the mass, which sums to 1;
    - ``correlation`` (unit, other);
    - ``partner`` (unit,): label of the unit of `b` matched to (most), "" for none;
      ``partner_correlation`` (unit,), NaN for none;
    - ``best_of_a``, ``best_of_b``: means over the units of `a` (of `b`) of the largest correlation
      with any unit of the other. These one-way maxima match many units with one; some code calls
      them soft matching.

    Raises
    ------
    LabelError
        If labels differ, values are missing, or a unit is constant: it has no correlation.
    ValueError
        For an unknown kind.

    Notes
    -----
    The soft matching of unequal numbers p and q is a linear programme of p q variables: seconds for
    100 units against 800.

    References
    ----------
    Williams, Kunz, Kornblith & Linderman (2021), NeurIPS 34:4738, section 2 (permutations). Khosla
    & Williams (2024), "Soft matching distance", UniReps workshop, PMLR 243:326.

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import analysis
    >>> x = np.random.default_rng(0).standard_normal((50, 3))
    >>> found = analysis.match_units(x, 2 * x[:, [2, 0, 1]] + 1)
    >>> found["partner"].values.tolist()
    ['1', '2', '0']
    """
    _check(kind)
    first = matched({"a": a}, "a", by=by, variable=variable)
    second = matched({"b": b}, "b", by=by, variable=variable, like=first)
    x, y = first.samples()[0], second.samples()[0]
    r = _unit(x, first.first, "a").T @ _unit(y, second.first, "b")
    plan = _plan(r, kind)
    matching = plan * min(r.shape) if kind == "permutation" else plan
    partners = matching.argmax(1)
    there = matching.max(1) > 0
    names = np.array(unit_names(second.first))
    variables = {
        "score": ((), np.sum(plan * r), "1", f"correlation of matched units ({kind})"),
        "matching": (("unit", "other"), matching, "1", f"matching ({kind})"),
        "correlation": (("unit", "other"), r, "1", "correlation"),
        "partner": ("unit", np.where(there, names[partners], ""), "1", "unit matched to"),
        "partner_correlation": (
            "unit",
            np.where(there, np.take_along_axis(r, partners[:, None], 1)[:, 0], np.nan),
            "1",
            "correlation with the unit matched to",
        ),
        "best_of_a": ((), r.max(1).mean(), "1", "largest correlation, mean over units of a"),
        "best_of_b": ((), r.max(0).mean(), "1", "largest correlation, mean over units of b"),
    }
    coords = coords_of(first.first, "unit") | {"other": names}
    return results(variables, coords, dims=("other",), matching=kind)


def _unit(x: np.ndarray, array: xr.DataArray, what: str) -> np.ndarray:
    """Units centred and of norm 1."""
    z = standardised(x, 0)
    constant = ~z.any(0)
    if constant.any():
        first = np.array(unit_names(array))[constant][:5].tolist()
        raise LabelError(
            f"{int(constant.sum())} units of {what} are constant, first {first}: they correlate "
            "with none; leave them out (.isel(unit=...))."
        )
    return z / np.linalg.norm(z, axis=0)


def _check(kind: str) -> None:
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}.")


def _plan(gain: np.ndarray, kind: str) -> np.ndarray:
    """The masses, of sum 1, that make the summed gain largest."""
    if kind == "soft":
        return transport_plan(-gain)
    plan = np.zeros(gain.shape)
    plan[linear_sum_assignment(gain, maximize=True)] = 1 / min(gain.shape)
    return plan


def of_units(kind: str = "permutation") -> Pairwise:
    """Correlation of matched units, for a `Measure` of your own.

    The matching is found by SciPy outside of the compiled program. Its derivative is that of the
    correlations, because the best matching does not change to first order. Constant units correlate
    with none.

    Parameters
    ----------
    kind
        As of :func:`match_units`.

    Raises
    ------
    ValueError
        For an unknown kind.

    Examples
    --------
    >>> from neurodyn import analysis
    >>> measure = analysis.Measure(
    ...     analysis.match_units, "correlation of matched units", range=(-1.0, 1.0),
    ...     higher_is_better=True, pairwise=analysis.of_units(), name="matched",
    ... )
    """
    _check(kind)

    def plans(gain: Any) -> np.ndarray:
        gain = np.nan_to_num(np.asarray(gain))  # while compiling, numbers may be of any kind
        flat = [_plan(one, kind) for one in gain.reshape(-1, *gain.shape[-2:])]
        return np.reshape(flat, gain.shape).astype(gain.dtype)

    def score(x: Samples, y: Samples) -> Float[Array, ""]:
        r = products(x, _unit_traced(y))
        plan = jax.pure_callback(
            plans,
            jax.ShapeDtypeStruct(r.shape, r.dtype),
            jax.lax.stop_gradient(r),
            vmap_method="broadcast_all",
        )
        return jnp.sum(plan * r)

    return of_samples(score, _unit_traced)


def _unit_traced(x: Samples) -> Samples:
    """Units centred and of norm 1; constant ones 0."""
    x = centred(x)
    size = jax.lax.stop_gradient(jnp.abs(x).max(0, keepdims=True))
    x = x / jnp.where(size > 0, size, 1)
    power = jnp.sum(x**2, axis=0, keepdims=True)
    return x / jnp.sqrt(jnp.where(power > 0, power, 1))


PERMUTATION = of_units("permutation")
SOFT = of_units("soft")
