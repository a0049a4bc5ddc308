"""Yang et al. (2019): one network for many tasks, and how it shares its units between them."""

from typing import Any

import xarray as xr

from neurodyn.experiments.running.experiment import Experiment, Run
from neurodyn.experiments.running.seeds import result, seeds_of
from neurodyn.experiments.shared.ensembles import table
from neurodyn.experiments.yang2019.algebra import rule_algebra
from neurodyn.experiments.yang2019.figures import figures, summary
from neurodyn.experiments.yang2019.performance import performance
from neurodyn.experiments.yang2019.settings import PRESETS, Settings, check
from neurodyn.experiments.yang2019.training import WORST, train
from neurodyn.experiments.yang2019.variance import clusters, fractional, task_variance
from neurodyn.tasks import Yang2019

__all__ = ["EXPERIMENT"]

#: Scores of every network: long name and units.
ABOUT = {
    "correct_min": ("correct trials of the worst rule", "1"),
    "correct": ("correct trials of all rules", "1"),
    "n_learnt": ("rules learnt better than by a shortcut", "count"),
    "validation_min": ("worst rule in the trials that ended training", "1"),
    "trials": ("trials of training", "count"),
    "n_active": ("units that take part in the rules", "count"),
    "n_clusters": ("clusters of units", "count"),
    "silhouette": ("silhouette of the clusters", "1"),
}


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Train networks of each nonlinearity, group their units, and mix their rule inputs.

    Returns
    -------
    xr.DataTree
        ``/model/training/NAME``, where the name is nonlinearity and seed;
        ``/analysis/performance/NAME``,
        ``/analysis/variance/NAME``, ``/analysis/clusters/NAME``, ``/analysis/fractional/NAME`` and
        ``/analysis/algebra/NAME``; ``/analysis/scores`` on (seed, sweep), where `sweep` is the
        nonlinearity.
    """
    task = Yang2019(settings.dt, rules=settings.rules_in_use())
    tree: dict[str, xr.Dataset | None] = {}
    scores = []
    for activation in settings.activations:
        rows = []
        for seed in seeds_of(settings, settings.n_networks):
            trained = train(settings, run, task, activation, seed)
            name, model = f"{activation}_{seed}", trained.model
            variance = task_variance(settings, model)
            grouped = clusters(variance, settings.most_clusters)
            tree[f"/model/training/{name}"] = trained.history
            correct = performance(settings, model)
            tree[f"/analysis/performance/{name}"] = correct
            tree[f"/analysis/variance/{name}"] = variance
            tree[f"/analysis/clusters/{name}"] = grouped
            tree[f"/analysis/fractional/{name}"] = fractional(variance)
            tree[f"/analysis/algebra/{name}"] = rule_algebra(settings, model)
            rows.append(_row(settings, trained.history, correct, grouped))
        scores.append(rows)
    tree["/analysis/scores"] = table(scores, ABOUT, activation=settings.activations)
    return result({path: ds for path, ds in tree.items() if ds is not None}, settings)


def _row(
    settings: Settings, history: xr.Dataset, found: xr.Dataset, grouped: xr.Dataset
) -> dict[str, Any]:
    """Scores of one network, those of training at its best evaluation."""
    best = history.isel(evaluation=int(history[WORST].values.argmax()))
    at = int(grouped["silhouette"].values.argmax())
    return {
        "correct_min": float(found["correct"].min()),
        "correct": float(found["correct"].mean()),
        "n_learnt": int((found["correct"] > found["shortcut"]).sum()),
        "validation_min": float(best[WORST]),
        "trials": float(best["evaluation"]) * settings.batch_size,
        "n_active": grouped.sizes["unit"],
        "n_clusters": int(grouped["k"].values[at]),
        "silhouette": float(grouped["silhouette"].values[at]),
    }


EXPERIMENT = Experiment(
    name="yang2019",
    title="How does one network share its units between many tasks?",
    reference=("yang2019",),
    presets=PRESETS,
    run=run,
    figures=figures,
    summary=summary,
    check=check,
    method=(
        "{n_networks} networks of {n_units} units with each of the nonlinearities {activations} "
        "learnt the rules {rules}, until the worst rule reached {criterion} or for {steps} steps "
        "of {batch_size} trials; with relu, the step size grew over the first 500 steps. "
        "The variance of each unit over the stimuli of each rule was "
        "measured without noise, units were grouped by k-means, and {n_trials} fresh trials were "
        "run for each rule and for each sum of rule inputs."
    ),
    ranges="Values are means over networks; in brackets the smallest and the largest of them.",
    captions={
        "learning": (
            "Correct trials over the trials of training: the worst rule of every network with the "
            "criterion (dashed), and all rules of the first network (grey) with their mean."
        ),
        "performance": (
            "Correct trials of every rule in fresh trials; every point is a network. Bars: the "
            "best known strategy that leaves out what the rule asks for."
        ),
        "clusters": (
            "Normalised task variance of the units of the first network, in clusters, and the "
            "silhouette by the number of clusters. In the paper, units of softplus networks form "
            "clusters that serve one kind of task each."
        ),
        "fractional": (
            "Fractional task variance of the units between two rules: -1 and 1 are units that vary "
            "in one rule only, 0 those that vary in both alike."
        ),
        "algebra": (
            "Correct trials of a rule by its own input, by a sum of three rules (orange), and by "
            "parts of it. In the paper, the whole sum does better than its parts."
        ),
        "activations": (
            "Clusters and their silhouette by nonlinearity. In the paper, the nonlinearity decides "
            "whether units form clusters: tanh units do not."
        ),
    },
)
