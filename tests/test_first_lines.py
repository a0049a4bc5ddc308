"""First lines of new users, and of those who come from other libraries."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.thorough


def test_what_is_typed_runs_or_is_refused_with_the_way_on():
    done = subprocess.run(
        [sys.executable, "-m", "tests.typed"],
        cwd=Path(__file__).parents[1],
        env=os.environ | {"MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
