"""Environments as tasks: what is stored, what is seeded, what is refused."""

import sys
import warnings
from types import SimpleNamespace

import equinox as eqx
import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neurodyn as nd
from neurodyn import models, tasks
from tests.tasks.bridges.fake import Fake


def small(env=None, **options):
    return tasks.from_gym(env or Fake(), **{"n": 20, "n_validation": 4} | options)


def answers(trials, n):
    return np.eye(n, dtype=np.float32)[np.asarray(trials.targets[..., 0])]


@eqx.filter_jit
def score(task, outputs, trials):
    return task.score(outputs, trials)


class Changed(Fake):
    """A fake with another trial."""

    def __init__(self, change, **options):
        super().__init__(**options)
        self.change = change

    def new_trial(self, **given):
        trial = super().new_trial(**given)
        self.change(self, trial)
        return trial


class Wrapper:
    """As gymnasium's: attributes of the environment inside are passed on."""

    def __init__(self, env):
        self.env = env

    def __getattr__(self, name):
        return getattr(self.env, name)

    @property
    def unwrapped(self):
        return getattr(self.env, "unwrapped", self.env)

    def step(self, action):
        return self.env.step(action)


class Rules(Wrapper):
    """Two environments in turn, with an input that says which, as ScheduleEnvs of neurogym."""

    def __init__(self, envs):
        super().__init__(envs[0])
        self.envs, self.turn = envs, 0
        self.observation_space = SimpleNamespace(shape=(4,))
        for env in envs:
            env._top = self

    def seed(self, seed=None):
        for env in self.envs:
            env.seed(seed)

    def new_trial(self, **given):
        self.turn = 1 - self.turn
        self.env = self.envs[self.turn]
        trial = self.env.new_trial(**given) | {"rule": self.turn}
        rule = np.full((len(self.env.ob), 1), self.turn, np.float32)
        self.env.ob = np.concatenate([self.env.ob, rule], axis=1)
        return trial


def test_trials_are_those_of_the_environment():
    env = Fake()
    task = small(env, seed=3)
    assert (task.n_items, task.n_inputs, task.n_outputs, task.dt) == (20, 3, 3, 20.0)
    assert task.input_names == ("fixation", "stimulus_0", "stimulus_1")
    assert task.output_names == ("fixation", "choice_0", "choice_1")
    trials = jax.tree.map(np.asarray, task.stored)
    assert {len(env.ob) for _ in range(30) if env.new_trial()} == set(trials.n_valid)
    for i, n in enumerate(trials.n_valid):
        # Observation k and ground truth k are of one step; nothing is scored after the end.
        side = trials.conditions["side"][i]
        assert trials.targets[i, :n, 0].tolist() == [0] * (n - 2) + [side] * 2
        assert trials.inputs[i, :n, 0].tolist() == [1] * (n - 2) + [0] * 2
        assert (np.argmax(trials.inputs[i, 2:5, 1:], axis=1) == side - 1).all()
        assert trials.mask[i, :, 0].tolist() == [1] * n + [0] * (task.n_steps - n)
        assert not trials.inputs[i, n:].any()
        assert trials.epochs["decision"][i].tolist() == [(n - 2) * 20, n * 20]
        # An epoch of no steps is absent, and not the one of the trial before.
        assert trials.epochs["delay"][i].tolist() == ([100, (n - 2) * 20] if n > 7 else [0, 0])
        assert trials.conditions["choice_correct"][i] == side - 1
    assert task.labels() == {
        "place": {0: "left"},
        "choice": {-1: "none", 0: "choice_0", 1: "choice_1"},
        "choice_correct": {-1: "none", 0: "choice_0", 1: "choice_1"},
    }
    assert float(score(task, answers(trials, 3), trials)["correct"].min()) == 1


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32), n=st.integers(1, 8))
def test_a_trial_depends_on_the_seed_and_its_number_only(seed, n):
    one = small(seed=seed, n=n, n_validation=1)
    more = small(seed=seed, n=9, n_validation=1)
    other = small(seed=seed + 1, n=9, n_validation=1)
    steps = one.n_steps
    np.testing.assert_array_equal(one.stored.inputs, more.stored.inputs[: n + 1, :steps])
    drawn = {np.asarray(task.stored.inputs[:9]).tobytes() for task in (more, other)}
    assert len(drawn) == 2


