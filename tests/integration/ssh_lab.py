"""Two SSH servers, keys, certificates and agents of many kinds, for configurations of SSH."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from tests.integration.sshd import free_port, make_key, serve

QUICK = "KexAlgorithms curve25519-sha256@libssh.org,curve25519-sha256\nSetEnv SHLVL=2\n"
"""Connections that cost little, as hundreds are made: bash does not source ~/.bashrc at this level."""


@dataclass
class Lab:
    """What configurations refer to.

    :ivar names: what ``$name`` means in a configuration.
    :ivar agents: sockets of agents by name.
    """

    folder: Path
    names: dict[str, str] = field(default_factory=dict)
    agents: dict[str, Path] = field(default_factory=dict)

    def write(self, path: Path, text: str) -> Path:
        """Write a configuration or known_hosts file with the names replaced."""
        path.write_text(self.replaced(text, path.parent))
        return path

    def replaced(self, text: str, here: Path) -> str:
        """Return a text with the names replaced."""
        return Template(text).substitute(self.names, here=str(here))

    def environment(self, agent: str) -> Mapping[str, str]:
        """The environment of someone with an agent; without one if ``agent`` is empty."""
        environment = {name: value for name, value in os.environ.items() if name != "SSH_AUTH_SOCK"}
        return {**environment, **({"SSH_AUTH_SOCK": str(self.agents[agent])} if agent else {})}


def keygen(*words: str | Path) -> None:
    subprocess.run(("ssh-keygen", "-q", *map(str, words)), check=True, stdin=subprocess.DEVNULL)


@contextmanager
def lab(folder: Path) -> Iterator[Lab]:
    """Run the servers and agents."""
    made = Lab(folder)
    keys = folder / "keys"
    keys.mkdir()
    _make_keys(keys)
    with ExitStack() as stack:
        twice, slow, code = (free_port() for _ in range(3))
        main, gate = folder / "main", folder / "gate"
        main.mkdir()
        gate.mkdir()
        server = stack.enter_context(
            serve(
                main,
                settings=f"ListenAddress 127.0.0.1:{twice}\nListenAddress 127.0.0.1:{slow}\n"
                f"ListenAddress 127.0.0.1:{code}\nHostKey {keys}/host_rsa\nHostKey {keys}/host_ecdsa\n"
                f"MaxAuthTries 3\n{QUICK}TrustedUserCAKeys {keys}/user_ca.pub\nAcceptEnv GREETING\n"
                f"Match LocalPort {twice}\n  AuthenticationMethods publickey,publickey\n"
                f"Match LocalPort {code}\n  AuthenticationMethods publickey,keyboard-interactive\n"
                f"Match LocalPort {slow}\n  AuthorizedKeysFile none\n  AuthorizedKeysCommandUser {getpass.getuser()}\n"
                f"  AuthorizedKeysCommand /bin/sh -c 'sleep 1.2; cat {main}/authorized_keys'\n",
            )
        )
        certificate = (
            f"HostKey {keys}/host_certified\nHostCertificate {keys}/host_certified-cert.pub\n{QUICK}"
        )
        jump = stack.enter_context(serve(gate, settings=certificate, own_host_key=False))
        user_keys = ("rsa", "ecdsa", "encrypted", "loose", "pem", "pkcs8")
        allowed = [(keys / f"{name}.pub").read_text() for name in user_keys]
        for server_folder in (main, gate):
            with (server_folder / "authorized_keys").open("a") as file:
                file.write("".join(allowed))
        (folder / "only_main").write_text(f"main {_public(main / 'host_key')}\n")
        for name, contents in _AGENTS.items():
            made.agents[name] = stack.enter_context(_agent(folder / f"agent_{name}", folder, contents))
        made.names |= {
            "main": str(main), "gate": str(gate), "keys": str(keys), "user": getpass.getuser(),
            "port": str(server.port), "twice": str(twice), "slow": str(slow), "code": str(code),
            "jumpport": str(jump.port),
            "closed": str(free_port()), "python": sys.executable, "agent": str(made.agents["one"]),
            "hostkey": _public(main / "host_key"), "hostblob": _public(main / "host_key").split()[1],
            "hostrsa": _public(keys / "host_rsa"),
            "otherkey": _public(keys / "stranger"), "hostca": _public(keys / "host_ca"),
            "gatekey": _public(keys / "host_certified"),
        }  # fmt: skip
        at = "HostName 127.0.0.1\n  User $user\n  IdentityFile $main/user_key\n  Port "
        made.names["at"] = Template(f"{at}$port\n").substitute(made.names)
        made.names["gate_at"] = (
            Template(f"{at}$jumpport\n").substitute(made.names).replace("/main/", "/gate/")
        )
        known = Template(
            "[127.0.0.1]:$port,[127.0.0.1]:$twice,[127.0.0.1]:$slow,[127.0.0.1]:$code $hostkey\n"
            "[127.0.0.1]:$jumpport $gatekey\n"
        )
        (folder / "known_hosts").write_text(known.substitute(made.names))
        made.names["known"] = f"UserKnownHostsFile {folder}/known_hosts"
        yield made


_AGENTS = {
    "one": ("main/user_key",),
    "many": (*(f"keys/many{number}" for number in range(5)), "main/user_key"),
    "encrypted": ("keys/plain_encrypted",),
    "certified": ("keys/certified",),
    "refusing": ("-c", "main/user_key"),
    "bound": ("-H", "/only_main", "-h", "main", "main/user_key"),
}


def _public(private: Path) -> str:
    return " ".join(Path(f"{private}.pub").read_text().split()[:2])


def _make_keys(keys: Path) -> None:
    for name in (
        "stranger",
        "loose",
        "user_ca",
        "host_ca",
        "certified",
        "apart",
        "host_certified",
        "encrypted",
    ):
        make_key(keys / name)
    for number in range(5):
        make_key(keys / f"many{number}")
    (keys / "loose").chmod(0o644)
    (keys / "garbage").write_text("no key\n")
    (keys / "garbage").chmod(0o600)
    for name, words in {
        "rsa": ("-t", "rsa", "-b", "2048"), "ecdsa": ("-t", "ecdsa"), "pem": ("-t", "rsa", "-b", "2048", "-m", "PEM"),
        "pkcs8": ("-t", "ecdsa", "-m", "PKCS8"), "host_rsa": ("-t", "rsa", "-b", "2048"), "host_ecdsa": ("-t", "ecdsa"),
    }.items():  # fmt: skip
        keygen(*words, "-N", "", "-f", keys / name)
    (keys / "plain_encrypted").write_bytes((keys / "encrypted").read_bytes())
    (keys / "plain_encrypted").chmod(0o600)
    keygen("-p", "-P", "", "-N", "secret", "-f", keys / "encrypted")
    me = getpass.getuser()
    for name, principal, words in (
        ("certified", me, ()), ("apart", me, ()), ("stranger", "nobody-else", ()),
    ):  # fmt: skip
        keygen("-s", keys / "user_ca", "-I", name, "-n", principal, *words, keys / f"{name}.pub")
    (keys / "apart-cert.pub").rename(keys / "apart.cert")
    keygen(
        "-s",
        keys / "host_ca",
        "-I",
        "gate",
        "-h",
        "-n",
        "127.0.0.1,labnode,*.lab",
        keys / "host_certified.pub",
    )
    keygen("-k", "-f", keys / "empty.krl")


@contextmanager
def _agent(path: Path, folder: Path, contents: tuple[str, ...]) -> Iterator[Path]:
    # Nobody confirms the use of a key that was added with -c.
    quiet = {"SSH_ASKPASS": "/bin/false", "SSH_ASKPASS_REQUIRE": "force"}
    agent = subprocess.Popen(
        ("ssh-agent", "-D", "-a", str(path)), stdout=subprocess.DEVNULL, env={**os.environ, **quiet}
    )
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            while probe.connect_ex(str(path)):
                assert agent.poll() is None, "ssh-agent has ended"
                time.sleep(0.02)
        words = [f"{folder}/{word}" if "/" in word else word for word in contents]
        environment = {**os.environ, "SSH_AUTH_SOCK": str(path)}
        subprocess.run(("ssh-add", "-q", *words), check=True, env=environment)
        yield path
    finally:
        agent.terminate()
        agent.wait(10)
