"""Hosts over SSH: ``ssh -G`` reads the configuration, paramiko connects, and ``ssh-keygen -F`` finds the host keys."""

from orchestrator.hosts.ssh.address import SshAddress
from orchestrator.hosts.ssh.host import SshHost, connect

__all__ = ["SshAddress", "SshHost", "connect"]
