"""Pages of the documentation as tests read them: files and commands in their fenced blocks."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

from tests.running import COMMAND

ROOT = Path(__file__).parents[1]
GUEST = "guest"
"""The word in the first line of a block whose commands start a guest."""

_MARK = "\x1e"
# A command sees the exit code of the one before it, as in a terminal.
_AFTER = f"code=$?; printf '\\n{_MARK}%d\\n' $code; (exit $code)"
_TITLE = re.compile(r'\btitle="([^"]+)"')
_COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
_VERDICT = "faster|slower|no difference larger than .*|too noisy to say(?:: .*)?"
_PATTERNS = (
    ("…", ".*"),
    # A figure with its spread or its interval.
    (r"<?\d+(?:\.\d+)?(?:e[+-]\d+)? ± <?\d+(?:\.\d+)?", r"<?\d[\d.e+-]* ± <?\d[\d.]*"),
    (r"\d[\d.]* \[\d[\d.]*, \d[\d.]*\]", r"\d[\d.e+]* \[\d[\d.e+]*, \d[\d.e+]*\]"),
    (r"\[\d[\d.]*, \d[\d.]*\]", r"\[\d[\d.e+]*, \d[\d.e+]*\]"),
    (r"\b\d{8}T\d{9}Z-[0-9a-f]{4}\b", r"\d{8}T\d{9}Z-[0-9a-f]{4}"),
    (r"\b[0-9a-f]{12}(?:[0-9a-f]{52})?\b", "[0-9a-f]{12,64}"),
    (r"\b\d+\.\d+(?:\.\d+)*(?:e[+-]\d+)?", r"\d+(?:\.\d+)*(?:e[+-]\d+)?"),
    (r"\b\d+min \d+s\b|\b\d+s\b", r"\d+\w*(?: \d+\w+)?"),
    (rf"(?:{_VERDICT})$", f"(?:{_VERDICT})"),
    # A figure of a table: alone between two spaces and the next column.
    (r"(?<=  )\d{3,}(?=  |$)", r"\d[\d.e+]*"),
    (r"\b\d+ files", r"\d+ files"),
    (r"-{3,}", "-+"),
    (r"\s+", r"\s+"),
)
_TOKENS = re.compile("|".join(f"({pattern})" for pattern, _ in _PATTERNS))


@dataclass(frozen=True)
class Block:
    """A fenced block: the words of its first line, and its text."""

    words: tuple[str, ...]
    text: str
    line: int

    @property
    def language(self) -> str:
        return self.words[0] if self.words else ""

    @property
    def title(self) -> str:
        """The name of the file that the block is; empty for other blocks."""
        found = _TITLE.search(" ".join(self.words))
        return found[1] if found else ""

    @property
    def commands(self) -> list[tuple[str, str]]:
        """Each command of a console block with the output that is printed below it."""
        return _COMMAND.findall(self.text) if self.language == "console" else []


@dataclass(frozen=True)
class Done:
    """A command of a page, what the page says it prints, and what it printed."""

    command: str
    expected: str
    printed: str
    code: int


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    return [
        Block(tuple(token.info.split()), token.content, (token.map or [0])[0] + 1)
        for token in tokens
        if token.type == "fence"
    ]


def follow(page: Path, home: Path, with_guests: bool) -> list[Done]:
    """Do in one shell what a page says: write its files and run its commands, from the project's directory."""
    script, commands = [], []
    for block in blocks(page):
        if block.title:
            path = shlex.quote(block.title)
            script += [f'mkdir -p "$(dirname {path})"', f"printf %s {shlex.quote(block.text)} > {path}"]
        elif with_guests or GUEST not in block.words:
            for command, expected in block.commands:
                script += [command, _AFTER]
                commands.append((command, expected))
    surroundings = {**os.environ, "HOME": str(home), "PATH": f"{COMMAND.parent}:{os.environ['PATH']}"}
    surroundings.setdefault("XDG_CACHE_HOME", str(Path.home() / ".cache"))
    surroundings.pop("ORCHESTRATE_RESULTS", None)
    file = home / "page.sh"
    file.write_text("\n".join(script) + "\n", encoding="utf-8")
    output = home / "page.log"
    with output.open("w", encoding="utf-8") as stream:
        subprocess.run(
            ["bash", file],
            cwd=ROOT,
            env=surroundings,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            check=False,
        )
    parts = re.split(rf"\n{_MARK}(\d+)\n", output.read_text(encoding="utf-8"))
    results = zip(parts[0::2], parts[1::2], strict=False)
    return [
        Done(command, expected, printed, int(code))
        for (command, expected), (printed, code) in zip(commands, results, strict=True)
    ]


def assert_as_shown(all_done: list[Done]) -> None:
    """Each command prints what the page shows, and ends with 0 unless the page asks for its exit code."""
    for done, following in zip(all_done, [*all_done[1:], None], strict=True):
        assert is_shown(done.expected, done.printed), (done.command, done.expected, done.printed)
        asked = following is not None and following.command == "echo $?"
        assert (done.code != 0) == asked, (done.command, done.printed)


def is_shown(expected: str, printed: str) -> bool:
    """Whether the lines of ``expected`` are printed in this order.

    Figures, times and ids may be others. ``…`` is any text of a line; alone in a line, any lines, also none.
    """
    pattern = ""
    for line in expected.splitlines():
        pattern += r"(?:.*\n)*?" if line.strip() == "…" else _line(line) + r"\s*?\n"
    text = printed.strip("\n")
    text += "\n" if text else ""
    return re.fullmatch(pattern, text) is not None


def _line(line: str) -> str:
    pattern, end = "", 0
    for token in _TOKENS.finditer(line):
        pattern += re.escape(line[end : token.start()]) + _PATTERNS[(token.lastindex or 1) - 1][1]
        end = token.end()
    return pattern + re.escape(line[end:])
