"""A suite of a Debian or Ubuntu archive, read with package lists of its own. The machine's sources are not changed."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator import process_groups
from orchestrator.activities import doing
from orchestrator.architectures import Architecture
from orchestrator.cache import cache_folder
from orchestrator.errors import KernelError
from orchestrator.experiment.model import Suite
from orchestrator.kernels.apt import Apt, problems, write_state
from orchestrator.kernels.foreign import opened_foreign
from orchestrator.kernels.locks import locked
from orchestrator.kernels.programs import failure_reason
from orchestrator.kernels.urls import without_password

UPDATE_LIMIT_S = 300

_URI = re.compile(r"'(?P<mirror>[^']+?)/dists/(?P<suite>[^']+)/main/binary-[^']+'")
_KEYRINGS = {
    "debian": Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    "ubuntu": Path("/usr/share/keyrings/ubuntu-archive-keyring.gpg"),
}

_SOURCES = """\
Types: deb
URIs: {mirror}
Suites: {suite}
Components: main
Targets: Packages
"""

_CONFIGURATION = """\
Dir::Etc::sourcelist "{folder}/suite.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Update::Error-Mode "any";
"""

_REASONS = (
    (r"NO_PUBKEY (\w+)|Missing key (\w+)", "it is signed with a key that is not in {keyring} ({0}); {keys}"),
    (r"(?:EXPKEYSIG|KEYEXPIRED) (\w+)", "the key {0} that it is signed with has expired; {keys}"),
    (r"NOSPLIT", "its InRelease file is not signed; check the mirror, and the proxy of this machine"),
    (
        r"BADSIG|signatures were invalid|Bad signature",
        "bad signature; try again, or set another 'mirror'",
    ),
    (
        r"is expired \(invalid since ([^)]+)\)",
        "its Release file expired {0} ago; set a 'mirror' that is up to date",
    ),
    (r"is not valid yet", "its Release file is not valid yet; check the clock of this machine"),
    (r"(does not have|no longer has) a Release file|404 +Not Found", "not found; check its name; {other}"),
    (r"is not signed", "it has no valid signature; {keys}"),
    (r"Hash Sum mismatch|File has unexpected size", "the mirror is being updated; try again later"),
)
"""Patterns of messages of apt, and what is wrong with the suite."""

_OTHER = "for a suite that was archived, or of another distribution, set 'mirror' and 'keyring'"
_KEYS = "update the package debian-archive-keyring or ubuntu-keyring, or set 'keyring'"


@contextmanager
def opened(suite: Suite | None, architecture: Architecture) -> Iterator[Apt]:
    """Yield an apt for packages of a suite and an architecture. Others wait. Installed packages are not known to it.

    :param suite: None: this machine's own sources; of its own architecture, this machine's own apt too.

    Raises ``KernelError`` if the package lists cannot be read, or their signature is not valid.
    """
    if suite is not None:
        with _opened_suite(suite, architecture) as apt:
            yield apt
    elif architecture.is_native:
        yield Apt()
    else:
        with opened_foreign(architecture) as apt:
            yield apt


@contextmanager
def _opened_suite(suite: Suite, architecture: Architecture) -> Iterator[Apt]:
    mirror = suite.mirror or own_mirror(suite.name)
    keyring = suite.keyring or _keyring()
    if suite.keyring and not Path(suite.keyring).is_file():
        raise KernelError(f"keyring {suite.keyring}: No such file or directory")
    key = hashlib.sha256(f"{mirror}\n{keyring}".encode()).hexdigest()[:8]
    foreign = "" if architecture.is_native else f"-{architecture.debian}"
    folder = states_folder() / f"{suite.label}-{key}{foreign}"
    with locked(folder.with_name(f"{folder.name}.lock")):
        configuration = _write(folder, suite.name, mirror, keyring, architecture)
        name = f"suite {suite.name} of {without_password(mirror)}"
        _update(configuration, name, keyring)
        yield Apt(("-c", str(configuration)), name)


def states_folder() -> Path:
    """Return the directory of package lists: ``SUITE-HASH``."""
    return cache_folder() / "suites"


def own_mirror(suite: str) -> str:
    """Return the URI of the archive of this machine's distribution, as its apt sources name it.

    Archives of others may have a suite of the same name. The distribution's has most suites of one release, and its
    name in its URI. A suite SUITE-security may be in an archive of its own.

    Raises ``KernelError`` if there is no apt or no such source.
    """
    suites: defaultdict[str, set[str]] = defaultdict(set)
    output = _apt_get("update", "--print-uris")
    for match in _URI.finditer(output):
        if not match["mirror"].startswith("cdrom:"):
            suites[match["mirror"]].add(match["suite"])
    if not suites:
        errors = [line.removeprefix("E: ") for line in output.splitlines() if line.startswith("E: ")]
        reason = errors[0] if errors else "apt has no sources on this machine; set 'mirror' and 'keyring'"
        raise KernelError(f"suite {suite}: {reason}")
    security = suite.endswith(("-security", "/updates"))

    def likelihood(mirror: str) -> tuple[bool, bool, bool, int]:
        names = suites[mirror]
        is_like = any(name.endswith(("-security", "/updates")) == security for name in names)
        return suite in names, is_like, bool(re.search("debian|ubuntu", mirror)), len(names)

    return max(sorted(suites), key=likelihood)


def _keyring() -> str:
    """Return the keyring of this machine's distribution; empty: the keys that apt trusts for every source."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return ""
    is_ubuntu = "ubuntu" in (release.get("ID"), *release.get("ID_LIKE", "").split())
    file = _KEYRINGS["ubuntu" if is_ubuntu else "debian"]
    return str(file) if file.is_file() else ""


def _write(folder: Path, suite: str, mirror: str, keyring: str, architecture: Architecture) -> Path:
    """Write the configuration of apt and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)  # the URI may have a password
    signed_by = f"Signed-By: {keyring}\n" if keyring else ""
    (folder / "suite.sources").write_text(_SOURCES.format(mirror=mirror, suite=suite) + signed_by)
    configuration = write_state(folder, architecture, _CONFIGURATION.format(folder=folder))
    folder.touch()  # `orchestrate kernel gc` removes old ones
    return configuration


def _update(configuration: Path, name: str, keyring: str) -> None:
    with doing("", f"fetching the package lists of {name}"):
        output = _apt_get("update", "-q", "-c", str(configuration), "-o", "Acquire::Retries=1")
    reported = problems(output)
    if not reported:
        return
    for pattern, reason in _REASONS:
        if match := re.search(pattern, "\n".join(reported)):
            details = [group for group in match.groups() if group] or [""]
            keys = {"keyring": keyring or "the keys of apt", "keys": _KEYS, "other": _OTHER}
            raise KernelError(f"{name}: {reason.format(*details, **keys)}")
    raise KernelError(f"{name}: {reported[0]}; check the network, or set another 'mirror'")


def _apt_get(*words: str) -> str:
    """Return stdout and stderr of apt-get."""
    try:
        return process_groups.run(
            ["apt-get", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=UPDATE_LIMIT_S,
            env={**os.environ, "LC_ALL": "C"},
        ).stdout
    except FileNotFoundError as error:
        raise KernelError(
            "apt-get: command not found; 'suite' needs a controller with apt (Debian, Ubuntu); on others use 'image' "
            "or a recipe with 'tarball' or 'git'"
        ) from error
    except (OSError, subprocess.SubprocessError) as error:
        raise KernelError(f"apt-get {words[0]}: {failure_reason(error, 'apt-get')}") from error
