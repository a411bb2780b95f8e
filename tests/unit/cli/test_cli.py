"""The command line: help of every command, suggestions, exit codes of invalid usage."""

from __future__ import annotations

import errno
import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from orchestrator import __version__, cli
from orchestrator.cli import orchestrate as group
from orchestrator.errors import ExitCode
from orchestrator.hosts import persistent_guest
from orchestrator.hosts.providers import registry
from orchestrator.processes import identity
from orchestrator.terminal import visible
from tests.calls import orchestrate

ROOT = Path(__file__).parents[3]
RECORDED = ROOT / "tests/recorded/0.1.0-quickstart"
EXPERIMENT = """\
version: 1
benchmark: {command: [echo, "x={n}"], metrics: {x: {key_value: x, unit: s}}}
factors: {n: [1, 2]}
"""
COMMANDS = group.list_commands(None)  # type: ignore[arg-type]


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    file = tmp_path / "echo.yaml"
    file.write_text(EXPERIMENT)
    return file


def test_the_list_of_commands_is_what_the_commands_say() -> None:
    """``--help`` imports no command."""
    context = click.Context(group)
    commands = {name: group.get_command(context, name) for name in COMMANDS}
    shown = orchestrate("--help", COLUMNS="100").stdout.partition("Commands:\n")[2].splitlines()
    assert [line.split(maxsplit=1) for line in shown] == [
        [name, command.get_short_help_str(100)] for name, command in commands.items() if command
    ]
    modules = {path.stem for path in Path(cli.__file__).parent.glob("[a-z]*.py")}
    assert set(COMMANDS) == {
        name for name in modules if hasattr(importlib.import_module(f"{cli.__name__}.{name}"), name)
    }


@pytest.mark.parametrize(
    "words", [[], *([command] for command in COMMANDS), ["results", "list"], ["results", "show"]]
)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_every_command_has_help(words: list[str], option: str) -> None:
    ended = orchestrate(*words, option)
    assert ended.returncode == 0
    assert ended.stdout.startswith(f"Usage: {' '.join(['orchestrate', *words])}")
    assert not ended.stderr


def test_the_old_name_of_an_option_is_not_in_the_help() -> None:
    shown = orchestrate("export", "--help").stdout
    assert "--directory" in shown
    assert "--folder" not in shown


def options_of(command: click.Command, name: str) -> Iterator[tuple[str, click.Option]]:
    """Yield every option of a command and of its subcommands, with the command's name."""
    yield from ((name, option) for option in command.params if isinstance(option, click.Option))
    if isinstance(command, click.Group):
        context = click.Context(command)
        for inner in command.list_commands(context):
            subcommand = command.get_command(context, inner)
            assert subcommand is not None
            yield from options_of(subcommand, f"{name} {inner}")


def test_every_option_that_may_be_repeated_says_so_in_the_same_words() -> None:
    repeated = [(name, option) for name, option in options_of(group, "orchestrate") if option.multiple]
    assert len(repeated) > 5
    for name, option in repeated:
        assert (option.help or "").endswith(". May be repeated."), f"{name}: {option.opts}"


def groups(command: click.Command, words: list[str]) -> Iterator[list[str]]:
    """Yield the words of every command that lists other commands."""
    if isinstance(command, click.Group):
        yield words
        context = click.Context(command)
        for name in command.list_commands(context):
            subcommand = command.get_command(context, name)
            assert subcommand is not None
            yield from groups(subcommand, [*words, name])


@pytest.mark.parametrize("words", list(groups(group, [])), ids=" ".join)
def test_no_summary_in_a_list_of_commands_is_cut(words: list[str]) -> None:
    for columns in ("80", "40"):
        shown = orchestrate(*words, "--help", COLUMNS=columns).stdout
        listed = re.sub(r"\n {5,}", " ", shown.partition("Commands:\n")[2]).splitlines()
        assert listed
        for line in listed:
            assert line.endswith("."), line
            assert not line.endswith("..."), line


@pytest.mark.parametrize("command", ["plan", "run", "reproduce", "validate"])
def test_the_help_names_every_provider(command: str) -> None:
    shown = " ".join(orchestrate(command, "--help").stdout.split())
    *names, last = sorted(registry())
    assert f"({', '.join(names)} or {last}) instead of" in shown


def test_a_command_with_several_forms_shows_each() -> None:
    shown = orchestrate("hosts", "check", "--help").stdout.splitlines()
    assert shown[:2] == [
        "Usage: orchestrate hosts check [OPTIONS] (HOST|GROUP)...",
        "   or: orchestrate hosts check [OPTIONS] --provider NAME [EXPERIMENT.yaml]",
    ]


