"""The command line, `perspectives VERB …`: verbs with a configuration are run by Hydra, the others by argparse.

Heavy packages are imported by the verbs that need them: `perspectives --help` loads neither torch nor Hydra.
"""

import difflib
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple

from perspectives import __version__
from perspectives.errors import ConfigError, DataError, DataWarning, PerspectivesError

# A verb is perspectives/verbs/<verb>.py. With a configuration conf/<verb>.yaml: main(cfg).
HYDRA_VERBS = {
    "train": "train one model, or several with -m, and score their predictions",
    "jury": "what juries of the people in a run's predictions would decide",
}
# Without: add_arguments(parser) and main(args), which may return an exit code.
PLAIN_VERBS = {
    "compare": "put several runs in one table",
    "predict": "what people would say about new texts, by a trained model",
    "explore": "a page on which juries of different composition judge the items of a run",
    "audit": "how good the annotations of a corpus are, and what to annotate next",
    "reproduce": "tables of papers, with the published values beside ours",
    "cite": "BibTeX of the data, models, encoders and metrics that runs used",
    "data": "check or describe a corpus",
    "list": "what can be chosen: corpora, models, encoders, splits, …",
    "check": "is everything there that a command needs? builds and trains nothing",
}
# Plain verbs that take the options of train; the shell completes these.
WITH_TRAIN_OPTIONS = ("audit", "data", "check")

FULL_ERROR = "HYDRA_FULL_ERROR"
WRONG_USE, FAILED, INTERRUPTED = 2, 1, 130


class Failure(NamedTuple):
    """A job that ended with an error."""

    overrides: list[str]
    error: Exception


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code: 0, 1 (something failed), 2 (wrong use) or 130 (interrupted).

    Wrong use is what another option or other data would mend: ConfigError and DataError. A RunError (a run is missing,
    damaged or diverged, the disk is full) is a failure. A sweep returns 1 if any job failed, else 2 for wrong use.
    """
    warnings.formatwarning = _format_warning
    try:
        return _dispatch(list(sys.argv[1:] if argv is None else argv))
    except BrokenPipeError:
        if not _output_closed():
            raise
        return FAILED
    except KeyboardInterrupt:
        return _say(None, "interrupted; run the same command again to resume", INTERRUPTED)


def _dispatch(args: list[str]) -> int:
    verb = args[0] if args else "--help"
    if verb in ("-h", "--help", "help"):
        print(_usage(), flush=True)
        return 0
    if verb == "--version" or (verb in HYDRA_VERBS and "--version" in args):
        print(f"perspectives {__version__}")
        return 0
    if verb in ("-sc", "--shell-completion"):
        return _complete(args)
    if verb not in (*HYDRA_VERBS, *PLAIN_VERBS):
        return _say(None, _unknown_verb(verb), WRONG_USE)
    return (_run_hydra if verb in HYDRA_VERBS else _run_plain)(verb, args[1:])


def _output_closed() -> bool:
    """Whether the reader of our output (`head`, a pager) has closed its end of the pipe."""
    try:
        print(flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at exit
        return True
    return False


def _usage() -> str:
    rows = "\n".join(f"  {verb:<9} {summary}" for verb, summary in {**HYDRA_VERBS, **PLAIN_VERBS}.items())
    return f"""usage: perspectives VERB …

