"""Models of dissimilarities against subjects: which is best, and as good as can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
import xarray as xr

from neurodyn.analysis.representations import drawn, given, tested
from neurodyn.analysis.representations.candidates import FlexibleRdm
from neurodyn.analysis.representations.comparisons import comparison_named, refuse_flat
from neurodyn.analysis.representations.evaluation import (
    Plan,
    Study,
    evaluated,
    weights_on_all,
)
from neurodyn.analysis.representations.squares import all_known, outer_coords
from neurodyn.analysis.shared.draws import generator
from neurodyn.analysis.shared.results import results
from neurodyn.common.checks import whole

#: Choices of folds over which scores of flexible models are averaged.
_CHOICES = 10
_NEW = {
    ("condition", "subject"): "new conditions and subjects",
    ("condition",): "new conditions, and these subjects",
    ("subject",): "new subjects, and these conditions",
}


def evaluate_rdms(
    rdms: xr.Dataset | xr.DataArray,
    models: Mapping[str, xr.DataArray | xr.Dataset | FlexibleRdm] | xr.DataArray | xr.Dataset,
    comparison: str = "whitened_cosine",
    *,
    subjects: str = "subject",
    over: Sequence[str] = ("condition", "subject"),
    n_boot: int = 1000,
    n_null: int = 1000,
    folds: tuple[int, int] | None = None,
    variances: xr.DataArray | None = None,
    level: float = 0.95,
    key: Any = 0,
) -> xr.Dataset:
    """Compare models of dissimilarities with subjects, with each other and with the ceiling.

    Parameters
    ----------
    rdms
        Dissimilarities ``(subject, condition, condition_2)``, as from `rdm`.
    models
        Dissimilarities of each model: a mapping from names to matrices (condition, condition_2) or
        to `FlexibleRdm`, or one array (model, condition, condition_2). Conditions are matched by
        their labels; pairs without a value (NaN) anywhere are left out.
    comparison
        As of `compare_rdms`.
    subjects
        Name of the dim of subjects, sessions or animals.
    over
        What results are to hold beyond: other conditions, other subjects, or both. Conditions and
        subjects are drawn with replacement, together and one by one, and the variances are combined
        so that noise is not counted twice.
    n_boot, n_null
        Bootstrap draws, and shuffles of the conditions of the subjects (0: none).
    folds
        With a flexible model: folds of the conditions and of the subjects (1: none). Weights are
        fitted to other conditions and subjects than those that they are scored with; fixed models
        are scored with the same conditions and subjects. Default: 2 to 5 folds of conditions, with
        six in each, and 2 to 5 of subjects, with three in each.
    variances
        For the whitened comparisons: variance (condition) of the noise of each condition's pattern,
        such as one over its number of trials. Default: equal.
    level
        Coverage of the intervals.
    key
        Seed or JAX key of folds, draws and shuffles.

    Returns
    -------
    Dataset: ``score`` (model), the mean over subjects, with ``low`` and ``high``, ``sem``, and
    ``subject_score`` (model, subject); ``ceiling_low`` and ``ceiling_high``, see `rdm_ceiling`. The
    attribute ``question`` of each p-value says what it answers:

    - ``p_zero`` (model): is the similarity above 0? One-sided.
    - ``p_ceiling`` (model): does it differ from the lower ceiling? Two-sided.
    - ``p_difference`` (model, model_2): do two models differ? Two-sided.
    - ``p_shuffled`` (model): is it above that of shuffled conditions? One-sided, for these
      conditions and subjects; ``null`` (draw, model) holds the scores.
    - ``weight`` (model, component), with a flexible model: weights fitted to all data, of sum 1.

    The p-values of t-tests take bootstrap variances and as many degrees of freedom as the smaller
    number of conditions or subjects, less one. They are not corrected for the number of models.

    Raises
    ------
    LabelError
        If dims or labels do not match, or there are too few conditions or subjects.
    ValueError
        For unknown options, or matrices that are not symmetric, or whose values are all 0 (cosines)
        or all equal (correlations).

    References
    ----------
    Nili et al. (2014), PLoS Comput. Biol. 10:e1003553; Schuett et al. (2023), eLife 12:e82566.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> from neurodyn import analysis
    >>> rng = np.random.default_rng(0)
    >>> line, ring = np.arange(8.0), np.exp(2j * np.pi * np.arange(8) / 8)
    >>> models = {
    ...     name: xr.DataArray(np.abs(x[:, None] - x) ** 2, dims=("condition", "condition_2"))
    ...     for name, x in {"line": line, "ring": ring}.items()
    ... }
    >>> noise = rng.uniform(0, 20, (5, 8, 8)) * (1 - np.eye(8))
    >>> rdms = models["line"] + xr.DataArray(
    ...     noise + noise.swapaxes(1, 2), dims=("subject", "condition", "condition_2")
    ... )
    >>> found = analysis.evaluate_rdms(rdms, models, "pearson", n_boot=100, n_null=99)
    >>> bool(found["score"].sel(model="line") > found["score"].sel(model="ring"))
    True
    """
    how = comparison_named(comparison)
    n_boot, n_null = whole("n_boot", n_boot, 20), whole("n_null", n_null, 0)
    if not 0 < level < 1:
        raise ValueError(f"`level` must lie in (0, 1), got {level}.")
    data = given.subjects_of(rdms, subjects)
    names, kinds, candidates = given.models_of(models, data)
    for name, one in zip(["rdms", *names], [data, *candidates], strict=True):
        refuse_flat(one, comparison, what=name)
    known = all_known([data, *candidates])
    sizes = {"condition": data.n_conditions, "subject": len(data.values)}
    factors = given.factors_of(over, sizes)
    splits = given.folds_of(folds, kinds, sizes)
    plan = Plan(how, kinds, splits)
    rng = generator(key, needed_for="evaluate_rdms")
    n_choices = _CHOICES if max(splits) > 1 else 1
    draws, axes = drawn.bootstrap_draws(rng, sizes, splits, factors, n_boot)
    trials = [drawn.as_they_are(rng, sizes, splits, n_choices), draws]
    trials += [drawn.shuffles(rng, sizes, splits, n_null)] if n_null else []
    parts: list[Any] = [
        tuple(one.values for one in candidates),
        data.values,
        known.astype(np.float64),
        given.variances_of(variances, data, comparison),
    ]
    study = Study(*parts)
    with jax.enable_x64(True):
        # One program for all, because compiling it takes longer than running it.
        rows = np.asarray(evaluated(plan, study, drawn.together(trials)))
        fits = weights_on_all(plan, study) if max(splits) > 1 else []
        fits = [np.asarray(w) for w in fits]
    rows, draws, null = np.split(rows, np.cumsum([len(t.order) for t in trials[:2]]))
    of = [np.einsum("mrs,ms->mr", x, t.subjects) / t.subjects.sum(1)[:, None]
          for x, t in zip((draws, null), trials[1:], strict=False)]  # fmt: skip
    draws = of[0].reshape(*axes, -1)
    rows = rows.mean(axis=0)
    used = tested.enough(draws)
    variables = _scores(rows, used, factors, sizes, level)
    variables |= _shuffles(of[1][0], of[1][1:]) if n_null else {}
    if fits:
        variables["weight"] = _weights(fits)
    coords: dict[str, Any] = {"model": names, "model_2": names}
    coords |= outer_coords(data.outer.rename({subjects: "subject"}), ["subject"])
    found = results(
        variables, coords, dims=["model", "model_2", "subject"], values=False,
        comparison=comparison, over=" and ".join(factors), n_boot=n_boot, n_boot_used=len(used),
        level=float(level), n_conditions=sizes["condition"], n_subjects=sizes["subject"],
        folds_of_conditions=splits[0], folds_of_subjects=splits[1], kinds=", ".join(kinds),
        pairs_left_out=int((~known).sum()),
    )  # fmt: skip
    return _asked(found, factors, splits)


def _scores(rows, draws, over, sizes, level: float) -> dict[str, tuple]:
    """Scores, intervals and p-values of models, and the ceilings."""
    n = len(rows) - 2
    scores = rows.mean(axis=1)
    one = np.eye(n, n + 2)
    ceiling = one - np.eye(n + 2)[n]
    i, j = np.triu_indices(n, 1)
    of_one, of_ceiling, of_pair = (
        tested.variance(draws, over, sizes, c) for c in (one, ceiling, one[i] - one[j])
    )
    dof = min(sizes[name] for name in over) - 1
    half = tested.half_width(of_one, dof, level)
    apart = np.ones((n, n))
    apart[i, j] = apart[j, i] = tested.unequal(scores[i] - scores[j], of_pair, dof)
    below = tested.unequal(scores[:n] - scores[n], of_ceiling, dof)
    low, high = scores[n:]
    if sizes["subject"] < 2:
        low, high, below = np.nan, np.nan, np.full(n, np.nan)
    return {
        "score": (("model",), scores[:n], "1", "similarity, mean over subjects"),
        "low": (("model",), scores[:n] - half, "1", "lower end of the interval"),
        "high": (("model",), scores[:n] + half, "1", "upper end of the interval"),
        "sem": (("model",), np.sqrt(of_one), "1", "standard error of the score"),
        "subject_score": (("model", "subject"), rows[:n], "1", "similarity with each subject"),
        "ceiling_low": ((), low, "1", "lower bound on the score of the best model"),
        "ceiling_high": ((), high, "1", "upper bound on the score of the best model"),
        "p_zero": (("model",), tested.above(scores[:n], of_one, dof), "1", "p, above 0"),
        "p_ceiling": (("model",), below, "1", "p, other than the lower ceiling"),
        "p_difference": (("model", "model_2"), apart, "1", "p, other than another model"),
    }


def _shuffles(itself: np.ndarray, null: np.ndarray) -> dict[str, tuple]:
    itself, null = itself[:-2], null[:, :-2]
    # The draws and the score itself are equally likely to be the largest where nothing is alike.
    p = (1 + (null >= itself - 1e-12).sum(axis=0)) / (1 + len(null))
    return {
        "null": (("draw", "model"), null, "1", "score with shuffled conditions"),
        "p_shuffled": (("model",), p, "1", "p, above shuffled conditions"),
    }


def _weights(fits: list[np.ndarray]) -> tuple:
    found = np.full((len(fits), max(w.size for w in fits)), np.nan)
    for row, w in zip(found, fits, strict=True):
        row[: w.size] = w
    return ("model", "component"), found, "1", "weight of each component, fitted to all data"


def _asked(found: xr.Dataset, over: tuple[str, ...], folds: tuple[int, int]) -> xr.Dataset:
    """Say what each p-value answers."""
    held = " (scored with conditions and subjects that its weights were not fitted to)"
    of = f"of the model{held if max(folds) > 1 else ''}"
    questions = {
        "p_zero": f"Is the similarity {of} above 0, for {_NEW[over]}? One-sided t-test.",
        "p_ceiling": f"Does the similarity {of} differ from the lower bound on that of the best "
        f"model, for {_NEW[over]}? Two-sided t-test.",
        "p_difference": f"Do two models differ in similarity, for {_NEW[over]}? Two-sided t-test.",
        "p_shuffled": f"Is the similarity {of} above that with the conditions in random order, for "
        "these conditions and subjects? One-sided permutation test.",
    }
    for name in questions.keys() & set(found.data_vars):
        found[name].attrs["question"] = questions[name]
    return found
