"""The program of a worker process: train one network of a sweep."""

import json
import sys
from pathlib import Path
from typing import Any

from neurodyn.experiments.running.experiment import Run
from neurodyn.experiments.timescales.settings import Settings
from neurodyn.experiments.timescales.training import train


def main(task: str) -> None:
    """Train the network that the JSON text `task` describes, and leave it in files."""
    given = json.loads(task)
    # JSON has no tuples.
    settings: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in given["settings"].items()
    }
    train(Settings(**settings), Run(Path(given["folder"]), given["resume"], False))


if __name__ == "__main__":
    main(sys.argv[1])
