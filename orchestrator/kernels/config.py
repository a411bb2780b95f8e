"""Kernel configuration: a base, fragments, and a check that the final configuration contains all fragments."""

from __future__ import annotations

import gzip
import platform
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

from orchestrator.architectures import Architecture
from orchestrator.errors import KernelError
from orchestrator.experiment.kernels import fragment_files

_SET = re.compile(r"CONFIG_(\w+)=(.*)")
_UNSET = re.compile(r"# CONFIG_(\w+) is not set")
_TRUSTED_KEYS = "CONFIG_SYSTEM_TRUSTED_KEYS"


class ConfigRequest(Struct, frozen=True):
    """One line of a fragment.

    :ivar symbol: without the prefix ``CONFIG_``.
    :ivar value: the requested value; ``n`` for "is not set".
    :ivar location: file and line.
    """

    symbol: str
    value: str
    location: str

    @property
    def line(self) -> str:
        """The line of a ``.config``."""
        return (
            f"# CONFIG_{self.symbol} is not set"
            if self.value == "n"
            else f"CONFIG_{self.symbol}={self.value}"
        )


class Configuration(Struct, frozen=True):
    """The base and the requests of a configuration; ``base_text`` is the base if it is a complete configuration."""

    base: Literal["tiny", "defconfig", "whole"]
    base_text: str
    requests: tuple[ConfigRequest, ...]


def read_configuration(
    base: Literal["tiny", "defconfig", "running"] | Path,
    fragments: Iterable[Path],
    architecture: Architecture,
) -> Configuration:
    """Read base and fragments; later lines override earlier ones. Raises ``KernelError`` with the invalid line."""
    if base == "running" and not architecture.is_native:
        raise KernelError(
            f"base 'running': this machine's configuration is not one for {architecture.name}; use tiny or defconfig"
        )
    requests: dict[str, ConfigRequest] = {}
    for file in fragment_files(fragments, architecture.name):
        for number, text in enumerate(_read(file).splitlines(), 1):
            request = _request(text, f"{file.name}:{number}")
            if request:
                requests[request.symbol] = request
    merged = tuple(requests.values())
    if base == "tiny" or base == "defconfig":
        return Configuration(base, "", merged)
    return Configuration("whole", _running_config() if base == "running" else _read(Path(base)), merged)


def _request(text: str, location: str) -> ConfigRequest | None:
    text = text.strip()
    if match := _UNSET.fullmatch(text):
        return ConfigRequest(match[1], "n", location)
    if not text or text.startswith("#"):
        return None
    if match := _SET.fullmatch(text):
        return ConfigRequest(match[1], match[2], location)
    raise KernelError(f"{location}: expected CONFIG_NAME=value or '# CONFIG_NAME is not set'; found {text!r}")


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise KernelError(f"cannot read configuration {file}: {_reason(error)}") from error


def _running_config() -> str:
    """Return the configuration of the running kernel, without the trusted keys, whose files are not in the source."""
    release = platform.release()
    paths = (
        Path("/proc/config.gz"),
        Path(f"/boot/config-{release}"),
        Path(f"/lib/modules/{release}/config"),
    )
    for path in paths:
        try:
            content = path.read_bytes()
        except OSError:
            continue
        text = gzip.decompress(content).decode() if path.suffix == ".gz" else content.decode()
        return re.sub(rf'^{_TRUSTED_KEYS}=".*"$', f'{_TRUSTED_KEYS}=""', text, flags=re.MULTILINE)
    raise KernelError(
        f"base 'running': the configuration of the running kernel was not found ({', '.join(map(str, paths))})"
    )


def parse(text: str) -> dict[str, str]:
    """Return the values of a ``.config`` by symbol, without symbols that are not set."""
    return {match[1]: match[2] for line in text.splitlines() if (match := _SET.fullmatch(line))}


def check_requests(requests: Iterable[ConfigRequest], config: Mapping[str, str], tree: Path) -> None:
    """Raise ``KernelError`` with every request that is not in the final configuration, and the reason."""
    missing = [request for request in requests if config.get(request.symbol, "n") != request.value]
    if missing:
        known = _known_symbols({request.symbol for request in missing}, tree)
        raise KernelError(
            *(_mismatch(request, config.get(request.symbol, "n"), known) for request in missing)
        )


def _mismatch(request: ConfigRequest, actual: str, known: set[str]) -> str:
    message = f"{request.location}: CONFIG_{request.symbol}={request.value} is not in the final .config"
    if request.symbol not in known:
        return f"{message}: unknown symbol"
    return f"{message}: actual value {actual}; check its dependencies and the symbols that select it"


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return str(error.strerror if isinstance(error, OSError) else error)


def _known_symbols(symbols: set[str], tree: Path) -> set[str]:
    """Return the symbols that a Kconfig file of the tree declares."""
    pattern = rf"^[[:space:]]*(menu)?config[[:space:]]+({'|'.join(sorted(symbols))})[[:space:]]*$"
    grep = subprocess.run(
        ["grep", "-rhE", "--include=Kconfig*", pattern, tree], capture_output=True, text=True, check=False
    )
    return {line.split()[1] for line in grep.stdout.splitlines()}
