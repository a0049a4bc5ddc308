"""The answer of an estimate, as it prints and as a Dataset."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from neurodyn.estimates.bench import SEED
from neurodyn.estimates.cards import Card
from neurodyn.estimates.counting import UNKNOWN
from neurodyn.estimates.machine import (
    device_memory,
    device_name,
    label_overhead,
    this_machine,
)
from neurodyn.estimates.work import Work

LIMITS = ("compute", "bandwidth", "overhead")
_UNFIT = "memory: does not fit"


@dataclass(frozen=True)
class Part:
    """A step of training, or a run.

    Attributes
    ----------
    name, words
        ``"training"`` or ``"run"``; and what exactly.
    work
        Everything that compiled programs do in it.
    memory
        Bytes that it needs at once on the device.
    calls
        Calls of compiled programs; 0 where many steps share one.
    at_once
        Members that run at the same time, a core for each.
    held, labels
        Bytes of results that the host holds, and how many Datasets are labelled.
    """

    name: str
    words: str
    work: Work
    memory: float
    calls: float = 0.0
    at_once: int = 1
    held: float = 0.0
    labels: int = 0


class Hardware:
    """A card and the precision of its products; or this machine, measured when it is asked.

    Attributes
    ----------
    name, memory
        Its name, and the bytes of its memory (None: not known).
    """

    def __init__(self, card: Card | None = None, precision: str | None = None):
        self._card = card
        if card is None:
            self.name, self.memory = device_name(), device_memory()
            return
        self.name, self.memory = card.name, card.memory
        self._precision = card.default_precision() if precision is None else precision
        if self._precision not in card.peak:
            raise ValueError(
                f"precision={precision!r}: the data sheet of {card.name} gives "
                f"{', '.join(card.peak)}."
            )

    @property
    def here(self) -> bool:
        """Whether it is this machine."""
        return self._card is None

    def seconds(self, part: Part) -> dict[str, float]:
        """Seconds of a part, by what limits its launches."""
        spent, card = dict.fromkeys(LIMITS, 0.0), self._card
        for launch, times in part.work.counts.items():
            if card is None:
                each, limit = this_machine().time(launch)
                each /= part.at_once
            else:
                each, limit = card.time(launch, self._precision)
            spent[limit] += times * each
        if card is None:
            # Results are copied to the host, checked, turned trial first and joined.
            spent["bandwidth"] += 6 * part.held / this_machine().bandwidth(np.inf)
            spent["overhead"] += part.calls * this_machine().call
            spent["overhead"] += part.labels * label_overhead()
        return spent


class Estimate:
    """What training and a run would cost, on this machine and by the roofline of cards.

    Attributes
    ----------
    about
        The model and the task.
    parts, hardware
        Names: ``"training"`` (one step) and ``"run"``; this machine and the cards.
    """

    def __init__(
        self, about: str, parts: tuple[Part, ...], hardware: tuple[Hardware, ...], steps: int | None
    ):
        self.about, self.steps = about, steps
        self._parts = {part.name: part for part in parts}
        self._hardware = {each.name: each for each in hardware}
        self._known: dict[tuple[str, str], dict[str, float]] = {}

    def _spent(self, part: str, hardware: str) -> dict[str, float]:
        """Seconds by what limits them."""
        if (part, hardware) not in self._known:
            found = self._hardware[hardware].seconds(self._parts[part])
            self._known[part, hardware] = found
        return self._known[part, hardware]

    @property
    def parts(self) -> list[str]:
        """Names of the parts."""
        return list(self._parts)

    @property
    def hardware(self) -> list[str]:
        """Names of the machines, this one first."""
        return list(self._hardware)

    def _of(self, part: str | None, hardware: str | None) -> tuple[str, str]:
        part = self.parts[0] if part is None else part
        hardware = self.hardware[0] if hardware is None else hardware
        for name, given, known in (
            ("part", part, self.parts),
            ("hardware", hardware, self.hardware),
        ):
            if given not in known:
                raise ValueError(f"`{name}` is one of {', '.join(known)}, got {given!r}.")
        return part, hardware

    def flops(self, part: str | None = None) -> float:
        """Operations of a part (default: the first), functions such as tanh left out."""
        return self._parts[self._of(part, None)[0]].work.flops

    def memory(self, part: str | None = None) -> float:
        """Bytes that a part needs at once on this machine, results included."""
        return self._memory(self._of(part, None)[0], self.hardware[0])

    def _memory(self, part: str, hardware: str) -> float:
        """Bytes on a card, or on this machine, which holds the results of a run, too."""
        this, here = self._parts[part], self._hardware[hardware].here
        return float(this.memory + (this.held if here else 0.0))

    def seconds(self, part: str | None = None, hardware: str | None = None) -> float:
        """Expected seconds of a part (default: the first) on a machine (default: this one)."""
        return sum(self._spent(*self._of(part, hardware)).values())

    def limit(self, part: str | None = None, hardware: str | None = None) -> str:
        """What most of the time goes into: "compute", "bandwidth", "overhead"; or memory."""
        part, hardware = self._of(part, hardware)
        room = self._hardware[hardware].memory
        if room is not None and self._memory(part, hardware) > room:
            return _UNFIT
        spent = self._spent(part, hardware)
        return max(spent, key=lambda limit: spent[limit])

    def table(self) -> xr.Dataset:
        """All numbers, on the dims `part`, `hardware` and `limit`."""
        names, machines, parts = self.parts, self.hardware, self._parts.values()

        def on_parts(get, units, words):
            return ("part", [float(get(p)) for p in parts], {"units": units, "long_name": words})

        spent = [[[self._spent(p, h)[x] for x in LIMITS] for h in machines] for p in names]
        limits = [[self.limit(p, h) for h in machines] for p in names]
        return xr.Dataset(
            {
                "operations": on_parts(lambda p: p.work.flops, "FLOP", "operations"),
                "products": on_parts(
                    lambda p: p.work.product_flops, "FLOP", "operations of matrix products"
                ),
                "functions": on_parts(
                    lambda p: p.work.transcendentals, "1", "evaluations of tanh, exp and the like"
                ),
                "bytes": on_parts(lambda p: p.work.nbytes, "byte", "bytes read and written"),
                "memory": on_parts(lambda p: p.memory + p.held, "byte", "memory needed at once"),
                "launches": on_parts(lambda p: p.work.launches, "1", "launches of compiled code"),
                "seconds": (
                    ("part", "hardware", "limit"),
                    spent,
                    {"units": "s", "long_name": "expected time by what limits it"},
                ),
                "limited_by": (
                    ("part", "hardware"),
                    limits,
                    {"units": "1", "long_name": "what most of the time goes into"},
                ),
            },
            {"part": names, "hardware": machines, "limit": list(LIMITS)},
            {"about": self.about, "measured": this_machine().measured, "seed": SEED},
        )

    def __repr__(self) -> str:
        rows = [("", [part.words for part in self._parts.values()])]
        for name, get in _ROWS:
            rows.append((name, [get(part) for part in self._parts.values()]))
        for machine in self.hardware:
            roof = "" if machine == self.hardware[0] else ", roofline"
            cells = [
                f"{_time(self.seconds(p, machine))} ({self.limit(p, machine)})" for p in self.parts
            ]
            rows.append((machine + roof, cells))
            if self.steps is not None:
                whole = _time(self.steps * self.seconds("training", machine))
                cells = [whole if p == "training" else "" for p in self.parts]
                rows.append((f"  {self.steps} steps", cells))
        first = max(len(name) for name, _ in rows)
        widths = [max(len(cells[i]) for _, cells in rows) for i in range(len(self.parts))]
        lines = [f"Estimate: {self.about}"]
        for name, cells in rows:
            padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
            lines.append("  ".join([f"  {name.ljust(first)}", *padded]).rstrip())
        lines.append(f"  measured {this_machine().measured}, without compilation and evaluations")
        launches = [launch for part in self._parts.values() for launch in part.work.counts]
        if any(launch.kind == UNKNOWN for launch in launches):
            lines.append("  loops whose number of passes is not known are counted once")
        return "\n".join(lines)


def _count(x: float) -> str:
    return _scaled(x, 1000.0, ("", "k", "M", "G", "T", "P", "E"))


def _scaled(x: float, base: float, units: tuple[str, ...]) -> str:
    i = 0
    while x >= base and i < len(units) - 1:
        x, i = x / base, i + 1
    return f"{x:.3g} {units[i]}"


def _time(seconds: float) -> str:
    for limit, unit, name in (
        (1e-3, 1e-6, "us"),
        (1.0, 1e-3, "ms"),
        (120.0, 1.0, "s"),
        (7200.0, 60.0, "min"),
        (172800.0, 3600.0, "h"),
    ):
        if seconds < limit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds / 86400:.3g} days"


_ROWS = (
    ("operations", lambda p: _count(p.work.flops) + "FLOP"),
    ("  in products", lambda p: f"{100 * p.work.product_flops / max(p.work.flops, 1):.0f} %"),
    ("functions", lambda p: _count(p.work.transcendentals)),
    ("bytes moved", lambda p: _count(p.work.nbytes) + "B"),
    ("memory", lambda p: _count(p.memory + p.held) + "B"),
    ("launches", lambda p: _count(p.work.launches)),
)