@pytest.mark.parametrize(
    ("repetitions", "expected"), [("{count: 4, boots: 2}", " --set repetitions.boots=1"), ("4", "")]
)
def test_the_options_for_a_guest_that_is_up_are_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repetitions: str, expected: str
) -> None:
    inventory = tmp_path / "inventory.yaml"
    inventory.write_text("all: {hosts: {guest: {ansible_host: 127.0.0.1}}}\n")
    monkeypatch.setattr(persistent_guest, "up", lambda *_: inventory)
    file = tmp_path / "boots.yaml"
    file.write_text(
        "version: 1\nname: boots\nhosts: {provider: qemu, qemu: {nodes: [{cpus: 1, memory: 512MiB}]}}\n"
        "benchmark: {command: [echo, x=1], metrics: {x: {key_value: x, unit: s}}}\n"
        f"repetitions: {repetitions}\n"
    )
    shown = orchestrate("hosts", "up", str(file)).stdout
    assert shown == f"guest is up; --host guest --inventory {inventory}{expected}\n"
    options = shlex.split(shown.partition("; ")[2])
    ended = orchestrate("run", str(file), *options, "--dry-run")
    assert (ended.returncode, ended.stderr) == (0, "")


def test_options_that_up_does_not_use_are_accepted_and_not_shown(experiment: Path) -> None:
    shown = orchestrate("hosts", "up", "--help").stdout
    assert "--provider" in shown
    assert "--allow-local-changes" not in shown
    ended = orchestrate("hosts", "up", str(experiment), "--host", "local", "--allow-local-changes")
    assert ended.stdout == "nothing to start: the local provider uses existing hosts\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["FILE", "--resume"], "no unfinished run of this experiment"),
        (["--resume", "FILE"], "no unfinished run of this experiment"),
        (["--resume", "--verbose", "FILE"], "no unfinished run of this experiment"),
        (["FILE", "--resume=2020"], "no runs in results"),
        (["--resume=2020", "FILE"], "no runs in results"),
        (["FILE", "--resume", "2020"], "no runs in results"),
        (["--resume", "2020", "FILE"], "no runs in results"),
        (["--resume", "2020", "FILE", "--where", "n == 1"], "no runs in results"),
        (["--resume"], "Missing argument 'EXPERIMENT.yaml'"),
        (["FILE", "FILE", "--resume"], "Got unexpected extra argument"),
        (["FILE", "--resume", "--nwe"], "No such option"),
        (["FILE", "--resume", "--new"], "--new and --resume are mutually exclusive"),
        (["FILE", "--check", "--dry-run"], "--dry-run and --check are mutually exclusive"),
    ],
)
def test_resume_takes_a_run_only_where_that_is_meant(
    words: list[str], expected: str, experiment: Path
) -> None:
    """``--resume`` does not take the experiment file for its run; the form of earlier versions, a word, still works."""
    words = [str(experiment) if word == "FILE" else word for word in words]
    ended = orchestrate("run", *words, folder=experiment.parent)
    assert ended.returncode == 2
    assert expected in ended.stderr
    assert not (experiment.parent / "results").exists()


def test_the_help_shows_the_optional_value_of_resume() -> None:
    assert "\n  --resume[=RUN] " in orchestrate("run", "--help").stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "no guest is up\n"),
        (["quickstart"], "no guest of quickstart is up\n"),
    ],
)
def test_no_guest_to_stop(words: list[str], expected: str, tmp_path: Path) -> None:
    ended = orchestrate("hosts", "down", *words, XDG_CACHE_HOME=str(tmp_path))
    assert (ended.returncode, ended.stdout) == (0, expected)


def test_a_guest_that_is_up_is_named_where_it_is_looked_for(tmp_path: Path) -> None:
    folder = tmp_path / "orchestrate" / "up" / "quickstart"
    folder.mkdir(parents=True)
    (folder / persistent_guest.SUPERVISOR).write_text(identity(os.getpid()))
    inventory = folder / persistent_guest.INVENTORY
    inventory.write_text('{"up": {"hosts": {"guest": {}}}}')
    listed = orchestrate("hosts", "list", XDG_CACHE_HOME=str(tmp_path))
    assert f"guest of quickstart: --inventory {inventory}\n" in listed.stderr
    ended = orchestrate("hosts", "down", "quickstrt", XDG_CACHE_HOME=str(tmp_path))
    assert ended.returncode == 2
    assert "no guest of quickstrt is up; did you mean 'quickstart'?" in ended.stderr
    assert folder.exists()


