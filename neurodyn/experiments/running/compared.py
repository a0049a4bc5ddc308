"""The section of a report about comparisons of models with recordings."""

from __future__ import annotations

import html
import itertools
from collections.abc import Iterator

import numpy as np
import xarray as xr

_SIDES = ("model", "recording", "window")


def comparisons(tree: xr.DataTree) -> str:
    """Tables of every result of :func:`neurodyn.analysis.compare` in a tree, as HTML.

    Models stand in the order of their mean score by each measure, the closest first. Empty where
    there is no such result.
    """
    found = [node for node in tree.subtree if {"score", "ceiling"} <= set(node.data_vars)]
    parts = [_table(node.to_dataset()) for node in found if "metric" in node.dims]
    return "" if not parts else "<h2>Comparison</h2>\n" + "\n".join(parts)


def _table(score: xr.Dataset) -> str:
    sides = [dim for dim in _SIDES if dim in score.dims]
    interval = ["interval"] if "low" in score else []
    columns = ["measure", *sides, "score", *interval, "ceiling", "null", "p"]
    head = "".join(f"<th>{name}</th>" for name in columns)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
        for row in _rows(score, sides)
    )
    said = html.escape(" ".join(_said(score)))
    return f'<table>\n<tr>{head}</tr>\n{rows}\n</table>\n<p class="ranges">{said}</p>'


def _rows(score: xr.Dataset, sides: list[str]) -> Iterator[list[str]]:
    for metric in score["metric"].values:
        one = score.sel(metric=metric)
        for names in itertools.product(*(_ordered(one, side) for side in sides)):
            at = one.sel(dict(zip(sides, names, strict=True)))
            units = str(at["score_units"].values)
            title = str(at["title"].values) + ("" if units in ("1", "") else f" [{units}]")
            cells = [title, *map(str, names), _number(at["score"])]
            if "low" in at:
                cells.append(f"{_number(at['low'])} to {_number(at['high'])}")
            null = at["null"] if "null" in at else xr.DataArray(np.nan)
            p = at["p_value"].max() if "p_value" in at else xr.DataArray(np.nan)
            yield [*cells, _number(at["ceiling"]), _number(null), _number(p, "{:.3g}")]


def _ordered(one: xr.Dataset, side: str) -> list:
    if side != "model":
        return list(one[side].values)
    mean = one["score"].mean([dim for dim in one["score"].dims if dim != "model"]).values
    worst = np.where(np.isnan(mean), np.inf, -mean if int(one["higher_is_better"]) else mean)
    return list(one["model"].values[np.argsort(worst, kind="stable")])


def _number(values: xr.DataArray, how: str = "{:.2f}") -> str:
    known = values.values[np.isfinite(values.values)]
    return how.format(known.mean()) if known.size else "-"


def _said(score: xr.Dataset) -> list[str]:
    """What p-values and intervals mean."""
    asked = score["null_question"].values.ravel() if "null_question" in score else []
    questions = dict.fromkeys([str(score.attrs.get("null_question", "")), *map(str, asked)])
    said = [f"The p-value answers: {question}" for question in questions if question]
    if "low" in score:
        level, kind = 100 * float(score.attrs["level"]), score.attrs["interval"]
        levels = score.attrs["bootstrap"]
        said.append(f"Intervals hold {level:g} %, from a {kind} over: {levels}.")
    if "seed" in score.dims:
        said.append("Numbers are means over networks; p is the largest of them.")
    return said
