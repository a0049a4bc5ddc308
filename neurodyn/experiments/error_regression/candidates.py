"""Candidate settings of each kind of network, trained."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import xarray as xr

from neurodyn.analysis import forecast
from neurodyn.experiments.error_regression.settings import Settings
from neurodyn.experiments.running.experiment import Run
from neurodyn.experiments.running.seeds import shared_key
from neurodyn.experiments.shared.forecasters import match_size, n_parameters, train
from neurodyn.experiments.shared.layers import pvrnn
from neurodyn.models import LSTM, VRNN
from neurodyn.models.pvrnn import ErrorRegression, error_regression
from neurodyn.tasks import Sequences
from neurodyn.training import NextStep


class Candidate(NamedTuple):
    """Networks of one kind with one choice of settings.

    Attributes
    ----------
    setting
        The settings, in words.
    members
        Trained networks.
    predict
        Function ``(member, observed, key) -> Dataset with prediction``.
    """

    setting: str
    members: list[Any]
    predict: Callable[..., xr.Dataset]


def cross(first: tuple[float, ...], second: tuple[float, ...]) -> list[tuple[float, float]]:
    """Pairs of values: each first with the middle second, each other second with the middle first.

    There are as many pairs as both have values together, less one.
    """
    a, b = first[len(first) // 2], second[len(second) // 2]
    return [(x, b) for x in first] + [(a, y) for y in second if y != b]


def pvrnns(settings: Settings, sequences: Sequences, run: Run) -> list[Candidate]:
    """PV-RNNs that predict by error regression, in both published variants."""
    shared = {"window": settings.window, "iterations": settings.iterations}
    variants = {
        "soda2023": ErrorRegression.soda2023(**shared),
        "idei2022": ErrorRegression.idei2022(**shared),
    }
    n = {"n_horizons": settings.n_horizons, "n_samples": settings.n_samples}

    def predict(method, model, observed, key, **options):
        return error_regression(model, observed, method, key=key, **n, **options)

    found = []
    for i, (rate, w) in enumerate(cross(settings.learning_rates, settings.w)):
        members = train(
            lambda key, w=w: pvrnn(settings, sequences, w=w, key=key),
            sequences,
            settings,
            run,
            name=f"pvrnn_{i}",
            learning_rate=rate,
            key=shared_key(3),
        )
        found += [
            Candidate(f"learning rate {rate:g}, w {w:g}, {name}", members, partial(predict, method))
            for name, method in variants.items()
        ]
    return found


def vrnns(
    settings: Settings, sequences: Sequences, held_out: Sequences, run: Run
) -> list[Candidate]:
    """VRNNs of as many parameters as the PV-RNN."""
    n_latents = sum(settings.n_latents)

    def sized(n, min_std=0.01, key=0):
        return VRNN(sequences.n_outputs, n, n_latents, min_std=min_std, key=key)

    n = match_size(sized, pvrnn_size(settings, sequences))

    def predict(model, observed, key):
        horizons = {"n_horizons": settings.n_horizons, "n_samples": settings.n_samples}
        return forecast(model, observed, key=key, **horizons)

    candidates = []
    for i, (rate, std) in enumerate(cross(settings.reading_rates, settings.min_std)):
        members = train(
            lambda key, std=std: sized(n, std, key),
            sequences,
            settings,
            run,
            name=f"vrnn_{i}",
            learning_rate=rate,
            key=shared_key(4),
            held_out=held_out,
        )
        setting = f"learning rate {rate:g}, least deviation {std:g}"
        candidates.append(Candidate(setting, members, predict))
    return candidates


def lstms(
    settings: Settings, sequences: Sequences, held_out: Sequences, run: Run
) -> list[Candidate]:
    """LSTMs of as many parameters as the PV-RNN."""
    n_outputs = sequences.n_outputs
    target = pvrnn_size(settings, sequences)
    n = match_size(lambda n: LSTM(n_outputs, n, n_outputs, key=0), target)

    def predict(model, observed, key):
        del key
        return forecast(model, observed, n_horizons=settings.n_horizons)

    candidates = []
    for i, (rate, noise) in enumerate(cross(settings.reading_rates, settings.input_noise)):
        members = train(
            lambda key: LSTM(n_outputs, n, n_outputs, key=key),
            sequences,
            settings,
            run,
            name=f"lstm_{i}",
            learning_rate=rate,
            key=shared_key(4),
            objective=NextStep(noise=noise),
            held_out=held_out,
        )
        setting = f"learning rate {rate:g}, input noise {noise:g}"
        candidates.append(Candidate(setting, members, predict))
    return candidates


def pvrnn_size(settings: Settings, sequences: Sequences) -> int:
    """Number of parameters of the PV-RNN, which the other networks match."""
    return n_parameters(pvrnn(settings, sequences, w=settings.w[0], key=0))
