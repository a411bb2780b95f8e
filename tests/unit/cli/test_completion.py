"""Shell completion: the words, and real shells that complete them."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.calls import orchestrate
from tests.run_samples import BLOCK, END, RUN, write

VARIABLE = "_ORCHESTRATE_COMPLETE"
START = "import sys; sys.argv[0] = 'orchestrate'; from orchestrator.cli import main; main()"
INTERACTIVE = {
    "bash": (["--norc", "--noprofile", "-i"], ". {script}"),
    "zsh": (["-f", "-i"], "autoload -U compinit; compinit -u -D; . {script}"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "results" / "quickstart" / RUN.run, [RUN, BLOCK, END])
    (tmp_path / "hosts.ini").write_text("[numa]\nn1\nn2\n")
    (tmp_path / "e.yaml").touch()
    return tmp_path


def words(folder: Path, line: str, **environment: str) -> list[str]:
    """Return what bash is given for the last word of a line, without the kinds of words."""
    ended = orchestrate(
        folder=folder,
        COMP_WORDS=line,
        COMP_CWORD=str(len(line.split(" ")) - 1),
        **{VARIABLE: "bash_complete"},
        **environment,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return [word.partition(",")[2] for word in ended.stdout.split()]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("rep", ["report", "reproduce"]),
        ("results r", ["rm"]),
        ("report ", ["latest", "quickstart", RUN.run]),
        ("results rm latest q", ["quickstart"]),
        ("compare latest 2026", [RUN.run]),
        ("run e.yaml --resume=l", ["latest"]),
        ("run --format m", ["mail", "markdown"]),
        ("run --prov", ["--provider"]),
        ("run --provider s", ["slurm", "ssh"]),
        ("run e", ["e"]),  # and the shell completes files
        ("hosts check -i hosts.ini n", ["numa", "n1", "n2"]),
        ("run e.yaml -i hosts.ini --host n2", ["n2"]),
        ("hosts diff -i hosts.ini -l n1", ["n1"]),
        ("hosts diff n", []),
        ("hosts diff -i none.ini n", []),
        ("kernel build linux-7.3-d", ["linux-7.3-debug"]),
        ("role apply mig", ["migbench"]),
        ("completion f", ["fish"]),
    ],
)
def test_words(folder: Path, line: str, expected: list[str]) -> None:
    assert words(folder, f"orchestrate {line}") == expected


def test_the_inventory_may_be_that_of_the_environment_or_the_project(folder: Path) -> None:
    line = "orchestrate hosts check n1"
    assert words(folder, line, ORCHESTRATE_INVENTORY="hosts.ini") == ["n1"]
    (folder / "orchestrate.yaml").write_text("inventory: hosts.ini\nresults: none\n")
    assert words(folder, line) == ["n1"]
    assert words(folder, "orchestrate report 2026") == ["2026"]
    (folder / "orchestrate.yaml").write_text("inventry: hosts.ini\n")
    assert words(folder, "orchestrate report 2026") == [RUN.run], "no error between two words of a command"


def test_an_inventory_that_is_a_program_is_not_executed(folder: Path) -> None:
    script = folder / "inventory"
    script.write_text("#!/bin/sh\ntouch executed\necho '{}'\n")
    script.chmod(0o755)
    assert words(folder, "orchestrate hosts diff -i inventory n") == []
    assert not (folder / "executed").exists()


ACTING = (
    "\x1b\aPWN",
    "$(touch PWNED)",
    "`touch PWNED`",
    "a\tb",
    "q*",
    "~root",
    "=ls",
    "a;b",
    "it's",
    "a\nb",
    "x\u202ey",
)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_names_that_a_shell_or_a_terminal_would_obey_are_not_offered(folder: Path, shell: str) -> None:
    hosts = dict.fromkeys((*ACTING, "größe-1.example"))
    (folder / "hosts.yaml").write_text(json.dumps({"all": {"hosts": hosts}}))
    for number, name in enumerate(ACTING):
        (folder / "results" / name / f"20261201T095134179Z-e93{number:x}").mkdir(parents=True)
    for line, offered in (("report ", "quickstart"), ("hosts check -i hosts.yaml ", "größe-1.example")):
        ended = orchestrate(
            folder=folder,
            COMP_WORDS=f"orchestrate {line}",
            COMP_CWORD="" if shell == "fish" else str(len(line.split(" "))),
            **{VARIABLE: f"{shell}_complete"},
        )
        assert offered in ended.stdout
        assert not [name for name in ACTING if name in ended.stdout]


def scripted(folder: Path, shell: str) -> dict[str, str]:
    """Write the script of a shell; return the environment in which ``orchestrate`` is this program."""
    program = folder / "bin" / "orchestrate"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{START}" "$@"\n')
    program.chmod(0o755)
    (folder / "script").write_text(orchestrate("completion", shell).stdout)
    return {
        **os.environ,
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "TERM": "dumb",
        "PYTHONPATH": str(Path(__file__).parents[3]),
    }


@pytest.mark.parametrize("shell", INTERACTIVE)
def test_a_shell_completes_what_is_typed(folder: Path, shell: str) -> None:
    printed = typed(folder, shell, "orchestrate results sho\tlate\t> shown")
    assert (folder / "shown").read_text().startswith(f"run: {RUN.run}\n"), printed


@pytest.mark.parametrize("shell", INTERACTIVE)
def test_a_shell_executes_no_name_that_it_completes(folder: Path, shell: str) -> None:
    (folder / "results" / "$(touch${IFS}PWNED)" / "20261201T095134179Z-e934").mkdir(parents=True)
    printed = typed(folder, shell, "orchestrate results show $\t")
    assert not (folder / "PWNED").exists(), printed


def typed(folder: Path, shell: str, line: str) -> str:
    """Type a line into an interactive shell; return what the terminal shows."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"no {shell}")
    options, source = INTERACTIVE[shell]
    environment = scripted(folder, shell)
    terminal, end = pty.openpty()
    with subprocess.Popen(
        [program, *options],
        stdin=end,
        stdout=end,
        stderr=end,
        cwd=folder,
        env=environment,
        start_new_session=True,
    ) as process:
        os.close(end)
        lines = [source.format(script=folder / "script"), line, "exit"]
        os.write(terminal, "".join(f"{line}\n" for line in lines).encode())
        printed = b""
        try:
            while chunk := os.read(terminal, 65536):
                printed += chunk
        except OSError:
            pass  # the shell has ended
        os.close(terminal)
        process.wait()
    return printed.decode(errors="replace")


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish")
def test_fish_completes(folder: Path) -> None:
    environment = scripted(folder, "fish")
    command = (
        f"source {folder}/script; complete -C 'orchestrate results sho'; complete -C 'orchestrate report q'"
    )
    ended = subprocess.run(
        ["fish", "--no-config", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line.split("\t")[0] for line in ended.stdout.splitlines()] == ["show", "quickstart"]


@pytest.mark.parametrize(
    ("shell", "path"),
    [
        ("bash", "data/bash-completion/completions/orchestrate"),
        ("zsh", "data/zsh/site-functions/_orchestrate"),
        ("fish", ".config/fish/completions/orchestrate.fish"),
    ],
)
def test_install_for_the_shell_of_the_user(tmp_path: Path, shell: str, path: str) -> None:
    environment = {
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_CONFIG_HOME": "relative",
        "SHELL": f"/usr/bin/{shell}",
    }
    installed = orchestrate("completion", "--install", **environment)
    assert installed.stdout.startswith(f"wrote {tmp_path / path}; new shells use it")
    assert (tmp_path / path).read_text() == orchestrate("completion", **environment).stdout
    assert (tmp_path / path).read_text() == orchestrate("completion", shell).stdout


def test_an_unknown_shell(tmp_path: Path) -> None:
    refused = orchestrate("completion", SHELL="/bin/tcsh")
    assert refused.returncode == 2
    assert refused.stderr == "orchestrate: no completion for this shell (tcsh); name one: bash, zsh, fish\n"