@pytest.mark.parametrize("recorded", [b"", b"-1", b"x-1", b"\xff", b"9" * 5000])
def test_what_identifies_no_guest(recorded: bytes, tmp_path: Path) -> None:
    """A power cut may leave the file empty."""
    folder = tmp_path / "orchestrate" / "up" / "numa"
    folder.mkdir(parents=True)
    (folder / persistent_guest.SUPERVISOR).write_bytes(recorded)
    ended = orchestrate("hosts", "down", XDG_CACHE_HOME=str(tmp_path))
    assert (ended.returncode, ended.stdout) == (0, "numa: was not running\n")
    assert not folder.exists()


def test_the_version() -> None:
    assert orchestrate("--version").stdout == f"orchestrate, version {__version__}\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["rnu"], "No such command 'rnu'"),
        (["rnu"], "Did you mean 'run'?"),
        (["zzzz"], "No such command 'zzzz'"),
        (["run"], "Missing argument 'EXPERIMENT.yaml'"),
        (["run", "x.yaml", "--dryrun"], "--dry-run"),
        (["run", "x.yaml", "--first", "0"], "--first"),
        (["report", "latest", "--format", "docx"], "'docx' is not one of"),
        (["run", "x.yaml", "--inventory", "nowhere"], "nowhere"),
        (["results", "shwo"], "shwo"),
        (["hosts", "down", "quickstart", "--orphans"], "NAME and --orphans are mutually exclusive"),
        (["hosts", "down", "--all"], "--all requires --orphans"),
        (["hosts", "check"], "Missing argument '(HOST|GROUP)...'"),
        (["export", "latest", "--scrub-word", "x"], "--scrub-word requires --scrub"),
    ],
)
def test_invalid_usage_has_exit_code_2(tmp_path: Path, words: list[str], expected: str) -> None:
    ended = orchestrate(*words, folder=tmp_path)
    assert ended.returncode == 2
    assert expected in ended.stderr
    assert "Traceback" not in ended.stderr


def test_no_results(tmp_path: Path) -> None:
    ended = orchestrate("report", "latest", folder=tmp_path)
    assert ended.returncode == 2
    assert ended.stderr.startswith("orchestrate: no runs in results")


LONG = "a" * 300


@pytest.mark.parametrize(
    "words",
    [
        ("report", LONG),
        ("report", f"x/{LONG}/y"),
        ("results", "rm", LONG),
        ("results", "list", "--results", LONG),
        ("run", "echo.yaml", f"--resume={LONG}"),
        ("run", "echo.yaml", "--results", LONG),
        ("shell", LONG),
        ("export", "latest", "--output", LONG),
        ("export", "latest", "--output", "a" * 255),  # the signature has four characters more
        ("export", "latest", "--sign", LONG),
    ],
)
def test_what_no_file_can_be_called(experiment: Path, words: tuple[str, ...]) -> None:
    shutil.copytree(RECORDED, experiment.parent / "results")
    refused = orchestrate(*words, folder=experiment.parent)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert refused.stderr.endswith("…: File name too long\n")


def test_results_that_are_a_link_to_itself(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    ended = orchestrate("results", "list", "--results", "loop", folder=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize(
    "words",
    [("results", "list"), ("validate", "FILE"), ("hosts", "list", "-i", "a,"), ("init",), ("role", "list")],
)
def test_a_removed_working_directory(experiment: Path, words: tuple[str, ...]) -> None:
    removed = experiment.parent / "removed"
    removed.mkdir()
    line = 'cd "$1" && rmdir "$1" && shift && exec "$@"'
    program = (sys.executable, "-c", "from orchestrator.start import main; main()")
    named = [str(experiment) if word == "FILE" else word for word in words]
    ended = subprocess.run(
        ["sh", "-c", line, "sh", str(removed), *program, *named],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    message = "orchestrate: Unable to read current working directory: No such file or directory\n"
    assert (ended.returncode, ended.stderr) == (2, message)


def test_a_bug_has_an_exit_code_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*arguments: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr(sys, "argv", ["orchestrate", "plan"])
    monkeypatch.setattr(cli.orchestrate, "invoke", broken)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == ExitCode.BUG == 70
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert (
        err.splitlines()[-1]
        == "orchestrate: internal error: KeyError: 'x'; please report it with the lines above"
    )


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.EMFILE, "Too many open files"), "Too many open files"),
        (
            BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"),
            "Resource temporarily unavailable",
        ),
        (MemoryError(), "Cannot allocate memory"),
        (RuntimeError("can't start new thread"), "cannot start a thread"),
    ],
)
def test_what_this_machine_lacks_is_no_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, reason: str
) -> None:
    def lacking(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(sys, "argv", ["orchestrate", "plan"])
    monkeypatch.setattr(cli.orchestrate, "invoke", lacking)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == ExitCode.HOST
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"orchestrate: out of resources: {reason}; ")


