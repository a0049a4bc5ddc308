"""The interface of everything that drives and scores a system."""

import abc
from typing import Any, Literal

import equinox as eqx
import xarray as xr
from jaxtyping import Array, Float, Int, PRNGKeyArray, Shaped

__all__ = ["AbstractDataTask", "AbstractTask", "Trial"]


class Trial(eqx.Module):
    """One trial, or a batch of trials with a leading ``trial`` axis on every array but ``length``.

    Attributes
    ----------
    inputs
        What the system receives.
    targets
        What it should produce: floats for regression, integers for classes. For tasks scored at
        the last step only (``task.scored == "last"``), the time axis has length 1.
    mask
        Weight of every scored step and output in the loss; broadcastable to ``targets``.
    conditions
        Scalars that name the trial (``coherence``, ``context``, ``choice_correct``...).
    epochs
        Named intervals ``(start, stop)`` [ms from the start of the trial].
    length
        Number of steps that count, shared by the batch; None when all do.
    item
        Which item of a fixed data set this is (:class:`AbstractDataTask`), else None.
    """

    inputs: Float[Array, "*trial time input"]
    targets: Shaped[Array, "*trial scored output"]
    mask: Float[Array, "*trial scored output"]
    conditions: dict[str, Array]
    epochs: dict[str, Float[Array, "*trial 2"]]
    length: Int[Array, ""] | None = None
    item: Int[Array, "*trial"] | None = None


class AbstractTask(eqx.Module):
    """A task: draws trials and scores outputs. It never knows a model.

    Attributes
    ----------
    n_inputs, n_outputs
        Sizes of input and output.
    dt
        Step [ms].
    t0
        Time of the start of the trial relative to ``align_event`` [ms] (so usually <= 0).
    align_event
        What happens at time 0.
    scored
        ``"every"``: all steps have targets; ``"last"``: only the last one (the readout is then
        formed once per trial).
    """

    n_inputs: eqx.AbstractVar[int]
    n_outputs: eqx.AbstractVar[int]
    dt: eqx.AbstractVar[float]
    t0: eqx.AbstractVar[float]
    align_event: eqx.AbstractVar[str]
    scored: eqx.AbstractVar[Literal["every", "last"]]

    @abc.abstractmethod
    def sample(self, key: PRNGKeyArray, **conditions: Any) -> Trial:
        """Draw one trial (pure JAX); ``conditions`` given are used instead of drawn."""

    @abc.abstractmethod
    def batch(self, key: Any, n: int) -> Trial:
        """Draw ``n`` trials."""

    @abc.abstractmethod
    def loss(
        self, outputs: Float[Array, "trial scored output"], trials: Trial
    ) -> Float[Array, " trial"]:
        """Loss of each trial."""

    @abc.abstractmethod
    def score(
        self, outputs: Float[Array, "trial scored output"], trials: Trial
    ) -> dict[str, Array]:
        """Per-trial results as the original paper scores them.

        Returns
        -------
        dict
            At least ``correct`` (float in [0, 1], ``(trial,)``); where it makes sense ``choice``,
            ``rt`` [ms], ``mse``...; every value has a leading trial axis.
        """

    @abc.abstractmethod
    def condition_table(self) -> dict[str, Array]:
        """All conditions of the design as equally long columns; empty when there is no finite set."""

    @abc.abstractmethod
    def validation(self) -> Trial:
        """A fixed set of trials, the same in every run."""

    @abc.abstractmethod
    def labels(self) -> dict[str, dict[int, str]]:
        """Names of categorical codes, e.g. ``{"context": {0: "motion", 1: "colour"}}``."""

    @abc.abstractmethod
    def trials(self, key: Any, n: int) -> xr.Dataset:
        """Draw ``n`` trials as a labelled dataset (inputs, targets, mask; conditions as coords)."""


class AbstractDataTask(AbstractTask):
    """A task over a fixed set of items: recordings, stored sequences."""

    n_items: eqx.AbstractVar[int]

    @abc.abstractmethod
    def item(self, i: Int[Array, ""]) -> Trial:
        """Item ``i`` as a trial, with ``item`` set."""
