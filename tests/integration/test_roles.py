"""``orchestrate role apply`` over SSH, on a machine that may be changed."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

from tests.integration.administrator import admin_of, apply, role
from tests.integration.machine import Machine
from tests.running import Ended, User


def changes(ended: Ended) -> list[str]:
    """The differences that were printed."""
    return [line.strip() for line in ended.out.splitlines() if line.startswith("    ")]


SHIPPED = ("base", "tuning", "quiet", "migbench")


def test_shipped_roles_change_what_check_mode_reports_and_nothing_when_repeated(
    admin: User, machine: Machine
) -> None:
    before = machine.state()
    words = (*SHIPPED, "--var", "irqs=''")
    checked = apply(admin, *words, "--check")
    assert checked.code == 0, checked.err
    assert machine.state() == before
    assert not any(call.startswith("apt-get install") for call in machine.calls)
    first = apply(admin, *words)
    assert first.code == 0, first.err
    assert changes(first) == changes(checked)
    assert "service:cron.service: active → inactive" in changes(first)
    assert any("package numactl: absent → present" in line for line in changes(first))
    assert machine.sys("devices/system/cpu/cpu1/cpufreq/scaling_governor") == "performance"
    assert machine.sys("kernel/mm/transparent_hugepage/khugepaged/defrag") == "0"
    assert "* - memlock unlimited" in (machine.root / "etc/security/limits.d/90-orchestrate.conf").read_text()
    second = apply(admin, *words)
    assert second.code == 0, second.err
    assert changes(second) == []
    assert "testhost: 0 changed" in second.out
    restored = admin.orchestrate("hosts", "restore", "testhost", *admin.options[2:])
    assert restored.code == 0, restored.err
    assert "testhost: service:cron.service: inactive → active" in restored.out
    assert machine.state() == before
    assert "numactl" in (machine.root / "packages").read_text()  # packages are not restored


LANGUAGE = """
- name: a folder
  file: {path: /etc/mine.d, state: directory, mode: '0750'}
- name: settings
  template: {src: mine.conf.j2, dest: /etc/mine.d/mine.conf}
  notify: restart mine
- name: one file for each
  copy: {content: "{{ item.text }}\\n", dest: "/etc/mine.d/{{ item.name }}"}
  loop: "{{ parts }}"
- name: how many are there?
  shell: ls /etc/mine.d | wc -l
  register: counted
  changed_when: false
- name: enough
  assert: {that: [counted.stdout | int >= 3, facts.cpus >= 1], fail_msg: too few}
- name: only where requested
  copy: {content: x, dest: /etc/mine.d/never}
  when: more
- name: from the role's files
  copy: {src: tool.sh, dest: tool.sh}
- name: what it says
  command: {argv: ["{{ folder }}/tool.sh", "{{ greeting }}"], creates: /etc/mine.d/said}
