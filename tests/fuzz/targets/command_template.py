"""Command templates, and the lines of words that hosts get: sh reads the words that were written."""

from __future__ import annotations

import subprocess

from orchestrator.documents.template import Template
from orchestrator.execution.trial_file import HostTrial, encode_trials
from tests.fuzz import mutation
from tests.fuzz.target import Target

SHELL = 'nl="\n"; eval "set -- $(cat)"; shift 6; printf "%s\\0" "$@"'
VALUES = {"mode": "serial", "size": "4KiB", "a.b": "x y"}


def run(data: bytes) -> None:
    """The words of a command are separated by NUL, the level of a factor comes first."""
    level, *words = data.decode("utf-8", "surrogateescape").split("\0")
    values = {**VALUES, "level": level}
    templates = [Template(word) for word in words]
    if any(name not in values for template in templates for name in template.names):
        return
    argv = tuple(template.fill(values) for template in templates)
    line = encode_trials([HostTrial(id="t", tag={}, folder="/", argv=argv)])
    assert line.count(b"\n") == 1
    done = subprocess.run(["sh", "-c", SHELL], input=line, capture_output=True, check=True)
    assert done.stdout == b"".join(word.encode("utf-8", "surrogateescape") + b"\0" for word in argv)


TARGET = Target(
    "command-template",
    run,
    ("orchestrator.documents.template", "orchestrator.execution.trial_file"),
    lambda: [
        b"a b\0prog\0--mode={mode}\0{level}",
        b'it\'s\0sh\0-c\0echo "$1" {{}} {size}\0{a.b}',
        b"$(id)`id`\0prog\0{level}{level}\0\\\0'\0\"\0\n\0*\0~\0-",
    ],
    mutation.text(b"\0", b"{level}", b"{mode}", b"{{", b"}}", b"'\"'", b"$nl", b"\\\n", b"!", b"\x7f"),
)
