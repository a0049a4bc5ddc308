"""Models, tasks and labelled data go into files and come back as they were."""

import json
import pickle
import zipfile

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import neurodyn as nd
from neurodyn import labels, models, params, tasks
from neurodyn.common import registry
from neurodyn.io import FileFormatError
from neurodyn.io.archive import VERSION, read_archive, write_archive
from neurodyn.io.files import info, load, save
from neurodyn.training import Ensemble
from tests import systems
from tests.conformance.test_tasks import make


def same(a, b):
    """Same structure, same static parts, same dtypes and bits."""
    arrays_a, static_a = eqx.partition(a, eqx.is_array)
    arrays_b, static_b = eqx.partition(b, eqx.is_array)
    assert eqx.tree_equal(static_a, static_b)
    for x, y in zip(jax.tree.leaves(arrays_a), jax.tree.leaves(arrays_b), strict=True):
        if jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key):
            x, y = jax.random.key_data(x), jax.random.key_data(y)
        assert x.dtype == y.dtype
        assert np.asarray(x).tobytes() == np.asarray(y).tobytes()
    return jax.tree.structure(a) == jax.tree.structure(b)


SPECS = {
    "plain": {},
    "bounded": {"tau": params.Bounded(20.0, 500.0, init=100.0)},
    "shared": {"tau": params.Shared(params.Free(50.0))},
    "dale": {"W": params.Dale(0.8)},
    "masked": {"W": params.Masked(0.3)},
    "low rank": {"W": params.LowRank(2)},
    "areas": {"W": params.Blocks({"a": 4, "b": 4}, between={("a", "b"): params.Masked(0.5)})},
    "activation": {"activation": jax.nn.elu, "form": "current"},
    "noise": {"noise_std": 0.1, "initial": params.Uniform(-0.1, 0.1)},
}


@pytest.mark.parametrize("name", SPECS)
def test_models_come_back_with_their_bits(name, tmp_path):
    model = models.CTRNN(3, 8, 2, key=0, **SPECS[name])
    save(tmp_path / "model.nd", model)
    assert same(load(tmp_path / "model.nd"), model)


@pytest.mark.thorough
@pytest.mark.parametrize("entry", registry.entries("task"), ids=lambda e: e.name)
def test_tasks_come_back(entry, tmp_path):
    task = make(entry.name)
    nd.save(tmp_path / "task.nd", task)
    again = nd.load(tmp_path / "task.nd")
    assert same(again, task)
    assert same(again.batch(0, 2), task.batch(0, 2))


@pytest.mark.parametrize("name", ["GRU", "LSTM", "LeakyRNN"])
def test_other_models(name, tmp_path):
    model = getattr(models, name)(3, 8, 2, key=0)
    save(tmp_path / "model.nd", model)
    assert same(load(tmp_path / "model.nd"), model)


def test_ensembles(tmp_path):
    ensemble = Ensemble([models.CTRNN(3, 8, 2, key=i) for i in range(3)])
    save(tmp_path / "e.nd", ensemble)
    again = load(tmp_path / "e.nd")
    assert len(again) == 3
    assert same(again, ensemble)


def test_what_is_kept_beside_the_model(tmp_path):
    task = tasks.PerceptualDecision()
    save(tmp_path / "m.nd", models.CTRNN(3, 8, 3, key=0), task=task, key=7, notes="first try")
    about = info(tmp_path / "m.nd")
    assert about["class"] == "neurodyn.models.CTRNN"
    assert same(about["task"], task)
    assert (about["key"], about["notes"]) == (7, "first try")
    assert about["versions"]["jax"] == jax.__version__
    assert about["arrays"]["CTRNN.W"] == ("float32", (8, 8))
    save(tmp_path / "k.nd", models.CTRNN(1, 2, 1, key=0), key=jax.random.key(5))
    assert jnp.array_equal(
        jax.random.key_data(info(tmp_path / "k.nd")["key"]), jax.random.key_data(jax.random.key(5))
    )


