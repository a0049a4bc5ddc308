"""A line at the end of a run: functions that the conformance of labels covered, and faults."""

import re


def pytest_terminal_summary(terminalreporter):
    """Count functions, plots and writers that were tried, and those that were found wrong."""
    tried: dict[str, bool] = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            name = re.search(
                r"conformance/test_labels\.py::\w+\[.*?(neurodyn[\w.]+)", report.nodeid
            )
            if name:
                tried[name[1]] = tried.get(name[1], False) or outcome == "failed"
    if tried:
        from tests.conformance.labelled.public import entries, kind_of

        kinds = [kind_of(entries()[name]) for name in tried]
        covered = ", ".join(f"{kinds.count(k)} {k}s" for k in ("function", "plot", "writer"))
        wrong = sorted(name for name, failed in tried.items() if failed)
        terminalreporter.write_line(f"labels: {covered} tried; {len(wrong)} found wrong")
