"""Hierarchy: whether a slow layer learns the hidden preference that rules fast reaches."""

import dataclasses
from typing import Annotated, Any

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.analysis import decode, latent_summary, pca
from neurodyn.experiments.hierarchy.figures import figures, summary
from neurodyn.experiments.shared.experiment import Experiment, Run
from neurodyn.experiments.shared.layers import LayerSettings, Sizes, Taus, check_layers
from neurodyn.experiments.shared.limits import Count, Limits, NotNegative, Positive
from neurodyn.experiments.shared.seeds import result, shared_key
from neurodyn.experiments.shared.sweep import RANGES, SweepSettings, train_all, unfold
from neurodyn.models import PVRNN
from neurodyn.simulation.simulate import simulate
from neurodyn.tasks import HomeReach, Sequences
from neurodyn.training import Ensemble, Fit

__all__ = ["EXPERIMENT", "Settings", "run", "train"]

LATENT = ("d", "mean", "sigma", "prior_mean", "prior_sigma", "kl")


@dataclasses.dataclass(frozen=True)
class Settings(LayerSettings, SweepSettings):
    """Settings; see :class:`LayerSettings` and :class:`SweepSettings` too.

    Attributes
    ----------
    w
        Meta-priors, each the same in all layers.
    repeats
        Training sequences of each of the nine probabilities of a left reach.
    n_phases
        Phases of a sequence, of 8 steps each.
    n_units
        Units of each layer, the fastest first; by default as in the public code of Soda et al.
        (2023).
    n_generated
        Times that each sequence is continued without its posterior.
    """

    w: tuple[Positive, ...] = (0.003, 0.03)
    n_networks: Count = 2
    epochs: Count = 1000
    repeats: Count = 2
    n_phases: Annotated[int, Limits(4)] = 32
    n_units: Sizes = (20, 10, 10)
    n_latents: Sizes = (2, 2, 2)
    tau: Taus = (2.0, 8.0, 32.0)
    w_first: NotNegative = 0.01
    n_generated: Count = 10


def source(settings: Settings) -> tuple[HomeReach, Sequences]:
    """The task, and the sequences to learn: every probability equally often."""
    task = HomeReach(n_phases=settings.n_phases)
    p_left = np.tile(np.asarray(task.p_left), settings.repeats)
    return task, task.sequences(shared_key(0), len(p_left), p_left=p_left)


def train(settings: Settings, run: Run) -> Fit:
    """All networks in one program."""
    task, sequences = source(settings)

    def make(*, w: float, key: Any) -> PVRNN:
        return PVRNN(
            task.n_outputs,
            settings.n_units,
            settings.n_latents,
            settings.tau,
            sequences=(sequences.n_items, sequences.n_steps),
            w=w,
            w_first=settings.w_first,
            key=key,
        )

    keys = shared_key(1), shared_key(2)
    return train_all(make, sequences, settings, run, key=keys)


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Train, reconstruct, and decode preference and side from each layer."""
    task, sequences = source(settings)
    models = list(train(settings, run).model)
    posterior = simulate(
        Ensemble(models),
        sequences.validation(),
        dt=sequences.dt,
        key=shared_key(3),
        save=LATENT,
        progress=False,
    )
    kept = preference_kept(models, task, sequences, settings.n_generated, key=shared_key(4))
    errors = ((posterior["outputs"] - np.asarray(sequences.data)) ** 2).mean(
        ("trial", "time", "output")
    )
    scores = _decoded(posterior, task, sequences).merge(kept, join="exact")
    scores = scores.assign(error=errors.assign_attrs(units="1", long_name="squared error"))
    tree = {
        "/model/latents": unfold(latent_summary(posterior), settings),
        "/model/example": posterior.isel(seed=0, trial=slice(3), drop=True),
        "/analysis/decoding": unfold(scores, settings),
        "/analysis/sequences": _sequences(task, sequences),
    }
    tree |= _planes(posterior, sequences, task)
    return result(tree, settings)


def home_ends(task: HomeReach) -> np.ndarray:
    """Last steps at home in the second half: the hand is at one place in all sequences."""
    ends = np.arange(task.phase - 1, task.n_steps, 2 * task.phase)
    return ends[len(ends) // 2 :]


def _decoded(run: xr.Dataset, task: HomeReach, sequences: Sequences) -> xr.Dataset:
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
    """How the networks go on after half of a sequence, without its posterior.

    Returns
    -------
    Dataset on `seed`: ``kept``, the correlation over sequences of the probability of a left reach
    with the fraction of left reaches among those generated; ``reached``, the fraction of generated
    reaches that end within 0.1 of either goal.
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

    Trials are the sequences in order, each as often as the others.
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


def _sequences(task: HomeReach, sequences: Sequences) -> xr.Dataset:
    """What was to be learnt of each sequence, and how well its reaches tell the probability."""
    p, fraction = (np.asarray(sequences.conditions[k]) for k in ("p_left", "fraction_left"))
    ceiling = 1 - ((p - fraction) ** 2).sum() / ((p - p.mean()) ** 2).sum()
    variables = {
        "p_left": ("trial", p, "1", "probability of a left reach"),
        "fraction_left": ("trial", fraction, "1", "fraction of left reaches"),
        "ceiling": ((), ceiling, "1", "r2 of the probability, guessed as the fraction"),
    }
    return labels.dataset(variables, {}, source="task", kind="statistic")


def _planes(run: xr.Dataset, sequences: Sequences, task: HomeReach) -> dict[str, xr.Dataset]:
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


EXPERIMENT = Experiment(
    name="hierarchy",
    title="Does the slow layer of a PV-RNN learn the hidden preference, the fast one the reaches?",
    reference=("soda2023", "ahmadi2019"),
    presets={
        "quick": Settings(),
        "paper": Settings(epochs=6000),
    },
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "{n_networks} PV-RNNs for each meta-prior w of {w} learnt reaches to the left or right "
        "whose probability differs between sequences, in {epochs} updates. The probability and "
        "the side of the next reach were decoded from each layer on held-out sequences, and "
        "each sequence was continued {n_generated} times without its posterior."
    ),
    ranges=RANGES,
    captions={
        "decoding": (
            "Held-out r2 of what was decoded, against the meta-prior; a colour for each layer, "
            "points are networks."
        ),
        "latents": "Standard deviation of the prior and divergence from it, by layer.",
        "latent_space": (
            "Units of each layer of the first network at home, on their first principal "
            "components; colours are probabilities of a left reach."
        ),
        "bands": (
            "Prior and posterior of one latent of each layer along the first training sequences."
        ),
    },
    check=check_layers,
)
