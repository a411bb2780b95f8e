"""``power: {ipmi: {address: …, user: …, password_file: …}}``: the machine's BMC, by ``ipmitool``."""

from __future__ import annotations

from typing import Any

from orchestrator.hosts import programs
from orchestrator.hosts.power import Power
from orchestrator.hosts.power.bmc import checked, password_file

_KEYS: dict[str, type] = {
    "address": str,
    "user": str,
    "password_file": str,
    "port": int,
    "interface": str,
    "cipher": int,
}


class Ipmi(Power):
    """IPMI over LAN: version 2.0 unless ``interface`` is ``lan``. ``cipher`` is the cipher suite."""

    name = "ipmi"

    def __init__(self, value: Any) -> None:
        options = checked(value, _KEYS, required=("address", "user", "password_file"))
        self._password = password_file(options["password_file"])
        words = ["-I", options.get("interface", "lanplus"), "-H", options["address"], "-U", options["user"]]
        if "port" in options:
            words += ["-p", str(options["port"])]
        if "cipher" in options:
            words += ["-C", str(options["cipher"])]
        self._argv = ["ipmitool", *words, "-f", str(self._password), "chassis", "power"]

    def cycle(self) -> None:
        """Power-cycle the machine; power it on where it is off."""
        is_off = programs.run([*self._argv, "status"]).strip().endswith("off")
        programs.run([*self._argv, "on" if is_off else "cycle"])
