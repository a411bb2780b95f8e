"""``orchestrate doctor`` on real hosts: what it finds, its exit codes, and that it changes nothing."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from orchestrator.doctor import kvm, state
from orchestrator.units import parse_size
from tests.host_shells import SHELLS, environment_of
from tests.integration.machine import Machine, write
from tests.running import Ended, User

FILE = """
tuning: {sysctl: {SYSCTL: 10}}
benchmark: {command: [PROGRAM, x=1], metrics: {x: {key_value: x, unit: s}}}
repetitions: 1
"""


def document(ended: Ended) -> dict[str, Any]:
    found = json.loads(ended.out)
    assert isinstance(found, dict)
    return found


def of_subject(found: dict[str, Any], host: str, subject: str) -> dict[str, Any]:
    (one,) = (one for one in found["findings"] if (one["host"], one["subject"]) == (host, subject))
    assert isinstance(one, dict)
    return one


def file(user: User, sysctl: str = "vm.swappiness", program: str = "echo") -> Path:
    return user.file(FILE.replace("SYSCTL", sysctl).replace("PROGRAM", program))


def test_a_host_is_examined_and_not_changed(machine: Machine, admin: User) -> None:
    before = machine.state()
    ended = admin.orchestrate("doctor", *admin.options, "--format", "json")
    assert ended.code == 0, ended.err
    found = document(ended)
    assert found["experiment"] == ""
    governor = of_subject(found, "testhost", "CPU governor")
    assert governor["verdict"] == "warning"
    assert governor["reason"].startswith("powersave (CPUs 0-1)")
    assert of_subject(found, "testhost", "turbo")["verdict"] == "warning"
    assert of_subject(found, "testhost", "NUMA")["verdict"] == "missing"
    assert of_subject(found, "controller", "guests")["verdict"] == "ok"
    assert not any(one["needed"] for one in found["findings"])
    assert machine.state() == before
    assert not list((machine.root / "base").iterdir())


def test_an_experiment_that_can_run(machine: Machine, admin: User) -> None:
    before = machine.state()
    ended = admin.orchestrate("doctor", file(admin), *admin.options)
    assert ended.code == 0, ended.out
    assert ended.out.splitlines()[-1] == "sweep can run here"
    assert machine.state() == before
    assert not list((machine.root / "base").iterdir())
    assert not (admin.folder / "results").exists()


@pytest.mark.parametrize(
    ("sysctl", "program", "subject", "reason"),
    [
        ("vm.nosuch_thing", "echo", "tuning", "/proc/sys/vm/nosuch_thing: No such file or directory"),
        ("vm.swappiness", "nosuch", "programs", "nosuch: command not found; install with a role"),
    ],
)
def test_an_experiment_that_cannot_run(
    admin: User, sysctl: str, program: str, subject: str, reason: str
) -> None:
    ended = admin.orchestrate("doctor", file(admin, sysctl, program), *admin.options, "--format", "json")
    assert ended.code == 3, ended.err
    found = document(ended)
    assert not found["can_run"]
    one = of_subject(found, "testhost", subject)
    assert (one["verdict"], one["reason"], one["needed"]) == ("missing", reason, True)


def test_needs_are_judged_as_by_a_run(admin: User) -> None:
    path = admin.file(
        "hosts: {needs: {numa_nodes: 4}}\n"
        + FILE.replace("SYSCTL", "vm.swappiness").replace("PROGRAM", "echo")
    )
    ended = admin.orchestrate("doctor", path, *admin.options)
    assert ended.code == 3
    (line,) = (
        line for line in ended.out.splitlines() if " needs " in line and "NUMA nodes, host has" in line
    )
    assert line.startswith("missing  testhost")
    assert "needs 4 NUMA nodes, host has 1" in line
    (complaint,) = admin.run(path).complaints
    assert "needs 4 NUMA nodes, host has 1" in complaint


def test_huge_pages_that_are_not_free(machine: Machine, admin: User) -> None:
    """The command adds 1 GiB of pages of any size, but two pages at least, with an experiment and without one."""
    pages = machine.root / "sys/kernel/mm/hugepages"
    for size, total in (("2MiB", 3), ("16MiB", 0), ("512MiB", 0)):
        folder = pages / f"hugepages-{parse_size(size) // 1024}kB"
        write(folder, {"free_hugepages": "0", "nr_hugepages": str(total)})
    path = admin.file("""
