"""Named, reproducible experiments, from settings to figures: those of neurodyn and your own."""

from neurodyn.experiments.running.catalogue import Catalogue
from neurodyn.experiments.running.experiment import Experiment, Run, configure, settings_in
from neurodyn.experiments.running.limits import (
    Count,
    Fraction,
    Limits,
    NotNegative,
    Positive,
    Seed,
    Whole,
)
from neurodyn.experiments.running.resume import Resumed
from neurodyn.experiments.running.runner import Finished, run_experiment
from neurodyn.experiments.running.seeds import SeededSettings, result, seeds_of, shared_key

__all__ = [
    "EXPERIMENTS",
    "Count",
    "Experiment",
    "Finished",
    "Fraction",
    "Limits",
    "NotNegative",
    "Positive",
    "Resumed",
    "Run",
    "Seed",
    "SeededSettings",
    "Whole",
    "configure",
    "result",
    "run",
    "seeds_of",
    "settings_in",
    "shared_key",
]

#: Every experiment by name. A new one of neurodyn needs a package of its name, and a line here.
EXPERIMENTS = Catalogue(
    (
        "perceptual_decision",
        "context_decision",
        "meta_prior",
        "hierarchy",
        "error_regression",
        "neural_prediction",
        "symbolic_attractors",
        "gtf",
        "timescales",
        "brain_timescales",
        "izhikevich2003",
        "fit_izhikevich",
        "force_sine",
        "what_when",
    )
)


def run(experiment: str | Experiment, preset: str | None = None, **options) -> Finished:
    """Run an experiment.

    Parameters
    ----------
    experiment
        A name out of `EXPERIMENTS`, or an :class:`Experiment`.
    preset
        Name of a preset; None: the first, which in the experiments of neurodyn is ``"quick"``
        (minutes).
    **options
        ``settings`` (a dict of changes to the preset, or the settings themselves as
        :func:`configure` returns them), ``out`` (a folder for the result; None: write nothing),
        ``resume`` (continue an unfinished run of the same settings in that folder; a finished run
        is read), ``overwrite`` (begin anew), ``progress``.

    Returns
    -------
    Finished
        The result as a DataTree, its figures and its summary.

    Raises
    ------
    ValueError
        For an unknown experiment, preset or setting; if the run to be resumed has other settings.
    TypeError
        If the settings belong to another experiment.
    FileExistsError
        If the folder already holds a result, or another run is writing into it.
    """
    if isinstance(experiment, str):
        experiment = EXPERIMENTS.find(experiment)
    return run_experiment(experiment, preset, **options)
