"""Labels of the scores of altered networks."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurodyn import labels

__all__ = ["lesion_result", "relative_accuracy"]


def relative_accuracy(found, intact, chance: float, baseline: str) -> tuple[np.ndarray, float]:
    """Accuracy above chance relative to the intact network, and the accuracy that counts as 1."""
    if baseline not in ("max", "mean"):
        raise ValueError(f"`baseline` is 'max' or 'mean', got {baseline!r}.")
    base = float(intact.max() if baseline == "max" else intact.mean())
    if not base > chance:
        return np.full(len(found), np.nan), base
    return (found.mean(axis=1) - chance) / (base - chance), base


def lesion_result(dim, accuracy, relative, intact, base, chance, coords, finite) -> xr.Dataset:
    """Accuracies of altered networks with their labels."""
    dims = ("repetition", "unit") if dim == "unit" else ("sweep", "repetition")
    table = accuracy.T if dim == "unit" else accuracy
    return labels.dataset(
        {
            "accuracy": (dims, table, "1", "accuracy"),
            "relative_accuracy": (dim, relative, "1", "accuracy relative to the intact network"),
            "intact": ("repetition", intact, "1", "accuracy of the intact network"),
            "finite": (dim, finite, "1", "fraction of trials in which the network stayed finite"),
            "baseline": ((), base, "1", "accuracy that counts as 1"),
        },
        coords,
        source="analysis",
        kind="statistic",
        attrs={"chance": float(chance)},
        values=False,
    )
