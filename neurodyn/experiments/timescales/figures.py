"""Figures of the emergent timescales, one for each of the paper's questions."""

from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr

from neurodyn.experiments.timescales.summary import NAMES
from neurodyn.plot.style import BLUE, GREY, ORANGE, styled, subplots

__all__ = ["figures"]

_COLOURS = {"single": BLUE, "cumulative": ORANGE, "sliding": "#3f8f5b", "no_curriculum": GREY}


def figures(tree: xr.DataTree) -> dict[str, Any]:
    """Every figure for which there is something to show, by name."""
    model = tree["model"].to_dataset()
    parts = {
        name: node.to_dataset()
        for name, node in (tree["analysis"].children if "analysis" in tree.children else {}).items()
    }
    drawn = {"training": training(model)}
    if "trained" in model["treatment"].values and np.isfinite(model["tau_mean"]).any():
        drawn["time_constants"] = time_constants(model.sel(treatment="trained"))
    if model.sizes["treatment"] > 1 or len(np.unique(model["largest_n"])) > 1:
        drawn["largest_n"] = largest_n(model)
    if "timescales" in parts:
        drawn["network_timescales"] = network_timescales(parts["timescales"])
    if "ablation" in parts:
        drawn["ablation"] = ablation(parts["ablation"])
    if "perturbation_W" in parts and "perturbation_tau" in parts:
        drawn["perturbation"] = perturbation(parts["perturbation_W"], parts["perturbation_tau"])
    if "retraining" in parts:
        drawn["retraining"] = retraining(parts["retraining"])
    return drawn


def _lines(ax: Any, ds: xr.DataArray, colour: Any, label: str, dim: str, style: str = "-") -> None:
    """A thin line for each seed, and their mean where all are there (a seed alone: as it is)."""
    values = ds.transpose("seed", dim).values
    values = values[np.isfinite(values).any(1)]  # seeds of which there is nothing
    there = np.isfinite(values).any(0)
    if not there.any():
        return
    x = ds[dim].values[there] if dim in ds.coords else np.arange(values.shape[1])[there]
    values = values[:, there]
    if len(values) > 1:
        ax.plot(x, values.T, color=colour, lw=0.6, alpha=0.45, ls=style)
    mean = values.mean(0)  # NaN, which is not drawn, where a seed is missing
    marker = "o" if len(x) < 15 else None
    ax.plot(x, mean, color=colour, label=label, marker=marker, ms=3, ls=style)


def _each(ds: xr.Dataset) -> list[tuple[str, str, xr.Dataset]]:
    """Name, colour and data of every curriculum (trained time constants first)."""
    treatments = ds["treatment"].values.tolist()
    chosen = ds.sel(treatment="trained" if "trained" in treatments else treatments[0])
    return [
        (NAMES[name], _COLOURS[name], chosen.sel(curriculum=name))
        for name in ds["curriculum"].values.tolist()
    ]


@styled
def training(model: xr.Dataset) -> Any:
    """Epochs spent until each N was solved."""
    figure, axes = subplots(1, 1, size=(3.6, 2.7))
    ax = axes[0, 0]
    for name, colour, ds in _each(model):
        _lines(ax, ds["epochs"], colour, name, "n")
    ax.set(xlabel="N", ylabel="epochs until N was solved")
    ax.legend()
    return figure


@styled
def time_constants(model: xr.Dataset) -> Any:
    """Mean and spread of the time constants, and the spectral radius, against N."""
    figure, axes = subplots(1, 3, size=(2.8, 2.5))
    titles = {
        "tau_mean": "mean time constant (steps)",
        "tau_sd": "SD of the time constants (steps)",
        "spectral_radius": "spectral radius of W",
    }
    for ax, (name, title) in zip(axes[0], titles.items(), strict=True):
        for curriculum in model["curriculum"].values.tolist():
            ds = model.sel(curriculum=curriculum)
            _lines(ax, ds[name], _COLOURS[curriculum], NAMES[curriculum], "n")
        ax.set(xlabel="N", title=title)
        _whole(ax)
    axes[0, 2].axhline(1, color=GREY, lw=0.8, ls=":")
    axes[0, 0].legend()
    return figure


@styled
def largest_n(model: xr.Dataset) -> Any:
    """The largest N solved, for every curriculum and treatment of tau; triangles: at least."""
    treatments = model["treatment"].values.tolist()
    figure, axes = subplots(1, 1, size=(1.8 + 0.7 * len(treatments), 2.7))
    ax, width = axes[0, 0], 0.8 / model.sizes["curriculum"]
    for i, curriculum in enumerate(model["curriculum"].values.tolist()):
        x = np.arange(len(treatments)) + (i - (model.sizes["curriculum"] - 1) / 2) * width
        ds = model.sel(curriculum=curriculum).transpose("seed", "treatment", ...)
        values = ds["largest_n"].where(ds["largest_n"] > 0).values  # 0: there is no such run
        colour = _COLOURS[curriculum]
        count = np.isfinite(values).sum(0)
        mean = np.nansum(values, 0) / np.maximum(count, 1)
        ax.bar(x, mean, 0.9 * width, color=colour, alpha=0.6, label=NAMES[curriculum])
        failed = ds["ended"].values == "epochs"
        at = np.tile(x, (len(values), 1))
        ax.plot(at[failed], values[failed], ".", color=colour, ms=5)
        # Stopped, not failed: it may get further.
        ax.plot(at[~failed], values[~failed], "^", mec=colour, mfc="none", ms=5)
    names = [name if name == "trained" else f"fixed at {name}" for name in treatments]
    ax.set_xticks(range(len(names)), names)
    ax.set(xlabel="time constants", ylabel="largest N solved")
    ax.set_ylim(top=1.3 * float(model["largest_n"].max()))
    ax.legend(loc="upper center", ncols=2, columnspacing=1)
    return figure


