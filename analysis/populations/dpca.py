"""Demixed principal components: axes for each task variable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float

from neurodyn.analysis.populations.design import Trials, design_of
from neurodyn.analysis.populations.dpca_folds import choose_penalty, decoding
from neurodyn.analysis.populations.marginals import Spectrum, demix, marginals
from neurodyn.analysis.shared.arrays import pick
from neurodyn.analysis.shared.draws import generator as generator_of
from neurodyn.analysis.shared.results import results
from neurodyn.common.checks import whole

#: Penalties to choose from, in units of the total variance.
PENALTIES = tuple(np.logspace(-7, 0, 15))


def dpca(
    activity: xr.Dataset | xr.DataArray,
    by: str | Sequence[str],
    n_components: int = 3,
    *,
    penalty: float | str = 0.0,
    with_time: bool = True,
    n_splits: int = 10,
    n_shuffles: int = 0,
    key: Any = 0,
    variable: str | None = None,
) -> xr.Dataset:
    r"""Demixed principal components of activity in a factorial design (dPCA).

    Activity is the sum of marginals: parts that depend on time alone, on each task variable, and on
    their interactions. For each marginal :math:`X_m`, the decoder D and encoder F of `n_components`
    axes minimise :math:`|X_m - F D X|^2 + \lambda |F D|^2`, which has a closed form. So a component
    carries one task variable as far as axes of the population allow. Axes of different marginals
    are not orthogonal.

    Parameters
    ----------
    activity
        Trials ``(trial, time, unit)`` or condition means ``(condition, time, unit)``. Units may
        have been recorded in different trials (NaN elsewhere).
    by
        Task variables: coordinates of trials or conditions. Every combination of their values must
        occur, for every unit.
    n_components
        Components of each marginal.
    penalty
        Ridge penalty :math:`\lambda` in units of the total variance; "cv" chooses one of
        `PENALTIES` by how well held-out trials reconstruct the marginals of the others. It needs
        trials. Without a penalty, few noisy conditions are fitted too closely.
    with_time
        Whether a task variable's marginal also holds its interaction with time (as in the paper).
    n_splits
        Splits for "cv" and for the decoding of task variables; each holds out one trial of every
        combination (of each unit, where units were not recorded together).
    n_shuffles
        Shuffles of trials between combinations, against which decoding is tested; 0 leaves it out.
        It needs trials.
    key
        Seed or key of splits and shuffles.
    variable
        Which variable of a Dataset.

    Returns
    -------
    Dataset on ``component``: `n_components` of each marginal, whose name is the coordinate
    ``marginal``, the best first (coordinate ``rank``).

    ``scores`` (condition, time, component)
        The means of all combinations along the decoders; task variables are coordinates.
    ``decoder``, ``encoder`` (unit, component)
        Axes. Encoders have length 1.
    ``explained`` (component), ``marginal_explained`` (component)
        Fraction of the total variance that the component explains, and of what it explains in its
        own marginal. The first is larger where a component mixes marginals.
    ``marginal_variance`` (marginal_name)
        Fraction of the total variance in each marginal; they add up to 1.
    ``accuracy`` (component, time), ``accuracy_shuffled`` (draw, component, time), ``significant``
        With `n_shuffles`: how often held-out combinations are assigned to their value of the task
        variable by the nearest mean along the component; the same of shuffled trials; and whether
        it is above all of them. NaN for time.

    The attribute ``penalty`` is the one used.

    Raises
    ------
    LabelError
        If combinations are missing (they are listed), a task variable has a single value, or trials
        end early within the data.
    ValueError
        If cross-validation is asked for without two trials of each combination.

    References
    ----------
    Kobak et al., "Demixed principal component analysis of neural population data", eLife 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import analysis, labels
    >>> side, t = np.repeat([-1.0, 1.0], 2), np.arange(10.0)
    >>> rates = side[:, None, None] * np.array([1.0, 0, 1]) + t[:, None] * np.array([0.0, 1, 0])
    >>> activity = labels.dataset(
    ...     {"rate": (("trial", "time", "unit"), rates, "Hz", "rate")},
    ...     {"time": t, "side": ("trial", side)},
    ...     source="recording",
    ... )
    >>> found = analysis.dpca(activity, "side", 1)
    >>> found["marginal"].values, found["marginal_variance"].values.round(2)
    (array(['side', 'time'], dtype='<U4'), array([0.2, 0.8]))
    """
    array = pick(activity, variable)
    factors = [by] if isinstance(by, str) else list(by)
    trials = design_of(array, factors)
    x = trials.means()
    parts = marginals(x, factors, with_time=with_time)
    n = whole("n_components", n_components, 1, min(x.shape[0], x[0].size))
    n_splits, n_shuffles = whole("n_splits", n_splits, 1), whole("n_shuffles", n_shuffles, 0)
    generator = generator_of(key, needed_for="dpca")
    options: dict[str, Any] = {"factors": factors, "with_time": with_time, "n": n}
    if penalty == "cv" or n_shuffles:
        trials.check_repeated()
    used = (
        choose_penalty(trials, PENALTIES, n_splits, generator, **options)
        if penalty == "cv"
        else _number(penalty)
    )
    flat = x.reshape(len(x), -1)
    flat = flat - flat.mean(1, keepdims=True)
    spectrum, total = Spectrum.of(flat), (flat**2).sum()
    rows = []
    for name, part in parts.items():
        part = part.reshape(len(x), -1)
        axes = demix(part, spectrum, n, used * total)
        scores = axes.decoder @ flat
        explained, own = (_explained(axes.encoder, scores, of) / total for of in (flat, part))
        rows += [
            (name, k, scores[k], axes.decoder[k], axes.encoder[:, k], explained[k], own[k])
            for k in range(len(scores))
        ]
    found = _variables(array, trials, parts, rows, total)
    if n_shuffles:
        found |= decoding(
            trials, [row[:2] for row in rows], used, n_splits, n_shuffles, generator, **options
        )
    return results(
        found,
        _coords(array, trials, rows, parts),
        values=False,  # what time alone tells cannot be decoded: NaN
        dims=["marginal_name"],
        penalty=used,
    )


def _explained(
    encoder: Float[np.ndarray, "unit component"],
    scores: Float[np.ndarray, "component sample"],
    of: Float[np.ndarray, "unit sample"],
) -> Float[np.ndarray, " component"]:
    """By how much each component alone lowers the squares: ``|x|^2 - |x - f s|^2``, |f| = 1."""
    return 2 * (encoder * (of @ scores.T)).sum(0) - (scores**2).sum(1)


def _number(penalty: Any) -> float:
    if isinstance(penalty, str) or not (np.isfinite(penalty) and penalty >= 0):
        raise ValueError(f"penalty must be 'cv' or a number of at least 0, got {penalty!r}.")
    return float(penalty)


def _variables(array, trials: Trials, parts, rows, total) -> dict[str, tuple]:
    units = array.attrs.get("units", "1")
    shape = (-1, array.sizes["time"])
    scores = np.stack([row[2].reshape(shape) for row in rows], axis=-1)
    shares = np.array([(part**2).sum() / total for part in parts.values()])
    dims = ("condition", "time", "component")
    return {
        "scores": (dims, scores, units, "demixed component"),
        "decoder": (("unit", "component"), np.stack([r[3] for r in rows], -1), "1", "decoder"),
        "encoder": (("unit", "component"), np.stack([r[4] for r in rows], -1), "1", "encoder"),
        "explained": ("component", np.array([r[5] for r in rows]), "1", "fraction of variance"),
        "marginal_explained": (
            "component",
            np.array([r[6] for r in rows]),
            "1",
            "fraction of variance, in its marginal",
        ),
        "marginal_variance": ("marginal_name", shares, "1", "fraction of variance in the marginal"),
    }


def _coords(array: xr.DataArray, trials: Trials, rows, parts) -> dict[str, Any]:
    coords: dict[str, Any] = {
        str(n): c.variable for n, c in array.coords.items() if c.dims in (("unit",), ("time",))
    }
    coords["marginal"] = ("component", np.array([row[0] for row in rows]), "1", "marginal")
    coords["rank"] = ("component", np.array([row[1] for row in rows]), "1", "rank in the marginal")
    coords["marginal_name"] = ("marginal_name", np.array(list(parts)), "1", "marginal")
    return coords | trials.conditions()
