"""Error regression on a recorded population: prediction of conditions that were not trained."""

from neurodyn.experiments.neural_prediction.figures import figures, summary
from neurodyn.experiments.neural_prediction.run import run
from neurodyn.experiments.neural_prediction.settings import PRESETS
from neurodyn.experiments.running.experiment import Experiment
from neurodyn.experiments.shared.layers import check_layers

__all__ = ["EXPERIMENT"]

EXPERIMENT = Experiment(
    name="neural_prediction",
    title="Does error regression predict conditions of a recorded population that it never saw?",
    reference=("ahmadi2019", "hatsopoulos2007"),
    presets=PRESETS,
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "PV-RNNs learnt the first {n_components} principal components of the rates in "
        "'{recording}' in {epochs} updates, {n_networks} networks for each of {n_folds} folds "
        "of conditions. The held-out conditions of each fold were inferred by error "
        "regression and predicted {n_horizons} steps ahead."
    ),
    ranges=(
        "Errors are relative to the variance of the data: means over networks, plus or minus "
        "half of the 95 % interval of the mean (Student's t), or in brackets the smallest and "
        "the largest network."
    ),
    captions={
        "prediction_error": (
            "Error relative to the variance against the number of steps ahead, with 95 % "
            "intervals over networks; linear prediction and the last value for reference."
        ),
        "stream": (
            "One held-out condition, with its windows of error regression and the predictions "
            "from them."
        ),
    },
    check=check_layers,
)
