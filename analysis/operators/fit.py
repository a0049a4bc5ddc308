"""Fit a linear operator to embedded activity, and predict with it."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from neurodyn.analysis.shared.signs import positive

#: What is done about the offset of activity.
OFFSETS = ("mean", "fitted", "none")


class Basis(NamedTuple):
    """Principal axes of embedded samples; samples along them have a sum of squares of 1.

    Attributes
    ----------
    centre
        What is subtracted.
    axes
        Orthonormal rows, the largest variance first.
    size
        Root of the sum of squares along each axis: the singular values. 0 within rounding of 0.
    """

    centre: Any
    axes: Any
    size: Any

    def inward(self, samples: Any) -> Any:
        """Coordinates of samples."""
        xp = jnp if isinstance(samples, jax.Array) else np
        present = self.size > 0
        scale = xp.where(present, 1 / xp.where(present, self.size, 1.0), 0.0)
        lead = (None,) * (samples.ndim - 1)
        return ((samples - self.centre[lead]) @ self.axes.T) * scale[lead]

    def of_rank(self, rank: int) -> Basis:
        """The leading axes."""
        return Basis(self.centre, self.axes[:rank], self.size[:rank])


def basis_of(samples: Any, *, centred: bool = True) -> Basis:
    """Principal axes of samples ``(sample, d)``, in NumPy or JAX."""
    xp = jnp if isinstance(samples, jax.Array) else np
    centre = samples.mean(0) if centred else xp.zeros_like(samples[0])
    _, size, axes = xp.linalg.svd(samples - centre[None], full_matrices=False)
    floor = size[0] * max(samples.shape) * xp.finfo(samples.dtype).eps
    return Basis(centre, positive(axes, 1), xp.where(size > floor, size, 0.0))


def regressed(gram: Any, cross: Any, ridge: Any, absent: Any) -> Any:
    """Weights ``(from, to)`` of a ridge regression, from products of predictors.

    `absent` marks predictors that are 0, whose weights are 0.
    """
    xp = jnp if isinstance(gram, jax.Array) else np
    return xp.linalg.solve(gram + xp.diag(ridge + xp.where(absent, 1.0, 0.0)), cross)


class Embedded(NamedTuple):
    """Embedded trials, which samples are complete, and the input in the step to each."""

    samples: Float[np.ndarray, "trial time d"]
    complete: Bool[np.ndarray, "trial time"]
    inputs: Float[np.ndarray, "trial time input"] | None

    def of_trials(self, which: Any) -> Embedded:
        """Some of the trials."""
        u = None if self.inputs is None else self.inputs[which]
        return Embedded(self.samples[which], self.complete[which], u)

    @property
    def steps(self) -> Bool[np.ndarray, "trial time"]:
        """Samples from which a complete step starts."""
        found = self.complete[:, :-1] & self.complete[:, 1:]
        if self.inputs is not None:
            found &= np.isfinite(self.inputs[:, 1:]).all(-1)
        return found


class Fitted(NamedTuple):
    """Products of the coordinates of samples and of the next ones, for operators of any rank.

    Predictors are coordinates, then inputs, then a constant if there is one; `size` holds the size
    of inputs and constant, by which they were divided. `mean` is that of the samples.
    """

    basis: Basis
    gram: Float[np.ndarray, "p p"]
    cross: Float[np.ndarray, "p k"]
    input_mean: Float[np.ndarray, " input"]
    size: Float[np.ndarray, " q"]
    mean: Float[np.ndarray, " d"]


class Operator(NamedTuple):
    """``z' = z A + (u - input_mean) B + c`` for rows z in the coordinates of `basis`."""

    basis: Basis
    A: Float[np.ndarray, "r r"]
    B: Float[np.ndarray, "input r"]
    c: Float[np.ndarray, " r"]
    input_mean: Float[np.ndarray, " input"]
    mean: Float[np.ndarray, " d"]


def fitted(data: Embedded, offset: str, most: int) -> Fitted:
    """Products from which operators of ranks up to `most` follow."""
    complete = data.samples[data.complete]
    basis = basis_of(complete, centred=offset != "none").of_rank(most)
    z = basis.inward(np.where(data.complete[..., None], data.samples, 0.0))
    steps = data.steps
    before, after = z[:, :-1][steps], z[:, 1:][steps]
    others = np.zeros((len(before), 0)) if data.inputs is None else data.inputs[:, 1:][steps]
    mean = others.mean(0) * (offset != "none")
    others = others - mean
    if offset == "fitted":
        others = np.c_[others, np.ones(len(before))]
    size = np.sqrt((others**2).sum(0))
    p = np.c_[before, others / np.where(size > 0, size, 1.0)]
    return Fitted(basis, p.T @ p, p.T @ after, mean, size, complete.mean(0))


def operator_of(fit: Fitted, rank: int, ridge: float) -> Operator:
    """The operator of the leading coordinates; the ridge is on them and the inputs."""
    k, n = len(fit.basis.size), len(fit.input_mean)
    used = np.r_[np.arange(rank), np.arange(k, len(fit.gram))]
    gram = fit.gram[np.ix_(used, used)]
    penalty = np.where(np.arange(len(used)) < rank + n, ridge, 0.0)
    weights = regressed(gram, fit.cross[used][:, :rank], penalty, np.diag(gram) == 0)
    others = weights[rank:] / np.where(fit.size > 0, fit.size, 1.0)[:, None]
    c = others[n] if len(others) > n else np.zeros(rank)
    return Operator(
        fit.basis.of_rank(rank), weights[:rank], others[:n], c, fit.input_mean, fit.mean
    )


class Errors(NamedTuple):
    """Sums over predicted values, for each number of steps ahead.

    Attributes
    ----------
    squares
        Squared errors of the operator.
    still
        Those of predicting that nothing changes.
    spread
        Squared deviations from the mean of the samples that the operator was fitted to.
    n
        Number of values.
    """

    squares: Float[np.ndarray, " horizon"]
    still: Float[np.ndarray, " horizon"]
    spread: Float[np.ndarray, " horizon"]
    n: Float[np.ndarray, " horizon"]


def errors_of(operator: Operator, data: Embedded, n_units: int, n_steps: int) -> Errors:
    """Errors of predictions of the latest samples, 1 to `n_steps` steps ahead."""
    basis, rows = operator.basis, []
    z = basis.inward(np.where(data.complete[..., None], data.samples, basis.centre))
    now, centre = data.samples[..., :n_units], basis.centre[:n_units]
    mean = operator.mean[:n_units]
    out = (basis.axes * basis.size[:, None])[:, :n_units]
    for ahead in range(1, n_steps + 1):
        z = z[:, :-1] @ operator.A + operator.c
        if data.inputs is not None:
            drive = (data.inputs[:, ahead:] - operator.input_mean) @ operator.B
            z = z + drive
        there = data.complete[:, :-ahead] & data.complete[:, ahead:] & np.isfinite(z).all(-1)
        truth = now[:, ahead:][there]
        rows.append(
            [
                ((z[there] @ out + centre - truth) ** 2).sum(),
                ((now[:, :-ahead][there] - truth) ** 2).sum(),
                ((truth - mean) ** 2).sum(),
                truth.size,
            ]
        )
    return Errors(*np.transpose(rows))
