"""Spiking networks that every simulator runs from the same arrays; needs NumPy only.

W1 is Izhikevich's network of 2003 with impulse synapses and white noise at every step; W2 has 4000
neurons, a tenth of all pairs connected, two exponential currents and no noise; W3 has W2's cells at
any size and 2 % of the pairs.
"""

from typing import NamedTuple

import numpy as np

__all__ = ["Workload", "csr", "load", "save", "w1", "w2", "w3"]

DURATION = 1000.0  # ms


class Workload(NamedTuple):
    """One network; parameters are per neuron, excitatory neurons come first."""

    name: str
    n_excitatory: int
    a: np.ndarray
    b: np.ndarray
    c: np.ndarray
    d: np.ndarray
    v0: np.ndarray
    u0: np.ndarray
    bias: np.ndarray
    noise: np.ndarray  # per sqrt(ms)
    pre: np.ndarray  # sorted
    post: np.ndarray
    weight: np.ndarray  # signed in W1, positive in W2 and W3

    @property
    def n(self) -> int:
        """Number of neurons."""
        return len(self.a)

    @property
    def dense(self) -> np.ndarray:
        """Weights (pre, post)."""
        W = np.zeros((self.n, self.n))
        W[self.pre, self.post] = self.weight
        return W


def w1(n_excitatory: int = 800, n_inhibitory: int = 200) -> Workload:
    """Impulses onto v, all to all, noise 5 (E) and 2 (I) per sqrt(ms)."""
    rng = np.random.default_rng(0)
    n = n_excitatory + n_inhibitory
    a, b, c, d = _cells(rng, n_excitatory, n_inhibitory)
    W = np.concatenate([0.5 * rng.random((n_excitatory, n)), -rng.random((n_inhibitory, n))])
    noise = np.repeat([5.0, 2.0], [n_excitatory, n_inhibitory])
    pre, post = np.divmod(np.arange(n * n), n)
    v0 = np.full(n, -65.0)
    return Workload("W1", n_excitatory, a, b, c, d, v0, b * v0, np.zeros(n), noise, pre, post,
                    W.ravel())  # fmt: skip


def w2(n_excitatory: int = 3200, n_inhibitory: int = 800) -> Workload:
    """Exponential currents of 5 ms (E) and 10 ms (I), a tenth of all pairs, no noise."""
    rng = np.random.default_rng(0)
    n = n_excitatory + n_inhibitory
    a, b, c, d = _cells(rng, n_excitatory, n_inhibitory)
    mask = rng.random((n, n)) < 0.1
    W = np.concatenate([0.1 * rng.random((n_excitatory, n)), 0.3 * rng.random((n_inhibitory, n))])
    pre, post = np.nonzero(mask)
    return _with_currents("W2", rng, n_excitatory, a, b, c, d, pre, post, W[pre, post])


def w3(n: int = 20_000, density: float = 0.02) -> Workload:
    """W2's cells and synapses in another number, with as many targets for each neuron.

    Weights are scaled so that a neuron receives as much as in W2.
    """
    rng = np.random.default_rng(0)
    n_excitatory = int(0.8 * n)
    a, b, c, d = _cells(rng, n_excitatory, n - n_excitatory)
    degree = round(density * n)
    pre = np.repeat(np.arange(n), degree)
    post = _distinct(rng, rng.integers(0, n, (n, degree)), n).ravel()
    scale = 400 / degree
    weight = rng.random(n * degree) * np.where(pre < n_excitatory, 0.1, 0.3) * scale
    return _with_currents("W3", rng, n_excitatory, a, b, c, d, pre, post, weight)


def csr(workload: Workload, rows: slice = slice(None)):
    """(indptr, indices, values) of some presynaptic neurons."""
    first, last, _ = rows.indices(workload.n)
    indptr = np.searchsorted(workload.pre, np.arange(first, last + 1))
    here = slice(indptr[0], indptr[-1])
    return (
        (indptr - indptr[0]).astype(np.int32),
        workload.post[here].astype(np.int32),
        workload.weight[here],
    )


def save(workload: Workload, path) -> None:
    """Write a workload for another process."""
    np.savez(path, **workload._asdict())


def load(path) -> Workload:
    """Read what `save` has written."""
    with np.load(path) as arrays:
        whole = {name: arrays[name] for name in Workload._fields}
    whole["name"], whole["n_excitatory"] = str(whole["name"]), int(whole["n_excitatory"])
    return Workload(**whole)


def _cells(rng, n_excitatory: int, n_inhibitory: int):
    re, ri = rng.random(n_excitatory), rng.random(n_inhibitory)
    a = np.concatenate([np.full(n_excitatory, 0.02), 0.02 + 0.08 * ri])
    b = np.concatenate([np.full(n_excitatory, 0.2), 0.25 - 0.05 * ri])
    c = np.concatenate([-65 + 15 * re**2, np.full(n_inhibitory, -65.0)])
    d = np.concatenate([8 - 6 * re**2, np.full(n_inhibitory, 2.0)])
    return a, b, c, d


def _with_currents(name, rng, n_excitatory, a, b, c, d, pre, post, weight) -> Workload:
    n = len(a)
    bias, v0 = 10 * rng.random(n), -65 + 10 * rng.random(n)
    return Workload(
        name, n_excitatory, a, b, c, d, v0, b * v0, bias, np.zeros(n), pre, post, weight
    )


def _distinct(rng, post: np.ndarray, n: int) -> np.ndarray:
    """Redraw targets that a row holds twice."""
    while True:
        post = np.sort(post, axis=1)
        twice = np.concatenate([np.zeros((len(post), 1), bool), post[:, 1:] == post[:, :-1]], 1)
        if not twice.any():
            return post
        post[twice] = rng.integers(0, n, twice.sum())
