"""Run a program many times on hosts with Fabric: fabric_loop.py SSH_CONFIG PROGRAM COUNT HOST..."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fabric import Config, Connection

config_file, program, count, *names = sys.argv[1:]


def run(name: str) -> None:
    """Run the program on one host and write what it prints."""
    config = Config(runtime_ssh_path=config_file)
    with Connection(name, config=config) as host, Path(f"{name}.out").open("w") as out:
        for _ in range(int(count)):
            out.write(host.run(program, hide=True, in_stream=False).stdout)


with ThreadPoolExecutor(len(names)) as pool:
    list(pool.map(run, names))