@styled
def network_timescales(found: xr.Dataset) -> Any:
    """Timescales of the activity against N: units above one step, their fraction, dimensions."""
    figure, axes = subplots(1, 3, size=(2.8, 2.5))
    for name, colour, ds in _each(found):
        _lines(axes[0, 0], ds["mean_above"], colour, name, "n")
        if "mean_above_strict" in ds:
            _lines(axes[0, 0], ds["mean_above_strict"], colour, f"{name}, strict", "n", "--")
        _lines(axes[0, 1], 100 * ds["fraction_above"], colour, name, "n")
        _lines(axes[0, 2], ds["dimension"], colour, name, "n")
    titles = ("mean timescale above 1 (steps)", "units above 1 (%)", "components for 90 %")
    for ax, title in zip(axes[0], titles, strict=True):
        ax.set(xlabel="N", title=title)
        ax.set_ylim(bottom=0)
        _whole(ax)
    axes[0, 0].set_ylim(top=1.6 * axes[0, 0].get_ylim()[1])
    axes[0, 0].legend(loc="upper left", ncols=1, fontsize=7)
    return figure


@styled
def ablation(found: xr.Dataset) -> Any:
    """Relative accuracy without a single unit, for fast and slow units at each N."""
    figure, axes = subplots(1, found.sizes["n"], size=(2.6, 2.5), sharey=True)
    for ax, n in zip(axes[0], found["n"].values.tolist(), strict=True):
        names = []
        for i, (name, colour, ds) in enumerate(_each(found)):
            names.append(name.replace("-head", ""))
            for j, kind in enumerate(("fast", "slow")):
                values = ds[kind].sel(n=n).values.ravel()
                values = values[np.isfinite(values)]
                if not values.size:
                    continue
                x = i + (j - 0.5) * 0.36
                spread = np.linspace(-0.12, 0.12, values.size)
                face = "none" if kind == "slow" else colour
                ax.plot(x + spread, values, "o", ms=2.5, mec=colour, mfc=face, alpha=0.6)
                ax.plot([x - 0.15, x + 0.15], [values.mean()] * 2, color=colour, lw=2)
        ax.axhline(0, color=GREY, lw=0.8, ls=":")
        ax.set_xticks(range(len(names)), names)
        ax.set_xlim(-0.6, len(names) - 0.4)
        ax.set_title(f"N = {n}")
    axes[0, 0].set_ylabel("relative accuracy")
    handles = [
        mpl.lines.Line2D([], [], ls="", marker="o", color=GREY, ms=3, label="without a fast unit"),
        mpl.lines.Line2D(
            [], [], ls="", marker="o", mec=GREY, mfc="none", ms=3, label="without a slow unit"
        ),
    ]
    axes[0, 0].legend(handles=handles, loc="lower left")
    return figure


@styled
def perturbation(weights: xr.Dataset, tau: xr.Dataset) -> Any:
    """Accuracy against the size of the noise on weights and on time constants, for each N."""
    ns = weights["n"].values.tolist()
    figure, axes = subplots(len(ns), 2, size=(3.2, 2.3), sharey=True)
    for row, n in zip(axes, ns, strict=True):
        for ax, found, title in zip(
            row, (weights, tau), ("weights", "time constants"), strict=True
        ):
            for name, colour, ds in _each(found):
                ds = ds.sel(n=n).assign_coords(sweep=found["perturbation"].values)
                _lines(ax, ds["accuracy"], colour, name, "sweep")
            ax.axhline(0.5, color=GREY, lw=0.8, ls=":")
            ax.set(xscale="log", xlabel=f"relative size of the noise on {title}")
        row[0].set(ylabel=f"accuracy, N = {n}")
    axes[0, 0].legend()
    return figure


@styled
def retraining(found: xr.Dataset) -> Any:
    """Accuracy on larger N after training further, relative to that on the first."""
    figure, axes = subplots(1, 1, size=(3.6, 2.7))
    for name, colour, ds in _each(found):
        accuracy = ds["accuracy"].isel(n=0).assign_coords(sweep=found["target_n"].values)
        _lines(axes[0, 0], accuracy / accuracy.isel(sweep=0, drop=True), colour, name, "sweep")
    axes[0, 0].set(xlabel="N trained further", ylabel="accuracy relative to the first N")
    axes[0, 0].legend()
    return figure


def _whole(ax: Any) -> None:
    """N are whole numbers."""
    ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
