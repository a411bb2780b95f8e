"""A deploy of pyinfra that runs $TRIAL $COUNT times and writes what it prints into $FOLDER."""

import os
from pathlib import Path

from pyinfra import host
from pyinfra.operations import python, server

trials = [
    server.shell(name=f"trial {number}", commands=[os.environ["TRIAL"]])
    for number in range(int(os.environ["COUNT"]))
]


def write() -> None:
    """Write the output of all trials."""
    text = "\n".join(trial.stdout for trial in trials)
    Path(os.environ["FOLDER"], f"{host.name}.out").write_text(text)


python.call(name="write", function=write)
