"""Labels, never positions: whatever xarray does to the data, results are right or refused.

Every public function, plot and writer that takes labelled data is found through `__all__`, and
called with what it accepts of a zoo of labelled objects. A new one is covered without being named;
where nothing in the zoo fits, `test_every_function_has_an_example` says what to add.
"""

import zlib

import numpy as np
import pytest

from tests.conformance.labelled.calls import cases, leaf
from tests.conformance.labelled.clocks import CLOCKS, clock
from tests.conformance.labelled.examples import MISSING, Example, examples, of
from tests.conformance.labelled.given import EXEMPT
from tests.conformance.labelled.orders import permuted, transposed
from tests.conformance.labelled.pairs import paired
from tests.conformance.labelled.public import entries, kind_of
from tests.conformance.labelled.selections import concatenated, selected
from tests.conformance.labelled.variables import in_a_dataset, in_words

pytestmark = pytest.mark.thorough

EVERY = pytest.mark.parametrize("name", entries())
#: Functions that measure, average and draw.
MEASURED = pytest.mark.parametrize(
    "name", [n for n in entries() if n.split(".")[1] in ("analysis", "plot", "trials")]
)


def draws(name: str) -> np.random.Generator:
    """Random numbers that belong to the name of an entry, so that a finding comes again."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def orders(n: int, rng: np.random.Generator) -> np.ndarray:
    """A permutation other than the identity."""
    while True:
        order = rng.permutation(n)
        if (np.diff(order) != 1).any():
            return order


def selections(dim: str, order: np.ndarray, x):
    """Ways to take some of the entries, in some order."""
    some = order[:-1]
    inside = np.isin(np.arange(len(order)), some)
    yield "isel", lambda x: x.isel({dim: some})
    yield "slice", lambda x: x.isel({dim: slice(None, None, -1)}).isel({dim: slice(0, None, 2)})
    yield "mask", lambda x: x.isel({dim: inside})
    if dim in x.indexes and x.indexes[dim].is_unique:
        wanted = x[dim].values[some]
        yield "sel", lambda x: x.sel({dim: wanted})
        yield "where", lambda x: x.where(x[dim].isin(wanted), drop=True)


def examples_under(relation: str, name: str, *, change: str = "") -> list[Example]:
    """The examples of an entry that must keep a relation: none where it is exempt."""
    exempt = name in EXEMPT[relation] and change in EXEMPT_OF.get(relation, change)
    return [] if exempt else of(name)


#: Under which changes exemptions hold, where not under all.
EXEMPT_OF = {"clock": ("gap", "seconds")}


def report(found: list[str]) -> None:
    """Fail with everything that was found."""
    assert not found, "\n".join(found)


def test_every_function_has_an_example():
    examples()
    missing = {name: said for name, said in MISSING.items() if name not in EXEMPT["example"]}
    assert not missing, "\n".join(f"{name}: {said}" for name, said in missing.items())


def test_exemptions_are_of_public_functions():
    assert not {name for names in EXEMPT.values() for name in names} - set(entries())


def test_how_much_is_covered():
    kinds = [kind_of(entry) for name, entry in entries().items() if of(name)]
    for kind, least in (("function", 60), ("plot", 35), ("writer", 3)):
        assert kinds.count(kind) >= least


@EVERY
def test_order_does_not_matter(name):
    found, rng, given = [], draws(name), examples_under("order", name)
    for case in cases(given):
        order = orders(leaf(case.given).sizes[case.dim], rng)
        if said := permuted(case, order):
            found.append(f"{case} in the order {order}: {said}")
    for case in cases(given[:1] + given[-1:]):
        if case.first and (said := transposed(case)):
            found.append(f"{case}, dims in another order: {said}")
            break
    report(found)


@EVERY
def test_a_selection_is_as_if_there_were_no_more(name):
    found, rng = [], draws(name)
    for case in cases(examples_under("selection", name)):
        x = leaf(case.given)
        order = orders(x.sizes[case.dim], rng)
        ways = list(selections(case.dim, order, x))
        way, select = ways[rng.integers(len(ways))]
        if said := selected(case, select):
            found.append(f"{case}, {way} {order[:-1]}: {said}")
        for options in ({}, {"data_vars": "minimal"}):
            if said := concatenated(case, **options):
                found.append(f"{case}, joined with {options}: {said}")
    report(found)


@EVERY
def test_two_objects_are_paired_by_label(name):
    found, rng = [], draws(name)
    for ordered in (False, True):
        for case in cases(examples_under("pairs", name), ordered=ordered):
            order = orders(leaf(case.given).sizes[case.dim], rng)
            if said := paired(case, order):
                found.append(f"{case}: {said}")
    report(found)


@EVERY
def test_another_clock_is_right_or_refused(name):
    for change in CLOCKS:
        found = []
        for case in cases(examples_under("clock", name, change=change), ordered=True):
            if case.dim in ("time", "spike") and (said := clock(case, change)):
                found.append(f"{case}: {said}")
        report(found)


@MEASURED
def test_a_dataset_with_one_variable_is_as_its_array(name):
    found = []
    for example in examples_under("variable", name):
        for argument in example.arguments:
            if said := in_a_dataset(example, argument):
                found.append(f"{example}, {argument}: {said}")
    report(found)


@MEASURED
def test_words_are_labels(name):
    found = [
        f"{example}: {said}"
        for example in examples_under("words", name)
        if (said := in_words(example))
    ]
    report(found)