benchmark: {role: migbench, arguments: {memory: hugetlb, mode: serial}}
factors: {page_size: [2MiB, 16MiB, 512MiB]}
""")
    for words in ([], [path]):
        ended = admin.orchestrate("doctor", *words, *admin.options, "--format", "json")
        assert ended.out, ended.err
        found = document(ended)
        for size, wanted in (("2MiB", 515), ("16MiB", 64), ("512MiB", 2)):
            one = of_subject(found, "testhost", f"huge pages of {size}")
            file = f"/sys/kernel/mm/hugepages/hugepages-{parse_size(size) // 1024}kB/nr_hugepages"
            commands = (f"sysctl vm.nr_hugepages={wanted}", f"echo {wanted} | tee {file}")
            assert one["command"] == commands[size != "2MiB"], one
            assert one["needed"] is bool(words)


def test_a_host_that_a_run_has(machine: Machine, admin: User) -> None:
    path = file(admin)
    slow = admin.file(
        FILE.replace("SYSCTL", "vm.swappiness").replace("[PROGRAM, x=1]", "[sh, -c, 'sleep 60; echo x=1']"),
        "slow.yaml",
    )
    process = admin.begin_run(slow)
    admin.wait_for(lambda: machine.proc("vm/swappiness") == "10", process)
    ended = admin.orchestrate("doctor", path, *admin.options)
    admin.kill(process, 15)
    assert ended.code == 3
    assert any("locked by" in line for line in ended.out.splitlines() if line.startswith("missing"))


def test_a_bad_file(admin: User) -> None:
    ended = admin.orchestrate("doctor", admin.file("nosuchkey: 1\n"), *admin.options)
    assert ended.code == 2
    assert ended.out == ""
    assert admin.orchestrate("doctor", "nosuch.yaml").code == 2


def test_settings_of_this_machine_are_not_ours(local_user: User) -> None:
    ended = local_user.orchestrate("doctor", file(local_user), "--host", "local")
    assert ended.code == 3
    assert "allow it with --allow-local-changes" in ended.out
    assert local_user.orchestrate("doctor", "--provider", "qemu").code == 2


def test_a_host_that_cannot_be_reached(local_user: User) -> None:
    ended = local_user.orchestrate("doctor", "--host", "127.0.0.1:1")
    assert ended.code == 3
    assert "Connection refused" in ended.out
    ended = local_user.orchestrate("doctor", "--host", "nosuchhost.invalid", "--format", "json")
    one = of_subject(document(ended), "nosuchhost.invalid", "host")
    assert (ended.code, one["verdict"], one["needed"]) == (3, "missing", False)


def test_the_price_of_a_cloud_is_that_of_the_plan(local_user: User) -> None:
    path = local_user.file(
        "hosts: {provider: ec2, fleet: shard, ec2: {count: 4}}\nrepetitions: 400\nfactors: {n: [1, 2, 3, 4]}\n"
        'benchmark: {command: [echo, "x={n}"], metrics: {x: {key_value: x, unit: s}}}\n'
    )
    one = of_subject(document(local_user.orchestrate("doctor", path, "--format", "json")), "ec2", "cloud")
    price = one["reason"].removeprefix("not asked; the run would rent ")
    assert price in local_user.orchestrate("plan", path).out.splitlines()


def test_hosts_of_which_none_can_be_reached(local_user: User) -> None:
    (local_user.folder / "hosts.ini").write_text(
        "[both]\n" + "".join(f"h{n} ansible_host=127.0.0.1 ansible_port={n}\n" for n in (1, 2))
    )
    path = local_user.file(
        "hosts: {group: both}\nbenchmark: {command: [echo, x=1], metrics: {x: {key_value: x, unit: s}}}\n"
    )
    words = ("--inventory", "hosts.ini", "--provider", "ssh", "--format", "json")
    ended = local_user.orchestrate("doctor", path, *words)
    assert ended.code == 3, ended.err
    for number in (1, 2):
        one = of_subject(document(ended), f"h{number}", "host")
        assert one["needed"]
        assert "Connection refused" in one["reason"]
        assert "h1" not in one["reason"]
        assert "h2" not in one["reason"]


def test_hosts_of_a_fleet_are_examined_at_the_same_time(local_user: User) -> None:
    """The first one does not answer until the second one is asked, and until both have been told of."""
    path = local_user.file(
        "hosts: {group: both, fleet: replicate}\n"
        "benchmark: {command: [echo, x=1], metrics: {x: {key_value: x, unit: s}}}\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        ports = [one.getsockname()[1] for one in (first, second)]
        hosts = [f"h{n} ansible_host=127.0.0.1 ansible_port={port}" for n, port in enumerate(ports, 1)]
        (local_user.folder / "hosts.ini").write_text("\n".join(["[both]", *hosts, ""]))
        process = local_user.begin("doctor", path, "--inventory", "hosts.ini", "--provider", "ssh")
        assert process.stderr is not None
        connections = [first.accept()[0], second.accept()[0]]
        is_open = bool(connections[0].recv(1000))
        while is_open and select.select(connections[:1], (), (), 0)[0]:
            is_open = bool(connections[0].recv(1000))
        told: set[str] = set()
        for line in iter(process.stderr.readline, ""):
            told |= set(re.findall(r"h[12]: connecting", line))
            if len(told) == 2:
                break
        for connection in connections:
            connection.close()
    ended = local_user.end(process)
    assert is_open
    assert told == {"h1: connecting", "h2: connecting"}
    assert ended.code == 3
    lines = [line.split() for line in ended.out.splitlines()]
    assert [words[:3] for words in lines if words[2:3] == ["host"]] == [
        ["missing", "h1", "host"],
        ["missing", "h2", "host"],
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="requires root, to become another user")
def test_another_user_is_told_how_to_become_able(local_user: User) -> None:
    """Others may not read the folders of this test: the command runs in a shell of theirs, in /."""
    local_user.folder.chmod(0o777)
    user = User(
        Path("/"),
        environment={"HOME": "/nonexistent"},
        prefix=("setpriv", "--reuid", "65534", "--clear-groups"),
    )
    ended = user.orchestrate("doctor", "--format", "json")
    assert ended.code == 0, ended.err
    found = document(ended)
    assert of_subject(found, "local", "root")["verdict"] == "missing"
    pages = of_subject(found, "local", "huge pages of 2MiB")
    assert pages["verdict"] in ("ok", "missing")
    if pages["verdict"] == "missing":
        assert "sudo" in pages["command"]


@pytest.mark.skipif(os.geteuid() != 0, reason="requires root, to become another user")
def test_directories_that_cannot_be_looked_at(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    user = User(
        Path("/"),
        environment={"HOME": "/nonexistent", "XDG_CACHE_HOME": str(tmp_path / "cache")},
        prefix=("setpriv", "--reuid", "65534", "--clear-groups"),
    )
    results = tmp_path / "results"
    ended = user.orchestrate("doctor", "--results", results, "--format", "json")
    assert (ended.code, ended.complaints) == (0, []), ended.err
    found = document(ended)
    for subject, folder in (
        ("disk for results", results),
        ("disk for kernels", tmp_path / "cache/orchestrate"),
    ):
        one = of_subject(found, "controller", subject)
        assert (one["verdict"], one["reason"]) == ("warning", f"{folder}: Permission denied")
    found = document(user.orchestrate("doctor", "--results", "x" * 300, "--format", "json"))
    assert of_subject(found, "controller", "disk for results")["reason"] == f"{'x' * 300}: File name too long"


CLOSED_KVM = """
for name in null zero random urandom; do : >"$0/$name" && mount --bind /dev/$name "$0/$name" || exit 1; done
: >"$0/kvm" && chmod 0 "$0/kvm" && chmod 755 "$0" && mount --rbind "$0" /dev || exit 1
exec setpriv --reuid 65534 --clear-groups "$@"
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="requires root and mount namespaces")
def test_kvm_of_a_group(tmp_path: Path) -> None:
    words = ("unshare", "--mount", "--propagation", "private", "sh", "-c", CLOSED_KVM, str(tmp_path))
    user = User(Path("/"), environment={"HOME": "/nonexistent"}, prefix=words)
    ended = user.orchestrate("doctor")
    (line,) = (line for line in ended.out.splitlines() if " KVM " in line)
    assert line.endswith(
        '/dev/kvm: Permission denied; guests are emulated; run: sudo usermod -aG kvm "$USER"; then log in again'
    )


