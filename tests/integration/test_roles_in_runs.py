"""Roles of an experiment: their settings are restored after each block, however the run ends."""

from __future__ import annotations

import pytest

from tests.integration.administrator import apply, role
from tests.integration.machine import Machine
from tests.running import User

EXPERIMENT = """
benchmark:
  command: [sh, -c, 'cat /proc/sys/vm/swappiness; echo x=1']
  metrics: {x: {key_value: x, unit: count}}
repetitions: 1
roles: [{role: mine, vars: {level: 7}}]
"""


@pytest.mark.changes_settings
def test_an_experiment_applies_roles_and_restores_their_settings(admin: User, machine: Machine) -> None:
    role(
        admin,
        tasks="- sysctl: {vm.swappiness: '{{ level }}'}\n- copy: {content: x, dest: /etc/stays}\n",
        defaults="level: 1\n",
    )
    before = machine.state()
    file = admin.file(EXPERIMENT)
    checked = admin.run(file, "--check")
    assert checked.code == 0, checked.err
    assert "/proc/sys/vm/swappiness: 60 → 7" in checked.out
    assert not (machine.root / "etc/stays").exists()
    ended = admin.run(file)
    assert ended.code == 0, ended.err
    assert admin.of_type("block")[0]["settings"] == {"/proc/sys/vm/swappiness": "7"}
    assert machine.state() == before
    assert (machine.root / "etc/stays").exists()


@pytest.mark.changes_settings
def test_a_role_that_fails_in_a_run_leaves_no_setting_changed(admin: User, machine: Machine) -> None:
    role(admin, tasks="- sysctl: {vm.swappiness: '{{ level }}'}\n- shell: exit 9\n", defaults="level: 1\n")
    ended = admin.run(admin.file(EXPERIMENT))
    assert ended.code == 3
    assert "testhost: role mine: shell: exit code 9" in ended.complaints[0]
    assert machine.proc("vm/swappiness") == "60"


@pytest.mark.changes_settings
def test_settings_of_a_dead_controller_are_restored(admin: User, machine: Machine) -> None:
    role(admin, tasks="- sysctl: {vm.swappiness: '{{ level }}'}\n", defaults="level: 1\n")
    text = EXPERIMENT.replace("cat /proc", f"touch {admin.folder}/started; sleep 60; cat /proc")
    process = admin.begin_run(admin.file(text, trial="90s"))
    admin.wait_for((admin.folder / "started").exists, process)
    admin.kill(process)
    assert machine.proc("vm/swappiness") == "7"
    words = ("testhost", *admin.options[2:])
    checked = admin.orchestrate("hosts", "check", *words)
    assert "runner active: pid " in checked.out
    assert "1 recorded setting" in checked.out
    other = admin.run(admin.file(EXPERIMENT, "other.yaml"))
    assert other.code == 3
    assert "another run is active on this host" in other.complaints[0]
    assert machine.proc("vm/swappiness") == "7"
    refused = admin.orchestrate("hosts", "restore", *words)
    assert refused.code == 3
    assert "another run is active on this host (pid " in refused.complaints[0]
    assert apply(admin, "mine").code == 3
    restored = admin.orchestrate("hosts", "restore", "--stop", *words)
    assert restored.code == 0, restored.err
    assert machine.proc("vm/swappiness") == "60"
    assert "idle, no recorded settings" in admin.orchestrate("hosts", "check", *words).out


@pytest.mark.changes_settings
def test_this_machine_is_changed_only_if_that_is_allowed(local_user: User) -> None:
    role(local_user, tasks="- copy: {content: x, dest: /etc/never}\n")
    ended = local_user.orchestrate("role", "apply", "mine", "--host", "local")
    assert ended.code == 2
    assert "to allow that, use --allow-local-changes" in ended.complaints[0]
    refused = local_user.run(
        local_user.file(EXPERIMENT.replace("[{role: mine, vars: {level: 7}}]", "[mine]"))
    )
    assert refused.code == 2


@pytest.mark.changes_settings
def test_a_secret_of_a_role_is_in_no_output_of_a_run(admin: User, machine: Machine) -> None:
    (admin.folder / "hosts.yaml").write_text("all: {hosts: {testhost: {password: pa55word}}}\n")
    admin.options = (*admin.options, "--inventory", "hosts.yaml")
    tasks = """
- name: use {{ password }}
  shell: echo {{ password }}; echo {{ password }} >&2; exit 9
  no_log: true
  ignore_errors: true
- template: {src: secret.j2, dest: /etc/secret, mode: "0600"}
"""
    files = {"templates__secret.j2": "password={{ password }}\n"}
    role(admin, "acme7", tasks=tasks, defaults="password: ''\n", **files)
    text = EXPERIMENT.replace("[{role: mine, vars: {level: 7}}]", "[acme7]")
    file = admin.file(text, "acme7.yaml")
    ended = [admin.run(file, word) for word in ("--check", "--dry-run", "-vv")]
    assert [each.code for each in ended] == [0, 0, 0], [each.err for each in ended]
    assert (machine.root / "etc/secret").read_text() == "password=pa55word\n"
    output = [text for each in ended for text in (each.out, each.err)]
    written = [path for path in (admin.folder / "results").rglob("*") if path.is_file()]
    assert len(written) >= 4
    for content in (*output, *(path.read_bytes().decode(errors="replace") for path in written)):
        assert "pa55word" not in content
    assert not [path for path in written if path.stat().st_mode & 0o077]
    exported = admin.orchestrate("export", "latest", "--scrub", "--scrub-word", "acme7", "--directory")
    assert exported.code == 0, exported.err
    (bundle,) = admin.folder.glob("*-*Z-*")
    assert (bundle / "experiment/roles/word-1/tasks.yaml").is_file()
    assert (bundle / "experiment/word-1.yaml").is_file()
    assert not [path for path in bundle.rglob("*") if "acme7" in str(path.relative_to(bundle.parent))]
    assert admin.orchestrate("verify", str(bundle)).code == 0
