"""`make audit`: a known vulnerability is an error, a service that is not reached is one line. The service is ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KNOWN = {"id": "TEST-1", "summary": "it is a test", "affected": []}


class Service(BaseHTTPRequestHandler):
    """Answers as OSV does: version 1.0 of `vulnerable` has a vulnerability."""

    def do_POST(self) -> None:
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        is_known = (query["package"]["name"], query["version"]) == ("vulnerable", "1.0")
        answer = json.dumps({"vulns": [KNOWN]} if is_known else {}).encode()
        self.send_response(500 if query["package"]["name"] == "refused" else 200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *arguments: object) -> None: ...


@pytest.fixture
def service() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()


def audit(folder: Path, service: str, *pins: str) -> subprocess.CompletedProcess[str]:
    lock = folder / "lock.txt"
    lock.write_text("".join(f"{pin} --hash=sha256:{'0' * 64}\n" for pin in pins))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["sh", ROOT / "tools/audit.sh", "lock.txt"],
        cwd=folder, env={**os.environ, "PATH": path, "PIP_AUDIT_OSV_URL": service, "no_proxy": "*"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_known_vulnerability_is_an_error(tmp_path: Path, service: str) -> None:
    found = audit(tmp_path, service, "harmless==1.0", "vulnerable==1.0")
    assert found.returncode == 1
    assert "Found 1 known vulnerability in 1 package" in found.stderr
    (line,) = (line for line in found.stdout.splitlines() if "TEST-1" in line)
    assert line.split()[:3] == ["vulnerable", "1.0", "TEST-1"]


def test_packages_without_one_pass(tmp_path: Path, service: str) -> None:
    passed = audit(tmp_path, service, "harmless==1.0", "vulnerable==1.1")
    assert (passed.returncode, passed.stdout) == (0, "")
    assert "No known vulnerabilities found" in passed.stderr


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/", "http://nowhere.invalid/"])
def test_a_service_that_cannot_be_reached_is_one_line(tmp_path: Path, address: str) -> None:
    missed = audit(tmp_path, address, "vulnerable==1.0")
    assert (missed.returncode, missed.stderr) == (0, "")
    assert missed.stdout == (
        "lock.txt: not checked for known vulnerabilities: the vulnerability service cannot be reached\n"
    )


def test_a_service_that_refuses_is_an_error(tmp_path: Path, service: str) -> None:
    refused = audit(tmp_path, service, "refused==1.0")
    assert refused.returncode != 0
    assert "500" in refused.stderr
