"""The rules of Yang et al. (2019) and Driscoll et al. (2024) as tables, in the published order."""

from collections.abc import Mapping
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from neurodyn.tasks.durations import DurationTable
from neurodyn.tasks.timeline import Span

#: Epochs of a trial, of which each rule has some; the response begins with the go.
EPOCHS = ("fixation", "stimulus", "delay", "stimulus2", "wait", "response")
#: Where the stimuli are shown and what their strengths are: in one ring or the other at random, in
#: the ring that the rule names, independently in both rings, or shared out over both rings.
KINDS = ("any", "first", "second", "both", "shared")
#: Rules by the code of the published networks, and their names in the figures of the paper.
RULES: dict[str, str] = {
    "fdgo": "Go",
    "reactgo": "RT Go",
    "delaygo": "Dly Go",
    "fdanti": "Anti",
    "reactanti": "RT Anti",
    "delayanti": "Dly Anti",
    "dm1": "DM 1",
    "dm2": "DM 2",
    "contextdm1": "Ctx DM 1",
    "contextdm2": "Ctx DM 2",
    "multidm": "MultSen DM",
    "delaydm1": "Dly DM 1",
    "delaydm2": "Dly DM 2",
    "contextdelaydm1": "Ctx Dly DM 1",
    "contextdelaydm2": "Ctx Dly DM 2",
    "multidelaydm": "MultSen Dly DM",
    "dmsgo": "DMS",
    "dmsnogo": "DNMS",
    "dmcgo": "DMC",
    "dmcnogo": "DNMC",
}
_DRISCOLL = (
    *("fdgo", "reactgo", "delaygo", "fdanti", "reactanti", "delayanti"),
    *("delaydm1", "delaydm2", "contextdelaydm1", "contextdelaydm2", "multidelaydm"),
    *("dmsgo", "dmsnogo", "dmcgo", "dmcnogo"),
)
VARIANTS: dict[str, tuple[str, ...]] = {"yang": tuple(RULES), "driscoll": _DRISCOLL}

#: Correct trials of the best known strategy that leaves out what rules of a kind ask for: to go
#: anywhere; to hold always, or never; to ask only whether one stimulus is strong; to add up both
#: rings, or to take the larger one. A network has learnt a rule only above that.
SHORTCUTS: dict[str, dict[str, float]] = {
    "yang": {"fd": 0.2, "react": 0.2, "delay": 0.2, "dms": 0.5, "dmc": 0.5}
    | {"dm": 0.6, "contextdm": 0.75, "multidm": 0.74}
    | {"delaydm": 0.87, "contextdelaydm": 0.87, "multidelaydm": 0.98},
    "driscoll": {"fd": 0.1, "react": 0.1, "delay": 0.1, "dms": 0.5, "dmc": 0.5}
    | {"delaydm": 0.94, "contextdelaydm": 0.94, "multidelaydm": 0.98},
}

# Durations [ms] as published: a range, or a list of choices.
_CUE: Span = [200, 400, 600]
_HOLD: Span = [200, 400, 800, 1600]
_WAIT: Span = (100, 300)
_YANG: dict[str, dict[str, Span]] = {
    "fd": {"fixation": (300, 700), "stimulus": (500, 1500), "response": 500},
    "react": {"fixation": (500, 2500), "response": 500},
    "delay": {"fixation": [300, 500, 700], "stimulus": _CUE, "delay": _HOLD, "response": 500},
    "dm": {"fixation": (100, 400), "stimulus": [400, 800, 1600], "response": 500},
    "delaydm": {"fixation": _CUE, "stimulus": _CUE, "delay": _HOLD, "stimulus2": _CUE}
    | {"wait": _WAIT, "response": 500},
    "dms": {"fixation": _CUE, "stimulus": _CUE, "delay": _HOLD, "response": 500},
    "dmc": {"fixation": _CUE, "stimulus": _CUE, "delay": _HOLD, "response": _CUE},
}
_LONG, _RESPONSE = (200, 1600), (300, 700)
_SPANS: dict[str, dict[str, Span]] = {
    "fd": {"fixation": (300, 700), "stimulus": (500, 1500), "response": _RESPONSE},
    "react": {"fixation": (500, 2500), "response": (300, 1700)},
    "delay": {"fixation": (300, 700), "stimulus": _LONG, "delay": _LONG, "response": _RESPONSE},
    "delaydm": {"fixation": (200, 600), "stimulus": _LONG, "delay": _LONG, "stimulus2": _LONG}
    | {"wait": _WAIT, "response": _RESPONSE},
    "dms": {"fixation": (200, 600), "stimulus": _LONG, "delay": _LONG, "response": _RESPONSE},
}
_SPANS["dmc"] = _SPANS["dms"]
DURATIONS: dict[str, dict[str, dict[str, Span]]] = {"yang": _YANG, "driscoll": _SPANS}


def family(rule: str) -> str:
    """The family of rules with the same epochs: fd, react, delay, dm, delaydm, dms or dmc."""
    if "delaydm" in rule:
        return "delaydm"
    if rule.startswith(("dms", "dmc")):
        return rule[:3]
    return "dm" if "dm" in rule else rule.removesuffix("go").removesuffix("anti")


def _kind(rule: str) -> str:
    if family(rule) not in ("dm", "delaydm"):
        return "any"
    if rule.startswith(("context", "multi")):
        return "both" if rule.startswith("context") else "shared"
    return "first" if rule.endswith("1") else "second"


@dataclass(frozen=True)
class RuleTable:
    """What each rule of a variant asks for; hashable, so it is a static field.

    Attributes
    ----------
    variant
        ``"yang"`` or ``"driscoll"``.
    durations
        Durations of the epochs of each rule.
    """

    variant: str
    durations: DurationTable

    @classmethod
    def build(cls, variant: str, dt: float | int) -> "RuleTable":
        """The rules of a variant at a step of ``dt`` [ms]."""
        laws: Mapping[str, Mapping[str, Span]] = DURATIONS[variant]
        rows = [laws[family(rule)] for rule in VARIANTS[variant]]
        return cls(variant, DurationTable.build(dt, EPOCHS, rows))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the rules, by their code."""
        return VARIANTS[self.variant]

    def is_in(self, *families: str) -> Bool[Array, " rule"]:
        """Whether each rule is of one of these families."""
        return jnp.asarray(np.array([family(name) in families for name in self.names]))

    def has(self, part: str) -> Bool[Array, " rule"]:
        """Whether the name of each rule contains this."""
        return jnp.asarray(np.array([part in name for name in self.names]))

    def kinds(self, dtype) -> Float[Array, "rule kind"]:
        """Kind of each rule, one-hot over `KINDS`."""
        rows = [[_kind(name) == kind for kind in KINDS] for name in self.names]
        return jnp.asarray(np.array(rows), dtype)

    def relevance(self, dtype) -> Float[Array, "rule ring"]:
        """How much the strengths in each ring count in a comparison."""
        rows = [(not name.endswith("2"), not name.endswith("1")) for name in self.names]
        return jnp.asarray(np.array(rows), dtype)

    def shortcut(self, name: str) -> float:
        """Correct trials of the best known shortcut, see `SHORTCUTS`."""
        prefix = next((p for p in ("context", "multi") if name.startswith(p)), "")
        return SHORTCUTS[self.variant][prefix + family(name)]
