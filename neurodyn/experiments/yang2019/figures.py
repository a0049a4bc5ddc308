"""Figures and summary of the experiment."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.experiments.running.experiment import settings_in
from neurodyn.experiments.shared.ensembles import spread
from neurodyn.plot.style import GREY, STROKES, styled, subplots, whole_ticks
from neurodyn.tasks.multitask.rules import RULES


def figures(tree: xr.DataTree) -> dict[str, Any]:
    """Every figure, by name."""
    drawn = {"learning": _learning(tree), "performance": _performance(tree)}
    first = next(iter(tree["analysis/clusters"].children))
    drawn["clusters"] = _clusters(tree[f"analysis/clusters/{first}"].to_dataset())
    if "fractional" in tree["analysis"]:
        drawn["fractional"] = _fractional(tree[f"analysis/fractional/{first}"].to_dataset())
    if "algebra" in tree["analysis"]:
        drawn["algebra"] = _algebra(tree)
    if tree["analysis/scores"].sizes["sweep"] > 1:
        drawn["activations"] = _activations(tree)
    return drawn


@styled
def _learning(tree: xr.DataTree) -> Any:
    """The worst rule of every network over trials, and all rules of the first."""
    figure, axes = subplots(1, 2, size=(3.4, 2.8), sharey=True)
    settings = settings_in(tree)
    rules = next(iter(tree["analysis/variance"].children.values())).to_dataset()["rule"].values
    kinds = list(settings["activations"])
    for kind, colour in zip(kinds, STROKES, strict=False):
        axes[0, 0].plot([], [], color=colour, label=kind)
    for i, (name, node) in enumerate(tree["model/training"].children.items()):
        history = node.to_dataset()
        trials = history["evaluation"].values * settings["batch_size"]
        colour = STROKES[kinds.index(name.rpartition("_")[0])]
        axes[0, 0].plot(trials, history["validation_correct_min"], color=colour)
        if i == 0:
            for rule in rules:
                line = history[f"validation_correct_{rule}"]
                axes[0, 1].plot(trials, line, lw=0.8, color=GREY)
            axes[0, 1].plot(trials, history["validation_correct"], color=STROKES[0], label="mean")
            axes[0, 1].set_title(f"all rules, {name}")
    axes[0, 0].axhline(settings["criterion"], color=GREY, ls="--", lw=0.8)
    axes[0, 0].set(title="worst rule", xlabel="trials", ylabel="correct", ylim=(0, 1.02))
    axes[0, 1].set(xlabel="trials")
    axes[0, 0].legend()
    return figure


@styled
def _performance(tree: xr.DataTree) -> Any:
    """Correct trials of every rule in the test; every point is a network, bars are shortcuts."""
    nodes = [node.to_dataset() for node in tree["analysis/performance"].children.values()]
    rules = [str(rule) for rule in nodes[0]["rule"].values]
    figure, axes = subplots(1, 1, size=(6.4, 2.6))
    ax, place = axes[0, 0], np.arange(len(rules))
    ax.bar(place, nodes[0]["shortcut"].values, color=GREY, alpha=0.4, label="shortcut")
    kinds = list(settings_in(tree)["activations"])
    for name, node in tree["analysis/performance"].children.items():
        kind = kinds.index(name.rpartition("_")[0])
        ax.plot(place, node["correct"].values, "o", ms=3.5, color=STROKES[kind])
    for kind, colour in zip(kinds, STROKES, strict=False):
        ax.plot([], [], "o", ms=3.5, color=colour, label=kind)
    ax.axhline(settings_in(tree)["criterion"], color=GREY, ls="--", lw=0.8)
    ax.set(ylabel="correct", ylim=(0, 1.02), xticks=place)
    ax.set_xticklabels([RULES[rule] for rule in rules], rotation=60, ha="right")
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(kinds) + 1)
    return figure


@styled
def _clusters(found: xr.Dataset) -> Any:
    """Normalised task variance of the units, sorted by cluster, and the silhouette."""
    figure, axes = subplots(1, 2, size=(4.2, 3.4), width_ratios=(3, 1))
    image = axes[0, 0].imshow(
        found["normalised"].transpose("rule", "unit").values,
        aspect="auto",
        interpolation="none",
        cmap="magma",
        vmin=0,
        vmax=1,
    )
    edges = np.flatnonzero(np.diff(found["cluster"].values)) + 0.5
    for edge in edges:
        axes[0, 0].axvline(edge, color="white", lw=0.8)
    names = [RULES[str(rule)] for rule in found["rule"].values]
    axes[0, 0].set(xlabel="unit, by cluster", yticks=range(len(names)), yticklabels=names)
    figure.colorbar(image, ax=axes[0, 0], label="normalised task variance")
    k, score = found["k"].values, found["silhouette"].values
    axes[0, 1].plot(k, score, color=STROKES[0], marker="o", ms=3)
    axes[0, 1].plot(k[score.argmax()], score.max(), "o", color=STROKES[1])
    axes[0, 1].set(xlabel="number of clusters", ylabel="silhouette")
    whole_ticks(axes[0, 1].xaxis)
    return figure


@styled
def _fractional(found: xr.Dataset) -> Any:
    """Histogram of the fractional task variance for each pair of rules."""
    figure, axes = subplots(1, found.sizes["pair"], size=(2.0, 2.2), sharey=True)
    for ax, pair in zip(axes[0], found["pair"].values, strict=True):
        values = found["ftv"].sel(pair=pair).values
        ax.hist(values[np.isfinite(values)], bins=np.linspace(-1, 1, 21), color=STROKES[0])
        a, b = (RULES[name] for name in str(pair).split(" - "))
        ax.set(title=f"{a} / {b}", xlabel="fractional variance", xlim=(-1, 1))
    axes[0, 0].set_ylabel("units")
    return figure


@styled
def _algebra(tree: xr.DataTree) -> Any:
    """Correct trials by mixture of rule inputs, a panel for each rule; every point is a network."""
    nodes = [node.to_dataset() for node in tree["analysis/algebra"].children.values()]
    asked = list(dict.fromkeys(nodes[0]["asked"].values.tolist()))
    figure, axes = subplots(len(asked), 1, size=(6.4, 2.2), sharex=True)
    for ax, rule in zip(axes[:, 0], asked, strict=True):
        here = [node.isel(mixture=node["asked"].values == rule) for node in nodes]
        names = [_shown(str(x)) for x in here[0]["mixture"].values]
        place = np.arange(len(names))[::-1]
        colours = [STROKES[1] if n == 3 else STROKES[0] for n in here[0]["n_rules"].values]
        for node in here:
            ax.scatter(node["correct"].values, place, c=colours, s=16)
        ax.set(title=RULES[rule], yticks=place, yticklabels=names, xlim=(0, 1.02))
    axes[-1, 0].set_xlabel("correct")
    return figure


def _shown(mixture: str) -> str:
    """A mixture by the names of the paper, without the rule that is asked for."""
    return " ".join(RULES.get(word, word) for word in mixture.partition(": ")[2].split())


@styled
def _activations(tree: xr.DataTree) -> Any:
    """Clusters and their silhouette by nonlinearity."""
    scores = tree["analysis/scores"].to_dataset()
    figure, axes = subplots(1, 2, size=(2.8, 2.4))
    for ax, name in zip(axes[0], ("n_clusters", "silhouette"), strict=True):
        for i in range(scores.sizes["sweep"]):
            values = scores[name].isel(sweep=i).values
            ax.plot(np.full(values.size, i), values, "o", color=STROKES[i])
        ticks = range(scores.sizes["sweep"])
        ax.set(xticks=ticks, xticklabels=scores["activation"].values, ylim=(0, None))
        ax.set(xlim=(-0.5, len(ticks) - 0.5), ylabel=scores[name].attrs["long_name"])
    whole_ticks(axes[0, 0].yaxis)
    return figure


def summary(tree: xr.DataTree) -> dict[str, str]:
    """Main numbers, in the order of the report."""
    scores, settings = tree["analysis/scores"].to_dataset(), settings_in(tree)
    rows = {}
    for i, kind in enumerate(scores["activation"].values):
        here = scores.isel(sweep=i)
        reached = int((here["correct_min"] >= settings["criterion"]).sum())
        rows[f"worst rule, {kind}"] = (
            f"{spread(here['correct_min'])}; {reached} of {here.sizes['seed']} reached "
            f"{settings['criterion']:g}"
        )
        rows[f"all rules, {kind}"] = spread(here["correct"])
        rows[f"rules above their shortcut, {kind}"] = spread(here["n_learnt"], ".0f")
        rows[f"trials, {kind}"] = spread(here["trials"], ".0f")
        rows[f"units that take part, {kind}"] = spread(here["n_active"], ".0f")
        rows[f"clusters, {kind}"] = spread(here["n_clusters"], ".0f")
    if "algebra" in tree["analysis"]:
        for name in ("own rule", "sum of three", "best part"):
            rows[f"rule algebra, {name}"] = spread(
                [
                    _part(node.to_dataset(), name)
                    for node in tree["analysis/algebra"].children.values()
                ]
            )
    return rows


def _part(found: xr.Dataset, name: str) -> float:
    """Mean over the rules asked for of one kind of mixture."""
    correct, asked = found["correct"].values, found["asked"].values
    own = np.array(
        [str(m) == f"{a}: {a}" for m, a in zip(found["mixture"].values, asked, strict=True)]
    )
    whole = found["n_rules"].values == 3
    if name != "best part":
        return float(correct[own if name == "own rule" else whole].mean())
    rest = ~own & ~whole
    return float(np.mean([correct[rest & (asked == rule)].max() for rule in np.unique(asked)]))
