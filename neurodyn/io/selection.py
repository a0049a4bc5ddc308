"""What was asked for of a recording: a section, and labels of channels, units and signals."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from neurodyn.labels import LabelError
from neurodyn.labels.bins import edges_of
from neurodyn.labels.convention import Window

#: Coordinates that hold further names of the entries of a dim.
_NAMES = {"channel": ("channel_name", "channel_id", "electrode_id"), "unit": ("unit_id",)}


class Selection(NamedTuple):
    """What is to be read of a recording; by default everything.

    Attributes
    ----------
    window
        Start and stop on the clock of the recording [ms], half-open.
    channels, units
        Labels of channels and units, in the order in which they are to stand.
    signals
        Names of signals; or whether to read signals.
    lazy
        Whether signals stay in their file; None: those above 1 GiB.
    spikes_first
        Whether signals that were not asked for by name are left out if there are spikes, because
        the recording is to be cut into trials.
    """

    window: tuple[float, float] | None = None
    channels: tuple[Any, ...] | None = None
    units: tuple[Any, ...] | None = None
    signals: bool | tuple[str, ...] = True
    lazy: bool | None = None
    spikes_first: bool = False

    @classmethod
    def of(
        cls,
        window: Window | None = None,
        channels: Any = None,
        units: Any = None,
        signals: bool | str | Sequence[str] = True,
        lazy: bool | None = None,
        *,
        align_event: str | None = None,
    ) -> "Selection":
        """Check the arguments of a user. With `align_event`, the whole recording is needed."""
        cut = align_event is not None
        edges = None if window is None or cut else edges_of(window, "the recording")
        wanted = bool(signals) if isinstance(signals, (bool, np.bool_)) else _tuple(signals)
        return cls(edges, _tuple(channels), _tuple(units), wanted, lazy, cut)

    @property
    def of_signals(self) -> bool:
        """Whether not all of the signals is asked for."""
        return (self.window, self.channels, self.signals) != (None, None, True)

    @property
    def cut(self) -> bool | None:
        """Whether signals are cut into trials; None: if there are no spikes."""
        # Those that were not asked for have not been read.
        return None if self.signals is True else bool(self.signals)

    def named(self, available: Mapping[str, str]) -> list[str]:
        """The signals that were asked for.

        Parameters
        ----------
        available
            Name of each signal, and the name that it has in the file, which several may share.

        Raises
        ------
        LabelError
            If there is no signal of a name.
        """
        if isinstance(self.signals, bool):
            return list(available) if self.signals else []
        unknown = [n for n in self.signals if n not in available and n not in available.values()]
        if unknown:
            raise LabelError(
                f"there is no signal {short(unknown)} in this recording: "
                + (f"its signals are {short(list(available))}." if available else "it has none.")
            )
        return [n for n, own in available.items() if n in self.signals or own in self.signals]


class Pick:
    """The entries of a dim that were asked for by their labels, over all parts of a recording."""

    def __init__(self, dim: str, asked: tuple[Any, ...] | None):
        self.dim, self.asked = dim, asked
        self._found: set[Any] = set()
        self._there: dict[str, list[Any]] = {}

    def __call__(self, path: str, coords: Mapping[str, Any]) -> np.ndarray | None:
        """Positions of these entries in one part, of all that share a label; None: all of them.

        Parameters
        ----------
        path
            Name of the part, for errors.
        coords
            Labels of the dim and its further coordinates.
        """
        if self.asked is None:
            return None
        own = np.asarray(coords[self.dim]).tolist()
        self._there[path] = own
        options = [own, *(np.asarray(coords[n]).tolist() for n in _NAMES[self.dim] if n in coords)]
        for option in options:
            places: dict[Any, list[int]] = {}
            for at, label in enumerate(option):
                places.setdefault(label, []).append(at)
            found = [label for label in dict.fromkeys(self.asked) if label in places]
            if found:
                self._found.update(found)
                return np.array([at for label in found for at in places[label]], np.int64)
        return np.zeros(0, np.int64)

    def problem(self, path: str) -> str:
        """Why a part has none of these entries."""
        return f"none of the {self.dim}s {short(self.asked)}; it has {short(self._there[path])}"

    def check(self) -> None:
        """Refuse labels that no part has."""
        missing = [label for label in self.asked or () if label not in self._found]
        if missing:
            there = "; ".join(f"{path} has {short(own)}" for path, own in self._there.items())
            raise LabelError(
                f"{self.dim}s {short(missing)} are not in this recording: "
                + (f"{there}." if there else f"it has no {self.dim}s.")
            )


def _tuple(labels: Any) -> tuple[Any, ...] | None:
    if labels is None:
        return None
    if isinstance(labels, (xr.DataArray, np.ndarray)):
        labels = np.asarray(labels).tolist()
    if isinstance(labels, (str, bytes)) or not hasattr(labels, "__iter__"):
        return (labels,)
    return tuple(each.item() if isinstance(each, np.generic) else each for each in labels)


def short(items: Sequence[Any] | None) -> str:
    """Items for an error, a few if there are many."""
    items = list(items or ())
    shown = ", ".join(repr(each) for each in items[:12])
    return f"{shown}, ... ({len(items)} in all)" if len(items) > 12 else shown
