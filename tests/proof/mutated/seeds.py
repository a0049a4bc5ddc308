"""Small whole files, one or more for each reader, and how each is damaged and read."""

import json
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from neurodyn import io, labels, models, params, spikes
from neurodyn.io.files import load, save
from tests.neurodyn.io.matlab_files import MAPPING as V73
from tests.neurodyn.io.matlab_files import write_v73
from tests.proof.mutated import abf, damage, foreign


class Seed(NamedTuple):
    """A whole file.

    Attributes
    ----------
    make
        Writes it to a path.
    suffix
        Extension of its name.
    damage
        Writes a damaged copy: ``damage(seed, path, rng)``.
    read
        Reads it.
    errors
        Errors that it documents besides those of all readers.
    certain
        Whether the format can tell every damage, by a checksum.
    """

    make: Callable[[Path], Any]
    suffix: str
    damage: Callable = damage.file
    read: Callable[[Path], Any] = io.read
    errors: tuple[type[Exception], ...] = ()
    certain: bool = False


def recording() -> xr.Dataset:
    """Spikes of three units with a table of trials."""
    rng = np.random.default_rng(4)
    return spikes.from_times(
        [np.sort(rng.uniform(0, 1e4, n)) for n in (40, 0, 25)],
        window=(0, 1e4),
        coords={
            "unit": [3, 5, 8],
            "area": ("unit", ["PFC", "", "FEF"]),
            "start_time": ("trial", rng.uniform(500, 2500, 4) + np.arange(4) * 2e3),
            "stop_time": ("trial", 2900.0 + np.arange(4) * 2e3),
            "side": ("trial", ["l", "r", "r", "ünter"]),
            "correct": ("trial", np.array([True, False, True, True])),
        },
    )


def _tree() -> xr.DataTree:
    lfp = np.random.default_rng(1).normal(size=(50, 3))
    signal = labels.dataset(
        {"v": (("time", "channel"), lfp, "mV", "potential")},
        coords={"time": np.arange(50.0), "channel": [0, 1, 2]},
        source="recording",
    )
    return xr.DataTree.from_dict({"/spikes": recording(), "/signals/lfp": signal})


def _nwb(path: Path) -> None:
    """What labs store: electrodes, signals, units with ragged columns, trials."""
    import datetime

    from pynwb import NWBHDF5IO, NWBFile, TimeSeries
    from pynwb.behavior import Position, SpatialSeries
    from pynwb.ecephys import LFP, ElectricalSeries

    rng = np.random.default_rng(2)
    start = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
    file = NWBFile("a session", "mutants", start)
    device = file.create_device("probe")
    group = file.create_electrode_group("shank", "a shank", "PFC", device)
    for k in range(3):
        file.add_electrode(location="PFC", group=group, x=1.0 * k)
    region = file.create_electrode_table_region([0, 2], "two of them")
    counts = rng.integers(-99, 99, (60, 2)).astype("i2")
    lfp = ElectricalSeries(name="lfp", data=counts, electrodes=region, rate=1000.0, conversion=1e-6)
    file.create_processing_module("ecephys", "filtered").add(LFP(electrical_series=lfp))
    stamps = np.sort(rng.uniform(0, 5, 30))
    speed = TimeSeries(name="speed", data=rng.normal(size=30), unit="m/s", timestamps=stamps)
    file.add_acquisition(speed)
    xy = rng.normal(size=(20, 2))
    place = SpatialSeries(name="place", data=xy, reference_frame="box", rate=10.0)
    file.create_processing_module("behavior", "of the animal").add(Position(place))
    file.add_trial_column("choice", "left or right")
    for k in range(4):
        file.add_trial(start_time=1.0 * k, stop_time=k + 0.8, choice="lr"[k % 2])
    file.add_unit_column("quality", "of the sorting")
    for k in range(3):
        times = np.sort(rng.uniform(0, 4, 12))
        whole = np.array([[0.0, 5.0]])
        file.add_unit(spike_times=times, obs_intervals=whole, electrodes=[k], quality="good")
    with NWBHDF5IO(path, "w") as out:
        out.write(file, cache_spec=False)


def _nix(path: Path) -> None:
    """Two segments with spikes, a signal and epochs."""
    import neo
    import quantities as pq

    rng, block = np.random.default_rng(3), neo.Block(name="a session")
    for _ in range(2):
        segment = neo.Segment()
        train = neo.SpikeTrain(np.sort(rng.uniform(0, 5, 9)) * pq.s, t_stop=5 * pq.s, name="u1")
        segment.spiketrains.append(train)
        signal = rng.normal(size=(40, 2)) * pq.mV
        segment.analogsignals.append(neo.AnalogSignal(signal, sampling_rate=1 * pq.kHz, name="lfp"))
        segment.epochs.append(
            neo.Epoch([1, 2] * pq.s, [0.5, 0.5] * pq.s, labels=["a", "b"], name="trials")
        )
        block.segments.append(segment)
    with neo.NixIO(str(path), "ow") as out:
        out.write_block(block)


N = 3
_ARRAYS = {
    "rnn.weight_ih_l0": (N, 2), "rnn.weight_hh_l0": (N, N), "rnn.bias_ih_l0": (N,),
    "rnn.bias_hh_l0": (N,), "fc.weight": (2, N), "fc.bias": (2,),
}  # fmt: skip


def _weights() -> dict[str, np.ndarray]:
    return {
        name: np.sin(k + np.arange(np.prod(shape))).reshape(shape).astype(np.float32)
        for k, (name, shape) in enumerate(_ARRAYS.items())
    }


