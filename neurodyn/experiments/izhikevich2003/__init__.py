"""The network of Izhikevich (2003): a thousand randomly coupled neurons and their rhythms."""

from neurodyn.experiments.izhikevich2003.figures import figures, summary
from neurodyn.experiments.izhikevich2003.run import run
from neurodyn.experiments.izhikevich2003.settings import PRESETS, check
from neurodyn.experiments.running.experiment import Experiment

__all__ = ["EXPERIMENT"]

EXPERIMENT = Experiment(
    name="izhikevich2003",
    title="Do a thousand randomly coupled cortical neurons make the published rhythms?",
    reference=("izhikevich2003",),
    presets=PRESETS,
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "{n_seeds} networks of {n_excitatory} excitatory and {n_inhibitory} inhibitory "
        "neurons, coupled at random, ran for {duration} ms in steps of {dt} ms. Rates, "
        "irregularity, synchrony and spectra were measured after the first {settle} ms."
    ),
    ranges="Values are means over networks; in brackets the smallest and the largest of them.",
    captions={
        "raster": "Spikes of the first network, and the rates of its populations.",
        "spectrum": (
            "Power spectrum of the rate of all neurons, a thin line for each network "
            "and a thick one for their mean."
        ),
        "intervals": (
            "Intervals between spikes in the first network, and the coefficients of variation "
            "of its neurons."
        ),
    },
    check=check,
)
