"""The steps of the cloud job that ``orchestrate init --ci`` writes, run as a CI server runs them."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator import starters
from tests.clouds import fake_ec2
from tests.clouds.fake_ec2 import FakeEc2
from tests.running import COMMAND, User

EXPERIMENT = """
name: workflow
hosts:
  provider: qemu
  ec2: {user: root, ssh_from: 127.0.0.0/8}
benchmark:
  command: [sh, -c, 'sleep 0.1; echo speed=$(cat SPEED)']
  metrics: {speed: {key_value: speed, unit: GiB/s, better: higher}}
repetitions: {count: 6, boots: 6}
"""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeEc2]:
    with fake_ec2.serve(tmp_path_factory.mktemp("cloud") / "ec2") as fake:
        fake.regions = (fake_ec2.REGION,)
        yield fake


@dataclass
class Job:
    """The job ``cloud`` in a working copy of its own; ``speed``: what machines measure."""

    user: User
    steps: dict[str, dict[str, Any]]
    speed: Path

    def begin(self, name: str) -> subprocess.Popen[str]:
        """Start a step as a runner does."""
        words = ["bash", "-e", "-o", "pipefail", "-c", self.steps[name]["run"]]
        return subprocess.Popen(
            words, cwd=self.user.folder, env={**os.environ, **self.user.environment}, text=True
        )

    def run(self, name: str) -> int:
        return self.begin(name).wait()


@pytest.fixture
def job(api: FakeEc2, tmp_path: Path) -> Iterator[Job]:
    environment = {
        **api.environment,
        "AWS_REGION": fake_ec2.REGION,
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PATH": f"{COMMAND.parent}:{os.environ['PATH']}",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }
    user = User(tmp_path, environment=environment)
    assert user.orchestrate("init", "--ci").code == 0
    document = yaml.safe_load((tmp_path / starters.WORKFLOW).read_text())
    steps = {step["name"]: step for step in document["jobs"]["cloud"]["steps"] if "name" in step}
    with tempfile.TemporaryDirectory(dir="/var/tmp") as shared:  # machines have a /tmp of their own
        speed = Path(shared) / "speed"
        user.file(EXPERIMENT.replace("SPEED", str(speed)), "experiment.yaml")
        yield Job(user, steps, speed)
    user.close()
    assert api.left() == {}


def test_a_regression_fails_and_the_machine_is_given_back(api: FakeEc2, job: Job) -> None:
    for speed, code in (("3.0", 0), ("2.0", 5)):
        job.speed.write_text(speed)
        assert [job.run(name) for name in ("Run", "Return", "Report", "Compare")] == [0, 0, 0, code]
        assert api.left() == {}
    assert len(set(api.rented)) == 2
    assert "<testsuite" in (job.user.folder / "comparison.xml").read_text()


def test_a_job_that_is_killed_gives_its_machine_back(api: FakeEc2, job: Job) -> None:
    job.speed.write_text("3.0")
    before = len(api.rented)
    step = job.begin("Run")
    job.user.wait_for(lambda: len(api.rented) > before)
    step.send_signal(signal.SIGKILL)
    step.wait()
    assert api.left()["instances"]
    assert job.steps["Return"]["if"] == "always()"
    assert job.run("Return") == 0
    assert api.left() == {}
