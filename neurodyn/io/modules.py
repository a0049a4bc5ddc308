"""Modules as JSON and arrays, without any code."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neurodyn.common import registry
from neurodyn.io.archive import VERSION, FileFormatError
from neurodyn.io.versions import renamed_class, upgraded

#: Functions that may appear in models, by the module that a file names.
_FUNCTIONS: dict[str, tuple[Any, str]] = {
    "jax.nn": (
        jax.nn,
        "celu elu gelu hard_sigmoid hard_silu hard_tanh identity leaky_relu log_sigmoid "
        "log_softmax mish relu relu6 selu sigmoid silu soft_sign softmax softplus sparse_plus "
        "squareplus",
    ),
    "jax.numpy": (
        jnp,
        "abs arctan cos exp expm1 log1p maximum minimum sign sin sinc sqrt square tanh",
    ),
    "jax.lax": (jax.lax, "erf logistic rsqrt tanh"),
}
#: Levels of containers in the description of an object.
_DEEPEST = 250
_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def encode(x: Any, arrays: dict[str, np.ndarray], path: str) -> Any:
    """Write down an object as JSON, adding its arrays to ``arrays`` by their path.

    Raises
    ------
    ValueError
        If it holds something that a file cannot hold; the error names its place.
    """
    if x is None or isinstance(x, (bool, int, str)):
        return x
    if isinstance(x, float):
        return x if math.isfinite(x) else {"float": repr(x)}
    if isinstance(x, (jax.Array, np.ndarray, np.generic)):
        return _encode_array(x, arrays, path)
    if isinstance(x, dict):
        items = [
            [encode(k, arrays, f"{path} key"), encode(v, arrays, f"{path}[{k!r}]")]
            for k, v in x.items()
        ]
        return {"dict": items}
    if type(x) in (tuple, list):
        items = [encode(item, arrays, f"{path}[{i}]") for i, item in enumerate(x)]
        return {type(x).__name__: items}
    if isinstance(x, type) or (callable(x) and not dataclasses.is_dataclass(x)):
        return {"function": _function_name(x, path)}
    try:
        name = registry.name_of(type(x))
    except ValueError as error:
        raise ValueError(f"{path} cannot be saved: {error}") from error
    fields = {
        field: encode(getattr(x, field), arrays, f"{path}.{field}")
        for field in _fields(type(x))
        if hasattr(x, field)
    }
    return {"class": name, "fields": fields}


def refuse_depth(x: Any) -> None:
    """Refuse a description that is nested too deeply for `decode`, whoever calls it.

    Raises
    ------
    FileFormatError
        If it has more than 250 levels; models have a few tens.
    """
    level = [x]
    for _ in range(_DEEPEST):
        inside = [list(y.values()) if isinstance(y, dict) else y for y in level]
        level = [z for y in inside if isinstance(y, list) for z in y]
    if level:
        raise FileFormatError(f"the object is nested too deeply, in more than {_DEEPEST} levels.")


def decode(x: Any, arrays: Mapping[str, np.ndarray], version: int = VERSION) -> Any:
    """Build the object that `encode` wrote into a file of this version.

    Raises
    ------
    FileFormatError
        If the file names an unknown class or function, or fields that a class does not have.
    """
    if x is None or isinstance(x, (bool, int, float, str)):
        return x
    if not isinstance(x, dict) or not x:
        raise FileFormatError(f"the description of the object holds {x!r}.")
    kind = next(iter(x))
    if kind not in _DECODERS:
        raise FileFormatError(f"the description of the object holds an unknown {kind!r}.")
    try:
        return _DECODERS[kind](x, arrays, version)
    except (TypeError, KeyError, AttributeError, IndexError) as error:
        raise FileFormatError(f"the description of a {kind} is incomplete: {x!r:.200}") from error


def _encode_array(x: Any, arrays: dict[str, np.ndarray], path: str) -> dict[str, Any]:
    if isinstance(x, jax.Array) and jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key):
        arrays[path] = np.asarray(jax.random.key_data(x))
        return {"key": path, "impl": str(jax.random.key_impl(x))}
    arrays[path] = np.asarray(x)
    if isinstance(x, jax.Array):
        return {"array": path}
    return {"numpy": path} if isinstance(x, np.ndarray) else {"number": path}


def _decode_array(x: dict, arrays: Mapping[str, np.ndarray], version: int) -> jax.Array:
    array = arrays[x["array"]]
    if jax.dtypes.canonicalize_dtype(array.dtype) != array.dtype:
        raise FileFormatError(
            f"'{x['array']}' is {array.dtype}, which JAX would cut to 32 bits: load the file under "
            "jax.enable_x64(True), or after jax.config.update('jax_enable_x64', True)."
        )
    return jnp.array(array, copy=True)


def _decode_key(x: dict, arrays: Mapping[str, np.ndarray], version: int) -> jax.Array:
    return jax.random.wrap_key_data(jnp.array(arrays[x["key"]], copy=True), impl=x["impl"])


def _function_name(x: Callable, path: str) -> str:
    for module, (holder, names) in _FUNCTIONS.items():
        for name in names.split():
            if getattr(holder, name, None) is x:
                return f"{module}.{name}"
    raise ValueError(
        f"{path} is the function {getattr(x, '__qualname__', x)!r}, and files hold no code. Use "
        "one that has a name (the activations of neurodyn.models, or those of jax.nn), or write a "
        "class of your own whose method it is (neurodyn.register)."
    )


def _decode_function(x: dict, arrays: Mapping[str, np.ndarray], version: int) -> Callable:
    module, _, name = x["function"].rpartition(".")
    if module not in _FUNCTIONS or name not in _FUNCTIONS[module][1].split():
        raise FileFormatError(f"the function {x['function']!r} is not one that files may name.")
    return getattr(_FUNCTIONS[module][0], name)


def _decode_class(x: dict, arrays: Mapping[str, np.ndarray], version: int) -> Any:
    fields = {name: decode(v, arrays, version) for name, v in x["fields"].items()}
    name, fields = renamed_class(x["class"], fields)
    try:
        cls = registry.class_named(name)
    except ValueError as error:
        raise FileFormatError(str(error)) from error
    fields = _defaults(cls) | upgraded(cls, fields, version)
    expected = set(_fields(cls))
    if set(fields) - expected or {f for f in expected if _required(cls, f)} - set(fields):
        raise FileFormatError(
            f"{x['class']} was saved with the fields {sorted(fields)}, but has {sorted(expected)} "
            "in this version: load it with the version that saved it."
        )
    if issubclass(cls, tuple):
        return cls(**fields)
    instance = object.__new__(cls)
    for name, value in fields.items():
        object.__setattr__(instance, name, value)
    for base in cls.__mro__:
        if "__check_init__" in vars(base):
            try:
                vars(base)["__check_init__"](instance)
            except ValueError as error:
                raise FileFormatError(f"{x['class']}: {error}") from error
    return instance


def _fields(cls: Any) -> tuple[str, ...]:
    if issubclass(cls, tuple):
        return cls._fields
    return tuple(field.name for field in dataclasses.fields(cls))


def _defaults(cls: Any) -> dict[str, Any]:
    """Defaults of fields, for files that were written before a class had them."""
    if issubclass(cls, tuple):
        return {}
    missing = dataclasses.MISSING
    return {f.name: f.default for f in dataclasses.fields(cls) if f.default is not missing}


def _required(cls: type, name: str) -> bool:
    """Whether an instance must hold this field (class attributes stand in for some)."""
    return not hasattr(cls, name) or issubclass(cls, tuple)


def _items(kind: str) -> Callable:
    make = {"tuple": tuple, "list": list}[kind]
    return lambda x, arrays, version: make(decode(item, arrays, version) for item in x[kind])


_DECODERS: dict[str, Callable] = {
    "float": lambda x, arrays, version: _FLOATS[x["float"]],
    "array": _decode_array,
    "numpy": lambda x, arrays, version: arrays[x["numpy"]].copy(),
    "number": lambda x, arrays, version: arrays[x["number"]][()],
    "key": _decode_key,
    "dict": lambda x, arrays, version: {
        decode(k, arrays, version): decode(v, arrays, version) for k, v in x["dict"]
    },
    "tuple": _items("tuple"),
    "list": _items("list"),
    "function": _decode_function,
    "class": _decode_class,
}
