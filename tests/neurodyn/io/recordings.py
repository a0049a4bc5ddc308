"""Small recordings drawn at random: all that a reader of files can return."""

import numpy as np
import xarray as xr
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from neurodyn import labels, spikes
from neurodyn.io.parts import combine, table
from neurodyn.labels.names import free_name

#: Names that formats or libraries keep for themselves, and others that are not plain.
AWKWARD = [
    *(
        "id",
        "name",
        "data",
        "spike_times",
        "tags",
        "timeseries",
        "colnames",
        "description",
        "group",
    ),
    *("x", "x_ms", "x_index", "x_", "electrodes", "waveform_mean", "größe", "脳 🧠", "a b", "a.b"),
    *("start", "index", "label", "labels", "times", "t_start", "units", "annotations", "_private"),
    *("1st", "go_time", "n_x", "location", "nix_name", "neurodyn", "a:b", "résumé", "reward (µl)"),
]
NAMES = st.sampled_from(AWKWARD)
WORDS = st.one_of(
    st.sampled_from(["", "hit", "1", "nan", "None", "b'x'", " padded ", "ünter", "脳🧠", "a\nb"]),
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=5),
)
NUMBERS = ["f8", "f4", "i1", "i8", "u2", "u8", "?", "M8[ns]"]


def column(n):
    """Values of one column: numbers of any type, words, truth values, dates."""
    words = st.lists(WORDS, min_size=n, max_size=n).map(lambda x: np.array(x, dtype=str))
    return st.sampled_from(NUMBERS).flatmap(lambda d: hnp.arrays(d, n)) | words


@st.composite
def columns(draw, dim, n, prefix=""):
    """Up to five columns, of which some hold times."""
    found = {}
    for name in draw(st.lists(NAMES, max_size=4, unique=True)):
        found[free_name(prefix + name, found)] = (dim, draw(column(n)), "1", draw(WORDS) or "text")
    times = hnp.arrays("f8", n, elements=st.floats(-1e7, 1e7) | st.just(np.nan))
    return found | {f"{prefix}cue": (dim, draw(times), "ms", "go cue")}


@st.composite
def tables(draw, name, dim="trial", **fixed):
    """A table with columns of all kinds, one of them ragged."""
    n = draw(st.integers(1, 4))
    coords = {dim: np.arange(n)} | draw(columns(dim, n))
    for key in fixed:
        coords[key] = (dim, np.sort(draw(hnp.arrays("f8", n, elements=st.floats(0, 1e9)))), "ms")
    ragged = np.where(np.arange(3) < draw(hnp.arrays("i8", (n, 1), elements=st.integers(0, 3))),
                      draw(hnp.arrays("f4", (n, 3))), np.float32(np.nan))  # fmt: skip
    words = np.array(draw(st.lists(WORDS, min_size=2 * n, max_size=2 * n)), dtype=str)
    several = {
        "blocks": ((dim, "blocks_index"), ragged, "1", "blocks"),
        "tags_of": ((dim, "tags_of_index"), words.reshape(n, 2), "1", "tags"),
    }
    return table(coords, {"table": name}, draw(st.sampled_from([{}, several])))


@st.composite
def units(draw):
    """Spikes of a few units, some silent, some observed with gaps."""
    n = draw(st.integers(1, 3))
    names = draw(
        st.sampled_from([np.arange(n), np.array([7, 3, 5])[:n], np.array(list("bac"))[:n]])
    )
    seen = [[0.0, draw(st.floats(400, 500))]], [[0.0, 200.1], [draw(st.floats(250, 300)), 500.0]]
    observed = draw(
        st.sampled_from([None, np.array(seen[0]), [np.array(seen[u % 2]) for u in range(n)]])
    )
    times = [
        draw(hnp.arrays("f8", st.integers(0, 4), elements=st.floats(0, 200))) for _ in range(n)
    ]
    coords = {"unit": names} | draw(columns("unit", n, "u_"))
    about = {"observed": observed} if observed is not None else {"window": (0.0, 500.0)}
    return spikes.from_times([np.sort(t) for t in times], coords=coords, **about)


