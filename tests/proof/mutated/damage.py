"""Ways in which files get damaged: by bytes, and by structure where the format is known."""

import contextlib
import io
import json
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

Rng = np.random.Generator
#: What a program may have stored in place of a count or an offset.
EXTREMES = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def damaged(data: bytes, rng: Rng) -> bytes:
    """Bytes of a file, damaged in one of several ways, or in two."""
    for _ in range(1 + (rng.random() < 0.2)):
        change = _BYTES[rng.integers(len(_BYTES))]
        data = bytes(change(bytearray(data), rng)) if data else data
    return data


def _place(data: bytearray, rng: Rng, size: int = 1) -> int:
    """A place; every second time near the start, where formats have their headers."""
    last = max(len(data) - size, 0)
    return int(rng.integers(min(last, 4096) + 1 if rng.random() < 0.5 else last + 1))


def _bits(data: bytearray, rng: Rng) -> bytearray:
    for _ in range(rng.integers(1, 9)):
        data[_place(data, rng)] ^= 1 << int(rng.integers(8))
    return data


def _values(data: bytearray, rng: Rng) -> bytearray:
    for _ in range(rng.integers(1, 5)):
        data[_place(data, rng)] = int(rng.integers(256))
    return data


def _extreme(data: bytearray, rng: Rng) -> bytearray:
    at = _place(data, rng, 4) // 2 * 2
    word = struct.pack("<I", EXTREMES[rng.integers(len(EXTREMES))])
    data[at : at + 4] = word[: len(data) - at]
    return data


def _swapped(data: bytearray, rng: Rng) -> bytearray:
    """Two words near each other change places, as dims would."""
    size = int(rng.choice([2, 4, 8]))
    a = _place(data, rng, 10 * size) // size * size
    b = a + size * int(rng.integers(1, 8))
    if b + size <= len(data):
        data[a : a + size], data[b : b + size] = data[b : b + size], data[a : a + size]
    return data


def _truncated(data: bytearray, rng: Rng) -> bytearray:
    return data[: _place(data, rng)]


def _cut(data: bytearray, rng: Rng) -> bytearray:
    at = _place(data, rng)
    del data[at : at + int(rng.integers(1, 64))]
    return data


def _doubled(data: bytearray, rng: Rng) -> bytearray:
    at = _place(data, rng)
    data[at:at] = data[at : at + int(rng.integers(1, 64))]
    return data


def _blank(data: bytearray, rng: Rng) -> bytearray:
    """A block that was never written."""
    at, size = _place(data, rng), int(rng.integers(4, 512))
    data[at : at + size] = bytes(len(data[at : at + size]))
    return data


_BYTES = (_bits, _bits, _values, _extreme, _extreme, _swapped, _truncated, _cut, _doubled, _blank)


def file(seed: Path, path: Path, rng: Rng) -> None:
    """Write a damaged copy of a file."""
    path.write_bytes(damaged(seed.read_bytes(), rng))


def hdf5(seed: Path, path: Path, rng: Rng) -> None:
    """Damage an HDF5 file: its bytes, or its structure by means of the library."""
    if rng.random() < 0.6:
        file(seed, path, rng)
        return
    import h5py

    shutil.copy(seed, path)
    with h5py.File(path, "r+") as opened:
        objects: list = [opened]
        opened.visititems(lambda name, x: objects.append(x))
        for _ in range(rng.integers(1, 3)):
            x = objects[rng.integers(len(objects))]
            if not x or not x.name or x.name not in opened:  # it was removed before
                continue
            if rng.random() < 0.4 and x.attrs:
                _attribute(x, rng)
            elif isinstance(x, h5py.Dataset):
                _dataset(x, rng)
            elif x.name != "/":
                _moved(x, rng)


def _attribute(x, rng: Rng) -> None:
    name = list(x.attrs)[rng.integers(len(x.attrs))]
    values = [0, -1, "", "text", b"\xff\xfe", np.nan, np.zeros((2, 3)), ["a", "b"], [], 2**62]
    which = int(rng.integers(len(values) + 1))
    del x.attrs[name]
    if which < len(values):
        x.attrs[name] = values[which]


