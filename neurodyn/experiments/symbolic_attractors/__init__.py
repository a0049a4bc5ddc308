"""Symbolic codes: the smallest piecewise-linear networks that reproduce an attractor."""

from neurodyn.experiments.running.experiment import Experiment
from neurodyn.experiments.symbolic_attractors.figures import figures, summary
from neurodyn.experiments.symbolic_attractors.run import run
from neurodyn.experiments.symbolic_attractors.settings import PRESETS, check

__all__ = ["EXPERIMENT"]

EXPERIMENT = Experiment(
    name="symbolic_attractors",
    title="How few linear pieces does it take to reproduce an attractor?",
    reference=("brenner2024", "eisenmann2023"),
    presets=PRESETS,
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "{n_seeds} piecewise-linear networks of {n_units} units, {n_relu} of them rectified, "
        "were trained on '{data}' by sparse teacher forcing, in {epochs} epochs of "
        "{epoch_size} updates. Their free runs were scored against the data, and the network "
        "with the smallest divergence was analysed by its linear pieces and their fixed points."
    ),
    ranges="Values are medians over networks; in brackets the smallest and the largest of them.",
    captions={
        "divergence": (
            "State-space divergence of free runs from the data over training, a line for each "
            "network."
        ),
        "elbow": "Scores against the number of rectified units.",
        "attractor": (
            "Free run of the best network, coloured by its linear pieces, with their fixed points."
        ),
        "attractor_data": "The data, in the same view.",
        "symbol_graph": "Transitions between the linear pieces of the best network.",
        "geometric_graph": "The same transitions, each piece drawn where it lies.",
        "spectra": "Power spectra of the data and of the free run.",
    },
    check=check,
)
