"""FORCE in networks of Izhikevich neurons, which learn to generate a sine by themselves."""

from neurodyn.experiments.force_sine.figures import figures, summary
from neurodyn.experiments.force_sine.run import run
from neurodyn.experiments.force_sine.settings import PRESETS
from neurodyn.experiments.running.experiment import Experiment

__all__ = ["EXPERIMENT"]

EXPERIMENT = Experiment(
    name="force_sine",
    title="Can a network of Izhikevich neurons learn to generate a sine by itself?",
    reference=("nicola2017", "sussillo2009", "izhikevich2007"),
    presets=PRESETS,
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "{n_networks} networks of each of the sizes {sizes} learnt by recursive least squares "
        "to generate a sine of {frequency} Hz, which their output feeds back to all neurons. "
        "They learnt for {learn} s after {before} s of activity, and then ran for {after} s "
        "without the sine."
    ),
    ranges=(
        "Values are means over networks; in brackets their bootstrap interval of 95 %, from "
        "five networks on, followed by their range."
    ),
    captions={
        "output_": (
            "Output of the first network of this size and the sine: when learning begins, when it "
            "ends, and at the end of the run."
        ),
        "scores": (
            "Scores of every network against its number of neurons; lines mark the scores of a "
            "good network."
        ),
    },
)
