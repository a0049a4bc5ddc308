"""Build the parts of a recording (spikes, interval tables, signals), and join them."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.labels import LabelError
from neurodyn.labels.convention import OWN_DIMS, Window
from neurodyn.spikes.session import align, apart
from neurodyn.spikes.session_tables import INVALID

#: Quantity -> factor from its SI unit to ours, our unit, name of the variable, kind.
_QUANTITIES = {
    "volt": (1e3, "mV", "v", "voltage"),
    "ampere": (1e12, "pA", "i", "current"),
    "siemens": (1e9, "nS", "g", None),
}
_SYMBOLS = {"v": "volt", "volts": "volt", "a": "ampere", "amp": "ampere", "amps": "ampere"}
_SYMBOLS |= {"amperes": "ampere", "s": "second", "seconds": "second"}
_PREFIXES = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "m": 1e-3}
_PREFIXES |= {"k": 1e3, "M": 1e6, "G": 1e9}
_WORDS = {"femto": 1e-15, "pico": 1e-12, "nano": 1e-9, "micro": 1e-6, "milli": 1e-3}
_WORDS |= {"kilo": 1e3, "mega": 1e6, "giga": 1e9}


def unit_of(text: str) -> tuple[float, str, str, str | None]:
    """Translate a unit of measurement into ours.

    Returns
    -------
    Factor, our unit, the usual name of the variable, and its kind. Other units stay unchanged, and
    the name of the variable is then `signal`.

    Examples
    --------
    >>> unit_of("volts"), unit_of("uV")
    ((1000.0, 'mV', 'v', 'voltage'), (0.001, 'mV', 'v', 'voltage'))
    """
    given = text.strip()
    options = [(1.0, given), *((f, given[1:]) for p, f in _PREFIXES.items() if given[:1] == p)]
    options += [
        (f, given[len(w) :].lstrip(" -_")) for w, f in _WORDS.items() if given.lower().startswith(w)
    ]
    for prefix, word in options:
        name = _SYMBOLS.get(word.lower(), word.lower())
        name = "siemens" if word == "S" else name
        # A small letter alone may be anything; "mv" is no other unit than mV, but "pa" is pascal.
        plain = word.islower() and len(word) == 1 and (word != "v" or prefix == 1.0)
        if name in _QUANTITIES and not plain:
            factor, unit, variable, kind = _QUANTITIES[name]
            return tidy(prefix * factor), unit, variable, kind
    return 1.0, "1" if given in ("", "dimensionless") else given, "signal", None


def tidy(factor: float) -> float:
    """Round a factor to a power of ten if it differs from one only by rounding."""
    power = 10.0 ** round(np.log10(factor)) if factor > 0 else factor
    return power if np.isclose(factor, power, rtol=1e-12, atol=0.0) else factor


def decode(values: Any) -> np.ndarray:
    """Turn text stored as bytes or objects into str, leave numbers as they are."""
    array = np.asarray(values)
    if array.dtype.kind not in "SO":
        return array
    texts = [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in array.flat]
    # MATLAB exporters write the text "b'...'".
    texts = [t[2:-1] if t[:2] == "b'" and t[-1:] == "'" else t for t in texts]
    return np.array(texts, dtype=str).reshape(array.shape)


def table(
    columns: Mapping[str, Any],
    attrs: Mapping[str, Any],
    variables: Mapping[str, tuple] | None = None,
) -> xr.Dataset:
    """Build a table of trials (or other rows).

    Parameters
    ----------
    columns
        Columns with one value for each row, which become coordinates.
    attrs
        Attributes.
    variables
        Columns with several values for each row, on dims of their own.
    """
    return with_variables(labels.dataset({}, columns, source="recording", attrs=attrs), variables)


def with_variables(ds: xr.Dataset, variables: Mapping[str, tuple] | None) -> xr.Dataset:
    """Add columns with several values for each row.

    Parameters
    ----------
    ds
        Table of trials, or spike Dataset.
    variables
        ``{name: (dims, values, units, long_name)}``. Dims besides those of `DIMS` are declared.
    """
    variables = variables or {}
    dims = [*ds.dims, *(dim for spec in variables.values() for dim in spec[0])]
    own = [str(dim) for dim in dict.fromkeys(dims) if dim not in labels.DIMS]
    if variables:
        added = labels.dataset(variables, {}, source="recording", dims=own, values=False)
        # The numbers of new dims only, because rows have labels already.
        numbers = {n: c for n, c in added.coords.items() if n not in (*ds.coords, *ds.dims)}
        ds = ds.assign_coords(numbers)
        ds = ds.assign({n: v.variable for n, v in added.data_vars.items()})
    return ds.assign_attrs({OWN_DIMS: own}) if own else ds


def signal(
    values: np.ndarray,
    unit: str,
    time: np.ndarray,
    *,
    dims: tuple[str, ...],
    long_name: str,
    coords: Mapping[str, Any] | None = None,
    factor: float = 1.0,
    attrs: Mapping[str, Any] | None = None,
    own_dims: tuple[str, ...] = (),
) -> xr.Dataset:
    """Build a Dataset of one continuous signal, in our units.

    Parameters
    ----------
    values
        Samples, shaped like `dims`.
    unit
        Unit of ``factor * values``, as spelled in the file.
    time
        Times of the samples [ms].
    dims
        Dims of `values`, e.g. ``("sweep", "time", "channel")``.
    long_name
        A few words for axes and tables.
    coords
        As in `neurodyn.labels.dataset`.
    factor
        Conversion stored in the file.
    attrs
        Further attributes of the Dataset.
    own_dims
        Those of `dims` that are no dims of the convention.
    """
    scale, ours, variable, kind = unit_of(unit)
    scale = tidy(scale * factor)
    values = values if scale == 1.0 else values * np.asarray(scale, np.result_type(values, "f4"))
    return labels.dataset(
        {variable: (dims, values, ours, long_name, *([kind] if kind else []))},
        {"time": np.asarray(time, np.float64), **(coords or {})},
        source="recording",
        attrs=attrs,
        dims=own_dims,
        values=False,
    )


def distinct(places: Sequence[tuple[str, ...]]) -> list[str]:
    """Names of the parts of a recording, from their places in the file.

    Parameters
    ----------
    places
        For each part its path, the name last: ``("acquisition", "lfp")``.

    Returns
    -------
    For each its name if no other has it; if others have, ``PLACE_NAME`` with the first part of the
    path; if that is not enough, the whole path; if even these are equal, they are numbered.

    Examples
    --------
    >>> distinct([("acquisition", "lfp"), ("ecephys", "LFP", "lfp"), ("behavior", "speed")])
    ['acquisition_lfp', 'ecephys_lfp', 'speed']
    """
    forms = [
        (place[-1:], place[:1] + place[-1:] if place[1:] else place, place) for place in places
    ]
    level = [0] * len(places)
    while True:
        names = ["_".join(form[k]).replace("/", "_") for form, k in zip(forms, level, strict=True)]
        same = [i for i, name in enumerate(names) if names.count(name) > 1]
        low = [i for i in same if level[i] < 2]
        if not low:
            break
        for i in low:
            level[i] += 1
    counts: dict[str, int] = {}
    for i in same:
        number = counts[names[i]] = counts.get(names[i], -1) + 1
        names[i] = f"{names[i]}_{number}"
    return names


def combine(parts: Mapping[str, xr.Dataset], attrs: Mapping[str, Any]) -> xr.Dataset | xr.DataTree:
    """Join the parts of a recording: into one Dataset if possible, else into a DataTree.

    Spikes and a single table of trials become one Dataset, and a single part stays one. The table
    of invalid times is no table of trials.
    """
    parts = dict(parts)
    tables = [
        path for path in parts if path.startswith("intervals/") and path != f"intervals/{INVALID}"
    ]
    if "spikes" in parts and len(tables) == 1 and "trial" not in parts["spikes"].dims:
        parts["spikes"] = with_trials(parts["spikes"], parts.pop(tables[0]))
    if not parts:
        raise LabelError(
            "this recording holds nothing that can be labelled: no spike times, no continuous "
            f"signals, no intervals{_left_out(attrs)}."
        )
    if len(parts) == 1:
        (only,) = parts.values()
        return only.assign_attrs(dict(attrs) | only.attrs)
    root = xr.Dataset(attrs={"source": "recording", "convention": labels.CONVENTION} | dict(attrs))
    return xr.DataTree.from_dict({"/": root} | {f"/{path}": part for path, part in parts.items()})


def with_trials(spikes: xr.Dataset, trials: xr.Dataset) -> xr.Dataset:
    """Put a table of trials beside spikes; columns of one name become `unit_NAME`, `trial_NAME`."""
    spikes, trials = apart(spikes, trials)
    own = [*spikes.attrs.get(OWN_DIMS, []), *trials.attrs.get(OWN_DIMS, [])]
    joined = spikes.assign_coords(trials.coords).assign(trials.data_vars)
    about = {"table": trials.attrs["table"]} | ({OWN_DIMS: own} if own else {})
    return joined.assign_attrs(about)


def _left_out(attrs: Mapping[str, Any]) -> str:
    return f" (left out: {'; '.join(attrs['not_read'])})" if attrs.get("not_read") else ""


def cut_trials(
    recording: xr.Dataset | xr.DataTree,
    align_event: str | None,
    window: Window | None,
    *,
    until: str | None = None,
    trials: str | None = None,
    invalid: Literal["raise", "drop"] = "raise",
    signals: bool | str | Sequence[str] | None = None,
) -> xr.Dataset | xr.DataTree:
    """Cut a recording into trials around a column of one of its tables.

    Parameters
    ----------
    recording
        Recording of `combine`.
    align_event
        Time column of the trial table; None leaves the recording as it is.
    window, until, trials, invalid
        See `neurodyn.trials.align`.
    signals
        Names of the signals to cut with the spikes, or whether to cut any. Default: none if there
        are spikes, because signals are usually much larger than these.
    """
    if align_event is None:
        given = {"window": window, "until": until, "trials": trials}
        named = [name for name, value in given.items() if value is not None]
        if named:
            raise ValueError(f"{', '.join(named)}: needs align_event, the column to cut around.")
        return recording
    if window is None:
        raise ValueError("align_event needs window=(start, stop) around the event, in ms.")
    if isinstance(recording, xr.Dataset):
        if "trial" not in recording.dims:
            raise LabelError(
                "align_event needs a trial table, and this recording has none: use "
                "neurodyn.trials.align with event times of your own."
            )
        signals = True if signals is None or isinstance(signals, bool) else signals
    elif signals is None:
        signals = "spikes" not in recording.children
    how: dict[str, Any] = {"until": until, "trials": trials, "invalid": invalid}
    return align(recording, align_event, window, signals=signals, **how)
