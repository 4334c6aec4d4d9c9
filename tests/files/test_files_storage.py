"""Storage: whole or not at all, with an error that says why, on full disks, in read-only folders, under odd names."""

import errno
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from autograd_mini import MLP, ModelFormatError, load
from autograd_mini.files import storage

POSIX = pytest.mark.skipif(os.name != "posix", reason="about POSIX systems")
UNCHANGED = "so nothing was written, and what was there before is as it was"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "model.json"
    path.write_bytes(b"before")
    return path


def untouched(path):
    return path.read_bytes() == b"before" and [*path.parent.iterdir()] == [path]


@POSIX
def test_a_disk_that_is_full_is_an_error_that_says_so_and_the_old_file_survives(path):
    code = """if True:
        import resource, sys
        from autograd_mini.files import storage
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            storage.write(sys.argv[1], bytes(100_000))
        except OSError as error:
            print(error)
    """
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == f"[Errno {errno.EFBIG}] File too large, {UNCHANGED}: {str(path)!r}\n"
    assert untouched(path)


@pytest.mark.parametrize("step", ["write", "flush", "fsync", "replace"])
@pytest.mark.parametrize(
    ("number", "kind", "reason"),
    [
        (errno.ENOSPC, OSError, "No space left on device"),
        (errno.EDQUOT, OSError, "Disk quota exceeded"),
        (errno.EROFS, OSError, "Read-only file system"),
        (errno.EACCES, PermissionError, "Permission denied"),
    ],
)
def test_whatever_step_fails_the_error_names_file_and_reason_and_nothing_changes(
    path, monkeypatch, step, number, kind, reason
):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    class Failing:
        """A file one method of which fails."""

        def __init__(self, file):
            self.file = file

        def __getattr__(self, name):
            return fail if name == step else getattr(self.file, name)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

    opened = Path.open
    monkeypatch.setattr(Path, "open", lambda *arguments: Failing(opened(*arguments)))
    if step == "fsync":
        monkeypatch.setattr("os.fsync", fail)
    if step == "replace":
        monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(kind) as caught:
        storage.write(path, b"after")
    monkeypatch.undo()
    assert str(caught.value) == f"[Errno {number}] {reason}, {UNCHANGED}: {str(path)!r}"
    assert (caught.value.errno, caught.value.filename) == (number, str(path))
    assert untouched(path)


@pytest.fixture
def nobody():
    """Lay down the rights of root, who may write everywhere."""
    if not hasattr(os, "geteuid"):
        pytest.skip("about POSIX systems")
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder():
    """Give a folder that everybody may enter: pytest's own are for one user."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)
        Path(folder).chmod(0o777)


def protect(folder):
    """Make a folder read-only for the one who owns it and for everybody else."""
    user = os.geteuid()
    os.seteuid(folder.stat().st_uid)
    folder.chmod(0o555)
    os.seteuid(user)


@pytest.mark.usefixtures("nobody")
def test_a_folder_that_is_read_only_is_an_error_that_says_so_and_the_old_file_survives(open_folder):
    path = open_folder / "model.json"
    storage.write(path, b"before")
    protect(open_folder)
    with pytest.raises(PermissionError, match=rf"Permission denied, {UNCHANGED}: '.*model.json'"):
        storage.write(path, b"after")
    assert untouched(path)


@pytest.mark.usefixtures("nobody")
def test_a_file_that_is_write_protected_stays_as_it_is(open_folder):
    path = open_folder / "model.json"
    storage.write(path, b"before")
    path.chmod(0o444)
    with pytest.raises(PermissionError, match="write-protected, so nothing was written"):
        storage.write(path, b"after")
    assert untouched(path)


@POSIX
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
def test_a_file_keeps_the_permissions_it_has(path, mode):
    path.chmod(mode)
    storage.write(path, b"after")
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"after", mode)


@POSIX
@pytest.mark.parametrize("device", ["/dev/full", "/dev/null"])
def test_no_device_is_written_to_nor_replaced(device):
    before = Path(device).stat().st_mode
    with pytest.raises(OSError, match="is no regular file, so nothing was written"):
        MLP(1, [1], seed=0).save(device)
    assert Path(device).stat().st_mode == before


@POSIX
def test_a_link_into_nowhere_or_into_itself_is_an_error(tmp_path):
    loop, lost = tmp_path / "loop.json", tmp_path / "lost.json"
    loop.symlink_to(loop)
    lost.symlink_to(tmp_path / "missing" / "model.json")
    with pytest.raises(OSError, match=UNCHANGED) as caught:
        storage.write(loop, b"")
    assert caught.value.errno == errno.ELOOP
    with pytest.raises(FileNotFoundError, match=UNCHANGED):
        storage.write(lost, b"")
    assert sorted(tmp_path.iterdir()) == [loop, lost]


def test_the_name_of_a_folder_is_no_name_for_a_file(tmp_path):
    for name in (tmp_path, f"{tmp_path}/new/", ""):
        with pytest.raises(OSError, match=UNCHANGED):
            storage.write(name, b"")
        with pytest.raises(OSError, match="irectory"):
            load(name)
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("number", [0, 1, True, None, 1.5])
def test_a_number_is_no_name_for_a_file(number):
    with pytest.raises(TypeError, match=r"expected str, bytes or os\.PathLike object"):
        load(number)
    with pytest.raises(TypeError, match=r"expected str, bytes or os\.PathLike object"):
        MLP(1, [1]).save(number)


def test_a_name_that_the_system_does_not_take_is_an_error_of_value_or_system():
    for name in ("a\0b.json", "x" * 5000):
        with pytest.raises((ModelFormatError, OSError), match=r"null|too long"):
            load(name)
        with pytest.raises((ValueError, OSError), match=r"null|too long"):
            MLP(1, [1]).save(name)


@POSIX
@pytest.mark.parametrize(
    "name", ["é 'quoted' \"twice\".json", "-rf.json", "new\nline.json", b"not \xff UTF-8.json", b"b.json"]
)
def test_any_name_that_the_system_takes_will_do(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    MLP(1, [1], seed=0).save(name)
    assert repr(load(name)) == "MLP of [Layer of [LinearNeuron(1)]]"
    storage.write(name, b"?")
    with pytest.raises(ModelFormatError, match="not JSON"):
        load(name)
    assert [os.fsencode(file.name) for file in tmp_path.iterdir()] == [os.fsencode(name)]
