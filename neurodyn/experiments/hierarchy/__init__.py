"""Hierarchy: whether a slow layer learns the hidden preference behind fast reaches."""

from neurodyn.experiments.hierarchy.figures import figures, summary
from neurodyn.experiments.hierarchy.run import run
from neurodyn.experiments.hierarchy.settings import PRESETS
from neurodyn.experiments.running.experiment import Experiment
from neurodyn.experiments.shared.layers import check_layers
from neurodyn.experiments.shared.meta_priors import RANGES

__all__ = ["EXPERIMENT"]

EXPERIMENT = Experiment(
    name="hierarchy",
    title="Does the slow layer of a PV-RNN learn the hidden preference, the fast one the reaches?",
    reference=("soda2023", "ahmadi2019"),
    presets=PRESETS,
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
            "Held-out r2 of the decoded labels against the meta-prior; a colour for each layer, "
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
