"""The name of this program in the commands that it prints."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from pathlib import Path

from orchestrator import cli

NAME = "orchestrate"


def as_started(text: str) -> str:
    """Return a text in which commands of this program begin with the word that started it.

    Messages say ``orchestrate run``, which a shell does not find if the program was started by its path. The recorded
    command of a run (``command: orchestrate run …``) stays as it is.
    """
    word = _word()
    if word == NAME:
        return text
    commands = "|".join(cli.COMMANDS)
    return re.sub(rf"(?<![\w/.-])(?<!command: ){NAME}(?= (?:{commands})\b)", lambda _: word, text)


def _word() -> str:
    started = Path(sys.argv[0])
    if started.name != NAME or "/" not in sys.argv[0]:
        return NAME
    found = shutil.which(NAME)
    is_on_path = found is not None and started.exists() and started.samefile(found)
    return NAME if is_on_path else shlex.quote(sys.argv[0])
