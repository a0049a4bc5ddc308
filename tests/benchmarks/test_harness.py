"""What the benchmark table claims, not how fast anything is."""

import json
import time

import pytest

from tests.benchmarks import __main__ as command
from tests.benchmarks import harness
from tests.benchmarks.harness import Row


@pytest.mark.parametrize(
    ("better", "ours", "peer", "ratio", "verdict"),
    [
        ("lower", 2.0, 4.0, 2.0, "ok"),
        ("lower", 4.0, 2.0, 0.5, "below"),
        ("higher", 4.0, 2.0, 2.0, "ok"),
        ("higher", 2.0, 4.0, 0.5, "below"),
        ("lower", 2.0, None, None, "-"),
    ],
)
def test_ratio_is_above_one_where_ours_is_better(better, ours, peer, ratio, verdict):
    row = Row("a", "b", ours, peer, better=better, bar=1.0)
    assert (row.ratio, row.verdict) == (ratio, verdict)
    assert json.loads(json.dumps(harness.row_record(row)))["verdict"] == verdict


def test_unknown_direction_is_refused():
    with pytest.raises(ValueError, match="better must be"):
        Row("a", "b", 1.0, 1.0, better="faster")


def test_alternate_times_each_call():
    short, long = harness.alternate(
        lambda: time.sleep(0.001), lambda: time.sleep(0.02), rounds=2, burst=1, warmup=0
    )
    assert 1 <= short.best <= short.median
    assert 20 <= long.best <= long.median


def test_machine_facts_are_complete():
    facts = json.loads(json.dumps(harness.machine()))
    assert facts["cpu"]
    assert facts["cores"] >= 1
    assert len(facts["load_average"]) == 3
    assert facts["versions"]["jax"]


def test_every_benchmark_says_how_many_cores_it_wants():
    assert "rate" in harness.names()
    assert all(harness.cores_wanted(name) >= 1 for name in harness.names())


def test_unknown_name_is_an_error(capsys):
    with pytest.raises(SystemExit) as end:
        command.main(["no_such_benchmark"])
    assert end.value.code == 2
    assert "no_such_benchmark" in capsys.readouterr().err


def test_report_is_written_whole(tmp_path, monkeypatch, capsys):
    row = Row("gradient", "peer", 1.0, 2.0, bar=1.5, sizes={"N": 3})
    monkeypatch.setattr(command, "_run_apart", lambda name: [harness.row_record(row)])
    out = tmp_path / "report.json"
    assert command.main(["rate", "--json", str(out)]) == 0
    report = json.loads(out.read_text())
    assert report["rows"]["rate"][0]["ratio"] == 2.0
    assert report["machine"]["load_average_after"]
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
    assert "gradient N=3" in capsys.readouterr().out


def test_failed_benchmark_is_reported(monkeypatch, tmp_path):
    monkeypatch.setattr(command, "_run_apart", lambda name: None)
    out = tmp_path / "report.json"
    assert command.main(["rate", "--json", str(out)]) == 1
    assert json.loads(out.read_text())["failed"] == ["rate"]
