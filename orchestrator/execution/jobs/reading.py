"""Reads what jobs have written, of all of them by one command."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from orchestrator.errors import HostError
from orchestrator.execution.jobs.attempt import Attempt
from orchestrator.hosts.batch import BatchSession
from orchestrator.hosts.command import MOST_OF_FILE, script

READ_LIMIT_S = 300.0

READ = r"""
cd "$1" || exit 1
while read -r lines path; do
    [ "$lines" != 0 ] || [ ! -e "$path/place" ] || {
        [ ! -s "$path/tuned" ] || { printf '\n@tuned %s\n' "$path" && cat "$path/tuned"; }
        printf '\n@place %s\n' "$path" && cat "$path/place"
    }
    [ ! -s "$path/journal.jsonl" ] ||
        { printf '\n@journal %s\n' "$path" && tail -n "+$((lines + 1))" "$path/journal.jsonl"; }
    for kind in refused crashed; do
        [ ! -s "$path/$kind" ] || { printf '\n@%s %s\n' "$kind" "$path" && cat "$path/$kind"; }
    done
done
"""
"""Reads "LINES PATH" and prints, below a line "@KIND PATH", what PATH has beyond its first LINES lines.

No line of these files begins with "@". The newline before a heading is not part of the text above it, so a line without
its end is seen."""


def read_all(session: BatchSession, attempts: Iterable[Attempt]) -> str:
    """Return what the jobs have written since the last call, for :func:`distribute`."""
    asked = "".join(f"{attempt.lines_read} {attempt.task.path}\n" for attempt in attempts)
    if not asked:
        return ""
    command = script(READ, session.folder, stdin=asked.encode(), time_limit=READ_LIMIT_S)
    return session.login.run(replace(command, most=MOST_OF_FILE)).stdout


def distribute(attempts: Iterable[Attempt], text: str) -> list[tuple[Attempt, HostError]]:
    """Give each attempt what its job has written; return those that failed, with the error."""
    by_path = {attempt.task.path: attempt for attempt in attempts}
    failed = []
    for part in text.removeprefix("\n@").split("\n@"):
        heading, _, content = part.partition("\n")
        kind, _, path = heading.partition(" ")
        attempt = by_path.get(path)
        if attempt is None:
            continue
        try:
            attempt.take(kind, content)
        except HostError as error:
            failed.append((attempt, error))
    return failed
