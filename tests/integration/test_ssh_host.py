"""Commands, files, streams and connection errors with a real sshd."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestrator.captured import MOST_ERRORS
from orchestrator.errors import CommandFailed, HostError
from orchestrator.hosts.base import Host
from orchestrator.hosts.command import Command, script
from orchestrator.hosts.local import LocalHost
from orchestrator.hosts.ssh import SshAddress, connect
from tests.integration.sshd import Sshd, free_port, make_key, serve


@pytest.fixture(params=["ssh", "local"])
def host(request: pytest.FixtureRequest, sshd: Sshd) -> Iterator[Host]:
    """The same contract for both kinds of connection."""
    host = connect("there", sshd.address) if request.param == "ssh" else LocalHost("here")
    yield host
    host.close()


def test_arguments_reach_the_program_unchanged(host: Host) -> None:
    words = ("a b", "$HOME", "'", '"', "\\", "*", "", "new\nline", "µ")
    completed = host.run(Command(("printf", "<%s>", *words)))
    assert completed.stdout == "".join(f"<{word}>" for word in words)


def test_exit_codes_and_both_streams_come_back(host: Host) -> None:
    completed = host.run(script("echo out; echo err >&2; exit 7", accept=(7,)))
    assert (completed.exit_code, completed.stdout, completed.stderr) == (7, "out\n", "err\n")


def test_an_exit_code_that_is_not_accepted_is_an_error_of_one_line(host: Host) -> None:
    with pytest.raises(CommandFailed, match=r"exit code 3 from sh -c .*: no such thing$"):
        host.run(script("echo no such thing >&2; exit 3"))


def test_a_command_ends_at_its_limit(host: Host) -> None:
    with pytest.raises(CommandFailed, match=r"timed out after 0\.5 s"):
        host.run(Command(("sleep", "600"), time_limit=0.5))
    assert host.run(Command(("echo", "still here"))).stdout == "still here\n"


def test_large_output_on_both_streams_does_not_block(host: Host) -> None:
    completed = host.run(script("head -c 3000000 /dev/zero | tr '\\0' x | tee /dev/stderr"))
    assert (len(completed.stdout), len(completed.stderr)) == (3_000_000, 3_000_000)


def test_output_without_end_ends_at_its_limit(host: Host) -> None:
    with pytest.raises(CommandFailed, match=r": more than 64MiB of output from yes$"):
        host.run(Command(("yes",)))
    assert host.run(Command(("echo", "still here"))).stdout == "still here\n"


def test_of_errors_without_end_the_last_are_kept(host: Host) -> None:
    completed = host.run(script("yes | head -c 80M >&2; echo last >&2"))
    assert completed.stderr.endswith("y\nlast\n")
    assert len(completed.stderr) <= MOST_ERRORS


def test_output_that_is_not_utf8_is_replaced(host: Host) -> None:
    assert host.run(script("printf 'a\\377b'")).stdout == "a\ufffdb"


def test_a_file_is_copied_with_its_mode(host: Host, tmp_path: Path) -> None:
    content = bytes(range(256)) * 5000
    target = tmp_path / "new folder" / "a file"
    host.put(content, str(target), 0o750)
    assert target.read_bytes() == content
    assert target.stat().st_mode & 0o777 == 0o750
    assert [path.name for path in target.parent.iterdir()] == ["a file"]


def test_a_file_that_cannot_be_written_is_an_error(host: Host) -> None:
    with pytest.raises(
        CommandFailed, match=r": cannot write /proc/no/such/place: mkdir: .*: No such file or directory"
    ):
        host.put(b"x", "/proc/no/such/place")


def test_lines_come_as_they_are_printed(host: Host) -> None:
    lines = host.lines(script("echo one; sleep 1.2; printf 'two\\nthree'"))
    seen = list(lines)
    assert [line for line in seen if line is not None] == ["one", "two", "three"]
    assert None in seen, "None must be yielded while the host prints nothing"


def test_closing_the_stream_ends_a_command_that_waits_for_its_input(host: Host, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    lines = host.lines(
        script('tail -f /dev/null & echo $! >"$1"; echo up; cat >/dev/null; kill %1 $!', str(pid_file))
    )
    assert next(line for line in lines if line is not None) == "up"
    pid = int(pid_file.read_text())
    lines.close()  # type: ignore[attr-defined]
    gone = script(
        'i=0; while [ -e "/proc/$1" ] && [ $i -lt 200 ]; do i=$((i + 1)); sleep 0.3; done; [ ! -e "/proc/$1" ]',
        str(pid),
    )
    assert host.run(gone).exit_code == 0


def test_an_unknown_host_key_is_refused(sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "known_hosts").write_text("")
    address = replace(sshd.address, known_hosts_file=tmp_path / "known_hosts")
    with pytest.raises(
        HostError, match=r"Host key verification failed. No host key is known for 127\.0\.0\.1 port"
    ):
        connect("there", address)


def test_a_changed_host_key_is_refused(sshd: Sshd, tmp_path: Path) -> None:
    other = make_key(tmp_path / "other")
    (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{sshd.port} {other}")
    address = replace(sshd.address, known_hosts_file=tmp_path / "known_hosts")
    with pytest.raises(
        HostError, match=r"Host key verification failed. REMOTE HOST IDENTIFICATION HAS CHANGED"
    ):
        connect("there", address)


def test_a_key_that_is_not_authorised_is_refused(sshd: Sshd, tmp_path: Path) -> None:
    make_key(tmp_path / "stranger")
    address = replace(sshd.address, identity_file=tmp_path / "stranger")
    with pytest.raises(
        HostError,
        match=r"@127\.0\.0\.1: Permission denied \(publickey\); try: ssh .* -p \d+ .* 127\.0\.0\.1 true$",
    ):
        connect("there", address)


def test_a_known_hosts_file_that_is_gone_is_a_host_error(sshd: Sshd, tmp_path: Path) -> None:
    """As when a guest's directory was removed."""
    address = replace(sshd.address, known_hosts_file=tmp_path / "known_hosts")
    with pytest.raises(HostError, match=r"No host key is known for .* add it to .*/known_hosts$"):
        connect("there", address)


