"""Names of columns of a file that would clash with names of ours."""

from collections.abc import Collection

from neurodyn.labels.convention import COORDS, DIMS

#: Names that the library itself gives to units and trials, besides those with fixed units.
_OURS = {"window", "unit_id", "trial_id", "event_time", "observed"}
#: Coordinates of ours that a file may give, because they mean the same there.
_SHARED = {"start_time", "stop_time", "rt", "tau", "ei"}
RESERVED = ({*DIMS} | {*COORDS} | _OURS) - _SHARED


def free_name(name: str, taken: Collection[str] = ()) -> str:
    """A name for a column of a file: its own, with underscores after it if that is in use.

    Names of dims and of coordinates that the library makes are always in use, so that a column gets
    the same name from every file.

    Parameters
    ----------
    name
        Name in the file.
    taken
        Further names that are in use.

    Examples
    --------
    >>> free_name("unit"), free_name("side", ["side", "side_"])
    ('unit_', 'side__')
    """
    name = name or "_"
    while name in RESERVED or name in taken:
        name += "_"
    return name
