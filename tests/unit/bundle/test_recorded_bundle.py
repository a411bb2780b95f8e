"""A bundle recorded by version 0.1.0 (bundle.json in format 1), without program/ and most reports."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from orchestrator.bundle import checksums, contents, layout
from orchestrator.bundle.verify import open_bundle, verify
from orchestrator.errors import BadInput
from orchestrator.results.runs import RunFolder
from tests.calls import orchestrate

RECORDED = Path(__file__).parents[2] / "recorded" / "0.1.0-bundle.tar"
IDENTITY = "2ae4f3d5370dcfa1048ab8bb784ad71e22148c592c353411b42e1b43447a68bf"


def test_a_recorded_bundle_is_intact() -> None:
    result = verify(RECORDED)
    assert result.damage == ()
    assert (result.identity, result.files) == (IDENTITY, 15)


def test_the_description_of_a_recorded_bundle_is_read() -> None:
    with open_bundle(RECORDED) as folder:
        description = layout.read(folder)
        assert (folder / description.experiment_file).is_file()
    assert description.experiment_file == "experiment/mover.yaml"
    assert description.where == ("threads > 0",)
    assert description.scrubbed == {"host": 1, "word": 2}
    assert description.changed_role_files == ()
    assert description.program.made_the_run
    assert description.program.source_hash.startswith("84f68f1d9ffa")


def test_a_description_is_read_as_it_was_written(tmp_path: Path) -> None:
    with open_bundle(RECORDED) as folder:
        description = layout.read(folder)
    layout.write(tmp_path, description)
    assert json.loads((tmp_path / layout.DESCRIPTION).read_text())["format"] == 2
    assert layout.read(tmp_path) == description


def test_a_bundle_of_a_newer_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / layout.DESCRIPTION).write_text('{"format": 99, "type": "bundle"}')
    with pytest.raises(BadInput, match=r"format 99 is newer .*; or use the program in the bundle"):
        layout.read(tmp_path)


def test_a_bundle_with_a_damaged_manifest_is_refused_before_its_experiment_runs(tmp_path: Path) -> None:
    with open_bundle(RECORDED) as folder:
        bundle = Path(shutil.copytree(folder, tmp_path / "bundle"))
    manifest = bundle / "run" / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"kernels": {"default": "abc"}}))
    for name in (layout.SUMS, layout.SUMS_CHECKSUM):
        (bundle / name).unlink()
    checksums.write(bundle)
    assert orchestrate("verify", "bundle", folder=tmp_path).returncode == 0
    refused = orchestrate("reproduce", "bundle", "--mode", "full", "--host", "local", folder=tmp_path)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert refused.stderr.endswith("manifest.json: damaged: kernels[...]: expected an object, got a string\n")
    assert not (tmp_path / "results").exists()


def test_a_bundle_takes_characters_that_are_none_for_question_marks(tmp_path: Path) -> None:
    with open_bundle(RECORDED) as folder:
        run = RunFolder(Path(shutil.copytree(folder / "run", tmp_path / "run")))
    first, *lines = run.journal.read_text().splitlines()
    opening = json.loads(first) | {"hosts": ["h\ud800"]}
    opening.pop("crc32", None)
    facts = re.compile(r'"cpu_model": ?"')
    lines = [facts.sub(r"\g<0>\\ud800", line) for line in lines]
    run.journal.write_text("\n".join([json.dumps(opening), *lines, ""]))
    read = contents.read(run)
    assert "h?" in read.hosts
    assert read.blocks[0].facts["cpu_model"].startswith("?")
