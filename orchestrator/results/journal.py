"""The journal of a run: append-only JSON Lines, one record a line, on disk before :meth:`Journal.append` returns.

A line counts once its newline is written. A killed controller or a power cut leaves at most one damaged line, the
last one: readers skip it and the next writer truncates it. Damage anywhere else is an error, or left out and told by
readers that go on without the line. Without its first line a journal cannot be read.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from orchestrator.errors import BadInput, Fault, HostError
from orchestrator.results.codec import DamagedRecord, NotJson, from_line, has_checksum, parse, to_line
from orchestrator.results.files import PRIVATE, open_regular, require_regular, sync_folder
from orchestrator.results.lock import RunLock
from orchestrator.results.migrations import UnreadableFormat
from orchestrator.results.records import Record

FILE = "journal.jsonl"

LeftOut = Callable[[str], None]
"""Takes file, line and fault of a line that is passed over."""


class Journal:
    """The journal of the run in ``folder``, held for writing by one controller at a time.

    :ivar path: the file.
    :ivar cut: bytes of an unfinished last line that were truncated when the journal was opened.
    :param lock: the lock of the run, which the journal then releases; None: it takes it.

    Raises ``BadInput`` if another controller holds the run or a newer version wrote it.
    """

    def __init__(self, folder: Path, lock: RunLock | None = None) -> None:
        self.path = folder / FILE
        self._lock = lock or RunLock(folder)
        self._file = -1
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
            require_regular(self._file)
        except OSError as error:
            self.close()
            raise HostError(f"{self.path}: {error.strerror}") from None
        try:
            next(read(self.path), None)  # refuses a journal of a newer version before anything is truncated
            self.cut = self._cut_torn_line()
            sync_folder(folder)
        except BaseException:
            self.close()
            raise

    def append(self, *records: Record) -> None:
        """Write records and wait until they are on disk; ``HostError`` if that fails, and none of them is left."""
        lines = b"".join(map(to_line, records))
        size = os.fstat(self._file).st_size
        try:
            while lines:
                lines = lines[os.write(self._file, lines) :]
            os.fsync(self._file)
        except OSError as error:
            with contextlib.suppress(OSError):  # a file system that has become read-only
                os.ftruncate(self._file, size)
            raise HostError(f"{self.path}: {error.strerror}; resume the run when it can be written") from None

    def records(self, left_out: LeftOut | None = None) -> Iterator[Record]:
        """Yield all records so far; ``left_out``: see :func:`entries`."""
        return read(self.path, left_out)

    def close(self) -> None:
        """Release the run; may be called twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        self._lock.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _cut_torn_line(self) -> int:
        with open_regular(self.path) as stream:
            start, line = _last_line(stream)
        if not _is_torn(line):
            return 0
        os.ftruncate(self._file, start)
        os.fsync(self._file)
        return len(line)


def read(path: Path, left_out: LeftOut | None = None) -> Iterator[Record]:
    """Yield the records of a journal, also of one that is being written; see :func:`entries`."""
    return (record for _, record in entries(path, left_out=left_out))


def entries(path: Path, offset: int = 0, left_out: LeftOut | None = None) -> Iterator[tuple[int, Record]]:
    """Yield each record from byte ``offset`` on, with the offset of the line that follows it.

    Streams: holds one line at a time. Raises ``BadInput`` with file and line if the file is missing, is damaged
    before its last line, or has a line of a newer format.

    :param left_out: told of each damaged line after the first, which is then passed over instead.
    """
    try:
        stream = open_regular(path)
    except OSError as error:
        hint = "" if isinstance(error, PermissionError) else f"; a run is a directory that contains {FILE}"
        raise BadInput(f"{path}: {error.strerror}{hint}") from None
    with stream:
        end = stream.seek(offset)
        is_sealed = False
        while (line := stream.readline()).endswith(b"\n"):
            end += len(line)
            try:
                record = from_line(line)
                if is_sealed and not has_checksum(line):
                    raise DamagedRecord("it has no checksum (crc32), and a line before it has one")
                is_sealed = has_checksum(line)
            except (DamagedRecord, UnreadableFormat) as error:
                is_first, here = end == len(line), stream.tell()
                if isinstance(error, NotJson) and not stream.read(1):
                    return
                fault = Fault(str(path), _line_number(path, end), 1, str(error))
                if left_out is None or is_first or isinstance(error, UnreadableFormat):
                    raise BadInput(fault) from None
                left_out(str(fault))
                stream.seek(here)
                continue
            yield end, record


def copy_readable(path: Path, target: Path) -> None:
    """Copy the lines of a journal that readers read: without those that are damaged."""
    with open_regular(path) as stream, target.open("wb") as copy:
        for end, _ in entries(path, left_out=lambda _: None):
            copy.write(_last_line(stream, end)[1])


def last_record(path: Path) -> Record | None:
    """Return the last record of a journal without reading the lines before it; None if it has none, or is damaged.

    Raises ``BadInput`` if a newer version wrote that line.
    """
    with open_regular(path) as stream:
        start, line = _last_line(stream)
        if _is_torn(line):
            start, line = _last_line(stream, start)
    if not line:
        return None
    try:
        return from_line(line)
    except DamagedRecord:
        return None
    except UnreadableFormat as error:
        raise BadInput(Fault(str(path), _line_number(path, start + len(line)), 1, str(error))) from None


def last_whole_record(path: Path) -> Record | None:
    """Return the record of the last line that has its newline; None if there is no such line.

    Raises ``BadInput`` with file and line if that line cannot be read: nobody knows what it said.
    """
    with open_regular(path) as stream:
        start, line = _last_line(stream)
        if line and not line.endswith(b"\n"):
            start, line = _last_line(stream, start)
    if not line:
        return None
    try:
        return from_line(line)
    except (DamagedRecord, UnreadableFormat) as error:
        raise BadInput(Fault(str(path), _line_number(path, start + len(line)), 1, str(error))) from None


def _is_torn(line: bytes) -> bool:
    """Whether a last line is unfinished: no newline, or (after a power cut) a newline but no JSON object."""
    if not line.endswith(b"\n"):
        return bool(line)
    try:
        parse(line)
    except NotJson:
        return True
    return False


def _last_line(stream: BinaryIO, end: int | None = None) -> tuple[int, bytes]:
    """Return offset and bytes of the line that ends at byte ``end`` (default: of the file)."""
    end = stream.seek(0, os.SEEK_END) if end is None else end
    window = 1 << 16
    while True:
        start = max(0, end - window)
        stream.seek(start)
        tail = stream.read(end - start)
        newline = tail.rfind(b"\n", 0, -1)
        if newline >= 0 or start == 0:
            return start + newline + 1, tail[newline + 1 :]
        window *= 2


def _line_number(path: Path, end: int) -> int:
    """Return the number, from 1, of the line that ends at byte ``end``."""
    count = 0
    with open_regular(path) as stream:
        while end > 0 and (chunk := stream.read(min(end, 1 << 20))):
            count += chunk.count(b"\n")
            end -= len(chunk)
    return count
