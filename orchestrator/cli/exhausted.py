"""Exceptions that mean that this machine, or what it allows this process, is exhausted: no bugs."""

from __future__ import annotations

import errno
import os

_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})
_NO_RESOURCES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN})


def what_is_exhausted(error: Exception) -> str:
    """Return in one line what this machine does not have; empty for any other exception."""
    match error:
        case OSError(errno=number) if number in _NO_SPACE:
            return f"cannot write: {error.strerror}; run the command again when it can be written"
        case OSError(errno=number) if number in _NO_RESOURCES:
            reason = error.strerror
        case MemoryError():
            reason = os.strerror(errno.ENOMEM)
        case RuntimeError(args=("can't start new thread",)):  # Python does not say why
            reason = "cannot start a thread"
        case _:
            return ""
    return f"out of resources: {reason}; raise what the shell allows (ulimit -a), or run less beside it"
