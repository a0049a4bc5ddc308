"""Figures of the emergent timescales, one for each question of the paper."""

import math
from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr

from neurodyn.experiments.timescales.summary import NAMES, is_trained, unit_of_time
from neurodyn.plot.style import BLUE, GREY, ORANGE, styled, subplots, whole_ticks

_STYLES = "-", "--", ":", "-."
COLOURS = {"single": BLUE, "cumulative": ORANGE, "sliding": "#3f8f5b", "no_curriculum": GREY}


def figures(tree: xr.DataTree) -> dict[str, Any]:
    """Every figure with data, by name."""
    model = tree["model"].to_dataset()
    parts = {
        name: node.to_dataset()
        for name, node in (tree["analysis"].children if "analysis" in tree.children else {}).items()
    }
    unit = unit_of_time(tree)
    drawn = {"training": training(model)}
    moving = [name for name in model["treatment"].values.tolist() if is_trained(name)]
    if np.isfinite(model["tau_mean"].sel(treatment=moving)).any():
        drawn["time_constants"] = time_constants(model.sel(treatment=moving), unit)
    if model.sizes["treatment"] > 1 or len(np.unique(model["largest_n"])) > 1:
        drawn["largest_n"] = largest_n(model)
    if "timescales" in parts:
        drawn["network_timescales"] = network_timescales(parts["timescales"], unit)
    if "ablation" in parts:
        drawn["ablation"] = ablation(parts["ablation"])
    if "perturbation_W" in parts and "perturbation_tau" in parts:
        drawn["perturbation"] = perturbation(parts["perturbation_W"], parts["perturbation_tau"])
    if "hold" in parts:
        drawn["hold"] = hold(parts["hold"])
    if "retraining" in parts:
        drawn["retraining"] = retraining(parts["retraining"])
    return drawn


@styled
def training(model: xr.Dataset) -> Any:
    """Epochs until each N was solved, in a panel for every treatment."""
    treatments = model["treatment"].values.tolist()
    columns = min(4, len(treatments))
    rows = math.ceil(len(treatments) / columns)
    size = (3.6, 2.7) if len(treatments) == 1 else (2.6, 2.4)
    figure, axes = subplots(rows, columns, size=size, sharex=True, sharey=True)
    for ax, treatment in zip(axes.flat, treatments, strict=False):
        for name in model["curriculum"].values.tolist():
            ds = model.sel(treatment=treatment, curriculum=name)
            lines(ax, ds["epochs"], COLOURS[name], NAMES[name], "n")
        if len(treatments) > 1:
            ax.set_title(called(treatment))
        whole_ticks(ax.xaxis)
    for ax in axes.flat[len(treatments) :]:
        ax.set_visible(False)
    for ax in axes[-1]:
        ax.set_xlabel("N")
    for ax in axes[:, 0]:
        ax.set_ylabel("epochs until N was solved")
    axes[0, 0].legend()
    return figure


@styled
def time_constants(model: xr.Dataset, unit: str = "steps") -> Any:
    """Mean and spread of the time constants, and the spectral radius, against N."""
    figure, axes = subplots(1, 3, size=(2.8, 2.5))
    titles = {
        "tau_mean": f"mean time constant ({unit})",
        "tau_sd": f"SD of the time constants ({unit})",
        "spectral_radius": "spectral radius of W",
    }
    for ax, (name, title) in zip(axes[0], titles.items(), strict=True):
        for label, colour, style, ds in each(model):
            lines(ax, ds[name], colour, label, "n", style)
        ax.set(xlabel="N", title=title)
        whole_ticks(ax.xaxis)
    axes[0, 2].axhline(1, color=GREY, lw=0.8, ls=":")
    axes[0, 0].legend()
    return figure


@styled
def largest_n(model: xr.Dataset) -> Any:
    """Largest solved N by curriculum and time constants; triangles are unfinished networks."""
    treatments = model["treatment"].values.tolist()
    figure, axes = subplots(1, 1, size=(2.4 + 0.7 * len(treatments), 2.7))
    ax, width = axes[0, 0], 0.8 / model.sizes["curriculum"]
    for i, curriculum in enumerate(model["curriculum"].values.tolist()):
        x = np.arange(len(treatments)) + (i - (model.sizes["curriculum"] - 1) / 2) * width
        ds = model.sel(curriculum=curriculum).transpose("seed", "treatment", ...)
        values = ds["largest_n"].where(ds["largest_n"] > 0).values  # 0: no such network
        colour = COLOURS[curriculum]
        count = np.isfinite(values).sum(0)
        mean = np.nansum(values, 0) / np.maximum(count, 1)
        ax.bar(x, mean, 0.9 * width, color=colour, alpha=0.6, label=NAMES[curriculum])
        failed = ds["ended"].values == "epochs"
        at = np.tile(x, (len(values), 1))
        ax.plot(at[failed], values[failed], ".", color=colour, ms=5)
        # Unfinished networks may solve larger N.
        ax.plot(at[~failed], values[~failed], "^", mec=colour, mfc="none", ms=5)
    ax.set_xticks(range(len(treatments)), [called(name) for name in treatments])
    ax.set(xlabel="time constants", ylabel="largest N solved")
    ax.set_ylim(top=1.3 * float(model["largest_n"].max()))
    ax.legend(loc="upper center", ncols=2, columnspacing=1)
    return figure


