"""A small file system of its own, in a file: it can be filled, and it can become read-only as after an I/O error."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SIZE = 12 << 20
FILLER = ".filler"


class Disk:
    """An ext4 at ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._image = folder.with_name(f"{folder.name}.img")

    def make(self) -> None:
        """Make and mount it, with what the folder has."""
        with self._image.open("wb") as file:
            file.truncate(SIZE)
        words = ("mkfs.ext4", "-q", "-d", str(self.folder), "-E", "root_owner=0:0", str(self._image))
        subprocess.run(words, check=True, stderr=subprocess.DEVNULL)
        self._mount()

    def _mount(self) -> None:
        subprocess.run(("mount", "-o", "loop", str(self._image), str(self.folder)), check=True)

    def fill(self) -> None:
        """Leave no space."""
        with (self.folder / FILLER).open("wb", buffering=0) as file, suppress(OSError):
            for size in (1 << 16, 1 << 10, 1):
                with suppress(OSError):
                    while True:
                        file.write(b"x" * size)

    def free(self) -> None:
        """Take back what :meth:`fill` did."""
        (self.folder / FILLER).unlink(missing_ok=True)

    def fail(self) -> None:
        """Turn read-only for all, as ext4 does after an error of the device."""
        subprocess.run(("mount", "-o", "remount,abort", str(self.folder)), check=True)

    def repair(self) -> None:
        """Check it and mount it again; nobody uses it. A copy, as the kernel may still know the one that has failed."""
        self.unmount()
        self._image = Path(shutil.copy(self._image, f"{self._image}.repaired"))
        checked = subprocess.run(
            ("fsck.ext4", "-p", "-f", str(self._image)), capture_output=True, check=False
        )
        if checked.returncode > 1:
            raise RuntimeError(f"fsck: {checked.stdout.decode()}")
        self._mount()

    def unmount(self) -> None:
        subprocess.run(("umount", str(self.folder)), check=True)


@contextmanager
def a_disk(folder: Path) -> Iterator[Disk]:
    """Put a disk below a folder until the block ends."""
    disk = Disk(folder)
    disk.make()
    try:
        yield disk
    finally:
        subprocess.run(("umount", "--lazy", str(folder)), check=False)
