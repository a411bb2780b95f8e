"""Patches of kernel recipes: files, directories, mboxes, quilt series; what is refused of them."""

from __future__ import annotations

import base64
import os
import quopri

from tests.integration.kernel_builder import SMALL_KERNEL, Kernels, refused


def mail(subject: str, body: str, encoding: str = "8bit") -> str:
    encode = {"base64": base64.encodebytes, "quoted-printable": quopri.encodestring}.get(encoding, bytes)
    return (
        "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n"
        f"From: N <n@example.org>\nSubject: {subject}\nContent-Type: text/plain; charset=UTF-8\n"
        f"Content-Transfer-Encoding: {encoding}\n\n{encode(body.encode()).decode()}\n"
    )


def test_patches_from_an_mbox_a_folder_and_a_series(kernels: Kernels) -> None:
    one = (kernels.folder / kernels.patch("one", "copied += 9;", "copied += 19;")).read_text()
    two = (kernels.folder / kernels.patch("two", "return 1;", "return 2;", "start.c")).read_text()
    cover = mail("[PATCH 0/2] two of them", "Hello,\n\nthis is no patch.\n")
    (kernels.folder / "two.mbox").write_text(
        cover + mail("[PATCH 1/2] mm: one", one) + mail("[PATCH 2/2] start: two", two, "base64")
    )
    folder = kernels.folder / "patches"
    folder.mkdir()
    (folder / "0002-b.patch").write_text(two)
    (folder / "0001-a.patch").write_text(
        one.replace("19", "29")
    )  # other text: the name is no part of a kernel
    (folder / "README").write_text("no patch")
    quilt = kernels.folder / "quilt"
    quilt.mkdir()
    (quilt / "series").write_text("# in this order\nz.patch -p1\na.patch\n")
    (quilt / "z.patch").write_text(one.replace("19", "39"))
    (quilt / "a.patch").write_text(two)

    names = {
        patches: [
            each["name"]
            for each in kernels.built(kernels.recipe(patches=[patches]))["ingredients"]["patches"]
        ]
        for patches in ("two.mbox", "patches", "quilt")
    }
    assert names == {
        "two.mbox": ["mm: one", "start: two"],
        "patches": ["0001-a.patch", "0002-b.patch"],
        "quilt": ["z.patch", "a.patch"],
    }
    (workspace,) = kernels.cache.glob("kernel-workspaces/*/source")
    assert "copied += 39;" in (workspace / "mm.c").read_text()
    assert "return 2;" in (workspace / "start.c").read_text()


def test_patches_of_all_kinds_are_those_of_git_and_quilt(kernels: Kernels) -> None:
    one = (kernels.folder / kernels.patch("one", "copied += 9;", "copied += 1 == 1 ? 19 : 0;")).read_text()
    two = (kernels.folder / kernels.patch("two", "return 1;", "return 2;", "start.c")).read_text()
    cover = (
        "Why.\n\n---\nA B (1):\n      mm: one\n---\nbase-commit: 0123456789abcdef\n"  # as `b4 prep` makes it
    )
    words = "From userspace nothing changes, see 2024\n\n---\n"
    (kernels.folder / "series.mbox").write_text(
        mail("[PATCH 0/1] mm: cover", cover)
        + mail("[PATCH 1/1] =?UTF-8?q?mm:_gr=C3=B6=C3=9Fer?=", words + one, "quoted-printable")
    )
    (kernels.folder / "crlf.eml").write_text(mail("[PATCH] start: two", two), newline="\r\n")
    git = ("new file mode 100644", "old mode 100644\nnew mode 100755", "rename from new.h\nrename to other.h")
    for number, (text, names) in enumerate(
        zip(git, ("new.h b/new.h", "Kbuild b/Kbuild", "new.h b/other.h"), strict=True)
    ):
        (kernels.folder / f"{number}.patch").write_text(f"diff --git a/{names}\n{text}\n")
    quilt = kernels.folder / "quilt"
    quilt.mkdir()
    (quilt / "series").write_bytes(b"undo.patch -R  # not needed, says J\xf6rg\n")
    (quilt / "undo.patch").write_text(two)

    recipe = kernels.recipe(patches=["series.mbox", "crlf.eml", "0.patch", "1.patch", "2.patch", "quilt"])
    built = kernels.built(recipe)
    names = [patch["name"] for patch in built["ingredients"]["patches"]]
    assert names == ["mm: größer", "crlf.eml", "0.patch", "1.patch", "2.patch", "undo.patch -R"]
    (source,) = kernels.cache.glob("kernel-workspaces/*/source")
    assert "copied += 1 == 1 ? 19 : 0;" in (source / "mm.c").read_text()
    assert (source / "start.c").read_text() == (SMALL_KERNEL / "start.c").read_text()
    assert os.access(source / "Kbuild", os.X_OK)
    assert (source / "other.h").read_text() == ""
    assert not (source / "new.h").exists()


