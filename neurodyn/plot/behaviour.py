"""Psychometric curves."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels import entry
from neurodyn.labels.values import is_words, missing, names_of, plain
from neurodyn.plot.style import BLUE, ORANGE, panel, styled

#: Words for no choice.
_NONE = {"", "none", "nan"}


@styled
def psychometric(
    model: xr.Dataset | xr.DataTree | None = None,
    recording: xr.Dataset | xr.DataTree | None = None,
    *,
    evidence: str = "coherence",
    choice: str = "choice",
    option: Any = None,
) -> Any:
    """How often one option was chosen, against the evidence: of a model, of a recording, of both.

    Parameters
    ----------
    model
        With the choice and the evidence on `trial`, also with `seed`. A recording alone may stand
        here, too: what does not say that it is a run of a model counts as recorded.
    recording
        The same of the animal or network that was recorded: a trial table, spikes or signals with
        one, or a session, of which the part with these labels is taken.
    evidence
        Label of the evidence: numbers, which in per cent are drawn so where they are fractions
        (from -1 to 1, without a unit), or words.
    choice
        Label of what was chosen: words ("left", "right") or numbers; or of what else came of a
        trial, such as ``"correct"``. Missing ones, "none" and the -1 of models are no choice and
        do not count.
    option
        Which choice is counted. Default: of two the second (1, "right", True); where there are
        more it must be said.

    Returns
    -------
    matplotlib.figure.Figure
        The axis names the option. With 95 % intervals (Wilson) of a recording, and one thin line
        per network of an ensemble. Evidence at which nothing was chosen has no point.

    Raises
    ------
    ValueError
        If a label is missing, there is no such option, or nothing says which one is counted.
    """
    sides = _sides(_table(model, evidence, choice), _table(recording, evidence, choice))
    for ds in sides.values():
        _check_labels(ds, evidence, choice)
    first = next(iter(sides.values()))
    name, counted = _option(sides, choice, option)
    scale, x_label, words = _axis(sides, evidence)
    figure, ax = panel(size=(3.6, 2.9))
    for title, ds in sides.items():
        levels, fractions, n = _fractions(ds, evidence, choice, counted[title])
        x = words.searchsorted(levels) if words is not None else scale * levels
        if title == "recorded":
            low, high = _wilson(fractions[0], n[0])
            error = [np.maximum(fractions[0] - low, 0), np.maximum(high - fractions[0], 0)]
            # Beside a network, since the subject of a recording may be called so as well.
            called = _called(ds)
            beside = f"recording ({called})" if called else "recording"
            text = called if called and len(sides) == 1 else beside
            look = {"fmt": "s", "color": ORANGE, "ms": 3.5, "capsize": 2}
            ax.errorbar(x, fractions[0], error, label=text, **look)
            continue
        for one in fractions if len(fractions) > 1 else ():
            ax.plot(x, one, color=BLUE, lw=0.6, alpha=0.5)
        there = np.isfinite(fractions)
        count = np.where(there.any(0), there.sum(0), np.nan)
        mean = np.where(there, fractions, 0.0).sum(0) / count
        text = f"mean of {len(fractions)} networks" if len(fractions) > 1 else "network"
        ax.plot(x, mean, "o-", color=BLUE, ms=3.5, label=text)
    ax.axhline(0.5, color="0.85", lw=0.8, zorder=0)
    if words is not None:
        ax.set_xticks(range(len(words)), [str(w) for w in words])
    elif min(float(np.nanmin(ds[evidence].values)) for ds in sides.values()) < 0:
        ax.axvline(0.0, color="0.85", lw=0.8, zorder=0)
    what = first[choice].attrs.get("long_name", choice)
    many = "choices" if what == "choice" else str(what)
    simple = what != "choice" and name in ("True", "1")
    y_label = f"fraction {what}" if simple else f"fraction of {many}: {name}"
    ax.set(xlabel=x_label, ylabel=y_label, ylim=(-0.03, 1.03))
    ax.legend(loc="upper left")
    return figure


def _sides(model: xr.Dataset | None, recording: xr.Dataset | None) -> dict[str, xr.Dataset]:
    """The data to draw, as a network or as a recording."""
    if model is None and recording is None:
        raise ValueError("psychometric draws a model, a recording, or both: there is neither.")
    if recording is None and not _is_run(model):
        model, recording = None, model
    sides = {"model": model, "recorded": recording}
    return {title: ds for title, ds in sides.items() if ds is not None}


def _is_run(ds: xr.Dataset) -> bool:
    return ds.attrs.get("source") in ("model", "task") or "seed" in {*ds.dims, *ds.coords}


def _table(data: Any, evidence: str, choice: str) -> Any:
    """The part of a session whose trials have the evidence and the choice."""
    if not isinstance(data, xr.DataTree):
        return data
    nodes = {n.path.strip("/"): n.to_dataset() for n in data.subtree}
    fitting = [n for n, ds in nodes.items() if {evidence, choice} <= {*ds.variables}]
    fitting = fitting or [n for n, ds in nodes.items() if "trial" in ds.dims]
    if not fitting:
        raise ValueError(f"no part of the recording has trials: its parts are {[*nodes]}.")
    called = {n: v for n, v in data.attrs.items() if n in ("name", "session_id", "subject_id")}
    table = nodes[fitting[0]]
    return table.assign_attrs(called | table.attrs)


def _called(ds: xr.Dataset) -> str:
    """The name of a recording; empty where it has none."""
    names = (ds.attrs.get(n) for n in ("name", "session_id", "subject_id"))
    return next((str(name) for name in names if name), "")


def _check_labels(ds: xr.Dataset, evidence: str, choice: str) -> None:
    for parameter, name in (("evidence", evidence), ("choice", choice)):
        if name not in ds.variables or "trial" not in ds[name].dims:
            known = [
                str(n) for n, v in ds.variables.items() if v.dims == ("trial",) and n != "trial"
            ]
            raise ValueError(
                f"there is no label {name!r} of trials; there are {known}: choose one by "
                f"{parameter}=."
            )


def _option(
    sides: dict[str, xr.Dataset], choice: str, option: Any
) -> tuple[str, dict[str, np.ndarray | Any]]:
    """The name of the option that is counted, and its value on each side."""
    counted, names = {}, {}
    for title, ds in sides.items():
        spelt = names_of(ds, choice)
        values = plain(ds[choice].values)
        found = np.unique(values[_made(ds, choice)]).tolist()
        texts = {v: spelt.get(_text(v), _text(v)) for v in found}
        wanted = option
        if wanted is None:
            wanted = _default(found, texts, choice)
        match = [v for v in found if wanted == v or str(wanted) in (texts[v], _text(v))]
        # Nobody may have chosen what has a name.
        match = match or [int(c) for c, w in spelt.items() if str(wanted) in (c, w)]
        match = match or ([wanted] if option is None else [])
        if not match:
            raise ValueError(
                f"no {choice} is {option!r}: there are {list(texts.values())}"
                f"{' in what is ' + title if len(sides) > 1 else ''}; .assign_coords({choice}="
                "('trial', words)) gives them other names."
            )
        counted[title], names[title] = match[0], texts.get(match[0], spelt.get(_text(match[0])))
    said = {name or str(counted[title]) for title, name in names.items()}
    if len(said) > 1 and option is None and len({_text(v) for v in counted.values()}) > 1:
        raise ValueError(
            f"the two sides name their choices differently, {sorted(said)}: give both the same "
            f"names, .assign_coords({choice}=('trial', words))."
        )
    name = names.get("model") or names.get("recorded") or _text(next(iter(counted.values())))
    return name, counted


def _default(found: list[Any], texts: dict[Any, str], choice: str) -> Any:
    if len(found) > 2:
        raise ValueError(
            f"there are {len(found)} options, {list(texts.values())}: say which is counted, "
            f"option={texts[found[-1]]!r}."
        )
    numbers = all(not isinstance(v, str) for v in found)
    if numbers and all(v in (0, 1) for v in found):
        return True if found and all(isinstance(v, bool) for v in found) else 1
    if not found:
        raise ValueError(f"nothing was chosen: there is no {choice} in any trial.")
    return found[-1]


def _text(value: Any) -> str:
    """A choice as a word; whole numbers without their point."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)