def test_generators_are_seeded_apart():
    """With one seed for all, the delay would tell the side."""

    class Span:
        def seed(self, seed):
            self.rng = np.random.RandomState(seed)

        def __call__(self):
            return self.rng.uniform()

    def write(env, trial):
        trial |= {"drawn": env.rng.uniform(), "span": env.timing["delay"]()}

    env = Changed(write)
    env.timing["delay"] = Span()
    found = small(env, n=400).stored.conditions
    assert abs(np.corrcoef(found["drawn"], found["span"])[0, 1]) < 0.2


def test_wrappers_that_take_turns_are_not_skipped():
    task = small(Rules([Fake(), Fake()]), n=40)
    rule = np.asarray(task.stored.conditions["rule"])
    assert (np.asarray(task.stored.inputs[:, 0, 3]) == rule).all()
    assert set(rule.tolist()) == {0, 1}
    assert task.input_names[3] == "input 3"

    class Noise(Wrapper):
        def step(self, action):
            return self.env.step(action)

    with pytest.raises(ValueError, match=r"wrapper Noise changes single steps.*env\.unwrapped"):
        small(Noise(Fake()))
    assert small(Wrapper(Fake())).n_items == 20


def test_conditions_come_in_turn():
    levels = {"coherence": [12.8, 25.6, 51.2], "side": np.array([1, 2]), "place": "right"}
    task = small(conditions=levels, n=60, n_validation=6)
    found = {name: np.asarray(task.stored.conditions[name])[:60] for name in levels}
    _, counts = np.unique([found["coherence"], found["side"]], axis=1, return_counts=True)
    assert counts.tolist() == [10] * 6
    assert task.labels()["place"] == {0: "right"}
    with pytest.raises(ValueError, match="no condition 'coherense'; its trials have: coherence"):
        small(conditions={"coherense": 0.0})
    with pytest.raises(ValueError, match="is empty"):
        small(conditions={"side": []})

    def overrule(env, trial):
        trial["side"] = 1

    with pytest.raises(ValueError, match="does not keep to the condition side=2"):
        small(Changed(overrule), conditions={"side": 2})


def test_weights_grace_and_a_cue():
    task = small(weights={"decision": 5.0, "stimulus": 0.0}, grace=20.0, go_cue=True)
    n = int(task.stored.n_valid[0])
    mask = np.asarray(task.stored.mask[0, :n, 0])
    assert mask.tolist() == [1, 1, 0, 0, 0] + [1] * (n - 7) + [0, 5]
    assert task.input_names[-1] == "go"
    assert np.asarray(task.stored.inputs[0, :n, 3]).tolist() == [0] * (n - 2) + [1, 1]
    with pytest.raises(ValueError, match=r"no epoch 'test' to give a weight.*fixation"):
        small(weights={"test": 1.0})
    with pytest.raises(ValueError, match=r"`grace` = 30 ms is not a whole number of steps"):
        small(grace=30.0)


def test_kinds_of_conditions():
    seen = iter(range(10**6))

    def write(env, trial):
        i = next(seen)
        trial |= {"pair": (1, 2), "curve": np.ones(3), "choice": 2.5, "flag": np.bool_(i % 2)}
        trial |= {"rare": "yes", "level": np.float64(0.25)} if i % 2 else {"side": None}
        trial["infinite"] = np.inf

    with pytest.warns(UserWarning, match=r"'pair', 'curve', 'infinite' of its trials"):
        task = small(Changed(write))
    found = {name: np.asarray(x)[:2] for name, x in task.stored.conditions.items()}
    assert not {"pair", "curve", "infinite", "choice"} & set(found)
    assert found["trial_choice"].tolist() == [2.5, 2.5]
    assert sorted(found["level"].tolist()) == [0, 0.25]
    assert sorted(found["rare"].tolist()) == [-1, 0]
    assert task.labels()["rare"] == {-1: "none", 0: "yes"}
    assert task.labels()["flag"] == {0: "False", 1: "True"}
    assert 0 in found["side"]  # None is the same as absent


def test_warnings_say_what_to_do():
    env = Fake()
    env.timing["fixation"] = 50
    with pytest.warns(UserWarning, match="'fixation' lasts 40 ms instead of 50. Choose a dt"):
        small(env)

    def short(env, trial):
        env.start_ind["pulse"] = env.end_ind["pulse"] = 3

    brief = Changed(short)
    brief.timing["pulse"] = [5.0, 10.0]
    with pytest.warns(UserWarning, match="'pulse' never lasts a step"):
        assert "pulse" not in small(brief).stored.epochs

    def uncue(env, trial):
        env.ob[2:, 0] = 0

    with pytest.warns(UserWarning, match="never says when to answer. Pass go_cue=True"):
        small(Changed(uncue))
    with warnings.catch_warnings(action="error"):
        small(Changed(uncue), go_cue=True)

    own = np.random.default_rng()

    def stray(env, trial):
        env.ob[0] += own.uniform()

    with pytest.warns(UserWarning, match="the same seed makes another trial"):
        small(Changed(stray))


