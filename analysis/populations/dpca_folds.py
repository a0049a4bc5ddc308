"""Cross-validation of demixed components: their penalty, and what can be decoded from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from neurodyn.analysis.populations.design import Trials
from neurodyn.analysis.populations.marginals import Design, Spectrum, demix, marginals


def _flat(x: Design) -> Float[np.ndarray, "unit sample"]:
    x = x.reshape(len(x), -1)
    return x - x.mean(1, keepdims=True)


def choose_penalty(
    trials: Trials,
    penalties: Sequence[float],
    n_splits: int,
    generator: np.random.Generator,
    *,
    factors: Sequence[str],
    with_time: bool,
    n: int,
) -> float:
    """The penalty with which held-out trials reconstruct the marginals of the others best."""
    errors = np.zeros(len(penalties))
    for _ in range(n_splits):
        rest, held = trials.split(generator)
        x, new = _flat(rest), _flat(held)
        total, spectrum = (x**2).sum(), Spectrum.of(x)
        for part in marginals(rest, factors, with_time=with_time).values():
            part = part.reshape(len(x), -1)
            for i, penalty in enumerate(penalties):
                axes = demix(part, spectrum, n, penalty * total)
                errors[i] += ((part - axes.encoder @ (axes.decoder @ new)) ** 2).sum() / total
    return float(penalties[int(errors.argmin())])


def decoding(
    trials: Trials,
    components: Sequence[tuple[str, int]],
    penalty: float,
    n_splits: int,
    n_shuffles: int,
    generator: np.random.Generator,
    *,
    factors: Sequence[str],
    with_time: bool,
    n: int,
) -> dict[str, tuple]:
    """Accuracy of decoding task variables from held-out trials, and from shuffled trials."""

    def accuracy(trials: Trials) -> Float[np.ndarray, "time component"]:
        total = 0.0
        for _ in range(n_splits):
            total = total + _accuracy(trials, components, penalty, generator, factors, with_time, n)
        return np.asarray(total).T / n_splits

    found = accuracy(trials)
    shuffled = np.stack([accuracy(trials.shuffled(generator)) for _ in range(n_shuffles)])
    dims = ("time", "component")
    return {
        "accuracy": (dims, found, "1", "fraction of held-out combinations decoded"),
        "accuracy_shuffled": (("draw", *dims), shuffled, "1", "the same of shuffled trials"),
        "significant": (dims, (found > shuffled).all(0), "1", "whether it is above all shuffles"),
    }


def _accuracy(trials, components, penalty, generator, factors, with_time, n):
    """Fraction of held-out combinations that lie nearest to their own value's mean, by time."""
    rest, held = trials.split(generator)
    x, mean = _flat(rest), rest.reshape(len(rest), -1).mean(1, keepdims=True)
    spectrum, total = Spectrum.of(x), (x**2).sum()
    decoders = {
        name: demix(part.reshape(len(x), -1), spectrum, n, penalty * total).decoder
        for name, part in marginals(rest, factors, with_time=with_time).items()
    }
    found = np.full((len(components), rest.shape[-1]), np.nan)
    for i, (name, rank) in enumerate(components):
        told = [axis for axis, factor in enumerate(factors) if factor in name.split(" × ")]
        if not told:
            continue
        decoder = decoders[name][rank]
        train, test = (
            (decoder @ (a.reshape(len(a), -1) - mean)).reshape(a.shape[1:]) for a in (rest, held)
        )
        others = tuple(axis for axis in range(len(factors)) if axis not in told)
        classes = train.mean(axis=others, keepdims=True)
        one_each = classes.reshape(-1, *(1,) * len(factors), test.shape[-1])
        nearest = np.abs(test - one_each).argmin(0)
        own = np.arange(len(one_each)).reshape(*classes.shape[:-1], 1)
        found[i] = (nearest == own).reshape(-1, test.shape[-1]).mean(0)
    return found
