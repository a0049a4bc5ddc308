"""What was chosen in each trial, and on what evidence, of runs, recordings and sessions alike."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels.convention import LabelError
from neurodyn.labels.values import missing, names_of, plain

__all__ = [
    "Evidence",
    "called",
    "is_run",
    "judged",
    "made",
    "options",
    "part_with",
    "text_of",
    "with_evidence",
]

#: Name of the signed evidence; or for each value of another label the name: ``{"context":
#: {"motion": "motion", "colour": "colour"}}``.
Evidence = str | Mapping[str, Mapping[Any, str]] | None
#: Words for no choice.
_NONE = {"", "none", "nan"}
#: Label of evidence that several labels hold, each in other trials.
RELEVANT = "relevant_evidence"


def is_run(ds: xr.Dataset) -> bool:
    """Whether these are trials of a model or a task; what does not say so counts as recorded."""
    return ds.attrs.get("source") in ("model", "task") or "seed" in {*ds.dims, *ds.coords}


def called(ds: xr.Dataset) -> str:
    """The name of a recording; empty where it has none."""
    names = (ds.attrs.get(n) for n in ("name", "session_id", "subject_id"))
    return next((str(name) for name in names if name), "")


def part_with(data: Any, *names: str | None) -> xr.Dataset:
    """The labels of trials: of a session those of the part that has all that are named.

    Raises
    ------
    TypeError
        If this is no labelled object.
    LabelError
        If no part of a session has trials.
    """
    if isinstance(data, xr.DataArray):
        return data.coords.to_dataset().assign_attrs(data.attrs)
    if isinstance(data, xr.Dataset):
        return data
    if not isinstance(data, xr.DataTree):
        raise TypeError(
            "behaviour is read from labels of trials: pass a run (`simulate(model, task)`), a "
            "recording or a session (Dataset, DataArray or DataTree), not a "
            f"{type(data).__name__}; a table of pandas becomes one by "
            "table.rename_axis('trial').to_xarray()."
        )
    nodes = {n.path.strip("/"): n.to_dataset() for n in data.subtree}
    wanted = {name for name in names if name is not None}
    fitting = [n for n, ds in nodes.items() if wanted and wanted <= {*ds.variables}]
    fitting = fitting or [n for n, ds in nodes.items() if "trial" in ds.dims]
    if not fitting:
        raise LabelError(f"no part of the recording has trials: its parts are {[*nodes]}.")
    about = {n: v for n, v in data.attrs.items() if n in ("name", "session_id", "subject_id")}
    table = nodes[fitting[0]]
    return table.assign_attrs(about | table.attrs)


def with_evidence(ds: xr.Dataset, evidence: Evidence) -> tuple[xr.Dataset, str, list[str]]:
    """The trials, the label that holds their evidence, and the labels that say which it is.

    By default evidence is what the task of a run names; without a task it is ``coherence``. Where
    other labels hold it in other trials, it becomes a label of its own.

    Raises
    ------
    LabelError
        If a label is missing, or nothing says which evidence counts in some trials.
    """
    if evidence is None:
        named = str(ds.attrs.get("evidence", "coherence"))
        evidence = json.loads(named) if named.startswith("{") else named
    if isinstance(evidence, str):
        check_on_trials(ds, evidence=evidence)
        return ds, evidence, []
    (which, each), *more = evidence.items() if isinstance(evidence, Mapping) else [(None, None)]
    if more:
        raise LabelError(f"one label says which evidence counts, not {[*evidence]}.")
    if not isinstance(each, Mapping):
        raise LabelError(
            "`evidence` is the name of a label, or {'context': {'motion': 'motion', 'colour': "
            f"'colour'}}}}, the name for each value of another label; got {str(evidence)[:60]}."
        )
    parts = {str(value): str(name) for value, name in each.items()}
    check_on_trials(ds, evidence=which)
    for name in parts.values():
        check_on_trials(ds, evidence=name)
    spelt = names_of(ds, which)
    said = [text_of(v) for v in plain(ds[which].values).tolist()]
    names = [parts.get(spelt.get(v, v), parts.get(v)) for v in said]
    if None in names:
        unknown = said[names.index(None)]
        raise LabelError(
            f"nothing says which evidence counts where {which} is {spelt.get(unknown, unknown)!r}: "
            f"add it to evidence={{{which!r}: {parts}}}."
        )
    taken = np.array(names)
    values = sum(np.where(taken == n, ds[n].values, 0.0) for n in dict.fromkeys(parts.values()))
    units = {str(ds[n].attrs.get("units", "1")) for n in parts.values()}
    about = {"long_name": "relevant evidence", "units": units.pop() if len(units) == 1 else "1"}
    return ds.assign_coords({RELEVANT: ("trial", values, about)}), RELEVANT, [which]


def check_on_trials(ds: xr.Dataset, **names: str) -> None:
    """Refuse labels that no trial has; each is given by the name of its parameter.

    Raises
    ------
    LabelError
        Listing the labels that trials have.
    """
    for parameter, name in names.items():
        if name not in ds.variables or "trial" not in ds[name].dims:
            known = [
                str(n) for n, v in ds.variables.items() if v.dims == ("trial",) and n != "trial"
            ]
            there = f"there are {known}: choose one by {parameter}=" if known else "there are none"
            raise LabelError(f"there is no label {name!r} of trials; {there}.")


def judged(ds: xr.Dataset) -> np.ndarray:
    """Which trials count: all but those with a response before the stimulus (label ``early``)."""
    if "early" not in ds.variables or "trial" not in ds["early"].dims:
        return np.ones(ds.sizes["trial"], bool)
    return ~(plain(ds["early"].values) == 1)


def made(ds: xr.Dataset, choice: str) -> np.ndarray:
    """Where a choice was made that counts."""
    values = plain(ds[choice].values)
    none = {code for code, word in names_of(ds, choice).items() if word in _NONE} | _NONE
    none |= {"-1"} if is_run(ds) else set()
    texts = np.array([text_of(v) for v in values.ravel().tolist()]).reshape(values.shape)
    return ~missing(values) & ~np.isin(texts, list(none)) & judged(ds)


def options(
    sides: Mapping[str, xr.Dataset], choice: str, option: Any
) -> tuple[str, dict[str, np.ndarray | Any]]:
    """The name of the option that is counted, and its value on each side.

    Raises
    ------
    LabelError
        If there is no such option, or nothing says which one is counted.
    """
    counted: dict[str, Any] = {}
    names: dict[str, Any] = {}
    for title, ds in sides.items():
        spelt = names_of(ds, choice)
        values = plain(ds[choice].values)
        found = np.unique(values[made(ds, choice)]).tolist()
        texts = {v: spelt.get(text_of(v), text_of(v)) for v in found}
        wanted = option
        if wanted is None:
            wanted = _default(found, texts, choice)
        match = [v for v in found if wanted == v or str(wanted) in (texts[v], text_of(v))]
        # Nobody may have chosen what has a name.
        match = match or [int(c) for c, w in spelt.items() if str(wanted) in (c, w)]
        match = match or ([wanted] if option is None else [])
        if not match:
            raise LabelError(
                f"no {choice} is {option!r}: there are {list(texts.values())}"
                f"{' in what is ' + title if len(sides) > 1 else ''}; .assign_coords({choice}="
                "('trial', words)) gives them other names."
            )
        counted[title], names[title] = match[0], texts.get(match[0], spelt.get(text_of(match[0])))
    said = {name or str(counted[title]) for title, name in names.items()}
    if len(said) > 1 and option is None and len({text_of(v) for v in counted.values()}) > 1:
        raise LabelError(
            f"the two sides name their choices differently, {sorted(said)}: give both the same "
            f"names, .assign_coords({choice}=('trial', words))."
        )
    name = names.get("model") or names.get("recorded") or text_of(next(iter(counted.values())))
    return name, counted


def _default(found: Sequence[Any], texts: Mapping[Any, str], choice: str) -> Any:
    if len(found) > 2:
        some = ", ".join(list(texts.values())[:8]) + (", ..." if len(found) > 8 else "")
        raise LabelError(
            f"there are {len(found)} options, {some}: say which is counted, "
            f"option={texts[found[-1]]!r}."
        )
    numbers = all(not isinstance(v, str) for v in found)
    if numbers and all(v in (0, 1) for v in found):
        return True if found and all(isinstance(v, bool) for v in found) else 1
    if not found:
        raise LabelError(f"nothing was chosen: there is no {choice} in any trial.")
    return found[-1]


def text_of(value: Any) -> str:
    """A label as a word; whole numbers without their point."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)
