"""Error regression: prediction of new sequences, against networks that read observations."""

from neurodyn.experiments.error_regression.figures import figures, summary
from neurodyn.experiments.error_regression.run import run
from neurodyn.experiments.error_regression.settings import PRESETS
from neurodyn.experiments.running.experiment import Experiment
from neurodyn.experiments.shared.layers import check_layers

__all__ = ["EXPERIMENT"]

EXPERIMENT = Experiment(
    name="error_regression",
    title="Does inference from errors predict unseen sequences better than reading them?",
    reference=("ahmadi2019", "chung2015", "hochreiter1997"),
    presets=PRESETS,
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "PV-RNNs that infer their latents from prediction errors, and VRNNs and LSTMs of as "
        "many parameters that read observations, learnt {n_train} sequences of Lissajous "
        "curves in {epochs} updates, {n_networks} networks for each candidate setting. The "
        "candidate with the smallest error on {n_validate} validation sequences was compared on "
        "{n_test} test sequences, {n_horizons} steps ahead."
    ),
    ranges=(
        "Errors are means over networks and sequences, plus or minus half of the 95 % interval "
        "of the mean over networks (Student's t)."
    ),
    captions={
        "prediction_error": (
            "Squared error against the number of steps ahead, with 95 % intervals over "
            "networks; linear prediction and the generator itself for reference."
        ),
        "stream": (
            "One test sequence with its windows of error regression and the predictions from them."
        ),
    },
    check=check_layers,
)
