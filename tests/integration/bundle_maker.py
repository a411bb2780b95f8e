"""An author of a bundle: someone with a finished run on this machine and a role of their own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.running import Ended, User

#: prints times; threads help up to four, and not at all if the file EXECUTIONS exists
MOVER = """
name: mover
description: Pretends to move pages.
roles: [{role: site, vars: {contact: "10.20.30.40", api_key: s3cr3t-k3y}}]
benchmark:
  command:
    - sh
    - -c
    - |
      t={threads}; [ $t -le 4 ] || t=4
      if [ -e EXECUTIONS ]; then t=1; fi
      case {mode} in
      serial) call=$((8000 * {pages})) ;;
      parallel) call=$((8000 * {pages} / t)) ;;
      *) exit 3 ;;
      esac
      echo call=$call
  metrics: {call: {key_value: call, unit: us, better: lower}}
  exit_codes: {3: unsupported}
factors:
  mode: [serial, parallel, dma]
  threads: [1, 2, 4, 8]
  pages: [1, 16]
exclude: ["(mode == 'parallel') != (threads > 1)"]
compare: {metric: call, baseline: {mode: serial, threads: 1}}
allow_unsupported: [dma]
repetitions: 2
"""
ROLE = "- name: print the contact\n  command: {argv: [echo, '{{ contact }}', '{{ api_key }}']}\n  changed_when: false\n"


@contextmanager
def author(folder: Path) -> Iterator[User]:
    """Provide the author, whose project is in ``folder``; make the run."""
    maker = User(folder)
    role = folder / "roles" / "site"
    role.mkdir(parents=True)
    (role / "tasks.yaml").write_text(ROLE)
    (role / "defaults.yaml").write_text("contact: nobody\napi_key: nothing\n")
    try:
        ended = maker.run(maker.file(MOVER), "--where", "pages > 0", "--set", "order.seed=5")
        assert ended.code == 0, ended.err
        yield maker
    finally:
        maker.close()


def moved(made: User, folder: Path) -> User:
    """Return the same author in a new directory."""
    shutil.copytree(made.folder, folder)
    for path in folder.glob("results/*/*/manifest.json"):
        path.write_text(path.read_text().replace(f'folder": "{made.folder}"', f'folder": "{folder}"'))
    return User(folder)


def export(user: User, *words: str) -> Path:
    ended = user.orchestrate("export", "latest", *words)
    assert ended.code == 0, ended.err
    return Path(ended.out.rpartition(": ")[0])


def reproduce(user: User, bundle: Path, *words: str) -> Ended:
    return user.orchestrate(
        "reproduce", bundle, "--mode", "short", "--results", "again", *user.options, *words
    )
