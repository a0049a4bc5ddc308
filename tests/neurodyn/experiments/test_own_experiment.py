"""An experiment of a user: the one of the page on adding one, in Python and on the command line."""

import contextlib
import dataclasses
import io
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

import neurodyn as nd
from neurodyn import experiments
from neurodyn.cli.app import app

PAGE = Path(__file__).parents[3] / "docs" / "howto" / "add-an-experiment.md"
CELLS = re.findall(r"```\{code-cell\} python\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Names that the page defines, its output and its folder."""
    names, printed = {"__name__": "firing"}, io.StringIO()
    folder = tmp_path_factory.mktemp("page")
    with contextlib.chdir(folder), contextlib.redirect_stdout(printed):
        for cell in CELLS:
            exec(compile(cell, str(PAGE), "exec"), names)
    yield names, printed.getvalue(), folder
    experiments.EXPERIMENTS._own.clear()


def call(*args):
    return CliRunner().invoke(app, [str(arg) for arg in args], prog_name="neurodyn")


def test_the_page_runs_and_leaves_its_files(page):
    names, printed, folder = page
    assert names["done"].summary == {"firing at": "0.5"}
    assert "['ranges.png', 'report.html', 'result.nc']" in printed
    report = (folder / "firing" / "report.html").read_text(encoding="utf-8")
    for part in (
        "3 neurons",
        "0,0.5",
        "FitzHugh",
        "Ermentrout",
        "second half",
        "Duration of a run",
    ):
        assert part in report
    tree = nd.load(folder / "firing" / "result.nc")
    assert tree["analysis/ranges"]["seed"].values.tolist() == [0, 1, 2]
    assert experiments.settings_in(tree)["currents"] == [0.0, 0.5]


def test_it_is_listed_and_run_like_those_of_the_library(page):
    names, _, folder = page
    assert experiments.EXPERIMENTS["firing_range"] is names["firing"]
    assert "firing_range" in call("list", "experiments").stdout
    assert "n_neurons=3 Neurons at each" in " ".join(
        call("run", "firing_range", "-h").stdout.split()
    )
    assert "Rinzel" in nd.citation("firing_range")
    again = call(
        "run", "firing_range", "--set", "currents=0,0.5", "--out", folder / "firing", "--resume"
    )
    assert again.exit_code == 0, again.output
    assert "nothing to do" in again.stderr
    other = call("run", "firing_range", "--out", folder / "firing", "--resume")
    assert other.exit_code == 1
    assert "currents is 0,0.5 there, 0,0.2,0.4,0.6 here" in other.stderr
    wrong = call("run", "firing_range", "--set", "n_neurons=0")
    assert wrong.exit_code == 2
    assert "takes a whole number >= 1" in " ".join(wrong.stderr.split())


def test_a_file_is_loaded_before_a_command(tmp_path):
    code = """
        import dataclasses
        import neurodyn as nd
        from neurodyn import experiments

        @dataclasses.dataclass(frozen=True)
        class Settings:
            n: int = 2

        nd.register(experiments.Experiment(
            "of_a_file", "Does it run?", {"only": Settings()},
            lambda settings, run: __import__("xarray").DataTree(),
            summary=lambda tree: {"n": str(experiments.settings_in(tree)["n"])},
        ))
        """
    file = tmp_path / "study_in_a_file.py"
    file.write_text("\n".join(line[8:] for line in code.splitlines()))
    done = call("--load", file, "run", "of_a_file", "--set", "n=5", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert re.search(r"n +5", done.stdout)
    assert "there is no file" in call("--load", tmp_path / "no.py", "list").stderr


@dataclasses.dataclass(frozen=True)
class Odd:
    table: dict = dataclasses.field(default_factory=dict)


def test_experiments_that_cannot_work_are_refused():
    made = dataclasses.replace
    quick = experiments.EXPERIMENTS["gtf"]
    with pytest.raises(ValueError, match="also names a folder; got 'a/b'"):
        made(quick, name="a/b")
    with pytest.raises(ValueError, match="has no preset"):
        made(quick, presets={})
    with pytest.raises(TypeError, match="instances of one dataclass"):
        made(quick, presets={"a": {"n": 3}})
    with pytest.raises(TypeError, match="'table' of gtf is annotated with"):
        made(quick, presets={"a": Odd()})
    with pytest.raises(ValueError, match="EXPERIMENTS has a 'gtf' already"):
        nd.register(quick)
    with pytest.raises(TypeError, match="must return a DataTree, got dict"):
        experiments.run(made(quick, run=lambda settings, run: {}))
    with pytest.raises(TypeError, match="are a dict of changes or a Settings, got Odd"):
        experiments.run(quick, settings=Odd())
    spoilt = dataclasses.replace(quick.presets["quick"], n_seeds=0)
    with pytest.raises(ValueError, match="n_seeds"):
        experiments.run(quick, settings=spoilt)
    with pytest.raises(TypeError, match="register takes classes and objects of"):
        nd.register(Odd())
