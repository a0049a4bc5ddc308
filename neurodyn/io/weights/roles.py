"""Which array of a checkpoint is which parameter of a model, by name and shape."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

_WEIGHT = r"([._/]?(weight|kernel))?"
#: Ends of names that tell what an array is, in lower case.
_ENDS = {
    "W": rf"weight_hh(_l0)?|recurrent_kernel|(h2h|hh|hidden2hidden|hidden_to_hidden|rec|recurrent|"
    rf"recurrent_layer|w_?hh|w_?rec|w_?r|w){_WEIGHT}",
    "U": rf"weight_ih(_l0)?|(i2h|x2h|ih|in2h|input2h|input2hidden|input_to_hidden|in|input|"
    rf"input_layer|w_?ih|w_?in|w_?x|u){_WEIGHT}",
    "W_out": rf"(h2o|ho|fc|out|output|readout|linear|dense|decoder|head|hidden2output|"
    rf"output_layer|w_?out|w_?o){_WEIGHT}",
    "b": r"b_?hh|b_?rec|b",
    "b_in": r"b_?ih|b_?in",
    "b_out": r"b_?out|b_?o",
    "tau": r"taus?|time_constants?",
    "alpha": r"alphas?|leak",
    "initial": r"[hxr]_?0|[hxr]_?init|init(ial)?(_state|_hidden)?",
}
_BIAS_OF = {"W": "b", "U": "b_in", "W_out": "b_out"}
ROLES = tuple(_ENDS)


class Found(NamedTuple):
    """Names of the arrays of each role, of those left over, and roles that keep the model's."""

    names: dict[str, tuple[str, ...]]
    left: list[str]
    kept: set[str]


def find_roles(
    arrays: Mapping[str, np.ndarray],
    shapes: Mapping[str, tuple[int, ...]],
    names: Mapping[str, str | Sequence[str] | None],
) -> Found:
    """Match arrays with the parameters of a model.

    Parameters
    ----------
    arrays
        The arrays.
    shapes
        Shapes that the roles "W", "U" and "W_out" have in the layout of the arrays.
    names
        Roles that the user named: an array, several that are summed, or None.

    Raises
    ------
    ValueError
        If the user names a role or an array that is not there, or two arrays fit one role.
    """
    found = Found({}, list(arrays), set())
    for role, given in names.items():
        if role not in ROLES:
            raise ValueError(f"`names` has {role!r}; it names {', '.join(ROLES)}.")
        chosen = () if given is None else (given,) if isinstance(given, str) else tuple(given)
        for name in chosen:
            if name not in arrays:
                raise ValueError(
                    f"`names` asks for {name!r} as {role!r}; there are {listed(arrays, arrays)}."
                )
        found.kept.update((role,) if given is None else ())
        found.left[:] = [name for name in found.left if name not in chosen]
        if chosen:
            found.names[role] = chosen
    for role in ROLES:
        if role not in found.names and role not in found.kept:
            fits = [n for n in _named(found, role) if role not in shapes or arrays[n].ndim == 2]
            _take(found, arrays, role, fits)
    for role, shape in shapes.items():
        if role not in found.names and role not in found.kept and 0 not in shape:
            fits = [name for name in found.left if arrays[name].shape == shape]
            others = [r for r in shapes if r != role and r not in {*found.names, *found.kept}]
            if not any(shapes[other] == shape for other in others):
                _take(found, arrays, role, fits)
    for weight, bias in _BIAS_OF.items():
        if bias not in found.names and bias not in found.kept:
            siblings = [_sibling(name) for name in found.names.get(weight, ())]
            _take(found, arrays, bias, [name for name in found.left if name in siblings])
    return found


def _named(found: Found, role: str) -> list[str]:
    (recurrent,) = found.names.get("W", ("",))[:1]
    if role == "U" and recurrent.endswith("recurrent_kernel"):  # Keras has them side by side
        beside = recurrent.removesuffix("recurrent_kernel") + "kernel"
        return [name for name in found.left if name == beside]
    end = re.compile(rf"(.*[._/])?({_ENDS[role]})")
    return [name for name in found.left if end.fullmatch(name.lower())]


def _take(found: Found, arrays: Mapping[str, np.ndarray], role: str, fits: list[str]) -> None:
    if len(fits) > 1:
        raise ValueError(
            f"{len(fits)} arrays could be {role!r}: {listed(fits, arrays)}. Name the right one, "
            f"names={{{role!r}: {fits[0]!r}}}, and leave out the others with `ignore`."
        )
    if fits:
        found.names[role] = (fits[0],)
        found.left.remove(fits[0])


def _sibling(name: str) -> str:
    """Name of the bias beside a weight."""
    start = max(name.rfind("."), name.rfind("/")) + 1
    end = re.sub("recurrent_kernel|kernel|weight", "bias", name[start:], count=1)
    return name[:start] + end if end != name[start:] else ""


def listed(names, arrays: Mapping[str, np.ndarray]) -> str:
    """Names of arrays with their shapes, for errors."""
    return ", ".join(f"{name!r} {arrays[name].shape}" for name in names) or "none"
