"""Datasets of users: registered under public names, and treated as those of neurodyn."""

import contextlib
import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import neurodyn as nd
from neurodyn import datasets, labels
from neurodyn.cli.sides import opened
from neurodyn.datasets.catalogue import RECORDS

PAGE = Path(__file__).parents[3] / "docs" / "howto" / "add-a-dataset.md"


@pytest.fixture(autouse=True)
def _catalogue():
    """Puts the catalogue back as it was."""
    before = dict(RECORDS)
    yield
    RECORDS.clear()
    RECORDS.update(before)


@pytest.fixture
def page():
    """Names that the page defines, and what it prints."""
    if not PAGE.exists():
        pytest.skip("needs the repository")
    names, printed = {"__name__": "page"}, io.StringIO()
    cells = re.findall(r"```\{code-cell\} python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    with contextlib.redirect_stdout(printed):
        for cell in cells:
            exec(compile(cell, str(PAGE), "exec"), names)
    return names, printed.getvalue()


def test_the_dataset_of_the_page_is_one_of_the_library(page, tmp_path, monkeypatch):
    names, printed = page
    assert printed.splitlines()[0] == "{'trial': 30, 'time': 20, 'unit': 4} doe2030"
    assert printed.splitlines()[1] == nd.citation("doe2030").splitlines()[0] == "@article{doe2030,"
    assert datasets.where("doe2030") == str(names["folder"])
    assert datasets.available()[-1] is datasets.info("doe2030")
    loaded = datasets.load("doe2030")
    labels.check(loaded)
    assert loaded.attrs["licence"] == "CC-BY-4.0"
    assert "area" not in loaded.attrs
    assert opened("doe2030").identical(loaded)  # as the command line finds it
    # From the local folder, as any dataset without a folder of its own.
    datasets.register(replace(datasets.info("doe2030"), folder=None))
    monkeypatch.setenv("NEURODYN_DATA", str(names["folder"]))
    assert datasets.load("doe2030").identical(loaded)
    # A file of that name is reached by a path.
    nd.save(tmp_path / "other.nc", loaded.isel(trial=slice(3)))
    (tmp_path / "other.nc").rename(tmp_path / "doe2030")
    monkeypatch.chdir(tmp_path)
    assert datasets.open("doe2030").sizes["trial"] == 30
    assert datasets.open("./doe2030").sizes["trial"] == 3


def test_a_changed_file_is_refused(tmp_path):
    (tmp_path / "x.npy").write_bytes(b"before")
    file = datasets.File.of(tmp_path / "x.npy")
    mine = datasets.Record(name="x", title="X", files=[file], read=np.load, folder=tmp_path)
    assert datasets.register(mine).size == 6
    (tmp_path / "x.npy").write_bytes(b"afterwards")
    with pytest.raises(datasets.DatasetError, match=r"changed(.|\n)*10 bytes(.|\n)*File\.of"):
        datasets.load("x")
    datasets.register(replace(mine, files=(datasets.File.of(tmp_path / "x.npy"),)))
    assert datasets.path("x").read_bytes() == b"afterwards"


MINE = {"name": "mine", "title": "Mine", "files": (datasets.File("a", "0" * 64, 1),), "read": print}


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"name": "mante2013"}, ValueError, "RECORDS has a 'mante2013' already"),
        ({"name": "my data.nc"}, ValueError, "a word without spaces, dots and slashes"),
        ({"files": ()}, ValueError, "at least one file"),
        ({"files": ("a.npz",)}, TypeError, r"File\.of\(path\) describes a file"),
        ({"read": "module:read"}, TypeError, "must be a function of the paths, got 'module:read'"),
    ],
)
def test_records_that_cannot_be_used(changes, error, message):
    with pytest.raises(error, match=message):
        datasets.register(datasets.Record(**MINE | changes))
    assert datasets.available() == [r for r in datasets.available() if r.name != "mine"]


def test_register_takes_records_only():
    with pytest.raises(TypeError, match=r"takes a neurodyn\.datasets\.Record, got a dict"):
        datasets.register(MINE)
    with pytest.raises(FileNotFoundError, match="neither a file nor a dataset 'nowhere'"):
        datasets.open("nowhere")
