"""Several networks of a sweep at once, each in a process of its own on one core.

One network of 500 units does not keep two cores busy: its gradient takes only 1.5 times as long on
one core as on two. One core adds numbers in another order than several, so networks differ from
those of ``workers=1`` in their last bits, and after many steps in more.
"""

import dataclasses
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import jax

from neurodyn.common.progress import bar
from neurodyn.experiments.timescales.networks import Variant
from neurodyn.experiments.timescales.settings import Settings


def train_apart(
    settings: Settings,
    variants: Sequence[Variant],
    folder: Path,
    *,
    resume: bool,
    progress: bool | None,
) -> None:
    """Train each variant in a process of its own, ``settings.workers`` at a time.

    Networks and records are left in files of the folder.

    Raises
    ------
    RuntimeError
        If a process fails, with the end of its output. The others are stopped; they continue from
        their checkpoints when the run is resumed.
    """
    names = [field.name for field in dataclasses.fields(Settings)]
    common = {name: getattr(settings, name) for name in names} | {"n_seeds": 1, "workers": 1}
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false",
        "JAX_ENABLE_X64": str(int(jax.config.read("jax_enable_x64"))),
    }
    started: list[subprocess.Popen] = []
    stopped = threading.Event()

    def train_one(variant: Variant) -> None:
        own = {"curricula": [variant.curriculum], "taus": [variant.tau], "seed": variant.seed}
        task = json.dumps({"settings": common | own, "folder": str(folder), "resume": resume})
        command = [sys.executable, "-m", "neurodyn.experiments.timescales.worker", task]
        with subprocess.Popen(
            command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as one:
            started.append(one)
            if stopped.is_set():  # while this process began
                one.terminate()
            said = one.communicate()[0]
        if one.returncode:
            raise RuntimeError(f"{variant.name} failed:\n{said[-2000:]}")
        sys.stderr.write(said)  # warnings

    def stop() -> None:
        stopped.set()
        for one in started:
            one.terminate()

    with bar("runs", len(variants), show=progress) as advance:
        _all(train_one, variants, settings.workers, advance, stop)


def _all(
    train_one: Callable,
    variants: Sequence[Variant],
    workers: int,
    advance: Callable,
    stop: Callable[[], None],
) -> None:
    with ThreadPoolExecutor(workers) as pool:
        futures = {pool.submit(train_one, variant): variant for variant in variants}
        try:
            for future in as_completed(futures):
                future.result()
                advance(note=futures[future].name)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            stop()
            raise
