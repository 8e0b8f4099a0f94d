"""What a recipe may say: `--set path=value`, and messages that name the key, the choice, the typo.

`recipe.load_recipe` is the door; problems are returned as lines, so that it can list all of them.
"""

import copy
import difflib
import inspect
import json
import re
import textwrap
from collections.abc import Iterable, Sequence
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import torch
import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

HELD = ("params", "optimizer")  # arguments of torch's classes that are not a recipe's matter
GIVEN = ("total_steps",)  # those that training fills in unless the recipe does
ABSENT = object()
Model = TypeVar("Model", bound=BaseModel)


class _Loader(yaml.SafeLoader):
    """PyYAML follows YAML 1.1, where 1e-3 is text; people mean the number of YAML 1.2."""


_Loader.yaml_implicit_resolvers = copy.deepcopy(yaml.SafeLoader.yaml_implicit_resolvers)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"),
    list("-+.0123456789"),
)


def read_yaml(text: str) -> Any:
    """Parse YAML into plain values (raises yaml.YAMLError)."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - derived from SafeLoader


def override(values: Any, settings: Sequence[str]) -> tuple[Any, list[str]]:
    """Apply `--set` options to a recipe's plain values.

    Args:
        values: the recipe as read; it is left as it is.
        settings: `path=value` each; the path is dotted and counts in lists from 0 (as in
            `model.blocks.0.kernel=9`), the value is YAML.

    Returns:
        The new values, and what is wrong with the settings.
    """
    values = copy.deepcopy(values)
    problems = []
    for setting in settings:
        path, equals, text = setting.partition("=")
        keys = path.strip().split(".")
        if not equals or "" in keys:
            problems.append(f"--set: got {setting!r}; expected path=value, as in seed=3")
            continue
        try:
            values = _placed(values, keys, read_yaml(text), ())
        except yaml.YAMLError as e:
            problems.append(f"{path}: got {text!r}; expected YAML ({' '.join(str(e).split())})")
        except LookupError as e:
            problems.append(str(e.args[0]))
    return values, problems


def _placed(inside: Any, keys: Sequence[str], value: Any, path: tuple[str, ...]) -> Any:
    """`inside` with the value at the keys; LookupError says where there is no such place."""
    if not keys:
        return value
    here, (key, *rest) = ".".join(path) or "recipe", keys
    if inside is None:
        inside = {}  # a part that the recipe leaves to its defaults
    if isinstance(inside, dict):
        inside[key] = _placed(inside.get(key), rest, value, (*path, key))
    elif isinstance(inside, list):
        if not key.isdecimal() or int(key) >= len(inside):
            allowed = ", ".join(str(i) for i in range(len(inside)))
            raise LookupError(f"{here}.{key}: got no such item; expected one of {allowed}")
        inside[int(key)] = _placed(inside[int(key)], rest, value, (*path, key))
    else:
        raise KeyError(f"{here}: got {_shown(inside)}; expected a part with keys")
    return inside


def validated(model: type[Model], values: Any) -> Model:
    """Plain values as a model, without lenience: the text "3" and true are no numbers.

    Raises:
        ValidationError: see `problems_of`.
        ValueError: a value that contains itself.
    """
    return model.model_validate_json(json.dumps(values, default=str), strict=True)


def problems_of(model: type[BaseModel], error: ValidationError) -> list[str]:
    """Every problem as `path: got X; expected one of a, b, c; did you mean b?`."""
    return [_problem(model, each) for each in error.errors(include_url=False)]


def _problem(root: type[BaseModel], error: ErrorDetails) -> str:
    path, parent, annotation = _walked(root, error["loc"])
    here, kind = ".".join(path) or "recipe", error["type"]
    if kind == "extra_forbidden":
        return wrong_key(here, parent, _elsewhere(root, path[-1]))
    if kind == "missing":
        return f"{here}: got nothing; expected {_named(annotation)}"
    if kind == "model_type":
        return f"{here}: got {_shown(error['input'])}; expected {_named(annotation)}"
    if kind == "literal_error":
        return wrong_choice(here, error["input"], _choices(annotation))
    expected = error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if "got" in expected.split():
        return f"{here}: {expected}"
    expected = expected.removeprefix("Input should be ").removeprefix("expected ")
    return f"{here}: got {_shown(error['input'])}; expected {expected}"


def wrong_key(path: str, allowed: Iterable[str], elsewhere: Sequence[str] = ()) -> str:
    """A key that its part of the recipe does not have; `elsewhere` are paths that end in it."""
    names = list(allowed)
    front, _, key = path.rpartition(".")
    near = [f"{front}.{name}".lstrip(".") for name in _nearest(key, names)] or list(elsewhere)
    return f"{path}: got an unknown key; expected one of {', '.join(names)}{_hint(near)}"


def wrong_choice(path: str, got: Any, allowed: Iterable[str]) -> str:
    """A value that is none of the allowed ones."""
    names = list(allowed)
    near = _nearest(str(got), names)
    return f"{path}: got {_shown(got)}; expected one of {', '.join(names)}{_hint(near)}"


def torch_problems(path: str, values: Any) -> list[str]:
    """What torch will not accept of a recipe's plain values, by its classes' signatures alone.

    `path` is "optimiser" (a class of torch.optim) or "scheduler" (of torch.optim.lr_scheduler).
    """
    part = values.get(path) if isinstance(values, dict) else None
    if not isinstance(part, dict) or not isinstance(part.get("name"), str):
        return []  # the recipe's own types say that
    name = part["name"]
    classes = _classes(path)
    if name not in classes:
        return [wrong_choice(f"{path}.name", name, classes)]
    parameters = inspect.signature(classes[name]).parameters
    ours = {key: p for key, p in parameters.items() if key not in HELD}
    problems = [wrong_key(f"{path}.{key}", ours) for key in part if key not in (*ours, "name")]
    for key, parameter in ours.items():
        got = part.get(key, ABSENT)
        if got is ABSENT and key not in GIVEN and parameter.default is parameter.empty:
            problems.append(f"{path}.{key}: got nothing; expected a value, {name} needs it")
        if isinstance(got, str) and isinstance(parameter.default, float | int):
            problems.append(f"{path}.{key}: got {got!r}; expected {_kind(parameter.default)}")
    return problems


def _classes(path: str) -> dict[str, type]:
    base: type = torch.optim.Optimizer
    module: Any = torch.optim
    if path == "scheduler":
        module, base = torch.optim.lr_scheduler, torch.optim.lr_scheduler.LRScheduler
    public = {name: found for name, found in vars(module).items() if not name.startswith("_")}
    return {
        name: found
        for name, found in sorted(public.items())
        if isinstance(found, type) and issubclass(found, base) and found is not base
    }


def _kind(default: float | bool) -> str:
    return "true or false" if isinstance(default, bool) else f"a number, as {default!r}"


def _walked(
    root: type[BaseModel], location: tuple[int | str, ...]
) -> tuple[list[str], list[str], Any]:
    """Follow an error's location through the annotations.

    Returns the dotted path without the names that pydantic adds for the members of a union, the
    keys allowed beside the last one, and the annotation of the place itself.
    """
    path: list[str] = []
    beside: list[str] = []
    annotation: Any = root
    for key in location:
        members = _members(annotation)
        fields = {k: f for m in members if _is_model(m) for k, f in m.model_fields.items()}
        if len(members) > 1 and key not in fields and not isinstance(key, int):
            annotation = next((m for m in members if getattr(m, "__name__", "") == key), annotation)
            if key in _tags(members) or annotation in members:
                continue
        path.append(str(key))
        beside = list(fields)
        if key in fields:
            annotation = fields[str(key)].annotation
        else:
            inner = [get_args(m) for m in members if get_origin(m) in (tuple, list, dict)]
            annotation = _item(inner[0], key) if inner else Any
    return path, beside, annotation


def _item(arguments: tuple[Any, ...], key: int | str) -> Any:
    """The annotation of an item of list[X], tuple[X, ...], tuple[X, Y] or dict[K, X]."""
    if isinstance(key, int) and Ellipsis not in arguments and key < len(arguments):
        return arguments[key]
    return arguments[1] if isinstance(key, str) and len(arguments) > 1 else arguments[0]


def _members(annotation: Any) -> list[Any]:
    """The types of a union, or the one type; Annotated taken off, None left out."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, UnionType):
        return [m for a in get_args(annotation) for m in _members(a) if m is not type(None)]
    return [annotation]


