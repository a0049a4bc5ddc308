"""Generalised teacher forcing: shallow piecewise-linear networks on chaotic and real data."""

import dataclasses
from typing import Annotated, Any, Literal

import numpy as np
import xarray as xr

from neurodyn import analysis, datasets, models
from neurodyn.experiments.attractor_data import AttractorData, attractor_data
from neurodyn.experiments.checkpoints import KeepLast
from neurodyn.experiments.experiment import Experiment, Run
from neurodyn.experiments.gtf_report import gtf_figures, gtf_summary
from neurodyn.experiments.gtf_scores import floor, free_outputs, score
from neurodyn.experiments.limits import Count, Limits, NotNegative, Positive, Seed
from neurodyn.experiments.seeds import result, seeds_of, shared_key
from neurodyn.tasks import Windows
from neurodyn.training import Ensemble, FreeRun, GeneralisedTeacherForcing, Seeds, fit, radam

__all__ = ["EXPERIMENT", "Settings", "gtf_data", "run", "train"]

#: Samples of the trajectories that the result keeps, for figures.
KEPT = 20_000
#: Above so many dimensions the divergence is between Gaussian mixtures, as in the published code.
BINNED = 5


@dataclasses.dataclass(frozen=True)
class Settings:
    """Settings; the defaults are those published for Lorenz's system.

    The published number of 365 parameters (3 units, 50 hidden ones) is that of an affine
    observation; with the identity, the default here and in the published settings, it is 356.

    Attributes
    ----------
    data
        ``"lorenz63"``, ``"ecg"`` (700 Hz) or ``"eeg"`` (which has no test data: it is scored on
        what it was trained on).
    seed
        Seed of the first network; the next ones count on.
    n_seeds
        Networks, trained as one ensemble.
    n_units
        Latent units.
    n_hidden
        Width of their hidden layer.
    observation
        ``"identity"`` or ``"affine"``.
    alpha
        Estimator of adaptive forcing, or a number as text for constant forcing.
    latent
        Weight of the penalty on parameters.
    observed
        Weight of the penalty on the condition of an affine observation.
    window
        Length of training windows [steps].
    epochs
        Epochs of training.
    epoch_size
        Updates of an epoch.
    batch_size
        Windows of an update.
    learning_rate
        Learning rate at the start and at the end; it falls exponentially from epoch to epoch.
    n_samples
        Samples of the simulated system, for training and for testing each.
    evaluate_every
        Epochs between evaluations by a free run: the checkpoint with the smallest divergence from
        the training data is kept beside the last one.
    evaluate_samples
        Length of that free run [steps].
    """

    data: Literal["lorenz63", "ecg", "eeg"] = "lorenz63"
    seed: Seed = 0
    n_seeds: Count = 5
    n_units: Count = 3
    n_hidden: Count = 50
    observation: Literal["identity", "affine"] = "identity"
    alpha: str = "product_upper_bound"
    latent: NotNegative = 1e-5
    observed: NotNegative = 0.0
    window: Annotated[int, Limits(2)] = 200
    epochs: Count = 5000
    epoch_size: Count = 50
    batch_size: Count = 16
    learning_rate: tuple[Positive, Positive] = (1e-3, 1e-6)
    n_samples: Count = 100_000
    evaluate_every: Count = 100
    evaluate_samples: Count = 25_000