@styled
def network_timescales(found: xr.Dataset, unit: str = "steps") -> Any:
    """Timescales of the activity against N: mean above one step, fraction of units, dimension."""
    figure, axes = subplots(1, 3, size=(2.8, 2.5))
    several = len({style for _, _, style, _ in each(found)}) > 1
    for name, colour, style, ds in each(found):
        lines(axes[0, 0], ds["mean_above"], colour, name, "n", style)
        if "mean_above_strict" in ds and not several:
            lines(axes[0, 0], ds["mean_above_strict"], colour, f"{name}, strict", "n", "--")
        lines(axes[0, 1], 100 * ds["fraction_above"], colour, name, "n", style)
        lines(axes[0, 2], ds["dimension"], colour, name, "n", style)
    titles = (f"mean timescale above 1 ({unit})", "units above 1 (%)", "components for 90 %")
    for ax, title in zip(axes[0], titles, strict=True):
        ax.set(xlabel="N", title=title)
        ax.set_ylim(bottom=0)
        whole_ticks(ax.xaxis)
    axes[0, 0].set_ylim(top=1.6 * axes[0, 0].get_ylim()[1])
    axes[0, 0].legend(loc="upper left", ncols=1, fontsize=7)
    return figure


@styled
def ablation(found: xr.Dataset) -> Any:
    """Relative accuracy without a single unit, for fast and slow units at each N."""
    figure, axes = subplots(1, found.sizes["n"], size=(2.6, 2.5), sharey=True)
    for ax, n in zip(axes[0], found["n"].values.tolist(), strict=True):
        names = []
        for i, (name, colour, _, ds) in enumerate(each(found)):
            names.append(name.replace("-head", "").replace(", ", "\n"))
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
            for name, colour, style, ds in each(found):
                ds = ds.sel(n=n).assign_coords(sweep=found["perturbation"].values)
                lines(ax, ds["accuracy"], colour, name, "sweep", style)
            ax.axhline(0.5, color=GREY, lw=0.8, ls=":")
            ax.set(xscale="log", xlabel=f"relative size of the noise on {title}")
        row[0].set(ylabel=f"accuracy, N = {n}")
    axes[0, 0].legend()
    return figure


@styled
def retraining(found: xr.Dataset) -> Any:
    """Accuracy on larger N after further training, relative to that on the first N."""
    figure, axes = subplots(1, 1, size=(3.6, 2.7))
    for name, colour, style, ds in each(found):
        accuracy = ds["accuracy"].isel(n=0).assign_coords(sweep=found["target_n"].values)
        lines(
            axes[0, 0], accuracy / accuracy.isel(sweep=0, drop=True), colour, name, "sweep", style
        )
    axes[0, 0].set(xlabel="N trained further", ylabel="accuracy relative to the first N")
    axes[0, 0].legend()
    return figure


@styled
def hold(found: xr.Dataset) -> Any:
    """Accuracy on the largest N against the number of steps per bit."""
    figure, axes = subplots(1, 1, size=(3.8, 2.7))
    ax = axes[0, 0]
    for name, colour, style, ds in each(found):
        for n in ds["n"].values[ds["accuracy"].notnull().any(["seed", "sweep"])].tolist():
            lines(ax, ds["accuracy"].sel(n=n), colour, f"{name}, N = {n}", "sweep", style)
    for steps in np.unique(found["trained_hold"].values[found["trained_hold"].notnull().values]):
        ax.axvline(steps, color=GREY, lw=0.8, ls=":")
        ax.annotate("trained", (steps, 0.02), xycoords=("data", "axes fraction"), color=GREY,
                    xytext=(3, 0), textcoords="offset points", fontsize=7)  # fmt: skip
    ax.axhline(0.5, color=GREY, lw=0.8, ls=":")
    ax.set(xscale="log", xlabel="steps that a bit lasts", ylabel="accuracy")
    ax.set_ylim(top=1.02)
    ax.legend()
    return figure


def lines(ax: Any, ds: xr.DataArray, colour: Any, label: str, dim: str, style: str = "-") -> None:
    """Draw a thin line for each seed, and their mean where all seeds have values."""
    values = ds.transpose("seed", dim).values
    values = values[np.isfinite(values).any(1)]  # without empty seeds
    there = np.isfinite(values).any(0)
    if not there.any():
        return
    x = ds[dim].values[there] if dim in ds.coords else np.arange(values.shape[1])[there]
    values = values[:, there]
    if len(values) > 1:
        ax.plot(x, values.T, color=colour, lw=0.6, alpha=0.45, ls=style)
    mean = values.mean(0)  # NaN, which is not drawn, if a seed has no value
    marker = "o" if len(x) < 15 else None
    ax.plot(x, mean, color=colour, label=label, marker=marker, ms=3, ls=style)


def each(ds: xr.Dataset) -> list[tuple[str, Any, str, xr.Dataset]]:
    """Name, colour, line style and data of every curriculum and treatment with data.

    If there are treatments with trained time constants, those with fixed ones are left out; the
    figure of the largest N shows them.
    """
    treatments = ds["treatment"].values.tolist()
    chosen = [name for name in treatments if is_trained(name)] or treatments
    found = []
    for i, treatment in enumerate(chosen):
        for name in ds["curriculum"].values.tolist():
            own = ds.sel(treatment=treatment, curriculum=name)
            if not any(own[v].notnull().any() for v in own if "seed" in own[v].dims):
                continue
            label = NAMES[name] if len(chosen) == 1 else f"{NAMES[name]}, {called(treatment)}"
            found.append((label, COLOURS[name], _STYLES[i % len(_STYLES)], own))
    return found


def called(treatment: str) -> str:
    """Name of a treatment."""
    return f"fixed at {treatment}" if treatment[0].isdigit() else treatment
