"""The trials of sessions, each by itself."""

from dataclasses import replace
from typing import Any, ClassVar, Literal

import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.task import AbstractTask, Trial


class SessionTrials(AbstractTask):
    """The trials that sessions consist of, as labelled results show them.

    They are drawn and run as part of their session; here they are labelled and scored.
    """

    session: Any

    scored: ClassVar[Literal["every", "last"]] = "every"
    reference: ClassVar[tuple[str, ...]] = ()

    def __init__(self, session: Any):
        self.session = session

    @property
    def n_inputs(self) -> int:
        """Number of input channels."""
        return self.session.n_inputs

    @property
    def n_outputs(self) -> int:
        """Number of outputs."""
        return self.session.n_outputs

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the input channels."""
        return self.session.input_names

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of the outputs."""
        return self.session.output_names

    @property
    def n_steps(self) -> int:
        """Steps of a trial."""
        return self.session.task.n_steps

    @property
    def dt(self) -> float:
        """Step [ms]."""
        return self.session.task.dt

    @property
    def t0(self) -> float:
        """Start of the trial relative to ``align_event`` [ms]."""
        return self.session.task.t0

    @property
    def align_event(self) -> str:
        """The event at time 0."""
        return self.session.task.align_event

    @property
    def evidence(self) -> Any:
        """The signed condition that a choice follows."""
        return self.session.task.evidence

    def of(self, sessions: Trial) -> Trial:
        """The trials of sessions, one after another."""
        parts = sessions.parts
        n = sessions.inputs.shape[0]
        number = jnp.repeat(jnp.arange(n, dtype=jnp.int32), parts.n)
        conditions = {name: parts.flat(value) for name, value in parts.conditions.items()}
        return replace(
            sessions,
            inputs=parts.cut(sessions.inputs),
            targets=parts.cut(sessions.targets),
            mask=parts.cut(sessions.mask),
            conditions=conditions | {"session": number},
            epochs={name: parts.flat(value) for name, value in parts.epochs.items()},
            n_valid=None if parts.equal else parts.steps(),
            parts=None,
        )

    def sample(self, key: PRNGKeyArray, **conditions: Any) -> Trial:
        """One trial by itself, without what came before."""
        return self.session.task.sample(key, **conditions)

    def batch(self, key: Any, n: int, **conditions: Any) -> Trial:
        """Trials by themselves, without what came before."""
        return self.session.task.batch(key, n, **conditions)

    def validation(self) -> Trial:
        """The trials of the sessions of the validation set."""
        return self.of(self.session.validation())

    def loss(
        self, outputs: Float[Array, "trial time output"], trials: Trial
    ) -> Float[Array, " trial"]:
        """The loss of the task."""
        return self.session.task.loss(outputs, _own(self.session, trials))

    def score(self, outputs: Float[Array, "trial time output"], trials: Trial) -> dict[str, Array]:
        """The scores of the task."""
        return self.session.task.score(outputs, _own(self.session, trials))

    def condition_table(self) -> dict[str, Array]:
        """The design of the task."""
        return self.session.task.condition_table()

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of the codes of the task and of the blocks."""
        transition = self.session.transition
        blocks = {} if transition is None else transition.labels()
        return self.session.task.labels() | blocks

    def units(self) -> dict[str, str]:
        """Units of the conditions and scores of the task."""
        return self.session.task.units()

    def coordinates(self, trials: Trial) -> dict[str, tuple]:
        """Labels of trials that the task knows."""
        return self.session.task.coordinates(_own(self.session, trials))


def own_trials(session: Any, sessions: Trial) -> Trial:
    """The trials of sessions as their task drew them."""
    return _own(session, SessionTrials(session).of(sessions))


def _own(session: Any, trials: Trial) -> Trial:
    return replace(trials, inputs=trials.inputs[..., : session.task.n_inputs])
