"""``orchestrate init``: create an experiment by a few answers, or a CI workflow."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from orchestrator import starters
from orchestrator.cli.options import ExistingPath
from orchestrator.cli.output import echo
from orchestrator.cli.program import as_started
from orchestrator.cli.questions import ask
from orchestrator.errors import BadInput, Fault
from orchestrator.starters import DEFAULT, GUEST, MIGBENCH, PRECISIONS, Answers
from orchestrator.units import better as better_of

BETTER = ["lower", "higher"]


@click.command()
@click.argument(
    "folder",
    metavar="[DIRECTORY]",
    default=".",
    type=ExistingPath(path_type=Path, exists=True, file_okay=False),
)
@click.option(
    "--command",
    metavar="COMMAND",
    help="Measure with COMMAND, your own program and its arguments, instead of migbench. {NAME} in it is the level of "
    "the factor NAME.",
)
@click.option("--metric", metavar="NAME", help="Name of the metric that COMMAND prints.  [default: time]")
@click.option("--unit", metavar="UNIT", help="Unit of the metric.  [default: s]")
@click.option(
    "--better",
    type=click.Choice(BETTER),
    help="Which figures are better.  [default: lower for times, higher for rates]",
)
@click.option(
    "--regex", metavar="PATTERN", help="Find the metric by PATTERN with one group; default: NAME=FIGURE."
)
@click.option(
    "--json", metavar="PATH", help="Find the metric at PATH, such as totals.rate, of a JSON document."
)
@click.option(
    "--on",
    "where",
    metavar="PLACE",
    help="Run in a guest of this machine (guest), on this machine (local), or on [user@]host[:port].  "
    "[default: guest]",
)
@click.option(
    "--kernel",
    "kernels",
    metavar="KERNEL",
    multiple=True,
    help="Boot KERNEL in the guest: the name of a recipe, a Debian package, default or running. May be repeated.",
)
@click.option(
    "--precision",
    type=click.Choice(list(PRECISIONS)),
    help="; ".join(f"{name}: {meaning}" for name, meaning in PRECISIONS.items()) + ".  [default: usual]",
)
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@click.option(
    "--ci",
    is_flag=True,
    help="Create a GitHub Actions workflow instead. It runs experiment.yaml on your own NUMA machine and on a metal "
    "instance of EC2, and fails on a regression.",
)
def init(
    folder: Path,
    command: str | None,
    metric: str | None,
    unit: str | None,
    better: str | None,
    regex: str | None,
    json: str | None,
    where: str | None,
    kernels: tuple[str, ...],
    precision: str | None,
    force: bool,
    ci: bool,
) -> None:
    """Create an example experiment, or a CI workflow.

    Writes experiment.yaml to DIRECTORY; default: the working directory. On a terminal it asks for what no option says.
    Existing files are not overwritten.
    """
    of_command = {"--metric": metric, "--unit": unit, "--better": better, "--regex": regex, "--json": json}
    others = {
        "--command": command,
        **of_command,
        "--on": where,
        "--kernel": kernels,
        "--precision": precision,
    }
    if ci and (given := [option for option, value in others.items() if value]):
        raise click.UsageError(f"--ci and {given[0]} are mutually exclusive")
    path = folder / (starters.WORKFLOW if ci else starters.EXPERIMENT)
    if path.exists() and not force:
        starters.write(path, "")  # refuses
    if ci:
        starters.write(path, starters.workflow(), force)
        echo(f"created {path}")
        experiment = folder / starters.EXPERIMENT
        if not experiment.exists():
            hint = "create it with 'orchestrate init'"
            echo(f"the workflow runs {experiment}, which does not exist; {as_started(hint)}")
        return
    if where is not None:
        _check_place(where)
    answers = Answers(
        MIGBENCH if command is None else command,
        where or GUEST,
        kernels or (DEFAULT,),
        precision or "usual",
        metric or "time",
        unit or "s",
        regex or "",
        json or "",
        better or "",
    )
    asked = _Asked(path, answers)
    asks = sys.stdin.isatty() and sys.stderr.isatty()
    if command is None and asks:
        question = f"What is measured? {MIGBENCH}, or the command of your own program"
        if asked.answer("--command", "what", question, MIGBENCH) != MIGBENCH:
            if not metric:
                metric = asked.answer("--metric", "metric", "Name of the metric that it prints", "time")
            if not unit:
                unit = asked.answer("--unit", "unit", "Unit", "s")
            if better is None and not better_of(unit):
                choice = click.Choice(BETTER)
                better = asked.answer("--better", "better", "Which figures are better?", type=choice)
            if regex is None and json is None:
                pattern = rf"{metric}=([0-9.]+)"
                regex = asked.answer("--regex", "regex", "Pattern that finds it", pattern)
    given = [option for option, value in of_command.items() if value is not None]
    if given and asked.answers.what == MIGBENCH:
        raise click.UsageError(f"{given[0]} needs --command COMMAND, a program of your own")
    if where is None and asks:
        asked.answer("--on", "where", "Where? guest, local, or [user@]host", GUEST)
    if not kernels and asks and asked.answers.where == GUEST:
        question = "Which kernels? default, recipes, Debian packages, with blanks between them"
        asked.answer("--kernel", "kernels", question, DEFAULT)
    if precision is None and asks:
        for name, meaning in PRECISIONS.items():
            echo(f"  {name}: {meaning}", err=True)
        choice = click.Choice(list(PRECISIONS))
        asked.answer("--precision", "precision", "How exact?", "usual", type=choice)
    answers = asked.answers
    text = starters.experiment(answers)
    _check(path, text)
    starters.write(path, text, force)
    echo(f"created {path}")
    name = shlex.quote(str(path))
    echo(as_started(f"next: orchestrate plan {name}; orchestrate {starters.run_words(answers, name)}"))


class _Asked:
    """What options and a user have answered so far. An answer that makes no experiment is asked for again at once."""

    def __init__(self, path: Path, answers: Answers) -> None:
        self.answers = answers
        self._path = path

    def answer(self, option: str, field: str, question: str, default: str | None = None, **more: Any) -> str:
        """Ask for a field of the answers, that of an option; ``more`` as for click's prompt."""

        def check(answer: str) -> None:
            value = tuple(answer.split()) if field == "kernels" else answer
            answers = replace(self.answers, **{field: value})
            if faults := [fault for fault in self._faults(answers) if str(fault).startswith(option)]:
                raise BadInput(*faults)
            self.answers = answers

        return ask(question, default, check, **more)

    def _faults(self, answers: Answers) -> Sequence[Fault | str]:
        """Return what is wrong; which figures are better is asked after their unit."""
        try:
            _check_place(answers.where)
            _check(self._path, starters.experiment(replace(answers, better=answers.better or "lower")))
        except BadInput as error:
            return error.faults
        return ()


def _check_place(place: str) -> None:
    from orchestrator.hosts import providers
    from orchestrator.hosts.inventory.inventory import parse_address

    if place in (GUEST, "local"):
        return
    try:
        if place in providers.names():
            raise BadInput(f"'{place}' is a provider")
        parse_address(place)
    except BadInput:
        raise BadInput(f"--on {place!r}: expected guest, local or [user@]host[:port]") from None


def _check(path: Path, text: str) -> None:
    """Load an experiment that is not written yet; its faults name options instead of lines."""
    from orchestrator.experiment.loader import load
    from orchestrator.hosts.providers import options_schemas

    try:
        load(path, text=text, provider_options=options_schemas())
    except BadInput as error:
        raise BadInput(*(_of_option(fault, text) for fault in error.faults)) from None


def _of_option(fault: Fault | str, text: str) -> Fault | str:
    if isinstance(fault, str):
        return fault
    option = starters.option(text, fault.line, fault.column)
    return f"{option}: {fault.message}" if option else fault
