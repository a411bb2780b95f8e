"""SSH configurations, as ``ssh -G`` reads them."""

from __future__ import annotations

import re

from orchestrator.hosts.ssh import configuration
from orchestrator.hosts.ssh.address import SshAddress
from tests.fuzz import mutation, scratch
from tests.fuzz.target import Target

CONFIG = b"""Host n1 n2
  HostName %h.example
  User root
  Port 2222
  IdentityFile ~/.ssh/id_%r
  UserKnownHostsFile ~/.ssh/known "~/a b"
  ProxyJump user@jump:22,other
  SetEnv A=b C="d e"
  ServerAliveInterval 5
Host *
  HostKeyAlgorithms +ssh-rsa
  SendEnv LANG LC_*
  ControlPath /tmp/%C
Match host n1 user root
  ProxyCommand nc %h %p
  CertificateFile ${HOME}/c
  KnownHostsCommand /usr/bin/env %H
"""
EXECUTES = re.compile(rb"exec|canonical|include", re.IGNORECASE)
"""What runs commands, asks for names, or reads other files: not for texts that chance has made."""


def run(data: bytes) -> None:
    if EXECUTES.search(data):
        return
    file = scratch.write("ssh_config", data)
    file.chmod(0o600)
    found = configuration.resolve(SshAddress("n1", config_file=file))
    configuration.refuse_unsupported(found)
    assert found.host
    assert 0 < found.port < 65536
    assert found.user
    found.algorithms("hostkeyalgorithms")
    found.files("userknownhostsfile")
    for word in ("identityfile", "certificatefile", "proxycommand", "knownhostscommand"):
        found.paths(word)


TARGET = Target(
    "ssh-configuration",
    run,
    ("orchestrator.hosts.ssh.configuration",),
    lambda: [CONFIG],
    mutation.text(
        b"Host ",
        b"Match all\n",
        b"Port ",
        b"User ",
        b"HostName ",
        b"%h",
        b"%%",
        b"~",
        b"${X}",
        b"RemoteCommand ",
        b"SessionType none\n",
        b"Tunnel yes\n",
        b"ProxyJump ",
    ),
)
