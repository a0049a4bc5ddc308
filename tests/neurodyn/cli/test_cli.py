"""The command line: what it prints, where, and how it ends."""

import dataclasses
import inspect
import json
import os
import pickle
import re
import shutil
import subprocess
import sys

import jax
import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

import neurodyn as nd
from neurodyn import labels, models, tasks
from neurodyn.cli.app import app
from neurodyn.common import registry
from neurodyn.experiments import izhikevich2003
from neurodyn.experiments.running.folder import claimed

TINY = ["--set", "steps=3", "--set", "n_networks=1", "--set", "n_units=4"]


def call(*args):
    """Run a command in this process; output and errors apart."""
    return CliRunner().invoke(app, [str(arg) for arg in args], prog_name="neurodyn")


def shell(*args, cwd=None, **env):
    """Run a command as users do."""
    return subprocess.run(
        [sys.executable, "-m", "neurodyn", *map(str, args)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | env,
        timeout=600,
    )


#: A program that runs commands as `python -m neurodyn` does, each with its output and exit code.
SEVERAL = """
import contextlib, io, json, runpy, sys
ended = []
for arguments in json.load(sys.stdin):
    sys.argv, code = ["neurodyn", *arguments], None
    with (
        contextlib.redirect_stdout(io.StringIO()) as out,
        contextlib.redirect_stderr(io.StringIO()) as err,
    ):
        try:
            runpy.run_module("neurodyn", run_name="__main__", alter_sys=True)
        except SystemExit as end:
            code = end.code or 0
    ended.append([code, out.getvalue(), err.getvalue()])
json.dump(ended, sys.stdout)
"""


@pytest.fixture(scope="module")
def ended():
    """Exit code, output and errors of commands in a process that has loaded nothing else."""
    commands = (
        ("list", "nothing"),
        ("info", "nowhere.nwb"),
        ("list", "tasks", "--json"),
        ("run", "force_sine", "--set", "sizes=(10,20)", "--help"),
    )
    done = subprocess.run(
        [sys.executable, "-c", SEVERAL],
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return dict(zip(map(" ".join, commands), json.loads(done.stdout), strict=True))


def refused(result, code, *parts):
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    for part in parts:
        assert part in " ".join(result.stderr.split())


@pytest.fixture
def pair(tmp_path):
    """A run and a recording of the same two conditions, in files."""
    rng = np.random.default_rng(0)
    side = np.repeat([0, 1, 2], 8)
    wave = np.sin(np.arange(10) / 3 + side[:, None])

    def population(n_units, source):
        rate = wave[..., None] * rng.normal(size=n_units) + 0.3 * rng.normal(size=(24, 10, n_units))
        return labels.dataset(
            {"rate": (("trial", "time", "unit"), rate, "Hz", "firing rate", "rate")},
            {"time": labels.time_axis(10, 20.0), "side": ("trial", side)},
            source=source,
        )

    nd.save(tmp_path / "run.nc", population(5, "model"))
    nd.save(tmp_path / "rec.nc", population(7, "recording"))
    return tmp_path / "run.nc", tmp_path / "rec.nc"


# --- the program -----------------------------------------------------------------------------


def test_help_names_every_command():
    result = call("--help")
    assert result.exit_code == 0
    for name in ("demo", "run", "sweep", "list", "compare", "info", "data"):
        assert f"\n  {name} " in result.stdout
        own = call(name, "-h")
        assert own.exit_code == 0
        assert "--json" in own.stdout


def test_version_is_that_of_the_package():
    assert call("--version").stdout == f"neurodyn {nd.__version__}\n"


def test_help_is_quick_and_loads_nothing_heavy():
    """In CPU time after an import of neurodyn, so that other load is no reason to fail."""
    code = """
import json, runpy, sys, time
import neurodyn
began, sys.argv = time.process_time(), ["neurodyn", "-h"]
try:
    runpy.run_module("neurodyn", run_name="__main__", alter_sys=True)
finally:
    heavy = [m for m in ("xarray", "matplotlib", "neo", "rich.table") if m in sys.modules]
    print(json.dumps([time.process_time() - began, heavy]))
"""

    def seconds():
        done = subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True
        )
        text, last = done.stdout.strip().rsplit("\n", 1)
        spent, heavy = json.loads(last)
        assert text.startswith("Usage: neurodyn")
        assert heavy == []
        return spent

    assert any(seconds() < 0.4 for _ in range(3))


@pytest.mark.parametrize(
    ("args", "parts"),
    [
        (["nonsense"], ["No such command 'nonsense'"]),
        (["run"], ["Missing argument 'NAME'"]),
        (["run", "perceptual"], ["no experiment 'perceptual'", "perceptual_decision"]),
        (["run", "perceptual_decision", "--preset", "slow"], ["no preset 'slow'", "quick, paper"]),
        (["run", "perceptual_decision", "--set", "stpes=3"], ["Did you mean 'steps'?"]),
        (["run", "perceptual_decision", "--set", "steps"], ["KEY=VALUE", "'steps'"]),
        (["run", "perceptual_decision", "--set", "steps=many"], ["'steps'", "'many'"]),
        (["run", "perceptual_decision", "--set", "steps=1.5"], ["'steps' takes a whole", "1.5"]),
        (["run", "perceptual_decision", "--set", "steps=3", "--set", "steps=4"], ["'steps' twice"]),
        (["run", "izhikevich2003", "--set", "n_seeds=0"], ["'n_seeds' takes", ">= 1", "got '0'"]),
        (["run", "izhikevich2003", "--set", "seed=-1"], ["'seed' takes", ">= 0", "got '-1'"]),
        (
            ["run", "izhikevich2003", "--set", "settle=900", "--set", "duration=800"],
            ["settle (900"],
        ),
        (["run", "izhikevich2003", "--resume", "--overwrite"], ["exclude each other"]),
        (["demo", "--seed", "one"], ["--seed", "integer"]),
        (
            ["list", "networks"],
            ["no kind 'networks'", "models, spiking, synapses", "tasks, measures"],
        ),
        (["data", "mante2031"], ["no dataset 'mante2031'", "did you mean 'mante2013'"]),
        (["data", "--fetch"], ["--fetch needs the name"]),
        (["compare"], ["Missing argument 'MODEL... RECORDING'"]),
        (["compare", "run.nc"], ["takes a model and a recording, got 'run.nc' only"]),
        (["compare", "run.nc", "rec.nc", "--join", "outer"], ["'exact' or 'inner'"]),
    ],
)
def test_wrong_usage_is_exit_code_2(args, parts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(call(*args), 2, *parts)
    assert not list(tmp_path.iterdir())


def test_debug_shows_the_traceback():
    result = call("--debug", "info", "nowhere.nwb")
    assert isinstance(result.exception, FileNotFoundError)


def test_faults_of_our_own_say_how_to_see_more(monkeypatch):
    monkeypatch.setattr("neurodyn.common.registry.entries", lambda kind: {}["surprise"])
    refused(call("list"), 1, "KeyError: 'surprise'", "neurodyn --debug")


def test_the_installed_command_and_the_module_agree(ended):
    code, printed, errors = ended["list tasks --json"]
    assert (code, errors) == (0, "")
    assert json.loads(printed) == json.loads(call("list", "tasks", "--json").stdout)
    missing = "Error: There is no file 'nowhere.nwb'.\n"
    assert ended["info nowhere.nwb"] == [1, "", missing]
    assert ended["list nothing"][0] == 2


# --- list, data ------------------------------------------------------------------------------


def test_list_shows_the_registry():
    found = json.loads(call("list", "--json").stdout)
    kinds = {entry["kind"] for entry in found}
    assert kinds == set(registry.KINDS)
    names = {entry["name"] for entry in found}
    assert {"LIF", "AdEx", "izhikevich2003_network", "PairSTDP", "lyapunov"} <= names
    assert {"CTRNN", "PerceptualDecision", "cka", "mante2013", "perceptual_decision"} <= names
    assert {name for name in tasks.__all__ if inspect.isclass(getattr(tasks, name))} <= names
    printed = call("list").stdout
    assert all(entry["name"] in printed and entry["title"] in printed for entry in found)


def test_list_takes_one_kind_in_either_number():
    one, many = (json.loads(call("list", kind, "--json").stdout) for kind in ("model", "models"))
    assert one == many
    assert {entry["kind"] for entry in one} == {"model", "spiking"}
    rules = json.loads(call("list", "rules", "--json").stdout)
    assert {entry["kind"] for entry in rules} == {"rule"}


def test_data_tells_where_datasets_are(monkeypatch, tmp_path):
    monkeypatch.delenv("NEURODYN_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    listed = {entry["name"]: entry for entry in json.loads(call("data", "--json").stdout)}
    assert set(listed) == {record.name for record in nd.datasets.available()}
    assert listed["mante2013"]["where"] == "download"
    text = call("data", "mante2013").stdout
    assert "@article{mante2013," in text
    assert "licence" in text
    one = json.loads(call("data", "decision_example", "--fetch", "--json").stdout)
    assert one["path"].endswith("decision_example.nwb")
    assert not list(tmp_path.iterdir())


def test_data_that_cannot_be_fetched(monkeypatch, tmp_path):
    monkeypatch.delenv("NEURODYN_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    refused(call("data", "hatsopoulos2007", "--fetch"), 1, "cannot be downloaded", "NEURODYN_DATA")
    assert not list(tmp_path.rglob("*.npz"))


# --- info ------------------------------------------------------------------------------------


def test_info_without_a_file_says_versions_devices_and_kernels():
    text = call("info").stdout
    for name in ("neurodyn", "python", "jaxlib", "brian2"):
        assert re.search(rf"^{name} +\d", text, re.M), name
    about = json.loads(call("info", "--json").stdout)
    assert about["versions"]["jax"] == jax.__version__
    assert len(about["devices"]) == len(jax.devices())
    assert about["x64"] == jax.config.jax_enable_x64
    shown = [(one["kernel"], one["compiled"]) for one in about["kernels"]]
    assert shown == [(row.kernel, row.on) for row in nd.kernels.status()]
    for name, on in shown:
        assert re.search(rf"^{name} +{'compiled' if on else 'plain JAX'}", text, re.M)


def test_info_of_a_model(tmp_path):
    task = tasks.FlipFlop()
    model = models.CTRNN(task.n_inputs, 6, task.n_outputs, key=0)
    nd.save(tmp_path / "m.nd", model, task=task, key=7, notes="a note")
    about = json.loads(call("info", tmp_path / "m.nd", "--json").stdout)
    assert about["class"] == "neurodyn.models.CTRNN"
    assert (about["task"], about["key"], about["notes"]) == ("FlipFlop", 7, "a note")
    text = call("info", tmp_path / "m.nd").stdout
    for part in ("neurodyn.models.CTRNN", "FlipFlop", "a note", "float32", "(6, 6)"):
        assert part in text


def test_info_of_labelled_data(pair, tmp_path):
    text = call("info", pair[0]).stdout
    for part in ("trial 24", "time 10", "unit 5", "trial, time, unit", "Hz", "firing rate"):
        assert part in text
    about = json.loads(call("info", pair[0], "--json").stdout)
    assert about["parts"]["/"]["sizes"] == {"trial": 24, "time": 10, "unit": 5}
    tree = xr.DataTree.from_dict({"/a": xr.open_dataset(pair[0]), "/b/c": xr.Dataset()})
    nd.save(tmp_path / "tree.nc", tree)
    assert "/a" in json.loads(call("info", tmp_path / "tree.nc", "--json").stdout)["parts"]
    (tmp_path / "tree.nc").rename(tmp_path / "result.nc")  # as in the folder of an experiment
    assert "/a" in json.loads(call("info", tmp_path, "--json").stdout)["parts"]


def test_info_of_a_recording():
    path = nd.datasets.path("decision_example")
    text = call("info", path).stdout
    for part in ("spike_time", "unit 100", "ms", "coherence"):
        assert part in text


def test_info_suggests_files_that_are_close(pair):
    refused(call("info", pair[0].with_name("rum.nc")), 1, "did you mean 'run.nc'")


def test_info_never_opens_a_pickle(tmp_path):
    (tmp_path / "model.nd").write_bytes(pickle.dumps({"weights": [1, 2, 3]}))
    refused(call("info", tmp_path / "model.nd"), 1, "is a Python pickle")


# --- compare ---------------------------------------------------------------------------------


def test_compare_is_analysis_compare(pair, tmp_path):
    out = tmp_path / "score.nc"
    options = ["--by", "side", "--n-null", 20, "--seed", 3]
    result = call("compare", *pair, *options, "--metrics", "cka,procrustes", "--out", out, "--json")
    assert result.exit_code == 0, result.stderr
    expected = nd.analysis.compare(
        nd.load(pair[0]), nd.load(pair[1]), ["cka", "procrustes"], by=["side"], n_null=20, key=3
    )
    found = json.loads(result.stdout)["metrics"]
    assert list(found) == ["cka", "procrustes"]
    for name, numbers in found.items():
        for what in ("score", "ceiling", "p_value"):
            np.testing.assert_allclose(
                numbers[what], expected[what].sel(metric=name).values, rtol=1e-6
            )
    saved = nd.load(out)
    xr.testing.assert_allclose(saved, expected)
    labels.check(saved, dims=("metric", "draw"))
    text = call("compare", *pair, *options, "--metrics", "cka").stdout
    assert "linear CKA" in text
    assert "3 conditions" in text


def test_compare_takes_datasets_and_parts_of_results(tmp_path):
    example = nd.datasets.load("decision_example")
    rates = nd.spikes.rate(example, bin_width=50.0, window=(0.0, 800.0))
    means = nd.trials.average(rates, ["coherence", "choice"])
    nd.save(tmp_path / "result.nc", xr.DataTree.from_dict({"/model": means, "/other": means}))
    options = ["--by", "coherence,choice", "--window", 0, 800, "--n-null", 0, "--json"]
    result = call(
        "compare", f"{tmp_path / 'result.nc'}:/model", "decision_example", *options, "--metrics=cka"
    )
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["metrics"]["cka"]["score"] == pytest.approx(1.0, abs=1e-5)
    several = call("compare", tmp_path / "result.nc", "decision_example", *options)
    refused(several, 1, "has several parts", "result.nc:/model")
    wrong = call("compare", f"{tmp_path / 'result.nc'}:/modle", "decision_example", *options)
    refused(wrong, 1, "no part '/modle'", "it has /model, /other")


def test_compare_takes_several_models_and_recordings_and_simulates_model_files(tmp_path):
    task = tasks.PerceptualDecision(dt=20.0, coherence=[-0.5, 0.1, 0.5], stimulus=400.0)
    model = models.CTRNN(task.n_inputs, 6, task.n_outputs, key=0)
    nd.save(tmp_path / "trained.nd", model, task=task)
    nd.save(tmp_path / "bare.nd", model)
    runs = {f"run{i}": nd.simulate(model, task, repeats=4, key=i + 5) for i in range(3)}
    for name, run in runs.items():
        nd.save(tmp_path / f"{name}.nc", run[["rate"]])
    trained, run0, run1, run2 = (
        tmp_path / name for name in ("trained.nd", "run0.nc", "run1.nc", "run2.nc")
    )
    options = ["--by", "coherence", "--metrics", "cka", "--n-null", 3, "--n-splits", 2]
    several = ["--recording", run1, "--recording", run2]
    found = call("compare", trained, run0, *several, *options, "--bootstrap", "trial", "--json")
    assert found.exit_code == 0, found.stderr
    pairs = json.loads(found.stdout)["pairs"]
    assert [(p["model"], p["recording"]) for p in pairs] == [
        (m, r) for m in ("trained", "run0") for r in ("run1", "run2")
    ]
    ours = nd.simulate(model, task, repeats=10, key=0)
    expected = nd.analysis.compare(ours, runs["run2"], ["cka"], by="coherence", n_null=0)
    assert pairs[1]["score"] == pytest.approx(float(expected["score"][0]), abs=1e-6)
    assert pairs[1]["low"] < pairs[1]["high"]
    shown = call("compare", trained, run0, *several, *options).stdout
    assert "trained" in shown
    assert "3 conditions" in shown
    refused(call("compare", tmp_path / "bare.nd", run0, *options), 1, "no task", "--task")
    refused(call("compare", run0, trained, *options), 1, "name models before the recordings")
    named = call("compare", tmp_path / "bare.nd", run0, *options, "--task", "PerceptualDecision")
    refused(named, 1, "only in the")
    refused(call("compare", run0, run1, *options, "--bootstrap", "animal"), 1, "no such level")


def test_compare_does_not_overwrite(pair, tmp_path):
    out = tmp_path / "score.nc"
    out.write_text("precious")
    options = ["--by", "side", "--metrics", "cka", "--n-null", 0, "--out", out]
    refused(call("compare", *pair, *options), 1, "--overwrite")
    assert out.read_text() == "precious"
    assert call("compare", *pair, *options, "--overwrite").exit_code == 0
    assert "score" in nd.load(out)


# --- demo and run, as far as they get without training ----------------------------------------


def test_demo_of_something_that_is_not_there(tmp_path):
    out = tmp_path / "out"
    result = call("demo", "--recording", tmp_path / "no.nwb", "--out", out)
    refused(result, 1, "neither a file nor a dataset", "decision_example")
    assert not out.exists()


def test_demo_of_a_recording_without_conditions(tmp_path):
    ds = nd.spikes.from_times([[1.0, 5.0]], window=(0, 10))
    nd.io.to_nwb(ds, tmp_path / "bare.nwb")
    out = tmp_path / "out"
    refused(
        call("demo", "--recording", tmp_path / "bare.nwb", "--out", out),
        1,
        "trials labelled with coherence, choice",
        "neurodyn.spikes.align",
    )
    assert not out.exists()


@pytest.mark.parametrize("name", ["result.nc", "networks.ckpt"])
def test_results_are_not_replaced_unasked(tmp_path, name):
    (tmp_path / name).write_text("precious")
    for command in (["demo"], ["run", "perceptual_decision", *TINY]):
        refused(call(*command, "--out", tmp_path), 1, "--resume", "--overwrite")
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "precious"


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "out").write_text("precious")
    refused(call("demo", "--out", tmp_path / "out"), 1, "is a file; name a folder")
    refused(call("demo", "--out", tmp_path / "out" / "below"), 1, "Cannot write", "--out")
    assert (tmp_path / "out").read_text() == "precious"


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a folder that nobody can write")
def test_a_folder_that_cannot_be_written():
    refused(call("demo", "--out", "/proc/neurodyn"), 1, "Cannot write into /proc/neurodyn", "--out")


def test_an_interrupted_run_says_how_to_go_on(tmp_path, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("neurodyn.experiments.shared.decision.fit", interrupted)
    out = tmp_path / "out"
    refused(call("run", "perceptual_decision", *TINY, "--out", out), 130, "Interrupted", "--resume")
    assert not out.exists()


# --- settings, folders and logs of runs, by the cheapest experiment ------------------------------

SMALL = {"n_seeds": 2, "duration": 300, "settle": 100, "segment": 100}


def arguments(**changes):
    return [f"--set={name}={value}" for name, value in (SMALL | changes).items()]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a finished run, and what the command said."""
    out = tmp_path_factory.mktemp("runs") / "A"
    return out, shell("run", "izhikevich2003", *arguments(), "--out", out)


def result(folder):
    return xr.open_datatree(folder / "result.nc", engine="h5netcdf")


def test_output_that_is_no_terminal_has_a_line_for_each_stage(finished):
    out, done = finished
    assert done.returncode == 0
    said = done.stderr.splitlines()
    assert said[0] == f"izhikevich2003, preset quick: into {out}"
    assert re.fullmatch(r"networks: 2 of 2, 0:\d\d", said[1])
    assert said[2] == "figures and report"
    assert re.fullmatch(rf"Finished in \d+ s: {re.escape(str(out))}/report.html", said[-1])
    assert not re.search("\x1b|\r", done.stderr)


def test_networks_of_the_same_seed_are_the_same_in_every_run(finished, tmp_path):
    done = call("run", "izhikevich2003", *arguments(n_seeds=1, seed=1), "--out", tmp_path / "B")
    assert done.exit_code == 0, done.output
    with result(finished[0]) as ours, result(tmp_path / "B") as theirs:
        for name in ("networks", "spectrum"):
            a, b = ours[f"analysis/{name}"].to_dataset(), theirs[f"analysis/{name}"].to_dataset()
            assert a["seed"].values.tolist() == [0, 1]
            assert b["seed"].values.tolist() == [1]
            xr.testing.assert_equal(a.sel(seed=[1]).load(), b.load())


def test_a_finished_run_is_not_resumed_with_other_settings(finished, tmp_path):
    out = shutil.copytree(finished[0], tmp_path / "A")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    other = call(
        "run", "izhikevich2003", *arguments(seed=7, duration=400), "--out", out, "--resume"
    )
    differ = ["seed is 0 there, 7 here", "duration is 300 there, 400 here"]
    refused(other, 1, *differ, "--out", "--overwrite")
    assert "n_seeds is" not in other.stderr
    same = call("run", "izhikevich2003", *arguments(), "--out", out, "--resume", "--json")
    assert same.exit_code == 0, same.output
    assert "finished: nothing to do" in same.stderr
    about = json.loads(same.stdout)
    assert about["files"]["result"] == str(out / "result.nc")
    assert set(about["files"]) == {"result", "report", "raster", "spectrum", "intervals"}
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    wrong = call("run", "force_sine", "--out", out, "--resume")
    refused(wrong, 1, "experiment is izhikevich2003 there, force_sine here")


def test_overwriting_replaces_the_old_result(finished, tmp_path):
    out = shutil.copytree(finished[0], tmp_path / "A")
    done = call("run", "izhikevich2003", *arguments(n_seeds=1, seed=5), "--out", out, "--overwrite")
    assert done.exit_code == 0, done.output
    with result(out) as tree:
        assert tree["analysis/networks"]["seed"].values.tolist() == [5]
    assert sorted(path.name for path in out.iterdir()) == ["figures", "report.html", "result.nc"]


def test_an_unfinished_run_is_not_resumed_with_other_settings(tmp_path, monkeypatch):
    def interrupted(tree):
        (tmp_path / "out" / "networks.ckpt").touch()
        raise KeyboardInterrupt

    experiment = izhikevich2003.EXPERIMENT
    stopped = dataclasses.replace(experiment, run=lambda *_: interrupted(None))
    monkeypatch.setattr(izhikevich2003, "EXPERIMENT", stopped)
    out = ["--out", tmp_path / "out"]
    assert call("run", "izhikevich2003", *arguments(), *out).exit_code == 130
    refused(call("run", "izhikevich2003", *arguments(), *out), 1, "was not finished")
    other = call("run", "izhikevich2003", *arguments(seed=3), *out, "--resume")
    refused(other, 1, "unfinished run of other settings: seed is 0 there, 3 here")
    monkeypatch.setattr(izhikevich2003, "EXPERIMENT", experiment)
    # A run of another version, whose settings have other names.
    unfinished = tmp_path / "out" / "unfinished.json"
    stored = json.loads(unfinished.read_text())
    stored["time_step"] = stored.pop("dt")
    whole = unfinished.read_bytes()
    unfinished.write_text(json.dumps(stored))
    renamed = call("run", "izhikevich2003", *arguments(), *out, "--resume")
    refused(renamed, 1, "another version", "time_step only there, dt only here", "--overwrite")
    unfinished.write_bytes(whole)
    assert call("run", "izhikevich2003", *arguments(), *out, "--resume").exit_code == 0


def test_two_runs_into_one_folder(tmp_path):
    """The second is refused while the first one runs, and not once that is over."""
    out = tmp_path / "out"
    with claimed(out):
        second = shell("run", "izhikevich2003", *arguments(n_seeds=1), "--out", out)
        assert second.returncode == 1
        assert second.stdout == ""
        assert f"Another run (process {os.getpid()}) is writing into {out}" in second.stderr
        assert [path.name for path in out.iterdir()] == [".lock"]
    assert not out.exists()  # nothing was written
    out.mkdir()
    (out / ".lock").write_text("1")  # left by a process that was killed
    assert call("run", "izhikevich2003", *arguments(n_seeds=1), "--out", out).exit_code == 0
    assert not (out / ".lock").exists()


def test_help_of_an_experiment_lists_its_settings(ended):
    code, printed, errors = ended["run force_sine --set sizes=(10,20) --help"]
    assert (code, errors) == (0, "")
    text = " ".join(printed.split())
    assert "sizes=1000 Numbers of neurons" in text
    assert "frequency=5 [Hz] Frequency of the sine. Takes a number > 0." in text
    assert "In paper: 1000,2000; textbook: 1000,2000." in text
    assert "There is no experiment 'nope'; there are" in call("run", "nope", "-h").stdout
    assert "Settings" not in call("run", "-h").stdout
