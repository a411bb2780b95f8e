"""What the options of ``ssh`` can execute on the controller."""

from __future__ import annotations

import re
from collections.abc import Sequence
from getopt import GetoptError, gnu_getopt

_OPTIONS = "1246ab:c:e:fgi:kl:m:no:p:qstvxAB:CD:E:F:GI:J:KL:MNO:P:Q:R:S:TVw:W:XYy"
"""Of OpenSSH, as in ``ssh.c``."""

_LOCAL = frozenset({"-F", "-I", "-E"})
"""A configuration, which may execute commands (``ProxyCommand``, ``Match exec``); a library; a file that is written."""

_KEYWORDS = re.compile(
    r"(Proxy|Local|KnownHosts)Command|(PKCS11|SecurityKey)Provider|SmartcardDevice|ProxyUseFdpass|XAuthLocation"
    r"|\b(Include|Match)\b",
    re.IGNORECASE,
)
"""Keywords that name a program of the controller, a library that it loads, or a file with such keywords."""

_SHELL = re.compile(r"[;&|<>`$(){}\\\n]")
"""What a shell would execute: names of hosts and users are put into commands of the configuration (``%h``, ``%r``)."""


def may_execute(command: Sequence[str]) -> bool:
    """Whether ``ssh`` may execute something on the controller, or what it is told is not understood."""
    try:
        options, others = gnu_getopt(list(command[1:]), _OPTIONS)
    except GetoptError:
        return True
    if len(others) != 1:
        return True
    return any(
        option in _LOCAL or _SHELL.search(value) or (option == "-o" and _KEYWORDS.search(value))
        for option, value in options
    )
