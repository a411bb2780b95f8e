"""Calls of Slurm's commands on the login host, and their output as data.

Fixed formats, no JSON: not every site has the plugin that prints it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice

from orchestrator.errors import HostError
from orchestrator.hosts.base import Host
from orchestrator.hosts.batch import JobState, Task
from orchestrator.hosts.command import Command, Completed, script
from orchestrator.hosts.slurm.states import next_step, state

CALL_LIMIT_S = 120.0
NOT_FOUND = 127
COMMANDS = ("sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo")
PREFIX = "orchestrate-"

_INDICES = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9})(?::([0-9]{1,9}))?)?")
_MOST_TASKS = 100_000
"""More than a job array of ours has."""

QUEUE_FORMAT = "%i|%j|%T|%N|%r"
"""Id, name, state, nodes, reason."""


def job_name(run: str, what: str) -> str:
    """Return the name of a run's job: ``what`` is the number of a job array, or ``prepare``."""
    return f"{PREFIX}{run}-{what}"


def call(login: Host, *argv: str, name: str = "") -> str:
    """Run one of Slurm's commands and return its standard output; errors as of :func:`execute`."""
    return execute(login, *argv, name=name).stdout


def execute(login: Host, *argv: str, name: str = "") -> Completed:
    """Run one of Slurm's commands; ``HostError`` in one line, with the next step, if it fails.

    :param name: of the command in messages; empty: the first word.
    """
    done = login.run(Command(argv, time_limit=CALL_LIMIT_S, accept=tuple(range(256))))
    name = name or argv[0]
    if done.exit_code == NOT_FOUND:
        raise HostError(missing(login, name))
    if done.exit_code:
        raise HostError(f"{login.name}: {name}: {next_step(error_of(done.stderr or done.stdout))}")
    return done


def missing(login: Host, name: str) -> str:
    """Return the message for a command that the login host does not have."""
    return f"{name}: command not found on {login.name}; run this on a login node, or name one with hosts.slurm.login"


def check_commands(login: Host) -> None:
    """Raise ``HostError`` for the first of Slurm's commands that the login host does not have.

    Also if the login shell prints text before each command: it would be read as what the command prints.
    """
    look = 'for name in "$@"; do command -v "$name" >/dev/null || echo "$name"; done'
    names = login.run(script(look, *COMMANDS)).stdout.splitlines()
    if text := next((line for line in names if line not in COMMANDS), None):
        raise HostError(
            f"{login.name}: the login shell prints {text!r} before each command; print it in interactive shells only "
            "(~/.bashrc)"
        )
    if names:
        raise HostError(missing(login, names[0]))


def error_of(printed: str) -> str:
    """Return the error that a command printed, without the words that precede each."""
    lines = [line for line in printed.splitlines() if line.strip() and not line.startswith("Try ")]
    lines = lines or ["unknown error"]
    line = lines[-1]
    for words in (
        r"^\w+: (error|fatal): ",
        r"^Batch job submission failed: ",
        r"^Unable to allocate resources: ",
        r"^allocation failure: ",
        r"^\w+ error: ",
    ):
        line = re.sub(words, "", line)
    return line


def queue_lines(login: Host, *options: str) -> list[tuple[str, str, JobState]]:
    """Return the user's jobs that ``squeue`` lists: id, name and state. Waiting tasks of an array are one line."""
    argv = ("squeue", "--me", "--noheader", f"--format={QUEUE_FORMAT}", *options)
    printed = call(login, "env", "SLURM_BITSTR_LEN=0", *argv, name="squeue")
    return [
        (job, name, state(word, reason, job, node)) for job, name, word, node, reason in columns(printed, 5)
    ]


def queue(login: Host, run: str, *options: str) -> dict[Task, JobState]:
    """Return the tasks of a run's job arrays that ``squeue`` lists."""
    found = {}
    for job, name, seen in queue_lines(login, *options):
        for task in _tasks(run, job, name):
            found[task] = seen
    return found


def _tasks(run: str, job: str, name: str) -> Iterator[Task]:
    array = name.removeprefix(job_name(run, ""))
    if array != name and re.fullmatch("[0-9]{1,9}", array):
        for index in task_indices(job):
            yield Task(int(array), index)


def accounting(login: Host, run: str, jobs: Iterable[str]) -> dict[Task, JobState]:
    """Return what ``sacct`` knows about the tasks of job arrays; nothing where there is no accounting."""
    listed = ",".join(jobs)
    if not listed:
        return {}
    try:
        printed = call(
            login,
            "sacct",
            "--noheader",
            "--parsable2",
            "--allocations",
            f"--jobs={listed}",
            "--format=JobID,JobName%100,State,NodeList",
        )
    except HostError:
        return {}
    found = {}
    for job, name, word, node in columns(printed, 4):
        for task in _tasks(run, job, name):
            found[task] = state(word, "", job, node)
    return found


def columns(printed: str, number: int) -> Iterator[list[str]]:
    """Yield the words of each line that has so many, between ``|``; other lines are a warning, or a part of a name."""
    for line in printed.splitlines():
        words = line.split("|", number - 1)
        if len(words) == number:
            yield words


def task_indices(job: str) -> Iterator[int]:
    """Return the indices of a job's tasks: 7 for ``12_7``; 2, 4, 5 for ``12_[2,4-5%3]``; none for ``12``."""
    _, _, indices = job.partition("_")
    parts = indices.strip("[]").partition("%")[0].split(",")
    found = (match.groups("") for part in parts if (match := _INDICES.fullmatch(part)))
    ranges = (range(int(first), int(last or first) + 1, int(step or 1) or 1) for first, last, step in found)
    return islice(chain.from_iterable(ranges), _MOST_TASKS)


def key_values(line: str) -> dict[str, str]:
    """Return what a line of ``scontrol --oneliner`` says, by key.

    The first value of a key counts, for a comment comes last and may have any words.
    """
    return dict(word.split("=", 1) for word in reversed(line.split()) if "=" in word)


def configuration(login: Host) -> Mapping[str, str]:
    """Return Slurm's configuration, from ``scontrol``: value by name, such as ``MaxArraySize``."""
    printed = call(login, "scontrol", "show", "config")
    pairs = (line.split("=", 1) for line in printed.splitlines() if "=" in line)
    return {name.strip(): value.strip() for name, value in pairs}
