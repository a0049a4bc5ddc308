"""Generalised teacher forcing: shallow piecewise-linear networks on chaotic and real data."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn import analysis, datasets, models, plot
from neurodyn.experiments.gtf.scores import floor, free_outputs, score
from neurodyn.experiments.gtf.settings import PRESETS, Settings, check, forcing_of
from neurodyn.experiments.running.experiment import Experiment, Run
from neurodyn.experiments.running.seeds import result, shared_key
from neurodyn.experiments.shared.attractor_data import AttractorData, attractor_data, standardised
from neurodyn.experiments.shared.attractor_training import train_ensemble
from neurodyn.tasks import Windows
from neurodyn.training import Ensemble, GeneralisedTeacherForcing

__all__ = ["EXPERIMENT"]

#: Number of samples of the trajectories in the result, for figures.
KEPT = 20_000
#: Largest number of dimensions of a binned divergence; above, it compares Gaussian mixtures, as in
#: the published code.
BINNED = 5


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Train an ensemble and score its last and its best networks on held-out data.

    Returns
    -------
    xr.DataTree
        ``/recording`` (held-out data), ``/model`` (free run of the median network),
        ``/model/training``, ``/analysis/scores``, and ``/analysis/floor`` if data are held out.
    """
    data = gtf_data(settings.data, settings.n_samples, shared_key(0))
    best, last, history = train(settings, run, data)
    scores = score(data, {"last": last, "best": best})
    divergence = scores["d_stsp"].sel(checkpoint="last").fillna(np.inf).values
    chosen = int(np.argsort(divergence)[len(divergence) // 2])
    truth = data.train if data.test is None else data.test
    n = min(KEPT, len(truth))
    generated = free_outputs(last[chosen], truth, n)
    shown = _labelled(data, generated, "model").assign_attrs(seed=settings.seed + chosen)
    tree = {
        "/recording": _labelled(data, truth[:n], "recording"),
        "/model": shown,
        "/model/training": history,
        "/analysis/scores": scores,
    } | ({} if data.test is None else {"/analysis/floor": floor(data)})
    return result(tree, settings)


def gtf_data(name: str, n_samples: int, key: Any) -> AttractorData:
    """Training and test data by name, standardised by the training data."""
    if name == "ecg":
        train, test = standardised(*np.asarray(datasets.load("ecg_pecuzal")["ecg"]))
        names = tuple(f"ECG {i}" for i in range(train.shape[1]))
        return AttractorData(train, test, 1e3 / 700, names)
    if name == "eeg":
        train, _ = standardised(np.asarray(datasets.load("eeg_rest")["eeg"]), None)
        names = tuple(f"channel {i}" for i in range(train.shape[1]))
        return AttractorData(train, None, 1e3 / 160, names)
    return attractor_data(name, n_samples=n_samples, key=key)


def train(
    settings: Settings, run: Run, data: AttractorData
) -> tuple[Ensemble, Ensemble, xr.Dataset]:
    """Networks of the best evaluation and of the last step, and the history of the training."""
    task = Windows(data.train, settings.window, dt=data.dt)

    def network(key):
        return models.ShallowPLRNN(
            0,
            settings.n_units,
            task.n_outputs,
            n_hidden=settings.n_hidden,
            observation=settings.observation,
            key=key,
        )

    penalties = {"latent": settings.latent, "observation": settings.observed}
    divergence = (
        analysis.MixtureDivergence()
        if task.n_outputs > BINNED
        else analysis.StateSpaceDivergence(30)
    )
    return train_ensemble(
        network,
        task,
        data,
        settings,
        run,
        objective=GeneralisedTeacherForcing(
            forcing_of(settings.alpha), penalties={n: x for n, x in penalties.items() if x}
        ),
        divergence=divergence,
        how="map",  # vmap would compute the Jacobians of adaptive forcing in every step
    )


def _labelled(data: AttractorData, values: np.ndarray, source: str) -> xr.Dataset:
    return xr.Dataset({"value": data.labelled(values)}, attrs={"source": source})


def summary(tree: xr.DataTree) -> dict[str, str]:
    """Medians over networks, with the median absolute deviation, as published."""
    scores = tree["analysis/scores"].to_dataset()
    rows = {"protocol": str(scores.attrs["protocol"])}
    for checkpoint in scores["checkpoint"].values:
        one = scores.sel(checkpoint=checkpoint)
        ok = np.isfinite(one["d_stsp"].values)
        rows[f"{checkpoint} networks that did not diverge"] = f"{ok.sum()} of {ok.size}"
        for name in ("d_stsp", "d_h", "prediction_error"):
            values = one[name].values[np.isfinite(one[name].values)]
            if values.size:
                middle = np.median(values)
                spread = np.median(np.abs(values - middle))
                rows[f"{one[name].attrs['long_name']}, {checkpoint}"] = (
                    f"{middle:.3g} +- {spread:.2g} ({values.min():.3g} to {values.max():.3g})"
                )
    if "floor" in tree["analysis"].children:
        floor = tree["analysis/floor"].to_dataset()
        for name in ("d_stsp", "d_h"):
            rows[f"{scores[name].attrs['long_name']}, floor"] = f"{float(floor[name]):.3g}"
    return rows


def figures(tree: xr.DataTree) -> dict[str, Any]:
    """Training, and trajectory and spectrum of the median network beside the true ones."""
    recording, model = (tree[side].to_dataset()["value"] for side in ("recording", "model"))
    return {
        "training": plot.history(tree["model/training"].to_dataset()),
        "attractor": plot.projections(recording, model, channels=(0, 1, 2)),
        "spectra": plot.spectra(
            *(analysis.power_spectrum(x.isel(output=slice(6))) for x in (recording, model))
        ),
    }


EXPERIMENT = Experiment(
    name="gtf",
    title="Does generalised teacher forcing reconstruct chaotic attractors from time series?",
    reference=("hess2023",),
    presets=PRESETS,
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "{n_seeds} shallow piecewise-linear networks of {n_units} latent units and {n_hidden} "
        "hidden ones were trained on '{data}' by generalised teacher forcing, in {epochs} "
        "epochs of {epoch_size} updates. Free runs of the last networks and of those with the "
        "best evaluation were scored by the published protocol."
    ),
    ranges=(
        "Values are medians over networks +- their median absolute deviation; in brackets the "
        "smallest and the largest."
    ),
    captions={
        "training": "Loss and evaluations over training, a line for each network.",
        "attractor": "The data, and the free run of the median network.",
        "spectra": "Power spectra of the data and of that free run.",
    },
    check=check,
)
