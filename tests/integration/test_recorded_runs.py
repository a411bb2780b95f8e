"""Runs of an older version are resumed and exported by the present one."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.running import User

FOLDER = Path(__file__).parents[1] / "recorded"
RECORDED = FOLDER / "0.1.0-interrupted"
QUICKSTART = FOLDER / "0.1.0-quickstart"


def test_an_interrupted_run_is_resumed_and_exported(tmp_path: Path) -> None:
    user = User(tmp_path, options=("--host", "local"))
    shutil.copytree(RECORDED / "interrupted", user.folder / "results" / "interrupted")
    file = Path(shutil.copy(RECORDED / "interrupted.yaml", user.folder))
    recorded = [record["trial"] for record in user.trials]
    assert len(recorded) == 4
    try:
        ended = user.run(file)
        assert ended.code == 0, ended.err
        user.assert_complete(8)
        assert [record["trial"] for record in user.trials][:4] == recorded
        assert [record["resumed"] for record in user.of_type("run")] == [False, True]
        assert [record["format"] for record in user.trials] == [1] * 4 + [2] * 4
        exported = user.orchestrate("export", "latest", "--experiment", file, "-o", "run.tar")
        assert exported.code == 0, exported.err
        verified = user.orchestrate("verify", "run.tar")
        assert verified.code == 0, verified.err
    finally:
        user.close()


def test_a_run_with_an_older_version_of_a_role_is_exported(tmp_path: Path) -> None:
    """The role that came with version 0.1.0 is not in the tree any more; the bundle says which files differ."""
    user = User(tmp_path)
    results = Path(shutil.copytree(QUICKSTART, tmp_path / "recorded"))
    run = next(path.name for path in (results / "quickstart").iterdir())
    file = results / "quickstart.yaml"
    options = ("--results", results, "--experiment", file, "-o", "run", "--folder")
    exported = user.orchestrate("export", run, *options)
    assert exported.code == 0, exported.err
    assert "roles/migbench/benchmark.yaml" in exported.err
    verified = user.orchestrate("verify", "run")
    assert verified.code == 0, verified.err
    assert "roles/migbench/benchmark.yaml" in (user.folder / "run" / "README.md").read_text()
    assert run in (user.folder / "run" / "report" / "report.json").read_text()
    assert (user.folder / "run" / "report" / "report.tex").is_file()


def test_a_file_whose_name_gives_no_format_is_written_with_a_word(tmp_path: Path) -> None:
    user = User(tmp_path)
    shutil.copytree(QUICKSTART / "quickstart", tmp_path / "results/quickstart")
    written = user.orchestrate("report", "latest", "-o", "run.docx")
    assert written.code == 0
    (line,) = written.complaints
    assert line.startswith("run.docx: format table; a name gives another if it ends in .csv, .html,")
    for words in (["-o", "run.txt"], ["-o", "run.md"], ["-o", "run.docx", "--format", "table"]):
        assert user.orchestrate("report", "latest", *words).complaints == []
    assert (tmp_path / "run.docx").read_text() == (tmp_path / "run.txt").read_text()