HIDDEN = """
for name in flex busybox; do mount --bind /dev/null "$(readlink -f "$(command -v $name)")" || exit 1; done
exec "$@"
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="requires root and mount namespaces")
def test_programs_that_are_missing(tmp_path: Path) -> None:
    words = ("unshare", "--mount", "--propagation", "private", "sh", "-c", HIDDEN, "sh")
    user = User(tmp_path, prefix=words)
    path = user.file("""
hosts: {provider: qemu, qemu: {acceleration: tcg}}
benchmark: {command: [echo, x=1], metrics: {x: {key_value: x, unit: s}}}
repetitions: 1
""")
    ended = user.orchestrate("doctor", path, "--format", "json")
    assert ended.code == 3, ended.err
    found = document(ended)
    guests = of_subject(found, "controller", "guests")
    assert (guests["reason"], guests["needed"]) == ("busybox: command not found", True)
    assert guests["command"].endswith("install-packages.sh busybox-static")
    kernels = of_subject(found, "controller", "kernel builds")
    assert (kernels["verdict"], kernels["reason"], kernels["needed"]) == ("missing", "not found: flex", False)


DASH = shutil.which("dash") or "dash"
BOOT = (Path(kvm.__file__).parent / "boot.sh").read_text()


@pytest.fixture(params=SHELLS)
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """That of a host with this shell. Its temporary files are in a folder that is empty."""
    made = environment_of(request.param, tmp_path)
    (tmp_path / "temporary").mkdir()
    return {**made, "PATH": f"{made['PATH']}:{os.environ['PATH']}", "TMPDIR": str(tmp_path / "temporary")}


def tried(text: str, environment: dict[str, str], qemu: str, seconds: str = "60") -> str:
    done = subprocess.run(
        ["sh", "-c", text, "sh", qemu, seconds], env=environment, capture_output=True, text=True, check=True
    )
    assert not list(Path(environment["TMPDIR"]).iterdir())
    return done.stdout.strip()


def test_the_tiny_guest_runs(environment: dict[str, str]) -> None:
    """In emulation, as not every machine has a KVM that works: its instructions are the same."""
    text = BOOT.replace("accel=kvm", "accel=tcg").replace("/dev/kvm", "/dev/null")
    assert tried(text, environment, "qemu-system-x86_64") == "ok"


def test_a_guest_that_does_not_run(environment: dict[str, str], tmp_path: Path) -> None:
    text = BOOT.replace("/dev/kvm", "/dev/null")
    assert tried(text, environment, "nosuch") == "no-qemu"
    absent = BOOT.replace("/dev/kvm", "/dev/nosuch")
    for folder, verdict in (("/", "absent"), ("/nosuch", "absent no-modules")):
        assert tried(absent.replace("/lib/modules/$(uname -r)", folder), environment, "nosuch") == verdict
    for words, verdict in (
        ("echo no accelerator >&2; exit 1", "failed no accelerator"),
        ("exec sleep 1000", "failed no instruction of the guest was executed within 1 s"),
    ):
        program = tmp_path / "qemu"
        program.write_text(f"#!/bin/sh\n{words}\n")
        program.chmod(0o755)
        assert tried(text, environment, str(program), "1") == verdict


def test_a_guest_that_crashes_leaves_no_core(environment: dict[str, str], tmp_path: Path) -> None:
    program = tmp_path / "qemu"
    program.write_text("#!/bin/sh\nulimit -c >&2\nexit 1\n")
    program.chmod(0o755)
    text = f"ulimit -c unlimited\n{BOOT.replace('/dev/kvm', '/dev/null')}"
    assert tried(text, environment, str(program)) == "failed 0"


def test_a_guest_whose_kernel_or_memory_there_is_not(local_user: User) -> None:
    """QEMU starts a guest of two nodes that have more than all memory together, but none with one such node."""
    path = local_user.file("""
