"""Trials in a factorial design: means of all combinations, held-out trials, shuffles."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from neurodyn.analysis.populations.marginals import Design
from neurodyn.analysis.shared.arrays import checked, recorded, rows
from neurodyn.analysis.shared.conditions import task_variable
from neurodyn.labels import LabelError


@dataclasses.dataclass(frozen=True)
class Trials:
    """Trials sorted by the values of task variables.

    Attributes
    ----------
    values
        Activity, ``(trial, time, unit)``.
    index
        Numbers of the trials of each combination, for each unit; -1 fills up.
    levels
        Values of each task variable, with its attributes.
    shared
        Whether all units were recorded in the same trials.
    repeated
        Whether there are single trials.
    """

    values: Float[np.ndarray, "trial time unit"]
    index: Int[np.ndarray, "combination unit most"]
    levels: dict[str, xr.Variable]
    shared: bool
    repeated: bool

    @property
    def counts(self) -> Int[np.ndarray, "combination unit"]:
        """Number of trials."""
        return (self.index >= 0).sum(-1)

    def means(self) -> Design:
        """Mean of each combination."""
        return self._shaped(self._sums() / self.counts[..., None])

    def _sums(self) -> Float[np.ndarray, "combination unit time"]:
        total = 0.0
        for k in range(self.index.shape[-1]):
            taken = self._take(self.index[..., k])
            total = total + np.where(self.index[..., k, None] >= 0, taken, 0.0)
        return np.asarray(total)

    def _take(self, which: Int[np.ndarray, "combination unit"]):
        units = np.arange(self.values.shape[-1])[None, :]
        return self.values[which, :, units]

    def _shaped(self, x: Float[np.ndarray, "combination unit time"]) -> Design:
        shape = [len(level) for level in self.levels.values()]
        return np.moveaxis(x, 1, 0).reshape(x.shape[1], *shape, x.shape[2])

    def split(self, generator: np.random.Generator) -> tuple[Design, Design]:
        """Means without one trial of each combination, and that trial."""
        counts = self.counts
        share = generator.random((len(counts), 1 if self.shared else counts.shape[1]))
        place = np.minimum((share * counts).astype(int), counts - 1)
        which = np.take_along_axis(self.index, place[..., None], axis=-1)[..., 0]
        held = self._take(which)
        rest = (self._sums() - held) / (counts - 1)[..., None]
        return self._shaped(rest), self._shaped(held)

    def shuffled(self, generator: np.random.Generator) -> Trials:
        """The same trials, dealt out to combinations at random."""
        mixed = np.full_like(self.index, -1)
        there = self.index >= 0
        order = None
        for unit in range(self.index.shape[1]):
            own = self.index[:, unit][there[:, unit]]
            if order is None or not self.shared:
                order = generator.permutation(len(own))
            block = np.full(there[:, unit].shape, -1)
            block[there[:, unit]] = own[order]
            mixed[:, unit] = block
        return dataclasses.replace(self, index=mixed)

    def check_repeated(self) -> None:
        """Refuse what cannot be cross-validated."""
        if not self.repeated:
            raise ValueError(
                "cross-validation holds out single trials, but activity holds condition means: "
                "pass the trials, or penalty=0 and n_shuffles=0."
            )
        if self.counts.min() < 2:
            combination, unit = np.unravel_index(self.counts.argmin(), self.counts.shape)
            raise ValueError(
                f"cross-validation needs two trials of each combination, and unit number {unit} "
                f"has {self.counts.min()} of {self._words(int(combination))}."
            )

    def _words(self, combination: int) -> str:
        shape = [len(level) for level in self.levels.values()]
        places = np.unravel_index(combination, shape)
        named = zip(self.levels.items(), places, strict=True)
        return ", ".join(f"{name}={level.values[i]}" for (name, level), i in named)

    def conditions(self) -> dict[str, Any]:
        """Coordinates of the combinations, on ``condition``."""
        grids = np.meshgrid(*(level.values for level in self.levels.values()), indexing="ij")
        return {
            name: xr.Variable("condition", grid.ravel(), level.attrs)
            for (name, level), grid in zip(self.levels.items(), grids, strict=True)
        }


def design_of(array: xr.DataArray, factors: Sequence[str]) -> Trials:
    """Sort trials, or condition means, by task variables.

    Raises
    ------
    LabelError
        If a task variable is unknown or has one value, a combination is missing, or trials are
        padded.
    """
    dim = rows(array)
    if not factors or len(set(factors)) < len(factors):
        raise LabelError(f"by must name task variables, each once, got {list(factors)}.")
    columns = [task_variable(array, name, dim) for name in factors]
    array = array.transpose(dim, "time", "unit")
    values = checked(array, missing=True).astype(np.float64)
    whole = recorded(values, dim)
    levels, codes = {}, []
    for name, column in zip(factors, columns, strict=True):
        level, code = np.unique(column.values, return_inverse=True)
        if len(level) < 2:
            raise LabelError(
                f"'{name}' has one value, {level[0]!s}, so that activity does not change with it: "
                "leave it out of by."
            )
        levels[name] = xr.Variable("level", level, column.attrs)
        codes.append(code)
    shape = tuple(len(level) for level in levels.values())
    combination = np.ravel_multi_index(codes, shape)
    n_units = values.shape[-1]
    flat = combination[:, None] * n_units + np.arange(n_units)[None, :]
    counts = np.bincount(flat[whole], minlength=np.prod(shape) * n_units)
    index = np.full((counts.size, max(counts.max(), 1)), -1)
    trial = np.broadcast_to(np.arange(len(values))[:, None], whole.shape)[whole]
    order = np.argsort(flat[whole], kind="stable")
    place = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    index[flat[whole][order], place] = trial[order]
    found = Trials(
        np.where(np.isnan(values), 0.0, values),
        index.reshape(-1, n_units, index.shape[-1]),
        levels,
        shared=bool((whole == whole[:, :1]).all()),
        repeated=dim == "trial",
    )
    if dim == "condition" and counts.max() > 1:
        raise LabelError(f"several conditions have the same {list(factors)}: name more in by.")
    if (found.counts == 0).any():
        missing = np.flatnonzero((found.counts == 0).any(1))
        named = "; ".join(found._words(int(c)) for c in missing[:6])
        raise LabelError(
            f"{len(missing)} of {np.prod(shape)} combinations were not recorded in every unit "
            f"({named}): leave out those units or values, or name fewer variables in by."
        )
    return found
