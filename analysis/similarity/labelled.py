"""CKA, normalised Bures similarity, Procrustes angle and distance correlation, of labelled data."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal, get_args

import jax.numpy as jnp
import xarray as xr

from neurodyn.analysis.similarity.alignment import procrustes_angle, shape_angle
from neurodyn.analysis.similarity.chunks import off_diagonal_cka
from neurodyn.analysis.similarity.grid import Similarity
from neurodyn.analysis.similarity.kernels import Embed
from neurodyn.analysis.similarity.measured import Population, measured
from neurodyn.analysis.similarity.report import Report, reported, units_of

#: Estimators of CKA, by how they centre kernels.
Estimator = Literal["centred", "lange", "song"]


def _name(kernel: str | Embed) -> str:
    return kernel if isinstance(kernel, str) else getattr(kernel, "__name__", repr(kernel))


def cka(
    a: Population,
    b: Population,
    *,
    by: str | Sequence[str] | None = None,
    kernel: str | Embed = "linear",
    estimator: Estimator = "centred",
    report: Report = "score",
    variable: str | None = None,
) -> xr.DataArray:
    r"""Centred kernel alignment of two populations: the cosine of their centred kernels.

    Parameters
    ----------
    a, b
        Data with dim ``unit`` and the same labels along all other dims (conditions by their
        coordinates, times within 1e-6 ms). Single trials are compared trial by trial; outcomes
        (`choice`, `rt`) may differ. `compare` brings trials and time axes together.
    by
        Labels of trials that make a condition: the means of conditions are compared instead.
    kernel
        "linear" (the default, because most published numbers are of it), "rbf" or "laplace" with
        the median distance as width, one from `rbf_kernel` or `laplace_kernel`, or a function, see
        `Similarity`.
    estimator
        "centred": kernels are centred (Gretton); with more units than samples it tends to 1 for any
        two populations. "lange": the diagonal is then set to 0. "song": the unbiased estimator,
        which is 0 on average for unrelated noise, may be negative, and needs four samples. They are
        three numbers, so say which.
    report
        "score", "angle" (its arccos [rad]), "angular_score" or "euclidean", see `Similarity`.
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
        If a population does not vary, or an option is not known.

    Notes
    -----
    Of data in chunks (dask), and of those above 1 GiB in a file, a linear kernel sums products of
    units chunk by chunk, in one pass ("centred") or two ("lange", "song"), in float64; all other
    kernels need all samples at once, and refuse more than 1 GiB. Memory is needed for a chunk, 8 MB
    of deviations and some sums of ``8 (p + q)**2`` bytes, of p and q units, for each thread. The
    score differs from that in memory, and between chunks, by 1e-12 at most.

    References
    ----------
    Kornblith et al. (2019), ICML 97:3519; Lange et al. (2022), arXiv:2206.10999 ("lange"); Song et
    al. (2012), JMLR 13:1393 ("song").
    """
    if estimator not in get_args(Estimator):
        raise ValueError(f"`estimator` is one of centred, lange, song; got {estimator!r}.")
    by_chunks: Any = estimator == "centred"
    if not by_chunks:
        by_chunks = partial(off_diagonal_cka, estimator=estimator, report=report)
    return measured(
        Similarity(kernel, estimator, "cosine", report),
        a,
        b,
        by,
        variable,
        by_chunks=kernel == "linear" and by_chunks,
        units=units_of(report),
        long_name="CKA",
        kernel=_name(kernel),
        estimator=estimator,
        report=report,
    )


def nbs(
    a: Population,
    b: Population,
    *,
    by: str | Sequence[str] | None = None,
    kernel: str | Embed = "linear",
    report: Report = "score",
    variable: str | None = None,
) -> xr.DataArray:
    r"""Normalised Bures similarity of two populations, :math:`|X'Y|_* / (|X|_F |Y|_F)`.

    It is the cosine of the Procrustes angle, so that directions of little variance count for more
    than in CKA.

    Parameters
    ----------
    a, b, by
        As for `cka`.
    kernel
        As for `cka`; the kernels must be positive.
    report
        "score", "angle" (`procrustes`), "angular_score" or "euclidean".
    variable
        Which variable of a Dataset.

    Returns
    -------
    Scalar DataArray.

    Raises
    ------
    LabelError
        If labels differ or values are missing.

    Notes
    -----
    Of data in chunks (dask), and of those above 1 GiB in a file, with a linear kernel products of
    units are summed chunk by chunk in one pass, in the memory and to the precision that `cka`
    states.

    References
    ----------
    Tang, Maddox, Dickens, Diethe & Damianou (2020), arXiv:2003.11498; Harvey, Larsen & Williams
    (2024), UniReps 243:11.
    """
    return measured(
        Similarity(kernel, "centred", "bures", report),
        a,
        b,
        by,
        variable,
        by_chunks=kernel == "linear",
        units=units_of(report),
        long_name="normalised Bures similarity",
        kernel=_name(kernel),
        report=report,
    )


def procrustes(
    a: Population,
    b: Population,
    *,
    by: str | Sequence[str] | None = None,
    alpha: float = 1.0,
    report: Report = "angle",
    variable: str | None = None,
) -> xr.DataArray:
    """Procrustes angle of two labelled populations.

    Parameters
    ----------
    a, b, by
        As for `cka`.
    alpha
        As for `shape_angle`.
    report
        "angle", "score" (its cosine, `nbs`), "angular_score" or "euclidean" (the distance after the
        best rotation of two shapes of norm 1).
    variable
        Which variable of a Dataset.

    Returns
    -------
    Scalar DataArray, in rad for "angle".

    Raises
    ------
    LabelError
        If labels differ or values are missing.

    Notes
    -----
    Of data in chunks (dask), and of those above 1 GiB in a file, products of units are summed chunk
    by chunk in one pass, in the memory and to the precision that `cka` states; an angle below 1e-7
    can then not be told from 0.
    """

    def form(x, y):
        angle = procrustes_angle(x, y) if alpha == 1 else shape_angle(x, y, alpha=alpha)
        return reported(jnp.cos(angle), 4 * jnp.sin(angle / 2) ** 2, report)

    return measured(
        form,
        a,
        b,
        by,
        variable,
        by_chunks=True,
        units=units_of(report),
        long_name="Procrustes angle",
        alpha=float(alpha),
        report=report,
    )


def distance_correlation(
    a: Population,
    b: Population,
    *,
    by: str | Sequence[str] | None = None,
    squared: bool = False,
    variable: str | None = None,
) -> xr.DataArray:
    """Distance correlation of two populations, from the Euclidean distances of their samples.

    In the limit of many samples it is 0 only for independent populations, whatever the form of
    their relation. With few samples it is biased upwards; the estimator without bias is
    ``Similarity("distances", "song")``, of the square.

    Parameters
    ----------
    a, b, by
        As for `cka`.
    squared
        Whether to leave out the root: the cosine of the two centred matrices of distances. Both are
        called distance correlation.
    variable
        Which variable of a Dataset.

    Returns
    -------
    Scalar DataArray.

    Raises
    ------
    LabelError
        If labels differ or values are missing.

    Notes
    -----
    All samples are needed at once: more than 1 GiB of data in chunks (dask) or in a file are
    refused, and the matrices of distances take 8 bytes times the square of the samples each.

    References
    ----------
    Székely, Rizzo & Bakirov (2007), Annals of Statistics 35:2769.
    """
    point = Similarity("distances")
    return measured(
        point if squared else lambda x, y: jnp.sqrt(point(x, y)),
        a,
        b,
        by,
        variable,
        units="1",
        long_name="squared distance correlation" if squared else "distance correlation",
    )