{rows}

  perspectives VERB --help               what a verb takes
  perspectives train data=synthetic      a first run
  eval "$(perspectives -sc install=bash)"  completion in this shell (also zsh with bashcompinit; fish: install=fish)
  perspectives --version"""


def _unknown_verb(verb: str) -> str:
    verbs = [*HYDRA_VERBS, *PLAIN_VERBS]
    close = difflib.get_close_matches(verb, verbs, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"there is no verb {verb!r}; {hint}choose one of {', '.join(verbs)}"


def _say(verb: str | None, message: str, code: int) -> int:
    print(f"perspectives {verb}: {message}" if verb else f"perspectives: {message}", file=sys.stderr)
    return code


def _exit_code(error: Exception) -> int:
    return WRONG_USE if isinstance(error, ConfigError | DataError) else FAILED


def _format_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """Show a warning about data without file and line: it concerns the data, not our code."""
    if issubclass(category, DataWarning):
        return f"warning: {message}\n"
    return f"{filename}:{lineno}: {category.__name__}: {message}\n"


# Small verbs. ------------------------------------------------------------------------------------------------------


def _run_plain(verb: str, args: list[str]) -> int:
    import argparse

    module = import_module(f"perspectives.verbs.{verb}")
    parser = argparse.ArgumentParser(
        f"perspectives {verb}", description=module.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    module.add_arguments(parser)
    try:
        return int(module.main(parser.parse_intermixed_args(args)) or 0)
    except PerspectivesError as error:
        if FULL_ERROR in os.environ:
            raise
        return _say(verb, str(error), _exit_code(error))


# Verbs with a configuration. ---------------------------------------------------------------------------------------


def _run_hydra(verb: str, args: list[str]) -> int:
    if any(_is_rerun(arg) for arg in args):
        return _say(
            verb, "--experimental-rerun executes whatever a file holds, so it is refused; give the options", WRONG_USE
        )

    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from perspectives.config import options_of_sweeps, quote_paths, quote_texts
    from perspectives.config.messages import explain

    sweep = any(arg in ("-m", "--multirun") for arg in args)
    overrides = quote_paths(args, sweep=sweep)
    overrides = quote_texts(overrides, sweep) if verb == "jury" else overrides
    overrides = options_of_sweeps(overrides) if sweep else overrides
    failures: list[Failure] = []
    try:
        _call_hydra(verb, _multirun_first(overrides), _task(verb, args, failures))
        if failures and not sweep:
            raise failures[0].error
    except (HydraException, OmegaConfBaseException) as error:
        if FULL_ERROR in os.environ:
            raise
        return _say(verb, explain(error, verb, [arg for arg in overrides if not arg.startswith("-")]), WRONG_USE)
    except PerspectivesError as error:
        if FULL_ERROR in os.environ:
            raise
        return _say(verb, str(error), _exit_code(error))
    return _summarise(verb, failures)


def _is_rerun(arg: str) -> bool:
    """Whether `arg` is --experimental-rerun, which argparse also accepts abbreviated."""
    flag = arg.partition("=")[0]
    return len(flag) > 2 and "--experimental-rerun".startswith(flag)


def _multirun_first(args: list[str]) -> list[str]:
    """Move -m in front of the options: argparse accepts them on one side of a flag only."""
    flags = [arg for arg in args if arg in ("-m", "--multirun")]
    return flags[:1] + [arg for arg in args if arg not in flags]


def _call_hydra(verb: str, args: list[str], task: Callable[[Any], None]) -> None:
    """Let Hydra compose the configuration and call `task` with it, for every job of a sweep with -m."""
    import hydra

    from perspectives.config import VERSION_BASE, conf_dir

    # FULL_ERROR: Hydra raises its errors instead of printing them and exiting.
    with _swapped_argv([sys.argv[0], *args]), _environment(FULL_ERROR, "1"):
        hydra.main(config_path=str(conf_dir()), config_name=verb, version_base=VERSION_BASE)(task)()


def _task(verb: str, args: list[str], failures: list[Failure]) -> Callable[[Any], None]:
    """Return the function that Hydra calls with each composed configuration. It runs the verb and collects errors.

    failures: errors raised by the verb are appended, so that one failing job does not stop a sweep.
    """
    process, program, full_error = os.getpid(), sys.argv[0], os.environ.get(FULL_ERROR)

    def task(cfg: Any) -> None:
        from hydra.core.hydra_config import HydraConfig
        from hydra.types import RunMode

        hydra_cfg = HydraConfig.get()
        overrides = list(hydra_cfg.overrides.task)
        sweep = hydra_cfg.mode == RunMode.MULTIRUN
        if sweep:
            print(f"perspectives {verb}: job {hydra_cfg.job.num}: {' '.join(overrides)}", file=sys.stderr)
        # Lightning starts its other processes with sys.argv: they need the verb, and this job only.
        argv = [program, verb, *(overrides if sweep else args)]
        try:
            with _swapped_argv(argv), _environment(FULL_ERROR, full_error):
                import_module(f"perspectives.verbs.{verb}").main(cfg)
        except Exception as error:
            if os.getpid() != process:
                raise  # a launcher that runs jobs in other processes returns the error itself
            failures.append(Failure(overrides, error))
            if sweep and (full_error or not isinstance(error, PerspectivesError)):
                traceback.print_exception(error)

    return task


@contextmanager
def _swapped_argv(argv: list[str]) -> Iterator[None]:
    before, sys.argv = sys.argv, argv
    try:
        yield
    finally:
        sys.argv = before


@contextmanager
def _environment(name: str, value: str | None) -> Iterator[None]:
    before = os.environ.get(name)
    _set_variable(name, value)
    try:
        yield
    finally:
        _set_variable(name, before)


def _set_variable(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def _summarise(verb: str, failures: list[Failure]) -> int:
    for overrides, error in failures:
        _say(verb, f"failed: {' '.join(overrides) or 'without options'}: {str(error) or type(error).__name__}", FAILED)
    if not failures:
        return 0
    return FAILED if any(_exit_code(error) == FAILED for _, error in failures) else WRONG_USE


# Shell completion. -------------------------------------------------------------------------------------------------


def _complete(args: list[str]) -> int:
    """Complete verbs, and let Hydra complete their options; `-sc query=bash` reads the typed words from COMP_LINE."""
    verb = "train"
    if any(arg.startswith("query=") for arg in args):
        line = os.environ.get("COMP_LINE", "")
        program, _, rest = line.lstrip().partition(" ")
        typed, space, options = rest.lstrip().partition(" ")
        if not space:
            print("\n".join([*HYDRA_VERBS, *PLAIN_VERBS]))
            return 0
        if typed not in (*HYDRA_VERBS, *WITH_TRAIN_OPTIONS):
            return 0
        # Words such as the `describe` of `perspectives data describe` are not options; the last may still become one.
        *words, last = options.split(" ")
        os.environ["COMP_LINE"] = " ".join([program, *(word for word in words if "=" in word), last])
        verb = typed if typed in HYDRA_VERBS else "train"
    _call_hydra(verb, args, lambda cfg: None)
    return 0
