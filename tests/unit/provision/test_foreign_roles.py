"""Roles that somebody else wrote: looking at them is bounded, and they stay in their directory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrator.errors import BadInput
from orchestrator.experiment.model import Role
from orchestrator.provision import bounds, confinement
from orchestrator.provision.loading import load
from tests import calls

MAKEFILE = "files/Makefile"


def role(tmp_path: Path, tasks: str, **files: str) -> Role:
    folder = tmp_path / "roles" / "r"
    for name, content in {"tasks.yaml": tasks, MAKEFILE: "all:\n", **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return Role("r", folder)


def faults_of(role: Role) -> str:
    with pytest.raises(BadInput) as raised:
        load(role)
    return str(raised.value)


@pytest.mark.parametrize(
    "template",
    [
        "{{ 9 ** (9 ** 9) }}",
        "{{ ('a' * 40 ~ '!') | regex_search('(a+)+$') }}",
        "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}" + "{% endfor %}" * 3,
        "{{ 'a' * 10 ** 10 }}",
        "{{ 'a' | center(10 ** 10) }}",
        "{{ '%10000000000d' % 1 }}",
    ],
)
def test_a_template_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, template: str) -> None:
    monkeypatch.setattr(bounds, "TIME_LIMIT_S", 1.0)
    found = faults_of(role(tmp_path, f"- shell: {{cmd: {template!r}}}\n"))
    assert "took more than" in found or "template error" in found


@pytest.mark.parametrize(
    ("task", "argument"),
    [
        ("copy: {src: PATH, dest: x}", "'PATH' must be a path below the role's files/, without '..'"),
        ("template: {src: PATH, dest: x}", "'PATH' must be a path below the role's templates/, without '..'"),
        ("fetch: {src: x, dest: PATH}", "'PATH' must be a path below the working directory, without '..'"),
        (
            "build: {source: PATH, program: p, makes: p, static_target: s, static_makes: p}",
            "'PATH' must be a path below the role's directory, without '..'",
        ),
        (
            "build: {source: files, program: p, makes: p, static_target: s, static_makes: PATH}",
            "'PATH' must be a path below the source, without '..'",
        ),
        (
            "build: {source: files, program: PATH, makes: p, static_target: s, static_makes: p}",
            "'PATH' must be a path below the role's directory, without '..'",
        ),
    ],
)
@pytest.mark.parametrize("path", ["/etc/passwd", "../../x", "a/../../b"])
def test_paths_stay_below_the_role(tmp_path: Path, task: str, argument: str, path: str) -> None:
    assert argument.replace("PATH", path) in faults_of(role(tmp_path, f"- {task.replace('PATH', path)}\n"))


def test_links_stay_below_the_role(tmp_path: Path) -> None:
    made = role(tmp_path, "- copy: {src: link, dest: x}\n")
    (made.folder / "files" / "link").symlink_to("/etc/passwd")
    assert "a link that leads out of the role's files/" in faults_of(made)
    (made.folder / "files" / "link").unlink()
    (made.folder / "files" / "link").symlink_to("Makefile")
    load(made)
    inner = made.folder / "files" / "inner"
    inner.symlink_to("/etc/passwd")
    with pytest.raises(BadInput, match="inner: a link that leads out of"):
        confinement.check(made.folder, inner)


@pytest.mark.parametrize("target", ["/etc/passwd", "/etc", "../../../gone"])
@pytest.mark.parametrize("name", ["notes", "templates", "files/notes"])
def test_links_that_no_task_names_stay_below_the_role(tmp_path: Path, name: str, target: str) -> None:
    made = role(tmp_path, "- copy: {src: Makefile, dest: x}\n")
    (made.folder / "files/again").symlink_to("../tasks.yaml")
    (made.folder / "all").symlink_to("files")
    (made.folder / "files/build").symlink_to("/etc")  # of a build, which links what it needs
    load(made)
    (made.folder / name).symlink_to(target)
    assert faults_of(made) == f"{made.folder / name}: a link that leads out of {made.folder}"


@pytest.mark.parametrize("name", ["tasks.yml", "tasks/main.yml", "tasks/main.yaml"])
def test_tasks_where_other_programs_look_for_them(tmp_path: Path, name: str) -> None:
    made = role(tmp_path, "", **{name: "- command: 'false'\n"})
    load(made)
    (made.folder / "tasks.yaml").unlink()
    assert f"{name}: not read: the tasks of a role are in tasks.yaml" in faults_of(made)


def test_a_bounded_block_within_another_does_not_end_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "TIME_LIMIT_S", 0.5)

    @bounds.bounded("outer")
    def one_in_another() -> None:
        with bounds.bounded("inner"):
            pass
        for _ in range(10**9):
            pass

    with pytest.raises(bounds.TooMuch, match="outer took more than"):
        one_in_another()


def test_a_special_file_is_no_source_of_a_copy(tmp_path: Path) -> None:
    made = role(tmp_path, "- copy: {src: pipe, dest: x}\n")
    os.mkfifo(made.folder / "files" / "pipe")
    assert "files/pipe: not a regular file or directory" in faults_of(made)


def test_a_dry_run_of_a_template_that_only_a_host_makes_huge(tmp_path: Path) -> None:
    """The name of the host is known only then."""
    huge = "{{ inventory_hostname * 10 ** (inventory_hostname | length * 2) }}"
    role(tmp_path, f"- shell: {{cmd: {huge!r}}}\n")
    file = tmp_path / "a.yaml"
    file.write_text(
        "version: 1\nroles: [r]\nbenchmark: {command: [echo, x=1], metrics: {x: {key_value: x, unit: s}}}\n"
    )
    assert calls.orchestrate("validate", str(file), folder=tmp_path).returncode == 0
    ended = calls.orchestrate("run", str(file), "--dry-run", "--host", "node1", folder=tmp_path)
    assert ended.returncode == 2
    assert (
        ended.stderr
        == f"orchestrate: {tmp_path}/roles/r: rendering its templates took more than 300 MiB of memory\n"
    )


@pytest.mark.parametrize(("name", "reason"), [("link", "No such file"), ("fifo", "not a regular file")])
def test_a_file_of_tasks_that_is_no_file(tmp_path: Path, name: str, reason: str) -> None:
    found = role(tmp_path, "")
    tasks = found.folder / "tasks.yaml"
    tasks.unlink()
    if name == "link":
        tasks.symlink_to("gone")
    else:
        os.mkfifo(tasks)
    assert f"{tasks}: {reason}" in faults_of(found)
