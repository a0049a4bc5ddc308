"""Read neo's Blocks of spike trains, signals, epochs and events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import neo
import xarray as xr

from neurodyn.io.neo.restore import is_ours, restored
from neurodyn.io.neo.signals import signals_of
from neurodyn.io.neo.tables import tables_of
from neurodyn.io.neo.trains import spikes_of
from neurodyn.io.parts import combine
from neurodyn.labels import LabelError
from neurodyn.labels.names import free_name

#: Attributes that have a meaning.
_ATTRS = {
    "source", "kind", "convention", "neurodyn", "dims", "simultaneous", "bin_width", "dt", "closed",
    "sigma", "obs_intervals", "align_event", "table", "series", "not_read", "title",
    "session_start_time",
}  # fmt: skip
_KINDS = ("analogsignals", "irregularlysampledsignals", "spiketrains", "epochs", "events")


def from_neo(block: Any) -> xr.Dataset | xr.DataTree:
    """Convert a neo Block or Segment.

    Parameters
    ----------
    block
        `neo.Block` or `neo.Segment`. What is lazy (proxies) is loaded.

    Returns
    -------
    One Dataset if it can hold everything, else a DataTree of `spikes`, `intervals/NAME` (epochs),
    `events/NAME` and `signals/NAME`. Voltages are in mV as variable `v`, currents in pA as `i`. The
    attribute `not_read` lists what could not be labelled. A Block made by `to_neo` comes back
    identical.

    One segment is a continuous recording. Units that were observed for shorter than others have
    `observed_start` and `observed_stop`.

    Several segments are trials of spikes and sweeps of signals: spikes (trial) and signals (sweep,
    time, channel). Units and signals are matched by name, or by an annotated id, in any order. A
    signal that some segments lack has the sweeps of the others, whose numbers label `sweep`; a unit
    that some segments lack, or that lasts shorter than others there, was not observed: see
    `neurodyn.spikes.align` for `observed` (trial, unit) and its gaps. Times count from the start of
    the segment, which `start_time` holds; if all segments start at the same time, their times stay
    unchanged. Shorter sweeps end in NaN, with `n_valid` and `valid_until` (sweep);
    sweeps of other rates or channels are signals of their own, `signals/NAME_SEGMENT`. Epochs and
    events that are the same in every segment are read once; others have a column `segment`, and
    keep the times of the file.

    Annotations of spike trains become unit coordinates, those of segments trial or sweep
    coordinates, and array annotations channel coordinates; unique names or ids label the channels.

    Raises
    ------
    LabelError
        If the Block holds nothing, if nothing tells units or signals of several segments apart, or
        if one name stands for two quantities.

    Examples
    --------
    >>> import neo, quantities as pq
    >>> segment = neo.Segment()
    >>> segment.spiketrains.append(neo.SpikeTrain([0.1, 0.2] * pq.s, t_stop=1.0))
    >>> from_neo(segment).spike_time.values
    array([100., 200.])
    """
    if not isinstance(block, (neo.Block, neo.Segment)):
        raise TypeError(f"from_neo takes a neo Block or Segment, got {type(block).__name__}.")
    return restored(block) if is_ours(block) else combine(*recording_of(block))


def recording_of(block: neo.Block | neo.Segment) -> tuple[dict[str, xr.Dataset], dict[str, Any]]:
    """The parts of a recording by their path, and what is said of all of it."""
    single = isinstance(block, neo.Segment)
    segments = [loaded(each) for each in ([block] if single else block.segments)]
    if not segments:
        raise LabelError("the neo Block has no segments, so there is nothing to read.")
    left_out = _other_parts(block, segments)
    parts: dict[str, xr.Dataset] = {}
    if any(len(segment.spiketrains) for segment in segments):
        parts["spikes"] = spikes_of(segments, left_out)
    parts |= tables_of(segments, left_out) | signals_of(segments, left_out)
    about = _about(block, segments)
    return parts, about | ({"not_read": list(dict.fromkeys(left_out))} if left_out else {})


def loaded(segment: neo.Segment) -> neo.Segment:
    """The segment with its data, if it holds proxies that read them from the file."""
    found = {kind: list(getattr(segment, kind)) for kind in _KINDS}
    if not any(hasattr(each, "load") for objects in found.values() for each in objects):
        return segment
    again = neo.Segment(segment.name, segment.description, index=segment.index)
    again.rec_datetime = segment.rec_datetime
    again.annotations = dict(segment.annotations)
    for kind, objects in found.items():
        getattr(again, kind).extend([o.load() if hasattr(o, "load") else o for o in objects])
    again.block = segment.block
    return again


def _other_parts(block: neo.Block | neo.Segment, segments: Sequence[neo.Segment]) -> list[str]:
    """What has no place in a recording, in words."""
    found = [
        f"image sequence '{each.name or i}'"
        for segment in segments
        for i, each in enumerate(segment.imagesequences)
    ]
    for group in getattr(block, "groups", []):
        # neo's own readers make one group for each stream of signals.
        if "stream_id" not in group.annotations:
            found.append(f"group '{group.name or ''}'")
        found += [f"view '{view.name or ''}' of channels" for view in group.channelviews]
    return found


def _about(block: neo.Block | neo.Segment, segments: Sequence[neo.Segment]) -> dict[str, Any]:
    """Attributes: title, start of the session, and plain annotations of the block."""
    about: dict[str, Any] = {"title": block.name} if block.name else {}
    start = block.rec_datetime or segments[0].rec_datetime or block.annotations.get("rec_datetime")
    if isinstance(start, datetime):
        about["session_start_time"] = start.isoformat()
    for name, value in block.annotations.items():
        if isinstance(value, (str, int, float)) and name not in ("nix_name", "rec_datetime"):
            name = free_name(str(name), {*about, *_ATTRS})
            about[name] = int(value) if isinstance(value, bool) else value
    return about
