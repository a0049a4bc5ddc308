"""Dynamical similarity analysis: how alike the dynamics of systems are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from jax.typing import ArrayLike
from jaxtyping import Float

from neurodyn.analysis.operators.alignment import FORMS, operator_distance
from neurodyn.analysis.operators.fit import Fitted, fitted, operator_of
from neurodyn.analysis.operators.prepared import (
    Settings,
    embedded,
    explained_rank,
    most_of,
    settings,
)
from neurodyn.analysis.operators.series import Series, read
from neurodyn.analysis.shared.systems import collected, many
from neurodyn.common.checks import whole
from neurodyn.labels import LabelError

System = xr.Dataset | xr.DataArray | ArrayLike
Systems = System | Sequence[System] | Mapping[str, System]
_UNITS = {"angular": "rad", "euclidean": "1", "wasserstein": "1"}


def dsa(
    x: Systems,
    y: Systems | None = None,
    n_delays: int = 1,
    delay_interval: int = 1,
    rank: int | None = None,
    *,
    form: str = "angular",
    ridge: float = 0.0,
    offset: str = "mean",
    whiten: bool = True,
    inputs: Any = None,
    input_lag: int = 0,
    n_starts: int = 32,
    dt: float | None = None,
    variable: str | None = None,
    key: Any = 0,
) -> xr.DataArray:
    r"""Distance of the dynamics of systems, whatever the coordinates they are seen in (DSA).

    A linear operator is fitted to the activity of each system with its past
    (:func:`linear_operator`), with the same delays and rank for all, and operators are compared
    after the best orthogonal change of coordinates (:func:`operator_distance`). Trials of systems
    need not correspond, nor need their units or numbers of them.

    Parameters
    ----------
    x, y
        A system each; or a list, or a dict by names, of systems. Activity is labelled,
        ``(trial | condition, time, unit)``, or an array ``(trial, time, unit)`` or ``(time,
        unit)``. Without `y` the systems of `x` are compared with each other.
    n_delays, delay_interval
        Samples put together, and steps between them. Choose them and the rank by
        :func:`choose_delays`: distances depend on them.
    rank
        Number of coordinates of each operator. Default: as many as hold 99 % of the variance of
        each system, if all have so many.
    form
        "angular" [rad], "euclidean" or "wasserstein" (mean squared distance of eigenvalues).
    ridge, offset, input_lag
        As of :func:`linear_operator`.
    whiten
        Whether coordinates are scaled to one size, as in the paper, so that any invertible mixing
        of units leaves full-rank operators the same. If not, the scales of principal components
        count, and only rotations, reflections and one scale for all units leave operators the same.
    inputs
        Inputs of the systems, in the form of `x`; with `y` a pair ``(of x, of y)``. Operators then
        describe what a system does by itself; effects of inputs are not compared.
    n_starts
        Starts of the search for the best rotation.
    dt
        Step of arrays [ms]; None: steps without physical time.
    variable
        Which variable of Datasets.
    key
        Seed or key of the starts.

    Returns
    -------
    Scalar for two systems; else distances ``(system, other)``. Attributes say how operators were
    fitted. Noise in the activity biases operators, so 0 is not reached: compare with the distance
    between halves of the trials of one system.

    Raises
    ------
    LabelError
        If steps of systems differ, clocks are uneven, trials are too short, or nothing varies.
    ValueError
        If the rank is higher than the data of a system allow.

    Notes
    -----
    The numbers of ``dsa-metric`` 2.0 are those of ``offset="none"``, up to its single precision and
    the optimum it finds, in the forms "angular" and "wasserstein". Its "euclidean" first divides
    operators by their norms, so that it says the same as its angle; here it keeps their sizes.

    References
    ----------
    Ostrow, Eisen, Kozachkov & Fiete (2023), "Beyond geometry: comparing the temporal structure of
    computation in neural circuits with dynamical similarity analysis", NeurIPS 36.

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import analysis
    >>> rng = np.random.default_rng(0)
    >>> def turning(angle):
    ...     c, s = 0.97 * np.cos(angle), 0.97 * np.sin(angle)
    ...     x = [rng.standard_normal((20, 2))]
    ...     for _ in range(50):
    ...         x.append(x[-1] @ [[c, s], [-s, c]] + 0.1 * rng.standard_normal((20, 2)))
    ...     return np.stack(x, axis=1)
    >>> slow, same, fast = turning(0.1), turning(0.1) @ [[0, 1], [1, 0]], turning(0.4)
    >>> found = analysis.dsa({"slow": slow, "same": same, "fast": fast}, rank=2)
    >>> found.sel(system="slow").values.round(1)
    array([0. , 0. , 0.3])
    """
    if form not in FORMS:
        raise ValueError(f"form must be one of {', '.join(FORMS)}, got {form!r}.")
    how = settings(n_delays, delay_interval, ridge, offset)
    lag = whole("input_lag", input_lag, 0)
    first, second = collected(x, "x"), None if y is None else collected(y, "y")
    systems = first + (second or [])
    if second is None and len(first) < 2:
        raise ValueError("one system cannot be compared: pass `y`, or a list of systems as `x`.")
    driven = _inputs(inputs, first, second)
    read_ = [read(system, dt=dt, variable=variable, what=name) for name, system in systems]
    _refuse_steps([name for name, _ in systems], read_)
    fits = _fits(systems, read_, how, driven, lag)
    rank = _rank([name for name, _ in systems], fits, rank)
    operators = np.stack([_operator(fit, rank, how, whiten) for fit in fits])
    options = {"form": form, "n_starts": n_starts, "key": key}
    about = {**how._asdict(), "rank": rank, "whiten": int(whiten), "form": form}
    about |= {"units": _UNITS[form], "long_name": f"distance of dynamics ({form})"}
    about |= {"source": "analysis", "kind": "statistic"}
    n = len(first)
    if second is None:
        i, j = np.triu_indices(n, 1)
        distance = np.zeros((n, n))
        distance[i, j] = operator_distance(operators[i], operators[j], **options)
        distance += distance.T
    else:
        distance = np.asarray(
            operator_distance(operators[:n, None], operators[None, n:], **options)
        )
        if not many(x) and not many(y):
            return xr.DataArray(distance[0, 0], attrs=about, name="distance")
    coords = {"system": [k for k, _ in first], "other": [k for k, _ in second or first]}
    return xr.DataArray(distance, coords, ("system", "other"), "distance", about)


def _inputs(inputs: Any, first: list, second: list | None) -> list[Any]:
    """Inputs of each system, those of dicts by name."""
    if inputs is None:
        return [None] * (len(first) + len(second or []))
    sides = [(inputs, first)] if second is None else list(zip(inputs, (first, second), strict=True))
    found = []
    for given, systems in sides:
        if isinstance(given, Mapping) and not isinstance(given, xr.Dataset):
            found += [given[name] for name, _ in systems]
        else:
            found += list(given) if isinstance(given, (list, tuple)) else [given]
    if len(found) != len(first) + len(second or []):
        raise ValueError(
            f"there are {len(found)} inputs for {len(first) + len(second or [])} systems."
        )
    return found


def _refuse_steps(names: list[str], systems: list[Series]) -> None:
    """Refuse systems with other steps, because operators are of one step."""
    one = systems[0]
    for name, other in zip(names, systems, strict=True):
        if other.unit != one.unit or not np.isclose(other.step, one.step, rtol=1e-6):
            raise LabelError(
                f"{names[0]} has steps of {one.step:g} {one.unit}, {name} of {other.step:g} "
                f"{other.unit} (1: steps without physical time): bring both to one step first "
                "(neurodyn.trials.resample, or dt=)."
            )


def _fits(
    systems: list, series: list[Series], how: Settings, inputs: list, lag: int
) -> list[Fitted]:
    found = []
    for (name, _), one, u in zip(systems, series, inputs, strict=True):
        data = embedded(one, how, u, lag, what=name)
        found.append(fitted(data, how.offset, most_of(data)))
    return found


def _rank(names: list[str], fits: list[Fitted], rank: int | None) -> int:
    most = [int((fit.basis.size > 0).sum()) for fit in fits]
    if rank is None:
        return min(max(explained_rank(fit.basis) for fit in fits), *most)
    rank = whole("rank", rank)
    if rank > min(most):
        raise ValueError(
            f"rank {rank} is more than the {min(most)} dimensions, or steps, of "
            f"{names[int(np.argmin(most))]}: take a lower rank, or more delays."
        )
    return rank


def _operator(fit: Fitted, rank: int, how: Settings, whiten: bool) -> Float[np.ndarray, "r r"]:
    """Operator of columns, in whitened coordinates or along principal axes."""
    operator = operator_of(fit, rank, how.ridge)
    size = np.ones(rank) if whiten else operator.basis.size
    return (operator.A / size[:, None] * size).T
