"""Load of the proxies of neo what was asked for, and no more of a signal than that."""

from typing import Any

import neo
import numpy as np

from neurodyn.io.neo.signals import FIRST, clean, rate_of
from neurodyn.io.neo.trains import ms
from neurodyn.io.selection import Selection


def load_partly(block: neo.Block, selection: Selection) -> None:
    """Replace the lazy signals of a Block by the parts that a selection may need.

    They are somewhat more than that: `neurodyn.io.select.select` takes the selection from them. Of
    signals that are not needed one sample is loaded, because errors name what is there.
    """
    for segment in block.segments:
        window = selection.window if len(block.segments) == 1 else None
        segment.analogsignals[:] = [
            _part(each, clean(each, i), window, selection)
            for i, each in enumerate(segment.analogsignals)
        ]


def _part(proxy: Any, name: str, window: tuple | None, selection: Selection) -> neo.AnalogSignal:
    asked = selection.signals
    if not isinstance(asked, bool):  # several signals of one name get something after it
        asked = any(each == name or each.startswith(f"{name}_") for each in asked)
    channels = _channels(proxy, selection)
    first, last = _samples(proxy, window)
    if not asked or (channels is not None and not channels.size) or first >= last:
        channels, first, last = None, 0, min(1, proxy.shape[0])
    rate = proxy.sampling_rate
    edges = [proxy.t_start + k / rate for k in (first, last)]
    signal = proxy.load(time_slice=tuple(edges), strict_slicing=False, channel_indexes=channels)
    signal.name, signal.t_start = proxy.name, proxy.t_start
    signal.annotations[FIRST] = first
    return signal


def _samples(proxy: Any, window: tuple[float, float] | None) -> tuple[int, int]:
    """The samples within a window, and one on either side."""
    if window is None:
        return 0, proxy.shape[0]
    start, per_ms = float(ms(proxy.t_start)), rate_of(proxy) / 1000
    first, last = (np.clip((edge - start) * per_ms, -2, proxy.shape[0]) for edge in window)
    return max(int(np.floor(first)) - 1, 0), min(int(np.ceil(last)) + 1, proxy.shape[0])


def _channels(proxy: Any, selection: Selection) -> np.ndarray | None:
    """Places of the channels that were asked for; None: all of them."""
    names = np.asarray(proxy.array_annotations.get("channel_names", ()))
    if selection.channels is None or len(set(names.tolist())) < proxy.shape[1]:
        return None
    ids = np.asarray(proxy.array_annotations.get("channel_ids", names))
    wanted = set(selection.channels)
    return np.flatnonzero(
        [bool({n, i} & wanted) for n, i in zip(names.tolist(), ids.tolist(), strict=True)]
    )
