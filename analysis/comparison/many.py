"""Comparison of many runs with many recordings, in parts of them and in windows of time."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
import xarray as xr

from neurodyn.analysis.comparison.among import between_models, between_recordings
from neurodyn.analysis.comparison.scoring import scored
from neurodyn.analysis.comparison.settings import Settings
from neurodyn.analysis.shared.systems import collected, many
from neurodyn.common.random import as_key
from neurodyn.labels import LabelError, check, ordered

Labelled = xr.Dataset | xr.DataArray
#: One object; or several, by name, numbered in a list, or by their paths in a tree.
Many = Labelled | xr.DataTree | Mapping[str, Labelled] | Sequence[Labelled]
Window = Sequence[float | int]
#: Attributes of a pair that become variables, beside the numbers of members ("n_...").
_OF_PAIR = (
    *("conditions_left_out_of_recording", "conditions_left_out_of_run", "bins_left_out"),
    *("bin_width", "first_bin", "last_bin", "members_without_score", "resamples_lost"),
    *("null", "null_question", "ceiling_splits", "ceiling_note", "interval_note"),
    *("constant_units", "dropped"),
)
#: The attribute "null" says what was shuffled; the variable of this name holds the draws.
_RENAMED = {"null": "null_kind"}
_UNITS = {"bin_width": "ms", "first_bin": "ms", "last_bin": "ms"}
#: Variables of each member of an ensemble.
_OF_MEMBERS = (
    *("score", "corrected", "p_value", "null", "low", "high", "bias", "resampled"),
    *("unit_score", "unit_corrected"),
)


@dataclasses.dataclass(frozen=True)
class Cast:
    """Who is compared with whom.

    Attributes
    ----------
    models, recordings
        By name.
    windows
        By name; one without name if there are no several.
    labels
        Values of the label by which recordings were divided, one for each recording.
    dims
        The dims that the result has.
    """

    models: dict[str, Any]
    recordings: dict[str, Any]
    windows: dict[str, Window | None]
    labels: dict[str, list]
    dims: tuple[str, ...]


def cast_of(
    run: Any, rec: Any, window: Window | Mapping[str, Window] | None, each: str | None
) -> Cast:
    """Find the models, recordings and windows of a comparison.

    Raises
    ------
    LabelError
        If names occur twice, or recordings do not have the label `each`.
    """
    models, several_models = _named(run, "model")
    recordings, several = _named(rec, "recording")
    labels: dict[str, list] = {}
    if each is not None:
        parts = {
            (f"{name}/{value}" if several else str(value)): (value, part)
            for name, recording in recordings.items()
            for value, part in _parts(recording, each, name)
        }
        recordings = {name: part for name, (_, part) in parts.items()}
        labels, several = {each: [value for value, _ in parts.values()]}, True
    windows: dict[str, Window | None] = {"": None}
    if isinstance(window, Mapping):
        windows = {str(name): tuple(span) for name, span in window.items()}
        if not windows:
            raise LabelError("`window` holds no windows.")
    elif window is not None:
        windows = {"": window}
    dims = {"model": several_models, "recording": several, "window": isinstance(window, Mapping)}
    return Cast(models, recordings, windows, labels, tuple(d for d, s in dims.items() if s))


def _named(given: Any, what: str) -> tuple[dict[str, Any], bool]:
    if isinstance(given, xr.DataTree):
        nodes = {node.path.strip("/"): node.to_dataset() for node in given.subtree if node.has_data}
        if not nodes:
            raise LabelError(f"the tree of {what}s holds no data.")
        return nodes, list(nodes) != [""]
    if not many(given):
        return {what: given}, False
    found = collected(given, what)
    if len({name for name, _ in found}) < len(found):
        raise LabelError(f"each {what} needs a name of its own, got {[n for n, _ in found]}.")
    return dict(found), True


def _parts(recording: Labelled, each: str, name: str) -> list[tuple[Any, Labelled]]:
    """Parts of a recording with the same value of a label of its units or trials."""
    label = recording.coords.get(each)
    if label is None or label.dims not in (("unit",), ("trial",)):
        known = [str(n) for n, c in recording.coords.items() if c.dims in (("unit",), ("trial",))]
        raise LabelError(f"each={each!r} is no label of the units or trials of {name}: {known}.")
    if label.isnull().any():
        raise LabelError(f"each={each!r} is missing in some of the {label.dims[0]}s of {name}.")
    (dim,) = label.dims
    parts = []
    for value in np.unique(label.values):
        part = recording.isel({dim: np.flatnonzero(label.values == value)})
        if dim == "trial" and "unit" in part.dims:
            # Units that were recorded in none of these trials are those of other animals.
            seen = part.notnull()
            arrays = [seen] if isinstance(seen, xr.DataArray) else list(seen.data_vars.values())
            known = [v.any([d for d in v.dims if d != "unit"]) for v in arrays if "unit" in v.dims]
            if known:
                part = part.isel(unit=np.flatnonzero(np.all([v.values for v in known], axis=0)))
        parts.append((value.item() if hasattr(value, "item") else value, part))
    return parts


def compared(cast: Cast, settings: Settings, *, among: bool) -> xr.Dataset:
    """Compare every model with every recording in every window; see `compare`."""

    def of(recording: str, window: Window | None) -> Settings:
        key = as_key(settings.key)
        if len(cast.recordings) > 1:
            # Recordings are resampled independently, whichever others there are.
            key = jax.random.fold_in(key, zlib.crc32(recording.encode()))
        return dataclasses.replace(settings, key=key, window=window)

    found = {
        (model, recording, window): scored(run, rec, of(recording, span))
        for model, run in cast.models.items()
        for recording, rec in cast.recordings.items()
        for window, span in cast.windows.items()
    }
    whole = joined(found, cast)
    if not among:
        return whole
    (span,) = cast.windows.values()
    settings = dataclasses.replace(settings, window=span)
    added = between_models(cast.models, cast.recordings, settings)
    added |= between_recordings(cast.recordings, lambda name: of(name, span), whole)
    whole = whole.assign(added)
    check(whole)
    return whole


def joined(found: Mapping[tuple[str, str, str], xr.Dataset], cast: Cast) -> xr.Dataset:
    """One Dataset out of those of all pairs; what differs between them stands in variables."""
    whole_units = len(cast.recordings) == len(cast.windows) == 1
    seeds = any("seed" in ds.dims for ds in found.values())
    first = next(iter(found.values()))
    attrs = {n: v for n, v in first.attrs.items() if not _of_pair(n)}
    parts = {names: _flat(ds, cast.dims, whole_units, seeds) for names, ds in found.items()}
    rows = []
    for model in cast.models:
        columns = [
            _along("window", [parts[model, recording, w] for w in cast.windows], cast.windows)
            for recording in cast.recordings
        ]
        rows.append(_along("recording", columns, cast.recordings))
    whole = _along("model", rows, cast.models)
    if cast.labels:
        whole = whole.assign_coords({n: ("recording", v) for n, v in cast.labels.items()})
    if "window" in cast.dims:
        edges = np.array(list(cast.windows.values()), np.float64)
        for i, name in enumerate(("window_start", "window_stop")):
            about = {"units": "ms", "long_name": f"{name[7:]} of the window"}
            whole = whole.assign_coords({name: ("window", edges[:, i], about)})
    whole = whole.transpose(*ordered(whole.dims))
    whole.attrs = attrs
    check(whole)
    return whole


def noted(found: xr.Dataset, name: str) -> list[str]:
    """What a note says of the pairs of a comparison, each text once; nothing where all are ""."""
    notes = found[name].values.ravel() if name in found else [found.attrs.get(name, "")]
    return [note for note in dict.fromkeys(map(str, notes)) if note]


def _of_pair(name: str) -> bool:
    return name in _OF_PAIR or name.startswith("n_")


def _flat(ds: xr.Dataset, dims: Sequence[str], units: bool, seeds: bool) -> xr.Dataset:
    """Result of one pair, with what is said of it in variables; without units if they differ."""
    part = ds if units else ds.drop_dims("unit", errors="ignore")
    if seeds and "seed" not in part.dims:
        mine = {n: part[n].expand_dims("seed") for n in _OF_MEMBERS if n in part}
        part = part.assign(mine).assign_coords(seed=[0])
    of_model, of_recording = ds.attrs["n_units"]
    said = {_RENAMED.get(n, n): v for n, v in ds.attrs.items() if _of_pair(n) and n != "n_units"}
    said |= {"n_units_model": of_model, "n_units_recording": of_recording}
    about = {n: {"units": _UNITS.get(n, "1"), "long_name": n.replace("_", " ")} for n in said}
    part = part.assign({n: ((), v, about[n]) for n, v in said.items()})
    if not units:
        part = part.drop_vars([n for n, c in part.coords.items() if "unit" in c.dims])
    return part.expand_dims(list(dims)).drop_vars(dims, errors="ignore")


def _along(dim: str, parts: Sequence[xr.Dataset], names: Any) -> xr.Dataset:
    """Parts along one of the dims of the cast, if they have it."""
    if dim not in parts[0].dims:
        return parts[0]
    whole = xr.concat(
        parts, dim, data_vars="all", coords="minimal", compat="override", join="outer",
        combine_attrs="override",
    )  # fmt: skip
    return whole.assign_coords({dim: list(names)})