def _tags(members: Iterable[Any]) -> set[str]:
    """Values that tell the members of a discriminated union apart."""
    fields = [field for m in members if _is_model(m) for field in m.model_fields.values()]
    return {choice for field in fields for choice in _choices(field.annotation)}


def _choices(annotation: Any) -> list[str]:
    literals = [m for m in _members(annotation) if get_origin(m) is Literal]
    return [str(choice) for literal in literals for choice in get_args(literal)]


def _named(annotation: Any) -> str:
    """A few words for what a missing key wants."""
    kinds = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
    (first, *_) = _members(annotation)
    if _is_model(first):
        return f"the keys {', '.join(first.model_fields)}"
    choices = _choices(annotation)
    return f"one of {', '.join(choices)}" if choices else kinds.get(first, "a value")


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _elsewhere(model: type[BaseModel], key: str, front: str = "") -> list[str]:
    """Paths to the fields of exactly that name, at any depth outside lists."""
    found = []
    for name, field in model.model_fields.items():
        if name == key:
            found.append(front + name)
        for member in _members(field.annotation):
            if _is_model(member):
                found += _elsewhere(member, key, f"{front}{name}.")
    return found


def _nearest(got: str, names: Sequence[str]) -> list[str]:
    by_lower = {name.lower(): name for name in names}
    return [by_lower[n] for n in difflib.get_close_matches(got.lower(), by_lower, n=1)]


def _hint(near: Sequence[str]) -> str:
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _shown(value: Any) -> str:
    return textwrap.shorten(repr(value), 80, placeholder=" ...")
