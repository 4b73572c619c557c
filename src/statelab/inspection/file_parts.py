"""Parts of a file: its beginning, its end, and some of the middle."""

import codecs
import gzip
from pathlib import Path

PART = 1 << 20  # bytes
MIDDLE = 2  # parts between the first and the last
GZIP = b"\x1f\x8b"


def read(file: Path, part: int = PART) -> list[bytes]:
    """Read whole lines out of a file.

    Args:
        file: gzipped or not; of a gzipped one, or of one in UTF-16, the beginning alone
            is read.
        part: bytes of a part.

    Returns:
        The whole of a small file; else parts in their order, none of which overlap.

    Example:
        >>> file = Path("lines.txt")  # a, b, …, z, a line each  # doctest: +SKIP
        >>> read(file, 8)  # doctest: +SKIP
        [b'a\\nb\\nc\\n', b'i\\nj\\nk\\n', b'q\\nr\\ns\\n', b'w\\nx\\ny\\nz\\n']
    """
    with file.open("rb") as stream:
        if stream.read(len(GZIP)) == GZIP:
            with gzip.open(file) as unzipped:
                begin = unzipped.read((MIDDLE + 2) * part)
                return [begin if not unzipped.read(1) else _whole_lines(begin, True)]
        size = file.stat().st_size
        count = MIDDLE + 2
        stream.seek(0)
        if size <= count * part:
            return [stream.read()]
        begin = stream.read(count * part)
        if begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            lines = begin.decode("utf-16", "ignore").rpartition("\n")[0]
            return [lines.encode("utf-16")]  # others would lack its mark of order
        parts = []
        for number in range(count):
            stream.seek(number * (size - part) // (count - 1))
            last = number == count - 1
            bytes_read = stream.read(part)
            parts.append(_whole_lines(bytes_read, number == 0, last))
        return parts


def _whole_lines(part: bytes, first: bool, last: bool = False) -> bytes:
    """Leave out the lines that a part has not from their beginning to their end.

    Example:
        >>> _whole_lines(b"lf\\na line\\nha", first=False)
        b'a line\\n'
    """
    begin = 0 if first else part.find(b"\n") + 1
    end = len(part) if last else part.rfind(b"\n") + 1
    return part[begin:end]
