"""The files that ``orchestrate init`` creates: an experiment by a few answers, and a CI workflow."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined
from msgspec import Struct

from orchestrator import units
from orchestrator.errors import BadInput, HostError

EXPERIMENT = Path("experiment.yaml")
WORKFLOW = Path(".github/workflows/page-migration.yaml")
PRECISIONS = {
    "quick": "3 trials of each cell, for a look",
    "usual": "6 boots, or 20 trials where the host is not rebooted",
    "exact": "until the median is known within 2 %, 60 trials at most",
}
MIGBENCH = "migbench"
GUEST = "guest"
DEFAULT = "default"
KERNEL = "kernel"
"""``{kernel}`` in a command is the name of the kernel; each experiment has it."""

_PLACEHOLDER = re.compile(r"(?<!\{)\{([A-Za-z_][A-Za-z0-9_.]*)\}")
_SHELL_PROGRAMS = ("sh", "cat", "echo", "sleep", "true")
"""Programs that each guest has."""


class Answers(Struct, frozen=True):
    """What an experiment is to be.

    :ivar what: :data:`MIGBENCH`, or the command of one's own program in words of a shell, with ``{factor}`` for levels.
    :ivar where: :data:`GUEST`, ``local``, or ``[user@]host[:port]``.
    :ivar kernels: names of recipes, Debian packages, :data:`DEFAULT` or ``running``; only a guest boots kernels.
    :ivar precision: one of :data:`PRECISIONS`.
    :ivar metric: name of the metric of one's own program, with its ``unit``.
    :ivar regex: a pattern with one group for the figure in the output; ``json``: else its path in a JSON document. If
        neither is given, the program prints ``NAME=FIGURE``.
    :ivar better: which figures are better, ``lower`` or ``higher``; empty: as the unit says.
    """

    what: str = MIGBENCH
    where: str = GUEST
    kernels: Sequence[str] = (DEFAULT,)
    precision: str = "usual"
    metric: str = "time"
    unit: str = "s"
    regex: str = ""
    json: str = ""
    better: str = ""


def experiment(answers: Answers) -> str:
    """Return the text of an experiment file. ``BadInput`` for answers that contradict each other."""
    command = () if answers.what == MIGBENCH else _words(answers.what)
    if command and "/" in command[0] and answers.where in (GUEST, "local"):
        command = (os.path.normpath(Path.cwd() / command[0]), *command[1:])
    boots_kernels = answers.where == GUEST
    if tuple(answers.kernels) != (DEFAULT,) and not boots_kernels:
        raise BadInput(f"--kernel: only a guest boots a kernel here, not {answers.where}; use --on guest")
    kernels = {} if tuple(answers.kernels) == (DEFAULT,) else {k: _kernel(k) for k in answers.kernels}
    modes = ["serial", "copy"]
    if any("accel" in kernel for kernel in answers.kernels):
        modes.insert(1, "parallel")
    environment = Environment(  # nosec B701 # YAML, no HTML
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, undefined=StrictUndefined
    )
    environment.filters["yaml"] = _yaml
    source = files(__package__).joinpath("experiment.yaml.j2").read_text(encoding="utf-8")
    return environment.from_string(source).render(
        run=run_words(answers),
        command=list(command),
        name=_name(command),
        where=answers.where,
        programs=[command[0]] if command and command[0] not in _SHELL_PROGRAMS else [],
        kernels=kernels,
        recipes=any(isinstance(kernel, Mapping) and "recipe" in kernel for kernel in kernels.values()),
        metric=answers.metric,
        source=_metric(answers),
        factors={
            name: [1, 2] for name in dict.fromkeys(_PLACEHOLDER.findall(" ".join(command))) if name != KERNEL
        },
        modes=modes,
        until=answers.precision == "exact",
        count={"quick": 3}.get(answers.precision, 6 if boots_kernels else 20),
        boots=6 if boots_kernels and answers.precision == "usual" else 1,
    )


_OPTIONS_BY_SECTION = {"name": "--command", "hosts": "--on", "kernels": "--kernel", "factors": "--command"}


def option(text: str, line: int, column: int) -> str:
    """Return the option of ``orchestrate init`` whose answer is at a position in an experiment; empty if none is.

    :param line: from 1, as ``column``.
    """
    lines = text.splitlines()[:line]
    section = next((each.partition(":")[0] for each in reversed(lines) if re.match("[a-z]", each)), "")
    if section != "benchmark":
        return _OPTIONS_BY_SECTION.get(section, "")
    if lines[-1].startswith("  command:"):
        return "--command"
    key = re.search(r"\b(regex|json|unit): $", lines[-1][: column - 1])
    return f"--{key[1]}" if key else "--metric"


def run_words(answers: Answers, name: str = str(EXPERIMENT)) -> str:
    """Return the command that runs the experiment, without the program."""
    changes = answers.what == MIGBENCH and answers.where == "local"
    return f"run {name}{' --allow-local-changes' if changes else ''}"


def _words(command: str) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise BadInput(f"--command {command}: {error}") from None
    if not words:
        raise BadInput("--command: empty")
    return words


def _name(command: Sequence[str]) -> str:
    program = Path(command[0]).stem.lower() if command else ""
    return re.sub(r"[^a-z0-9_-]+", "-", program).strip("-_")[:64] or "experiment"


def _kernel(name: str) -> str | Mapping[str, str]:
    if name in (DEFAULT, "running"):
        return name
    return {"package": name} if name.startswith("linux-image") else {"recipe": name}


def _metric(answers: Answers) -> dict[str, str]:
    if answers.regex and answers.json:
        raise BadInput("--regex and --json are mutually exclusive")
    found = {"regex": answers.regex, "json": answers.json, "key_value": answers.metric}
    kind = next(kind for kind, value in found.items() if value)
    better = answers.better or units.better(answers.unit)
    if not better:
        raise BadInput(
            f"--unit {answers.unit}: say which figures are better, with --better lower or --better higher"
        )
    return {kind: found[kind], "unit": answers.unit, "better": better}


def _yaml(value: Any) -> str:
    """Return a value as YAML in one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6, allow_unicode=True, sort_keys=False)
    return text.removesuffix("...\n").strip()


def workflow() -> str:
    """Return the text of the CI workflow."""
    return files(__package__).joinpath("workflow.yaml").read_text(encoding="utf-8")


def write(path: Path, text: str, overwrite: bool = False) -> None:
    """Write a file and the directories above it.

    Raises ``BadInput`` if the file exists and is not to be overwritten, ``HostError`` if it cannot be written.
    """
    if (
        overwrite and path.exists() and not (path.is_file() or path.is_dir())
    ):  # a FIFO would wait for a reader
        raise BadInput(f"{path}: not a regular file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w" if overwrite else "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise BadInput(f"{path} already exists; overwrite it with --force") from None
    except OSError as error:
        raise HostError(f"{path}: {error.strerror}") from None
