"""Figures and summary of networks that emulate hidden Markov models."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.experiments.running.experiment import settings_in
from neurodyn.experiments.shared.ensembles import spread
from neurodyn.plot.style import BLUE, GREY, ORANGE, STROKES, panel, styled, subplots


def figures(tree: xr.DataTree) -> dict[str, Any]:
    """Every figure, by name."""
    parts = {name: tree[f"analysis/{name}"].to_dataset() for name in tree["analysis"].children}
    turning = parts["orbit"].isel(seed=0)
    away = parts["fixed_points"]["state"] - turning["mean"]
    fixed = xr.dot(away, turning["axes"], dim="unit").transpose("equilibrium", "component")
    return {
        "training": _training(tree["model/training"].to_dataset()),
        "emissions": _emissions(parts["emissions"].isel(seed=0)),
        "orbit": _orbit(turning, fixed.values),
        "kicks": _kicks(parts["kicks"].isel(seed=0)),
        "transitions": _transitions(parts["scores"]),
    }


@styled
def _training(history: xr.Dataset) -> Any:
    """Divergence at the evaluations, and its floor."""
    figure, ax = panel(size=(4.0, 2.7))
    step = history["evaluation"].values
    for i, line in enumerate(np.atleast_2d(history["validation_loss"].values)):
        ax.plot(step, line, color=BLUE, label="network and source" if i == 0 else None)
    floor = float(np.mean(history["validation_floor"].values))
    ax.axhline(floor, color=GREY, ls="--", label="two batches of the source")
    ax.set(xlabel="training step", ylabel="Sinkhorn divergence", ylim=(0, None))
    ax.legend()
    return figure


@styled
def _emissions(ds: xr.Dataset) -> Any:
    """Matrices of symbols and of decoded states."""
    names = ds["repetition"].values.tolist()
    figure, axes = subplots(2, len(names), size=(2.3, 2.3))
    about = (("pairs", "symbol", "next symbol"), ("decoded", "state", "next state"))
    for ax, name in zip(axes[0], names, strict=True):
        ax.set_title(name)
    for row, (variable, down, across) in zip(axes, about, strict=True):
        for ax, name in zip(row, names, strict=True):
            table = ds[variable].sel(repetition=name).values
            image = ax.imshow(table, vmin=0, vmax=1, cmap="Blues")
            for (i, j), value in np.ndenumerate(table):
                shade = "white" if value > 0.6 else "black"
                text = f"{value:.3f}" if np.isfinite(value) else ""
                ax.text(j, i, text, ha="center", va="center", color=shade, fontsize=7)
            ax.set(xticks=range(table.shape[1]), yticks=range(len(table)), xlabel=across)
        row[0].set_ylabel(down)
    figure.colorbar(image, ax=axes, shrink=0.6, label="probability")
    return figure


@styled
def _orbit(ds: xr.Dataset, fixed: np.ndarray) -> Any:
    """Paths in the plane of the orbit, and its coordinates in time."""
    figure, axes = subplots(1, 2, size=(3.4, 3.0))
    at, region = ds["scores"].values, ds["region"].values
    plane, along = axes[0]
    for path in at:
        plane.plot(*path.T, color=GREY, lw=0.3, alpha=0.4, zorder=0)
    for state in np.unique(region):
        here = at[region == state].T
        colour = STROKES[int(state) % len(STROKES)]
        plane.plot(*here, ".", color=colour, ms=2, alpha=0.5, label=f"state {int(state)}")
    if len(fixed):
        plane.plot(*fixed.T, "kX", ms=7, label="fixed without noise")
    plane.set(xlabel="circulation 1", ylabel="circulation 2", aspect="equal")
    plane.legend(markerscale=1.5, loc="best")
    shown = slice(0, 200)
    for i, colour in enumerate((BLUE, ORANGE)):
        along.plot(at[0, shown, i], color=colour, lw=1, label=f"circulation {i + 1}")
    top = np.abs(at[0, shown]).max() * 1.15
    along.step(range(len(at[0, shown])), top * (0.9 + 0.1 * region[0, shown]), color="black", lw=1)
    along.set(xlabel="step", title="first run; black: state")
    along.set_ylim(-1.5 * top, 1.1 * top)  # room for the legend
    along.legend(loc="lower right", ncols=2)
    return figure


@styled
def _kicks(ds: xr.Dataset) -> Any:
    """Effects of pushes, a panel for each region."""
    n = ds.sizes["state"]
    figure, axes = subplots(1, n, size=(3.0, 2.5), sharey=True)
    for state, ax in enumerate(axes[0]):
        one = ds.isel(state=state)
        order = np.argsort(-one["effect"].values)
        effect, error = one["effect"].values[order], one["error"].values[order]
        clear = one["kick"].values[order].astype(bool)
        place = np.arange(len(order))
        ax.errorbar(place, effect, error, fmt="none", ecolor=GREY, lw=0.6)
        for chosen, fill in ((clear, ORANGE), (~clear, "white")):
            ax.plot(place[chosen], effect[chosen], "o", ms=3, mfc=fill, mec=ORANGE, mew=0.6)
        ax.axhline(0, color="black", lw=0.5)
        ax.set(title=f"leaving state {state}", xlabel="unit, by effect")
    axes[0, 0].set_ylabel("change of the chance to leave")
    return figure


@styled
def _transitions(scores: xr.Dataset) -> Any:
    """Changes of region with and without units."""
    figure, ax = panel(size=(3.4, 2.6))
    names = {
        "change_rate": "whole",
        "rate_without_kick_units": "without\nkick units",
        "rate_without_others": "without\nothers",
    }
    for place, name in enumerate(names):
        values = np.atleast_1d(scores[name].values)
        ax.bar(place, values.mean(), color=(BLUE, ORANGE, GREY)[place], width=0.6)
        ax.plot(np.full(len(values), place), values, "k.", ms=4)
    ax.set(
        xticks=range(len(names)), xticklabels=names.values(), ylabel="changes of region per step"
    )
    return figure


def summary(tree: xr.DataTree) -> dict[str, str]:
    """Main numbers, in the order of the report."""
    settings, scores = settings_in(tree), tree["analysis/scores"].to_dataset()
    points = tree["analysis/fixed_points"].to_dataset()
    frequency = tree["analysis/emissions/frequency"]
    exact = frequency.sel(repetition="exact").isel(seed=0)
    rarest = frequency.sel(repetition="network").isel(symbol=int(exact.argmin("symbol")))
    kicking = tree["analysis/kicks/kick"].sum("unit").transpose("state", "seed").values

    def both(name: str, form: str) -> str:
        source = float(scores[f"{name}_source"].mean())
        return f"{spread(scores[name], form)}, source {source:{form}}"

    far = float(np.linalg.norm(points["state"].values, axis=1).max(initial=0.0))
    n = settings["n_kick"] * settings["n_states"]
    return {
        "networks": f"{scores.sizes['seed']} of {settings['n_units']} units",
        "Sinkhorn divergence from the source": both("divergence", ".2f"),
        "largest error of a frequency": both("frequency_error", ".3f"),
        "frequency of the rarest symbol": (
            f"{spread(rarest, '.4f')}, source {float(exact.min()):.4f}"
        ),
        "total variation of pairs of symbols": both("pairs_error", ".3f"),
        "staying in a decoded state": both("stay", ".3f"),
        "log-likelihood per step (nat)": both("log_likelihood", ".3f"),
        "fixed points without noise, first network": (
            f"{points.sizes['equilibrium']}, at most {far:.1g} from 0"
        ),
        "activity left after 400 steps without noise": spread(scores["rest_norm"], ".1e"),
        "time constant of that decay (steps)": spread(scores["rest_decay"], ".1f"),
        "turns for two changes of region": spread(scores["turns_per_cycle"], ".2f"),
        "period of the orbit (steps)": spread(scores["period"], ".0f"),
        "radius of the orbit, and relative spread": (
            f"{spread(scores['radius'], '.1f')}, {spread(scores['radius_spread'], '.2f')}"
        ),
        "part of the variance in its plane": spread(scores["plane_variance"], ".2f"),
        "turning near changes and elsewhere (rad/step)": (
            f"{spread(scores['fast_turning'], '.3f')}, {spread(scores['slow_turning'], '.3f')}"
        ),
        "regions told by nearest mean": spread(scores["held_out"], ".2f"),
        "units whose push hastens a change": spread(scores["n_kick_units"], ".0f"),
        "such units of each region": ", ".join(spread(each, ".0f") for each in kicking),
        "chance of a change without a push": spread(scores["unpushed"], ".2f"),
        f"effect of the {settings['n_kick']} strongest, and median unit": (
            f"{spread(scores['kick_effect'], '.2f')}, {spread(scores['median_effect'], '.3f')}"
        ),
        "share of the strongest in all effects": spread(scores["kick_share"], ".2f"),
        "changes per step, whole network": spread(scores["change_rate"], ".4f"),
        f"without the {n} kick units": spread(scores["rate_without_kick_units"], ".4f"),
        f"without {n} other units": (
            f"{spread(scores['rate_without_others'], '.4f')}, smallest "
            f"{float(scores['rate_without_others_low'].min()):.4f}"
        ),
    }
