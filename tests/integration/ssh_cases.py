"""Configurations of SSH, with what OpenSSH makes of them. ``$at`` is HostName, User, Port and the right key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.hosts.ssh.configuration import openssh_version


@dataclass(frozen=True)
class Case:
    """A configuration in which ``target`` is reached (``works``) or not, with an agent of that name.

    :ivar message: part of what ``orchestrate`` says of a host that is not reached.
    :ivar files: other files in the folder of the configuration, which is ``$here``.
    """

    name: str
    config: str
    works: bool = True
    message: str = ""
    agent: str = ""
    files: Mapping[str, str] = field(default_factory=dict)


def target(
    name: str, lines: str, works: bool = True, message: str = "", agent: str = "", **files: str
) -> Case:
    """A case in which ``lines`` are all that is said of the host;"""
    return Case(name, f"Host target\n  {lines}\n", works, message, agent, files)


def keyed(name: str, lines: str, works: bool = True, message: str = "", agent: str = "") -> Case:
    """A case in which ``lines`` say which keys log in."""
    return target(
        name, f"HostName 127.0.0.1\n  Port $port\n  User $user\n  $known\n  {lines}", works, message, agent
    )


def known(name: str, known_hosts: str, lines: str = "", works: bool = True, message: str = "") -> Case:
    """A case with a known_hosts file of its own; ``lines`` come before what is said of the host."""
    return target(
        name,
        f"{lines}\n  $at\n  UserKnownHostsFile $here/known_hosts",
        works,
        message,
        known_hosts=known_hosts,
    )


JUMP = "Host gate\n  $gate_at\n  $known\n"
PASS_SOCKET = """import socket, sys
link = socket.create_connection(sys.argv[1:])
socket.send_fds(socket.socket(fileno=1), [b"x"], [link.fileno()])
"""
RELAY = """import os, socket, sys, threading, time
os.write(1, "Gr\u00fc\u00dfe\\n".encode("latin-1"))
time.sleep(2.2)
link = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
def copy():
    while data := os.read(0, 65536):
        link.sendall(data)
    os._exit(0)
threading.Thread(target=copy, daemon=True).start()
while data := link.recv(65536):
    os.write(1, data)
