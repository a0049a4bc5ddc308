"""The interface of rules that change the readout weights of a system during a run.

Such a rule is a pure function of its memory, of rates and of the error. It does not depend on the
class of the system. Its memory is part of the state of the run, so that a run continued from its
final state goes on learning as if it had not been interrupted.
"""

import abc
from typing import Any

import equinox as eqx
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from neurodyn.common.reprs import brief
from neurodyn.engine.drive import Drive


class AbstractReadoutRule(eqx.Module):
    """Changes readout weights ``(unit, output)`` while a system runs."""

    __repr__ = brief

    @abc.abstractmethod
    def start(self, W: Float[Array, "unit output"], *, key: PRNGKeyArray | None) -> PyTree:
        """Memory of the rule before the first step."""

    @abc.abstractmethod
    def update(
        self,
        t: Any,
        dt: Float[Array, ""],
        memory: PyTree,
        W: Float[Array, "unit output"],
        r: Float[Array, " unit"],
        z: Float[Array, " output"],
        u: Drive,
        *,
        key: PRNGKeyArray | None,
    ) -> tuple[PyTree, Float[Array, "unit output"]]:
        """Memory and weights after a step.

        Parameters
        ----------
        t, dt
            Time at the start of the step, and its length [ms].
        memory, W
            Memory and weights before the step.
        r, z
            Rates, and the readout ``r @ W``, both after the step.
        u
            With ``target`` (without one nothing is learned), ``gate`` and ``step``.
        key
            Key of rules that draw random numbers.
        """
