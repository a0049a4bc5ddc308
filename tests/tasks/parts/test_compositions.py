"""Tasks from parts against loops over trials, steps and channels, written by hand in NumPy."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neurodyn as nd
from neurodyn import tasks
from neurodyn.tasks.parts import (
    choice,
    choices,
    classes,
    directions,
    during,
    hits,
    on_circle,
    one_hot,
    ramp,
    repeat,
    ring,
    signal,
    uniform,
    within,
)

N, DT = 16, 20.0
#: A bump at 0 degrees on 32 units, as in Yang et al. (2019).
BUMP = [0.8, 0.70600, 0.48522, 0.25972, 0.10827]


def bump(theta, n=32):
    """The same, from its formula."""
    found = np.zeros(n)
    for k in range(n):
        away = abs(theta - 360 * k / n) % 360
        away = min(away, 360 - away)
        found[k] = 0.8 * np.exp(-((away / 22.5) ** 2) / 2)
    return found


def everything():
    """All kinds of terms in one task without noise."""
    hold = ("fixation", "stimulus", "delay")
    return tasks.EpochTask(
        DT,
        epochs={"fixation": 100, "stimulus": [200, 300], "delay": (0, 200), "response": 200},
        align="stimulus",
        conditions={
            ("f1", "f2"): [(0.5, 1.0), (1.0, 2.0), (2.0, 0.5)],
            "rule": ("pro", "anti"),
            "theta": uniform(0, 360),
            "double": lambda c, key: 2 * c["theta"],
        },
        derived=lambda c, key: {
            "target": jnp.where(c["rule"] == 1, c["theta"] + 180, c["theta"]) % 360,
            "_steps": jnp.cumsum(c.schedule.during("stimulus")).astype(c["f1"].dtype),
        },
        inputs={
            "fixation": during(*hold),
            "ring": during("stimulus", value=ring("theta", strength="f1"))
            + during("response", value=ring("target", strength=lambda c: 0.5 * c["f2"])),
            "rule": during(*hold, "response", value=one_hot("rule", ("pro", "anti"))),
            "pulse": during("delay", "response", skip=20, first=40, value="f2"),
            "count": signal(lambda c, key: c["_steps"][:, None]),
            "pair": during("stimulus", value=(1.0, -1.0)) + ramp("response", value=(0.0, 3.0)),
        },
        outputs={
            "fixation": during(*hold, value=0.8) + during("response", value=0.05),
            "point": during("response", value=on_circle("target")),
            "ramp": ramp("response", value="f1", over=lambda c: 100 * c["f2"]),
        },
        weights={"response": 5.0, "fixation": 0.0, "delay": "f1"},
        output_weights={"fixation": 2.0},
        grace={"response": 40},
        score=within("response", tolerance=0.1),
    )


def by_hand(trials, n_steps):
    """Inputs, targets and weights of the same task."""
    inputs, targets = np.zeros((N, n_steps, 39)), np.zeros((N, n_steps, 4))
    weights = np.zeros((N, n_steps, 4))
    for i in range(N):
        c = {name: float(values[i]) for name, values in trials.conditions.items()}
        start = {k: round(float(v[i, 0]) / DT) for k, v in trials.epochs.items()}
        stop = {k: round(float(v[i, 1]) / DT) for k, v in trials.epochs.items()}
        angle = np.deg2rad(c["target"])
        for t in range(n_steps):
            now = next((k for k in start if start[k] <= t < stop[k]), None)
            if now is None:
                inputs[i, t, 36] = stop["stimulus"] - start["stimulus"]
                continue
            since = t - start[now]
            inputs[i, t, 0] = now != "response"
            targets[i, t, 0] = 0.05 if now == "response" else 0.8
            inputs[i, t, 33 + int(c["rule"])] = 1
            if now == "stimulus":
                inputs[i, t, 1:33] = c["f1"] * bump(c["theta"])
                inputs[i, t, 37:] = 1, -1
            if now in ("delay", "response") and 1 <= since < 3:
                inputs[i, t, 35] = c["f2"]
            inputs[i, t, 36] = min(
                max(t + 1 - start["stimulus"], 0), stop["stimulus"] - start["stimulus"]
            )
            weight = {"fixation": 0, "stimulus": 1, "delay": c["f1"]}.get(now, 5 * (since >= 2))
            weights[i, t] = np.array([2, 1, 1, 1]) * weight
            if now == "response":
                inputs[i, t, 1:33] = 0.5 * c["f2"] * bump(c["target"])
                inputs[i, t, 38] = 3 * (since + 1) / 10
                targets[i, t, 1:] = (
                    np.cos(angle),
                    np.sin(angle),
                    c["f1"] * (since + 1) * DT / (100 * c["f2"]),
                )
    return inputs, targets, weights


def test_every_term_is_what_a_loop_says():
    task = everything()
    trials = jax.tree.map(np.asarray, task.batch(3, N))
    assert len(np.unique(trials.conditions["stimulus_duration"])) == 2
    expected = by_hand(trials, task.n_steps)
    for found, wanted in zip((trials.inputs, trials.targets, trials.mask), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=2e-6)
    np.testing.assert_allclose(trials.conditions["double"], 2 * trials.conditions["theta"])
    assert "_steps" not in trials.conditions
    assert task.input_names[-6:] == ("rule_pro", "rule_anti", "pulse", "count", "pair_0", "pair_1")
    assert task.output_names == ("fixation", "point_cos", "point_sin", "ramp")
    assert task.labels() == {"rule": {0: "pro", 1: "anti"}}
    assert task.units()["theta"] == task.units()["target"] == "deg"
    rows = {
        tuple(map(float, row))
        for row in zip(*map(trials.conditions.get, ("f1", "f2")), strict=True)
    }
    assert rows == {(0.5, 1.0), (1.0, 2.0), (2.0, 0.5)}
    given = task.batch(0, 4, theta=90, f1=7.0, delay_duration=40)
    assert {float(x) for k in ("theta", "f1", "delay_duration") for x in given.conditions[k]} == {
        90,
        7,
        40,
    }
    with pytest.raises(ValueError, match=r"'theta' must lie in \[0, 360\]"):
        task.batch(0, 4, theta=400)
    with pytest.raises(ValueError, match="Unknown condition 'target'"):
        task.batch(0, 4, target=3.0)


def test_the_loss_is_the_weighted_mean_of_squares():
    task = everything()
    trials = task.batch(3, N)
    outputs = np.random.default_rng(0).normal(size=trials.targets.shape).astype(np.float32)
    squares = trials.mask * (outputs - trials.targets) ** 2
    wanted = squares.sum((1, 2)) / trials.mask.sum((1, 2))
    np.testing.assert_allclose(task.loss(outputs, trials), wanted, rtol=1e-5)
    np.testing.assert_array_equal(task.score(trials.targets, trials)["correct"], 1)


def test_a_bump_is_that_of_the_published_code():
    value = ring("theta", 32)
    row = np.asarray(value.row({"theta": jnp.asarray(0.0)}, jnp.float32))
    np.testing.assert_allclose(row[:5], BUMP, atol=5e-6)
    turned = value.row({"theta": jnp.asarray(123.4)}, jnp.float32)
    np.testing.assert_allclose([row.sum(), turned.sum()], 4.01061, atol=1e-5)
    np.testing.assert_allclose((row**2).sum(), 2.26874, atol=1e-5)
    opposite = np.asarray(value.row({"theta": jnp.asarray(180.0)}, jnp.float32))
    np.testing.assert_allclose(np.linalg.norm(row - opposite), 2.13014, atol=1e-5)


def test_noise_has_its_size_in_its_channels_only():
    options = {
        "epochs": {"all": 2000},
        "conditions": {"theta": directions(4)},
        "inputs": {
            "a": during("all"),
            "b": during("all", value=ring("theta", 4)),
            "c": during("all"),
        },
        "outputs": {"o": during("all")},
        "score": within(tolerance=0.1),
    }
    quiet = tasks.EpochTask(DT, **options).batch(0, N)
    some = tasks.EpochTask(DT, noise={"b": 0.1, "c": 0.3}, noise_tau=40.0, **options).batch(0, N)
    noise = np.asarray(some.inputs - quiet.inputs)
    assert not noise[..., 0].any()
    stds = [0.1 * 2, 0.3 * 2]  # sqrt(2 tau / dt) = 2
    found = [noise[..., 1:5].std(), noise[..., 5].std()]
    np.testing.assert_allclose(found, stds, rtol=0.05)
    whole = tasks.EpochTask(DT, noise=0.1, noise_tau=40.0, **options).batch(0, N)
    np.testing.assert_allclose((whole.inputs - quiet.inputs).std(), 0.2, rtol=0.05)


def serial_recall(n_items=6, length=3):
    """Items one after the other, then the same in order: classes, in epochs by number."""
    items, answers = ([f"{name}_{i}" for i in range(length)] for name in ("item", "answer"))
    pairs = zip(answers, items, strict=True)
    return tasks.EpochTask(
        DT,
        epochs=repeat({"item": 60, "gap": (20, 60)}, length) | repeat({"answer": 60}, length),
        conditions={name: range(n_items) for name in items},
        inputs={
            "item": sum(during(name, value=one_hot(name, n_items)) for name in items),
            "go": during(*answers, first=20),
        },
        outputs=classes(
            "none",
            *map(str, range(n_items)),
            target=sum(during(answer, value=item) + during(answer) for answer, item in pairs),
        ),
        score=hits(*answers, last=True),
    )


def at(values, epoch):
    """The values of each trial in the last step of an epoch."""
    last = np.asarray(epoch)[:, 1].astype(int) // int(DT) - 1
    return np.asarray(values)[np.arange(len(last)), last]


def test_a_sequence_is_recalled_in_order():
    task = serial_recall()
    assert len(task.condition_table()["item_0"]) == 6**3
    trials = task.validation()
    n = len(trials.inputs)
    for i in range(3):
        item = np.asarray(trials.conditions[f"item_{i}"])
        shown = at(trials.inputs[..., :6], trials.epochs[f"item_{i}"])
        np.testing.assert_array_equal(shown, np.eye(6)[item])
        asked = at(trials.targets[..., 0], trials.epochs[f"answer_{i}"])
        np.testing.assert_array_equal(asked, item + 1)
    right = np.eye(7, dtype=np.float32)[np.asarray(trials.targets[..., 0])]
    np.testing.assert_array_equal(task.score(right, trials)["all_correct"], 1)
    # The second answer is wrong at its last step; at other steps nothing counts.
    wrong = right.copy()
    wrong[:, 0] = np.roll(right[:, 0], 1, axis=1)
    last = np.asarray(trials.epochs["answer_1"])[:, 1].astype(int) // int(DT) - 1
    wrong[np.arange(n), last] = np.roll(right[np.arange(n), last], 1, axis=1)
    scores = task.score(wrong, trials)
    np.testing.assert_allclose(scores["correct"], 2 / 3, rtol=1e-6)
    np.testing.assert_array_equal(scores["all_correct"], 0)
    guess = np.random.default_rng(0).normal(size=right.shape).astype(np.float32)
    guess[..., 0] = -9
    # 1944 answers at least, each right by one of six.
    np.testing.assert_allclose(task.score(guess, trials)["correct"].mean(), 1 / 6, atol=0.03)


def test_new_numbers_compile_nothing_and_are_used():
    task = tasks.EpochTask(
        DT,
        epochs={"stimulus": 100, "decision": 100},
        conditions={"side": ("left", "right")},
        inputs={"cue": during("stimulus", value=one_hot("side", 2))},
        outputs=choices("left", "right", when="decision", correct="side"),
        noise=0.1,
        weights={"decision": 2.0},
        score=choice("decision", "side"),
    )
    traces = 0

    @eqx.filter_jit
    def draw(task, key):
        nonlocal traces
        traces += 1
        return task.sample(key)

    trial = draw(task, jax.random.key(0))
    heavy = eqx.tree_at(lambda t: t.weights["decision"], task, jnp.float32(7.0))
    quiet = eqx.tree_at(lambda t: t.noise_std, heavy, jnp.float32(0.0))
    changed = draw(quiet, jax.random.key(0))
    assert traces == 1
    assert (float(trial.mask.max()), float(changed.mask.max())) == (2, 7)
    assert set(np.unique(changed.inputs)) == {0, 1}


def test_a_task_with_functions_is_not_saved_and_says_why(tmp_path):
    with pytest.raises(ValueError, match=r"<lambda>', and files hold no code.*class of your"):
        nd.save(tmp_path / "task.nd", everything())
    assert not list(tmp_path.iterdir())
    task = serial_recall(3, 2)
    nd.save(tmp_path / "task.nd", task)
    trials, again = task.batch(0, 4), nd.load(tmp_path / "task.nd").batch(0, 4)
    assert jax.tree.all(jax.tree.map(np.array_equal, trials, again))