def _model(key: int = 0) -> Any:
    return models.LeakyRNN(
        2, N, 2, tau=1.0, activation="tanh", W=params.Free(), initial="zeros", key=key
    )


def _safetensors(path: Path) -> None:
    header, body = {}, b""
    for name, x in _weights().items():
        place = [len(body), len(body) + x.nbytes]
        header[name] = {"dtype": "F32", "shape": list(x.shape), "data_offsets": place}
        body += x.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def _hdf5(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        for name, x in _weights().items():
            file[name.replace(".", "/")] = x


def _numpy(path: Path) -> None:
    with open(path, "wb") as file:
        np.savez(file, **_weights())


def _torch(path: Path) -> None:
    import torch

    torch.save({name: torch.from_numpy(x) for name, x in _weights().items()}, path)


def _matlab(path: Path, *, compressed: bool = True) -> None:
    """A session of a lab: structs, cells, text, numbers of several types, a sparse matrix."""
    import scipy.io
    import scipy.sparse

    rng = np.random.default_rng(6)
    units = np.empty((1, 3), [("spikes", object), ("area", object)])
    units["spikes"][0] = [np.sort(rng.uniform(0, 9, (n, 1)), 0) for n in (30, 0, 12)]
    units["area"][0] = ["PFC", "FEF", "ünter"]
    scipy.io.savemat(path, {"session": {
        "units": units, "lfp": rng.integers(-99, 99, (50, 2)).astype(np.int16),
        "go": np.arange(4.0)[:, None], "ok": np.array([[True], [False], [True], [True]]),
        "map": scipy.sparse.csc_matrix(np.eye(4)), "z": np.array([[1 + 2j]]),
    }}, do_compression=compressed)  # fmt: skip


#: What the fields of these files, and the columns of a table, are.
_FIELDS = {
    "time_unit": "s", "observed": [0, 10], "spikes": {"times": "session.units.spikes"},
    "units": {"columns": ["session.units.area"]},
    "trials": {"times": ["session.go"], "columns": ["session.ok"]},
    "signals": {"lfp": {"values": "session.lfp", "unit": "uV", "rate": 10.0}},
}  # fmt: skip
_COLUMNS = {
    "time_unit": "s", "observed": [0, 10], "spikes": {"time": "t", "unit": "cell"},
    "units": {"label": "cell", "columns": ["area"]},
}  # fmt: skip


def _csv(path: Path) -> None:
    times = np.random.default_rng(7).uniform(0, 9, 40)
    rows = [
        f"{t!r},{'abc'[k % 3]},{'PFC' if k % 3 else 'FEF'}" for k, t in enumerate(times.tolist())
    ]
    path.write_text("t,cell,area\n" + "\n".join(rows) + "\n")


_TEMPLATE: list = []


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """Numbers of a network with the weights of a file."""
    import jax

    if not _TEMPLATE:
        _TEMPLATE.append(_model())
    model = io.from_weights(path, _TEMPLATE[0], layout="torch")
    leaves = jax.tree_util.tree_leaves_with_path(model)
    return {jax.tree_util.keystr(at): np.asarray(x) for at, x in leaves}


def read_model(path: Path) -> dict[str, np.ndarray]:
    """Numbers of a model in a file."""
    import jax

    leaves = jax.tree_util.tree_leaves_with_path(load(path))
    return {jax.tree_util.keystr(at): np.asarray(x) for at, x in leaves}


def _own(make: Callable[[], Any]) -> Callable[[Path], None]:
    return lambda path: save(path, make(), overwrite=True)


_WEIGHTS = partial(Seed, read=read_weights, errors=(ValueError,))
SEEDS: dict[str, list[Seed]] = {
    "nwb": [
        Seed(_nwb, ".nwb", damage.hdf5),
        Seed(lambda path: io.to_nwb(recording(), path), ".nwb", damage.hdf5),
    ],
    "matlab5": [
        Seed(_matlab, ".mat", read=partial(io.read, mapping=_FIELDS)),
        Seed(partial(_matlab, compressed=False), ".mat", read=partial(io.read, mapping=_FIELDS)),
        Seed(lambda path: io.to_matlab(recording(), path, overwrite=True), ".mat"),
    ],
    "matlab73": [
        Seed(write_v73, ".mat", damage.hdf5, partial(io.read, mapping=V73)),
    ],
    "csv": [
        Seed(_csv, ".csv", read=partial(io.read, mapping=_COLUMNS)),
        Seed(lambda path: io.to_csv(recording(), path), "", damage.folder),
    ],
    "nix": [Seed(_nix, ".nix", damage.hdf5)],
    "abf1": [Seed(abf.version_1, ".abf")],
    "abf2": [Seed(abf.version_2, ".abf")],
    "netcdf": [Seed(_own(recording), ".nc", damage.hdf5), Seed(_own(_tree), ".nc", damage.hdf5)],
    "zarr": [Seed(_own(_tree), ".zarr", damage.folder)],
    "model": [Seed(_own(_model), ".nd", damage.archive, read_model, certain=True)],
    "npz": [_WEIGHTS(_numpy, ".npz", damage.archive)],
    "safetensors": [_WEIGHTS(_safetensors, ".safetensors", damage.safetensors)],
    "hdf5": [_WEIGHTS(_hdf5, ".h5", damage.hdf5)],
    "torch": [_WEIGHTS(_torch, ".pt", damage.archive)],
    "neo": [
        Seed(partial(foreign.write, name), suffix) for name, suffix in foreign.SUFFIXES.items()
    ],
}
