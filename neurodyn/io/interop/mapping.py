"""Recordings from the tables and fields of other tools, by a mapping that says what each is."""

import difflib
from collections.abc import Mapping
from typing import Any

import xarray as xr

from neurodyn.io.interop.build import Builder
from neurodyn.io.parts import combine
from neurodyn.labels import LabelError

#: Sections of a mapping, and what each may hold.
SECTIONS: dict[str, tuple[str, ...]] = {
    "spikes": ("time", "unit", "trial", "times", "dims"),
    "units": ("label", "columns"),
    "trials": ("label", "times", "columns", "name"),
    "events": ("time", "columns"),
    "signals": ("values", "time", "rate", "start", "unit", "dims", "channels"),
}
#: Sections that hold several parts by name.
_SEVERAL = ("events", "signals")
#: What else a mapping may say.
_OTHERS = ("time_unit", "observed", "delimiter", "decimal")
EXAMPLE = (
    "{'time_unit': 's', 'spikes': {'time': NAME, 'unit': NAME}, 'trials': {'times': [NAMES], "
    "'columns': [NAMES]}}"
)


def needed(source: Any, call: str) -> LabelError:
    """The error for a file or table without a mapping: it lists what could be mapped."""
    told = source.told()
    shown = ", ".join(told[:20]) + (f", ... ({len(told)} in all)" if len(told) > 20 else "")
    return LabelError(
        f"{source.what} does not say what its columns are: say it by a mapping, {call}, such as "
        f"mapping={EXAMPLE}. There are: {shown or 'none'}."
    )


def recording_of(source: Any, mapping: Mapping[str, Any]) -> xr.Dataset | xr.DataTree:
    """The recording that a mapping finds in tables or fields.

    Raises
    ------
    LabelError
        If the mapping is wrong, or does not fit.
    """
    return combine(Builder(source, _checked(mapping)).parts(), {})


def _checked(mapping: Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(mapping, Mapping):
        raise TypeError(f"mapping is a dict, such as {EXAMPLE}, got a {type(mapping).__name__}.")
    _refuse_unknown("mapping", mapping, (*SECTIONS, *_OTHERS))
    for section, known in SECTIONS.items():
        given = mapping.get(section, {})
        if not isinstance(given, Mapping):
            raise LabelError(f"mapping['{section}'] is a dict of {list(known)}, got {given!r}.")
        for name, each in given.items() if section in _SEVERAL else [("", given)]:
            where = f"mapping['{section}']" + (f"['{name}']" if name else "")
            if not isinstance(each, Mapping):
                raise LabelError(f"{where} is a dict of {list(known)}, got {each!r}.")
            _refuse_unknown(where, each, known)
    if not any(mapping.get(section) for section in SECTIONS):
        raise LabelError(f"mapping names no {', '.join(SECTIONS)}: there is nothing to read.")
    return mapping


def _refuse_unknown(where: str, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(str(name), known, 1)
            meant = f" (did you mean '{close[0]}'?)" if close else ""
            raise LabelError(f"{where} has no entry {name!r}{meant}: it takes {list(known)}.")
