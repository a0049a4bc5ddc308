"""Scores of the hierarchy: decoding from layers, and continuation of sequences."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.analysis import decode, pca
from neurodyn.models import PVRNN
from neurodyn.simulation.simulate import simulate
from neurodyn.tasks import HomeReach, Sequences
from neurodyn.training import Ensemble


def home_ends(task: HomeReach) -> np.ndarray:
    """Last steps at home in the second half, where the hand is at one place in all sequences."""
    ends = np.arange(task.phase - 1, task.n_steps, 2 * task.phase)
    return ends[len(ends) // 2 :]


def decoded(run: xr.Dataset, task: HomeReach, sequences: Sequences) -> xr.Dataset:
    """Held-out r2 of each label from each layer, (seed, layer)."""
    ends = home_ends(task)
    side = np.asarray(task.left(sequences.data))[:, ends // (2 * task.phase)]
    given = sequences.conditions
    wanted = {
        "r2_p_left": (given["p_left"], "probability of a left reach, at home"),
        "r2_fraction_left": (given["fraction_left"], "fraction of left reaches, at home"),
        "r2_side_ahead": (side, "side of the reach about to begin, at home"),
    }
    values = {name: [] for name in wanted}
    for i in range(run.sizes["seed"]):
        one = run["d"].isel(seed=i, time=ends)
        layer = run["unit_layer"].isel(seed=i).values
        for name, (label, _) in wanted.items():
            r2 = [
                float(decode(one.isel(unit=np.flatnonzero(layer == k)), np.asarray(label))["r2"])
                for k in run["layer"].values
            ]
            values[name].append(r2)
    variables = {
        name: (("seed", "layer"), np.array(values[name]), "1", f"held-out r2 of the {what}")
        for name, (_, what) in wanted.items()
    }
    coords = {"layer": run["layer"]}
    return labels.dataset(variables, coords, source="analysis", kind="statistic")


def preference_kept(
    models: list[PVRNN], task: HomeReach, sequences: Sequences, n: int, *, key: Any
) -> xr.Dataset:
    """Continuation of the second half of each sequence without its posterior.

    Returns
    -------
    Dataset on `seed`
        ``kept``: correlation over sequences of the probability of a left reach with the fraction of
        generated left reaches; ``reached``: fraction of generated reaches that end within 0.1 of
        either goal.
    """
    half = task.n_reaches // 2
    item = np.repeat(np.arange(sequences.n_items), n)
    run = simulate(
        Ensemble([m.mode("target", steps=2 * half * task.phase) for m in models]),
        sequences.batch(key, len(item), item=item),
        dt=sequences.dt,
        key=key,
        save=(),
        progress=False,
    )
    outputs = run["outputs"].transpose("seed", "trial", "time", "output").values
    return scores_of_reaches(outputs, task, np.asarray(sequences.conditions["p_left"]), half)


def scores_of_reaches(
    outputs: np.ndarray, task: HomeReach, p_left: np.ndarray, half: int
) -> xr.Dataset:
    """``kept`` and ``reached`` of outputs (seed, trial, time, output), from reach `half` on.

    Trials are the sequences in order, each repeated equally often.
    """
    ends = outputs[:, :, 2 * task.phase - 1 :: 2 * task.phase][:, :, half:]
    left = (ends[..., 0] < 0).mean(-1).reshape(len(outputs), len(p_left), -1).mean(-1)
    kept = [np.corrcoef(p_left, one)[0, 1] if np.ptp(one) else np.nan for one in left]
    mirrored = np.abs(ends - np.array([0.0, 0.35])) - np.array([0.4, 0.0])
    reached = (np.linalg.norm(mirrored, axis=-1) < 0.1).mean((1, 2))
    variables = {
        "kept": ("seed", np.array(kept), "1", "correlation of generated side and preference"),
        "reached": ("seed", reached, "1", "fraction of generated reaches that end at a goal"),
    }
    return labels.dataset(variables, {}, source="analysis", kind="statistic", values=False)


def sequence_table(task: HomeReach, sequences: Sequences) -> xr.Dataset:
    """Labels of each sequence, and how well its reaches determine the probability."""
    p, fraction = (np.asarray(sequences.conditions[k]) for k in ("p_left", "fraction_left"))
    ceiling = 1 - ((p - fraction) ** 2).sum() / ((p - p.mean()) ** 2).sum()
    variables = {
        "p_left": ("trial", p, "1", "probability of a left reach"),
        "fraction_left": ("trial", fraction, "1", "fraction of left reaches"),
        "ceiling": ((), ceiling, "1", "r2 of the probability, guessed as the fraction"),
    }
    return labels.dataset(variables, {}, source="task", kind="statistic")


def planes(run: xr.Dataset, sequences: Sequences, task: HomeReach) -> dict[str, xr.Dataset]:
    """Units of each layer of the first network at home, on their principal components."""
    one, tree = run.isel(seed=0, drop=True), {}
    p_left = ("trial", labels.exact(sequences.conditions["p_left"]))
    for k in one["layer"].values:
        layer = np.flatnonzero(one["unit_layer"].values == k)
        at = one["d"].isel(unit=layer, time=home_ends(task))
        plane = pca(at.drop_vars(["p_left", "fraction_left"], errors="ignore"), 2)
        named = {"units": "1", "long_name": "probability of a left reach"}
        tree[f"/analysis/plane/{int(k)}"] = plane.assign_coords(p_left=(*p_left, named))
    return tree
