"""The logistic map."""

from typing import Any, ClassVar

import jax
import numpy as np
from jaxtyping import Array, Float

from neurodyn.common.checks import number
from neurodyn.models.reference.base import AbstractReferenceMap, vector

__all__ = ["Logistic"]


class Logistic(AbstractReferenceMap):
    r"""The logistic map: growth with a limit, and the period-doubling road to chaos.

    .. math:: x' = r x (1 - x)

    Its exponent is :math:`\log 2` at r = 4, and :math:`\log |2 - r|` where the fixed point
    :math:`1 - 1/r` is stable (1 < r < 3).

    Parameters
    ----------
    r
        Growth, from 0 to 4, beyond which the unit interval is left.
    start, spread
        State to start from, and its standard deviation over trials where a run has a key.

    Raises
    ------
    ValueError
        If `r` is out of range, or another parameter is not finite.

    References
    ----------
    May, Nature 261:459, 1976.

    Examples
    --------
    >>> from neurodyn import models
    >>> models.reference.Logistic(r=2.5).equilibria()
    array([[0. ],
           [0.6]])
    """

    r: Float[Array, ""]
    start: Float[Array, " latent"]
    spread: Float[Array, ""]

    n_inputs: ClassVar[int] = 0
    names: ClassVar[tuple[str, ...]] = ("x",)
    reference: ClassVar[tuple[str, ...]] = ("may1976",)

    def __init__(self, r: Any = 4.0, *, start: Any = (0.3,), spread: Any = 0.02):
        self.r = number("r", r, low=0)
        if not isinstance(r, jax.core.Tracer) and float(r) > 4:
            raise ValueError(f"`r` must be at most 4, beyond which x leaves [0, 1], got {r!r}.")
        self.start, self.spread = vector("start", start, 1), number("spread", spread, low=0)

    def next(self, x):
        return self.r * x * (1 - x)

    def equilibria(self):
        """Extinction, and what growth sustains."""
        r = float(self.r)
        return np.array([[0.0]] if r == 0 else [[0.0], [1 - 1 / r]])

    def exponents(self):
        r = float(self.r)
        if r == 4:
            return np.array([np.log(2.0)])
        if 0 < r < 1 or 1 < r < 3:
            with np.errstate(divide="ignore"):
                return np.log(np.abs([r if r < 1 else 2 - r]))
        return None
