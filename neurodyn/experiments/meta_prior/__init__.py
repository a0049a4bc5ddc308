"""Meta-prior: between deterministic chaos and a random process, in networks that learn a source."""

from neurodyn.experiments.meta_prior.figures import figures, summary
from neurodyn.experiments.meta_prior.run import run
from neurodyn.experiments.meta_prior.settings import PRESETS, check
from neurodyn.experiments.running.experiment import Experiment
from neurodyn.experiments.shared.meta_priors import RANGES

__all__ = ["EXPERIMENT"]

EXPERIMENT = Experiment(
    name="meta_prior",
    title="Does a PV-RNN imitate randomness by chaos or by noise, and what decides between them?",
    reference=("ahmadi2019",),
    presets=PRESETS,
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "{n_networks} PV-RNNs for each meta-prior w of {w} learnt {n_sequences} sequences of "
        "{n_steps} symbols from a probabilistic state machine, in {epochs} updates. Each then "
        "generated {free_steps} steps by itself, with noise and without, which were compared "
        "with the machine by the frequencies of words of {word} symbols and by the largest "
        "Lyapunov exponent."
    ),
    ranges=RANGES,
    captions={
        "latents": (
            "Standard deviations of prior and posterior and their divergence against the "
            "meta-prior; points are networks."
        ),
        "lyapunov": "Largest Lyapunov exponent against the meta-prior, with noise and without.",
        "generalisation": (
            "Forbidden words, entropy rate and word divergence against the meta-prior; the "
            "line is the score of true sequences of this length."
        ),
        "errors": (
            "Squared error of reconstruction, of generation from the first latents, and of "
            "free generation."
        ),
        "bands_": "Prior and posterior of one network along three training sequences.",
        "words_": "Frequencies of words of the source and of one network.",
        "free_run_without_noise": (
            "Units in free generation without noise, on the principal components of generation "
            "with noise; colours are symbols."
        ),
    },
    check=check,
)