def _axis(sides: dict[str, xr.Dataset], evidence: str) -> tuple[float, str, np.ndarray | None]:
    """By what evidence is multiplied, the text of its axis, and the words that it consists of."""
    values = [plain(ds[evidence].values) for ds in sides.values()]
    first = next(iter(sides.values()))[evidence]
    name, units = str(first.attrs.get("long_name", evidence)), first.attrs.get("units", "1")
    if any(is_words(v) for v in values):
        return 1.0, name, np.unique(np.concatenate(values))
    every = np.concatenate([v[~missing(v)] for v in values])
    if every.min() < 0 and not name.startswith("signed"):
        name = f"signed {name}"
    if units in ("1", "") and np.abs(every).max() <= 1:
        return 100.0, f"{name} (%)", None
    return 1.0, name if units in ("1", "") else f"{name} ({units})", None


def _fractions(
    ds: xr.Dataset, evidence: str, choice: str, option: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Levels of the evidence, and for each network what fraction chose the option, of how many."""
    seeds = ds["seed"].values if "seed" in ds[choice].dims else [None]
    every = plain(ds[evidence].values)
    levels = np.unique(every[~missing(every)])
    fractions, counts = [], []
    for seed in seeds:
        one = ds if seed is None else entry(ds[[evidence, choice]].reset_coords(), "seed", seed)
        x, values = plain(one[evidence].values), plain(one[choice].values)
        made = _made(one, choice)
        n = np.array([np.sum(made & (x == level)) for level in levels])
        hits = np.array([np.sum(made & (values == option) & (x == level)) for level in levels])
        fractions.append(hits / np.where(n > 0, n, np.nan))
        counts.append(n)
    return levels, np.array(fractions), np.array(counts)


def _made(ds: xr.Dataset, choice: str) -> np.ndarray:
    """Where a choice was made."""
    values = plain(ds[choice].values)
    none = {code for code, word in names_of(ds, choice).items() if word in _NONE} | _NONE
    none |= {"-1"} if _is_run(ds) else set()
    texts = np.array([_text(v) for v in values.ravel().tolist()]).reshape(values.shape)
    return ~missing(values) & ~np.isin(texts, list(none))


def _wilson(p: np.ndarray, n: np.ndarray, z: float = 1.96) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's interval of a fraction (J. Am. Stat. Assoc. 1927)."""
    n = np.maximum(n, 1)
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return middle - half, middle + half
