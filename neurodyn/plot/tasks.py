"""Inputs, targets and epochs of a task, and the outputs of a run of it."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels import clock, entry
from neurodyn.labels.values import is_words, plain
from neurodyn.plot.style import BLUE, GREY, ORANGE, styled, subplots

#: Channels that are drawn as lines, at most; more become images.
_LINES = 16
#: Channels of one name that are an image by themselves.
_GROUP = 4
#: Channels of a group whose names all stand beside the image.
_NAMED = 24
#: Classes whose names find room beside a panel.
_CLASSES = 10
_INK = "#222222"


@styled
def trial(trials: xr.Dataset, *, trial: Any = None, run: xr.Dataset | None = None) -> Any:
    """Inputs and targets of one trial, with its epochs, and the outputs of a run of it.

    Up to 16 channels are lines. More are images with a row for each channel, an image for each
    group: neighbouring channels whose names differ only after the last underscore or in their
    number, such as those of a ring.

    Parameters
    ----------
    trials
        Result of ``task.trials(key, n)``: inputs, targets and mask.
    trial
        Label of one of them; default: the first.
    run
        A run of the same trials with outputs, such as ``simulate(model, trials.inputs)``. They are
        drawn dark on top of the target; as images, below it. Where targets are classes, the class
        with the largest output is drawn. Of an ensemble the first network is shown.

    Returns
    -------
    matplotlib.figure.Figure
        Epochs are shaded by turns. Targets are missing where they are not scored.

    Raises
    ------
    ValueError
        If there is no such trial, these are no trials of a task, or the run is of other trials.
    """
    one = entry(trials, "trial", trial)
    outputs = None if run is None else _outputs(run, one)
    # Epochs, which are drawn too, are in the unit of the clock.
    time, _, unit = clock(one, what="the trials", even=False)
    rows = []
    # Tasks whose sequences are to be generated have no inputs.
    if "inputs" in one:
        rows += _rows(one["inputs"], "input", BLUE)
    targets = one["targets"]
    scored = targets.where(one["mask"] > 0)
    continuous = "output" in targets.dims and "output" in targets.coords
    if "time" in targets.dims and continuous:
        rows += _rows(scored, "output", ORANGE, over=outputs)
    else:
        rows.append({"kind": "end" if "time" not in targets.dims else "classes", "height": 1.5})
    heights = [row["height"] for row in rows]
    figure, axes = subplots(
        len(rows), 1, size=(4.8, sum(heights) / len(rows)), sharex=True, height_ratios=heights
    )
    for ax, row in zip(axes[:, 0], rows, strict=True):
        if row["kind"] == "lines":
            _stack(ax, time, row)
        elif row["kind"] == "image":
            _image(figure, ax, time, row)
        elif row["kind"] == "classes":
            _classes(ax, time, one, scored, outputs, trials)
        else:
            text = f"target at the end: {np.atleast_1d(targets.values)}"
            if outputs is not None:
                last = outputs.dropna("time").isel(time=-1) if "time" in outputs.dims else outputs
                text += f"\noutput at the end: {np.round(last.values, 2)}"
            ax.text(0.02, 0.5, text, transform=ax.transAxes, va="center")
            ax.set_yticks([])
    _draw_epochs(axes[:, 0], one, rows, time)
    shown = "steps" if unit == "1" else unit
    axes[-1, 0].set_xlabel(f"time from {trials.attrs.get('align_event', 'start')} ({shown})")
    return figure


def _outputs(run: xr.Dataset, one: xr.Dataset) -> xr.DataArray:
    """The outputs of the same trial in a run.

    Raises
    ------
    ValueError
        If there are no outputs, or the trial with that label has other conditions.
    """
    if not isinstance(run, xr.Dataset) or "outputs" not in run.variables:
        held = [*run.data_vars] if isinstance(run, xr.Dataset) else f"a {type(run).__name__}"
        raise ValueError(
            f"`run` needs outputs over time: pass simulate(model, trials.inputs), not {held}."
        )
    label = one["trial"].item() if "trial" in one.coords else None
    same = entry(run, "trial", label)
    same = same.isel(seed=0) if "seed" in same.dims else same
    for name, value in one.coords.items():
        if value.ndim or name == "trial" or name not in same.coords or same[name].ndim:
            continue
        here, there = (plain(x[name].values) for x in (one, same))
        words = is_words(here) or is_words(there)
        if here != there if words else not np.isclose(here, there, equal_nan=True):
            raise ValueError(
                f"`run` is of other trials: '{name}' of trial {label} is {there.item()!r} there "
                f"and {here.item()!r} here; run these, simulate(model, trials.inputs)."
            )
    outputs, wanted = same["outputs"], one.coords.get("output")
    if wanted is None:  # classes
        return outputs
    if wanted.shape != outputs["output"].shape:
        raise ValueError(
            f"`run` is of another task: it has {outputs.sizes['output']} outputs, and the targets "
            f"{wanted.size}; run these trials, simulate(model, trials.inputs)."
        )
    if set(plain(wanted.values)) == set(plain(outputs["output"].values)):
        return outputs.sel(output=wanted.values)
    # Without its task a model numbers its outputs.
    return outputs.sortby("output").assign_coords(output=wanted.values)


def _rows(
    da: xr.DataArray, dim: str, colour: str, over: xr.DataArray | None = None
) -> list[dict[str, Any]]:
    """What is drawn of an array: one row of lines, or images and lines, in the order of channels.

    `over` is drawn on top of lines, and below images.
    """
    da = da.transpose("time", dim)
    names = [str(v) for v in da[dim].values]
    if len(names) <= _LINES:
        lines = {"kind": "lines", "height": 1.8, "data": da, "over": over, "label": dim}
        return [lines | {"colour": colour, "scale": _scale(da)}]
    rows: list[dict[str, Any]] = []
    for _, members in itertools.groupby(range(len(names)), key=lambda i: _stem(names[i])):
        part = list(members)
        if len(part) >= _GROUP:
            rows.append({"kind": "image", "channels": part, "label": _stem(names[part[0]])})
        elif rows and rows[-1]["kind"] == "lines":
            rows[-1]["channels"] += part
        else:
            rows.append({"kind": "lines", "channels": part, "label": dim})
    if all(row["kind"] == "lines" for row in rows):  # names without groups
        rows = [{"kind": "image", "channels": [*range(len(names))], "label": dim}]
    found = []
    for row in rows:
        n = len(row["channels"])
        image = row["kind"] == "image"
        row["height"] = 0.5 + (0.028 if n > _NAMED else 0.05) * n if image else 0.35 + 0.2 * n
        row |= {"data": da.isel({dim: row["channels"]}), "colour": colour, "over": None}
        row["scale"] = _scale(row["data"])
        found.append(row)
        if over is not None and image:
            below = over.transpose("time", dim).isel({dim: row["channels"]})
            own = {"data": below, "label": f"{row['label']}\n(run)", "colour": _INK}
            found.append(row | own | {"scale": _scale(below)})
        elif over is not None:
            row["over"] = over.isel({dim: row["channels"]})
    return found


def _scale(da: xr.DataArray) -> float:
    return max(1e-9, float(np.nanmax(np.abs(da.values)))) if np.isfinite(da.values).any() else 1.0


def _stem(name: str) -> str:
    """What the names of a group have in common."""
    return name.rpartition("_")[0] or re.sub(r"[\s\d]+$", "", name) or name


def _stack(ax: Any, time: np.ndarray, row: dict[str, Any]) -> None:
    """Channels below each other, on one scale."""
    da, over = row["data"], row["over"]
    dim = str(da.dims[1])
    scale = 1.1 * max(row["scale"], _scale(over) if over is not None else 0.0)
    for i in range(da.sizes[dim]):
        ax.axhline(-i, color="0.93", lw=0.8, zorder=0.5)
        ax.plot(time, da.isel({dim: i}) / scale - i, color=row["colour"], lw=1)
        if over is not None:
            at = clock(over, what="the run", even=False)[0]
            ax.plot(at, over.isel({dim: i}) / scale - i, color=_INK, lw=0.8, label="run")
    if over is not None:
        _say_run(ax)
    ax.set_yticks(-np.arange(da.sizes[dim]), [str(v) for v in da[dim].values])
    ax.set(ylabel=row["label"], ylim=(-da.sizes[dim], 1))


def _image(figure: Any, ax: Any, time: np.ndarray, row: dict[str, Any]) -> None:
    """A row for each channel; grey where there is nothing."""
    import matplotlib as mpl

    da = row["data"]
    dim = str(da.dims[1])
    values, n = da.values.T, da.sizes[dim]
    if "time" in da.coords:
        time = clock(da, what="the image", even=False)[0]
    signed = np.nanmin(values, initial=0.0) < -0.25 * row["scale"]
    look: dict[str, Any]
    look = {"vmin": -row["scale"], "cmap": "RdBu_r"} if signed else {"vmin": 0.0, "cmap": "Greys"}
    if not signed and row["colour"] != _INK:
        shades = [(1.0, 1.0, 1.0), mpl.colors.to_rgb(row["colour"])]
        look["cmap"] = mpl.colors.LinearSegmentedColormap.from_list("channel", shades)
    colours = mpl.colormaps.get_cmap(look.pop("cmap")).with_extremes(bad="0.88")
    step = float(np.median(np.diff(time))) if time.size > 1 else 1.0
    edges = np.concatenate([[time[0] - step], time])  # a sample stands at the end of its step
    mesh = ax.pcolormesh(
        edges, np.arange(n + 1) - 0.5, np.ma.masked_invalid(values), cmap=colours,
        vmax=row["scale"], rasterized=True, **look,
    )  # fmt: skip
    ax.set_ylim(n - 0.5, -0.5)
    stem = _stem(str(da[dim].values[0]))
    names = [str(v).removeprefix(stem).lstrip("_ ") for v in da[dim].values]
    numbered = all(re.fullmatch(r".*\d+", name) for name in names)
    every = 1 if n <= _NAMED and not numbered else max(1, -(-n // 4))
    ax.set_yticks(range(0, n, every), names[::every], fontsize=5 if every == 1 else 6)
    ax.set_ylabel(row["label"], fontsize=7)
    bar = figure.colorbar(mesh, ax=ax, pad=0.01, aspect=12)
    bar.ax.tick_params(labelsize=5)


def _classes(
    ax: Any,
    time: np.ndarray,
    one: xr.Dataset,
    scored: xr.DataArray,
    outputs: xr.DataArray | None,
    trials: xr.Dataset,
) -> None:
    """Class codes as steps, one head above the other."""
    named = json.loads(str(trials.attrs.get("labels", "{}"))).get("target", {})
    heads = scored.transpose("time", ...).values.reshape(time.size, -1)
    classes = one["targets"].transpose("time", ...).values.reshape(time.size, -1)
    apart, largest = classes.max() + 1.5, np.zeros((0, 1))
    for i, values in enumerate(heads.T):
        ax.step(time, values - apart * i, where="pre", color=ORANGE)
    if outputs is not None:
        at = clock(outputs, what="the run", even=False)[0]
        shown = outputs.transpose("time", "output").values
        logits = shown.reshape(len(at), heads.shape[1], -1)
        largest = np.where(np.isfinite(logits).all(-1), logits.argmax(-1), np.nan)
        for i, values in enumerate(largest.T):
            ax.step(at, values - apart * i, where="pre", color=_INK, lw=0.8, label="run")
        _say_run(ax)
    shown_codes = np.concatenate([classes.ravel(), largest[np.isfinite(largest)]])
    codes = np.unique(shown_codes).astype(int)
    if heads.shape[1] == 1:
        # The next name is that of the next code that is far enough from the last one.
        least = np.ptp(codes) / _CLASSES
        spaced = itertools.accumulate(codes, lambda last, c: c if c - last >= least else last)
        codes = np.array([*dict.fromkeys(spaced)])
        ax.set_yticks(codes, [named.get(str(c), str(c)) for c in codes])
    else:
        ax.set_yticks(-apart * np.arange(heads.shape[1]), map(str, range(heads.shape[1])))
    ax.set_ylabel("target")


def _say_run(ax: Any) -> None:
    handles, _ = ax.get_legend_handles_labels()
    ax.legend(handles[:1], ["run"], fontsize=6, loc="upper left", borderpad=0.1)


def _draw_epochs(axes: Any, one: xr.Dataset, rows: list[dict[str, Any]], time: np.ndarray) -> None:
    """Shades and names of epochs."""
    look = {"transform": axes[0].get_xaxis_transform(), "fontsize": 7, "color": "0.4"}
    spans = sorted(_epochs(one).items(), key=lambda item: item[1])
    starts = [start for _, (start, _) in spans]
    for i, (name, (start, stop)) in enumerate(spans):
        for ax, row in zip(axes, rows, strict=True):
            if row["kind"] == "image":
                ax.axvline(start, color=GREY, lw=0.6, ls=":")
            elif i % 2:
                ax.axvspan(start, stop, color="0.95", lw=0, zorder=0)
            else:
                ax.axvline(start, color="0.85", lw=0.8, zorder=0.4)
        # By turns on two lines, so that the names of short epochs do not meet.
        lifted = 0.14 / axes[0].bbox.height * 72 * (i % 2)
        axes[0].text(start, 1.02 + lifted, name, **look)
    ends = [time[-1], *(stop for _, (_, stop) in spans)]
    axes[0].set_xlim(min([*starts, time[0]]), max(ends))


def _epochs(one: xr.Dataset) -> dict[str, tuple[float, float]]:
    """When each epoch of a trial lasts: the same in all trials, or another in each."""
    found = {}
    for name, value in one.attrs.items():
        if str(name).startswith("epoch_"):
            found[str(name)[6:]] = (float(value[0]), float(value[1]))
    for name, c in one.coords.items():
        epoch = str(name).removesuffix("_start")
        if epoch != name and f"{epoch}_stop" in one.coords:
            found[epoch] = (float(c), float(one[f"{epoch}_stop"]))
    # Those that this trial does not have would write their names on top of others.
    return {n: span for n, span in found.items() if np.isfinite(span).all() and span[0] < span[1]}