"""
ROLE = {
    "tasks": LANGUAGE,
    "defaults": "greeting: hello\nparts: [{name: a, text: one}, {name: b, text: two}]\nmore: false\n",
    "handlers": "- name: restart mine\n  service: {name: ssh, state: restarted}\n",
    "templates__mine.conf.j2": "greeting = {{ greeting }}\ncpus = {{ facts.cpus }}\n"
    "{% for p in parts %}\n{{ p.name }}\n{% endfor %}\n",
    "files__tool.sh": '#!/bin/sh\necho "$1" >/etc/mine.d/said\n',
}


def test_tasks_with_all_keywords(admin: User, machine: Machine) -> None:
    role(admin, **ROLE)
    (admin.folder / "roles/mine/files/tool.sh").chmod(0o755)
    first = apply(admin, "mine", "--var", "greeting='good day'")
    assert first.code == 0, first.err + first.out
    folder = machine.root / "etc/mine.d"
    assert re.fullmatch(r"greeting = good day\ncpus = \d+\na\nb\n", (folder / "mine.conf").read_text())
    assert (folder / "a").read_text() == "one\n"
    assert (folder / "said").read_text() == "good day\n"
    assert folder.stat().st_mode & 0o777 == 0o750
    assert not (folder / "never").exists()
    assert machine.calls.count("restart -- ssh.service") == 1
    second = apply(admin, "mine", "--var", "greeting='good day'")
    assert changes(second) == []
    assert "testhost: mine: only where requested: skipped" in second.out
    assert machine.calls.count("restart -- ssh.service") == 1
    third = apply(admin, "mine", "--check")
    assert "-greeting = good day" in changes(third)
    assert "+greeting = hello" in changes(third)
    assert "good day" in (folder / "mine.conf").read_text()


def test_inventory_variables_override_defaults_and_not_the_command_line(
    admin: User, machine: Machine
) -> None:
    role(
        admin,
        tasks="- copy: {content: '{{ a }} {{ b }} {{ c }}', dest: /etc/abc}",
        defaults="a: 1\nb: 1\nc: 1\n",
    )
    inventory = admin.folder / "hosts.ini"
    sshd = machine.sshd
    inventory.write_text(
        f"[lab]\nm1 ansible_host=127.0.0.1 ansible_port={sshd.port} ansible_user={sshd.address.user}"
        f" ansible_ssh_private_key_file={sshd.folder}/user_key known_hosts_file={sshd.folder}/known_hosts\n"
        "[lab:vars]\nb=2\nc=2\n"
    )
    ended = admin.orchestrate(
        "role", "apply", "mine", "--host", "lab", "--inventory", inventory, "--var", "c=3"
    )
    assert ended.code == 0, ended.err
    assert (machine.root / "etc/abc").read_text() == "1 2 3"
    listed = admin.orchestrate("hosts", "list", "--inventory", inventory)
    assert "m1" in listed.out
    assert "lab" in listed.out


def test_tags(admin: User, machine: Machine) -> None:
    tasks = "".join(
        f"- {{copy: {{content: x, dest: /etc/tag-{name}}}, tags: [{name}]}}\n"
        for name in ("one", "two", "never", "always")
    )
    role(admin, tasks=tasks)
    assert apply(admin, "mine", "--tags", "one").code == 0
    assert {path.name for path in (machine.root / "etc").glob("tag-*")} == {"tag-one", "tag-always"}
    assert apply(admin, "mine", "--skip-tags", "one").code == 0
    assert not (machine.root / "etc/tag-never").exists()


@pytest.mark.parametrize(
    ("task", "code", "expected"),
    [
        (
            "sysctl: {kernel.ostype: Plan9}",
            3,
            "/proc/sys/kernel/ostype: refused, requested 'Plan9', actual 'Linux'",
        ),
        (
            "sysctl: {vm.overcommit_memory: 9}",
            3,
            "/proc/sys/vm/overcommit_memory: refused, requested '9', actual '",
        ),
        ("sysctl: {vm.no_such: 1}", 3, "/proc/sys/vm/no_such: No such file or directory"),
        (
            "service: {name: nosuch, state: stopped}",
            3,
            "service:nosuch.service: no such service: 'nosuch.service'",
        ),
        (
            "kernel_module: {name: nonesuch}",
            3,
            "module:nonesuch: refused, requested 'loaded', actual 'absent'",
        ),
        ("package: {name: nosuch}", 3, "E: Unable to locate package nosuch"),
        ("package: {name: {dnf: x}}", 3, "no package names for apt, the package manager of this host"),
        ("shell: echo oops >&2; exit 3", 3, "exit code 3 from sh -c 'echo oops >&2; exit 3': oops"),
        ("assert: {that: facts.cpus > 1000, fail_msg: too small}", 3, "too small (facts.cpus > 1000)"),
        ("wait: {path: /no/such, timeout: 0}", 3, "timed out after 0 s: path '/no/such' is not present"),
        ("fetch: {src: /no/such, dest: here}", 3, "/no/such: no such file or directory"),
        ("file: {path: /proc/nosuch, state: directory}", 3, "/proc/nosuch"),
        ("shell: echo {{ facts.nosuch }}", 2, "tasks.yaml:1:10: "),
        ("sysctl: {vm.swappiness: [1]}", 2, "tasks.yaml:1:38: "),
        (
            "kernel_install: {recipe: linux-6.12-acel}",
            2,
            "recipe 'linux-6.12-acel' not found; did you mean",
        ),
    ],
)
def test_a_failure_is_one_line(
    unchanged: Machine, tmp_path: Path, task: str, code: int, expected: str
) -> None:
    admin, before = admin_of(unchanged, tmp_path / "project"), unchanged.state()
    role(admin, tasks=f"- {{name: it, {task}}}\n" if ": {" in task else f"- {task}\n")
    ended = apply(admin, "mine")
    assert ended.code == code, ended.err + ended.out
    (line,) = ended.complaints
    assert expected in line
    if code == 3:
        assert line.startswith("testhost: role mine: ")
    assert unchanged.state() == before


@pytest.mark.changes_settings
def test_other_modules(admin: User, machine: Machine) -> None:
    tasks = """
