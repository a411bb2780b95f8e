"""A small Debian archive of suites with kernel packages, signed with a key of its own."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

from tests.images import bz_image


class SigningKey:
    """A throw-away key; ``public`` is the keyring that has it. The agent of gpg ends with the context."""

    def __enter__(self) -> SigningKey:
        # Not in a directory of pytest: the path of the agent's socket would be too long.
        self._home = Path(tempfile.mkdtemp(prefix="gpg-"))
        self._gpg("--passphrase", "", "--quick-generate-key", "archive@example.org", "ed25519", "sign")
        self.public = self._home / "archive.gpg"
        self._gpg("--output", str(self.public), "--export")
        return self

    def __exit__(self, *_: object) -> None:
        argv = ["gpgconf", "--homedir", self._home, "--kill", "gpg-agent"]
        subprocess.run(argv, check=False, capture_output=True)
        shutil.rmtree(self._home, ignore_errors=True)

    def sign(self, file: Path, signed: Path) -> None:
        self._gpg("--yes", "--clearsign", "--output", str(signed), str(file))

    def _gpg(self, *words: str) -> None:
        argv = ["gpg", "--homedir", str(self._home), "--batch", "--quiet", *words]
        subprocess.run(argv, check=True, capture_output=True)


class Archive:
    """An archive in ``folder``. A suite is published as often as it changes."""

    def __init__(self, folder: Path, key: SigningKey) -> None:
        self.folder = folder
        self.key = key
        (folder / "pool").mkdir(parents=True, exist_ok=True)

    def copy(self, folder: Path) -> Archive:
        shutil.copytree(self.folder, folder)
        return Archive(folder, self.key)

    @property
    def uri(self) -> str:
        return f"file:{self.folder}"

    def package(
        self, name: str, version: str, depends: str = "", files: Mapping[str, bytes] | None = None
    ) -> Path:
        """Make a package with files."""
        tree = self.folder / "trees" / f"{name}_{version}"
        for path, content in (files or {}).items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_bytes(content)
        fields = {
            "Package": name,
            "Version": version,
            "Architecture": architecture(),
            "Maintainer": "Nobody <nobody@example.org>",
            **({"Depends": depends} if depends else {}),
            "Description": "a test",
        }
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "DEBIAN/control").write_text("".join(f"{key}: {value}\n" for key, value in fields.items()))
        file = self.folder / "pool" / f"{name}_{version}.deb"
        subprocess.run(["dpkg-deb", "-b", "-Znone", tree, file], check=True, capture_output=True)
        return file

    def kernel(self, release: str, version: str) -> list[Path]:
        """Make a meta package and a kernel whose image and modules are in packages of their own."""
        exact = f"(= {version})"
        modules = f"usr/lib/modules/{release}"
        return [
            self.package(
                "linux-image-test", version, f"linux-base, linux-image-{release} {exact}, linux-modules-test"
            ),
            self.package(
                f"linux-image-{release}",
                version,
                f"kmod, linux-binary-{release} {exact}, linux-modules-{release} {exact}",
            ),
            self.package(f"linux-binary-{release}", version, files={f"{modules}/vmlinuz": bz_image(release)}),
            self.package(f"linux-modules-{release}", version, files={f"{modules}/modules.dep": b""}),
        ]

    def publish(
        self,
        suite: str,
        packages: Sequence[Path],
        *,
        valid_for: timedelta | None = None,
        key: SigningKey | None = None,
    ) -> Path:
        """Write the index of a suite and sign it; return its InRelease file."""
        folder = self.folder / "dists" / suite
        index = folder / f"main/binary-{architecture()}/Packages.gz"
        index.parent.mkdir(parents=True, exist_ok=True)
        text = "\n".join(map(self._entry, packages)).encode()
        index.with_suffix("").write_bytes(text)
        index.write_bytes(gzip.compress(text))
        now = datetime.now(UTC) - timedelta(days=30)
        fields = {
            "Suite": suite,
            "Codename": suite,
            "Date": format_datetime(now, usegmt=True),
            "Architectures": architecture(),
            "Components": "main",
        }
        if valid_for is not None:
            fields["Valid-Until"] = format_datetime(datetime.now(UTC) + valid_for, usegmt=True)
        fields["SHA256"] = "".join(
            f"\n {sha256(file)} {file.stat().st_size} {file.relative_to(folder)}"
            for file in (index, index.with_suffix(""))
        )
        (folder / "Release.text").write_text("".join(f"{name}: {value}\n" for name, value in fields.items()))
        (key or self.key).sign(folder / "Release.text", folder / "InRelease")
        return folder / "InRelease"

    def _entry(self, file: Path) -> str:
        control = subprocess.run(
            ["dpkg-deb", "-f", file], check=True, capture_output=True, text=True
        ).stdout.strip()
        return (
            f"{control}\nFilename: {file.relative_to(self.folder)}\nSize: {file.stat().st_size}\n"
            f"SHA256: {sha256(file)}\n"
        )


def architecture() -> str:
    argv = ["dpkg", "--print-architecture"]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
