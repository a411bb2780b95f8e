"""Experiment files of 0.1.0 with the former names of arguments and metrics mean the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import BadInput
from orchestrator.experiment.loader import load

RECORDED = Path(__file__).parents[2] / "recorded"
NEW = """\
version: 1
name: renamed
benchmark:
  role: migbench
  headline: latency_probe_faults
factors:
  mode: [serial, mbind]
  pages: [16, 32]
  latency_probe: [0, 1]
zip: [[pages, latency_probe]]
derive: {threads: 1 + latency_probe}
exclude: ["mode == 'mbind' and latency_probe == 1"]
allow_unsupported: [latency_probe == 1]
compare: {metric: latency_probe_idle_gap, baseline: {latency_probe: 0}}
"""
OLD = (
    NEW.replace("latency_probe_faults", "toucher_faults")
    .replace("latency_probe_idle_gap", "toucher_gap_before")
    .replace("latency_probe", "toucher")
)


def test_former_names_mean_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(OLD)
    new.write_text(NEW)
    assert load(old).content_hash == load(new).content_hash
    assert [record.getMessage() for record in caplog.records] == [
        f"{old}:9:3: 'toucher' has been renamed to 'latency_probe'",
        f"{old}:5:13: 'toucher_faults' has been renamed to 'latency_probe_faults'",
        f"{old}:14:19: 'toucher_gap_before' has been renamed to 'latency_probe_idle_gap'",
    ]


def test_texts_in_quotes_stay(tmp_path: Path) -> None:
    file = tmp_path / "quoted.yaml"
    file.write_text("version: 1\nbenchmark: {role: migbench}\nfactors: {dialect: [toucher, auto]}\n"
                    "exclude: [\"dialect == 'toucher'\"]\n")  # fmt: skip
    (predicate,) = load(file).sweep.exclude
    assert str(predicate) == "dialect == 'toucher'"


@pytest.mark.parametrize("file", sorted(RECORDED.glob("*/*.yaml")), ids=lambda file: file.name)
def test_recorded_files_are_read(file: Path) -> None:
    experiment = load(file)
    arguments = experiment.benchmark.arguments
    assert "toucher" not in arguments
    assert (file.stem == "toucher") == ("latency_probe" in arguments)


def test_an_override_may_use_the_former_name(tmp_path: Path) -> None:
    file = tmp_path / "plain.yaml"
    file.write_text("version: 1\nbenchmark: {role: migbench}\n")
    experiment = load(file, overrides=["benchmark.arguments.toucher=true"])
    assert experiment.benchmark.arguments["latency_probe"].text == "true"


def test_both_names_are_a_fault(tmp_path: Path) -> None:
    file = tmp_path / "both.yaml"
    file.write_text("version: 1\nbenchmark: {role: migbench, arguments: {toucher: 1, latency_probe: 1}}\n")
    with pytest.raises(BadInput) as caught:
        load(file)
    assert [str(fault) for fault in caught.value.faults] == [
        f"{file}:2:41: 'toucher' is the old name of 'latency_probe', which is also given; remove one"
    ]
