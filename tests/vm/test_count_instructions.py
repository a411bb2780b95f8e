"""tools/count-instructions/count.py: the instructions of a call in a guest, compared with the guest's own clock."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PAGES = 256
FILE = f"""
version: 1
name: counted
hosts:
  provider: qemu
  qemu: {{nodes: [{{cpus: 1, memory: 384MiB}}, {{cpus: 1, memory: 384MiB}}]}}
kernels: {{stock: default}}
benchmark: {{role: migbench, arguments: {{page_size: 4KiB}}}}
factors:
  mode: [serial, mbind]
  pages: [{PAGES}]
repetitions: 1
limits: {{boot: 900s, settle: 1s}}
"""


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "call"), [("serial", "move_pages"), ("mbind", "mbind")])
def test_the_functions_of_a_call_add_up_to_its_latency(tmp_path: Path, mode: str, call: str) -> None:
    """The clock counts an instruction per nanosecond; of the call, it also sees the way into and out of the kernel."""
    file = tmp_path / "counted.yaml"
    file.write_text(FILE)
    tool = "tools/count-instructions/count.py"
    command = [sys.executable, tool, str(file), "--where", f"mode == '{mode}'", "--call", call]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    counts = json.loads(printed)["stock"]
    assert counts["pages"] == PAGES
    assert sum(counts["functions"].values()) == pytest.approx(counts["call_latency_ns"], rel=0.02)
    copied = max(counts["functions"].get(name, 0) for name in ("copy_page", "memcpy_orig"))
    assert copied >= 512 * PAGES, "an instruction or more for each word"
