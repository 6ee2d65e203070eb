"""Find what is wrong with a composed configuration, without building anything."""

import difflib
import inspect
import os
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

TRUSTED = "PERSPECTIVES_TARGETS"
MISSING = object()
# Options of a group that describe the choice or its use. Where the target does not take them, the code that builds it
# reads them.
LABELS = ("name", "target", "tie", "annotator", "attributes")
SPECIAL = ("_target_", "_partial_", "_recursive_", "_convert_", "_args_")


class Accepts(NamedTuple):
    """Which values an option takes: a test, and a phrase that describes them in messages."""

    test: Callable[[Any], bool]
    phrase: str

    def or_null(self) -> "Accepts":
        return Accepts(lambda value: value is None or self.test(value), f"{self.phrase} or null")


def _whole(low: int) -> Accepts:
    return Accepts(lambda x: isinstance(x, int) and not isinstance(x, bool) and x >= low, f"a whole number from {low}")


def _number(low: float, high: float | None = None) -> Accepts:
    phrase = f"a number from {low:g}" + (f" to {high:g}" if high is not None else "")
    return Accepts(lambda x: _is_number(x) and x >= low and (high is None or x <= high), phrase)


def _positive() -> Accepts:
    return Accepts(lambda x: _is_number(x) and x > 0, "a number above 0")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _one_of(*names: str) -> Accepts:
    return Accepts(lambda value: value in names, f"one of {', '.join(names)}")


_BOOL = Accepts(lambda value: isinstance(value, bool), "true or false")

# Options that reach no signature, so that nothing else would check them.
OPTIONS = {
    "seed": _whole(0),
    "calibrate": _BOOL,
    "decision": _one_of("argmax", "macro_f1"),
    "control": _one_of("none", "shuffled_ids", "shuffled_demographics"),
    "adapt": _whole(0),
    "dynamics": _BOOL,
    "split.shots": _whole(0),
    "model.max_members": _whole(1),
    "predictions.everyone": _BOOL,
    "predictions.max_bytes": _whole(1),
    "trainer.batch_size": _whole(1),
    "trainer.max_epochs": _whole(1),
    "trainer.patience": _whole(1),
    "trainer.precision": _one_of("32-true", "bf16-mixed"),
    "trainer.accumulate": _whole(1),
    "trainer.gradient_clip": _positive().or_null(),
    "trainer.raters_per_item": _whole(1).or_null(),
    "trainer.checkpoint_every": _whole(1).or_null(),
    "trainer.accelerator": _one_of("auto", "cpu", "gpu", "mps"),
    "trainer.progress": _BOOL,
    "optim.lr": _positive(),
    "optim.encoder_lr": _positive(),
    "optim.annotator_lr": _positive(),
    "optim.weight_decay": _number(0),
    "optim.warmup": _number(0, 1),
    "optim.decay": _one_of("none", "linear", "exponential"),
    "logger.mode": _one_of("offline", "online", "disabled"),
}


def value_problems(cfg: DictConfig) -> list[str]:
    """Return one sentence per plain option whose value is not accepted; absent options are not checked."""
    problems = []
    for key, accepts in OPTIONS.items():
        try:
            value = OmegaConf.select(cfg, key, default=MISSING)
        except OmegaConfBaseException as error:
            problems.append(f"{key} cannot be resolved: {str(error).splitlines()[0]}")
            continue
        if value is not MISSING and not accepts.test(value):
            problems.append(f"{key} is {value!r}; expected {accepts.phrase}")
    return problems or _adaptation_problems(cfg)


def _adaptation_problems(cfg: DictConfig) -> list[str]:
    adapt, shots = (OmegaConf.select(cfg, key, default=None) for key in ("adapt", "split.shots"))
    if not adapt or adapt <= (shots or 0):
        return []
    if shots is None:
        return [f"adapt is {adapt}; it needs split=annotators or split=both, which set aside labels of new people"]
    return [
        f"adapt is {adapt}, but split.shots={shots} sets aside only that many texts of each new person; raise "
        "split.shots or lower adapt"
    ]


def target_problems(
    node: DictConfig, extra: Iterable[str] = (), below: Mapping[str, Iterable[str]] | None = None
) -> list[str]:
    """Return one sentence for each option in the tree that does not fit the signature of its `_target_`.

    extra: names of the arguments that will be passed along with `node`. below: for nodes in the tree, by path, names
        that their builders handle, whether the target takes them or not.
    """
    return _problems(node, node._get_full_key(None), set(extra), below or {})