def test_a_closed_port() -> None:
    with pytest.raises(HostError, match=r"connect to host 127\.0\.0\.1 port \d+: Connection refused"):
        connect("there", SshAddress("127.0.0.1", port=free_port()))


def test_the_users_ssh_configuration_is_honoured(sshd: Sshd) -> None:
    host = connect("testhost", SshAddress("testhost", config_file=sshd.ssh_config))
    assert host.run(Command(("echo", "found"))).stdout == "found\n"
    host.close()


def test_more_words_for_ssh_are_honoured(sshd: Sshd) -> None:
    """As Ansible's ``ansible_ssh_common_args`` has them."""
    words = ("-o", f"Port={sshd.port}", "-C", "-o", f"HostKeyAlias=[127.0.0.1]:{sshd.port}")
    host = connect("there", replace(sshd.address, host="localhost", port=None, options=words))
    assert host.run(Command(("echo", "found"))).stdout == "found\n"
    host.close()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-o", "RemoteCommand=uptime"), r"RemoteCommand uptime: not supported; set RemoteCommand to none"),
        (("-N",), r"SessionType none: not supported; set SessionType to default for this host$"),
        (("-o", "Tunnel=yes"), r"Tunnel point-to-point: not supported; set Tunnel to no for this host$"),
        (
            ("-o", "Ciphers=chacha20-poly1305@openssh.com"),
            r"Ciphers chacha20-.*: not supported; supported: aes",
        ),
        (("-o", "Colour=red"), r"ssh -G: command-line: line 0: Bad configuration option: colour$"),
        (("elsewhere",), r"not an option of ssh: 'elsewhere'"),
    ],
)
def test_what_cannot_be_honoured_is_named(sshd: Sshd, words: tuple[str, ...], message: str) -> None:
    with pytest.raises(HostError, match=f"^there: [^\n]*{message}"):
        connect("there", replace(sshd.address, options=words))


def test_a_proxy_command_ends_with_the_connection(sshd: Sshd, tmp_path: Path) -> None:
    words = f"echo $$ >{tmp_path}/pid; exec ssh -F {sshd.ssh_config} -W %h:%p testhost"
    host = connect("there", replace(sshd.address, options=("-o", f"ProxyCommand=sh -c '{words}'")))
    pid = (tmp_path / "pid").read_text().strip()
    assert Path("/proc", pid).exists()
    host.close()
    host.close()
    assert not Path("/proc", pid).exists()


def test_a_jump_host_is_passed_through(sshd: Sshd, tmp_path: Path) -> None:
    config = tmp_path / "ssh_config"
    config.write_text(sshd.ssh_config.read_text() + "Host inner\n  HostName 127.0.0.1\n"
                      + "".join(f"  {line.strip()}\n" for line in sshd.ssh_config.read_text().splitlines()[2:])
                      + "  ProxyJump testhost\n")  # fmt: skip
    before = sshd.logins
    host = connect("inner", SshAddress("inner", config_file=config))
    assert host.run(Command(("echo", "found"))).stdout == "found\n"
    assert sshd.logins == before + 2, "one to the jump host, one from there"
    host.close()


def test_a_connection_that_dies_is_a_host_error(sshd: Sshd) -> None:
    host = connect("there", sshd.address)
    with pytest.raises(HostError, match="connection lost"):
        host.run(script("kill -9 $PPID; sleep 5"))


def test_commands_do_not_wait_for_delayed_acknowledgements(sshd: Sshd) -> None:
    """Each would cost 40 ms more. The kernel is asked, as no time can be relied on where a machine is busy."""
    before = links_to(sshd.port)
    host = connect("there", sshd.address)
    assert [nodelay for port, nodelay in links_to(sshd.port).items() if port not in before] == [1]
    host.close()


def links_to(port: int) -> dict[int, int]:
    """TCP_NODELAY of this process's connections to a port, by the port that they come from."""
    found = {}
    for entry in Path("/proc/self/fd").iterdir():
        with (
            contextlib.suppress(OSError),  # not a socket, or not connected
            socket.fromfd(int(entry.name), socket.AF_INET, socket.SOCK_STREAM) as link,
        ):
            if link.getpeername()[1] == port:
                found[link.getsockname()[1]] = link.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    return found


def test_a_server_that_refuses_sessions_is_named(tmp_path: Path) -> None:
    with serve(tmp_path, settings="Match all\n  MaxSessions 0\n") as server:
        host = connect("there", server.address)
        with pytest.raises(HostError, match=r"there: the server refuses sessions: .*; see MaxSessions"):
            host.run(Command(("true",)))
        host.close()
