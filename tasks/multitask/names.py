"""Names of channels and codes, and bounds of the conditions of the rules."""

from collections.abc import Sequence
from typing import Any

from neurodyn.tasks.multitask.rules import EPOCHS, RuleTable
from neurodyn.tasks.multitask.stimuli import STRENGTHS


def bounds(dt: float, n_steps: int) -> dict[str, tuple[float, float]]:
    """Bounds of the numbers that can be given, for steps of ``dt`` [ms]."""
    strengths = (name for pair in STRENGTHS for name in pair)
    directions, rings = ("direction1", "direction2"), ("modality1", "modality2")
    return {
        **dict.fromkeys(directions, (0.0, 360.0)),
        **dict.fromkeys(rings, (1.0, 2.0)),
        **dict.fromkeys(strengths, (0.0, 10.0)),
        **dict.fromkeys((f"{name}_duration" for name in EPOCHS), (dt, n_steps * dt)),
    }


def codes(rules: dict[int, str]) -> dict[str, dict[int, str]]:
    """Names of the codes; ``rules`` are those in use."""
    rings = {0: "as the rule says", 1: "modality 1", 2: "modality 2"}
    return {
        "rule": rules,
        "modality1": rings,
        "modality2": rings,
        "match": {-1: "none", 0: "nonmatch", 1: "match"},
        "response_due": {0: "hold", 1: "respond"},
        "choice": {-1: "none", 0: "stimulus1", 1: "stimulus2"},
    }


def units() -> dict[str, str]:
    """Units of conditions and scores."""
    degrees = ("direction1", "direction2", "target", "direction", "error")
    return dict.fromkeys(degrees, "deg") | {f"{name}_duration": "ms" for name in EPOCHS}


def directions(table: RuleTable, n_ring: int) -> tuple[str, ...]:
    """Names of the channels of one direction."""
    if table.variant == "driscoll":
        return ("sin", "cos")
    return tuple(f"ring_{k}" for k in range(n_ring))


def inputs(table: RuleTable, rings: Sequence[str], n_code: int) -> tuple[str, ...]:
    """Names of the inputs; those of rules, unless their code has another size."""
    one_hot = n_code == len(table.names)
    rules = table.names if one_hot else tuple(str(i) for i in range(n_code))
    shown = (f"mod{m}_{name}" for m in (1, 2) for name in rings)
    return ("fixation", *shown, *(f"rule_{name}" for name in rules))


def known_names(
    what: str, given: str | Sequence[str], known: Sequence[str], *, none: bool = False
) -> tuple[str, ...]:
    """The names given, each known and once; without any only with ``none``.

    Raises
    ------
    ValueError
        Otherwise; the message lists what is known.
    """
    names: tuple[Any, ...] = (given,) if isinstance(given, str) else tuple(given)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"`{what}`: {unknown[0]!r} is none of {', '.join(known)}.")
    if len(set(names)) < len(names) or not (names or none):
        raise ValueError(f"`{what}` must be different names of {', '.join(known)}, got {names}.")
    return names