def test_what_a_file_says_does_not_act_upon_the_terminal(tmp_path: Path) -> None:
    file = tmp_path / "odd.yaml"
    file.write_text('version: 1\n"\\e]52;c;eA==\\a\\x9b\\u202e": 1\n')
    done = orchestrate("validate", str(file))
    assert done.returncode == 2
    assert "\\u001b]52;c;eA==\\u0007\\u009b\\u202e" in done.stderr
    assert not set(done.stderr + done.stdout) & set("\x1b\x07\x9b\u202e")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\r\nc\n", "a\tb\r\nc\n"),
        ("50%\rdone", "50%\\u000ddone"),
        ("\x00\x1b[2J\x7f\x85\u2028", "\\u0000\\u001b[2J\\u007f\\u0085\\u2028"),
        ("é ± 中 👍", "é ± 中 👍"),
        ("\ud800", "\\ud800"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_hosts_that_the_inventory_has_not_are_not_listed(tmp_path: Path) -> None:
    inventory = tmp_path / "inv.ini"
    inventory.write_text("[lab]\nnode1\nnode2\n")
    ended = orchestrate("hosts", "list", "node1", "nod2", "other", "--inventory", str(inventory))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.splitlines() == [
        f"orchestrate: {inventory}: no host or group 'nod2'; did you mean 'node2'?",
        f"orchestrate: {inventory}: no host or group 'other'; known: all, lab, node1, node2",
    ]
    assert orchestrate("hosts", "list", "lab", "--inventory", str(inventory)).returncode == 0


@pytest.mark.parametrize(
    ("section", "meant"),
    [
        ("limits: {trial: 1h30m}", "90min"),
        ("limits: {boot: 5sec}", "5s"),
        ("hosts: {needs: {memory_per_node: 64M}}", "64MiB"),
        ("noise: {frequency: 2.4G}", "2.4GHz"),
        ("noise: {steal: 0.05}", "5%"),
        ("repetitions: {max: 20, until: {half_width: 2 percent}}", "2%"),
    ],
)
def test_the_value_that_a_message_suggests_is_accepted(experiment: Path, section: str, meant: str) -> None:
    experiment.write_text(f"{EXPERIMENT}{section}\n")
    refused = orchestrate("validate", str(experiment))
    assert refused.stderr.endswith(f"; did you mean '{meant}'?\n")
    value = section.rstrip("}").rpartition(": ")[2]
    experiment.write_text(experiment.read_text().replace(value, meant))
    assert orchestrate("validate", str(experiment)).returncode == 0


def test_only_a_line_with_a_position_in_a_file_has_no_name_of_the_program(experiment: Path) -> None:
    experiment.write_text(f"{EXPERIMENT}limit: 3\n")
    assert orchestrate("validate", str(experiment)).stderr.startswith(
        f"{experiment}:4:1: unknown key 'limit'"
    )
    assert orchestrate("validate", f"{experiment}.none").stderr.startswith(
        f"orchestrate: {experiment}.none: No such"
    )
    experiment.write_text(f"{EXPERIMENT}tuning: {{sysctl: {{vm.swapiness: 1}}}}\n")
    warned = orchestrate("validate", str(experiment))
    assert warned.stderr.startswith(f"{experiment}:4:19: warning: unknown sysctl 'vm.swapiness'")
    assert warned.returncode == 0


def test_a_fault_of_a_provider_has_its_position_unless_an_option_set_the_value(experiment: Path) -> None:
    guest = "hosts: {provider: qemu, qemu: {nodes: [{memory: 512M}, {memory: 512M}]}}\n"
    experiment.write_text(EXPERIMENT + guest)
    for command in (["plan"], ["run", "--dry-run"], ["validate"]):
        refused = orchestrate(*command, str(experiment))
        assert refused.stderr.splitlines() == [
            f"{experiment}:4:{column}: hosts.qemu.nodes[{index}].memory: unknown unit 'M' in size '512M'; "
            "did you mean '512MiB'?"
            for index, column in enumerate((49, 65))
        ]
    option = "hosts.qemu.nodes=[{memory: 1G}]"
    refused = orchestrate("plan", str(experiment), "--set", option)
    assert refused.stderr.startswith("orchestrate: hosts.qemu.nodes[0].memory: unknown unit 'G'")


@pytest.mark.parametrize("directory", ["/proc", "/dev/null", "/proc/none"])
def test_results_where_none_can_be_are_one_line(experiment: Path, directory: str) -> None:
    refused = orchestrate("run", str(experiment), "--results", directory)
    assert (refused.returncode, refused.stderr.count("\n")) == (3, 1), refused.stderr
    assert refused.stderr.endswith("set a writable directory with --results or ORCHESTRATE_RESULTS\n")
    none = orchestrate("report", "latest", "--results", directory)
    assert (none.returncode, none.stderr.startswith(f"orchestrate: no runs in {directory}; ")) == (2, True)
