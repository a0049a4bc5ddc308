"""Printed results: aligned tables for people, one JSON document for programs."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import typer


def document(value: Any) -> None:
    """Print one JSON document; NaN becomes null."""
    typer.echo(json.dumps(_plain(value), indent=2, allow_nan=False))


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table."""
    grid = _grid()
    for column in columns:
        grid.add_column(column, overflow="fold")
    for row in rows:
        grid.add_row(*row)
    _console().print(grid)


def pairs(rows: Mapping[str, str]) -> None:
    """Print pairs of name and value."""
    grid = _grid(show_header=False)
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in rows.items():
        grid.add_row(name, value)
    _console().print(grid)


def spread(values: Any) -> str:
    """Mean and range of some numbers, as text."""
    import numpy as np

    values = np.atleast_1d(np.asarray(values, float))
    values = values[np.isfinite(values)]
    if not values.size:
        return "-"
    if values.size == 1:
        return f"{values[0]:.3f}"
    return f"{values.mean():.3f} ({values.min():.3f} to {values.max():.3f})"


def _console() -> Any:
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        # In files and pipes a line is a row, however long.
        console.width = 200
    return console


def _grid(**options: Any) -> Any:
    from rich.table import Table

    return Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0), **options)


def _plain(value: Any) -> Any:
    import numpy as np

    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (str, int, float)):
        return value
    return str(value)