@registry.register
class Everything(eqx.Module):
    """All that may be in a module."""

    a: jax.Array
    b: np.ndarray
    c: tuple
    d: dict
    e: object
    f: object = eqx.field(static=True)

    def __check_init__(self):
        if self.a.ndim == 0:
            raise ValueError("`a` needs an axis")


def everything():
    return Everything(
        a=jnp.arange(3, dtype=jnp.bfloat16),
        b=np.array([[True, False]]),
        c=(None, 1.5, float("inf"), [2, "x"], np.float32(0.1)),
        d={("k", 1): jax.random.key(1), ("a", 2): jnp.zeros((0, 2), jnp.uint8)},
        e=models.CTRNN(1, 2, 1, key=0),
        f=("s", True, jax.nn.relu, jnp.tanh),
    )


def test_all_kinds_of_content(tmp_path):
    x = everything()
    save(tmp_path / "x.nd", x)
    again = load(tmp_path / "x.nd")
    assert same(again.a, x.a)
    assert (again.b == x.b).all()
    assert again.b.dtype == bool
    assert again.c == x.c
    assert type(again.c[4]) is np.float32
    assert list(again.d) == list(x.d)
    assert same(list(again.d.values()), list(x.d.values()))
    assert again.f == x.f
    assert same(again.e, x.e)


def test_double_precision_is_not_cut(tmp_path):
    with jax.enable_x64(True):
        model = models.CTRNN(1, 2, 1, key=0)
        save(tmp_path / "m.nd", model)
        assert load(tmp_path / "m.nd").W.dtype == np.float64
    with pytest.raises(FileFormatError, match=r"float64.*enable_x64"):
        load(tmp_path / "m.nd")


def test_same_object_same_bytes(tmp_path):
    for name in ("a", "b"):
        save(tmp_path / name, models.CTRNN(1, 2, 1, key=0))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_nothing_is_overwritten_unasked(tmp_path):
    path = tmp_path / "m.nd"
    save(path, models.CTRNN(1, 2, 1, key=0))
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match="overwrite=True"):
        save(path, models.CTRNN(1, 3, 1, key=0))
    assert path.read_bytes() == before
    save(path, models.CTRNN(1, 3, 1, key=0), overwrite=True)
    assert load(path).W.shape == (3, 3)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        save(tmp_path / "nowhere" / "m.nd", models.CTRNN(1, 2, 1, key=0))
    assert [p.name for p in tmp_path.iterdir()] == ["m.nd"]


def double(x):
    return 2 * x


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: models.CTRNN(1, 2, 1, activation=double, key=0),
            r"activation is the function 'double'.*no code",
        ),
        (lambda: systems.Leaky(), r"tests\.systems\.Leaky is not one of neurodyn's.*register"),
        (lambda: 3.0, "takes models, tasks"),
        (lambda: {"a": 1}, "takes models, tasks"),
        (lambda: lambda x: x, "takes models, tasks"),
    ],
)
def test_what_cannot_be_saved(make, message, tmp_path):
    with pytest.raises((ValueError, TypeError), match=message):
        save(tmp_path / "x.nd", make())
    assert not list(tmp_path.iterdir())


# --- damaged and hostile files -------------------------------------------------------------------


@pytest.fixture
def path(tmp_path):
    save(tmp_path / "m.nd", models.CTRNN(2, 4, 1, key=0), task=tasks.NParity())
    return tmp_path / "m.nd"


def rewrite(path, change):
    """Write the file again with another header, and a checksum that fits it."""
    header, arrays = read_archive(path, kind="object")
    header = {k: v for k, v in header.items() if k not in ("format", "version", "kind")}
    arrays = dict(arrays)
    change(header, arrays)
    write_archive(path, header, arrays, kind="object", overwrite=True)


