"""Flip-flop: the fixed points with which trained networks remember bits."""

from typing import Any

import numpy as np
import optax
import xarray as xr

from neurodyn.analysis import fixed_points
from neurodyn.experiments.flip_flop.figures import figures, summary
from neurodyn.experiments.flip_flop.settings import PRESETS, Settings
from neurodyn.experiments.running.experiment import Experiment, Run
from neurodyn.experiments.running.seeds import result, seeds_of, shared_key
from neurodyn.experiments.shared.ensembles import table
from neurodyn.models import CTRNN, GRU, LSTM
from neurodyn.simulation.simulate import simulate
from neurodyn.tasks import FlipFlop
from neurodyn.training import Seeds, fit

__all__ = ["EXPERIMENT"]

#: Variables that record the state of each kind of network.
STATE = {"ctrnn": ("rate",), "gru": ("hidden",), "lstm": ("hidden", "cell")}
#: What is kept of every point.
KEPT = ("outputs", "speed", "stability", "n_unstable", "kind", "n_starts")
#: Most growing directions that are counted apart.
HIGHEST = 3
#: Scores of every network: long name and units.
ABOUT = {
    "correct": ("trials in which all bits are right", "1"),
    "n_points": ("fixed points", "count"),
    **{
        f"n_index_{k}": (f"fixed points with {k} growing directions", "count")
        for k in range(HIGHEST + 1)
    },
    "n_neutral": ("fixed points that linear theory does not tell", "count"),
    "speed": ("largest speed at a fixed point, relative to the scale of the state", "1/ms"),
    "timescale": ("longest timescale at a stable point", "ms"),
}


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Train networks of each kind, and search their fixed points without input.

    Returns
    -------
    xr.DataTree
        ``/model/training/KIND``; ``/analysis/points/KIND`` (equilibrium), the points of all
        networks with `network`, the seed of each; ``/analysis/first/KIND`` and
        ``/model/trials/KIND``, points of the first network with their modes and states of eight
        trials; ``/analysis/scores`` on (seed, sweep), where `sweep` is the kind.
    """
    task = FlipFlop(settings.dt, n_bits=settings.n_bits)
    tree: dict[str, xr.Dataset] = {}
    scores = []
    for kind in settings.architectures:
        trained = train(settings, run, task, kind)
        tree[f"/model/training/{kind}"] = trained.history
        members, rows = [], []
        for i, seed in enumerate(seeds_of(settings, settings.n_networks)):
            points, trials = _one(settings, run, task, kind, trained.model[i])
            if i == 0:
                wide = [name for name in points.data_vars if str(name).endswith("jacobian")]
                tree[f"/analysis/first/{kind}"] = points.drop_vars(wide)
                tree[f"/model/trials/{kind}"] = trials[list(STATE[kind])].isel(trial=slice(8))
            number = np.full(points.sizes["equilibrium"], seed)
            about = {"units": "1", "long_name": "seed of the network"}
            kept = points[list(KEPT)].reset_coords(drop=True)
            members.append(kept.assign_coords(network=("equilibrium", number, about)))
            rows.append(_row(trials, points))
        joined = xr.concat(members, "equilibrium", join="exact", combine_attrs="drop_conflicts")
        tree[f"/analysis/points/{kind}"] = joined.assign_coords(
            equilibrium=np.arange(joined.sizes["equilibrium"])
        )
        scores.append(rows)
    tree["/analysis/scores"] = table(scores, ABOUT, architecture=settings.architectures)
    return result(tree, settings)


def train(settings: Settings, run: Run, task: FlipFlop, kind: str) -> Any:
    """Train all networks of one kind; see :func:`neurodyn.fit`."""

    def network(key):
        sizes = task.n_inputs, settings.n_units, task.n_outputs
        if kind == "ctrnn":
            return CTRNN(*sizes, tau=settings.tau, key=key)
        return (GRU if kind == "gru" else LSTM)(*sizes, key=key)

    return fit(
        network,
        task,
        steps=settings.steps,
        batch_size=settings.batch_size,
        optimizer=optax.chain(optax.clip_by_global_norm(1.0), optax.adam(settings.learning_rate)),
        ensemble=Seeds(settings.n_networks, seeds=seeds_of(settings, settings.n_networks)),
        evaluate_every=max(1, settings.steps // 10),
        key=shared_key(0),
        **run.training(kind),
    )


def _one(
    settings: Settings, run: Run, task: FlipFlop, kind: str, model: Any
) -> tuple[xr.Dataset, xr.Dataset]:
    """Points of one network, and the trials whose states were the starts."""
    trials = simulate(
        model,
        task,
        n_trials=settings.n_trials,
        key=shared_key(1),
        save=STATE[kind],
        progress=run.progress,
    )
    points = fixed_points(
        model,
        starts=trials,
        n_starts=settings.n_starts,
        dt=settings.dt if kind != "ctrnn" else None,
        key=shared_key(2),
        progress=run.progress,
    )
    return points, trials


def _row(trials: xr.Dataset, points: xr.Dataset) -> dict[str, float]:
    """Scores of one network."""
    index = points["n_unstable"].values
    return {
        "correct": float(trials["correct"].mean()),
        "n_points": len(index),
        **{f"n_index_{k}": int((index == k).sum()) for k in range(HIGHEST + 1)},
        "n_neutral": int((points["stability"] == "neutral").sum()),
        "speed": float(points["speed"].max() / points.attrs["scale"]) if len(index) else np.nan,
        "timescale": _slowest(points),
    }


def _slowest(points: xr.Dataset) -> float:
    """Longest timescale of the stable points: how fast an error of memory decays."""
    stable = points["timescale"].values[points["stability"].values == "stable"]
    return float(stable[:, 0].max()) if len(stable) else np.nan


EXPERIMENT = Experiment(
    name="flip_flop",
    title="With which fixed points do networks remember bits?",
    reference=("sussillo2013", "maheswaranathan2019"),
    presets=PRESETS,
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "{n_networks} networks of {n_units} units of each of the kinds {architectures} were "
        "trained for {steps} steps to hold the last pulse of each of {n_bits} channels. The fixed "
        "points of each network without input were searched from {n_starts} states near those of "
        "{n_trials} trials, in double precision."
    ),
    ranges="Values are means over networks; in brackets the smallest and the largest of them.",
    captions={
        "points_": (
            "States of eight trials of the first network (lines) and its fixed points in their "
            "principal components; colours are the number of growing directions."
        ),
        "scores": "Fixed points of every network by the number of growing directions.",
    },
)
