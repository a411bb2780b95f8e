"""Hosts over SSH: ``ssh -G`` reads the configuration, Fabric connects, and ``ssh-keygen -F`` finds the host keys."""

from orchestrator.hosts.ssh.address import SshAddress
from orchestrator.hosts.ssh.attempts import give_up
from orchestrator.hosts.ssh.host import SshHost, close_silent, connect

__all__ = ["SshAddress", "SshHost", "close_silent", "connect", "give_up"]