def check(settings: Settings) -> None:
    """Refuse settings that do not fit together."""
    GeneralisedTeacherForcing(_alpha(settings.alpha))
    if settings.window >= settings.n_samples:
        raise ValueError(
            f"Setting 'window' ({settings.window}) must be shorter than the data "
            f"('n_samples', {settings.n_samples})."
        )


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Train an ensemble and score its last and its best networks on held-out data.

    Returns
    -------
    xr.DataTree
        ``/recording`` (held-out data), ``/model`` (free run of the median network),
        ``/model/training``, ``/analysis/scores``, and ``/analysis/floor`` where data are held out.
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
    """Training and test data by name, standardised as the training data are."""
    if name == "ecg":
        train, test = np.asarray(datasets.load("ecg_pecuzal")["ecg"])
        mean, spread = train.mean(0), train.std(0)
        names = tuple(f"ECG {i}" for i in range(train.shape[1]))
        return AttractorData((train - mean) / spread, (test - mean) / spread, 1e3 / 700, names)
    if name == "eeg":
        values = np.asarray(datasets.load("eeg_rest")["eeg"])
        names = tuple(f"channel {i}" for i in range(values.shape[1]))
        return AttractorData((values - values.mean(0)) / values.std(0), None, 1e3 / 160, names)
    return attractor_data(name, n_samples=n_samples, key=key)


def train(
    settings: Settings, run: Run, data: AttractorData
) -> tuple[Ensemble, Ensemble, xr.Dataset]:
    """The networks at their best evaluation and at the end, and the history of training."""
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
    steps = settings.epochs * settings.epoch_size
    every = min(settings.evaluate_every * settings.epoch_size, steps)
    measure, name = _divergence(task.n_outputs)
    keep = KeepLast(steps, None if run.folder is None else run.folder / "networks_last.nd")
    trained = fit(
        network,
        task,
        objective=GeneralisedTeacherForcing(
            _alpha(settings.alpha), penalties={n: x for n, x in penalties.items() if x}
        ),
        optimizer=radam(
            *settings.learning_rate, epochs=settings.epochs, steps_per_epoch=settings.epoch_size
        ),
        steps=steps,
        batch_size=settings.batch_size,
        evaluate=FreeRun(
            measure,
            data.train,
            name="training data",
            n_steps=min(settings.evaluate_samples, len(data.train)),
        ),
        evaluate_every=every,
        select=f"min:validation_{name}",
        # Adaptive forcing looks at Jacobians now and then, which batched members would always do.
        ensemble=Seeds(settings.n_seeds, how="map", seeds=seeds_of(settings, settings.n_seeds)),
        checkpoint=None if run.folder is None else run.folder / "networks.ckpt",
        resume=run.resume,
        callbacks=(keep,),
        progress=run.progress,
        key=shared_key(1),
    )
    return trained.model, keep.model(), trained.history


def _divergence(n_outputs: int) -> tuple[Any, str]:
    """What checkpoints are chosen by, and its name."""
    if n_outputs > BINNED:
        return analysis.MixtureDivergence(), "d_stsp"
    return analysis.StateSpaceDivergence(30), "d_stsp"


def _alpha(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _labelled(data: AttractorData, values: np.ndarray, source: str) -> xr.Dataset:
    return xr.Dataset({"value": data.labelled(values)}, attrs={"source": source})


_ECG = Settings(
    data="ecg",
    n_units=5,
    n_hidden=250,
    observation="affine",
    latent=1e-5,
    observed=1e-6,
)

_EEG = Settings(
    data="eeg",
    n_units=16,
    n_hidden=512,
    observation="affine",
    alpha="arithmetic_mean",
    latent=1e-4,
    observed=1e-6,
    window=50,
)

EXPERIMENT = Experiment(
    name="gtf",
    title="Does generalised teacher forcing reconstruct chaotic attractors from time series?",
    reference=("hess2023",),
    presets={
        "quick": Settings(
            n_seeds=2, epochs=200, learning_rate=(2e-3, 1e-5), n_samples=20_000, evaluate_every=50
        ),
        "paper": Settings(n_seeds=20),
        "ecg": _ECG,
        "ecg_constant": dataclasses.replace(_ECG, alpha="0.3", latent=0.0, observed=1e-7),
        "eeg": _EEG,
        "eeg_constant": dataclasses.replace(_EEG, alpha="0.1"),
    },
    run=run,
    figures=gtf_figures,
    summary=gtf_summary,
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
        "attractor": "The data, and the free run of the network in the middle.",
        "spectra": "Power spectra of the data and of that free run.",
    },
    check=check,
)
