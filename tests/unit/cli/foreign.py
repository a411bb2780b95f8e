"""Experiments that somebody else wrote, with one role."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.calls import orchestrate

BENCHMARK = "benchmark: {command: [echo, 'x={size}'], metrics: {x: {key_value: x, unit: s}}}\nfactors: {size: [1, 2]}\n"


class Foreign:
    """An experiment that somebody else wrote, with one role."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trace = folder / "executed"
        self.write("e.yaml", "version: 1\nroles: [r]\n" + BENCHMARK)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("TRACE", str(self.trace)))
        return path

    def tasks(self, text: str, **files: str) -> None:
        for name, content in {"tasks.yaml": text, **files}.items():
            self.write(f"roles/r/{name}", content)

    def review(self, *words: str) -> subprocess.CompletedProcess[str]:
        done = orchestrate("review", "e.yaml", *words, folder=self.folder)
        assert not self.trace.exists()
        assert "Traceback" not in done.stderr
        return done

    def text(self, *words: str) -> str:
        done = self.review(*words)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def entries(self, title: str = "Roles", *words: str) -> list[dict[str, Any]]:
        sections = json.loads(self.text("--format", "json", *words))["sections"]
        return [entry for section in sections if section["title"] == title for entry in section["entries"]]

    def refusal(self, *words: str) -> str:
        done = self.review(*words)
        assert (done.returncode, done.stdout) == (2, "")
        (line,) = done.stderr.splitlines()
        return line
