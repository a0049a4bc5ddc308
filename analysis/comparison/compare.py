"""Compare runs with recordings: scores with their ceiling, their null and their interval."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr
from jax.typing import ArrayLike

from neurodyn.analysis.comparison.intervals import Interval
from neurodyn.analysis.comparison.many import Window, cast_of, compared, noted
from neurodyn.analysis.comparison.measures import pairwise_measures
from neurodyn.analysis.comparison.scoring import scored
from neurodyn.analysis.comparison.settings import NullKind, Settings, names
from neurodyn.analysis.prediction.ridge import PENALTIES
from neurodyn.analysis.shared.ceiling import CeilingKind
from neurodyn.analysis.shared.measure import Measure
from neurodyn.analysis.shared.pairing import Join
from neurodyn.analysis.shared.threads import one_lapack_thread


@one_lapack_thread
def compare(
    run: xr.Dataset | xr.DataArray | xr.DataTree | Mapping[str, Any] | Sequence[Any],
    rec: xr.Dataset | xr.DataArray | xr.DataTree | Mapping[str, Any] | Sequence[Any],
    metrics: str | Measure | Sequence[str | Measure] = (
        "cka",
        "debiased_cka",
        "procrustes",
        "ridge_r",
    ),
    *,
    by: str | Sequence[str] | None = None,
    join: Join = "exact",
    min_trials: int = 1,
    window: Window | Mapping[str, Window] | None = None,
    n_splits: int = 20,
    n_null: int = 200,
    n_folds: int | None = None,
    penalties: ArrayLike | Sequence[float | int] = PENALTIES,
    ceiling_kind: CeilingKind = "sqrt",
    min_ceiling: float = 0.3,
    variable: str | tuple[str | None, str | None] | None = None,
    null: NullKind = "conditions",
    within: str | Sequence[str] | None = None,
    ceiling: str | None = "trial",
    bootstrap: str | Sequence[str] | None = None,
    n_bootstrap: int = 1000,
    interval: Interval = "bca",
    level: float = 0.95,
    each: str | None = None,
    among: bool = False,
    key: Any = 0,
) -> xr.Dataset:
    """Compare a run with a recording, condition by condition and time bin by time bin.

    Trials are averaged within conditions; conditions are matched by their labels; the run is
    averaged within the recording's time bins. Every measure comes with a ceiling, which follows
    from the reliability of the recording, and with a null distribution, from shuffled conditions.

    Parameters
    ----------
    run
        Dims ``(trial | condition, time, unit)``, with a dim ``seed`` for an ensemble. Several of
        them come in a mapping by name, a list (``model0``, ...) or a DataTree (by path).
    rec
        One or several, likewise:
        Dims ``(trial | condition, time, unit)``. Condition means may come with the means of two
        halves of the trials, on a dim ``repetition`` of size 2: as a further variable, or instead.
        Trials in chunks (dask), and those above 1 GiB in a file, are read once, chunk by chunk, to
        average them; above 1 GiB they give no ceiling, as ``ceiling_note`` says, but halves do.
    metrics
        Measures: names from `MEASURES`, or a `Measure` of your own.
    by
        Labels that make a condition. Default: the labels of the side that is averaged; of two
        sides with trials the conditions of the task, where a run knows them. The attribute ``by``
        of the result names them.
    join
        "exact": both sides must have the same conditions. "inner": compare those that both have;
        the attributes say how many were left out.
    min_trials
        Conditions with fewer trials, on either side, count as missing. For the ceiling every
        condition needs two.
    window
        Compare bins whose centres lie in ``[start, stop)`` [ms] only; a mapping names several
        windows, each compared by itself. Default: all bins that the run covers.
    n_splits
        Random splits of the recording's trials for the ceiling.
    n_null
        Shuffles for the null; 0 leaves it out.
    n_folds, penalties
        For "ridge_r", see `ridge_r`.
    ceiling_kind, min_ceiling
        For measures of single units, see `corrected`: units below `min_ceiling` are left out of the
        summary and listed in the attributes.
    variable
        Which variable, of both sides or ``(of the run, of the recording)``.
    null
        What the null breaks. "conditions": which condition is which; "units": the same for each
        unit by itself, so that the geometry of the population goes too; "rotation": which unit is
        which, by random rotations, for measures that match single units.
    within
        Labels (of trials, or of conditions) within which alone the null exchanges, such as
        ``"session"``: where sessions differ, trials of different ones cannot stand for each other.
    ceiling
        What is split into halves: "trial", or a label of trials, such as ``"session"``, each value
        of which goes into one half. Reliability across sessions is lower than within them.
        None: no ceiling.
    bootstrap
        Levels of the recording that are drawn with replacement, from the outermost inwards:
        "condition", "trial" (within conditions), "unit", and labels of trials or units, such as
        ``["animal", "session", "trial"]``. The interval speaks of other such members: drawing
        trials alone says nothing of other sessions. Default: no interval.
    n_bootstrap
        Draws for the interval.
    interval, level
        Kind of the interval ("bca": bias-corrected and accelerated; "percentile"; "basic") and its
        coverage. Trials that are drawn again hold the noise twice, which lowers most measures again
        (`bias` says by how much): only "basic" takes that out, and its interval is about the score
        without noise. Where nearly all draws lie on one side of the score there is no "bca"
        interval; it is NaN, with a warning. Of n trials, units or other members n - 1 are drawn,
        because the means of n would vary too little; of conditions, which are not averaged, n.
    each
        Label of units or trials, such as ``"area"`` or ``"animal"``: the parts of a recording that
        have one value of it count as recordings of their own.
    among
        Whether to score models against models, and recordings against recordings, too.
    key
        Seed or JAX key of folds, splits, shuffles and draws. All models meet the same ones.

    Returns
    -------
    Dataset with, for each ``metric``:

    - ``score`` (metric, seed): for measures of single units the median over the units kept;
    - ``ceiling`` (metric): the same measure between the means of two halves of the recording's
      trials, averaged over splits (half the trials are noisier than all, so that a good model may
      pass it); for measures of single units the median of the attainable correlation, from the
      split-half reliability after Spearman and Brown;
    - ``corrected`` (metric, seed): median of the noise-corrected scores of units;
    - ``null`` (metric, seed, draw) and ``p_value`` (metric, seed), one-sided. With single trials of
      the recording their condition labels are shuffled, else the order of its condition means. The
      attribute ``null_question`` says which question the p-value answers;
    - ``low`` and ``high`` (metric, seed), ends of the interval, ``resampled`` (metric, seed,
      resample), the scores behind it, and ``bias``, if there is a `bootstrap`;
    - ``unit_score`` and ``unit_corrected`` (metric, seed, unit), ``unit_ceiling`` (metric, unit),
      ``reliability`` (unit) and ``kept`` (unit), if a measure scores single units.

    Of several models, recordings or windows the variables have the dims ``model``, ``recording``
    and ``window``, what is said of a pair in attributes stands in variables and coordinates on
    them, and values of single units are left out if there are several recordings or windows.
    `among` adds

    - ``between_models`` (metric, model, model_to), in the time bins of the first recording, and
      ``between_recordings`` (metric, recording, recording_to): the second one takes the place of
      the recording;
    - ``closer`` (metric, model, recording): by how much the model is closer to a recording than the
      other recordings are on average; above 0, it is as close as they are. With a `bootstrap` also
      ``closer_low`` and ``closer_high``, from the same resamples (percentiles, or "basic").

    ``seed`` is left out for a single run. Values that do not apply are NaN, and so are scores of a
    model or recording that does not vary; the attribute ``ceiling_note`` gives the reason for a
    missing ceiling, ``interval_note`` that for a missing interval. Attributes ``n_conditions``,
    ``n_trials``, ``n_units`` (model, recording) and ``n_NAME`` of each level count the members.

    Raises
    ------
    LabelError
        If conditions or times do not match (both sides are listed), values are missing, or there
        are no labels such as `within`, `ceiling` and `bootstrap` name.
    ValueError
        For unknown measures, or too few conditions to cross-validate.

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import labels
    >>> def population(gain, source):
    ...     wave = np.sin(np.arange(4)[:, None] + np.arange(10)[None, :])
    ...     return labels.dataset(
    ...         {"rate": (("condition", "time", "unit"), wave[..., None] * gain, "Hz", "rate")},
    ...         {"time": labels.time_axis(10, 20.0), "side": ("condition", [0, 1, 2, 3])},
    ...         source=source,
    ...     )
    >>> score = compare(
    ...     population(np.array([1.0, 2.0]), "model"),
    ...     population(np.array([1.0, -1.0, 3.0]), "recording"),
    ...     ["cka"],
    ...     n_null=0,
    ... )
    >>> round(float(score["score"].sel(metric="cka")), 3)
    1.0
    """
    settings = Settings(
        measures=tuple(pairwise_measures(metrics)),
        by=by,
        join=join,
        min_trials=min_trials,
        window=None if isinstance(window, Mapping) else window,
        n_splits=n_splits,
        n_null=n_null,
        n_folds=n_folds,
        penalties=penalties,
        ceiling_kind=ceiling_kind,
        min_ceiling=min_ceiling,
        variable=variable,
        null=null,
        within=names(within),
        ceiling=ceiling,
        bootstrap=names(bootstrap),
        n_bootstrap=n_bootstrap,
        interval=interval,
        level=level,
        key=key,
    )
    settings.check()
    cast = cast_of(run, rec, window, each)
    if among and "window" in cast.dims:
        raise ValueError("among=True takes a single window.")
    if among and not cast.dims:
        raise ValueError("among=True takes several models or recordings.")
    if cast.dims:
        found = compared(cast, settings, among=among)
    else:
        (alone,), (recording,) = cast.models.values(), cast.recordings.values()
        found = scored(alone, recording, settings)
    for note in noted(found, "interval_note"):
        # The caller lies beyond `one_lapack_thread`.
        warnings.warn(f"compare gives no interval of {note}.", stacklevel=3)
    return found
