"""What is not exported, verified or reproduced, and how that is told: one line, and nothing is left."""

from __future__ import annotations

import re

from tests.integration.bundle_maker import export, reproduce
from tests.running import LIMITED_FILES, Ended, User


def refusal(ended: Ended, code: int = 2) -> str:
    assert ended.code == code, (ended.out, ended.err)
    assert ended.out == ""
    return "\n".join(ended.complaints)


def test_an_unfinished_run_is_not_exported(maker: User) -> None:
    journal = maker.run_folders[0] / "journal.jsonl"
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:-3]))
    message = refusal(maker.orchestrate("export", "latest"))
    assert re.fullmatch(r"run \S+ is unfinished: 18 of 20 trials; repeat its .*", message)
    assert not list(maker.folder.glob("*.tar"))
    assert not list(maker.folder.glob(".export*"))


def test_a_changed_role_is_not_exported(maker: User) -> None:
    (maker.folder / "roles/site/new.txt").write_text("")
    assert refusal(maker.orchestrate("export", "latest")).startswith(
        "role site: new.txt was added since the run\n"
    )


def test_a_role_with_a_link_to_a_private_file_is_not_run(maker: User) -> None:
    """A bundle has all files of a role."""
    (maker.folder / "private").write_text("PRIVATE-4711")
    (maker.folder / "roles/site/notes").symlink_to("../../private")
    role = maker.folder / "roles/site"
    for command in ("run", "validate", "review"):
        ended = maker.orchestrate(command, "sweep.yaml")
        assert refusal(ended) == f"{role}/notes: a link that leads out of {role}"


def test_a_run_is_exported_after_its_file_was_changed_or_removed(maker: User) -> None:
    file = maker.folder / "sweep.yaml"
    text = file.read_text()
    original = export(maker)
    before = original.read_bytes()
    file.write_text(text.replace("version: 1", "version: 2 #"))
    for reason, change in {
        "sweep.yaml was changed since the run": lambda: None,
        "sweep.yaml: No such file or directory": file.unlink,
    }.items():
        change()
        original.unlink()
        ended = maker.orchestrate("export", "latest")
        assert (ended.code, len(ended.complaints)) == (0, 1)
        assert f"{reason}; the bundle has its text as recorded by the run" in ended.complaints[0]
        assert original.read_bytes() == before
    (maker.folder / "roles").rename(maker.folder / "elsewhere")
    original.unlink()
    assert "give the new path of its file with --experiment" in refusal(maker.orchestrate("export", "latest"))
    message = refusal(maker.orchestrate("export", "latest", "--experiment", "gone.yaml"))
    assert message == "gone.yaml: No such file or directory"


def test_a_file_name_that_sha256sum_writes_in_another_way_is_not_exported(maker: User) -> None:
    (maker.run_folders[0] / "a\\b.console.log").touch()
    message = refusal(maker.orchestrate("export", "latest"))
    assert message.startswith("'a\\\\b.console.log': a bundle cannot hold a file name with a backslash")


def test_an_existing_file_is_not_overwritten(maker: User) -> None:
    bundle = export(maker)
    assert "already exists" in refusal(maker.orchestrate("export", "latest"))
    assert maker.orchestrate("verify", bundle).code == 0
    assert "not a directory" in refusal(maker.orchestrate("export", "latest", "--output", "no/where.tar"))
    assert "cannot create a directory in /proc" in refusal(
        maker.orchestrate("export", "latest", "--output", "/proc/x.tar")
    )


def test_every_command_refuses_a_file_that_is_not_a_bundle(maker: User) -> None:
    (maker.folder / "text").write_text("hello")
    for words in (("verify",), ("reproduce",)):
        assert "is not a bundle" in refusal(maker.orchestrate(*words, "text"))
        assert "is not a bundle" in refusal(maker.orchestrate(*words, maker.run_folders[0]))
        assert "nothing.tar: No such file or directory" in refusal(maker.orchestrate(*words, "nothing.tar"))
    assert maker.orchestrate("reproduce", "text", "--mode", "half").code == 2


def test_a_truncated_bundle_is_reported(maker: User) -> None:
    bundle = export(maker)
    bundle.write_bytes(bundle.read_bytes()[:100_000])
    assert "truncated" in refusal(maker.orchestrate("verify", bundle))
    assert "truncated" in refusal(reproduce(maker, bundle))


def test_a_full_disk_is_reported_in_one_line(maker: User) -> None:
    prefix = ("sh", "-c", LIMITED_FILES, "sh", "100")
    full = User(maker.folder, prefix=prefix)
    message = refusal(full.orchestrate("export", "latest"), code=3)
    assert message.startswith("cannot write")
    assert len(message.splitlines()) == 1
    assert not list(maker.folder.glob("*.tar"))
    assert not list(maker.folder.glob(".export*"))
