"""The one door to files: what it opens, what it refuses at once, and what a swap cannot do."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from lineage_bridge.adapters import files
from lineage_bridge.adapters.api import Kind
from lineage_bridge.adapters.artifact import Artifact, fingerprint
from lineage_bridge.errors import ArtifactError

SECRET = b"a secret"


@pytest.fixture
def root(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_bytes(SECRET)
    folder = tmp_path / "root"
    (folder / "run").mkdir(parents=True)
    (folder / "run" / "metadata.json").write_bytes(b"{}")
    return folder


def refused(path, root):
    with pytest.raises(ArtifactError) as caught:
        files.read_file(str(path), str(root))
    return caught.value.reason


def test_a_file_is_read_below_its_root_and_from_the_top(root):
    path = str(root / "run" / "metadata.json")
    assert files.read_file(path, str(root)) == files.read_file(path) == b"{}"


def test_the_root_itself_may_be_a_link(root, tmp_path):
    (tmp_path / "named").symlink_to(root)
    assert files.read_file(f"{tmp_path}/named/run/metadata.json", f"{tmp_path}/named") == b"{}"


def test_a_hard_link_is_a_file(root):
    (root / "run" / "again.json").hardlink_to(root / "run" / "metadata.json")
    assert files.read_file(str(root / "run" / "again.json"), str(root)) == b"{}"


def test_a_link_to_a_file_is_refused(root, tmp_path):
    (root / "link").symlink_to(tmp_path / "outside" / "secret.txt")
    (root / "inside").symlink_to(root / "run" / "metadata.json")
    assert "is a link, which is not followed" in refused(root / "link", root)
    assert "is a link, which is not followed" in refused(root / "inside", root)


def test_a_file_behind_a_link_to_a_folder_is_refused(root, tmp_path):
    (root / "day").symlink_to(tmp_path / "outside")
    assert "lies behind the link 'day'" in refused(root / "day" / "secret.txt", root)


def test_a_path_that_leads_out_of_the_root_is_refused(root, tmp_path):
    outside = "lies outside of the folder that was named"
    assert refused(root / ".." / "outside" / "secret.txt", root) == outside
    assert refused(tmp_path / "outside" / "secret.txt", root) == outside
    assert refused(f"{root}x/secret.txt", root) == outside
    assert refused(root, root) == outside


def test_what_is_no_regular_file_is_refused_at_once(root, monkeypatch):
    os.mkfifo(root / "pipe")
    monkeypatch.chdir(root)  # the path of a socket may have 100 characters only
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        assert refused(root / "pipe", root) == "is a pipe, expected a file"
        assert refused(root / "socket", root) == "is a socket, expected a file"
    assert refused(root / "run", root) == "is a folder, expected a file"
    assert refused("/dev/zero", "/dev") == "is a device, expected a file"
    assert refused(root / "none", root) == "cannot be read: No such file or directory"


@pytest.mark.parametrize("swap", ["file", "folder"])
def test_what_is_swapped_for_a_link_while_it_is_opened_is_not_read(
    root, tmp_path, monkeypatch, swap
):
    (tmp_path / "outside" / "metadata.json").write_bytes(SECRET)
    run, real_stat, swapped = root / "run", os.stat, []

    def stat_and_swap(*args, **named):
        seen = real_stat(*args, **named)
        if "dir_fd" in named and not swapped:
            swapped.append(swap)
            moved = run / "metadata.json" if swap == "file" else run
            target = tmp_path / "outside" / ("metadata.json" if swap == "file" else "")
            moved.rename(root / "moved")
            moved.symlink_to(target)
        return seen

    monkeypatch.setattr(os, "stat", stat_and_swap)
    try:
        content = files.read_file(str(run / "metadata.json"), str(root))
    except ArtifactError:
        content = b""
    assert swapped == [swap]
    assert content == (b"" if swap == "file" else b"{}")  # the folder was entered before


def test_a_pipe_that_takes_the_place_of_a_file_is_refused_after_opening(root, monkeypatch):
    path, real_open = root / "run" / "metadata.json", os.open

    def swap_and_open(name, *args, **named):
        if name == "metadata.json":
            path.unlink()
            os.mkfifo(path)
        return real_open(name, *args, **named)

    monkeypatch.setattr(os, "open", swap_and_open)
    assert refused(path, root) == "is a pipe, expected a file"


def test_a_large_file_is_refused_with_its_limit(root):
    (root / "large").write_bytes(b"x" * 11)
    with pytest.raises(ArtifactError, match="is larger than 10 bytes"):
        files.read_file(str(root / "large"), str(root), max_bytes=10)


def open_descriptors():
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="the system does not list them")
def test_no_descriptor_is_left_open(root):
    os.mkfifo(root / "pipe")
    before = open_descriptors()
    for name in ("run/metadata.json", "pipe", "none", "run", "none/none"):
        try:
            files.read_file(str(root / name), str(root))
        except ArtifactError:
            continue
    files.list_files(str(root / "run"), str(root))
    files.list_files(str(root / "none"), str(root))
    assert open_descriptors() == before


# What an adapter gets


@pytest.fixture
def artifact(root):
    kind = Kind("bundle", companions=("uri.txt", "params/"))
    return Artifact("p4", kind, str(root / "run" / "metadata.json"), str(root))


def test_a_companion_is_read_where_there_is_one(artifact, root):
    assert artifact.companion("uri.txt") is None
    (root / "run" / "uri.txt").write_text("runs:/x")
    assert artifact.companion("uri.txt") == b"runs:/x"


def test_a_companion_elsewhere_is_refused(artifact):
    with pytest.raises(ArtifactError, match="lies outside of the folder"):
        artifact.companion("../../outside/secret.txt")
    assert artifact.companion("/etc/hostname") is None  # below the file's own folder


def test_a_companion_may_lie_above_as_far_as_the_root(artifact, root):
    (root / "meta.yaml").write_text("name: x")
    assert artifact.companion("../meta.yaml") == b"name: x"
    assert artifact.companion("../other/meta.yaml") is None


def test_the_files_of_a_folder_are_companions(artifact, root):
    assert artifact.companions("params/") == []
    (root / "run" / "params" / "deeper").mkdir(parents=True)
    (root / "run" / "params" / "depth").write_text("3")
    (root / "run" / "params" / "link").symlink_to(root)
    assert artifact.companions("params/") == ["params/depth"]
    assert artifact.companion("params/depth") == b"3"


def test_a_folder_of_companions_that_is_a_link_is_refused(artifact, root, tmp_path):
    (root / "run" / "params").symlink_to(tmp_path / "outside")
    with pytest.raises(ArtifactError, match="lies behind the link"):
        artifact.companions("params/")


def test_the_fingerprint_changes_with_every_companion_and_follows_no_link(artifact, root, tmp_path):
    def mark():
        return fingerprint(artifact.path, artifact.kind)

    run, marks = root / "run", [mark()]
    (run / "uri.txt").write_text("one")
    marks.append(mark())
    (run / "params").mkdir()
    marks.append(mark())
    (run / "params" / "depth").write_text("3")
    marks.append(mark())
    (run / "uri.txt").unlink()
    (run / "uri.txt").symlink_to(tmp_path / "outside" / "secret.txt")
    marks.append(mark())
    (tmp_path / "outside" / "secret.txt").write_bytes(b"a longer secret")
    assert len(set(marks)) == 5
    assert mark() == marks[-1]


def test_the_source_has_the_hash_of_what_was_read(artifact):
    assert artifact.source.sha256 is None
    artifact.content()
    assert artifact.source.sha256 is not None
    assert (artifact.source.shown, artifact.shown) == ("run/metadata.json", "run/metadata.json")
    assert artifact.size == 2
