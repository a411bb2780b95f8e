"""Complete runs over a real sshd and on this machine, with any command as benchmark."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.running import User

THREE_SOURCES = """
name: three-sources
benchmark:
  name: say
  command:
    - sh
    - -c
    - |
      echo "{n} run" >> EXECUTIONS
      echo speed={n}.5
      echo "took $(({n} * 2)) ms"
      echo '{{"deep": [{{"n": {n}}}]}}'
  metrics:
    speed: {key_value: speed, unit: GiB/s, better: higher}
    took: {regex: 'took ([0-9]+) ms', unit: ms, better: lower}
    deep: {json: deep.0.n, unit: count}
factors: {n: [1, 2, 3]}
repetitions: 2
"""


@pytest.fixture(params=["user", "local_user"])
def anyone(request: pytest.FixtureRequest) -> User:
    """Over SSH and on this machine."""
    user = request.getfixturevalue(request.param)
    assert isinstance(user, User)
    return user


def test_a_run_from_file_to_table(anyone: User) -> None:
    ended = anyone.run(anyone.file(THREE_SOURCES))
    assert ended.code == 0, ended.err
    anyone.assert_complete(6)
    assert "3 cells, 6 trials" in ended.err
    assert "6 of 6 trials" in ended.err
    rows = [line.split()[:3] for line in ended.out.splitlines() if line[:1].isdecimal()]
    assert rows == [["1", "2", "1.500"], ["2", "2", "2.500"], ["3", "2", "3.500"]]
    assert anyone.counted["run"] == 6


def test_each_trial_is_in_the_journal_with_all_its_fields(anyone: User) -> None:
    assert anyone.run(anyone.file(THREE_SOURCES)).code == 0
    opening, block, *trials, end = anyone.records
    assert (opening["type"], block["type"], end["type"]) == ("run", "block", "end")
    assert sorted((t["factors"]["n"], t["repetition"]) for t in trials) == [
        (n, repetition) for n in "123" for repetition in (0, 1)
    ]
    for trial in trials:
        n = int(trial["factors"]["n"])
        assert trial["status"] == "ok"
        assert trial["reason"] == ""
        assert trial["metrics"] == {
            "speed": {"value": n + 0.5, "unit": "GiB/s"},
            "took": {"value": 2 * n, "unit": "ms"},
            "deep": {"value": n, "unit": "count"},
        }
        assert trial["cell"]
        assert trial["host"] == block["host"]
        assert trial["boot"] == block["boot"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        assert trial["environment"] == block["environment"]
        assert block["time"][:10] <= trial["start"][:10]
        assert trial["start"] <= trial["end"]
        assert trial["exit_code"] == 0
        assert trial["details"] == {"deep": [{"n": n}]}
    assert len({trial["trial"] for trial in trials}) == 6
    manifest = json.loads((anyone.run_folders[0] / "manifest.json").read_text())
    assert manifest["complete"] is True


def test_nothing_of_a_complete_run_stays_on_its_host(user: User) -> None:
    assert user.run(user.file(THREE_SOURCES)).code == 0
    assert not list(user.base.glob(f"blocks/{user.run_folders[0].name}-*"))


def test_the_same_command_after_a_complete_run_is_a_new_run(user: User) -> None:
    file = user.file(THREE_SOURCES)
    assert user.run(file, "--first", "1").code == 0
    again = user.run(file, "--first", "1")
    assert again.code == 0
    assert "resuming" not in again.err
    assert len(user.run_folders) == 2


def test_the_manifest_has_what_a_project_file_says_of_hosts(user: User) -> None:
    config = Path(user.options[user.options.index("--ssh-config") + 1])
    (user.folder / "orchestrate.yaml").write_text(f"ssh_config: {config}\n")
    user.options = ("--host", "testhost", "-i", "testhost,")
    assert user.run(user.file(THREE_SOURCES), "--first", "1").code == 0
    manifest = json.loads((user.run_folders[0] / "manifest.json").read_text())
    source = str(user.folder / "orchestrate.yaml")
    assert manifest["defaults"] == {"ssh_config": {"value": str(config), "source": source}}
    shown = user.orchestrate("results", "show", "latest").out
    assert f"\nssh_config: {config}, from {source}\n" in shown


def test_every_form_of_report_and_the_listings(user: User) -> None:
    file = user.file(THREE_SOURCES)
    report = json.loads(user.run(file, "--format", "json").out)
    assert [cell["factors"]["n"] for cell in report["cells"]] == ["1", "2", "3"]
    assert [cell["metrics"]["speed"]["median"] for cell in report["cells"]] == [1.5, 2.5, 3.5]
    assert [cell["statuses"] for cell in report["cells"]] == [{"ok": 2}] * 3
    assert json.loads(user.orchestrate("report", "latest", "--format", "json").out) == report
    table = list(csv.DictReader(io.StringIO(user.orchestrate("report", "latest", "--format", "csv").out)))
    assert {row["factor.n"] for row in table} == {"1", "2", "3"}
    assert len(table) == 9
    assert "| 1" in user.orchestrate("report", report["run"], "--format", "markdown").out
    listed = user.orchestrate("results", "list").out
    assert report["run"] in listed
    assert "6 of 6" in listed
    shown = user.orchestrate("results", "show", "latest")
    assert "state: complete" in shown.out
    trial = user.trials[0]
    one = json.loads(user.orchestrate("results", "show", "latest", "--trial", trial["trial"]).out)
    assert one["metrics"] == trial["metrics"]


def test_where_set_and_limit_narrow_a_run(user: User) -> None:
    ended = user.run(user.file(THREE_SOURCES), "--where", "n > 1", "--set", "repetitions=1", "--first", "1")
    assert ended.code == 0
    assert [trial["factors"]["n"] for trial in user.trials] == ["2"]


def test_a_pipe_that_is_closed_early_is_no_error(user: User) -> None:
    assert user.run(user.file(THREE_SOURCES)).code == 0
    process = user.begin("report", "latest", "--format", "json")
    assert process.stdout
    process.stdout.close()
    assert process.wait(60) == 0
    assert process.stderr
    assert process.stderr.read() == ""


def test_verbose_says_each_trial_and_the_log_file_says_all(user: User) -> None:
    ended = user.run(user.file(THREE_SOURCES), "-v", "--first", "1")
    for trial in user.trials:
        assert f"trial {trial['trial']} on {trial['host']} [kernel=default, n=1]: ok" in ended.err
    assert (user.run_folders[0] / "orchestrate.log").exists()


def test_placement_binds_trials_to_their_cpus(user: User) -> None:
    text = """
tuning: {placement: {cpus: "0"}}
benchmark: {command: [sh, -c, 'echo cpus=$(nproc)'], metrics: {cpus: {key_value: cpus, unit: count}}}
repetitions: 1
"""
    ended = user.run(user.file(text))
    assert ended.code == 0, ended.err
    assert user.trials[0]["metrics"]["cpus"]["value"] == 1


def test_a_dry_run_touches_nothing_and_its_lines_run_in_a_shell(user: User) -> None:
    ended = user.run(user.file(THREE_SOURCES), "--dry-run")
    assert ended.code == 0, ended.err
    assert not (user.folder / "results").exists()
    assert not user.executions.exists()
    lines = [line for line in ended.out.splitlines() if not line.startswith(("#", "    < "))]
    checked = subprocess.run(
        ["sh", "-n"], input="\n".join(lines), text=True, capture_output=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert len(re.findall(r"^    < [0-9a-f]{12} ", ended.out, re.MULTILINE)) == 6
    assert any("runner.sh start" in line for line in lines)
