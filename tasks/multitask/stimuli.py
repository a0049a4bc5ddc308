"""The two stimuli of a trial: directions, strengths in both rings, and the answer they ask for.

All rules are one parametric trial. What a rule does not use is 0.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from neurodyn.tasks.multitask.rules import KINDS, RuleTable
from neurodyn.tasks.parts.circle import apart

#: Numbers drawn for the stimuli: direction of the first, place of the second, two means and two
#: differences of strengths, the share of each stimulus in the first ring, and whether they match.
N_DRAWN = 9
#: Differences of strengths of comparisons without and with a delay.
COHERENCES = ((0.01, 0.02, 0.04, 0.08), (0.08, 0.16, 0.32))
#: Range of the differences where they are continuous.
DRISCOLL_COHERENCE = (0.005, 0.8)
MEAN_STRENGTH = (0.8, 1.2)
SHARE = (0.2, 0.8)
#: Directions [rad] further apart than this do not match.
SAME = 1e-3
#: Condition of the strength of each stimulus in each ring.
STRENGTHS = (("strength1_mod1", "strength1_mod2"), ("strength2_mod1", "strength2_mod2"))


class Stimuli(NamedTuple):
    """The stimuli of one trial.

    Attributes
    ----------
    directions
        Direction of each stimulus [rad].
    strengths
        Strength of each stimulus in each ring.
    evidence
        Strength of the first stimulus minus that of the second, over the rings that count; 0 where
        strengths are not compared.
    match
        1: the stimuli match; 0: they do not; -1: it is not asked.
    go
        Whether a response is due.
    target
        Direction of the response [rad].
    """

    directions: Float[Array, "2"]
    strengths: Float[Array, "stimulus ring"]
    evidence: Float[Array, ""]
    match: Int[Array, ""]
    go: Bool[Array, ""]
    target: Float[Array, ""]


def draw_stimuli(
    table: RuleTable,
    rule: Int[Array, ""],
    rings: Int[Array, "2"],
    u: Float[Array, " drawn"],
    given: Mapping[str, Any],
) -> Stimuli:
    """The stimuli of one trial.

    Parameters
    ----------
    table
        The rules.
    rule
        Code of the rule.
    rings
        Ring of each stimulus, 0 or 1, where the rule leaves it open.
    u
        Uniform numbers in [0, 1), `N_DRAWN` of them.
    given
        Conditions of the trial that are used instead of drawn ones.
    """
    compares, matches = table.is_in("dm", "delaydm")[rule], table.is_in("dms", "dmc")[rule]
    by_category = table.is_in("dmc")[rule]
    directions = _directions(table, rule, u, given)
    strengths = _strengths(table, rule, rings, u, given)
    relevance = table.relevance(u.dtype)[rule]
    evidence = jnp.sum(relevance * (strengths[0] - strengths[1])) * compares.astype(u.dtype)
    first, second = directions[0], directions[1]
    same = jnp.where(by_category, (first < np.pi) == (second < np.pi), apart(first, second) < SAME)
    match = jnp.where(matches, same.astype(jnp.int32), -1)
    go = ~matches | (same ^ table.has("nogo")[rule])
    away = (first + np.pi) % (2 * np.pi)
    target = jnp.where(table.has("anti")[rule], away, first)
    target = jnp.where(matches | (compares & (evidence <= 0)), second, target)
    return Stimuli(directions, strengths, evidence, match, go, target)


def _directions(table, rule, u, given) -> Float[Array, "2"]:
    circle = 2 * np.pi
    first, second = u[0] * circle, u[1]
    side, size = _signed(second)
    matches = u[8] < 0.5
    # Categories are the halves of the circle; the published directions lie at ten places.
    spots = table.variant == "yang"
    in_half = (jnp.floor(second * 5) + 0.5) * 0.2 * np.pi if spots else second * np.pi
    sample = (jnp.floor(u[0] * 10) + 0.5) * 0.2 * np.pi if spots else first
    by_category = table.is_in("dmc")[rule]
    first = jnp.where(by_category, sample, first)
    if "direction1" in given:
        first = _radians(given["direction1"], u.dtype)
    test_half = (first >= np.pi) ^ ~matches
    other = first + side * (np.pi / 9 + size * 16 * np.pi / 9)
    compared = first + side * (np.pi / 2 + size * np.pi)
    found = jnp.where(table.is_in("dm", "delaydm")[rule], compared % circle, jnp.zeros_like(first))
    test = jnp.where(matches, first, other % circle)
    found = jnp.where(table.is_in("dms")[rule], test, found)
    found = jnp.where(by_category, in_half + jnp.where(test_half, np.pi, 0).astype(u.dtype), found)
    if "direction2" in given:
        found = _radians(given["direction2"], u.dtype)
    return jnp.stack([first, found])


def _strengths(table, rule, rings, u, given) -> Float[Array, "stimulus ring"]:
    low, high = MEAN_STRENGTH
    means = low + u[jnp.asarray([2, 4])] * (high - low)
    sides, sizes = _signed(u[jnp.asarray([3, 5])])
    half = sides * _coherence(table, rule, sizes)
    pairs = jnp.stack([means + half, means - half])  # (stimulus, draw)
    sides, sizes = _signed(u[6:8])
    share = sides * (SHARE[0] + sizes * (SHARE[1] - SHARE[0]))
    split = 1 + jnp.stack([share, -share], axis=1) / 2
    two = table.is_in("dms", "dmc")[rule]
    shown = jnp.stack([jnp.ones_like(two), two]).astype(u.dtype)
    nothing = jnp.zeros_like(pairs[:, 0])
    choices = {
        "any": shown[:, None] * jax.nn.one_hot(rings, 2, dtype=u.dtype),
        "first": jnp.stack([pairs[:, 0], nothing], axis=1),
        "second": jnp.stack([nothing, pairs[:, 0]], axis=1),
        "both": pairs,
        "shared": pairs[:, :1] * split,
    }
    kind = table.kinds(u.dtype)[rule]
    strengths = sum(kind[i] * choices[name] for i, name in enumerate(KINDS))
    for i, names in enumerate(STRENGTHS):
        for j, name in enumerate(names):
            if name in given:
                strengths = strengths.at[i, j].set(jnp.asarray(given[name]).astype(u.dtype))
    return strengths


def _coherence(table, rule, sizes):
    if table.variant == "driscoll":
        low, high = DRISCOLL_COHERENCE
        return low + sizes * (high - low)
    at_once, delayed = (jnp.asarray(values, sizes.dtype) for values in COHERENCES)
    chosen = (values[(sizes * len(values)).astype(jnp.int32)] for values in (at_once, delayed))
    return jnp.where(table.is_in("dm")[rule], *chosen)


def _signed(u):
    """A sign and a uniform number in [0, 1) from one uniform number."""
    second = u >= 0.5
    return jnp.where(second, 1, -1).astype(u.dtype), 2 * u - second.astype(u.dtype)


def _radians(degrees, dtype):
    return jnp.asarray(degrees).astype(dtype) * (np.pi / 180) % (2 * np.pi)
