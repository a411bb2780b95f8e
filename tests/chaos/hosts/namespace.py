"""A host made of namespaces: a real sshd, processes and mounts of its own; it can lose power and be turned on again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from orchestrator.hosts.remote.folder import ROOT_BASE
from tests.integration.netns import BOOT_ID
from tests.integration.sshd import SSHD, free_port

PATIENCE_S = 60.0
SYSCTLS = {"vm/stat_interval": "1", "vm/compaction_proactiveness": "20"}
"""Files in place of these sysctls, with the values after a boot."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
GROUPS = Path("/sys/fs/cgroup")


def unified_groups() -> Path:
    """Return where cgroups of version 2 are mounted."""
    return GROUPS if (GROUPS / "cgroup.controllers").exists() else GROUPS / "unified"


def limits_memory() -> bool:
    """Whether the memory of a control group can be limited on this machine."""
    version_2 = GROUPS / "cgroup.subtree_control"
    return (GROUPS / "memory").is_dir() or (version_2.is_file() and "memory" in version_2.read_text().split())


class NamespaceHost:
    """A host in ``folder``. ``base``: its /var/lib/orchestrate; ``keys``: folder with the keys of server and user.

    :ivar path: the PATH of those who log in; takes effect at the next start.
    :ivar memory: limit of all its processes in bytes; 0: none.
    """

    def __init__(self, folder: Path, keys: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.path = PATH
        self.memory = 0
        self.init = 0
        self._keys = keys
        self._process: subprocess.Popen[bytes] | None = None
        self._groups = [unified_groups() / f"chaos-{self.port}"]
        for name in ("base", "home", "tmp", "sysctl"):
            (folder / name).mkdir()

    @property
    def base(self) -> Path:
        return self.folder / "base"

    @property
    def executions(self) -> Path:
        """Where its trials leave a line each when they begin."""
        return self.folder / "executions"

    @property
    def ended_executions(self) -> Path:
        """Where they leave one when they end."""
        return self.folder / "executions.ended"

    def start(self) -> None:
        """Turn it on."""
        (self.folder / "boot_id").write_text(f"{uuid.uuid4()}\n")
        for name, value in SYSCTLS.items():
            path = self.folder / "sysctl" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"{value}\n")
        config = self.folder / "sshd_config"
        config.write_text(
            f"ListenAddress 127.0.0.1:{self.port}\nHostKey {self._keys}/host_key\n"
            f"AuthorizedKeysFile {self._keys}/user_key.pub\nPidFile {self.folder}/pid\n"
            "UsePAM no\nPasswordAuthentication no\nStrictModes no\nPermitRootLogin yes\nMaxSessions 50\n"
            f"MaxStartups 100\nSetEnv SHLVL=2 PATH={self.path}\n"
        )
        mounts = [(self.base, ROOT_BASE), (self.folder / "boot_id", BOOT_ID), (self.folder / "home", "/root")]
        mounts += [(self.folder / "tmp", "/tmp"), (unified_groups(), str(GROUPS))]
        mounts += [(self.folder / "sysctl" / name, f"/proc/sys/{name}") for name in SYSCTLS]
        self._make_groups()
        joins = [f"echo $$ >'{group}/cgroup.procs'" for group in self._groups]
        binds = [f"mount --bind '{here}' '{there}'" for here, there in mounts if str(here) != there]
        # Disks of other hosts are none of its: a disk is only gone once nobody has it mounted. Some go meanwhile.
        ours = f"'$5 ~ \"^{self.folder.parents[2]}/chaos-\" {{ print $5 }}'"
        others = f"awk {ours} /proc/self/mountinfo | xargs -r umount -l || :"
        # The first process starts the server again when it has died, as an init system does.
        serve = f"while :; do {SSHD} -D -e -f '{config}'; sleep 0.2; done"
        script = " && ".join(
            [*joins, *binds, f"{{ {others}; }}", "mount -t tmpfs none /dev/shm", f'exec sh -c "{serve}"']
        )
        words = ("--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc")
        with (self.folder / "log").open("a") as log:
            log.write("started\n")
            self._process = subprocess.Popen(("unshare", *words, "sh", "-c", script), stderr=log, cwd="/")
        self._wait_until_up()

    @property
    def mounting(self) -> tuple[str, ...]:
        """A command that runs another one where this host's files are, for who does not log in."""
        mounts = [(self.base, ROOT_BASE)]
        mounts += [(self.folder / "sysctl" / name, f"/proc/sys/{name}") for name in SYSCTLS]
        binds = " && ".join(f"mount --bind '{here}' '{there}'" for here, there in mounts)
        return ("unshare", "--mount", "--propagation", "private", "sh", "-c", f'{binds} && exec "$@"', "sh")

    def _make_groups(self) -> None:
        if self.memory and not any(
            "chaos" in str(group) and "memory" in str(group) for group in self._groups
        ):
            controller = GROUPS / "memory"
            if controller.is_dir():
                self._groups.append(controller / f"chaos-{self.port}")
        for group in self._groups:
            group.mkdir(exist_ok=True)
            for name in ("memory.limit_in_bytes", "memory.max"):
                if self.memory and (group / name).exists():
                    (group / name).write_text(str(self.memory))

    def _wait_until_up(self) -> None:
        assert self._process is not None
        log = self.folder / "log"
        deadline = time.monotonic() + PATIENCE_S
        while "Server listening" not in log.read_text(errors="replace").rpartition("started\n")[2]:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the host does not come up: {log.read_text(errors='replace')}")
            time.sleep(0.02)
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        self.init = int(children.split()[0])

    def turn_off(self) -> None:
        """Take its power: all its processes end at once, and what is not on its disk is lost."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.kill(self.init or self._process.pid, signal.SIGKILL)
            self._process.wait(PATIENCE_S)
            self._process = None
        for group in self._groups:
            for below in group.glob("*/"):
                below.rmdir()

    def close(self) -> None:
        """Turn it off for good."""
        self.turn_off()
        for group in self._groups:
            if group.exists():
                group.rmdir()

    # --- what there is on it -------------------------------------------------------------------------------

    @property
    def processes(self) -> dict[int, str]:
        """Command lines of its processes by their pid there, without those that are dead."""
        found = {}
        for folder in Path(f"/proc/{self.init}/root/proc").glob("[0-9]*"):
            with suppress(OSError):
                if (folder / "stat").read_text().rpartition(")")[2].split()[0] != "Z":
                    words = (folder / "cmdline").read_bytes().split(b"\0")
                    found[int(folder.name)] = b" ".join(words).decode(errors="replace").strip()
        return found

    def outer_pids(self, words: str) -> list[int]:
        """Pids, as seen from here, of its processes with these words in their command lines."""
        found = []
        for pid in _descendants(self.init):
            with suppress(OSError):
                if words in Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(
                    errors="replace"
                ):
                    found.append(pid)
        return found

    @property
    def mounts(self) -> list[str]:
        """Where file systems are mounted on it."""
        if not self.init:
            return []
        lines = Path(f"/proc/{self.init}/mountinfo").read_text().splitlines()
        return sorted(line.split()[4] for line in lines)

    @property
    def sysctls(self) -> dict[str, str]:
        return {name: (self.folder / "sysctl" / name).read_text().strip() for name in SYSCTLS}

    @property
    def files(self) -> list[str]:
        """All that is in its folders, but for what the test itself puts there."""
        folders = [self.base, self.folder / "home", self.folder / "tmp"]
        folders += [Path(f"/proc/{self.init}/root/dev/shm")]
        return sorted(
            f"{folder.name}/{path.relative_to(folder)}"
            for folder in folders
            for path in folder.rglob("*")
            if path.name not in (".filler", "lost+found")
        )

    @property
    def groups(self) -> list[str]:
        """Its cgroups."""
        return sorted(path.name for group in self._groups for path in group.glob("*/"))


def _descendants(pid: int) -> Iterator[int]:
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield int(child)
            yield from _descendants(int(child))


@contextmanager
def a_host(folder: Path, keys: Path, warm: Path | None) -> Iterator[NamespaceHost]:
    """Provide a host that is off; ``warm``: the /var/lib/orchestrate of one that has had a run before."""
    folder.mkdir()
    host = NamespaceHost(folder, keys)
    if warm is not None:
        shutil.copytree(warm, host.base, dirs_exist_ok=True)
    try:
        yield host
    finally:
        host.close()
