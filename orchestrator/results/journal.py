"""The journal of a run: append-only JSON Lines, one record a line, on disk before :meth:`Journal.append` returns.

A line counts once its newline is there. A controller that is killed, or a power cut, can leave at most one
damaged line, the last: readers pass over it and the next writer cuts it off. Damage anywhere else is an error.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from orchestrator.errors import BadInput, Fault, HostError
from orchestrator.results.codec import DamagedRecord, NotJson, from_line, parse, to_line
from orchestrator.results.files import sync_folder
from orchestrator.results.lock import RunLock
from orchestrator.results.migrations import UnreadableFormat
from orchestrator.results.records import Record, TrialRecord

FILE = "journal.jsonl"


class Journal:
    """The journal of the run in ``folder``, held for writing by one controller at a time.

    :ivar path: the file.
    :ivar cut: bytes of an unfinished last line that were cut off when the journal was opened.

    Raises ``BadInput`` where another controller holds the run or a newer version has written it.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._lock = RunLock(folder)
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            self._lock.close()
            raise HostError(f"{self.path}: {error.strerror}") from None
        try:
            next(read(self.path), None)  # refuses what a newer version has written, before anything is cut
            self.cut = self._cut_torn_line()
            sync_folder(folder)
        except BaseException:
            self.close()
            raise

    def append(self, record: Record) -> None:
        """Write one record and wait until it is on disk; ``HostError`` if that fails, with nothing half written."""
        line = to_line(record)
        size = os.fstat(self._file).st_size
        try:
            while line:
                line = line[os.write(self._file, line) :]
            os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, size)
            raise HostError(
                f"{self.path}: {error.strerror}; make room and give the command again: the run carries on"
            ) from None

    def records(self) -> Iterator[Record]:
        """Yield all records so far."""
        return read(self.path)

    def finished(self) -> set[str]:
        """Return the ids of the trials that have their final record (about 100 bytes of memory each)."""
        return {record.trial for record in self.records() if isinstance(record, TrialRecord) and record.final}

    def attempts(self) -> Iterator[TrialRecord]:
        """Yield the attempts that ended without a final record."""
        return (record for record in self.records() if isinstance(record, TrialRecord) and not record.final)

    def close(self) -> None:
        """Let go of the run; may be called twice."""
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
        with self.path.open("rb") as stream:
            start, line = _last_line(stream)
        if not _is_torn(line):
            return 0
        os.ftruncate(self._file, start)
        os.fsync(self._file)
        return len(line)


def read(path: Path) -> Iterator[Record]:
    """Yield the records of a journal, also of one that is being written; see :func:`entries`."""
    return (record for _, record in entries(path))


def entries(path: Path, offset: int = 0) -> Iterator[tuple[int, Record]]:
    """Yield each record from byte ``offset`` on, with the offset of the line that follows it.

    Streams: holds one line at a time. Raises ``BadInput`` with file and line where the file is missing, is damaged
    before its last line, or holds a line of a newer format.
    """
    try:
        stream = path.open("rb")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}; a run is a folder with a {FILE} in it") from None
    with stream:
        end = stream.seek(offset)
        while (line := stream.readline()).endswith(b"\n"):
            end += len(line)
            try:
                record = from_line(line)
            except (DamagedRecord, UnreadableFormat) as error:
                if isinstance(error, NotJson) and not stream.read(1):
                    return
                raise BadInput(Fault(str(path), _line_number(path, end), 1, str(error))) from None
            yield end, record


def last_record(path: Path) -> Record | None:
    """Return the last record of a journal without reading what comes before it; None if it has none.

    Raises ``BadInput`` where that line cannot be read.
    """
    with path.open("rb") as stream:
        start, line = _last_line(stream)
        if _is_torn(line):
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
    with path.open("rb") as stream:
        while end > 0 and (chunk := stream.read(min(end, 1 << 20))):
            count += chunk.count(b"\n")
            end -= len(chunk)
    return count