def _problems(node: Any, path: str, extra: set[str], below: Mapping[str, Iterable[str]]) -> list[str]:
    problems: list[str] = []
    children: Iterable[Any] = ()
    if isinstance(node, DictConfig) and not node._is_none():
        if "_target_" in node:
            problems += _mismatches(node, path, extra, set(below.get(path, ())))
        inner = node if node.get("_recursive_", True) else ()
        children = [(key, f"{path}.{key!s}".lstrip(".")) for key in inner]
    elif isinstance(node, ListConfig) and not node._is_none():
        children = [(index, f"{path}[{index}]") for index in range(len(node))]
    for key, place in children:
        if OmegaConf.is_missing(node, key):
            continue
        try:
            problems += _problems(node[key], place, set(), below)
        except OmegaConfBaseException as error:
            problems.append(f"{place} cannot be resolved: {str(error).splitlines()[0]}")
    return problems


def trusted_packages() -> set[str]:
    """Return the packages a configuration may name: this one and those that PERSPECTIVES_TARGETS adds.

    A configuration may come from somebody else's run folder, and importing or calling what it names executes it.
    """
    return {"perspectives", *filter(None, os.environ.get(TRUSTED, "").split(","))}


def _mismatches(node: DictConfig, path: str, extra: set[str], handled: set[str]) -> list[str]:
    name = node._target_
    where = path or "the configuration"
    package = str(name).partition(".")[0]
    if package not in trusted_packages():
        return [_foreign(where, name, package)]
    try:
        target = pkgutil.resolve_name(name)
    except Exception as error:  # a module that fails to import may raise anything
        return [f"{where}: _target_ {name} cannot be imported: {''.join(str(error).splitlines()[-1:])}"]
    if not callable(target):
        return [f"{where}: _target_ {name} is a {type(target).__name__}, which cannot be called"]
    # Names that our modules import are reachable through them: perspectives.files.os.system is not ours.
    if (home := str(getattr(target, "__module__", None)).partition(".")[0]) not in trusted_packages():
        return [_foreign(where, name, home)]
    parameters = _parameters(target)
    options = {str(key) for key in node if key not in SPECIAL} - handled - set(labels(node))
    named = sorted(options | extra, key=[*map(str, node), *sorted(extra)].index)
    problems = [_unknown(where, name, key, parameters) for key in named if not _takes(parameters, key)]
    if node.get("_partial_", False):
        return problems
    empty = {key for key in options - extra if OmegaConf.is_missing(node, key)}
    given = (options | extra | handled | set(list(parameters)[: len(node.get("_args_", ()))])) - empty
    problems += [
        f"{where}: {name} needs {key}, which has no value; set {f'{path}.' if path else ''}{key}=…"
        for key, parameter in parameters.items()
        if key not in given and (key in empty or _required(parameter))
    ]
    return problems


def _foreign(where: str, name: str, package: str) -> str:
    return f"{where}: _target_ {name} is outside perspectives; set {TRUSTED}={package} if you trust that package"


def labels(node: DictConfig) -> list[str]:
    """Return the options that only describe the choice of a group: the target does not take them."""
    if "." in node._get_full_key(None):
        return []
    parameters = _parameters(pkgutil.resolve_name(node._target_))
    return [key for key in LABELS if key in node and not _takes(parameters, key)]


def _required(parameter: inspect.Parameter) -> bool:
    variable = parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    return parameter.default is parameter.empty and not variable


def _parameters(target: Callable) -> dict[str, inspect.Parameter]:
    """Return parameters by name; a class with `**options` also takes those of the class it inherits from."""
    try:
        parameters = dict(inspect.signature(target).parameters)
    except ValueError:  # some functions written in C have no signature; assume they take anything
        return {"options": inspect.Parameter("options", inspect.Parameter.VAR_KEYWORD)}
    for owner in target.__mro__[:-1] if isinstance(target, type) else ():
        if "__init__" in vars(owner):
            own = list(inspect.signature(vars(owner)["__init__"]).parameters.values())[1:]
            parameters = {parameter.name: parameter for parameter in own} | parameters
            passed_on = [parameter.name for parameter in own if parameter.kind is parameter.VAR_KEYWORD]
            if not passed_on:
                return {
                    name: parameter
                    for name, parameter in parameters.items()
                    if parameter.kind is not parameter.VAR_KEYWORD
                }
    return parameters


def _takes(parameters: Mapping[str, inspect.Parameter], key: str) -> bool:
    if key in parameters:
        return parameters[key].kind in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())


def _unknown(where: str, name: str, key: str, parameters: Mapping[str, inspect.Parameter]) -> str:
    accepted = [parameter for parameter in parameters if _takes(parameters, parameter)]
    close = difflib.get_close_matches(key, accepted, n=1)
    hint = f"did you mean {close[0]}?" if close else f"it takes {', '.join(accepted) or 'no options'}"
    return f"{where}: {name} has no option {key}; {hint}"
