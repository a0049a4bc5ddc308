"""The record of a measure: its name, its range, and how `compare` computes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from jaxtyping import Array, Bool, Float

Activity = Float[Array, "condition time unit"]
Samples = Float[Array, "sample unit"]


class CrossValidation(NamedTuple):
    """Folds and penalties of one call of :func:`~neurodyn.analysis.compare`.

    Attributes
    ----------
    held_out
        Which conditions each fold holds out.
    penalties
        Ridge penalties to choose from, in units of the total variance of the predictors.
    """

    held_out: Bool[Array, "fold condition"]
    penalties: Float[Array, " penalty"]


@dataclass(frozen=True)
class Pairwise:
    """How :func:`~neurodyn.analysis.compare` computes a measure of two populations.

    `compare` scores the model once against the recording, and again against hundreds of shuffles
    and split halves of it. The part that depends on the model alone is therefore computed once, by
    `prepare`. Both functions are compiled, so they are written in JAX.

    Parameters
    ----------
    prepare
        ``(x, folds) -> side``: a pytree made from the activity x ``(condition, time, unit)`` of the
        model and from a `CrossValidation`.
    score
        ``(side, y) -> score``: a scalar, or ``(unit,)``, from that pytree and from the recorded
        activity y ``(condition, time, unit)``. Both sides have the same conditions and times, no
        offsets, and one scale (the largest deviation is 1). `compare` puts NaN where a side does
        not vary at all.
    per_unit
        Whether `score` returns one value for each recorded unit. It must then be a correlation,
        because its ceiling is the correlation that the reliability of the unit allows.
    cross_validated
        Whether `prepare` uses the folds. Without such a measure `compare` makes none, so that it
        also works on fewer than three conditions; the folds are then a single empty one.

    See Also
    --------
    of_samples : builds one from a function of two matrices of samples.
    """

    prepare: Callable[[Activity, CrossValidation], Any]
    score: Callable[[Any, Activity], Array]
    per_unit: bool = False
    cross_validated: bool = False


def of_samples(
    score: Callable[[Any, Samples], Array], prepare: Callable[[Samples], Any] = lambda x: x
) -> Pairwise:
    """Build a `Pairwise` from functions of samples, in which conditions and times are one axis.

    Parameters
    ----------
    score
        ``(side, y) -> scalar``, in JAX, of the recorded samples ``(sample, unit)`` and of the
        result of `prepare`.
    prepare
        ``x -> side``, of the samples ``(sample, unit)`` of the model. Default: the samples
        themselves, so that `score` is a plain function of two matrices.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> pairwise = of_samples(lambda x, y: jnp.abs(x.std() - y.std()))
    >>> pairwise.per_unit
    False
    """

    def flat(x: Float[Array, "*sample unit"]) -> Samples:
        return x.reshape(-1, x.shape[-1])

    return Pairwise(lambda x, folds: prepare(flat(x)), lambda side, y: score(side, flat(y)))


@dataclass(frozen=True)
class Measure:
    """A measure: its name, the meaning of its values, and how it is computed.

    One with `pairwise` can be given to :func:`~neurodyn.analysis.compare`, which adds its ceiling,
    its null distribution and its labels. :func:`neurodyn.register` adds a measure of your own to
    `MEASURES`, so that it is found by name.

    Parameters
    ----------
    function
        The function that computes it from labelled data or from arrays.
    title
        A few words for axes and tables.
    units
        Units of the value.
    range
        Lowest and highest value.
    higher_is_better
        Whether higher values mean that two populations are more alike. None for a measure of one
        population, which is no judgement.
    reference
        BibTeX keys of the source.
    pairwise
        How `compare` computes it; None for measures of one population.
    name
        Default: the name of `function`.
    identifier
        What it is called in the catalogue of similarity measures of Cloos, Yang & Cueva (2024), by
        which numbers of two papers can be told apart; "" if it has no place there.

    Raises
    ------
    ValueError
        If there is no name, or a measure with `pairwise` does not say whether higher is better.
    """

    function: Callable[..., Any]
    title: str
    units: str = "1"
    range: tuple[float, float] = (-float("inf"), float("inf"))
    higher_is_better: bool | None = None
    reference: tuple[str, ...] = ()
    pairwise: Pairwise | None = None
    name: str = ""
    identifier: str = ""

    def __post_init__(self):
        name = self.name or getattr(self.function, "__name__", "")
        if not name.isidentifier():
            raise ValueError(
                f"a measure needs a name, but that of its function is {name!r}: pass name='...'."
            )
        object.__setattr__(self, "name", name)
        if (self.pairwise is None) != (self.higher_is_better is None):
            raise ValueError(
                f"measure {name!r}: `pairwise` and `higher_is_better` go together, because a null "
                "distribution has a better side; pass both, or neither for a measure of one "
                "population."
            )
