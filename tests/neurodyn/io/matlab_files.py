"""The session of a lab in files of MATLAB 5 and 7.3, written by hand as MATLAB writes them."""

import h5py
import numpy as np
import scipy.io
import scipy.sparse


def write_v73(path, header=True):
    """A file as MATLAB 7.3 writes it: axes reversed, classes in attributes, cells by reference."""
    with h5py.File(path, "w", userblock_size=512, libver="earliest") as file:
        refs = file.create_group("#refs#")

        def put(group, name, value, kind, **attrs):
            at = group.create_dataset(name, data=value)
            at.attrs["MATLAB_class"] = np.bytes_(kind)
            at.attrs.update(attrs)
            return at

        def text(group, name, words):
            units = np.frombuffer(words.encode("utf-16-le"), np.uint16).reshape(-1, 1)
            return put(group, name, units, "char", MATLAB_int_decode=np.int32(2))

        def cell(group, name, items):
            at = group.create_dataset(name, (len(items), 1), h5py.ref_dtype)
            for k, each in enumerate(items):
                at[k, 0] = each.ref
            return at

        trains = [
            put(refs, "a", np.array([[0.011], [0.5]]), "double"),
            put(refs, "b", np.array([0, 0], np.uint64), "double", MATLAB_empty=np.uint8(1)),
            put(refs, "c", np.array([[0.25]]), "double"),
        ]
        data = file.create_group("session")
        data.attrs["MATLAB_class"] = np.bytes_("struct")
        names = ["units", "lfp", "note", "go", "bad", "map", "sub"]
        fields = np.empty(len(names), object)
        fields[:] = [np.array([c.encode() for c in name], "S1") for name in names]
        data.attrs.create("MATLAB_fields", fields, dtype=h5py.vlen_dtype(np.dtype("S1")))
        units = data.create_group("units")  # a struct array: fields hold references
        units.attrs["MATLAB_class"] = np.bytes_("struct")
        cell(units, "spikes", trains)
        cell(units, "area", [text(refs, f"t{k}", w) for k, w in enumerate(["V1", "ünter", "脳🧠"])])
        put(data, "lfp", np.arange(8, dtype=np.int16).reshape(4, 2), "int16")
        text(data, "note", "a note")
        put(data, "go", np.array([[1.5, 2.5]]), "double")
        put(data, "bad", np.array([[1, 0]], np.uint8), "logical", MATLAB_int_decode=np.int32(1))
        put(data, "map", np.zeros((1, 6), np.uint32), "table", MATLAB_object_decode=np.int32(3))
        sub = data.create_group("sub")
        sub.attrs.update(MATLAB_class=np.bytes_("double"), MATLAB_sparse=np.uint64(3))
        sub["data"], sub["ir"] = np.array([5.0]), np.array([2], np.uint64)
        sub["jc"] = np.array([0, 0, 1], np.uint64)
    if header:
        with open(path, "r+b") as file:
            file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")


def write_v5(path):
    units = np.empty((1, 3), [("spikes", object), ("area", object)])
    units["spikes"][0] = [np.array([[0.011, 0.5]]), np.zeros((0, 0)), np.array([[0.25]])]
    units["area"][0] = ["V1", "ünter", "脳🧠"]
    scipy.io.savemat(path, {"session": {
        "units": units, "lfp": np.arange(8, dtype=np.int16).reshape(4, 2).T, "note": "a note",
        "go": np.array([[1.5], [2.5]]), "bad": np.array([[True], [False]]),
        "sub": scipy.sparse.csc_matrix(([5.0], ([2], [1])), shape=(3, 2)),
    }}, do_compression=True)  # fmt: skip


MAPPING = {
    "time_unit": "s",
    "observed": [0, 10],
    "spikes": {"times": "session.units.spikes"},
    "units": {"columns": {"area": "session.units.area"}},
    "trials": {"times": {"go_time": "session.go"}, "columns": ["session.bad"]},
    "signals": {"lfp": {
        "values": "session.lfp", "unit": "uV", "rate": 2.0, "dims": ["channel", "time"],
    }},
}  # fmt: skip
