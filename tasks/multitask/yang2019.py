"""Yang et al. (2019): twenty cognitive tasks for one network, and the fifteen of Driscoll et al."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.common.checks import number, whole
from neurodyn.common.random import as_key
from neurodyn.task import AbstractTask, Trial
from neurodyn.tasks.base import N_VALIDATION, VALIDATION_SEED, check_columns, check_names
from neurodyn.tasks.losses import squared_error
from neurodyn.tasks.multitask import names, scoring
from neurodyn.tasks.multitask.drawing import SHARED, check_room, draw, draw_alone, frequencies
from neurodyn.tasks.multitask.rules import VARIANTS, RuleTable
from neurodyn.tasks.multitask.trial import ring_channels

#: Trials of each rule in the validation set.
_VALIDATION = 64


class Yang2019(AbstractTask):
    """The twenty tasks of Yang et al. (2019), or the fifteen of Driscoll et al. (2024).

    A rule, shown all the time, says what to do with one or two stimuli on two rings: go there or
    to the opposite side, at once or from memory; go to the stronger one, perhaps of one ring only;
    or respond if (or unless) two stimuli or their categories match. Inputs are a fixation cue, the
    two rings and the rules; outputs are fixation and a ring of directions. Time 0 is the start of
    the trial. All rules are one compiled sampler that looks up tables, so neither ``weights`` nor
    a given rule recompiles anything.

    Outputs of the variant ``"yang"`` are logits: loss and score apply the sigmoid of the published
    readout, because models here have linear ones. Targets are 0.8 (fixation to hold) or 0.05, plus
    a bump of 0.8 around the wanted direction in the response. The loss is the squared error times
    the mask, averaged over the steps of the trial and all outputs. The published masks (1 before
    the go, 0 in the first 100 ms of the trial and of the response, then 5; fixation twice that)
    multiply the error before it is squared, so the weights here are their squares.

    Conditions that can be given: ``rule`` (a code, see :meth:`code`), ``direction1`` and
    ``direction2`` [deg], ``modality1`` and ``modality2`` (1 or 2: the ring of a stimulus where the
    rule leaves it open), ``strength1_mod1`` and its like (stimulus 1 on ring 1), and the durations
    ``fixation_duration``, ``stimulus_duration``, ``delay_duration``, ``stimulus2_duration``,
    ``wait_duration``, ``response_duration`` [ms]. An epoch that a rule does not have lasts 0 ms,
    whatever is given.

    Parameters
    ----------
    dt
        Step [ms], which must divide the durations: 20, or another divisor of 100. Draws from a
        range are cut off to whole steps, as published.
    rules
        Names of the rules in use, or ``"all"``. There is an input for every rule of the variant all
        the same, so that networks can go from some rules to others.
    variant
        ``"yang"``; or ``"driscoll"``: stimuli and responses as sine and cosine, linear outputs, all
        durations from ranges, continuous strengths, ten times the input noise, 18 degrees of
        tolerance.
    shared
        What the trials of a batch share, of ``"rule"``, ``"durations"`` (which needs ``"rule"``)
        and ``"modality"``. Default: all three, as published; a batch then runs for as long as its
        trials last. ``()`` draws all for each trial. Where rules are given one by one, nothing is
        shared.
    weights
        Relative frequency of each rule in use. Default: equal, but five times as much for the
        two context rules without delay, as published (equal for ``"driscoll"``).
    noise_std
        Noise of every input, as the standard deviation it causes in a unit of time constant
        ``noise_tau`` (:mod:`neurodyn.tasks.base`). Default 0.01 (``"driscoll"``: 0.1). With 0
        nothing is drawn.
    noise_tau
        Time constant that ``noise_std`` refers to [ms].
    response_weight, fixation_weight
        Weight of a step of the response, and of the fixation output, in the squared error (others:
        1). Defaults 25 and 4, the squares of the published 5 and 2.
    tolerance
        Error of direction that counts as correct [deg]. Default 36 (``"driscoll"``: 18).
    n_ring
        Units of a ring (``"yang"``).

    Raises
    ------
    ValueError
        On an unknown variant, rule or shared part, a bad step, or a number out of range.

    Notes
    -----
    A network has learnt a rule only where it scores above :attr:`shortcuts`.

    References
    ----------
    Yang, Joglekar, Song, Newsome & Wang, "Task representations in neural networks trained to
    perform many cognitive tasks", Nat. Neurosci. 2019. Driscoll, Shenoy & Sussillo, "Flexible
    multitask computation in recurrent networks utilizes shared dynamical motifs", Nat. Neurosci.
    2024.

    Examples
    --------
    >>> task = Yang2019()
    >>> task.n_inputs, task.n_outputs, task.n_steps, len(task.rules)
    (85, 33, 209, 20)
    >>> trials = task.batch(0, 64, rule=task.code("delayanti"))
    >>> trials.inputs.shape
    (64, 209, 85)
    """

    weights: Float[Array, " rule"]
    rule_code: Float[Array, "rule channel"]
    noise_std: Float[Array, ""] | None
    noise_tau: Float[Array, ""]
    response_weight: Float[Array, ""]
    fixation_weight: Float[Array, ""]
    tolerance: Float[Array, ""]
    table: RuleTable = eqx.field(static=True)
    rules: tuple[str, ...] = eqx.field(static=True)
    shared: tuple[str, ...] = eqx.field(static=True)
    n_ring: int = eqx.field(static=True)

    t0: ClassVar[float] = 0.0
    align_event: ClassVar[str] = "trial start"
    scored: ClassVar[Literal["every", "last"]] = "every"
    evidence: ClassVar[str] = "evidence"
    reference: ClassVar[tuple[str, ...]] = ("yang2019", "driscoll2024")

    def __init__(
        self,
        dt: float | int = 20.0,
        *,
        rules: str | Sequence[str] = "all",
        variant: str = "yang",
        shared: Sequence[str] = ("rule", "durations", "modality"),
        weights: Any = None,
        noise_std: Any = None,
        noise_tau: Any = 100.0,
        response_weight: Any = 25.0,
        fixation_weight: Any = 4.0,
        tolerance: Any = None,
        n_ring: Any = 32,
    ):
        if variant not in VARIANTS:
            raise ValueError(f"`variant` must be one of {', '.join(VARIANTS)}, got {variant!r}.")
        yang = variant == "yang"
        self.table = RuleTable.build(variant, dt)
        self.rules = names.known_names(
            "rules", VARIANTS[variant] if rules == "all" else rules, self.table.names
        )
        self.shared = names.known_names("shared", shared, tuple(SHARED), none=True)
        if "durations" in self.shared and "rule" not in self.shared:
            raise ValueError(
                "Trials of different rules cannot share durations: add 'rule' to `shared`, or "
                "leave 'durations' out."
            )
        self.weights = frequencies(weights, self.table, self.rules)
        self.rule_code = jnp.eye(len(self.table.names), dtype=self.weights.dtype)
        noise_std = (0.01 if yang else 0.1) if noise_std is None else noise_std
        self.noise_std = number("noise_std", noise_std, low=0) if noise_std != 0 else None
        self.noise_tau = number("noise_tau", noise_tau, above=0)
        self.response_weight = number("response_weight", response_weight, above=0)
        self.fixation_weight = number("fixation_weight", fixation_weight, above=0)
        tolerance = (36.0 if yang else 18.0) if tolerance is None else tolerance
        self.tolerance = number("tolerance", tolerance, above=0, high=180)
        self.n_ring = whole("n_ring", n_ring, 4)

    @property
    def dt(self) -> float:
        """Step [ms]."""
        return self.table.durations.dt

    @property
    def n_steps(self) -> int:
        """Steps of the longest trial of the rules in use."""
        return int(self.table.durations.longest[self._codes].sum(1).max())

    @property
    def n_inputs(self) -> int:
        """Fixation, two rings and the rules."""
        return 1 + 2 * ring_channels(self.table, self.n_ring) + self.rule_code.shape[1]

    @property
    def n_outputs(self) -> int:
        """Fixation and a ring, or sine and cosine."""
        return 1 + ring_channels(self.table, self.n_ring)

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the input channels."""
        rings = names.directions(self.table, self.n_ring)
        return names.inputs(self.table, rings, self.rule_code.shape[1])

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of the outputs."""
        return ("fixation", *names.directions(self.table, self.n_ring))

    @property
    def _codes(self) -> np.ndarray:
        return np.array([self.table.names.index(name) for name in self.rules], np.int32)

    def code(self, rule: str) -> int:
        """The code of a rule, for ``batch(key, n, rule=...)``."""
        return self.table.names.index(names.known_names("rule", (rule,), self.rules)[0])

    @property
    def shortcuts(self) -> dict[str, float]:
        """Correct trials, by rule, of the best known strategy that leaves out what it asks for."""
        return {rule: self.table.shortcut(rule) for rule in self.rules}

    def with_rule_input(self, rule: str, mixture: Mapping[str, Any]) -> "Yang2019":
        """The task with another input for a rule: a weighted sum of the inputs of rules.

        ``task.with_rule_input("delayanti", {"fdanti": 1, "delaygo": 1, "fdgo": -1})`` asks for
        delayed anti-responses by the sum of three other rules (rule algebra). ``rule_code`` itself,
        one row for each rule, can hold any other code, such as an embedding of instructions.
        """
        names.known_names("mixture", tuple(mixture), self.table.names)
        sizes = [mixture.get(name, 0) for name in self.table.names]
        row = jnp.sum(jnp.asarray(sizes, self.rule_code.dtype)[:, None] * self.rule_code, axis=0)
        new = self.rule_code.at[self.code(rule)].set(row)
        return eqx.tree_at(lambda task: task.rule_code, self, new)

    def sample(self, key: PRNGKeyArray, **conditions: Any) -> Trial:
        """One trial; what can be given is listed above."""
        check_names(conditions, self.condition_table(), self.limits())
        return draw_alone(self, as_key(key), conditions)

    def batch(self, key: Any, n: int, **conditions: Any) -> Trial:
        """Draw ``n`` trials, see :meth:`~neurodyn.task.AbstractTask.batch`.

        Trials share what ``shared`` says, unless each has a rule of its own. Their common
        ``length`` is set where they share their durations.
        """
        columns = check_columns(conditions, n, self.condition_table(), self.labels(), self.limits())
        check_room(self.table, self._codes, self.n_steps, conditions)
        shared = self.shared if np.ndim(conditions.get("rule", 0)) == 0 else ()
        timed = [name for name in conditions if name.endswith("_duration")]
        same = "durations" in shared and all(np.ndim(conditions[name]) == 0 for name in timed)
        key = as_key(key, needed_for="A batch of trials")
        return draw(self, key, int(n), columns, shared, same).of(self)

    def validation(self) -> Trial:
        """64 trials of every rule in use (at least 512 in all), with durations of their own."""
        codes = jnp.asarray(self._codes)
        repeats = max(_VALIDATION, -(-N_VALIDATION // len(self.rules)))
        columns = {"rule": jnp.tile(codes, repeats)}
        n = repeats * len(self.rules)
        return draw(self, as_key(VALIDATION_SEED), n, columns, (), False).of(self)

    def loss(
        self, outputs: Float[Array, "trial time output"], trials: Trial
    ) -> Float[Array, " trial"]:
        """Weighted squared error, averaged over the steps of the trial and all outputs."""
        errors = squared_error(self._linked(outputs), trials.targets)
        return scoring.mean_over_trial(errors, trials)

    def score(self, outputs: Float[Array, "trial time output"], trials: Trial) -> dict[str, Array]:
        """The answer at the last step of each trial.

        Returns
        -------
        dict
            ``correct``: the fixation output is above 0.5 where no response is due; else it is not,
            and the direction is within ``tolerance`` of the target (as published).
            ``correct_held``: and fixation was held at all scored steps before the go. ``fixation``:
            the fraction of these steps. ``direction`` [deg]: of the population vector; ``error``
            [deg]: its distance from the target, NaN where no response is due. ``choice``: the
            stimulus within 54 degrees of the direction, -1 where there is none or fixation is held.
        """
        return scoring.score(
            self._linked(outputs), trials, self.tolerance, self.table.variant, self.dt
        )

    def summary(self, scores: dict[str, Array], trials: Trial) -> dict[str, Float[Array, ""]]:
        """Means over trials, ``correct_RULE`` for each rule in use, and ``correct_min`` of them."""
        rules = dict(zip(self.rules, self._codes, strict=True))
        each = scoring.by_rule(scores["correct"], trials.conditions["rule"], rules)
        means = AbstractTask.summary(self, scores, trials)
        del means["direction"]  # of no meaning
        return means | each

    def condition_table(self) -> dict[str, Array]:
        """The rules in use."""
        return {"rule": jnp.asarray(self._codes)}

    def limits(self) -> dict[str, tuple[float, float]]:
        """Bounds of the numbers that can be given."""
        return names.bounds(self.dt, self.n_steps)

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of rules, rings, matches and choices."""
        return names.codes(dict(zip(self._codes.tolist(), self.rules, strict=True)))

    def units(self) -> dict[str, str]:
        """Directions are in degrees, durations in ms."""
        return names.units()

    def _linked(self, outputs: Float[Array, "..."]) -> Float[Array, "..."]:
        return jax.nn.sigmoid(outputs) if self.table.variant == "yang" else outputs
