"""Weights of several areas."""

from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from neurodyn.params.base import (
    AbstractParameter,
    changed,
    held,
    require_parameter,
    scale_rows,
    value_of,
)
from neurodyn.params.entries import Free
from neurodyn.params.held import CannotHold, refuse_entries
from neurodyn.params.transposed import transposed
from neurodyn.params.weights import signs_of


def _pairs(areas: Any) -> tuple[tuple[str, int], ...]:
    return tuple(dict(areas).items())


class Blocks(AbstractParameter):
    """Weights between areas.

    Parameters
    ----------
    areas
        Number of units in each area, in order, e.g. ``{"V1": 80, "PFC": 40}``.
    within
        Parameter of the connections inside an area.
    between
        Parameters of the connections from one area to another, ``{("V1", "PFC"): Masked(0.1)}``;
        pairs that are not named are not connected.
    blocks
        All blocks, row by row, where they are bound already; None for an absent one.

    Raises
    ------
    ValueError
        If an area has no unit, or a pair does not name two areas.
    """

    areas: tuple[tuple[str, int], ...] = eqx.field(static=True, converter=_pairs)
    within: AbstractParameter | None = Free()
    between: Mapping[tuple[str, str], AbstractParameter] = eqx.field(default_factory=dict)
    blocks: tuple[tuple[Any, ...], ...] | None = None
    trained: ClassVar = ("blocks",)

    def __check_init__(self):
        areas = self.area_sizes()
        if not areas or min(areas.values()) < 1:
            raise ValueError(f"Blocks: every area needs at least one unit, got {areas}.")
        for pair in self.between:
            if len(pair) != 2 or pair[0] == pair[1] or not set(pair) <= set(areas):
                raise ValueError(
                    f"Blocks: `between` is keyed by (from, to) of two of the areas "
                    f"{list(areas)}, got {pair!r}."
                )

    def draw(self, shape, key, dtype=None):
        """Draw every block."""
        areas = self.area_sizes()
        n = sum(areas.values())
        if shape != (n, n):
            raise ValueError(
                f"Blocks: the areas {areas} hold {n} units, but the matrix is {shape}."
            )
        keys = jax.random.split(key, (len(areas), len(areas)))

        def block(i: int, source: str, j: int, target: str) -> Any:
            of = self.within if i == j else self.between.get((source, target))
            if of is None:
                return None
            require_parameter(self, "within" if i == j else "between", of)
            block = of.build((areas[source], areas[target]), keys[i, j], dtype)
            if value_of(block).shape != (areas[source], areas[target]):
                raise ValueError(f"Blocks: {type(of).__name__} does not describe a block.")
            return block

        blocks = tuple(
            tuple(block(i, source, j, target) for j, target in enumerate(areas))
            for i, source in enumerate(areas)
        )
        return changed(self, within=None, between={}, blocks=blocks)

    def hold(self, value):
        starts = np.cumsum((0, *self.sizes))

        def block(i: int, j: int, part: Any) -> Any:
            values = value[starts[i] : starts[i + 1], starts[j] : starts[j + 1]]
            try:
                if part is None:
                    refuse_entries(self, values, values != 0, "these areas are not connected.")
                return part if part is None else held(part, values)
            except CannotHold as error:
                raise error.moved(int(starts[i]), int(starts[j])) from error

        rows = [
            [block(i, j, part) for j, part in enumerate(row)] for i, row in enumerate(self.blocks)
        ]
        return changed(self, blocks=tuple(map(tuple, rows)))

    def value(self) -> Array:
        """The assembled matrix."""
        dtype, sizes = value_of(self.blocks[0][0]).dtype, self.sizes
        rows = [
            [
                jnp.zeros((sizes[i], sizes[j]), dtype) if b is None else value_of(b)
                for j, b in enumerate(row)
            ]
            for i, row in enumerate(self.blocks)
        ]
        return jnp.block(rows)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of units in each area."""
        return tuple(size for _, size in self.areas)

    @property
    def elementwise(self):
        """Whether every block is."""
        return all(part.elementwise for part in self.parts())

    def area_sizes(self):
        return dict(self.areas)

    def presynaptic_signs(self):
        rows: list[list[Any]] = [[signs_of(b) for b in row if b is not None] for row in self.blocks]
        agree = all(s is not None and np.array_equal(s, row[0]) for row in rows for s in row)
        return np.concatenate([row[0] for row in rows]) if agree else None

    def scale_rows(self, factors):
        parts = jnp.split(factors, np.cumsum(self.sizes)[:-1])
        rows = zip(self.blocks, parts, strict=True)
        blocks = [[b if b is None else scale_rows(b, f) for b in row] for row, f in rows]
        return changed(self, blocks=tuple(map(tuple, blocks)))

    def transposed(self):
        columns = zip(*self.blocks, strict=True)
        return changed(self, blocks=tuple(tuple(map(transposed, c)) for c in columns))
