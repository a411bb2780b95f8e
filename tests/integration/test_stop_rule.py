"""Runs that end when they know enough: a quiet and a noisy cell on real hosts, interrupted and not."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.running import User

MOST, BOOTS = 8, 4
FILE = f"""
name: until
benchmark:
  command:
    - sh
    - -c
    - 'echo {{noise}} >> EXECUTIONS; k=$(grep -cx {{noise}} EXECUTIONS); echo x=$((1000 + k % 4 * {{noise}}))'
  metrics: {{x: {{key_value: x, unit: us, better: lower}}}}
factors: {{noise: [0, 300]}}
repetitions: {{max: {MOST}, boots: {BOOTS}, until: {{half_width: 2%}}}}
"""


def assert_only_the_quiet_cell_was_cut_short(user: User) -> None:
    user.assert_complete(2 * MOST)
    assert user.counted == {"0": 6, "300": MOST}, "each trial once, and none that was not needed"
    assert user.statuses == {"ok": 6 + MOST, "skipped": MOST - 6}
    skipped = [trial for trial in user.trials if trial["status"] == "skipped"]
    assert all(trial["allowed"] and trial["factors"]["noise"] == "0" for trial in skipped)


@pytest.mark.parametrize("where", ["user", "local_user"])
def test_a_quiet_cell_ends_early_and_a_noisy_one_goes_on(request: pytest.FixtureRequest, where: str) -> None:
    someone: User = request.getfixturevalue(where)
    ended = someone.run(someone.file(FILE))
    assert ended.code == 0, ended.err
    assert f"2 cells, at most {2 * MOST} trials" in ended.err
    assert f"{2 * MOST} of {2 * MOST} trials" in ended.err
    assert_only_the_quiet_cell_was_cut_short(someone)
    report = someone.orchestrate("report", "latest").out
    assert "2 trials not needed: half the 95 % interval of the median of x is at most 2 % of it." in report


def test_every_report_tells_of_the_rule_and_counts_what_has_run(local_user: User) -> None:
    local_user.run(local_user.file(FILE))
    reports = {
        format_name: local_user.orchestrate("report", "latest", "--format", format_name).out
        for format_name in ("table", "mail", "markdown", "html", "junit", "json")
    }
    listed = local_user.orchestrate("results", "list").out
    document = json.loads(reports.pop("json"))
    rule = (
        f"6 to {MOST} trials per cell, until half the 95 % interval of the median x is at most 2 % of it; "
        "reached by 1 of 2 cells"
    )
    for format_name, text in reports.items():
        assert rule in " ".join(text.split()), format_name
        if format_name != "html":  # which lists single trials, each with its status
            assert "skipped" not in text.replace('skipped="0"', ""), format_name
    for format_name in ("table", "markdown", "html"):
        assert "14 of 16 trials, the other 2 not needed" in reports[format_name], format_name
    assert "14 of 16, the other 2 not needed" in listed
    assert "skipped" not in listed
    assert "The stop rule saved 2 planned trials." in reports["mail"]
    until = {"least": 6, "half_width": 0.02, "confidence": 0.95}
    assert document["repetitions"] == {"count": MOST, "boots": BOOTS, "until": until}
    assert [cell["precise"] for cell in document["cells"]] == [True, False]
    assert document["statuses"] == {"ok": 14, "skipped": 2}


def wait_for_trials(user: User, count: int, run: subprocess.Popen[str]) -> None:
    user.wait_for(lambda: len(user.trials) >= count, run)


def test_a_run_that_is_killed_on_the_way_ends_as_one_that_was_not(user: User) -> None:
    file = user.file(FILE)
    for trials in (3, 2 * MOST - 3):
        run = user.begin_run(file)
        wait_for_trials(user, trials, run)
        user.kill(run)
    ended = user.run(file)
    assert ended.code == 0, ended.err
    assert "resuming run" in ended.err
    assert_only_the_quiet_cell_was_cut_short(user)


def test_a_dry_run_says_which_blocks_may_be_cut_short(user: User) -> None:
    printed = user.orchestrate("run", user.file(FILE), "--dry-run", *user.options).out
    heads = [line for line in printed.splitlines() if line.startswith("# block")]
    assert ["at most 4 trials" in line for line in heads] == [False] * (BOOTS - 1) + [True]
