"""Synaptic variables in the equations of a Brian2 group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from neurodyn.models.spiking.bridge.expressions import exact

_MS = 1e-3
Terms = Mapping[str, np.ndarray]


class Receptor(NamedTuple):
    """A synaptic variable in our units.

    Attributes
    ----------
    times
        Its time constant [ms]; or those of rise and decay.
    reversal
        Reversal potential [mV]; None for a current.
    entry
        The variable that spikes add to.
    gain
        Weight, in our units, of a jump of that variable by 1 in SI units.
    """

    times: tuple[np.ndarray, ...]
    reversal: np.ndarray | None
    entry: str
    gain: np.ndarray


def read_receptors(
    v: str,
    size: float,
    capacity: np.ndarray,
    dv: dict[str, np.ndarray],
    terms: Mapping[str, Terms],
) -> dict[str, Receptor]:
    """Synaptic variables that act on the potential, by name.

    Parameters
    ----------
    v, size
        Name of the potential, and its unit in SI units.
    capacity
        A current I changes v by ``I / capacity`` per ms.
    dv
        Terms of dv/dt in SI units; those of synaptic variables are removed from it.
    terms
        Terms of the rates of the synaptic variables.

    Raises
    ------
    ValueError
        For a variable that has no effect on the potential, or does not decay.
    """
    found, used = {}, set()
    for name in terms:
        current, conductance = dv.pop(name, None), dv.pop("*".join(sorted((name, v))), None)
        if current is None and conductance is None:
            continue
        if conductance is None:
            reversal, gain = None, current * capacity * _MS / size
        else:
            if (conductance == 0).any():
                raise ValueError(f"the conductance {name} has no effect on some units")
            toward = np.zeros_like(capacity) if current is None else current
            reversal, gain = exact(-toward / conductance / size), -conductance * capacity * _MS
        times, entry = [_time(name, terms[name])], name
        feeding = [x for x in terms[name] if x != name]
        if feeding:
            entry = feeding[0]
            if len(feeding) > 1 or set(terms.get(entry, {})) != {entry}:
                raise ValueError(f"d{name}/dt has terms in {feeding}: it is no chain of two")
            times.append(_time(entry, terms[entry]))
            gain = gain * terms[name][entry] * _MS * times[0] * times[1]
        used |= {name, entry}
        found[name] = Receptor(tuple(times), reversal, entry, exact(gain))
    unused = sorted(set(terms) - used)
    if unused:
        raise ValueError(f"{unused} do not act on {v}")
    return found


def _time(name: str, terms: Terms) -> np.ndarray:
    """Time constant of the decay [ms]."""
    if name not in terms or not (terms[name] < 0).all():
        raise ValueError(f"d{name}/dt has no decay, -{name}/tau")
    return exact(-1 / terms[name] / _MS)
