"""The grid of a sweep: names, their values, and the labels under which results are stored."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels import encode_attrs

SEED = "seed"
_SEED_ATTRS = {"units": "1", "long_name": "seed of the point"}
_PLAIN = (str, int, float, type(None))


@dataclasses.dataclass(frozen=True)
class Axis:
    """One name of the grid.

    Attributes
    ----------
    name
        Name: an argument of the function or a setting of the experiment, and a dim of the result.
    values
        Values, as the function gets them.
    labels
        Labels of the values, the coordinate of the dim.
    attrs
        Attributes of the coordinate, such as its units.
    """

    name: str
    values: tuple[Any, ...]
    labels: np.ndarray
    attrs: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, name: str, given: Any, attrs: Mapping[str, Any] | None = None) -> Axis:
        """Read the values that a user gave for a name.

        Raises
        ------
        TypeError
            If they are no list, or objects without labels.
        ValueError
            If there are none, or labels repeat.
        """
        attrs, labels = dict(attrs or {}), None
        if isinstance(given, xr.DataArray):
            attrs, given = attrs | encode_attrs(given.attrs), given.values
        if isinstance(given, Mapping):
            labels, given = list(given), list(given.values())
        values = _listed(name, given)
        found = _labels(name, values if labels is None else labels)
        texts = [str(label) for label in found.tolist()]
        again = sorted({text for text in texts if texts.count(text) > 1})
        if again:
            raise ValueError(
                f"The grid has {', '.join(again)} twice for {name!r}: a point has one label."
            )
        return cls(name, tuple(values), found, attrs)

    def spelled(self) -> list[Any]:
        """Labels as JSON holds them."""
        return self.labels.tolist()


@dataclasses.dataclass(frozen=True)
class Grid:
    """All points of a sweep, in the order of their axes, the last fastest.

    Attributes
    ----------
    axes
        Names with their values; an axis of seeds is the last one.
    seeds
        Whether the last axis holds seeds.
    """

    axes: tuple[Axis, ...]
    seeds: bool = False

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of the axes."""
        return tuple(axis.name for axis in self.axes)

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of values."""
        return tuple(len(axis.values) for axis in self.axes)

    def __len__(self) -> int:
        return math.prod(self.shape)

    def place(self, point: int) -> dict[str, int]:
        """Position of a point along each dim."""
        at = np.unravel_index(point, self.shape)
        return {name: int(i) for name, i in zip(self.dims, at, strict=True)}

    def labels(self, point: int) -> dict[str, Any]:
        """Label of a point along each dim."""
        place = self.place(point)
        return {axis.name: axis.labels[place[axis.name]].item() for axis in self.axes}

    def arguments(self, point: int) -> dict[str, Any]:
        """Values of a point by name, without its seed."""
        place = self.place(point)
        axes = self.axes[:-1] if self.seeds else self.axes
        return {axis.name: axis.values[place[axis.name]] for axis in axes}

    def seed(self, point: int) -> int | None:
        """Seed of a point; None in a grid without seeds."""
        return self.axes[-1].values[self.place(point)[SEED]] if self.seeds else None

    def named(self, point: int) -> str:
        """A point in words, such as ``tau=10, seed=3``."""
        return ", ".join(f"{name}={label}" for name, label in self.labels(point).items())


def grid_of(
    given: Mapping[str, Any],
    seeds: Sequence[int] | None,
    attrs: Mapping[str, Mapping[str, Any]] | None = None,
) -> Grid:
    """The grid of a sweep.

    Parameters
    ----------
    given
        Values by name, as of :func:`neurodyn.sweep`.
    seeds
        Seeds, checked; None: no axis of seeds.
    attrs
        Attributes of coordinates by name.

    Raises
    ------
    TypeError
        If it does not map names to lists.
    ValueError
        If a list is empty, labels repeat, or there is nothing to sweep.
    """
    if seeds is not None and SEED in given:
        raise ValueError("Give seeds in `grid` or as `seeds`, not in both.")
    about = attrs or {}
    axes = [Axis.of(name, values, about.get(name)) for name, values in given.items()]
    if seeds is not None:
        axes.append(Axis.of(SEED, list(seeds), _SEED_ATTRS))
    if not axes:
        raise ValueError("There is nothing to sweep: `grid` is empty, and there are no seeds.")
    return Grid(tuple(axes), seeds is not None)


def check_names(given: Any) -> None:
    """Refuse a grid that does not map names to something.

    Raises
    ------
    TypeError
        If it is no mapping.
    ValueError
        If a name is no name of an argument.
    """
    if not isinstance(given, Mapping):
        raise TypeError(
            f"`grid` maps names to lists of values, e.g. {{'tau': [10, 20]}}; got "
            f"{type(given).__name__}."
        )
    for name in given:
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(f"Names in `grid` are names of arguments, got {name!r}.")


def seeds_of(given: Any) -> list[int]:
    """Seeds as a list: a number stands for the seeds from 0.

    Raises
    ------
    ValueError
        If it is neither a number of seeds nor a list of seeds from 0 to 2**32 - 1.
    """
    number = isinstance(given, (int, np.integer)) and not isinstance(given, (bool, np.bool_))
    if number and given >= 1:
        return list(range(int(given)))
    if not number and isinstance(given, Iterable) and not isinstance(given, str):
        found = [value.item() if isinstance(value, np.generic) else value for value in given]
        right = [type(value) is int and 0 <= value < 2**32 for value in found]
        if found and all(right):
            return found
    raise ValueError(
        "`seeds` is a number of seeds, at least 1, or a list of seeds from 0 to 2**32 - 1; got "
        f"{given!r}."
    )


def _listed(name: str, given: Any) -> list[Any]:
    if hasattr(given, "tolist") and hasattr(given, "ndim"):
        if given.ndim != 1:
            raise TypeError(
                f"The grid takes a list of values for {name!r}, got an array with {given.ndim} "
                "axes."
            )
        given = np.asarray(given).tolist()
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise TypeError(
            f"The grid takes a list of values for {name!r}, e.g. [{given!r}]; got {given!r}."
        )
    values = [one.item() if isinstance(one, np.generic) else one for one in given]
    if not values:
        raise ValueError(f"The grid has no value for {name!r}: give at least one.")
    return values


def _labels(name: str, values: Sequence[Any]) -> np.ndarray:
    """Labels of values: numbers, truth values and text are their own, others become text."""
    for value in values:
        items = value if isinstance(value, (tuple, list)) else [value]
        if not all(isinstance(item, (*_PLAIN, np.generic)) for item in items):
            raise TypeError(
                f"Values of {name!r} are a {type(value).__name__}, which is no label: map labels "
                f"to them, e.g. {{{name!r}: {{'first': ..., 'second': ...}}}}."
            )
        if isinstance(value, float) and math.isnan(value):
            raise ValueError(f"The grid has NaN for {name!r}, which is no label of a point.")
    kinds = {type(value) for value in values}
    if kinds <= {bool}:
        return np.asarray(values, bool)
    if kinds == {int} and all(-(2**63) <= value < 2**63 for value in values):
        return np.asarray(values, np.int64)
    if kinds <= {int, float}:
        return np.asarray(values, np.float64)
    return np.asarray([text(value) for value in values], str)


def text(value: Any) -> str:
    """A value as text: tuples with commas, None as `none`, truth values in small letters."""
    if isinstance(value, (tuple, list)):
        return ",".join(text(item) for item in value)
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)
