"""What a similarity score says about what a data set holds of a recording."""

import jax
import xarray as xr

from neurodyn import analysis
from neurodyn.experiments.running.experiment import Experiment, Run
from neurodyn.experiments.running.seeds import result
from neurodyn.experiments.what_a_score_means.figures import figures, summary
from neurodyn.experiments.what_a_score_means.recordings import LOAD
from neurodyn.experiments.what_a_score_means.scores import region
from neurodyn.experiments.what_a_score_means.settings import PRESETS, Settings

__all__ = ["EXPERIMENT"]


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Climb each measure from noise towards each recording.

    Returns
    -------
    xr.DataTree
        ``/analysis/RECORDING/MEASURE`` of :func:`neurodyn.analysis.score_reference`, and
        ``/analysis/RECORDING/region``: pairs of CKA and NBS that data sets reach.
    """
    del run
    key = jax.random.key(settings.seed)
    tree: dict[str, xr.Dataset] = {}
    for i, name in enumerate(settings.recordings):
        recorded = LOAD[name](settings)
        own = jax.random.fold_in(key, i)
        for measure in settings.measures:
            tree[f"/analysis/{name}/{measure}"] = analysis.score_reference(
                measure,
                recorded.rates,
                by=recorded.by,
                n_draws=settings.n_draws,
                steps=settings.steps,
                n_saved=settings.n_saved,
                key=own,
            )
        tree[f"/analysis/{name}/region"] = region(recorded, settings, own)
    return result(tree, settings)


EXPERIMENT = Experiment(
    name="what_a_score_means",
    title="What does a data set hold of a recording whose score beside it is high?",
    reference=("cloos2025", "kornblith2019", "harvey2024", "schrimpf2020", "mante2013"),
    presets=PRESETS,
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "Gaussian noise was changed along the gradient of {measures} beside {recordings} for "
        "{steps} steps. Along the climb the principal components of the recording and its task "
        "variables were read out by ridge regression in held-out conditions. With one of CKA and "
        "NBS held, the other was made as large and as small as it can be."
    ),
    ranges="Scores and R2 are means over climbs; ranges are the ends that climbs reach.",
    captions={
        "components": "Score at which each component is read out with a held-out R2 of 0.5.",
        "region": "Pairs of CKA and NBS: what the other can be where one is held.",
        "mante2013_": "Prefrontal units: scores without parts, and climbs.",
        "decision_example_": "The simulated circuit: scores without parts, and climbs.",
    },
)
