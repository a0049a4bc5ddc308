"""The table of datasets, and what the front door says of it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from neurodyn import datasets, labels

NAMES = [
    "decision_example",
    "mante2013",
    "hatsopoulos2007",
    "zheng2022",
    "fsi_steps",
    "ecg",
    "ecg_pecuzal",
    "eeg_rest",
    "fmri_tasks",
]


def test_available_lists_every_dataset():
    assert [record.name for record in datasets.available()] == NAMES


@pytest.mark.parametrize("record", datasets.available(), ids=lambda record: record.name)
def test_records_are_complete(record):
    for field in ("title", "description", "species", "area", "task", "licence", "source"):
        assert getattr(record, field), field
    assert record.size == sum(file.size for file in record.files) > 0
    names = [file.name for file in record.files]
    assert len(set(names)) == len(names)
    assert len({Path(name).parent for name in names}) == 1, "path() returns one folder"
    for file in record.files:
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
        if file.url is not None:
            assert file.url.startswith("https://")
            assert " " not in file.url
            assert re.search(r"/[0-9a-f]{7,40}/", file.url), "pinned at a commit"


@pytest.mark.parametrize("name", NAMES)
def test_citation_is_bibtex(name):
    text = datasets.citation(name)
    assert text.count("{") == text.count("}")
    for entry in re.split(r"\n(?=@)", text):
        assert re.match(r"@(article|misc)\{\w+,\n", entry)
        assert {"author", "title"} <= set(re.findall(r"^  (\w+) = \{", entry, re.MULTILINE))


@pytest.mark.parametrize("call", [datasets.load, datasets.path, datasets.citation, datasets.where])
def test_unknown_names_say_which_there_are(call):
    with pytest.raises(ValueError, match=r"did you mean 'mante2013'.*hatsopoulos2007"):
        call("mante")


def test_unknown_options_are_refused():
    with pytest.raises(TypeError, match="bin_size"):
        datasets.load("decision_example", bin_size=20.0)


def test_import_is_light():
    code = (
        "import sys; import neurodyn.datasets as d; d.available(); d.where('mante2013')\n"
        "heavy = {'pynwb', 'neo', 'brian2', 'h5py', 'scipy.io', 'requests'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"HOME": "/nonexistent"})


@pytest.mark.parametrize("name", NAMES)
def test_loaded_data_follow_the_convention(name, request):
    if name != "decision_example":
        request.getfixturevalue("local_data")
    loaded = datasets.load(name)
    labels.check(loaded)
    assert loaded.attrs["dataset"] == name
    assert loaded.attrs["source"] == "recording"
    assert loaded.attrs["licence"]
    assert loaded.attrs["citation"] == datasets.citation(name)
    assert datasets.path(name).exists()
