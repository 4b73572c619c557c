import pytest

from statelab.io import files


def test_whole_shows_a_file_when_it_is_complete(tmp_path):
    file = tmp_path / "new" / "a.txt"
    with files.atomic_write(file) as stream:
        stream.write(b"one ")
        stream.flush()
        assert not file.exists()
        stream.write(b"two")
    assert file.read_bytes() == b"one two"


def test_whole_leaves_what_was_there_when_writing_fails(tmp_path):
    file = tmp_path / "a.txt"
    file.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), files.atomic_write(file) as stream:
        stream.write(b"half")
        stream.flush()
        _ = 1 / 0
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]
