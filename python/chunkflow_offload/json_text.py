"""JSON from a file, read strictly, with the place of every value."""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from .errors import FileError

if TYPE_CHECKING:
    from pathlib import Path

LARGEST_FILE_BYTES = 16 << 20
DEEPEST = 32
LARGEST_INTEGER = 2**53 - 1
"""Integers beyond this are not exact in every JSON reader, so no file has them."""

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Key: TypeAlias = "str | int"

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"(-?(?:0|[1-9]\d{0,400}))(\.\d{1,400})?([eE][+-]?\d{1,4})?")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORDS: dict[str, Json] = {"null": None, "true": True, "false": False}


class JsonFile(NamedTuple):
    """A value that was read, and where each of its parts stands.

    Attributes:
        path: The file.
        value: What it holds.
        offsets: Character offset of each part by its path of keys and indices; `()` is the whole.
        text: The file's text.
    """

    path: Path
    value: Json
    offsets: dict[tuple[Key, ...], int]
    text: str

    def error(self, keys: tuple[Key, ...], message: str) -> FileError:
        """The error `file:line:column: keys: message`; keys that are not in the file point to what would hold them."""
        at = keys
        while at not in self.offsets:
            at = at[:-1]
        name = ".".join(str(key) for key in keys)
        return FileError(f"{_place(self.path, self.text, self.offsets[at])}: {name}{': ' if name else ''}{message}")


def read_json(path: Path) -> JsonFile:
    """Reads a JSON file of at most 16 MiB.

    Raises:
        FileError: The file cannot be read, is too large, no UTF-8, no JSON, has a key twice, is nested deeper than 32,
            or holds a number that is not finite or an integer above 2^53 - 1.
    """
    try:
        with path.open("rb") as file:
            # By pieces: what a file says of its size, and how much may be asked for at once, is nothing to rely on.
            pieces = iter(lambda: file.read(1 << 16), b"")
            raw = b"".join(islice(pieces, LARGEST_FILE_BYTES // (1 << 16) + 1))
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror or error}") from None
    if len(raw) > LARGEST_FILE_BYTES:
        raise FileError(f"{path}: expected at most {LARGEST_FILE_BYTES} bytes; this is no plan or profile")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FileError(f"{path}: not UTF-8 at byte {error.start}; this is no plan or profile") from None
    scanner = _Scanner(path, text)
    return JsonFile(path, scanner.document(), scanner.offsets, text)


def _place(path: Path, text: str, offset: int) -> str:
    line = text.count("\n", 0, offset) + 1
    return f"{path}:{line}:{offset - text.rfind(chr(10), 0, offset)}"


class _Scanner:
    def __init__(self, path: Path, text: str) -> None:
        self.offsets: dict[tuple[Key, ...], int] = {}
        self._path = path
        self._text = text
        self._at = 0

    def document(self) -> Json:
        value = self._value(())
        self._skip()
        if self._at != len(self._text):
            raise self._error("expected the end of the file")
        return value

    def _error(self, message: str, offset: int | None = None) -> FileError:
        return FileError(f"{_place(self._path, self._text, self._at if offset is None else offset)}: {message}")

    def _skip(self) -> str:
        match = _SPACE.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return self._text[self._at : self._at + 1]

    def _value(self, keys: tuple[Key, ...]) -> Json:
        first = self._skip()
        self.offsets[keys] = self._at
        if len(keys) > DEEPEST:
            raise self._error(f"nested deeper than {DEEPEST}")
        if first == "{":
            return self._object(keys)
        if first == "[":
            return self._list(keys)
        if first == '"':
            return self._string()
        for word, value in _WORDS.items():
            if self._text.startswith(word, self._at):
                self._at += len(word)
                return value
        return self._number()

    def _object(self, keys: tuple[Key, ...]) -> dict[str, Json]:
        found: dict[str, Json] = {}
        self._at += 1
        if self._skip() == "}":
            self._at += 1
            return found
        while True:
            if self._skip() != '"':
                raise self._error("expected a key in quotes")
            start = self._at
            key = self._string()
            if key in found:
                raise self._error(f"{_quoted(key)} is there twice", start)
            if self._skip() != ":":
                raise self._error("expected :")
            self._at += 1
            found[key] = self._value((*keys, key))
            if self._ended("}"):
                return found

    def _list(self, keys: tuple[Key, ...]) -> list[Json]:
        found: list[Json] = []
        self._at += 1
        if self._skip() == "]":
            self._at += 1
            return found
        while True:
            found.append(self._value((*keys, len(found))))
            if self._ended("]"):
                return found

    def _ended(self, bracket: str) -> bool:
        after = self._skip()
        if after not in (",", bracket):
            torn = " (the file ends here)" if after == "" else ""
            raise self._error(f"expected , or {bracket}{torn}")
        self._at += 1
        return after == bracket

    def _string(self) -> str:
        match = _STRING.match(self._text, self._at)
        if match is None:
            raise self._error("expected a string that ends on its line, with its escapes right")
        value = str(json.loads(match.group()))
        if _SURROGATE.search(value):
            raise self._error("half of a surrogate pair in a string")
        self._at = match.end()
        return value

    def _number(self) -> int | float:
        match = _NUMBER.match(self._text, self._at)
        if match is None:
            torn = "; the file ends here" if self._at == len(self._text) else ""
            raise self._error(f"expected a value{torn}")
        whole, fraction, exponent = match.groups()
        if fraction is None and exponent is None:
            # The pattern bounds the digits, so that no huge number is built.
            number: int | float = int(whole)
            if abs(number) > LARGEST_INTEGER:
                raise self._error(f"expected an integer of at most 2^53 - 1, got {whole[:24]}")
        else:
            number = float(match.group())
            if number in (float("inf"), float("-inf")):
                raise self._error("expected a finite number")
        self._at = match.end()
        return number


def _quoted(text: str) -> str:
    return f'"{text if len(text) <= 60 else text[:57] + "..."}"'