def _dataset(x, rng: Rng) -> None:
    """Replace a dataset by one of other dims, dtype or length, or remove it."""
    above, _, name = x.name.rpartition("/")
    parent, attrs = x.file[above or "/"], dict(x.attrs)
    try:
        values = x[()]
        changes: list[Callable] = [
            np.transpose, np.ravel, lambda v: v[:-1], lambda v: v[::-1], lambda v: v[:0],
            lambda v: np.concatenate([v, v]), lambda v: v[None], lambda v: v.astype("f4"),
            lambda v: v.astype("i8"), lambda v: v.astype("S3"), lambda v: v * np.nan,
            lambda v: -v, lambda v: v * 1e30, lambda v: v.flat[0],
        ]  # fmt: skip
        changed = changes[rng.integers(len(changes))](np.asarray(values))
        del parent[name]
        parent[name] = changed
        for key, value in attrs.items():
            with contextlib.suppress(TypeError):  # references
                parent[name].attrs[key] = value
    except (TypeError, ValueError, IndexError, OSError, OverflowError, KeyError, RuntimeError):
        if name in parent:
            del parent[name]


def _moved(x, rng: Rng) -> None:
    """Remove or rename a group."""
    above, _, name = x.name.rpartition("/")
    parent = x.file[above or "/"]
    if rng.random() < 0.5:
        parent.move(name, f"{name}_")
    else:
        del parent[name]


def folder(seed: Path, path: Path, rng: Rng) -> None:
    """Damage, remove or swap files of a folder."""
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(seed, path)
    files = sorted(p for p in path.rglob("*") if p.is_file())
    one, other = (files[rng.integers(len(files))] for _ in range(2))
    way = rng.random()
    if way < 0.1:
        one.unlink()
    elif way < 0.2:
        a, b = one.read_bytes(), other.read_bytes()
        one.write_bytes(b)
        other.write_bytes(a)
    elif way < 0.5 and one.name.startswith(".z"):
        one.write_text(json.dumps(_json(json.loads(one.read_text()), rng)))
    else:
        one.write_bytes(damaged(one.read_bytes(), rng))


def _json(value, rng: Rng):
    """JSON of which one entry has another value, or another order."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = list(value)[rng.integers(len(value))]
        return value | {key: _json(value[key], rng)}
    if isinstance(value, list) and len(value) > 1 and rng.random() < 0.7:
        return value[::-1]
    choices = [None, 0, -1, 1, 10**9, 2**62, 1.5, "", "x", [], {}, [1, 2], "<f8", "|O"]
    return choices[rng.integers(len(choices))]


def safetensors(seed: Path, path: Path, rng: Rng) -> None:
    """Damage a file that is a JSON header and raw numbers."""
    data = seed.read_bytes()
    if rng.random() < 0.6:
        path.write_bytes(damaged(data, rng))
        return
    n = int.from_bytes(data[:8], "little")
    header = json.dumps(_json(json.loads(data[8 : 8 + n]), rng)).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + data[8 + n :])


def archive(seed: Path, path: Path, rng: Rng) -> None:
    """Damage a zip archive: its bytes, or a member of it under a right checksum."""
    if rng.random() < 0.5:
        file(seed, path, rng)
        return
    with zipfile.ZipFile(seed) as whole:
        members = {name: whole.read(name) for name in whole.namelist()}
    name = list(members)[rng.integers(len(members))]
    if name.endswith(".json") and rng.random() < 0.7:
        members[name] = json.dumps(_json(json.loads(members[name]), rng)).encode()
    elif name.endswith(".npy") and rng.random() < 0.5:
        array = np.load(io.BytesIO(members[name]))
        np.save(buffer := io.BytesIO(), array.T if rng.random() < 0.5 else array[:-1])
        members[name] = buffer.getvalue()
    elif rng.random() < 0.1:
        del members[name]
    else:
        members[name] = damaged(members[name], rng)
    with zipfile.ZipFile(path, "w") as again:
        for name, content in members.items():
            again.writestr(zipfile.ZipInfo(name), content)