"""
CHANGED = "REMOTE HOST IDENTIFICATION HAS CHANGED"
UNKNOWN = "No host key is known for"
DENIED = "Permission denied (publickey)"

CASES = [
    # Files and conditions
    Case("include", "Include $here/plain\n", files={"plain": "Host target\n  $at\n  $known\n"}),
    Case("include of a pattern", "Include $here/d/*.conf\n", files={"d/1.conf": "Host target\n  $at\n  $known\n"}),
    Case("include within a host", "Host target\n  Include $here/rest\n", files={"rest": "$at\n$known\n"}),
    Case("include of nothing", "Include $here/absent\nHost target\n  $at\n  $known\n"),
    Case("match host", "Match host target\n  $at\n  $known\n"),
    Case("match exec", 'Match exec "test %h = target"\n  $at\n  $known\n'),
    Case("match exec fails", 'Match host target exec false\n  Port $closed\nHost target\n  $at\n  $known\n'),
    Case("match originalhost", "Host target\n  HostName 127.0.0.1\nMatch originalhost target\n  $at\n  $known\n"),
    Case("match user", "Match user $user\n  $at\n  $known\n"),
    Case("match final", "Host target\n  HostName 127.0.0.1\nMatch final host 127.0.0.1\n  $at\n  $known\n"),
    Case("match localuser", "Match localuser nobody-else\n  Port $closed\nMatch all\n  $at\n  $known\n"),
    Case("negated host", "Host !target *\n  Port $closed\nHost *\n  $at\n  $known\n"),
    Case("first value wins", "Host target\n  $at\n  $known\nHost *\n  Port $closed\n  HostName 192.0.2.1\n"),
    Case("canonical name", "CanonicalizeHostname yes\nHost target\n  $at\n  $known\n"
         "Match canonical\n  Compression yes\n"),
    Case("comment at the end", "Host target # lab\n  HostName 127.0.0.1 # loopback\n  $at\n  $known\n"),
    Case("equals signs and quotes", 'Host="target"\n  HostName = "127.0.0.1"\n  $at\n  $known\n'),
    Case("case of keywords", "HOST target\n  hostname 127.0.0.1\n  $at\n  $known\n"),
    Case("unknown word", "Host target\n  Colour red\n  $at\n  $known\n", False, "Bad configuration option: colour"),
    Case("unknown word ignored", "IgnoreUnknown Colour\nHost target\n  Colour red\n  $at\n  $known\n"),
    Case("missing value", "Host target\n  Port\n", False, "ssh -G"),
    Case("match without blank", "Match host=target\n  $at\n  $known\n"),  # paramiko issue 2522
    Case("match final, negated, exec", "Host target\n  HostName 127.0.0.1\n"  # paramiko issue 1992
         'Match final !originalhost proxy !exec "test %h = elsewhere"\n  $at\n  $known\n'),
    Case("match of something unknown", "Match weather fine\n  ProxyJump elsewhere\n"  # paramiko issue 2632
         "Host target\n  $at\n  $known\n", False, "Unsupported Match attribute weather"),
    Case("include after match all", "Match all\n  Include $here/rest\n",  # paramiko issue 2339
         files={"rest": "Host target\n  $at\n  $known\n"}),
    # Where
    target("token in host name", "HostName 127.0.0.1%%\n  $at\n  $known", False, "Could not resolve hostname"),
    target("host name from the name", "HostName %h.invalid\n  $at", False, "Could not resolve hostname target.invalid"),
    target("closed port", "Port $closed\n  $at\n  $known", False, "Connection refused"),
    target("bind address", "BindAddress 127.0.0.1\n  $at\n  $known"),
    target("bind address elsewhere", "BindAddress 192.0.2.1\n  $at\n  $known", False,
           "Cannot assign requested address"),
    target("address family", "AddressFamily inet\n  $at\n  $known"),
    target("other address family", "AddressFamily inet6\n  $at\n  $known", False, "Could not resolve hostname"),
    target("connect timeout", "ConnectTimeout 5\n  ConnectionAttempts 2\n  $at\n  $known"),
    target("no connect timeout", "ConnectTimeout 0\n  $at\n  $known"),
    target("login that takes longer than the connect timeout", "ConnectTimeout 1\n  Port $slow\n  $at\n  $known"),
    # Jump hosts and proxies
    Case("jump host", JUMP + "Host target\n  ProxyJump gate\n  $at\n  $known\n"),
    Case("jump none", "Host target\n  $at\n  $known\n  ProxyJump none\nHost *\n  ProxyJump gate\n" + JUMP),
    Case("jump for all but the jump host", "Host gate\n  ProxyJump none\n" + JUMP
         + "Host target\n  $at\n  $known\nHost *\n  ProxyJump gate\n"),
    Case("jump chain", JUMP + "Host second\n  $at\n  $known\nHost target\n  ProxyJump gate,second\n  $at\n  $known\n"),
    Case("jump host with its own jump", JUMP + "Host second\n  ProxyJump gate\n  $at\n  $known\n"
         "Host target\n  ProxyJump second\n  $at\n  $known\n"),
    Case("jump as address", "Match host 127.0.0.1\n  IdentityFile $gate/user_key\n  $known\n"
         "Host target\n  ProxyJump $user@127.0.0.1:$jumpport\n  $at\n  $known\n"),
    Case("jump host refuses", "Host gate\n  IdentityFile $keys/stranger\n  HostName 127.0.0.1\n  Port $jumpport\n"
         "  $known\nHost target\n  ProxyJump gate\n  $at\n  $known\n", False, DENIED),
    Case("jump host is unknown", "Host gate\n  UserKnownHostsFile none\n" + JUMP
         + "Host target\n  ProxyJump gate\n  $at\n  $known\n", False, UNKNOWN),
    Case("nothing behind the jump host", JUMP + "Host target\n  Port $closed\n  ProxyJump gate\n  $at\n  $known\n",
         False, "the jump host could not connect"),
    Case("proxy command", JUMP + "Host target\n  ProxyCommand ssh -F $here/config -W [%h]:%p gate\n  $at\n  $known\n"),
    target("proxy command fails", "ProxyCommand echo no way >&2; exit 1\n  $at\n  $known", False, "no way"),
    target("proxy command none", "ProxyCommand none\n  ProxyCommand false\n  $at\n  $known"),
    target("proxy passes a socket", "ProxyUseFdpass yes\n  ProxyCommand $python $here/pass.py %h %p\n  $at\n  $known",
           **{"pass.py": PASS_SOCKET}),
    target("proxy passes nothing", "ProxyUseFdpass yes\n  ProxyCommand false\n  $at\n  $known", False, "ProxyCommand"),
    Case("tokens and quotes in a jump", 'Host target\n  ProxyJump "gate-%n"\n  $at\n  $known\n'  # paramiko pull 1951
         "Host gate-target\n  $gate_at\n  $known\n"),
    target("variable of the proxy's shell", "ProxyCommand sh -c 'port=%p; exec $python $here/pass.py %h $${port}'\n"
           "  ProxyUseFdpass yes\n  $at\n  $known", **{"pass.py": PASS_SOCKET}),
    target("lines before the version", "ProxyCommand $python $here/relay.py %p\n  $at\n  $known",
           **{"relay.py": RELAY}),
    # Host keys
    known("known key", "[127.0.0.1]:$port $hostkey\n"),
    known("known without the port", "127.0.0.1 $hostkey\n"),
    known("wildcard", "[127.0.0.*]:$port $hostkey\n"),
    known("negated wildcard", "![127.0.0.1]:*,[127.*]:* $hostkey\n", works=False, message=UNKNOWN),
    known("alias", "labnode $hostkey\n", "HostKeyAlias labnode"),
    known("alias is not the address", "[127.0.0.1]:$port $hostkey\n", "HostKeyAlias labnode", False, UNKNOWN),
    known("another type is known", "[127.0.0.1]:$port $hostrsa\n"),
    known("damaged lines", "garbage\n[127.0.0.1]:$port ssh-ed25519 AAAAbroken\n@foo * $otherkey\n"
          "[127.0.0.1]:$port $hostkey comment\n"),
    known("only damaged lines", "[127.0.0.1]:$port ssh-ed25519 AAAAbroken\n", works=False, message=UNKNOWN),
    known("authority of others", "@cert-authority * $otherkey\n[127.0.0.1]:$port $hostkey\n"),
    known("key that an authority would have", "@cert-authority * $hostkey\n", works=False, message=UNKNOWN),
    known("revoked", "[127.0.0.1]:$port $hostkey\n@revoked * $hostkey\n", works=False, message="revoked"),
    known("another key is revoked", "[127.0.0.1]:$port $hostkey\n@revoked * $otherkey\n"),
    known("changed key", "[127.0.0.1]:$port $otherkey\n", works=False, message=CHANGED),
    known("one of two keys", "[127.0.0.1]:$port $otherkey\n[127.0.0.1]:$port $hostkey\n"),
    known("unknown", "", works=False, message=UNKNOWN),
    known("accept-new", "", "StrictHostKeyChecking accept-new"),
    known("accept-new hashed", "", "StrictHostKeyChecking accept-new\n  HashKnownHosts yes"),
    known("accept-new but changed", "[127.0.0.1]:$port $otherkey\n", "StrictHostKeyChecking accept-new",
          False, CHANGED),
    known("no checking", "", "StrictHostKeyChecking no"),
    known("no checking and changed", "[127.0.0.1]:$port $otherkey\n", "StrictHostKeyChecking no"),
    target("checked against nothing", "StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n  $at"),
    known("check of the address", "labnode $hostkey\n[127.0.0.1]:$port $otherkey\n",
          "CheckHostIP yes\n  HostKeyAlias labnode"),
    known("no check of a loopback address", "[localhost]:$port $hostkey\n[127.0.0.1]:$port $otherkey\n",
          "CheckHostIP yes\n  HostName localhost\n  AddressFamily inet"),
    known("exempt localhost", "", "NoHostAuthenticationForLocalhost yes"),
    known("algorithms", "[127.0.0.1]:$port $hostrsa\n", "HostKeyAlgorithms rsa-sha2-512"),
    known("algorithms in another order", "[127.0.0.1]:$port $hostkey\n",
          "HostKeyAlgorithms ecdsa-sha2-nistp256,ssh-ed25519", False, CHANGED),
    known("algorithms removed", "[127.0.0.1]:$port $hostrsa\n", "HostKeyAlgorithms -ecdsa*"),
    known("no algorithm in common", "[127.0.0.1]:$port $hostkey\n", "HostKeyAlgorithms ecdsa-sha2-nistp521", False,
          "Unable to negotiate"),
    target("global file", "UserKnownHostsFile none\n  GlobalKnownHostsFile $here/global\n  $at",
           **{"global": "[127.0.0.1]:$port $hostkey\n"}),
    target("two files", "UserKnownHostsFile $here/absent $here/second\n  $at", second="[127.0.0.1]:$port $hostkey\n"),
    target("blanks in file names", 'UserKnownHostsFile $here/absent "$here/a b" $here/c\n  $at',
           **{"a b": "[127.0.0.1]:$port $hostkey\n"}),
    target("revoked by a file", "RevokedHostKeys $here/revoked\n  $at\n  $known", False, "revoked by",
           revoked="$hostkey\n"),
    target("revoked by an empty list", "RevokedHostKeys $keys/empty.krl\n  $at\n  $known"),
    target("revocations are missing", "RevokedHostKeys $here/absent\n  $at\n  $known", False, "No such file"),
    target("known hosts command", "UserKnownHostsFile none\n"
           "  KnownHostsCommand /bin/echo %H ssh-ed25519 $hostblob\n  $at"),
    target("known hosts command that trusts all", "UserKnownHostsFile none\n"
           "  KnownHostsCommand /bin/echo %H %t %K\n  $at"),
    target("known hosts command of others", "KnownHostsCommand /bin/echo %H $otherkey\n"
           "  UserKnownHostsFile none\n  $at", False, CHANGED),
    target("known hosts command is missing", "KnownHostsCommand /nonexistent %H\n  $at\n  $known"),
    target("known hosts command fails", "KnownHostsCommand /bin/false\n  $at\n  $known", False,
           "KnownHostsCommand failed"),
    # Host certificates
    target("host certificate", "$gate_at\n  UserKnownHostsFile $here/ca",
           ca="@cert-authority 127.0.0.*,[127.*]:* $hostca\n"),
    target("host certificate for an alias", "HostKeyAlias labnode\n  $gate_at\n  UserKnownHostsFile $here/ca",
           ca="@cert-authority lab* $hostca\n"),
    target("host certificate with a wildcard", "HostKeyAlias node.lab\n  $gate_at\n  UserKnownHostsFile $here/ca",
           openssh_version() >= (10, 3), UNKNOWN, ca="@cert-authority *.lab $hostca\n"),
    target("host certificate of another name", "HostKeyAlias other\n  $gate_at\n  UserKnownHostsFile $here/ca", False,
           UNKNOWN, ca="@cert-authority * $hostca\n"),
    target("host certificate of a revoked authority", "$gate_at\n  UserKnownHostsFile $here/ca", False, "revoked",
           ca="@cert-authority * $hostca\n@revoked * $hostca\n"),
    target("key of a certified host", "$gate_at\n  UserKnownHostsFile $here/k", k="[127.0.0.1]:$jumpport $gatekey\n"),
    target("signature that is not allowed", "CASignatureAlgorithms rsa-sha2-512\n  $gate_at\n"
           "  UserKnownHostsFile $here/ca",
           False, UNKNOWN, ca="@cert-authority * $hostca\n"),
    # Keys
    keyed("key missing", "IdentityFile $keys/absent\n  IdentityFile $main/user_key"),
    keyed("only missing keys", "IdentityFile $keys/absent", False, "these files do not exist: $keys/absent"),
    keyed("stranger's key", "IdentityFile $keys/many0", False, DENIED),
    keyed("second key", "IdentityFile $keys/many0\n  IdentityFile $main/user_key"),
    keyed("too many keys", "".join(f"IdentityFile $keys/many{n}\n  " for n in range(4)) + "IdentityFile $main/user_key",
          False, "Too many authentication failures"),
    keyed("token and tilde in a path", "IdentityFile $keys/../%L%%/absent\n  IdentityFile $main/user_%k\n"
          "  IdentityFile ~/absent\n  IdentityFile $main/user_key"),
    keyed("variable in a path", "IdentityFile $${HOME_OF_KEYS}/user_key", False, "HOME_OF_KEYS"),
    keyed("rsa key", "IdentityFile $keys/rsa"),
    keyed("ecdsa key", "IdentityFile $keys/ecdsa"),
    keyed("key in PEM", "IdentityFile $keys/pem"),
    keyed("key in PKCS8", "IdentityFile $keys/pkcs8"),
    keyed("token that is not there", "PKCS11Provider /nonexistent.so\n  IdentityFile $main/user_key"),
    keyed("only a token", "PKCS11Provider /nonexistent.so\n  IdentityFile none", False, "ssh-add -s /nonexistent.so"),
    keyed("damaged key", "IdentityFile $keys/garbage\n  IdentityFile $main/user_key"),
    keyed("key that others can read", "IdentityFile $keys/loose", False, "chmod 600"),
    keyed("encrypted key", "IdentityFile $keys/encrypted", False, "ssh-add"),
    keyed("encrypted key before another", "IdentityFile $keys/encrypted\n  IdentityFile $main/user_key"),
    keyed("encrypted key and agent", "IdentityFile $keys/encrypted", agent="encrypted"),
    keyed("algorithms of keys", "PubkeyAcceptedAlgorithms ssh-ed25519\n  IdentityFile $keys/rsa", False,
          "rsa: not allowed by PubkeyAcceptedAlgorithms"),
    keyed("short rsa key", "RequiredRSASize 4096\n  IdentityFile $keys/rsa", False, DENIED),
    keyed("no public keys", "PubkeyAuthentication no\n  IdentityFile $main/user_key", False,
          "disabled: PubkeyAuthentication no"),
    keyed("other methods", "PreferredAuthentications password\n  IdentityFile $main/user_key", False,
          "disabled: PreferredAuthentications password"),
    keyed("agent", "IdentityFile none", agent="one"),
    keyed("agent with too many keys", "IdentityFile none", False, "Too many authentication failures", agent="many"),
    keyed("public half selects from the agent", "IdentityFile $main/user_key.pub\n  IdentitiesOnly yes", agent="many"),
    keyed("file selects from the agent", "IdentityFile $main/user_key", agent="many"),
    keyed("public half without agent", "IdentityFile $main/user_key.pub", False, "ssh-add"),
    keyed("only identities of files", "IdentityFile $keys/many0\n  IdentitiesOnly yes", False, DENIED, agent="one"),
    keyed("agent of the configuration", "IdentityFile none\n  IdentityAgent $agent"),
    keyed("agent that refuses", "IdentityFile $main/user_key.pub\n  IdentityFile $keys/ecdsa", agent="refusing"),
    keyed("agent with a key for this host", "IdentityFile none", agent="bound"),
    Case("agent with a key for another host", "Host target\n  HostName 127.0.0.1\n  Port $jumpport\n  User $user\n"
         "  $known\n  IdentityFile $main/user_key.pub\n", False, DENIED, "bound"),
    keyed("agent none", "IdentityFile none\n  IdentityAgent none", False, DENIED, agent="one"),
    keyed("agent that is gone", "IdentityAgent $keys/absent\n  IdentityFile $main/user_key"),
    keyed("certificate beside the key", "IdentityFile $keys/certified"),
    keyed("certificate elsewhere", "CertificateFile $keys/apart.cert\n  IdentityFile $keys/apart"),
    keyed("certificate of another user", "IdentityFile $keys/stranger", False, DENIED),
    keyed("certificate in the agent", "IdentityFile none", agent="certified"),
    keyed("certificate file and agent", "CertificateFile $keys/certified-cert.pub\n  IdentityFile none",
          agent="certified"),
    keyed("server that wants two keys", "Port $twice\n  IdentityFile $main/user_key\n  IdentityFile $keys/ecdsa"),
    target("two keys", "Port $twice\n  IdentityFile $keys/ecdsa\n  $at\n  $known"),
    target("one of two keys is missing", "Port $twice\n  $at\n  $known", False, DENIED),
    target("key and a code", "Port $code\n  $at\n  $known", False, "the key was accepted, but"),
    # How
    target("ciphers", "Ciphers aes256-gcm@openssh.com\n  $at\n  $known"),
    target("key exchange and MACs", "KexAlgorithms curve25519-sha256\n  MACs hmac-sha2-256-etm@openssh.com\n"
           "  Ciphers aes128-ctr\n  $at\n  $known"),
    target("unsupported cipher and another", "Ciphers chacha20-poly1305@openssh.com,aes128-ctr\n  $at\n  $known"),
    target("no cipher in common", "Ciphers 3des-cbc\n  $at\n  $known", False,
           "no matching cipher found; the server must allow one of these (Ciphers): 3des-cbc"),
    target("compression", "Compression yes\n  $at\n  $known"),
    target("environment", "SetEnv GREETING=hello\n  $at\n  $known"),
    target("remote command", "RemoteCommand uptime\n  $at\n  $known", False, "RemoteCommand"),
    target("interactive words", "RequestTTY force\n  ForwardAgent yes\n  ForwardX11 yes\n  EscapeChar none\n"
           "  ControlMaster auto\n  ControlPath none\n  $at\n  $known"),
]  # fmt: skip
