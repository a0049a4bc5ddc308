"""Run benchmarks, each in a pinned process of its own, print the table and write JSON."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks import harness

_BUSY = 0.5  # load per core, before we start, that makes timings doubtful


def main(arguments: list[str] | None = None) -> int:
    """Command line; exit status 1 if a benchmark failed to run, never for a slow result."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {harness.names()}; all")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write rows and machine facts")
    parser.add_argument("--worker", metavar="FILE", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.names) - set(harness.names()))
    if unknown:
        parser.error(f"no benchmark named {', '.join(unknown)}; there are {harness.names()}")
    if options.worker:
        return _work(options.names[0], Path(options.worker))

    before = harness.machine()
    _print_machine(before)
    results, failed = {}, []
    for name in options.names or harness.names():
        print(f"\n{name}", flush=True)
        rows = _run_apart(name)
        if rows is None:
            failed.append(name)
            print("  did not run: see the error above", file=sys.stderr)
            continue
        results[name] = rows
        _print_rows(rows)
    if options.json:
        after = harness.machine()["load_average"]
        report = {"machine": {**before, "load_average_after": after}, "rows": results}
        _write(options.json, json.dumps({**report, "failed": failed}, indent=1))
    return 1 if failed else 0


def _run_apart(name: str) -> list[dict] | None:
    """Rows of a benchmark from a fresh process, or None if that ended with an error."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "rows.json"
        command = [sys.executable, "-m", "tests.benchmarks", name, "--worker", str(out)]
        if subprocess.run(command, check=False).returncode != 0:
            return None
        return json.loads(out.read_text())


def _work(name: str, out: Path) -> int:
    harness.pin(harness.cores_wanted(name))
    rows = [harness.row_record(row) for row in harness.run_here(name)]
    out.write_text(json.dumps(rows))
    return 0


def _print_machine(facts: dict) -> None:
    versions = ", ".join(f"{k} {v or 'not installed'}" for k, v in facts["versions"].items())
    print(f"{facts['cpu']}, {facts['cores']} cores, Python {facts['python']}\n{versions}")
    load = facts["load_average"][0]
    print(f"load average {load}")
    if load > _BUSY * facts["cores"]:
        print("WARNING: the machine is busy with other work; do not trust these timings.")
    if facts["versions"]["torch"] is None:
        print("torch is not installed: rows against it stay empty (pip install torch).")


def _print_rows(rows: list[dict]) -> None:
    header = ("", "against", "ours", "peer", "ratio", "bar", "")
    table = [header] + [
        (
            row["name"] + "".join(f" {k}={v}" for k, v in row["sizes"].items()),
            row["peer_name"],
            f"{row['ours']:.4g} {row['unit']}",
            "-" if row["peer"] is None else f"{row['peer']:.4g} {row['unit']}",
            "-" if row["ratio"] is None else f"{row['ratio']:.2f}",
            "-" if row["bar"] is None else f"{row['bar']:.2f}",
            row["verdict"] if row["verdict"] != "-" else row["note"],
        )
        for row in rows
    ]
    widths = [max(len(line[i]) for line in table) for i in range(len(header))]
    for line in table:
        cells = [
            cell.ljust(width) if i < 2 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line[:-1], widths[:-1], strict=True))
        ]
        print("  " + "  ".join([*cells, line[-1]]).rstrip())


def _write(path: Path, text: str) -> None:
    """Write atomically: whoever reads `path` finds the old report or the new one."""
    handle, temporary = tempfile.mkstemp(dir=path.absolute().parent, prefix=path.name)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text + "\n")
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


if __name__ == "__main__":
    raise SystemExit(main())
