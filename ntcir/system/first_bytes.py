"""What a file is, told by its first bytes: compressed, or text in another encoding than UTF-8."""

from __future__ import annotations

GZIP = b"\x1f\x8b"
# The longer marks first: that of UTF-32 begins with that of UTF-16.
MARKS = ((b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
COMPRESSED = {b"PK\x03\x04": "ZIP", b"BZh": "bzip2", b"\xfd7zXZ\0": "xz", b"\x28\xb5\x2f\xfd": "zstd"}


def kind_of_bytes(head: bytes) -> str | None:
    """Return what a file is by its first bytes, if it is not UTF-8 text: gzip, UTF-16, ...; None if unknown."""
    marked = next((encoding.upper() for mark, encoding in MARKS if head.startswith(mark)), None)
    packed = next((kind for magic, kind in {GZIP: "gzip", **COMPRESSED}.items() if head.startswith(magic)), None)
    if packed:
        return f"compressed with {packed}"
    return marked or ("UTF-16" if looks_like_utf16(head) else None)


def looks_like_utf16(head: bytes) -> bool:
    """Return whether every other byte is NUL, as in Latin letters and digits of UTF-16, of either order."""
    even, odd = head[0::2], head[1::2]
    for nul, letters in ((even, odd), (odd, even)):
        if len(head) >= 4 and nul.count(0) >= 0.75 * len(nul) and 0 not in letters:
            return True
    return False
