"""The manifest is written at the start, completed at the end, and read back."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

import orchestrator
from orchestrator.errors import BadInput
from orchestrator.experiment.model import (
    Axis,
    Benchmark,
    Experiment,
    Factor,
    Hosts,
    Kernel,
    Level,
    Limits,
    Metric,
    Order,
    Repetitions,
    Role,
    Sweep,
    Tuning,
)
from orchestrator.results import manifest
from orchestrator.results.files import write_whole
from orchestrator.results.records import FactorInfo, MetricInfo, run_record


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    file = tmp_path / "quick.yaml"
    file.write_text("version: 1  # größe\n", encoding="utf-8")
    for role in ("bench", "tools"):
        (tmp_path / role / "files" / "build").mkdir(parents=True)
        (tmp_path / role / "tasks.yaml").write_text(f"- {role}\n")
        (tmp_path / role / "files" / "main.c").write_text("int main;\n")
        (tmp_path / role / "files" / "build" / "main.o").write_text("made from it")
    bench = Role("bench", tmp_path / "bench")
    threads = Factor("threads", (Level("1", 1), Level("2", 2)))
    metric = Metric("rate", "GiB/s", "json", "rate", "higher")
    return Experiment(
        name="quick",
        description="",
        file=file,
        content_hash="ab" * 32,
        hosts=Hosts("local"),
        kernels=(Kernel("stock"),),
        roles=(Role("tools", tmp_path / "tools"),),
        tuning=Tuning(),
        benchmark=Benchmark("bench", bench, ("bench",), (), {}, (metric,), {}, "rate"),
        sweep=Sweep((Axis((threads,)),)),
        repetitions=Repetitions(),
        order=Order(seed=11),
        limits=Limits(),
        allow_unsupported=(),
        noise=None,
    )


def test_a_manifest_has_the_provenance_of_a_run(experiment: Experiment, tmp_path: Path) -> None:
    started = manifest.begin(experiment, "run-1", ["repetitions=1"], ["orchestrate", "run", "quick.yaml"])
    manifest.save(tmp_path, started)
    assert manifest.load(tmp_path) == started
    assert started.experiment_text == "version: 1  # größe\n"
    assert started.experiment_file == "quick.yaml", "no path of the machine"
    assert (started.seed, started.content_hash) == (11, "ab" * 32)
    assert started.version == orchestrator.__version__
    assert started.commit == "" or re.fullmatch(r"[0-9a-f]{40}(-dirty)?", started.commit)
    assert started.packages["click"]
    assert started.controller["cpus"] == len(os.sched_getaffinity(0))
    assert started.complete is None


def test_every_source_file_of_a_role_is_hashed_and_nothing_that_was_built(experiment: Experiment) -> None:
    started = manifest.begin(experiment, "run-1", [], [])
    assert started.roles == {
        role: {
            "files/main.c": hashlib.sha256(b"int main;\n").hexdigest(),
            "tasks.yaml": hashlib.sha256(f"- {role}\n".encode()).hexdigest(),
        }
        for role in ("tools", "bench")
    }


def test_a_manifest_is_completed_at_the_end(experiment: Experiment, tmp_path: Path) -> None:
    manifest.save(tmp_path, manifest.begin(experiment, "run-1", [], []))
    first = manifest.finish(tmp_path, complete=False, kernels={"stock": {"release": "6.1"}})
    last = manifest.finish(tmp_path, complete=True, benchmark="cd" * 32, kernels={"rfc": {"release": "4.9"}})
    assert first.complete is False
    assert manifest.load(tmp_path) == last
    assert last.complete is True
    assert last.benchmark == "cd" * 32
    assert set(last.kernels) == {"stock", "rfc"}
    assert last.ended >= last.started


def test_role_files_that_changed_between_two_starts_show_in_their_hashes(
    experiment: Experiment, tmp_path: Path
) -> None:
    before = manifest.begin(experiment, "run-1", [], [])
    (tmp_path / "bench" / "files" / "main.c").write_text("int main(void);\n")
    (tmp_path / "tools" / "tasks.yaml").unlink()
    (tmp_path / "tools" / "new").write_text("")
    after = manifest.begin(experiment, "run-1", [], [])
    assert after.roles["bench"]["files/main.c"] != before.roles["bench"]["files/main.c"]
    assert set(after.roles["tools"]) - set(before.roles["tools"]) == {"new"}
    assert set(before.roles["tools"]) - set(after.roles["tools"]) == {"tasks.yaml"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"damaged: not JSON \(line 1, column 1\)"),
        ("[]", "not a JSON object"),
        ('{"format": 1}', "damaged: missing key 'run'"),
        ('{"format": 2}', "newer than this version reads"),
        ("{}", "missing key 'format'; expected a number from 1 to 1"),
    ],
)
def test_a_manifest_that_cannot_be_read_says_why(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / manifest.FILE).write_text(text)
    with pytest.raises(BadInput, match=message):
        manifest.load(tmp_path)


@pytest.mark.parametrize(
    ("kernels", "fault"),
    [
        ({"default": "abc"}, "expected an object, got a string"),
        ({"default": {"release": 5}}, "release: expected a string, got an integer"),
        ({"default": {"hash": [1]}}, "hash: expected a string, got a list"),
        ({"default": {"package": 3}}, "package: expected an object, got an integer"),
        ({"default": {"ingredients": {"patches": [{"name": "a"}]}}}, "missing key 'sha256'"),
        ([], "expected an object, got a list"),
    ],
)
def test_properties_of_kernels_have_types(
    experiment: Experiment, tmp_path: Path, kernels: object, fault: str
) -> None:
    path = tmp_path / manifest.FILE
    manifest.save(tmp_path, manifest.begin(experiment, "run-1", [], []))
    path.write_text(json.dumps(json.loads(path.read_text()) | {"kernels": kernels}))
    with pytest.raises(BadInput, match=rf"^{path}: damaged: kernels.*{fault}$"):
        manifest.load(tmp_path)


def test_what_else_is_known_of_a_kernel_is_kept(experiment: Experiment, tmp_path: Path) -> None:
    kernels = {"stock": {"release": "6.1", "version": "#1 SMP", "later": [1], "ingredients": {"format": 1}}}
    started = replace(manifest.begin(experiment, "run-1", [], []), kernels=kernels)
    manifest.save(tmp_path, started)
    assert manifest.load(tmp_path).kernels == kernels


def test_a_missing_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"manifest\.json: No such file"):
        manifest.load(tmp_path)


def test_fields_of_a_later_version_are_ignored(experiment: Experiment, tmp_path: Path) -> None:
    started = manifest.begin(experiment, "run-1", [], [])
    manifest.save(tmp_path, started)
    path = tmp_path / manifest.FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | {"later": 1}))
    assert manifest.load(tmp_path) == started


def test_a_file_is_whole_whenever_its_writer_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    script = (
        "import sys\nfrom pathlib import Path\nfrom orchestrator.results.files import write_whole\n"
        "print('go', flush=True)\n"
        "while True:\n    for c in 'ab': write_whole(Path(sys.argv[1]), c * 300000)\n"
    )
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", script, path], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            while not path.exists():
                pass
            seen = path.read_text()
            writer.send_signal(signal.SIGKILL)
        for text in (seen, path.read_text()):
            assert text in ("a" * 300000, "b" * 300000)
    write_whole(path, "c")
    assert [entry.name for entry in tmp_path.iterdir()] == ["manifest.json"]


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "x"
    write_whole(path, "old")
    with pytest.raises(TypeError):
        write_whole(path, 3)  # type: ignore[arg-type]
    assert [entry.name for entry in tmp_path.iterdir()] == ["x"]
    assert path.read_text() == "old"


def test_text_that_is_no_unicode_can_be_saved(experiment: Experiment, tmp_path: Path) -> None:
    started = replace(manifest.begin(experiment, "run-1", [], []), command_line=("x\udcff",))
    manifest.save(tmp_path, started)
    assert manifest.load(tmp_path) == started


def test_the_first_record_of_a_run_is_made_from_its_experiment(experiment: Experiment) -> None:
    record = run_record(experiment, "run-1", 6)
    assert record.factors == (FactorInfo("threads", ("1", "2")),)
    assert record.metrics == (MetricInfo("rate", "GiB/s", "higher"),)
    assert (record.run, record.trials, record.headline, record.seed) == ("run-1", 6, "rate", 11)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record.time)
    assert run_record(experiment, "run-1", 6, resumed=True).resumed
