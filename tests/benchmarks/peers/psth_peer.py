"""PSTHs by elephant or by pynapple: ``python psth_peer.py RECORDING.npz UNITS PEER``.

It runs in an interpreter that has the peer, without neurodyn, and prints JSON.
"""

import json
import resource
import sys
import time
import warnings

import numpy as np


def _timed(call):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    call()
    start = time.perf_counter()
    value = call()
    seconds = time.perf_counter() - start
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"seconds": seconds, "memory": grown / 1024, "mean": float(np.mean(value))}


def pynapple(times, unit, events, length, width, n):
    """Counts of the recording, and their mean around the events: its fastest way."""
    import pynapple as nap

    group = nap.TsGroup(
        {u: nap.Ts(times[unit == u] / 1e3) for u in range(n)},
        time_support=nap.IntervalSet(0, length / 1e3),
    )
    around = nap.Ts(events / 1e3)

    def call():
        counts = group.count(width / 1e3)
        return nap.compute_event_triggered_average(counts, around, width / 1e3, (0, 1.0)) / width

    return _timed(call)


def elephant(times, unit, events, length, width, n):
    """Histograms of trains that are cut into trials before, a unit after the other."""
    import neo
    import quantities as pq
    from elephant.statistics import time_histogram

    trains = []
    for u in range(n):
        own = times[unit == u]
        first, last = np.searchsorted(own, events), np.searchsorted(own, events + 1000.0)
        cut = [own[a:b] - e for a, b, e in zip(first, last, events, strict=True)]
        trains.append([neo.SpikeTrain(t, units="ms", t_stop=1000.0) for t in cut])

    def call():
        size = width * pq.ms
        return [time_histogram(t, bin_size=size, output="mean").magnitude / width for t in trains]

    return _timed(call)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    n_units = int(sys.argv[2])
    with np.load(sys.argv[1]) as file:
        given = [file[name] for name in ("times", "unit", "events", "length", "width")]
    found = {}
    for peer in (p for p in (pynapple, elephant) if p.__name__ == sys.argv[3]):
        try:
            found[peer.__name__] = peer(*given, n_units)
        except ImportError as error:
            found[peer.__name__] = {"missing": f"{error.name} is not installed"}
    print(json.dumps(found))
