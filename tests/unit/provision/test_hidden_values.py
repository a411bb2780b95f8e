"""Values that no one may read: what is shown of tasks that use them."""

from __future__ import annotations

import hashlib
import traceback
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import HostLost, OrchestratorError
from orchestrator.hosts.base import Host
from orchestrator.hosts.inventory import ansible
from orchestrator.hosts.inventory.inventory import load as load_inventory
from orchestrator.hosts.printing import PrintingHost
from orchestrator.provision.apply import result_lines
from orchestrator.provision.module import TaskResult
from tests.unit.provision.probed_host import ProbedHost, run

HIDDEN = "the output has been hidden due to the fact that"
NO_LOG = f"{HIDDEN} 'no_log: true' was specified for this result"


def shown(
    folder: Path, tasks: str, caplog: pytest.LogCaptureFixture, host: Host | None = None, **more: Any
) -> str:
    """All that is shown of a role: the lines for the terminal, the log, and the error that ends it."""
    lines: list[str] = []
    caplog.set_level("DEBUG")

    def on_result(name: str, result: TaskResult) -> None:
        lines.extend(result_lines(name, result, check=True))

    try:
        run(folder, tasks, host, on_result=on_result, **more)
    except OrchestratorError as error:
        lines.append("".join(traceback.format_exception(error)))
    return "\n".join([*lines, caplog.text])


@pytest.mark.parametrize(
    "module",
    [
        "command: {argv: [use, '{{ s }}']}",
        "command: {argv: [fail, '{{ s }}']}",
        "{command: {argv: [fail, '{{ s }}']}, ignore_errors: true}",
        "shell: \"lose '{{ s }}'\"",
        "{command: use, name: 'with {{ s }}'}",
        "{command: use, loop: ['{{ s }}']}",
        "{command: use, when: s}",
        "{command: use, loop: '{{ s | from_json }}'}",
        "{command: use, failed_when: s}",
        "{command: use, changed_when: \"s == 'x'\", failed_when: \"result.stdout != 'x'\"}",
        "copy: {content: '{{ s }}', dest: /x}",
        "assert: {that: \"s == 'x'\", fail_msg: '{{ s }}'}",
        "hugepages: {2MiB: '{{ s }}'}",
        "command: {argv: [use, \"{{ {}['x' ~ s] }}\"]}",
    ],
)
@pytest.mark.parametrize("dry_run", [False, True])
def test_no_log_hides_what_a_task_does(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, module: str, dry_run: bool
) -> None:
    printed: list[str] = []
    probed = ProbedHost()
    probed.answer("^use", stdout="said pa55word")
    probed.answer("^fail", exit_code=1, stderr="denied: pa55word")
    probed.answer("lose", error=HostLost("n1: connection lost; it was running: lose pa55word"))
    host = PrintingHost("n1", printed.append) if dry_run else probed
    task = module[1:-1] if module.startswith("{") else module
    text = shown(
        tmp_path,
        f"- {{{task}, no_log: true}}\n",
        caplog,
        host,
        variables={"s": "pa55word"},
        defaults="s: ''\n",
    )
    text += "\n".join(printed)
    assert "pa55word" not in text
    assert NO_LOG in text or (dry_run and "skipped" in text)


def test_no_log_leaves_the_result_to_later_tasks_and_their_reads_apart(tmp_path: Path) -> None:
    host = ProbedHost()
    host.answer("^ask", stdout="pa55word")
    host.answer("probe.sh needed", exit_code=1)
    tasks = """
- {command: ask, register: asked, no_log: true, changed_when: false}
- {command: {argv: [use, "{{ asked.stdout }}"]}, no_log: true}
- {command: {argv: [x], creates: /one}}
- {command: {argv: [x], creates: /pa55word}, no_log: true}
- {command: {argv: [x], creates: /two}}
"""
    run(tmp_path, tasks, host)
    assert "use pa55word" in host.commands
    assert not [
        trip
        for trip in host.trips
        if "pa55word" in str(trip) and ("/one" in str(trip) or "/two" in str(trip))
    ]


@pytest.mark.parametrize("whole_file", [False, True])
def test_what_uses_an_encrypted_variable_is_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, whole_file: bool
) -> None:
    monkeypatch.setattr(ansible, "program", lambda name: name)
    vault = "$ANSIBLE_VAULT;1.1;AES256"
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "g.yml").write_text(
        f"{vault}\n6162\n" if whole_file else f"s: !vault '{vault} 6162'\n"
    )
    monkeypatch.setattr(ansible, "decrypt_file", lambda path: "s: pa55word\n" if whole_file else "pa55word")
    (tmp_path / "hosts.yml").write_text("g: {hosts: {n1: {}}}\n")
    inventory = load_inventory(tmp_path / "hosts.yml").variables("n1")
    host = ProbedHost()
    host.answer("^fail", exit_code=1, stderr="denied: pa55word")
    tasks = """
- {command: {argv: [use, '{{ derived }}']}}
- {name: 'named {{ s }}', command: other}
- {command: {argv: [seen, '{{ o }}']}}
- {command: {argv: [fail, '{{ s }}']}}
"""
    text = shown(
        tmp_path, tasks, caplog, host, inventory=inventory, defaults="s: ''\no: public\nderived: 'x{{ s }}'\n"
    )
    assert "use xpa55word" in host.commands
    assert "pa55word" not in text
    assert "seen public" in text
    assert text.count(f"{HIDDEN} a variable is encrypted with ansible-vault") >= 3


@pytest.mark.parametrize("value", ["471147", "4711.47", "!unsafe '{{ 471147 }}'", "[471147]", "{a: 471147}"])
def test_what_uses_a_value_of_an_encrypted_file_is_hidden_whatever_its_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, value: str
) -> None:
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "g.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n6162\n")
    monkeypatch.setattr(ansible, "decrypt_file", lambda path: f"s: {value}\n")
    (tmp_path / "hosts.yml").write_text("g: {hosts: {n1: {}}}\n")
    inventory = load_inventory(tmp_path / "hosts.yml").variables("n1")
    host = ProbedHost()
    text = shown(
        tmp_path,
        "- {command: {argv: [use, 'x{{ s }}']}}\n",
        caplog,
        host,
        inventory=inventory,
        defaults="s: 0\n",
    )
    assert any("4711" in command for command in host.commands)
    assert "4711" not in text
    assert f"{HIDDEN} a variable is encrypted with ansible-vault" in text


@pytest.mark.parametrize(
    ("mode", "exists"), [("0600", False), ("0600", True), ("0640", True), ("0644", True), ("", True)]
)
def test_the_content_of_a_file_that_not_all_may_read_is_not_shown(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: str, exists: bool
) -> None:
    host = ProbedHost()
    state = "path=/x\nkind=file\nmode=600\nowner=u\ngroup=g\nsha256=abc123abc123ff\ntext=yes\n 0ldword\n"
    host.answer("probe.sh files", stdout=state if exists else "path=/x\nkind=absent\n")
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "x.j2").write_text("password={{ s }}\n")
    more = f", mode: '{mode}'" if mode else ""
    tasks = f"- template: {{src: x.j2, dest: /x{more}}}\n"
    text = shown(tmp_path, tasks, caplog, host, variables={"s": "pa55word"}, defaults="s: ''\n", check=True)
    assert "r: template: would change" in text
    assert "/x" in text
    digest = hashlib.sha256(b"password=pa55word\n").hexdigest()
    for secret in ("pa55word", "0ldword", "abc123", digest[:8]):
        assert secret not in text