@st.composite
def signals(draw, name):
    """A signal with channels or without, on an even or uneven clock, perhaps in sweeps."""
    n, dims, sizes = draw(st.integers(5, 9)), ("time",), ()
    if draw(st.booleans()):
        dims, sizes = ("time", "channel"), (draw(st.integers(1, 4)),)
    steps = draw(hnp.arrays("f8", n, elements=st.floats(0.01, 5.0)))
    start, rate = draw(st.floats(-1e3, 1.6e12)), draw(st.sampled_from([1250.0, 30e3, 7.0, 1017.25]))
    time = start + (np.arange(n) * 1e3 / rate if draw(st.booleans()) else np.cumsum(steps))
    time = time if (np.diff(time) > 0).all() else np.cumsum(steps)
    coords = {"time": time}
    if sizes:
        coords |= {"channel": np.arange(sizes[0]) + 100} | draw(columns("channel", sizes[0]))
        if draw(st.booleans()):
            coords |= {k: ("channel", np.arange(sizes[0]) * 20.0, "um", k) for k in "xyz"}
            coords["area"] = ("channel", np.array(["CA1", "", "V1", "V1"])[: sizes[0]])
    if draw(st.booleans()):
        dims, shape = ("sweep", *dims), (2, n, *sizes)
        coords |= {"sweep": [0, 2], "start_time": ("sweep", [0.0, 1e4 + 0.1], "ms")}
        coords |= draw(columns("sweep", 2, "s_"))
    else:
        shape = (n, *sizes)
    dtype = draw(st.sampled_from(["f4", "f8", "i2", "u1", "?"]))
    values = draw(hnp.arrays(dtype, shape))
    variable, unit = draw(
        st.sampled_from([("v", "mV"), ("i", "pA"), ("signal", "deg/s"), ("pupil", "1")])
    )
    return labels.dataset(
        {variable: (dims, values, unit, draw(WORDS) or name)}, coords, source="recording",
        attrs={"series": name, "empty": "", "none": [], "one": ["x"], "number": np.float32(2.5)},
        values=False,
    )  # fmt: skip


@st.composite
def recordings(draw):
    """A whole recording, as `io.read` returns it: one Dataset, or a DataTree."""
    parts = {}
    if draw(st.booleans()):
        parts["spikes"] = draw(units())
    kinds = {
        "intervals": lambda n: tables(n, start_time=0, stop_time=0),
        "events": lambda n: tables(n, event_time=0),
        "signals": signals,
        "tables": lambda n: tables(n, dim="row"),
    }
    for kind, make in kinds.items():
        for name in draw(st.lists(NAMES.map(lambda x: x.strip()), max_size=2, unique=True)):
            parts[f"{kind}/{name}"] = draw(make(name))
    if not parts:
        parts["signals/lfp"] = draw(signals("lfp"))
    about = {
        "session_start_time": "2020-05-06T07:08:09.123456+02:00", "not_read": ["a: why", "b/c: 脳"],
        "identifier": draw(WORDS) or "x", "keywords": ["one"], "weight": 2.5, "count": 3,
    }  # fmt: skip
    return combine(parts, about)


def same(a, b):
    """Assert that two objects are equal to the bit: types, order, dtypes, attributes, values."""
    assert type(a) is type(b)
    if isinstance(a, xr.DataTree):
        assert (a.name, [x.path for x in a.subtree]) == (b.name, [x.path for x in b.subtree])
        for node in a.subtree:
            same(node.to_dataset(inherit=False), b[node.path].to_dataset(inherit=False))
        return
    assert list(a.data_vars) == list(b.data_vars)
    assert list(a.coords) == list(b.coords)
    assert dict(a.sizes) == dict(b.sizes)
    assert repr(plain(a.attrs)) == repr(plain(b.attrs))
    xr.testing.assert_identical(a, b)
    for name, variable in a.variables.items():
        other = b.variables[name]
        assert (name, variable.dims, variable.dtype) == (name, other.dims, other.dtype)
        assert repr(plain(variable.attrs)) == repr(plain(other.attrs))
        np.testing.assert_array_equal(variable.values, other.values)
        if variable.dtype.kind == "f":
            there = ~np.isnan(variable.values)
            signs = (np.signbit(v.values)[there] for v in (variable, other))
            np.testing.assert_array_equal(*signs)


def plain(attrs):
    """Attributes with numbers and lists of Python, in their order."""
    return {
        k: v.tolist() if hasattr(v, "tolist") else [*v] if isinstance(v, (list, tuple)) else v
        for k, v in attrs.items()
    }
