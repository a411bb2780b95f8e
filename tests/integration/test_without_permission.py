"""What changes nothing needs no permission: another user, in a folder and with a cache that cannot be written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import User

FILE = """\
version: 1
hosts: {provider: local, local: {allow_changes: true}, qemu: {nodes: [{cpus: 2, memory: 512MiB}]}}
benchmark: {command: [sh, -c, 'echo x={n}'], metrics: {x: {key_value: x, unit: s}}}
factors: {n: [1, 2]}
tuning: {sysctl: {vm.swappiness: 10}}
roles: [mine]
"""
NO_ROLE = """\
version: 1
limits: {settle: 0}
benchmark: {command: [echo, x=1], metrics: {x: {key_value: x, unit: s}}}
hosts: {provider: local}
"""
NOBODY = 65534
READS_ONLY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
READS_ALL = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
"""The directories of tests are for their user only."""
ENTERS_OWN = ("setpriv", "--inh-caps=-all", "--bounding-set=-dac_override,-dac_read_search")
"""Root as any user: it may not enter a directory whose mode forbids it."""


@pytest.fixture
def reader(tmp_path: Path) -> User:
    """Someone who can read a folder with an experiment and a role, and write nothing."""
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("needs setpriv")
    (tmp_path / "sweep.yaml").write_text(FILE)
    role = tmp_path / "roles/mine"
    (role / "files").mkdir(parents=True)
    (role / "files/greeting").write_text("hello\n")
    (role / "tasks.yaml").write_text("- copy: {src: greeting, dest: /etc/motd.orchestrate}\n")
    for path in (*tmp_path.rglob("*"), tmp_path):
        path.chmod(0o555 if path.is_dir() else 0o444)
    nowhere = {"HOME": "/nonexistent", "XDG_CACHE_HOME": "/nonexistent/cache"}
    prefix = (*READS_ONLY, *READS_ALL) if os.geteuid() == 0 else ()
    return User(tmp_path, environment=nowhere, prefix=prefix)


@pytest.mark.parametrize(
    "words",
    [
        ["run", "sweep.yaml", "--dry-run"],
        ["run", "sweep.yaml", "--dry-run", "--provider", "qemu"],
        ["run", "sweep.yaml", "--dry-run", "--host", "host.invalid"],
        ["plan", "sweep.yaml"],
        ["validate", "sweep.yaml"],
        ["review", "sweep.yaml"],
        ["results", "list"],
        ["kernel", "list"],
        ["doctor"],
        ["run", "--help"],
    ],
    ids=" ".join,
)
def test_what_changes_nothing_needs_no_permission(reader: User, words: list[str]) -> None:
    ended = reader.orchestrate(*words)
    assert (ended.code, ended.complaints) == (0, []), ended.err
    assert ended.out or words == ["kernel", "list"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "sweep.yaml"], "results: Permission denied; set a writable directory with --results or "),
        (["init"], "experiment.yaml: Permission denied"),
    ],
)
def test_what_writes_says_what_it_may_not_write(reader: User, words: list[str], message: str) -> None:
    ended = reader.orchestrate(*words)
    assert ended.code == 3
    (line,) = ended.complaints
    assert line.startswith(message)


@pytest.fixture
def kept_out(tmp_path: Path) -> Iterator[User]:
    """Someone whose folder has the directory ``closed``, which they may not enter."""
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("needs setpriv")
    (tmp_path / "sweep.yaml").write_text(NO_ROLE)
    (tmp_path / "image.yaml").write_text(f"{NO_ROLE}kernels: {{a: {{image: closed/bzImage}}}}\n")
    (tmp_path / "recipe.yaml").write_text(f"{NO_ROLE}kernels: {{a: {{recipe: closed/a.yaml}}}}\n")
    (tmp_path / "below").mkdir()
    (tmp_path / "below/mine.yaml").write_text(f"{NO_ROLE}roles: [mine]\n")
    (tmp_path / "project").mkdir()
    (tmp_path / "project/sweep.yaml").write_text(NO_ROLE)
    (tmp_path / "project/orchestrate.yaml").write_text("results: ../closed/r\n")
    closed = [tmp_path / "closed", tmp_path / "below/roles"]
    for folder in closed:
        folder.mkdir(mode=0)
    yield User(tmp_path, prefix=ENTERS_OWN if os.geteuid() == 0 else ())
    for folder in closed:
        folder.chmod(0o700)


WRITABLE = "set a writable directory with --results or ORCHESTRATE_RESULTS"
ANOTHER = "choose another directory with --results or ORCHESTRATE_RESULTS"


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        ("run sweep.yaml --results closed/r", 3, f"closed/r: Permission denied; {WRITABLE}"),
        ("results list --results closed/r", 3, f"FOLDER/closed/r: Permission denied; {ANOTHER}"),
        ("results show latest --results closed/r", 3, f"closed/r: Permission denied; {ANOTHER}"),
        ("results prune --keep 1 --results closed/r", 3, f"closed/r: Permission denied; {ANOTHER}"),
        ("results rm closed/r/x", 2, "closed/r/x: Permission denied"),
        ("report closed/r/x", 2, "closed/r/x: Permission denied"),
        ("compare closed/a closed/b", 2, "closed/a: Permission denied"),
        ("export closed/a", 2, "closed/a: Permission denied"),
        ("role apply FOLDER/closed/x --host local", 2, "FOLDER/closed/x: Permission denied"),
        ("validate image.yaml", 2, "image.yaml:5:22: FOLDER/closed/bzImage: Permission denied"),
        ("validate recipe.yaml", 2, "recipe.yaml:5:23: FOLDER/closed/a.yaml: Permission denied"),
        ("validate below/mine.yaml", 2, "below/mine.yaml:5:9: FOLDER/below/roles/mine: Permission denied"),
        ("verify closed/b", 2, "closed/b: Permission denied"),
    ],
)
def test_a_directory_that_may_not_be_entered_is_named(
    kept_out: User, words: str, code: int, line: str
) -> None:
    ended = kept_out.orchestrate(*words.replace("FOLDER", str(kept_out.folder)).split())
    assert (ended.code, ended.complaints) == (code, [line.replace("FOLDER", str(kept_out.folder))])


@pytest.mark.parametrize(
    ("words", "option"),
    [
        ("run sweep.yaml -i closed/x", "'-i' / '--inventory'"),
        ("run sweep.yaml --ssh-config closed/x", "'--ssh-config'"),
        ("verify below --signer me --allowed-signers closed/x", "'--allowed-signers'"),
        ("init closed/x", "'[DIRECTORY]'"),
    ],
)
def test_an_option_does_not_say_that_a_file_does_not_exist_which_may_not_be_looked_for(
    kept_out: User, words: str, option: str
) -> None:
    ended = kept_out.orchestrate(*words.split())
    assert ended.code == 2
    last = ended.err.splitlines()[-1]
    assert last.startswith(f"Error: Invalid value for {option}")
    assert last.endswith(": closed/x: Permission denied")


def test_results_of_a_project_file_may_be_in_a_directory_that_may_not_be_entered(kept_out: User) -> None:
    member = User(kept_out.folder / "project", prefix=kept_out.prefix)
    assert member.orchestrate("validate", "sweep.yaml").code == 0
    ended = member.orchestrate("run", "sweep.yaml")
    assert (ended.code, ended.complaints) == (
        3,
        [f"{kept_out.folder}/closed/r: Permission denied; {WRITABLE}"],
    )


def test_a_run_that_may_not_be_entered_hides_no_other(kept_out: User) -> None:
    for _ in range(2):
        assert kept_out.orchestrate("run", "sweep.yaml", "--new").code == 0
    first, second = kept_out.run_folders
    first.chmod(0)
    try:
        ended = kept_out.orchestrate("results", "list")
    finally:
        first.chmod(0o700)
    assert ended.complaints == [f"{first}/journal.jsonl: Permission denied"]
    assert ended.code == 0
    assert second.name in ended.out


def test_a_cache_that_cannot_be_made_is_named(kept_out: User) -> None:
    user = User(kept_out.folder, prefix=kept_out.prefix, environment={"XDG_CACHE_HOME": "closed/cache"})
    ended = user.orchestrate("kernel", "list")
    line = f"{user.folder}/closed/cache/orchestrate/kernels: Permission denied"
    advice = "set a writable directory for the cache with XDG_CACHE_HOME"
    assert (ended.code, ended.complaints) == (3, [f"{line}; {advice}"])


def test_a_key_that_may_not_be_looked_for_is_named(kept_out: User) -> None:
    assert kept_out.orchestrate("run", "sweep.yaml").code == 0
    ended = kept_out.orchestrate("export", "latest", "--sign", "closed/key")
    assert (ended.code, ended.complaints) == (2, ["--sign closed/key: Permission denied"])


@pytest.mark.parametrize("key", ["inventory", "ssh_config"])
def test_a_file_that_a_project_names_and_that_may_not_be_looked_for_is_named(
    kept_out: User, key: str
) -> None:
    member = User(kept_out.folder / "project", prefix=kept_out.prefix)
    (member.folder / "orchestrate.yaml").write_text(f"{key}: ../closed/x\n")
    assert member.orchestrate("validate", "sweep.yaml").code == 0
    ended = member.orchestrate("run", "sweep.yaml", "--host", "far.invalid")
    (line,) = ended.complaints
    assert (ended.code, line.endswith(f"{key}: {kept_out.folder}/closed/x: Permission denied")) == (
        2,
        True,
    ), line