def test_patches_that_git_and_quilt_refuse_are_refused_in_one_line(kernels: Kernels) -> None:
    one = (kernels.folder / kernels.patch("one.patch", "copied += 9;", "copied += 19;")).read_text()
    quilt = kernels.folder / "quilt"
    quilt.mkdir()
    (quilt / "one.patch").write_text(one)
    files = {
        "crlf.patch": (
            one.replace("\n", "\r\n").encode(),
            "patch crlf.patch does not apply: hunk 1 of mm.c (@@ -10,6 +10,6 @@): the patch has CRLF line endings, "
            "mm.c has LF; convert the patch with dos2unix",
        ),
        "latin1.mbox": (
            b"From J\xf6rg Thu Jan  1 00:00:00 1970\nSubject: Re: [PATCH] gr\xf6\xdfer\n\n> why?\n",
            f"{kernels.folder}/latin1.mbox: no diff found in the mail; remove the mail if it is not a patch",
        ),
        "quilt/series": (
            b"# J\xf6rg\none.patch -pab\n",
            f"{quilt}/series:2: unsupported option '-pab'; supported: -pN, -R",
        ),
    }
    for name, (content, message) in files.items():
        (kernels.folder / name).write_bytes(content)
        recipe = kernels.recipe(patches=[name.removesuffix("/series")])
        assert refused(kernels.build(recipe)) == message
    assert kernels.kept == kernels.leftovers == []


def test_a_patch_that_does_not_apply_is_reported_with_its_hunk(kernels: Kernels) -> None:
    good = kernels.patch("good.patch", "return 1;", "return 2;", "start.c")
    first = kernels.patch("bad.patch", "copied = 0;", "copied = 1;")
    text = (kernels.folder / first).read_text()
    late = (kernels.folder / kernels.patch("late.patch", "return copied;", "return 0;")).read_text()
    (kernels.folder / "bad.patch").write_text(
        text + late[late.index("@@") :].replace("copied += 9;", "copied += 99;")
    )
    message = refused(kernels.build(kernels.recipe(patches=[good, "bad.patch"])))
    assert message.startswith("patch bad.patch does not apply: hunk 2 of mm.c (@@ -11,5 +11,5 @@"), message
    assert kernels.kept == []
    assert kernels.leftovers == []


def test_a_posted_series_requires_b4(kernels: Kernels) -> None:
    kernels.user.environment["PATH"] = "/usr/bin:/bin"
    recipe = kernels.recipe(patches=[{"b4": "20170217150551.117028-1-zi.yan@sent.com"}])
    assert "-m pip install 'b4>=" in refused(kernels.build(recipe))
    assert kernels.leftovers == []


def test_of_several_kernels_all_patches_are_tried_before_the_first_is_built(kernels: Kernels) -> None:
    bad = kernels.patch("bad.patch", "copied += 9;", "copied += 19;")
    text = (kernels.folder / bad).read_text()
    (kernels.folder / bad).write_text(text.replace("copied += 9;", "copied += 99;"))
    kernels.recipe("base")
    kernels.recipe("patched", patches=[bad])
    file = kernels.user.file(
        "benchmark: {command: ['true'], metrics: {x: {unit: s, key_value: x}}}\n"
        "kernels: {base: {recipe: ./base.yaml}, patched: {recipe: ./patched.yaml}}\n"
        "hosts: {provider: qemu}\n"
    )
    ended = [kernels.build(file), kernels.user.orchestrate("run", file)]
    for one in ended:
        assert refused(one).startswith("patch bad.patch does not apply: hunk 1 of mm.c")
    assert kernels.kept == kernels.leftovers == kernels.compiled == []


def test_a_series_is_built_patch_by_patch(kernels: Kernels) -> None:
    one = (kernels.folder / kernels.patch("one", "copied += 9;", "copied += 19;")).read_text()
    two = (kernels.folder / kernels.patch("two", "return 1;", "return 2;", "start.c")).read_text()
    (kernels.folder / "two.mbox").write_text(
        mail("[PATCH 0/2] two of them", "Hello.\n")
        + mail("[PATCH 1/2] mm: one", one)
        + mail("[PATCH 2/2] start: two", two)
    )
    names = {}
    for first in (1, 2):
        built = kernels.built(kernels.recipe(patches=[{"path": "two.mbox", "first": first}]))
        names[first] = [patch["name"] for patch in built["ingredients"]["patches"]]
    assert names == {1: ["mm: one"], 2: ["mm: one", "start: two"]}
    all_of_it = kernels.built(kernels.recipe(patches=["two.mbox"]))
    assert all_of_it["hash"] == built["hash"]
    refusal = refused(kernels.build(kernels.recipe(patches=[{"path": "two.mbox", "first": 3}])))
    assert refusal == f"{kernels.folder}/two.mbox: patches found: 2; first: 3"
