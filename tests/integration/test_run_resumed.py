"""Runs that are carried on: after a limit, a fault at their end, damage, and where no trial is missing."""

from __future__ import annotations

import json
import re
import signal

from tests.integration.interrupted_runs import COUNTING, each_once
from tests.integration.machine import Machine
from tests.running import User


def test_a_run_whose_last_trial_ends_after_max_hours_is_complete(user: User) -> None:
    text = COUNTING.replace("0, 1, 2, 3, 4, 5, 6, 7", "0").replace("sleep 0.8", "sleep 14")
    reserve = 20 + 60  # seconds in which no trial begins: those of one trial, and those to restore the host
    ended = user.run(user.file(text, max_hours=(reserve + 10) / 3600, trial="20s"))
    assert ended.code == 0, ended.err
    user.assert_complete(1)


def test_what_fails_after_the_last_trial_is_done_by_the_same_command(user: User) -> None:
    file = user.file(COUNTING)
    run = user.begin_run(file)
    user.wait_for(lambda: user.trials, run)
    (folder,) = user.run_folders
    manifest = folder / "manifest.json"
    manifest.unlink()
    (manifest / "in the way").mkdir(parents=True)
    ended = user.end(run)
    assert ended.code != 0
    assert "manifest.json: Is a directory" in ended.complaints[-1]
    assert len(user.trials) == 8
    (manifest / "in the way").rmdir()
    manifest.rmdir()
    again = user.run(file)
    assert again.code == 0, again.err
    assert f"resuming run {folder.name}" in again.err
    each_once(user, 8)
    assert json.loads(manifest.read_text())["complete"] is True


def test_a_trial_whose_line_is_damaged_runs_again(user: User) -> None:
    file = user.file(COUNTING)
    run = user.begin_run(file)
    user.wait_for(lambda: user.trials, run)
    user.kill(run, signal.SIGTERM)
    (folder,) = user.run_folders
    journal = folder / "journal.jsonl"
    number = next(
        n for n, line in enumerate(journal.read_bytes().splitlines(), 1) if b'"type":"trial"' in line
    )
    damaged = user.trials[0]
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[number - 1] = lines[number - 1].replace(b'"status":"ok"', b'"status":"oK"')
    journal.write_bytes(b"".join(lines))
    again = user.run(file)
    assert again.code == 0, again.err
    assert f"journal.jsonl:{number}:1: the checksum (crc32) is not that of the line" in again.err
    assert "1 damaged line of the journal left out" in again.out
    assert "8 of 8 trials ok" in again.out
    assert sum(record["trial"] == damaged["trial"] for record in user.trials) == 2, "the damaged line stays"


def test_a_complete_run_that_loses_a_trial_is_resumed_and_exported(local_user: User) -> None:
    user, file = local_user, local_user.file(COUNTING)
    assert user.run(file).code == 0
    (folder,) = user.run_folders
    journal = folder / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    number, line = next((n, line) for n, line in enumerate(lines) if b'"type":"trial"' in line)
    lines[number] = line.replace(b'"status":"ok"', b'"status":"changed"')
    journal.write_bytes(b"".join(lines))
    assert re.search(r" 7 of 8 .* interrupted$", user.orchestrate("results", "list").out, re.MULTILINE)
    (refused,) = user.orchestrate("export", "latest").complaints
    assert "is unfinished: 7 of 8 trials" in refused
    again = user.run(file, "--resume")
    assert again.code == 0, again.err
    assert f"resuming run {folder.name}" in again.err
    assert sum(user.counted.values()) == 2 * 9, "only that trial runs again"
    assert re.search(r" 8 of 8 .* complete$", user.orchestrate("results", "list").out, re.MULTILINE)
    exported = user.orchestrate("export", "latest", "--directory", "--output", "bundle")
    assert exported.code == 0, exported.err
    said = [
        text for text in exported.complaints if "Damaged lines of the journal, which are left out: " in text
    ]
    assert len(said) == 1
    assert f"journal.jsonl:{number + 1}:1: " in said[0]
    assert user.orchestrate("verify", "bundle").code == 0
    kept = (user.folder / "bundle" / "run" / "journal.jsonl").read_bytes().splitlines(keepends=True)
    assert kept == [line for line in journal.read_bytes().splitlines(keepends=True) if line != lines[number]]
    assert user.run(file, "--resume").code == 2, "it is complete again"


LOSES_A_SETTING = """
name: loses
benchmark:
  command: [sh, -c, 'test -e KNOB.away || test {n} = 0 || mv KNOB KNOB.away; echo x={n}']
  metrics: {x: {key_value: x, unit: count}}
factors: {n: [0, 1, 2], sysfs.KNOB: [0]}
repetitions: 1
order: {within_block: listed}
"""


def test_a_run_goes_on_when_what_its_runner_failed_at_is_mended(admin: User, machine: Machine) -> None:
    """The runner ended with an error, which its journal keeps: the setting of a trial could not be put back."""
    file = admin.file(LOSES_A_SETTING.replace("KNOB", "/sys/kernel/mm/ksm/run"))
    ended = admin.run(file)
    assert ended.code == 3
    assert "the runner failed: /sys/kernel/mm/ksm/run: No such file or directory" in ended.complaints[-1]
    knob = machine.root / "sys/kernel/mm/ksm/run"
    (knob.parent / "run.away").rename(knob)
    (knob.parent / "run.away").touch()
    again = admin.run(file)
    assert again.code == 0, again.err
    admin.assert_complete(3)
    assert machine.sys("kernel/mm/ksm/run") == "1"


WITHOUT_CRON = """
name: quiet
roles: [{role: quiet, vars: {services: [cron.service]}, tags: [services]}]
benchmark: {command: [sh, -c, 'echo x={n}'], metrics: {x: {key_value: x, unit: count}}}
factors: {n: [0, 1, 2]}
repetitions: 1
"""


def test_a_host_is_left_as_it_was_by_who_resumes_a_run_of_which_no_trial_is_missing(
    admin: User, machine: Machine
) -> None:
    """The controller is killed after the last record, and a service could not be started again until then."""
    before = machine.state()
    systemctl = machine.root / "bin/systemctl"
    quick = systemctl.read_text()
    systemctl.write_text(quick.replace("#!/bin/sh\n", '#!/bin/sh\n[ "$1" != start ] || exit 1\n'))
    file = admin.file(WITHOUT_CRON)
    run = admin.begin_run(file)
    admin.wait_for(lambda: len(admin.trials) == 3, run)
    admin.kill(run)
    systemctl.write_text(quick)
    assert "inactive" in machine.unit("cron.service")
    ended = admin.run(file)
    assert ended.code == 0, ended.err
    admin.assert_complete(3)
    assert machine.state() == before
    assert not list((machine.root / "base").glob("lock*"))
    assert not list((machine.root / "base/blocks").glob("*"))
