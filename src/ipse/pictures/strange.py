"""The first bytes of a file ↦ what it is instead of a picture, in words."""

SIGNS = {
    b"PK\x03\x04": "it is a ZIP archive, as documents and books are",
    b"%PDF": "it is a PDF document",
    b"\x1f\x8b": "it is a gzip archive",
    b"7z\xbc\xaf": "it is a 7z archive",
    b"Rar!": "it is a RAR archive",
    b"\x93NUMPY": "it is an array of NumPy",
    b"\x7fELF": "it is a program",
    b"MZ": "it is a program",
    b"\x1aE\xdf\xa3": "it is a film",
    b"OggS": "it is a film or a sound",
    b"ID3": "it is a sound",
    b"RIFF": "it is a film or a sound",
}


def what_it_is(data: bytes) -> str:
    """Describe a file that is no picture, by its first bytes."""
    if not data:
        return "it is empty"
    found = next((what for sign, what in SIGNS.items() if data.startswith(sign)), None)
    if found is None and data[4:8] == b"ftyp":
        found = "it is a film"
    if found is None and data.lstrip()[:1] == b"<":
        found = "it is a page or a drawing made of text"
    if found is None and all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in data[:64]):
        found = "it is text"
    return found or "its first bytes are of no known format"
