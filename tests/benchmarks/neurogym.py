"""Drawing 64 trials against neurogym and against a budget, in one process.

Ours are drawn inside compiled code, as in training, and by a plain call.

Both sides draw the same task with the same durations at steps of 20 ms, as far as neurogym can.
neurogym pins other versions than ours, so `make neurogym` runs this in an environment of its own;
elsewhere its rows stay empty. Theirs are 64 calls of ``new_trial``, without the copy into a batch.
"""

import importlib
import warnings
from typing import Any

import jax

from neurodyn import tasks
from tests.benchmarks.harness import Row, alternate
from tests.benchmarks.tasks import compiled

CORES = 1
BATCH, DT, BAR = 64, 20, 10.0
#: Budgets of 64 trials [ms].
PLAIN, NOISY = 1.0, 2.0
YANG = [
    "go", "rtgo", "dlygo", "anti", "rtanti", "dlyanti", "dm1", "dm2", "ctxdm1", "ctxdm2",
    "multidm", "dlydm1", "dlydm2", "ctxdlydm1", "ctxdlydm2", "multidlydm", "dms", "dnms", "dmc",
    "dnmc",
]  # fmt: skip


def pairs() -> list[tuple[str, Any, float, list[tuple[str, dict]]]]:
    """Our task and its budget, and the environments of neurogym that draw it in turn."""
    choice = {"fixation": 100, "stimulus": 800, "delay": 0, "decision": 300}
    context = {"fixation": 300, "stimulus": 760, "delay": 300, "decision": 100}
    match = {"fixation": 300, "sample": 500, "delay": 1000, "test": 500, "decision": 900}
    return [
        ("PerceptualDecision", tasks.PerceptualDecision(DT, **choice), NOISY,
         [("PerceptualDecisionMaking", {"timing": choice})]),
        ("ContextDecision", tasks.ContextDecision(DT, **context), NOISY,
         [("ContextDecisionMaking", {"timing": context})]),
        ("DelayMatchToSample", tasks.DelayMatchToSample(DT, **match), NOISY,
         [("DelayMatchSample", {"timing": match})]),
        ("ReadySetGo", tasks.ReadySetGo(DT), PLAIN, [("ReadySetGo", {})]),
        # Rings as large as neurogym's; `tests.benchmarks tasks` draws those that were published.
        ("Yang2019, all rules", tasks.Yang2019(DT, n_ring=16), NOISY,
         [(f"yang19.{rule}", {}) for rule in YANG]),
    ]  # fmt: skip


def run() -> list[Row]:
    """Each task against neurogym and against its budget."""
    try:
        neurogym, note = importlib.import_module("neurogym"), ""
    except ImportError as error:
        neurogym, note = None, f"{error}: make neurogym"
    rows = []
    for name, task, budget, peers in pairs():
        calls = [
            compiled(task, BATCH),
            lambda task=task: jax.block_until_ready(task.batch(0, BATCH)),
        ]
        if neurogym is not None:
            calls.append(_drawing(neurogym, peers))
        ours, plain, *theirs = alternate(*calls)
        sizes = {"B": BATCH, "T": task.n_steps}
        peer = theirs[0].best if theirs else None
        rows.append(
            Row(name, "neurogym", ours.best, peer, bar=BAR, sizes=sizes, threads=CORES, note=note)
        )
        call = f"{name}, plain call"
        rows.append(Row(call, "neurogym", plain.best, peer, sizes=sizes, threads=CORES, note=note))
        limit = f"{budget:g} ms"
        rows.append(Row(name, limit, ours.best, budget, bar=1.0, sizes=sizes, threads=CORES))
    return rows


def _drawing(neurogym: Any, peers: list[tuple[str, dict]]) -> Any:
    """A call that draws as many trials as a batch, of each environment in turn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = [neurogym.make(f"{name}-v0", dt=DT, **options) for name, options in peers]
    tops = [env.unwrapped._top for env in made]
    turns = (tops * BATCH)[:BATCH]

    def draw() -> None:
        for top in turns:
            top.new_trial()

    return draw