hosts: {provider: qemu, qemu: {acceleration: tcg, nodes: [{cpus: 1, memory: SIZE}, {cpus: 1, memory: SIZE}]}}
kernels: {debian: {package: linux-image-cloud}}
benchmark: {command: [echo, x=1], metrics: {x: {key_value: x, unit: s}}}
repetitions: 1
""")
    text = path.read_text()
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    for size, verdict in ((total * 3 // 4, "warning"), (total * 2, "missing")):
        path.write_text(text.replace("SIZE", f"{size}MiB"))
        found = document(local_user.orchestrate("doctor", path, "--format", "json"))
        assert of_subject(found, "controller", "guest's memory")["verdict"] == verdict
    assert "environment" not in [one["subject"] for one in found["findings"]]  # that of this machine
    kernel = of_subject(found, "controller", "kernel debian")
    assert kernel["verdict"] == "missing"
    assert kernel["reason"].startswith("unable to locate package linux-image-cloud;")


def test_a_host_like_a_guest_has_free_space_and_no_apt(tmp_path: Path) -> None:
    """It has dash and the applets of busybox only, whose df does not know the file system of an initramfs."""
    made = environment_of("busybox", tmp_path)
    df = Path(made["PATH"]) / "df"
    df.unlink()
    df.write_text("#!/bin/sh\necho 'Filesystem 1024-blocks Used Available Capacity Mounted on'\nexit 1\n")
    df.chmod(0o755)
    probe = Path(kvm.__file__).with_name("probe.sh").read_text()
    done = subprocess.run(
        [DASH, "-c", probe, "sh", str(tmp_path)],
        env=made, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = state.parse(done.stdout)
    assert found.disk is not None
    assert found.disk > 0
    assert found.programs <= {"taskset"}
