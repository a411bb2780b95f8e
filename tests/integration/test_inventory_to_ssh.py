"""What an inventory says about SSH reaches the connection, against a real sshd."""

from __future__ import annotations

import getpass

from tests.integration.sshd import Sshd
from tests.running import User


def check(user: User, sshd: Sshd, inventory: str, *hosts: str) -> tuple[int, list[str]]:
    file = user.folder / "hosts"
    file.write_text(inventory)
    ended = user.orchestrate("hosts", "check", *hosts, "--inventory", file, "--ssh-config", sshd.ssh_config)
    return ended.code, ended.complaints


def test_common_arguments_lead_through_a_jump_host(user: User, sshd: Sshd) -> None:
    before = sshd.logins
    inventory = (
        f"alpha ansible_ssh_host=127.0.0.1 ansible_ssh_port={sshd.port} ansible_ssh_user={getpass.getuser()}"
        f" ansible_ssh_private_key_file={sshd.folder}/user_key known_hosts_file={sshd.folder}/known_hosts\n"
        "here ansible_connection=local\n"
        "[all:vars]\nansible_ssh_common_args='-o ProxyJump=testhost'\n"
    )
    assert check(user, sshd, inventory, "alpha") == (0, [])
    assert sshd.logins == before + 2
    code, complaints = check(user, sshd, inventory, "all")
    assert code == 3
    assert len(complaints) == 1
    assert "host 'here': ansible_connection: 'local': for this machine, use --host local" in complaints[0]
    assert sshd.logins == before + 4


def test_port_and_keys_may_be_in_the_arguments(user: User, sshd: Sshd) -> None:
    words = f"-p {sshd.port} -o IdentityFile={sshd.folder}/user_key -o UserKnownHostsFile={sshd.folder}/known_hosts"
    inventory = f"alpha ansible_host=127.0.0.1 ansible_ssh_extra_args='{words}'\n"
    assert check(user, sshd, inventory, "alpha") == (0, [])
    nowhere = inventory.replace("known_hosts'", "nowhere'")
    code, complaints = check(user, sshd, nowhere, "alpha")
    assert code == 3
    assert "Host key verification failed" in complaints[0]
    unchecked = nowhere.rstrip() + " ansible_host_key_checking=False\n"
    assert check(user, sshd, unchecked, "alpha")[0] == 0
