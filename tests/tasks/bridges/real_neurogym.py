"""Every environment of the real neurogym as a task: `make neurogym` prints this table.

Each is drawn, scored with its own targets, drawn again, run by a network, or refused with the
reason that is written here. The exit status is 1 if one does anything else.
"""

import sys
import warnings

import equinox as eqx
import jax
import neurogym
import numpy as np
from neurogym.envs.registration import ALL_EXTENDED_ENVS

import neurodyn as nd
from neurodyn import models, tasks

N = {"n": 96, "n_validation": 32}
#: Environments that cannot be made without options.
OPTIONS = {"AnnubesEnv-v0": {"session": {"v": 0.5, "a": 0.5}, "catch_prob": 0.5}}
#: The only ones that are refused, and words of the reason.
REFUSED = {
    "Bandit-v0": "needs rewards",
    "DawTwoStep-v0": "needs rewards",
    "EconomicDecisionMaking-v0": "needs rewards",
    "Null-v0": "needs rewards",
    "Reaching1D-v0": "none of its 3 actions",
    "Reaching1DWithSelfDistraction-v0": "none of its 3 actions",
    "perceptualdecisionmaking.roitman02-v0": "the wrapper ReactionTime",
}
#: Of these a seed does not make the same trials again, and why.
UNSEEDED = {
    "AnnubesEnv-v0": "draws from a generator that no seed reaches",
    "HierarchicalReasoning-v0": "carries blocks on from trial to trial",
}
#: What warnings say, in a few words.
SHORT = {
    "cut epochs short": "epochs cut to whole steps",
    "never says when": "no go cue",
    "become no conditions": "entries that are no conditions",
}


@eqx.filter_jit
def _score(task, outputs, trials):
    return task.score(outputs, trials)["correct"]


def check(name: str) -> list[str]:
    """A row of the table: channels, steps, what the warnings were about."""
    env = neurogym.make(name, **OPTIONS.get(name, {}))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        task = tasks.from_gym(env, **N)
        again, other = (tasks.from_gym(env, seed=seed, **N) for seed in (0, 1))
    trials = task.validation()
    classes = jax.numpy.issubdtype(trials.targets.dtype, jax.numpy.integer)
    outputs = trials.targets
    if classes:
        outputs = jax.nn.one_hot(trials.targets[..., 0], task.n_outputs)
    assert float(_score(task, outputs, trials).min()) == 1, "targets as outputs do not score 1"
    if name not in UNSEEDED:
        for one, two in zip(jax.tree.leaves(task), jax.tree.leaves(again), strict=True):
            np.testing.assert_array_equal(one, two, "the same seed makes other trials")
    same = task.stored.inputs.shape == other.stored.inputs.shape
    assert not (same and np.array_equal(task.stored.inputs, other.stored.inputs)), "one seed"
    model = models.CTRNN(task.n_inputs, 4, task.n_outputs, key=0)
    run = nd.simulate(model, task, n_trials=4, key=0, progress=False)
    assert np.isfinite(run["correct"]).all()
    said = dict.fromkeys(
        words for w in caught for text, words in SHORT.items() if text in str(w.message)
    )
    said |= {UNSEEDED[name]: None} if name in UNSEEDED else {}
    kind = "classes" if classes else "numbers"
    steps = task.n_steps if task.stored.n_valid is None else f"up to {task.n_steps}"
    return [str(task.n_inputs), f"{task.n_outputs} {kind}", str(steps), ", ".join(said)]


def main() -> int:
    """Print the table."""
    print(f"neurogym {neurogym.__version__}: {len(ALL_EXTENDED_ENVS)} environments\n")
    print("| environment | inputs | outputs | steps | notes |\n|---|---|---|---|---|")
    wrong = []
    for name in sorted(ALL_EXTENDED_ENVS):
        try:
            row = check(name)
            if name in REFUSED:
                wrong.append(f"{name} runs, but should be refused: {REFUSED[name]}")
        except (TypeError, ValueError) as error:
            row = ["", "", "", f"refused: {str(error).split(': ', 1)[-1].split('. ')[0]}"]
            if name not in REFUSED or REFUSED[name] not in str(error):
                wrong.append(f"{name}: {error}")
        except AssertionError as error:
            row = ["", "", "", "failed"]
            wrong.append(f"{name}: {error}")
        print(f"| `{name.removesuffix('-v0')}` | " + " | ".join(row) + " |", flush=True)
    refused = len(REFUSED)
    print(f"\n{len(ALL_EXTENDED_ENVS) - refused} run, {refused} are refused with the reason.")
    for line in wrong:
        print(f"WRONG: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
