"""Ask apt about packages and download them, from the machine's own sources or from one suite."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from orchestrator import process_groups
from orchestrator.architectures import Architecture
from orchestrator.errors import KernelError
from orchestrator.kernels.programs import failure_reason
from orchestrator.nearest import did_you_mean

QUERY_LIMIT_S = 60
DOWNLOAD_LIMIT_S = 900

_FETCH = re.compile(r"^Failed to fetch \S+\s+")
_DEPENDENCY = re.compile(r"([a-z0-9][a-z0-9.+-]+)(?::\w+)?(?: \(= ([^)]+)\))?")


_STATE = """\
// The machine's own configuration (proxies, passwords) is read before this file. Its hooks are for its own lists.
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::State "{folder}";
Dir::State::lists "{folder}/lists";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}";
Dir::Cache::archives "{folder}/archives";
Acquire::Languages "none";
APT::Sandbox::User "root";
"""


class Package(Struct, frozen=True):
    """One version of a Debian package.

    :ivar depends: names of its dependencies (of alternatives, the first) and their exact versions; empty: any version.
    """

    name: str
    version: str
    depends: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.name}={self.version}"


class Apt(Struct, frozen=True):
    """apt with the machine's own sources, or with others.

    :ivar options: options that select other sources.
    :ivar suite: the suite of these sources, for messages; empty: the machine's own sources.
    """

    options: tuple[str, ...] = ()
    suite: str = ""

    def show(self, name: str, version: str = "") -> Package:
        """Return a package in this version, or the version that apt would install; or raise ``KernelError``."""
        selection = "--all-versions" if version else "--no-all-versions"
        shown = [
            dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line and line[0] != " ")
            for paragraph in self._query("show", selection, name).split("\n\n")
        ]
        packages = {fields["Version"]: fields for fields in shown if "Version" in fields}
        if not packages:
            raise KernelError(self._not_found(name))
        if version and version not in packages:
            raise KernelError(
                f"version {version} of {name} is not in {self.suite}; there are: {', '.join(packages)}"
            )
        fields = packages[version or next(iter(packages))]
        parts = (_DEPENDENCY.match(part.strip()) for part in fields.get("Depends", "").split(","))
        depends = tuple((part[1], part[2] or "") for part in parts if part)
        return Package(name, fields["Version"], depends)

    def download(self, package: Package, folder: Path) -> Path:
        """Download the package into an empty directory and return the file. apt checks its hash."""
        failure = f"cannot download {package}"
        argv = ["apt-get", "download", "-q", *self.options, "-o", "APT::Sandbox::User=root", str(package)]
        run(argv, folder, failure)
        files = list(folder.glob("*.deb"))
        if len(files) != 1:
            raise KernelError(f"{failure}: apt-get created no package file")
        return files[0]

    def download_all(self, names: Sequence[str], folder: Path) -> list[Path]:
        """Download packages, and all that they depend on, into an empty directory; return the files.

        For an apt that knows no installed packages: others leave out what is installed.
        """
        (folder / "partial").mkdir()
        argv = ["apt-get", "install", "-q", "-y", "--no-install-recommends", "--download-only", *self.options]
        run(
            [*argv, "-o", f"Dir::Cache::archives={folder}", *names],
            folder,
            f"cannot download {', '.join(names)}",
        )
        return sorted(folder.glob("*.deb"))

    def _query(self, *words: str) -> str:
        try:
            completed = process_groups.run(
                ["apt-cache", *words, *self.options],
                capture_output=True,
                text=True,
                timeout=QUERY_LIMIT_S,
                env={**os.environ, "LC_ALL": "C"},
            )
        except (OSError, subprocess.SubprocessError) as error:
            reason = failure_reason(error, "apt-cache")
            raise KernelError(
                f"apt-cache show {words[-1]} failed: {reason}; or use 'image' with a kernel image"
            ) from error
        return completed.stdout

    def _not_found(self, name: str) -> str:
        if not self.suite:
            return (
                f"unable to locate package {name}; run 'apt-get update', or use 'image' with a kernel image"
            )
        names = self._query("pkgnames", "linux-").split()
        return f"package {name} is not in {self.suite}; {did_you_mean(name, sorted(names))}"


def unpack(file: Path, tree: Path) -> None:
    """Unpack a package file into a directory. Raises ``KernelError``."""
    run(["dpkg-deb", "-x", str(file), str(tree)], tree, f"cannot unpack {file.name}")


def run(argv: list[str], folder: Path, failure: str) -> None:
    """Run a program in ``folder``. Raises ``KernelError`` with ``failure`` and the reason."""
    try:
        process_groups.run(
            argv,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=DOWNLOAD_LIMIT_S,
            check=True,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.SubprocessError) as error:
        output = error.stderr if isinstance(error, subprocess.CalledProcessError) else ""
        reason = next(iter(problems(output)), None) or failure_reason(error, argv[0])
        raise KernelError(f"{failure}: {reason}") from error


def problems(output: str) -> list[str]:
    """Return the errors and warnings in the output of apt, each in one line, without the URI of a file."""
    lines = [line[3:] for line in output.splitlines() if line.startswith(("E: ", "W: "))]
    return [_FETCH.sub("", line).rstrip(".") for line in lines]


def write_state(folder: Path, architecture: Architecture, more: str = "") -> Path:
    """Make a folder a state of apt of its own, and return the path of its configuration.

    :param more: lines of the configuration, such as the sources if they are not those of the machine.
    """
    for name in ("lists/partial", "archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "status").touch()
    configuration = folder / "apt.conf"
    text = _STATE.format(folder=folder) + more + _foreign_lines(architecture)
    configuration.write_text(text, encoding="utf-8")
    return configuration


def _foreign_lines(architecture: Architecture) -> str:
    """Return the lines of a configuration of apt for another architecture; empty for that of this machine."""
    if architecture.is_native:
        return ""
    name = architecture.debian
    return f'APT::Architecture "{name}";\n#clear APT::Architectures;\nAPT::Architectures {{ "{name}"; }};\n'
