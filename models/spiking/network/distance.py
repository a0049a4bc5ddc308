"""Connection probabilities that depend on distance."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import numpy as np

from neurodyn.models.spiking.network.connect import AbstractConnectivity, without_self


class DistanceDependent(AbstractConnectivity):
    """Each pair with a probability that depends on the distance between the two units.

    Parameters
    ----------
    pre, post
        Positions ``(unit, space)`` or ``(unit,)``; `post` None: those of `pre`.
    probability
        Probability as a function of an array of distances, such as
        ``lambda d: 0.5 * np.exp(-d / 100)``.
    periodic
        Period of the space along each axis (a ring or torus), at least the largest distance of
        positions along an axis; None: not periodic.
    self_connections
        Whether a unit may connect to itself.

    Raises
    ------
    ValueError
        If positions do not fit the units or `periodic`, or a probability lies outside [0, 1].
    """

    pre: np.ndarray
    probability: Callable = eqx.field(static=True)
    post: np.ndarray | None = None
    periodic: float | None = None
    self_connections: bool = False
    random = True

    def pairs(self, n_pre, n_post, offset, rng):
        here = _positions("pre", self.pre, n_pre)
        there = here if self.post is None else _positions("post", self.post, n_post)
        if len(there) != n_post or here.shape[1] != there.shape[1]:
            raise ValueError(
                f"DistanceDependent: positions of shape {there.shape} do not fit {n_post} "
                f"postsynaptic units in {here.shape[1]} dimensions; pass `post=`."
            )
        if self.periodic is not None:
            span = float(np.ptp(np.concatenate([here, there]), axis=0).max())
            if not (np.isfinite(self.periodic) and self.periodic > 0 and span <= self.periodic):
                raise ValueError(
                    f"DistanceDependent: positions are up to {span:g} apart along an axis, which a "
                    f"space that closes after `periodic`={self.periodic} has no room for; pass a "
                    "longer one, or positions modulo its length."
                )
        pres, posts = [], []
        for i, position in enumerate(here):  # row by row, so that memory stays small
            apart = np.abs(there - position)
            if self.periodic is not None:
                apart = np.minimum(apart, self.periodic - apart)
            p = np.asarray(self.probability(np.sqrt((apart**2).sum(1))), float)
            if p.shape != (n_post,) or not ((p >= 0) & (p <= 1)).all():
                raise ValueError(
                    "DistanceDependent: `probability` must give a number in [0, 1] for each of "
                    f"an array of distances, got shape {p.shape} from {p.min():g} to {p.max():g}."
                )
            found = np.flatnonzero(rng.random(n_post) < p)
            pres.append(np.full(found.size, i))
            posts.append(found)
        return without_self(
            np.concatenate(pres), np.concatenate(posts), offset, self.self_connections
        )


def _positions(name: str, given: Any, n: int) -> np.ndarray:
    positions = np.asarray(given, float)
    positions = positions[:, None] if positions.ndim == 1 else positions
    if positions.ndim != 2 or len(positions) != n or not np.isfinite(positions).all():
        raise ValueError(
            f"DistanceDependent: `{name}` must hold a finite position for each of {n} units, got "
            f"shape {np.shape(given)}."
        )
    return positions
