"""Motor cortex during centre-out reaches (Hatsopoulos et al. 2007)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from neurodyn import labels

KINEMATICS = {
    "hand_x": ("xhandposition", "horizontal hand position, scaled to its largest value"),
    "hand_y": ("yhandposition", "vertical hand position, scaled to its largest value"),
    "hand_vx": ("xhandspeed", "horizontal hand velocity, scaled to its largest value"),
    "hand_vy": ("yhandspeed", "vertical hand velocity, scaled to its largest value"),
    "shoulder_angle": ("shoulderangle", "shoulder angle, scaled to its largest value"),
    "elbow_angle": ("elbowangle", "elbow angle, scaled to its largest value"),
}


def read(paths: Sequence[Path]) -> xr.Dataset:
    """Read trial averages over the eight targets.

    Parameters
    ----------
    paths
        The .npz file.

    Returns
    -------
    `rate` (condition, time, unit) [Hz], smoothed with a Gaussian of 25 ms, and the kinematics
    `hand_x`, `hand_y`, `hand_vx`, `hand_vy`, `shoulder_angle`, `elbow_angle` (condition, time),
    each scaled to -1 to 1 and zero at rest. Time 0 is movement onset; `direction` is that of the
    target [deg].
    """
    with np.load(paths[0], allow_pickle=False) as arrays:
        rate = arrays["firing_rate"].transpose(2, 1, 0)
        kinematics = {
            name: (("condition", "time"), arrays[original], "1", long_name)
            for name, (original, long_name) in KINEMATICS.items()
        }
        time = arrays["time_ms"].astype(np.float64)
    return labels.dataset(
        {"rate": (("condition", "time", "unit"), rate, "Hz", "firing rate", "rate"), **kinematics},
        {
            "time": time,
            "direction": ("condition", np.arange(8) * 45.0, "deg", "direction of the target"),
        },
        source="recording",
        kind="rate",
        attrs={"align_event": "movement_onset", "bin_width": 10.0, "sigma": 25.0},
    )
