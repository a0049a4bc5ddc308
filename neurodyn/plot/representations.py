"""Representational similarity: dissimilarity matrices, and models of them with their ceiling."""

import textwrap
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels import LabelError, match
from neurodyn.labels.only import takes
from neurodyn.plot.style import BLUE, GREY, ORANGE, label, styled, subplots

#: Conditions whose names fit beside a matrix, and matrices that fit into a figure.
_NAMED, _PANELS = 24, 12
#: Below it a difference is marked.
_LEVEL = 0.05


@takes(rdms=["condition", "condition_2"])
@styled
def rdm(rdms: xr.DataArray) -> Any:
    """Dissimilarity matrices, a panel for each, with one scale of colours.

    Parameters
    ----------
    rdms
        Of :func:`neurodyn.analysis.rdm`: ``dissimilarity`` (..., condition, condition_2), of 12
        matrices at most.

    Returns
    -------
    matplotlib.figure.Figure
        Conditions of the columns are in the order of those of the rows.

    Raises
    ------
    LabelError
        If rows and columns are of other conditions, or there are too many matrices.
    """
    array = rdms.transpose(..., "condition", "condition_2")
    array = array.isel(condition_2=_order(array))
    outer = array.dims[:-2]
    panels = array.stack(panel=outer) if outer else array.expand_dims(panel=[()])
    n = panels.sizes["panel"]
    if n > _PANELS:
        raise LabelError(f"{n} matrices do not fit into a figure: select {_PANELS} at most.")
    columns = min(n, 4)
    figure, axes = subplots(-(-n // columns), columns, size=(2.4, 2.3))
    values = panels.transpose("panel", "condition", "condition_2").values
    low, high = min(np.nanmin(values), 0.0), np.nanmax(values)
    names = array["condition"].values.astype(str) if "condition" in array.coords else None
    image = None
    for i, ax in enumerate(axes.flat):
        if i >= n:
            ax.set_visible(False)
            continue
        image = ax.imshow(values[i], cmap="viridis", vmin=low, vmax=high)
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0)
        ax.set(xticks=[], yticks=[])
        if names is not None and len(names) <= _NAMED and i % columns == 0:
            ax.set_yticks(range(len(names)), names, fontsize=6.5)
        at = panels["panel"].values[i]
        where = zip(outer, at if isinstance(at, tuple) else (at,), strict=False)
        ax.set_title(", ".join(f"{dim} {value}" for dim, value in where), fontsize=8)
    figure.colorbar(image, ax=axes, shrink=0.8, label=textwrap.fill(label(array), 30))
    return figure


def _order(array: xr.DataArray) -> np.ndarray:
    """Positions on the second dim of the conditions of the first."""
    names = [n for n in ("condition",) if n in array.coords and "condition_2" in array.coords]
    if not names:
        return np.arange(array.sizes["condition_2"])
    rows, columns = (
        xr.DataArray(np.arange(array.sizes[d]), {"condition": array[d].values}, ("condition",))
        for d in ("condition", "condition_2")
    )
    return match(rows, columns, "condition", by="condition", what=("rows", "columns"))[1].values


@styled
def rdm_models(evaluated: xr.Dataset) -> Any:
    """Similarity of models to subjects, the best first, with interval and ceiling.

    Parameters
    ----------
    evaluated
        Of :func:`neurodyn.analysis.evaluate_rdms`.

    Returns
    -------
    matplotlib.figure.Figure
        Dots with intervals: models. Small dots: subjects. Grey band: between the lower and the
        upper ceiling. Under a model the p-value against 0; lines above connect the best model with
        those that it differs from (p below 0.05, not corrected).
    """
    order = np.argsort(-evaluated["score"].values, kind="stable")
    found = evaluated.isel(model=order)
    apart = found["p_difference"].sel(model_2=found["model"].values).transpose("model", "model_2")
    n = found.sizes["model"]
    figure, axes = subplots(1, 1, size=(1.6 + 0.7 * n, 3.0))
    ax = axes.flat[0]
    low, high = float(found["ceiling_low"]), float(found["ceiling_high"])
    if np.isfinite(low):
        ax.axhspan(low, high, color=GREY, alpha=0.35, lw=0, label="ceiling")
    each = found["subject_score"].transpose("model", "subject").values
    for x in range(n):
        ax.plot([x] * each.shape[1], each[x], ".", color=ORANGE, ms=4, alpha=0.6,
                label="" if x else "subjects")  # fmt: skip
    score = found["score"].values
    reach = np.stack([score - found["low"].values, found["high"].values - score])
    interval = f"{100 * found.attrs['level']:g} %"
    ax.errorbar(range(n), score, reach, fmt="o", color=BLUE, capsize=3, label=f"model, {interval}")
    ax.axhline(0.0, color="black", lw=0.6)
    names = [
        f"{name}\np = {p:.2g}"
        for name, p in zip(found["model"].values.astype(str), found["p_zero"].values, strict=True)
    ]
    ax.set_xticks(range(n), names)
    ax.set_xlim(-0.6, n - 0.4)
    top = max(ax.get_ylim()[1], np.nanmax(found["high"].values))
    step = 0.05 * (top - ax.get_ylim()[0])
    marked = [x for x in range(1, n) if apart.values[0, x] < _LEVEL]
    for i, x in enumerate(marked):
        ax.plot([0, x], [top + (i + 1) * step] * 2, color="black", lw=0.8)
    words = found["score"].attrs["long_name"]
    ax.set_ylabel(f"{found.attrs['comparison'].replace('_', ' ')}\n({words})")
    figure.legend(loc="outside upper center", ncols=3)
    return figure