def repack(path, change):
    """Change the members of the zip as an attacker would."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    header = json.loads(members["header.json"])
    packed = change(header, members) or {}
    members["header.json"] = json.dumps(header).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data, **packed.get(name, {}))


def refused(path, message):
    with pytest.raises(FileFormatError, match=message) as error:
        load(path)
    assert path.name in str(error.value)


@pytest.mark.parametrize("keep", [0.99, 0.6, 0.1, 0.01])
def test_truncated(path, keep):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole))])
    refused(path, "damaged or truncated")


def test_any_flipped_byte_is_noticed(path):
    whole, original = path.read_bytes(), load(path)
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(whole), 60):
        changed = bytearray(whole)
        changed[place] ^= 0x55
        path.write_bytes(bytes(changed))
        try:
            again = load(path)  # bytes of the zip's own bookkeeping may not matter
        except FileFormatError:
            continue
        assert same(again, original)


FOREIGN = {
    "nothing": (b"", "is empty"),
    "text": (b"name,rate\n1,2\n", "was not written by nd.save"),
    "pickle": (pickle.dumps({"a": 1}), "pickle"),
    "old pickle": (pickle.dumps({"a": 1}, protocol=2), "pickle"),
    "an image": (b"\x89PNG\r\n\x1a\n0000", "was not written by nd.save"),
    "half a zip": (b"PK\x03\x04 and no more", "damaged or truncated"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_files(name, tmp_path):
    content, message = FOREIGN[name]
    path = tmp_path / "x.nd"
    path.write_bytes(content)
    refused(path, message)


def test_an_npz_is_no_model(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.ones(3))
    refused(tmp_path / "x.npz", r"without header\.json")


def test_a_pickle_inside_is_never_opened(path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("the pickle was opened",))

    def change(header, members):
        members["arrays/0"] = pickle.dumps(Bomb())

    repack(path, change)
    refused(path, r"should be .* but holds")


HEADERS = {
    "newer": (
        lambda h, m: h.update(version=VERSION + 1),
        f"reads versions 1 to {VERSION}: upgrade neurodyn",
    ),
    "another program": (lambda h, m: h.update(format="other"), "not written by neurodyn"),
    "no version": (lambda h, m: h.pop("version"), "format version None"),
    "checkpoint": (lambda h, m: h.update(kind="checkpoint"), "holds a checkpoint, not a object"),
    "no arrays": (lambda h, m: h.update(arrays=3), "does not list its arrays"),
    "missing array": (lambda h, m: m.pop("arrays/1"), "is missing from the file"),
    "extra member": (lambda h, m: m.update({"../../evil": b"x"}), "does not list"),
    "huge": (
        lambda h, m: h["arrays"]["CTRNN.W"].update(shape=[2**40, 2**40]),
        r"'CTRNN\.W' should be .* but holds 64",
    ),
    "negative": (lambda h, m: h["arrays"]["CTRNN.W"].update(shape=[-4, -4]), "is described as"),
    "objects": (lambda h, m: h["arrays"]["CTRNN.W"].update(dtype="object"), "is described as"),
    "other shape": (lambda h, m: h["arrays"]["CTRNN.W"].update(shape=[2, 8]), "checksum"),
    "other number": (lambda h, m: h.update(notes="forged"), "checksum"),
    "no checksum": (lambda h, m: h.pop("checksum"), "checksum"),
    "list": (lambda h, m: m.update({"x": b""}) or h.clear(), "header does not say so"),
    "compressed": (
        lambda h, m: {"arrays/0": {"compress_type": zipfile.ZIP_DEFLATED}},
        "is compressed",
    ),
}


@pytest.mark.parametrize("name", HEADERS)
def test_hostile_headers(name, path):
    change, message = HEADERS[name]

    def apply(header, members):
        result = change(header, members)
        return result if name == "compressed" else None

    repack(path, apply)
    refused(path, message)


def test_a_header_that_is_no_json(path):
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for content in (b"\xff\xfe", b"{", b"[" * 100_000, b"[1, 2]"):
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in (members | {"header.json": content}).items():
                archive.writestr(name, data)
        refused(path, r"not valid JSON|does not say so")


CONTENTS = {
    "unknown class": (("object", "class"), "neurodyn.models.Perceptron", "no such class"),
    "foreign class": (("object", "class"), "os.system", "unknown class 'os.system'"),
    "function as class": (("object", "class"), "neurodyn.save", "unknown class"),
    "module as class": (("object", "class"), "neurodyn.io.archive.os", "unknown class"),
    "imported class": (("object", "class"), "neurodyn.io.files.Path", "unknown class"),
    "exception as class": (("object", "class"), "neurodyn.io.FileFormatError", "unknown class"),
    "own class": (("object", "class"), "mymodels:Net", "registers it"),
    "fields": (("object", "fields"), {"W": 3}, "in this version"),
    "missing array": (("object", "fields", "W"), {"array": "CTRNN.none"}, "incomplete"),
    "function": (("object", "fields", "activation"), {"function": "os.system"}, "may name"),
    "builtin": (("object", "fields", "activation"), {"function": "jax.numpy.load"}, "may name"),
    "unknown kind": (("object", "fields", "W"), {"eval": "1"}, "unknown 'eval'"),
    "nonsense": (("object",), [1, 2], "holds"),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_hostile_contents(name, path):
    where, what, message = CONTENTS[name]

    def change(header, arrays):
        for key in where[:-1]:
            header = header[key]
        header[where[-1]] = what

    rewrite(path, change)
    refused(path, message)


def test_classes_check_what_they_are_given(tmp_path):
    save(tmp_path / "x.nd", everything())

    def change(header, arrays):
        arrays["Everything.a"] = np.ones((), np.float32)

    rewrite(tmp_path / "x.nd", change)
    refused(tmp_path / "x.nd", "needs an axis")


def test_deep_nesting_is_refused(path):
    def change(header, arrays):
        for _ in range(200):
            header["object"] = {"list": [header["object"]]}

    rewrite(path, change)
    with pytest.raises(FileFormatError, match="nested too deeply"):
        load(path)


def test_there_is_no_such_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no file"):
        load(tmp_path / "none.nd")


# --- labelled data -------------------------------------------------------------------------------


def a_dataset():
    rng = np.random.default_rng(0)
    rates = rng.normal(size=(2, 3, 4)).astype("f4")
    return labels.dataset(
        {
            "rate": (("trial", "time", "unit"), rates, "Hz", "r", "rate"),
            "count": (("trial", "unit"), rng.integers(0, 9, (2, 4)), "1", "spikes"),
            "seen": (("trial",), np.array([True, False]), "1", "seen"),
        },
        {
            "time": labels.time_axis(3, 20.0, -20.0),
            "unit": ["a1", "b", "long name", "µ"],
            "context": ("trial", ["motion", "colour"]),
            "coherence": ("trial", np.array([np.nan, 0.5])),
        },
        source="model",
        attrs={"bin_width": 20.0, "taus": [1.5], "none": [], "names": ["a"], "n": 3, "x": [1, 2]},
    )


def a_tree():
    ds = a_dataset()
    return xr.DataTree.from_dict(
        {
            "/": xr.Dataset(attrs={"study": "s"}),
            "/model": ds,
            "/model/deep": ds[["count"]],
            "/recording": ds,
        },
        name="study",
    )


def native(x):
    """Whether all attrs are plain Python values."""
    return all(isinstance(v, (str, int, float, list)) for v in x.attrs.values())


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
@pytest.mark.parametrize(
    "make",
    [
        a_dataset,
        a_tree,
        lambda: a_dataset()["rate"],
        lambda: a_dataset()["rate"].rename(None),
        lambda: xr.DataTree(a_dataset()),
        lambda: a_dataset()["time"],
        lambda: a_dataset().isel(trial=[]),
    ],
    ids=["dataset", "tree", "array", "nameless", "single node", "coordinate", "empty"],
)
def test_labelled_data_come_back_identical(make, suffix, tmp_path):
    obj = make()
    before = obj.copy(deep=True)
    path = tmp_path / f"data{suffix}"
    nd.save(path, obj)
    assert obj.identical(before)  # left as it was
    again = nd.load(path)
    assert type(again) is type(obj)
    assert again.identical(obj)
    assert again.name == obj.name if not isinstance(obj, xr.Dataset) else True
    for node in again.subtree if isinstance(again, xr.DataTree) else [again]:
        assert native(node)
        for name, variable in node.coords.items():
            assert variable.dtype.kind == node.coords[name].dtype.kind != "O"


def test_dtypes_survive(tmp_path):
    ds = a_dataset()
    nd.save(tmp_path / "x.nc", ds)
    again = nd.load(tmp_path / "x.nc")
    for name in ("rate", "count", "seen", "time", "coherence"):
        assert again[name].dtype == ds[name].dtype
    labels.check(again)


def test_existing_results_are_refused(tmp_path):
    for suffix in (".nc", ".zarr"):
        path = tmp_path / f"x{suffix}"
        nd.save(path, a_dataset())
        with pytest.raises(FileExistsError, match="overwrite=True"):
            nd.save(path, a_dataset()["rate"])
        assert isinstance(nd.load(path), xr.Dataset)
        nd.save(path, a_dataset()["rate"], overwrite=True)
        assert isinstance(nd.load(path), xr.DataArray)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.nc", "x.zarr"]


def test_names_must_suit(tmp_path):
    with pytest.raises(ValueError, match=r"call the file 'x\.nc'"):
        nd.save(tmp_path / "x.nd", a_dataset())
    with pytest.raises(ValueError, match=r"save a CTRNN as 'x\.nd'"):
        nd.save(tmp_path / "x.nc", models.CTRNN(1, 2, 1, key=0))
    with pytest.raises(ValueError, match=r"'a\.nc' or 'a\.zarr'"):
        nd.save(tmp_path / "a.csv", a_dataset())
    with pytest.raises(ValueError, match="key go with models"):
        nd.save(tmp_path / "x.nc", a_dataset(), key=3)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_a_name_that_is_a_dim_above(suffix, tmp_path):
    one = a_dataset().isel(unit=0)
    tree = xr.DataTree.from_dict({"/": a_dataset().drop_vars("unit"), "/one": one})
    with pytest.raises(ValueError, match=r"'/one/unit'.*drop_vars\('unit'\)"):
        nd.save(tmp_path / f"x{suffix}", tree)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_data_that_no_format_holds(suffix, tmp_path):
    bad = xr.Dataset({"x": ("unit", np.array([{}, {}], object))})
    with pytest.raises(ValueError, match="cannot hold these data"):
        nd.save(tmp_path / f"x{suffix}", bad)
    assert not list(tmp_path.iterdir())


def test_damaged_results(tmp_path):
    path = tmp_path / "x.nc"
    nd.save(path, a_dataset())
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], whole[:20], b"no HDF5 at all"):
        path.write_bytes(content)
        refused(path, "damaged or truncated")


def test_netcdf_of_others_is_read_as_it_is(tmp_path):
    ds = xr.Dataset({"x": ("t", np.arange(3.0))}, {"t": ("t", [1.0, 2.0, 3.0], {"units": "ms"})})
    ds.to_netcdf(tmp_path / "x.nc", engine="h5netcdf")
    assert nd.load(tmp_path / "x.nc").identical(ds)


def test_an_archive_refuses_what_it_cannot_hold(tmp_path):
    with pytest.raises(TypeError, match=r"dtype object"):
        write_archive(tmp_path / "x", {}, {"a": np.array([{}])}, kind="object")
    big = np.arange(3, dtype=">f8")
    write_archive(tmp_path / "x", {}, {"a": big}, kind="object")
    _, arrays = read_archive(tmp_path / "x", kind="object")
    assert (arrays["a"] == big).all()
