"""A run that an older version was interrupted in is resumed by the present one."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.running import User

RECORDED = Path(__file__).parents[1] / "recorded" / "0.1.0-interrupted"


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
