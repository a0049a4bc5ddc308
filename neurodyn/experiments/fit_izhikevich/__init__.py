"""An Izhikevich neuron fitted to the responses of a recorded cell to injected currents."""

from neurodyn.experiments.fit_izhikevich.figures import figures, summary
from neurodyn.experiments.fit_izhikevich.run import run
from neurodyn.experiments.fit_izhikevich.settings import PRESETS, check
from neurodyn.experiments.running.experiment import Experiment

__all__ = ["EXPERIMENT"]

EXPERIMENT = Experiment(
    name="fit_izhikevich",
    title="Which Izhikevich neuron fires like a recorded fast-spiking interneuron?",
    reference=("izhikevich2007", "storn1997"),
    presets=PRESETS,
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "{n_seeds} searches of {generations} generations by differential evolution looked for "
        "the Izhikevich neuron that fires like the cell in '{recording}' under steps of "
        "current. Every {hold_out}th of the steps at which the cell fires was held out of the fit "
        "and shows how well the neuron predicts."
    ),
    ranges=(
        "First the value of the best cell; in brackets the smallest and the largest over searches."
    ),
    captions={
        "curves": (
            "Firing rate, latency of the first spike and potential late in the step against "
            "the current, of the recorded cell and of the fitted neurons; hollow marks were held "
            "out of the fit."
        ),
        "potentials_": "Recorded potentials and those of the best cell under one current.",
    },
    check=check,
)
