"""Canonical correlations and variance explained by linear maps, of labelled data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import xarray as xr

from neurodyn.analysis.similarity.canonical import ExplainedVariance, WeightedCorrelation
from neurodyn.analysis.similarity.grid import Compare, Similarity
from neurodyn.analysis.similarity.kernels import whitened
from neurodyn.analysis.similarity.measured import Population, measured
from neurodyn.analysis.similarity.report import Report, units_of

Correlations = Literal["mean", "mean_squared", "bures", "cosine"]
#: How canonical correlations are summarised, as comparisons of whitened sides.
CORRELATIONS: dict[str, Compare] = {
    "mean": "mean_correlation",
    "mean_squared": "mean_squared_correlation",
    "bures": "bures",
    "cosine": "cosine",
}


def cca(
    a: Population,
    b: Population,
    *,
    by: str | Sequence[str] | None = None,
    form: Correlations = "mean",
    report: Report = "score",
    variable: str | None = None,
) -> xr.DataArray:
    r"""Canonical correlations of two populations, as one number.

    Invariant to any invertible linear map of either side, so that noise counts as much as signal.
    With p and q units of n samples, p + q - n + 1 of the correlations are 1 for any data where that
    is above 0, and all of them where p or q comes to n - 1, which is refused: see `svcca`.

    Parameters
    ----------
    a, b, by
        As for `cka`.
    form
        "mean": the mean correlation, over the dimensions of the smaller side. "mean_squared": that
        of their squares. "bures": their sum over :math:`\sqrt{p q}`, the Bures similarity of
        whitened populations (its arccos is the shape metric with alpha 0). "cosine": the sum of
        their squares over :math:`\sqrt{p q}`, the CKA of whitened populations. All are called CCA.
    report
        "score", "angle", "angular_score" or "euclidean", see `Similarity`.
    variable
        Which variable of a Dataset.

    Returns
    -------
    Scalar DataArray.

    Raises
    ------
    LabelError
        If labels differ or values are missing.
    ValueError
        If the units of one side come to the number of samples less one.

    Notes
    -----
    Of data in chunks (dask), and of those above 1 GiB in a file, products of units are summed chunk
    by chunk in one pass, in the memory that `cka` states. Their rounding, some 1e-15, counts as
    many times more as the largest variance of a component is larger than the smallest.

    References
    ----------
    Hotelling (1936), Biometrika 28:321; Kornblith et al. (2019), ICML 97:3519, table 1.
    """
    return svcca(a, b, by=by, keep=None, form=form, report=report, variable=variable)


def svcca(
    a: Population,
    b: Population,
    *,
    by: str | Sequence[str] | None = None,
    keep: float | int | None = 0.99,
    form: Correlations = "mean",
    report: Report = "score",
    variable: str | None = None,
) -> xr.DataArray:
    """Canonical correlations of the leading principal components of two populations.

    Parameters
    ----------
    a, b, by
        As for `cka`.
    keep
        The components of each side: the first that hold this share of the variance (0.99, the
        published default; 0.95), this number of them (10), or None for all (`cca`). Numbers of two
        rules cannot be compared, so say which. Where the share comes to as many components as
        samples less one, the score is 1 for any data.
    form, report
        As for `cca`.
    variable
        Which variable of a Dataset.

    Returns
    -------
    Scalar DataArray.

    Raises
    ------
    LabelError
        If labels differ or values are missing.
    ValueError
        If `keep` is neither, or comes to the number of samples less one.

    Notes
    -----
    Of data in chunks (dask), and of those above 1 GiB in a file, products of units are summed chunk
    by chunk in one pass, in the memory that `cka` states. Their rounding, some 1e-15, counts as
    many times more as the largest variance of a component is larger than the smallest.

    References
    ----------
    Raghu, Gilmer, Yosinski & Sohl-Dickstein (2017), NeurIPS 30:6076.
    """
    if form not in CORRELATIONS:
        raise ValueError(f"`form` is one of {', '.join(CORRELATIONS)}; got {form!r}.")
    return measured(
        Similarity(whitened(keep=keep), "centred", CORRELATIONS[form], report),
        a,
        b,
        by,
        variable,
        by_chunks=True,
        units=units_of(report),
        long_name="CCA" if keep is None else "SVCCA",
        keep="all" if keep is None else keep,
        form=form,
        report=report,
    )


def pwcca(
    a: Population,
    b: Population,
    *,
    by: str | Sequence[str] | None = None,
    report: Report = "score",
    variable: str | None = None,
) -> xr.DataArray:
    """Canonical correlations of two populations, weighted by the activity along their variates.

    The weights are those of the population with fewer units (of `a`, if both have as many), as in
    the published code: sums over units of absolute products with each variate.

    Parameters
    ----------
    a, b, by
        As for `cka`.
    report
        "score", "angle", "angular_score" or "euclidean", see `Similarity`.
    variable
        Which variable of a Dataset.

    Returns
    -------
    Scalar DataArray.

    Raises
    ------
    LabelError
        If labels differ or values are missing.
    ValueError
        If the units of one side come to the number of samples less one.

    Notes
    -----
    Of data in chunks (dask), and of those above 1 GiB in a file, products of units are summed chunk
    by chunk in one pass, in the memory that `cka` states. Their rounding, some 1e-15, counts as
    many times more as the largest variance of a component is larger than the smallest.

    References
    ----------
    Morcos, Raghu & Bengio (2018), NeurIPS 31:5727.
    """
    return measured(
        WeightedCorrelation(report),
        a,
        b,
        by,
        variable,
        by_chunks=True,
        units=units_of(report),
        long_name="projection-weighted CCA",
        report=report,
    )


def linear_r2(
    a: Population,
    b: Population,
    *,
    by: str | Sequence[str] | None = None,
    penalty: float = 0.0,
    variable: str | None = None,
) -> xr.DataArray:
    """Share of the variance of `b` that a linear map from `a` explains, in sample.

    Nothing is held out, so that it rises with the units of `a`, to 1 for any data; `ridge_r` is the
    correlation on conditions left out.

    Parameters
    ----------
    a, b, by
        As for `cka`.
    penalty
        Ridge penalty, in units of the total variance of `a`. With 0 units of `a` that come to the
        number of samples less one are refused.
    variable
        Which variable of a Dataset.

    Returns
    -------
    Scalar DataArray.

    Raises
    ------
    LabelError
        If labels differ or values are missing.
    ValueError
        If the penalty is negative, or units are too many without one.

    Notes
    -----
    Of data in chunks (dask), and of those above 1 GiB in a file, products of units are summed chunk
    by chunk in one pass, in the memory that `cka` states. Their rounding, some 1e-15, counts as
    many times more as the largest variance of a component is larger than the smallest.

    References
    ----------
    Kornblith et al. (2019), ICML 97:3519, section 3.
    """
    return measured(
        ExplainedVariance(penalty),
        a,
        b,
        by,
        variable,
        by_chunks=True,
        units="1",
        long_name="variance explained by a linear map",
        penalty=float(penalty),
    )
