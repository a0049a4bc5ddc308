"""Train networks on a decision task and compare them with neurons recorded in the same task."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import optax
import xarray as xr

from neurodyn import params
from neurodyn.analysis import MEASURES, compare, participation_ratio, pca
from neurodyn.analysis.comparison.measures import pairwise_measures
from neurodyn.experiments.running.experiment import Run
from neurodyn.experiments.running.limits import Count, NotNegative, Positive, Whole
from neurodyn.experiments.running.seeds import SeededSettings, result, seeds_of, shared_key
from neurodyn.experiments.running.values import spelled
from neurodyn.experiments.shared.ensembles import stacked
from neurodyn.models import CTRNN
from neurodyn.simulation.simulate import simulate
from neurodyn.task import AbstractTask
from neurodyn.training import Seeds, fit
from neurodyn.trials import average

#: Measures that differ in kind: geometry by kernels (without their bias, of a Gaussian, of
#: distances), shapes, canonical correlations, ranks of dissimilarities, nearest neighbours, single
#: units, and prediction in both directions.
METRICS = (
    "cka",
    "debiased_cka",
    "rbf_cka",
    "distance_correlation",
    "procrustes",
    "heldout_procrustes",
    "svcca",
    "rsa_spearman",
    "neighbour_overlap",
    "matched_units",
    "ridge_r",
    "reverse_ridge_r",
)
#: BibTeX keys of the papers of these measures.
MEASURED_BY = tuple(dict.fromkeys(key for name in METRICS for key in MEASURES[name].reference))


@dataclasses.dataclass(frozen=True, kw_only=True)
class DecisionSettings(SeededSettings):
    """Settings of a decision experiment.

    Attributes
    ----------
    recording
        Name of a dataset, or a file.
    n_units
        Units of each network.
    n_networks
        Networks, each with initial weights of its own.
    steps
        Updates of training.
    batch_size
        Trials of each update.
    learning_rate
        Step size of Adam.
    dt
        Time step of the simulation [ms].
    tau
        Lower and upper bound of the trained time constants, and their initial value [ms].
    noise_std
        Standard deviation of the noise in each unit.
    repeats
        Simulated trials of each condition.
    n_null
        Shuffles of the null distribution; 0: none.
    n_splits
        Splits of the recording for the ceiling.
    measures
        Names of the measures that compare the networks with the recording.
    """

    recording: str
    n_units: Count = 64
    n_networks: Count = 4
    steps: Count = 2000
    batch_size: Count = 64
    learning_rate: Positive = 2e-3
    dt: Positive = 20.0
    tau: tuple[Positive, Positive, Positive] = (20.0, 500.0, 100.0)
    noise_std: NotNegative = 0.05
    repeats: Count = 40
    n_null: Whole = 200
    n_splits: Count = 50
    measures: tuple[str, ...] = METRICS


def check(settings: DecisionSettings) -> None:
    """Refuse settings that contradict each other."""
    low, high, init = settings.tau
    if not low <= init <= high or low == high:
        raise ValueError(
            "Setting 'tau' is the lower bound, the upper bound and an initial value between them, "
            f"got {spelled(settings.tau)}."
        )
    try:
        pairwise_measures(settings.measures)
    except ValueError as error:
        raise ValueError(f"Setting 'measures': {error}") from None


def study(
    settings: DecisionSettings,
    run: Run,
    task: AbstractTask,
    recording: xr.Dataset,
    *,
    by: Sequence[str],
    show: Sequence[str],
    window: tuple[float, float],
    min_trials: int,
    relabel: Callable[[xr.Dataset], xr.Dataset],
    correct_only: bool = False,
    behaviour: xr.Dataset | None = None,
    more: Callable[[Any, xr.Dataset], dict[str, xr.Dataset]] = lambda model, trials: {},
) -> xr.DataTree:
    """Train networks, simulate the conditions of the recording, and compare them with it.

    Parameters
    ----------
    settings, run
        Settings, and the folder for checkpoints.
    task
        Task of the recording.
    recording
        Rates of single trials, or of conditions with two halves.
    by
        Labels that define a condition.
    show
        Labels among ``by`` that figures distinguish; they show means over the others.
    window
        Times to compare [ms].
    min_trials
        Conditions with fewer trials, in the recording or in any network, are left out; the
        comparison names them in its attribute ``left_out``.
    relabel
        Function that gives simulated trials the labels of the recording.
    correct_only
        Whether to average only correct trials of the networks, as for a recording of correct
        trials.
    behaviour
        Choices of the recorded animal or network, on ``trial``.
    more
        Makes further results of the trained networks and their trials.

    Returns
    -------
    xr.DataTree
        ``/recording`` and ``/model``: means of the conditions that are compared (``/model`` with
        ``seed``), each with ``behaviour``; ``/model/training``; ``/analysis/comparison``,
        ``/analysis/dimensionality`` and ``/analysis/trajectories/{model,recording}``.
    """
    by = list(by)
    trained = train(settings, run, task)
    trials = relabel(
        simulate(
            trained.model,
            task,
            repeats=settings.repeats,
            key=shared_key(2),
            save=("rate",),
            progress=run.progress,
        )
    )
    members = []
    for i in range(trials.sizes["seed"]):
        member = trials.isel(seed=i)
        if correct_only:
            member = member.isel(trial=np.flatnonzero(member["correct"].values == 1))
        if not member.sizes["trial"]:
            raise ValueError(
                f"Network {settings.seed + i} answers no trial correctly; train longer (`steps`)."
            )
        members.append(_means(member, by, min_trials))
    recorded = _means(recording, by, min_trials)
    common = sorted(set.intersection(*(set(_names(ds, by)) for ds in (recorded, *members))))
    if len(common) < 3:
        raise ValueError(
            f"Only {len(common)} conditions have at least {min_trials} trials in the recording and "
            "in all networks; simulate more `repeats`, or train longer."
        )
    model = xr.concat(
        [_choose(ds, by, common) for ds in members],
        trials["seed"],
        data_vars="all",
        coords="different",
        compat="equals",
        join="exact",
    )
    recorded = _choose(recorded, by, common)
    score = compare(
        model,
        _choose(recording, by, common, dim=_dim(recording)),
        settings.measures,
        by=by,
        window=window,
        n_splits=settings.n_splits,
        n_null=settings.n_null,
        key=shared_key(3),
    )
    known = set(_names(average(recording, by) if _dim(recording) == "trial" else recording, by))
    score.attrs["left_out"] = "; ".join(map(str, sorted(known - set(common))))
    inside = slice(*window)
    tree = {
        "/recording": recorded.drop_vars("halves", errors="ignore"),
        "/model": model,
        "/model/behaviour": _behaviour(trials),
        "/model/training": trained.history,
        "/analysis/comparison": score,
        "/analysis/dimensionality": _dimensionality(
            model.sel(time=inside), recorded.sel(time=inside)
        ),
        "/analysis/trajectories/model": pca(
            marginal(model.isel(seed=0), *show).sel(time=inside)["rate"]
        ),
        "/analysis/trajectories/recording": pca(marginal(recorded, *show).sel(time=inside)["rate"]),
    }
    if behaviour is not None:
        tree["/recording/behaviour"] = behaviour
    return result(tree | more(trained.model, trials), settings)


def train(settings: DecisionSettings, run: Run, task: AbstractTask):
    """Train the networks; see :func:`neurodyn.fit`."""
    low, high, init = settings.tau

    def network(key):
        return CTRNN(
            task.n_inputs,
            settings.n_units,
            task.n_outputs,
            tau=params.Bounded(low, high, init=init),
            activation="softplus",
            noise_std=settings.noise_std,
            key=key,
        )

    return fit(
        network,
        task,
        steps=settings.steps,
        batch_size=settings.batch_size,
        optimizer=optax.chain(optax.clip_by_global_norm(1.0), optax.adam(settings.learning_rate)),
        ensemble=Seeds(settings.n_networks, seeds=seeds_of(settings, settings.n_networks)),
        evaluate_every=max(1, settings.steps // 10),
        key=shared_key(1),
        **run.training(),
    )


def nearest(values: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """The nearest of some levels to each value, which rounding has changed a little."""
    return levels[np.abs(values[:, None] - levels[None, :]).argmin(1)]


def marginal(means: xr.Dataset, *names: str) -> xr.Dataset:
    """Means over all conditions with the same labels, with equal weights."""
    columns = _names(means, list(names))
    groups = sorted(set(columns))
    if len(groups) == len(columns):
        return means
    index = np.array([groups.index(column) for column in columns])
    parts = [
        means[["rate"]].isel(condition=index == i).mean("condition") for i in range(len(groups))
    ]
    joined = stacked(parts, "condition")
    joined["rate"].attrs = means["rate"].attrs
    values = {name: ("condition", [group[i] for group in groups]) for i, name in enumerate(names)}
    return joined.assign_coords(values)


def _dim(ds: xr.Dataset) -> str:
    return "trial" if "trial" in ds.dims else "condition"


def _means(ds: xr.Dataset, by: list[str], min_trials: int) -> xr.Dataset:
    """Means of the conditions with enough trials in every unit."""
    means = average(ds[["rate"]], by) if _dim(ds) == "trial" else ds
    often = means["n_trials"] >= min_trials
    seen = means["rate"].notnull()
    keep = often.all([d for d in often.dims if d != "condition"])
    keep = keep & seen.all([d for d in seen.dims if d != "condition"])
    return means.isel(condition=np.flatnonzero(keep.values))


def _names(ds: xr.Dataset, by: list[str], dim: str = "condition") -> list[tuple]:
    """The labels of each condition (or trial)."""
    columns = [np.asarray(ds[name].values).tolist() for name in by]
    return list(zip(*columns, strict=True)) if ds.sizes[dim] else []


def _choose(
    ds: xr.Dataset, by: list[str], wanted: list[tuple], dim: str = "condition"
) -> xr.Dataset:
    """Conditions in the wanted order, or the trials of these conditions."""
    names = _names(ds, by, dim)
    if dim == "trial":
        among = set(wanted)
        return ds.isel(trial=[i for i, name in enumerate(names) if name in among])
    return ds.isel(condition=[names.index(name) for name in wanted])


def _behaviour(trials: xr.Dataset) -> xr.Dataset:
    """Conditions, choices and reaction times of the simulated trials, without the activity."""
    names = [n for n, c in trials.coords.items() if "trial" in c.dims and n != "trial"]
    return trials[names].reset_coords(names)


def _dimensionality(model: xr.Dataset, recording: xr.Dataset) -> xr.Dataset:
    """Participation ratio of the condition means of every network and of the recording."""
    members = [participation_ratio(model["rate"].isel(seed=i)) for i in range(model.sizes["seed"])]
    sizes = {
        "model": stacked(members, model["seed"]),
        "recording": participation_ratio(recording["rate"]),
    }
    return xr.Dataset(sizes, attrs={"source": "analysis"})
