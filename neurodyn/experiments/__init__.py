"""Named, reproducible experiments: one command from settings to figures."""

from neurodyn.experiments.brain_timescales.run import EXPERIMENT as _BRAIN_TIMESCALES
from neurodyn.experiments.context_decision.run import EXPERIMENT as _CONTEXT
from neurodyn.experiments.error_regression.run import EXPERIMENT as _ERRORS
from neurodyn.experiments.fit_izhikevich.run import EXPERIMENT as _FIT_CELL
from neurodyn.experiments.force_sine.run import EXPERIMENT as _FORCE
from neurodyn.experiments.gtf.run import EXPERIMENT as _GTF
from neurodyn.experiments.hierarchy.run import EXPERIMENT as _HIERARCHY
from neurodyn.experiments.izhikevich2003.run import EXPERIMENT as _IZHIKEVICH
from neurodyn.experiments.meta_prior.run import EXPERIMENT as _META_PRIOR
from neurodyn.experiments.neural_prediction.run import EXPERIMENT as _NEURAL
from neurodyn.experiments.perceptual_decision.run import EXPERIMENT as _PERCEPTUAL
from neurodyn.experiments.shared.experiment import Experiment, Run, configure
from neurodyn.experiments.shared.runner import Finished, run_experiment
from neurodyn.experiments.symbolic_attractors.run import EXPERIMENT as _SYMBOLIC
from neurodyn.experiments.timescales.run import EXPERIMENT as _TIMESCALES
from neurodyn.experiments.what_when.run import EXPERIMENT as _WHAT_WHEN

__all__ = ["EXPERIMENTS", "Experiment", "Finished", "Run", "configure", "run"]

EXPERIMENTS: dict[str, Experiment] = {
    e.name: e
    for e in (
        _PERCEPTUAL,
        _CONTEXT,
        _META_PRIOR,
        _HIERARCHY,
        _ERRORS,
        _NEURAL,
        _SYMBOLIC,
        _GTF,
        _TIMESCALES,
        _BRAIN_TIMESCALES,
        _IZHIKEVICH,
        _FIT_CELL,
        _FORCE,
        _WHAT_WHEN,
    )
}


def run(name: str, preset: str = "quick", **options) -> Finished:
    """Run an experiment by name.

    Parameters
    ----------
    name
        One of `EXPERIMENTS`.
    preset
        ``"quick"`` (minutes) or ``"paper"``.
    **options
        ``settings`` (a dict of changes to the preset), ``out`` (a folder for the result; None:
        write nothing), ``resume`` (go on with an unfinished run of the same settings in that
        folder; a finished one is read), ``overwrite`` (begin anew), ``progress``.

    Returns
    -------
    Finished
        The result as a DataTree, its figures and its summary.

    Raises
    ------
    ValueError
        For an unknown experiment, preset or setting; for a run to be resumed that has other
        settings.
    FileExistsError
        If the folder already holds a result, or another run is writing into it.
    """
    if name not in EXPERIMENTS:
        raise ValueError(f"There is no experiment {name!r}; there are {', '.join(EXPERIMENTS)}.")
    return run_experiment(EXPERIMENTS[name], preset, **options)
