"""The logistic map."""

from typing import ClassVar

import equinox as eqx
import numpy as np

from neurodyn.models.reference.base import AbstractReferenceMap, Number, Vector


class Logistic(AbstractReferenceMap):
    r"""The logistic map: growth with a limit, and the period-doubling road to chaos.

    .. math:: x' = r x (1 - x)

    Its exponent is :math:`\log 2` at r = 4, and :math:`\log |2 - r|` where the fixed point
    :math:`1 - 1/r` is stable (1 < r < 3).

    Parameters
    ----------
    r
        Growth rate, from 0 to 4; above 4, x leaves the unit interval.
    start, spread
        Initial state, and its standard deviation over trials where a run has a key.

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

    r: Number = 4.0
    start: Vector = eqx.field(default=(0.3,), kw_only=True)
    spread: Number = eqx.field(default=0.02, kw_only=True)

    n_inputs: ClassVar[int] = 0
    names: ClassVar[tuple[str, ...]] = ("x",)
    limits: ClassVar = {"r": {"low": 0, "high": 4}}
    reference: ClassVar[tuple[str, ...]] = ("may1976",)

    def next(self, x):
        return self.r * x * (1 - x)

    def equilibria(self):
        """Extinction, and the population that growth sustains."""
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
