"""Labelled data as DataFrames and CSV, and back; tables of others by a mapping."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import HealthCheck, Phase, given, settings

from neurodyn import io, labels, spikes
from neurodyn.io import FileFormatError
from neurodyn.labels import LabelError
from tests.neurodyn.io.recordings import recordings, same
from tests.neurodyn.io.test_round_trips import session


def result():
    """A result on several dims, with complex numbers and dates."""
    values = np.arange(12.0).reshape(2, 2, 3)
    return labels.dataset(
        {
            "score": (("seed", "condition", "unit"), values, "1", "score"),
            "mode": ("seed", np.array([1 + 2j, 0.1 - 0j]), "1", "mode"),
            "best": ((), 3.5, "1", "best of all"),
        },
        {"seed": [7, 3], "condition": ["b", "a"], "day": ("seed", np.array([1, 2], "M8[ns]"))},
        source="analysis",
    )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("way", ["pandas", "csv", "mat"])
def test_any_data_come_back(tmp_path_factory, way):
    folder = tmp_path_factory.mktemp("a")

    def there_and_back(data, name):
        if way == "pandas":
            return io.from_pandas(io.to_pandas(data))
        path = folder / (f"{name}.mat" if way == "mat" else f"{name}")
        (io.to_matlab if way == "mat" else io.to_csv)(data, path, overwrite=True)
        return io.read(path)

    @given(recordings())
    @settings(
        deadline=None, max_examples=3, derandomize=True, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck), database=None,
    )  # fmt: skip
    def check(recording):
        same(recording, there_and_back(recording, "a"))

    check()
    for data in (session(), result()):
        same(data, there_and_back(data, "b"))


def test_frames_are_read_by_name():
    """Columns in another order, rows in another order, and rows that were taken out."""
    ds = spikes.from_times(
        [[1.0, 2.0], [3.0], [4.5]], window=(0, 10), coords={"unit": ["c", "a", "b"]}
    )
    ds = ds.assign(fit=(("unit", "component"), np.arange(6.0).reshape(3, 2)))
    ds["fit"].attrs.update(units="Hz", long_name="fit")
    frames = io.to_pandas(ds)
    assert frames["spikes"].attrs["units"] == {"spike_time": "ms", "spike_unit": "1"}
    assert list(frames["unit_component"]["fit"]) == [0, 1, 2, 3, 4, 5]
    some = {n: f.iloc[::-1, ::-1] for n, f in frames.items()}
    some["units"] = some["units"][some["units"]["unit"] != "a"].set_index("unit")
    back = io.from_pandas(some)
    assert spikes.times(back)[0].tolist() == [4.5]
    assert back["unit"].values.tolist() == ["b", "c"]
    assert back["fit"].values.tolist() == [[4, 5], [0, 1]]
    assert back["fit"].attrs["units"] == "Hz"
    lost = dict(frames) | {"unit_component": frames["unit_component"].iloc[1:]}
    with pytest.raises(FileFormatError, match="'unit_component' has 5 rows, and 'fit' needs"):
        io.from_pandas(lost)
    with pytest.raises(FileFormatError, match="table 'spikes' is missing"):
        io.from_pandas({"units": frames["units"]})


LONG = "t,cell,trial,area,side\n0.011,b,2,V1,left\n0.0025,a,1,V4,right\n0.5,b,1,V1,right\n"
IN_TRIALS = {
    "time_unit": "s",
    "observed": [0, 1],
    "spikes": {"time": "t", "unit": "cell", "trial": "trial"},
    "units": {"label": "cell", "columns": ["area"]},
    "trials": {"label": "trial", "columns": {"choice": "side"}},
}


def test_csv_in_long_form(tmp_path):
    path = tmp_path / "spikes.csv"
    path.write_text(LONG, encoding="utf-8-sig")
    ds = io.read(path, mapping=IN_TRIALS)
    assert ds["spike_time"].values.tolist() == [2.5, 500.0, 11.0]
    assert ds["spike_unit"].values.tolist() == ["a", "b", "b"]
    assert ds["spike_trial"].values.tolist() == [1, 1, 2]
    by_unit = dict(zip(ds["unit"].values.tolist(), ds["area"].values.tolist(), strict=True))
    by_trial = dict(zip(ds["trial"].values.tolist(), ds["choice"].values.tolist(), strict=True))
    assert (by_unit, by_trial) == ({"a": "V4", "b": "V1"}, {1: "right", 2: "left"})
    assert ds.attrs["window"] == [0, 1000]
    same(ds, io.from_pandas(pd.read_csv(path), IN_TRIALS))
    samples = IN_TRIALS | {"time_unit": {"rate": 1000.0}, "observed": [0, 1000]}
    path.write_text(LONG.replace("0.011", "11").replace("0.0025", "3").replace("0.5", "500"))
    ds = io.read(path, mapping=samples)
    assert ds["spike_time"].values.tolist() == [3.0, 500.0, 11.0]


def test_csv_of_signals_trials_and_events(tmp_path):
    (tmp_path / "lfp.csv").write_text("t;ch 1;ch 2\n0,5;1,5;-2\n0,502;nan;3\n0,504;4;1e3\n")
    mapping = {
        "time_unit": "s", "decimal": ",",
        "signals": {"lfp": {"values": ["ch 1", "ch 2"], "time": "t", "unit": "uV"}},
    }  # fmt: skip
    ds = io.read(tmp_path / "lfp.csv", mapping=mapping, channels=["ch 2"])
    assert ds["time"].values.tolist() == [500, 502, 504]
    np.testing.assert_allclose(ds["v"].values.T, [[-2e-3, 3e-3, 1.0]])
    (tmp_path / "trials.tsv").write_text("id\tt\tt_end\tok\n007\t1\t2\ttrue\n008\t2\t\tfalse\n")
    (tmp_path / "licks.csv").write_text("t,spout\n1.25,left\n")
    mapping = {
        "time_unit": "s", "decimal": ",",
        "trials": {
            "label": "id", "times": {"start_time": "trials.t", "stop_time": "t_end"},
            "columns": ["ok"], "name": "reaches",
        },
        "events": {"licks": {"time": "licks.t", "columns": ["spout"]}},
        "signals": {"lfp": {"values": "ch 1", "rate": 500, "start": 0.5, "unit": "mV"}},
    }  # fmt: skip
    with pytest.raises(LabelError, match=r"'t' is a column of several.*'lfp.t', 'licks.t'"):
        io.read(tmp_path, mapping=mapping | {"events": {"licks": {"time": "t"}}})
    tree = io.read(tmp_path, mapping=mapping)
    table = tree["intervals/reaches"]
    assert table["trial"].values.tolist() == ["007", "008"]
    np.testing.assert_array_equal(table["stop_time"].values, [2000, np.nan])
    assert table["ok"].values.tolist() == [True, False]
    assert tree["events/licks"]["event_time"].values.tolist() == [1250.0]
    assert tree["signals/lfp"]["time"].values.tolist() == [500, 502, 504]


def _with(**changes):
    return {k: v for k, v in (IN_TRIALS | changes).items() if v is not None}


#: Text of a file, mapping, error, and what it says.
REFUSED = {
    "no mapping": (LONG, None, LabelError, "by a mapping.*There are: t, cell, trial, area, side"),
    "no unit": (LONG, _with(time_unit=None), LabelError, "in which unit: add"),
    "unknown unit": (LONG, _with(time_unit="sec"), LabelError, "'sec': give one of"),
    "misspelt": (LONG, _with(spike={}), LabelError, "did you mean 'spikes'"),
    "misspelt entry": (LONG, _with(units={"lable": "cell"}), LabelError, "mean 'label'"),
    "unknown column": (LONG, _with(units={"label": "cel"}), LabelError, r"mean 'cell'\?"),
    "twice": (LONG.replace("area", "t"), IN_TRIALS, LabelError, r"several .* \['t'\].*rename"),
    "no property": (
        LONG.replace("0.5,b,1,V1", "0.5,b,1,V2"), IN_TRIALS, LabelError,
        "'area' differs between rows of unit 'b': 'V1' and 'V2'",
    ),
    "ragged": (LONG + "1,2\n", IN_TRIALS, FileFormatError, "row 5 has 2 cells, the header 5"),
    "no name": (LONG.replace("area", ""), IN_TRIALS, FileFormatError, "column 4 has no name"),
    "two marks": (LONG.replace("t,", "t;x,"), IN_TRIALS, LabelError, "'delimiter'"),
    "quotes": (LONG + '"a,b\n', IN_TRIALS, FileFormatError, "quotation marks"),
    "text": (LONG.replace("0.5", '"0,5"'), IN_TRIALS, LabelError, "decimal comma"),
    "missing time": (LONG.replace("0.5", ""), IN_TRIALS, LabelError, "must be finite"),
    "outside": (LONG, _with(observed=[0, 0.1]), LabelError, "1 of 3 spikes lie outside"),
    "columns as rows": (
        LONG,
        {"signals": {"x": {
            "values": ["t", "trial"], "unit": "1", "rate": 1, "dims": ["channel", "time"],
        }}},
        LabelError, "lie side by side",
    ),
    "empty": ("", IN_TRIALS, FileFormatError, "is empty"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_refused(kind, tmp_path):
    text, mapping, error, told = REFUSED[kind]
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(error, match=told):
        io.from_csv(path, mapping)


def test_damaged_folders(tmp_path, recording):
    folder = io.to_csv(recording, tmp_path / "a")
    with pytest.raises(FileExistsError):
        io.to_csv(recording, folder)
    note = json.loads((folder / "neurodyn.json").read_text())
    for change, told in (
        ({"files": {"units": "../../x.csv"}}, "lacks '../../x.csv'"),
        ({"note": {"variables": 3, "attrs": {}}}, "damaged|another version"),
        ({"files": 3}, "is damaged"),
    ):
        (folder / "neurodyn.json").write_text(json.dumps(note | change))
        with pytest.raises(FileFormatError, match=told):
            io.read(folder)
    (folder / "neurodyn.json").write_text(json.dumps(note))
    text = (folder / "trials.csv").read_text()
    (folder / "trials.csv").write_text(text.replace("true", "perhaps"))
    with pytest.raises(FileFormatError, match="column of bool holds something else"):
        io.read(folder)
    (folder / "a.csv").write_bytes(b"t\n\xff\xfe")
    with pytest.raises(FileFormatError, match="no UTF-8"):
        io.from_csv(folder / "a.csv", IN_TRIALS)


def test_other_objects_are_refused(tmp_path):
    for call in (io.to_pandas, lambda x: io.to_csv(x, tmp_path / "a"), io.to_pynapple):
        with pytest.raises(TypeError, match="takes a Dataset"):
            call([1.0])
    with pytest.raises(LabelError, match="by a mapping"):
        io.from_pandas(pd.DataFrame({"t": [1.0]}))
    path = tmp_path / "a.nc"
    xr.Dataset().to_netcdf(path, engine="h5netcdf")
    with pytest.raises(ValueError, match="mapping= is for MATLAB and CSV"):
        io.read(path, mapping=IN_TRIALS)
