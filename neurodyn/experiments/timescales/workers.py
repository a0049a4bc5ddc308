"""Several runs of a sweep at once, each in a process of its own on one core.

At 500 units a run alone does not keep two cores busy: its gradient takes only 1.5 times as long on
one core as on two.
"""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from neurodyn.experiments.timescales.networks import Variant
from neurodyn.experiments.timescales.settings import Settings
from neurodyn.progress import bar

__all__ = ["main", "train_apart"]


def train_apart(
    settings: Settings,
    variants: Sequence[Variant],
    folder: Path,
    *,
    resume: bool,
    progress: bool | None,
) -> None:
    """Train each in a process of its own, ``settings.workers`` at a time; all is left in files.

    Raises
    ------
    RuntimeError
        If one fails; it says what that process said last. The others are not begun any more.
    """
    names = [field.name for field in dataclasses.fields(Settings)]
    common = {name: getattr(settings, name) for name in names} | {"n_seeds": 1, "workers": 1}
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false",
    }

    def train_one(variant: Variant) -> None:
        own = {"curricula": variant.curriculum, "taus": variant.tau, "seed": variant.seed}
        task = json.dumps({"settings": common | own, "folder": str(folder), "resume": resume})
        command = [sys.executable, "-m", "neurodyn.experiments.timescales.workers", task]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{variant.name} failed:\n{done.stderr[-2000:]}")

    with bar("runs", len(variants), show=progress) as advance:
        _all(train_one, variants, settings.workers, advance)


def _all(train_one: Callable, variants: Sequence[Variant], workers: int, advance: Callable) -> None:
    pool = ThreadPoolExecutor(workers)
    try:
        started = {pool.submit(train_one, variant): variant for variant in variants}
        for future in as_completed(started):
            future.result()
            advance(note=started[future].name)
    finally:
        pool.shutdown(cancel_futures=True)


def main(task: str) -> None:
    """Train one: what a worker process runs."""
    from neurodyn.experiments.experiment import Run
    from neurodyn.experiments.timescales.training import train

    given = json.loads(task)
    train(Settings(**given["settings"]), Run(Path(given["folder"]), given["resume"], False))


if __name__ == "__main__":
    main(sys.argv[1])