def test_numbers_and_answers_without_a_decision():
    class Reach(Fake):
        def __init__(self):
            super().__init__()
            self.action_space = SimpleNamespace(shape=(2,))

        def new_trial(self, **given):
            trial = super().new_trial(**given)
            self.gt = np.stack([self.gt, -self.gt], axis=1) / 2
            return trial

    task = small(Reach())
    trials = task.validation()
    assert trials.targets.shape == (4, task.n_steps, 2)
    assert task.output_names == ("output 0", "output 1")
    assert np.asarray(score(task, trials.targets, trials)["correct"]).tolist() == [1] * 4

    def timed(env, trial):
        del env.start_ind["decision"]
        env.gt[:] = 0
        if trial["side"] == 2:
            env.gt[3] = 1

    task = small(Changed(timed), n=30)
    trials = jax.tree.map(np.asarray, task.batch(0, 30))
    assert float(score(task, answers(trials, 3), trials)["correct"].min()) == 1
    held = score(task, answers(trials, 3) * np.float32([1, 0, 1]), trials)
    # Never answering is right where no answer is due, and misses the one step where one is.
    np.testing.assert_array_equal(held["correct"], trials.conditions["side"] == 1)
    assert "choice" not in held


def broken(**fields):
    def change(env, trial):
        for name, value in fields.items():
            setattr(env, name, value)

    return Changed(change)


@pytest.mark.parametrize(
    ("env", "error", "match"),
    [
        (SimpleNamespace(), TypeError, "no new_trial, no dt"),
        (Fake, TypeError, r"got the class itself: Fake\(\)"),
        (broken(gt=None), TypeError, "needs rewards"),
        (broken(ob=np.zeros((7, 2))), ValueError, r"`ob` must be .*\(3,\).*got shape \(7, 2\)"),
        (broken(ob=np.zeros((7, 3, 1))), ValueError, "made flat"),
        (broken(gt=np.zeros(3, int)), ValueError, "`gt` must have one action"),
        (broken(mask=np.ones(2)), ValueError, "`mask` must have the shape"),
        (broken(action_space=SimpleNamespace(n=2)), ValueError, "ground truth 2 is none of its 2"),
        (broken(action_space=SimpleNamespace(shape=(2, 2))), TypeError, "discrete or a box"),
        (broken(dt=-1.0), ValueError, "`dt` must be above 0"),
    ],
)
def test_bad_environments_are_refused(env, error, match):
    with pytest.raises(error, match=match):
        small(env)


def test_bad_calls_are_refused(monkeypatch):
    for options in ({"n": 0}, {"n_validation": 0}, {"seed": -1}):
        with pytest.raises(ValueError, match=next(iter(options))):
            small(**options)
    with pytest.raises(ValueError, match=r"\['dt'\] are options of an environment that is given"):
        small(dt=10.0)
    monkeypatch.setitem(sys.modules, "neurogym", None)
    message = r"from_gym\('GoNogo-v0'\) needs neurogym: pip install 'neurodyn\[neurogym\]' \(pins"
    with pytest.raises(ImportError, match=message):
        tasks.from_gym("GoNogo-v0")
    made = SimpleNamespace(make=lambda name, dt: Fake(dt) if name == "Fake-v0" else None)
    monkeypatch.setitem(sys.modules, "neurogym", made)
    assert tasks.from_gym("Fake-v0", n=3, n_validation=1, dt=10.0).dt == 10


def test_a_model_is_trained_simulated_and_saved(tmp_path):
    task = small(n=100, n_validation=20)
    nd.save(tmp_path / "task.nd", task)
    task = nd.load(tmp_path / "task.nd")
    model = models.CTRNN(task.n_inputs, 4, task.n_outputs, key=0)
    fit = nd.fit(model, task, steps=2, sampler="shuffle", batch_size=6, key=0, progress=False)
    run = nd.simulate(fit.model, task, n_trials=6, key=0, progress=False)
    assert {"coherence", "side", "choice", "correct", "item", "decision_start"} <= set(run.coords)
    assert task.validation().inputs.shape[0] == 20
    assert task.validation().item is None
