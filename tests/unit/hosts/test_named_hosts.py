"""Which hosts a command uses: those that are named, and none by accident."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.calls import orchestrate

FILE = "version: 1\nbenchmark: {command: [sh, -c, 'echo x=1'], metrics: {x: {key_value: x, unit: s}}}\n"
INVENTORY = "[numa]\nnuma1 ansible_host=192.0.2.11 ansible_user=mm ansible_port=2222\nnuma2\n"
RUN = ("run", "a.yaml", "--host")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.yaml").write_text(FILE)
    (tmp_path / "hosts.ini").write_text(INVENTORY)
    # A host that resolves and refuses, so that a test needs no name server.
    (tmp_path / "ssh_config").write_text("Host *\n  HostName 127.0.0.1\n  Port 1\n")
    return tmp_path


@pytest.mark.parametrize("command", [("run",), ("run", "--dry-run"), ("run", "--check"), ("plan",)])
def test_an_inventory_alone_selects_no_host(folder: Path, command: tuple[str, ...]) -> None:
    name, *options = command
    done = orchestrate(name, "a.yaml", *options, "--inventory", "hosts.ini", folder=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "orchestrate: --inventory hosts.ini: not used by the local provider of the experiment; name a host or group "
        "of the inventory with --host\n"
    )
    assert not (folder / "results").exists()


def test_an_inventory_of_the_environment_is_used_where_hosts_are_named(folder: Path) -> None:
    """It may be set for all commands: an experiment that uses no inventory is not refused."""
    listed = orchestrate("hosts", "list", folder=folder, ORCHESTRATE_INVENTORY="hosts.ini")
    assert [line.split()[0] for line in listed.stdout.splitlines()[2:]] == ["numa1", "numa2"]
    done = orchestrate("plan", "a.yaml", folder=folder, ORCHESTRATE_INVENTORY="hosts.ini")
    assert (done.returncode, done.stderr) == (0, "")
    words = ("run", "a.yaml", "--dry-run", "--host", "numa1")
    done = orchestrate(*words, folder=folder, ORCHESTRATE_INVENTORY="hosts.ini")
    assert done.stdout.startswith("# host: numa1 (mm@192.0.2.11:2222), by SSH\n")
    done = orchestrate(*words, "-i", "numa1:23,", folder=folder, ORCHESTRATE_INVENTORY="hosts.ini")
    assert done.stdout.startswith("# host: numa1 (numa1:23), by SSH\n")


def test_a_list_of_hosts_is_an_inventory(folder: Path) -> None:
    done = orchestrate("hosts", "list", "-i", "n[1:2], mm@there:2222,192.0.2.1,", folder=folder)
    rows = [line.split() for line in done.stdout.splitlines()[2:]]
    assert [row[:2] for row in rows] == [
        ["n1", "n1"],
        ["n2", "n2"],
        ["mm@there", "mm@there:2222"],
        ["192.0.2.1", "192.0.2.1"],
    ]
    done = orchestrate("hosts", "list", "-i", "n1", folder=folder)
    assert done.returncode == 2
    assert "Path 'n1' does not exist." in done.stderr


def test_a_list_may_be_longer_than_the_name_of_a_file(folder: Path) -> None:
    names = [f"node{number}.cluster.example.org" for number in range(12)]
    for words, environment in (
        (("-i", ",".join(names)), {}),
        ((), {"ORCHESTRATE_INVENTORY": ",".join(names)}),
    ):
        done = orchestrate("hosts", "list", *words, folder=folder, **environment)
        assert [line.split()[0] for line in done.stdout.splitlines()[2:]] == names
        run = ("run", "a.yaml", "--dry-run", "--host", names[0], *words)
        done = orchestrate(*run, folder=folder, **environment)
        assert done.stdout.startswith(f"# host: {names[0]}, by SSH\n")


@pytest.mark.parametrize(
    "options",
    [
        ("--host", "numa"),
        ("--host", "numa2"),
        ("--host", "local"),
        ("--provider", "local"),
        ("--set", "hosts={provider: ssh, group: numa}"),
        ("--set", "hosts={provider: ssh, ssh: {host: numa1}}"),
    ],
)
def test_a_host_of_an_inventory_is_named(folder: Path, options: tuple[str, ...]) -> None:
    done = orchestrate("plan", "a.yaml", "--inventory", "hosts.ini", *options, folder=folder)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "command", [("run", "a.yaml", "--host"), ("run", "a.yaml", "--check", "--host"), ("hosts", "check")]
)
@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("numaa2", "no host or group 'numaa2' in hosts.ini, did you mean 'numa2'?"),
        ("nuam", "no host or group 'nuam' in hosts.ini, did you mean 'numa'?"),
        ("elsewhere", "no host or group 'elsewhere' in hosts.ini, known: all, numa, numa1, numa2"),
        ("numa2", ""),
    ],
)  # fmt: skip
def test_a_misspelled_host_that_is_not_reached(
    folder: Path, command: tuple[str, ...], name: str, hint: str
) -> None:
    words = (*command, name, "--inventory", "hosts.ini", "--ssh-config", "ssh_config")
    done = orchestrate(*words, folder=folder)
    assert done.returncode == 3
    refused = f"orchestrate: {name}: connect to host 127.0.0.1 port 1: Connection refused"
    assert done.stderr.splitlines()[-1] == (f"{refused}; {hint}" if hint else refused)


def test_without_an_inventory_every_name_is_an_address(folder: Path) -> None:
    done = orchestrate("hosts", "check", "numaa2", "--ssh-config", "ssh_config", folder=folder)
    assert done.stderr.endswith("Connection refused\n")


@pytest.mark.parametrize(
    ("options", "host"),
    [
        (("--host", "numa1", "--inventory", "hosts.ini"), "numa1 (mm@192.0.2.11:2222), by SSH"),
        (("--host", "me@there"), "me@there, by SSH"),
        (
            ("--host", "numa", "--inventory", "hosts.ini"),
            "the first that can be reached of numa1 (mm@192.0.2.11:2222), numa2, by SSH",
        ),
        (
            ("--host", "numaa2", "--inventory", "hosts.ini"),
            "numaa2, by SSH; no host or group 'numaa2' in hosts.ini, did you mean 'numa2'?",
        ),
        (("--host", "local"), "this machine"),
    ],
)
def test_a_dry_run_names_the_host_and_what_it_assumes(
    folder: Path, options: tuple[str, ...], host: str
) -> None:
    done = orchestrate("run", "a.yaml", "--dry-run", *options, folder=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:2] == [
        f"# host: {host}",
        "# assumed: the user there is root; others have ~/.orchestrate for /var/lib/orchestrate",
    ]


def test_a_dry_run_of_changes_says_who_needs_sudo(folder: Path) -> None:
    (folder / "a.yaml").write_text(FILE + "tuning: {numa_balancing: false}\n")
    printed = orchestrate("run", "a.yaml", "--dry-run", "--host", "h", folder=folder).stdout
    assert printed.splitlines()[1] == "# assumed: the user there is root; others use sudo, without a password"


def test_a_dry_run_names_each_host_of_a_fleet(folder: Path) -> None:
    words = ("--inventory", "hosts.ini", "--set", "hosts={provider: ssh, group: numa, fleet: replicate}")
    printed = orchestrate("run", "a.yaml", "--dry-run", *words, folder=folder).stdout
    assert [line for line in printed.splitlines() if line.startswith("# host: ")] == [
        "# host: numa1 (mm@192.0.2.11:2222), by SSH",
        "# host: numa2, by SSH",
    ]


def test_a_dry_run_of_a_guest_needs_no_user(folder: Path) -> None:
    printed = orchestrate("run", "a.yaml", "--dry-run", "--provider", "qemu", folder=folder).stdout
    assert printed.startswith("# host: a guest on this machine\n# block 0")
