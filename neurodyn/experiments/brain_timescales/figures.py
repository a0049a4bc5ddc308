"""Figures and summary of the comparison of intrinsic timescales."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels import clock
from neurodyn.plot.style import BLUE, GREY, ORANGE, styled, subplots

_AREAS = ("#3f8f5b", "#8a4f9e", "#b5843b", "#4d8fa3")


def figures(tree: xr.DataTree) -> dict[str, Any]:
    """One figure of all recordings and networks."""
    return {"intrinsic_timescales": timescales(tree)}


def _areas(tree: xr.DataTree) -> dict[str, xr.Dataset]:
    return {name: node.to_dataset() for name, node in tree["recording"].children.items()}


def _networks(tree: xr.DataTree) -> dict[str, np.ndarray]:
    """Timescales of the networks in steps: trained ones, and those of activity above one step."""
    found = {}
    names = {"single": "single-head", "cumulative": "multi-head"}
    for name, node in tree["model"].children.items() if "model" in tree.children else ():
        ds = node.to_dataset()
        found[f"{names[name]}, trained"] = np.maximum(ds["trained_tau"].values, 1)
        tau = ds["tau"].values
        found[f"{names[name]}, activity"] = tau[np.isfinite(tau) & (tau > 1)]
    return found


def resolved(ds: xr.Dataset) -> np.ndarray:
    """Timescales above one bin, the resolution of the counts."""
    tau = ds["tau"].values
    return tau[np.isfinite(tau) & (tau > float(ds.attrs["bin_width"]))]


def relative_spread(tau: np.ndarray) -> float:
    """Ratio of the 90th to the 10th percentile, which does not depend on the unit of time."""
    tau = tau[np.isfinite(tau)]
    return float(np.quantile(tau, 0.9) / np.quantile(tau, 0.1)) if tau.size else float("nan")


@styled
def timescales(tree: xr.DataTree) -> Any:
    """Autocorrelations and timescales of areas, their bias, and spreads of areas and networks."""
    areas, networks = _areas(tree), _networks(tree)
    figure, axes = subplots(1, 4 if networks else 3, size=(2.9, 2.7))
    for i, (name, ds) in enumerate(areas.items()):
        colour = _AREAS[i % len(_AREAS)]
        lag = clock(ds, dim="lag").time[1:]
        acf = ds["population_autocorrelation"].values[1:]
        label = f"{name} ({ds.attrs['n_used']} units)"
        axes[0, 0].plot(lag, acf, "o", ms=3, color=colour, label=label)
        amplitude, offset = ds["population_amplitude"].values, ds["population_offset"].values
        fit = amplitude * (np.exp(-lag / ds["population_tau"].values) + offset)
        axes[0, 0].plot(lag, fit, color=colour, lw=1)
        tau = ds["tau"].values
        tau = np.sort(tau[np.isfinite(tau)])
        x = i + np.linspace(-0.25, 0.25, max(tau.size, 1))[: tau.size]
        axes[0, 1].plot(x, tau, "o", ms=2.5, color=colour, alpha=0.6)
        _bar(axes[0, 1], i, ds, colour)
        recovery = tree[f"analysis/recovery/{name}"].to_dataset()
        ratio = recovery["ratio"].values
        true = recovery["true_tau"].values * 1.04**i
        kept = np.isfinite(ratio)
        axes[0, 2].plot(np.broadcast_to(true[:, None], ratio.shape)[kept], ratio[kept], "o",
                        ms=2.5, color=colour, alpha=0.5)  # fmt: skip
    axes[0, 0].set(xlabel="lag (ms)", title="correlation across trials")
    axes[0, 0].legend()
    axes[0, 1].set_xticks(range(len(areas)), list(areas))
    axes[0, 1].set(yscale="log", title="intrinsic timescale (ms)")
    axes[0, 2].axhline(1, color=GREY, lw=0.8, ls=":")
    axes[0, 2].set(xscale="log", xlabel="true timescale (ms)", title="recovered / true")
    axes[0, 2].set_ylim(bottom=0)
    recovery = next(iter(tree["analysis/recovery"].children.values())).to_dataset()
    known = recovery["true_tau"].values
    axes[0, 2].set_xticks(known, [f"{value:g}" for value in known])
    axes[0, 2].minorticks_off()
    if networks:
        _spreads(axes[0, 3], areas, networks)
    return figure


def _bar(ax: Any, x: float, ds: xr.Dataset, colour: Any) -> None:
    low, high = float(ds["population_low"]), float(ds["population_high"])
    ax.plot([x - 0.3, x + 0.3], [float(ds["population_tau"])] * 2, color=colour, lw=2)
    ax.fill_between([x - 0.3, x + 0.3], [low] * 2, [high] * 2, color=colour, alpha=0.2, lw=0)


def _spreads(ax: Any, areas: dict[str, xr.Dataset], networks: dict[str, np.ndarray]) -> None:
    """Timescales relative to their median, because the steps of networks have no length in ms."""
    groups = {name: resolved(ds) for name, ds in areas.items()} | networks
    colours = [*_AREAS[: len(areas)], *([BLUE, BLUE, ORANGE, ORANGE][: len(networks)])]
    for (name, tau), colour in zip(groups.items(), colours, strict=True):
        if not tau.size:
            continue
        tau = np.sort(tau)
        style = "--" if name.endswith("activity") else "-"
        share = np.arange(1, tau.size + 1) / tau.size
        ax.step(tau / np.median(tau), share, where="post", color=colour, ls=style, label=name)
    ax.set(xscale="log", xlim=(0.1, 10), ylim=(0, 1.02), title="fraction of units")
    ax.set_xlabel("timescale / median")
    ax.legend(fontsize=6, loc="upper left")


def summary(tree: xr.DataTree) -> dict[str, str]:
    """Main numbers, area by area and network by network."""
    rows = {}
    for name, ds in _areas(tree).items():
        tau = ds["tau"].values
        good = tau[np.isfinite(tau)]
        rows[f"{name}: units"] = f"{ds.sizes['unit']}, {good.size} with a timescale"
        rows[f"{name}: mean autocorrelation"] = (
            f"{float(ds['population_tau']):.0f} ms "
            f"({float(ds['population_low']):.0f} to {float(ds['population_high']):.0f} over trials,"
            f" {float(ds['population_low_units']):.0f} to "
            f"{float(ds['population_high_units']):.0f} over units)"
        )
        if good.size:
            rows[f"{name}: median of units"] = f"{np.median(good):.0f} ms"
        slow = resolved(ds)
        if slow.size:
            rows[f"{name}: units above one bin"] = (
                f"{slow.size}, median {np.median(slow):.0f} ms, 90th over 10th percentile "
                f"{relative_spread(slow):.1f}"
            )
        recovery = tree[f"analysis/recovery/{name}"].to_dataset()
        ratio = recovery["ratio"].values
        medians = [f"{np.nanmedian(r):.2f}" if np.isfinite(r).any() else "none" for r in ratio]
        true = [f"{t:.0f}" for t in recovery["true_tau"].values]
        rows[f"{name}: recovered / true"] = (
            f"{', '.join(medians)} at {', '.join(true)} ms (medians)"
        )
    for name, tau in _networks(tree).items():
        if not tau.size:
            rows[name] = "none above one step"
            continue
        rows[name] = (
            f"median {np.median(tau):.2f} steps, 90th over 10th percentile "
            f"{relative_spread(tau):.1f} ({tau.size} units)"
        )
    return rows