- kernel_module: {name: msr}
- kernel_module: {name: dummy, state: absent}
- cpu: {deepest_idle_state: 1, smt: false}
- hugepages: {2MiB: {0: 4}}
- service: {name: cron, state: stopped, enabled: false}
- service: {name: none, state: stopped, required: false}
- sysctl: {vm.swappiness: 1}
- grub: {command_line: [transparent_hugepage=madvise, nosmt]}
  register: menu
- assert: {that: menu.reboot_needed}
- wait: {path: /etc/passwd}
- wait: {port: PORT}
- fetch: {src: /etc/hostname, dest: "got/{{ inventory_hostname }}"}
- file: {path: /etc/link, src: /etc/hostname}
- file: {path: /etc/motd, state: absent}
"""
    before = machine.state()
    (machine.root / "etc/hostname").write_text("m1\n")
    (machine.root / "etc/motd").write_text("hi\n")
    role(admin, tasks=tasks.replace("PORT", str(machine.sshd.port)))
    checked = apply(admin, "mine", "--check")
    assert checked.code == 0, checked.err
    first = apply(admin, "mine")
    assert first.code == 0, first.err
    assert changes(checked) == changes(first)
    assert "nosmt" in (machine.root / "boot/grub/grub.cfg").read_text()
    assert (admin.folder / "got/testhost").read_text() == "m1\n"
    assert (machine.root / "etc/link").is_symlink()
    assert machine.sys("devices/system/cpu/cpu1/cpuidle/state3/disable") == "1"
    assert machine.sys("devices/system/cpu/cpu1/cpuidle/state1/disable") == "0"
    assert machine.proc("vm/swappiness") == "1"
    second = apply(admin, "mine")
    assert changes(second) == []
    # drift, then restore
    (machine.root / "proc/vm/swappiness").write_text("33\n")
    drifted = admin.orchestrate("hosts", "diff", "testhost", *admin.options[2:])
    assert drifted.code == 1
    assert "testhost: /proc/sys/vm/swappiness: was 60, set to 1, now 33" in drifted.out
    assert admin.orchestrate("hosts", "restore", "testhost", *admin.options[2:]).code == 0
    assert {key: value for key, value in machine.state().items() if "/module/" not in key} == {
        key: value for key, value in before.items() if "/module/" not in key
    }
    assert not (machine.root / "sys/module/msr").exists()
    assert (machine.root / "sys/module/dummy").exists()
    assert admin.orchestrate("hosts", "diff", "testhost", *admin.options[2:]).code == 0


def test_a_private_file_is_fetched_for_its_owner_alone_and_not_shown(admin: User, machine: Machine) -> None:
    secret = b"pa55word\n"
    source = machine.root / "etc/secret"
    source.write_bytes(b"a guess\n")
    source.chmod(0o644)
    role(admin, tasks="- fetch: {src: /etc/secret, dest: got/secret}\n")
    assert changes(apply(admin, "mine"))
    fetched = admin.folder / "got/secret"
    fetched.chmod(0o644)
    source.write_bytes(secret)
    source.chmod(0o640)
    ended = [apply(admin, "mine", *words) for words in (["--check"], [])]
    assert [changes(one) for one in ended] == [
        ["controller: got/secret: content → new content, mode 0600"]
    ] * 2
    shown = "".join(one.out + one.err for one in ended)
    parts = (hashlib.sha256(text).hexdigest()[:12] for text in (secret, b"a guess\n"))
    assert not [text for text in ("pa55word", base64.b64encode(secret).decode()[:8], *parts) if text in shown]
    assert (fetched.read_bytes(), fetched.stat().st_mode & 0o777) == (secret, 0o600)
    assert changes(apply(admin, "mine")) == []
    fetched.chmod(0o644)
    assert changes(apply(admin, "mine")) == ["controller: got/secret: content → new content, mode 0600"]
    assert fetched.stat().st_mode & 0o777 == 0o600
    fetched.unlink()
    assert changes(apply(admin, "mine")) == ["controller: got/secret: absent → new content, mode 0600"]
    assert fetched.stat().st_mode & 0o777 == 0o600


def test_a_kernel_is_installed_unless_it_is_already(admin: User, machine: Machine) -> None:
    tree = Path(__file__).parent / "small_kernel"
    recipe = f"source: {{folder: {tree}}}\nconfig: {{base: defconfig}}\n"
    task = "- kernel_install: {recipe: files/own.yaml}\n"
    role(admin, tasks=task, **{"files__own.yaml": recipe})
    (change,) = changes(apply(admin, "mine", "--check"))
    assert change.startswith("kernel files/own.yaml: absent → linux-image-…-")
    with (machine.root / "packages").open("a") as packages:
        packages.write(f"linux-image-6.12.1-{change.rpartition('-')[2]}\n")
    ended = apply(admin, "mine")
    assert ended.code == 0, ended.err
    assert changes(ended) == []


@pytest.mark.changes_settings
def test_settings_that_cannot_be_recorded_are_not_changed(admin: User, machine: Machine) -> None:
    role(admin, tasks="- sysctl: {vm.swappiness: 7}\n")
    (machine.root / "base" / "settings.record").mkdir()
    ended = apply(admin, "mine")
    assert ended.code == 3
    (line,) = ended.complaints
    assert line.endswith("settings.record: cannot write the record: Is a directory; nothing was changed")
    assert machine.proc("vm/swappiness") == "60"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["nosuch"], "role 'nosuch' not found"),
        (
            ["quiet", "--var", "tmiers=[]"],
            "--var tmiers=[]: unknown variable 'tmiers'; did you mean 'timers'?",
        ),
        (["quiet", "--var", "timers"], "expected name=value"),
        (["quiet", "--tags", "servces"], "--tags: no task has the tag 'servces'; did you mean 'services'?"),
        (["quiet", "--var", "khugepaged=7"], "expected true or false"),
    ],
)
def test_invalid_arguments_are_one_line(local_user: User, words: list[str], expected: str) -> None:
    ended = local_user.orchestrate("role", "apply", *words, "--host", "nowhere.invalid")
    assert ended.code == 2, ended.err
    assert expected in ended.complaints[0]


def test_an_unreachable_host_does_not_hide_the_others(unchanged: Machine, tmp_path: Path) -> None:
    admin = admin_of(unchanged, tmp_path / "project")
    ended = admin.orchestrate("hosts", "check", "127.0.0.1:1", "testhost", *admin.options[2:])
    assert ended.code == 3
    assert ended.out.startswith("testhost: ")
    assert len(ended.complaints) == 1
    facts = admin.orchestrate("hosts", "facts", "testhost", *admin.options[2:])
    assert json.loads(facts.out)["testhost"]["thp"]["enabled"] == "madvise"
