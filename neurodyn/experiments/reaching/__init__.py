"""Reaching: activity of trained networks beside that of motor cortex."""

import xarray as xr

from neurodyn import labels
from neurodyn.experiments.reaching.figures import figures, summary
from neurodyn.experiments.reaching.networks import activity, trained
from neurodyn.experiments.reaching.scores import (
    ABOUT,
    RANKS,
    chosen,
    described,
    dynamics,
    geometry,
    halves,
    recorded,
    rotations,
    softening,
    tuned,
)
from neurodyn.experiments.reaching.settings import PRESETS, Settings
from neurodyn.experiments.running.experiment import Experiment, Run
from neurodyn.experiments.running.seeds import result
from neurodyn.experiments.shared.ensembles import table

__all__ = ["EXPERIMENT"]

#: Scores of trials.
OF_TRIALS = {
    "correct": ("trials that reach the target", "1"),
    "mse": ("squared error of the velocity, in units of the squared peak speed", "1"),
}


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Train networks with different constraints, and score each against the recording.

    Returns
    -------
    xr.DataTree
        ``/model/training/VARIANT``; ``/analysis/rotations/SYSTEM`` of the recording and of the
        first network of each variant; ``/analysis/delays``, errors by which delays and rank were
        chosen; ``/analysis/distances`` of the dynamics of the same systems;
        ``/analysis/reference``, scores of the recording, those of comparisons between halves of
        its units; ``/analysis/scores`` on (seed, sweep), where `sweep` is the variant.
    """
    rate, peak = recorded(settings)
    recording = tuned(rate, settings.soft)
    choice = chosen(settings, recording)
    found = rotations(settings, rate, settings.soft)
    tree = {"/analysis/rotations/recording": found, "/analysis/delays": choice}
    reference = described(settings, rate, settings.soft, found)
    reference |= halves(settings, recording, choice)
    firsts, scores = {"recording": recording}, []
    for variant in settings.variants:
        models, history = trained(settings, run, variant)
        if history is not None:
            tree[f"/model/training/{variant}"] = history
        rows = []
        for i, model in enumerate(models):
            means, made = activity(settings, run, variant, model, rate, peak)
            soft = softening(settings, rate, means)
            own, turns = tuned(means, soft), rotations(settings, means, soft)
            if i == 0:
                firsts[variant] = own
                tree[f"/analysis/rotations/{variant}"] = turns
            pair = {"recording": recording, "network": own}
            angle = float(dynamics(settings, pair, choice)[0, 1])
            row = described(settings, means, soft, turns) | geometry(settings, own, recording)
            row |= {name: float(made[name].mean()) for name in OF_TRIALS}
            rows.append(row | {"dsa": angle})
        scores.append(rows)
    about = {"source": "analysis", "dims": ["system", "other"]}
    apart = dynamics(settings, firsts, choice)
    tree["/analysis/distances"] = apart.to_dataset(name="distance").assign_attrs(about)
    tree["/analysis/reference"] = labels.dataset(
        {name: ((), reference[name], *reversed(ABOUT[name])) for name in ABOUT},
        {},
        source="analysis",
        values=False,
    )
    tree["/analysis/scores"] = table(scores, OF_TRIALS | ABOUT, variant=settings.variants)
    return result(tree, settings)


def check(settings: Settings) -> None:
    """Refuse settings that contradict each other."""
    fewest = min(settings.n_units, settings.n_spiking)
    if fewest < max(RANKS):
        raise ValueError(
            f"Settings 'n_units' and 'n_spiking' must be at least {max(RANKS)}, because "
            f"operators of ranks up to that are compared, got {fewest}."
        )
    if settings.n_components % 2:
        raise ValueError(
            f"Setting 'n_components' must be even, because planes of rotation have two, got "
            f"{settings.n_components}."
        )
    for name in ("delay", "window", "rotation_window"):
        low, high = getattr(settings, name)
        if not low < high:
            raise ValueError(f"Setting {name!r} is a start and a later stop, got {low:g},{high:g}.")


EXPERIMENT = Experiment(
    name="reaching",
    title="Which constraints bring the activity of trained networks closer to motor cortex?",
    reference=(
        "hatsopoulos2007",
        "churchland2012",
        "elsayed2017",
        "sussillo2015",
        "ostrow2023",
        "neftci2019",
    ),
    presets=PRESETS,
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "{n_networks} networks of each of the variants {variants} learnt to move a hand to one of "
        "eight targets after a go cue: {n_units} units and {steps} updates, or {n_spiking} spiking "
        "units and {steps_spiking} updates. Mean activity of each direction, smoothed with "
        "{sigma} ms and aligned by the peak of the speed, was compared with '{recording}'. "
        "Rotations were searched in {n_components} principal components."
    ),
    ranges="Values are means over networks; in brackets the smallest and the largest of them.",
    captions={
        "rotations": (
            "The recording and the first network of each variant in the plane of their fastest "
            "rotation; lines are directions, dots the first times."
        ),
        "scores": (
            "Scores of every network; the line is the recording, or two halves of its units where "
            "a score compares."
        ),
        "distances": "Angles between the dynamics of the recording and of the first networks.",
        "delays": "Errors by which delays and rank of the operators were chosen on the recording.",
    },
    check=check,
)
