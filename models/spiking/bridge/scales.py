"""Our units of Brian2's dimensions: mV, ms, pA, nS, pF, which fit together without factors.

In units that fit together an equation that is true in SI units is true as it is written.
"""

from __future__ import annotations

from typing import Any

_NAMES = {
    "volt": "mV",
    "amp": "pA",
    "siemens": "nS",
    "farad": "pF",
    "second": "ms",
    "hertz": "1/ms",
}


def scale_of(dim: Any) -> float:
    """Our unit of a dimension in SI units."""
    time, current, mass = (float(dim.get_dimension(x)) for x in ("time", "current", "mass"))
    power = -3 * time - 12 * current - 24 * mass
    return float(f"1e{int(power)}") if power.is_integer() else 10.0**power


def unit_of(b2: Any, dim: Any) -> str:
    """Its name."""
    if dim.is_dimensionless:
        return "1"
    for name, unit in _NAMES.items():
        if dim == getattr(b2, name).dim:
            return unit
    return f"{dim} of mV, ms, pA".replace("(", "").replace(")", "").replace(":", "")
