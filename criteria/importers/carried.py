"""A framework as JSON and back, whole: how it comes out of the child process that parsed it.

Reading is strict: every value must have the type its field declares, since a child that its input took over may
answer anything.
"""

import types
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from criteria.importers.parsed import ParsedFramework


def to_plain(framework: ParsedFramework) -> dict[str, Any]:
    """Everything in a framework as dictionaries, lists and scalars."""
    return asdict(framework)


def from_plain(plain: object) -> ParsedFramework:
    """The framework that `to_plain` took apart. Raises ValueError for anything else."""
    found: ParsedFramework = _built(ParsedFramework, plain)
    return found


def _built(kind: Any, plain: Any) -> Any:
    """`plain` as a value of the type `kind`, which is one that the parsed classes use."""
    if is_dataclass(kind):
        return _dataclass(kind, plain)
    origin, inside = get_origin(kind), get_args(kind)
    if origin is tuple:
        if not isinstance(plain, list | tuple):
            raise ValueError("a list was expected")
        return tuple(_built(inside[0], value) for value in plain)
    if origin in (Union, types.UnionType):
        return None if plain is None else _built(next(k for k in inside if k is not type(None)), plain)
    fits = plain in inside if origin is Literal else type(plain) is (dict if origin is Mapping else kind)
    if not fits:
        raise ValueError(f"{type(plain).__name__} is not what was expected")
    return plain


def _dataclass(kind: Any, plain: Any) -> Any:
    types_by_name = _field_types(kind)
    if not isinstance(plain, dict) or plain.keys() != types_by_name.keys():
        raise ValueError(f"the fields of {kind.__name__} were expected")
    return kind(**{name: _built(inner, plain[name]) for name, inner in types_by_name.items()})


@cache
def _field_types(kind: Any) -> Mapping[str, Any]:
    hints = get_type_hints(kind)
    return {each.name: hints[each.name] for each in fields(kind)}
