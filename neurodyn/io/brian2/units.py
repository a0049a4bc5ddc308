"""The units that Brian2's monitors watched, and when a sample of a monitor was taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurodyn.labels import LabelError
from neurodyn.labels.wording import told


class Watched:
    """The units of one or more monitors: those of each group once, in the order of their indices.

    Parameters
    ----------
    b2
        Brian2.
    monitors
        Monitors of single units. Groups are in the order of the monitors.
    """

    def __init__(self, b2: Any, monitors: Sequence[Any]):
        self.b2 = b2
        self._first: dict[str, int] = {}
        self._indices: dict[str, np.ndarray] = {}
        found: dict[str, list[np.ndarray]] = {}
        for monitor in monitors:
            group, indices = self._of(monitor)
            found.setdefault(group.name, []).append(indices)
        for name, several in found.items():
            self._first[name] = self.n
            self._indices[name] = np.unique(np.concatenate(several))
        self._names = self._narrowest(monitors)

    @property
    def n(self) -> int:
        """Number of units."""
        return sum(map(len, self._indices.values()))

    def coords(self) -> dict[str, tuple[str, np.ndarray]]:
        """Group (or part of a group) of each unit, and its index in the group."""
        return {
            "population": ("unit", self._names),
            "index": ("unit", np.concatenate(list(self._indices.values()))),
        }

    def sizes(self) -> dict[str, int]:
        """Number of units that were watched in each group."""
        return {name: len(indices) for name, indices in self._indices.items()}

    def places(self, monitor: Any, local: Any = None) -> np.ndarray:
        """Positions of units of a monitor's source, given by their numbers there.

        Default: of all units that the monitor watched.
        """
        group, indices = self._of(monitor)
        if local is not None:
            indices = self._offset(monitor.source) + np.asarray(local, np.int64)
        return self._first[group.name] + np.searchsorted(self._indices[group.name], indices)

    def group(self, monitor: Any) -> Any:
        """The group of a monitor; of a part of a group, the whole."""
        source = monitor.source
        return source.source if isinstance(source, self.b2.Subgroup) else source

    def _of(self, monitor: Any) -> tuple[Any, np.ndarray]:
        if isinstance(monitor.source, self.b2.Synapses):
            raise LabelError(
                f"{monitor.name} recorded synapses ({monitor.source.name}), which are no units: "
                "label monitors of groups, and read synapses from the monitor itself."
            )
        record = getattr(monitor, "record", True)
        local = record if isinstance(monitor, self.b2.StateMonitor) else True
        local = np.arange(len(monitor.source)) if local is True else np.asarray(local, np.int64)
        return self.group(monitor), self._offset(monitor.source) + local

    def _offset(self, source: Any) -> int:
        return int(source.start) if isinstance(source, self.b2.Subgroup) else 0

    def _narrowest(self, monitors: Sequence[Any]) -> np.ndarray:
        """Name of the smallest source of each unit: of a part of a group, that of the part."""
        names = np.repeat(list(self._indices), list(map(len, self._indices.values())))
        names = names.astype(object)
        for monitor in sorted(monitors, key=lambda each: -len(each.source)):
            names[self.places(monitor)] = monitor.source.name
        return names.astype(str)


def milliseconds(b2: Any, time: Any) -> float:
    """A time of Brian2 [ms]."""
    return round(float(time / b2.ms), 9)


def end_of_steps(monitor: Any, time: np.ndarray, step: float, late: bool) -> np.ndarray:
    """Times [ms] as multiples of the step, one step later if `late`.

    From whole steps, so that times are those of our own runs to the bit.
    """
    steps = np.rint(time / step)
    if (np.abs(steps * step - time) > 1e-6 * step + 1e-9 * np.abs(time)).any():
        first = time[np.abs(steps * step - time) > 1e-6 * step][0]
        raise LabelError(
            f"{monitor.name} recorded at {told(first)} ms, which is no multiple of the step of its "
            f"group, {step:g} ms: a step that changed between runs is not known for earlier times. "
            "Label monitors that were made for each part of the run."
        )
    return (steps + late) * step


def after_integration(b2: Any, monitor: Any, group: Any) -> bool:
    """Whether a monitor recorded after the equations of its group had been advanced.

    Brian2 gives samples the time at the start of the step in which they are taken; from the slot
    after "groups" on, they are the state at its end.
    """
    schedule = list(b2.prefs.core.network.default_schedule)
    place = {}
    for k, slot in enumerate(schedule):
        place |= {f"before_{slot}": 3 * k, slot: 3 * k + 1, f"after_{slot}": 3 * k + 2}
    updater = getattr(group, "state_updater", None) or group
    mine, advance = (
        (place.get(each.when, place["start"]), each.order, each.name) for each in (monitor, updater)
    )
    return mine > advance
