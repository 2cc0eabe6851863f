"""Values of a JSON document by what they have to be; what they are instead is an error with its place."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .errors import FileError
    from .json_text import Json, JsonFile, Key

LONGEST_NAME = 256


@dataclass(frozen=True)
class Part:
    """One object of a JSON document, whose values are taken out by what they have to be."""

    file: JsonFile
    keys: tuple[Key, ...]
    value: Json

    def error(self, key: str | None, message: str) -> FileError:
        """The error `file:line:column: key: message`; without a key, of the object itself."""
        return self.file.error(self.keys if key is None else (*self.keys, key), message)

    def all(self) -> dict[str, Json]:
        """The object as it is."""
        if not isinstance(self.value, dict):
            raise self.error(None, f"expected an object, got {shown(self.value)}")
        return self.value

    def only(self, known: Sequence[str]) -> None:
        """Refuses other keys than these."""
        for key in self.all():
            if key not in known:
                raise self.error(shortened(key), f"unknown; expected {', '.join(known)}")

    def get(self, key: str) -> Json:
        """The value at a key that has to be there."""
        if key not in self.all():
            raise self.error(key, "is missing")
        return self.all()[key]

    def integer(self, key: str, least: int, most: int | None = None) -> int:
        """An integer from `least` to `most`."""
        return _integer(self.file, (*self.keys, key), self.get(key), least, most)

    def integers(self, key: str, most: int) -> list[int]:
        """A list of integers of at least 0."""
        values = self._list(key, most)
        return [_integer(self.file, (*self.keys, key, at), value, 0, None) for at, value in enumerate(values)]

    def number(self, key: str) -> float:
        """A finite number of at least 0."""
        value = self.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
            raise self.error(key, f"expected a number of at least 0, got {shown(value)}")
        return float(value)

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self.get(key)
        if not isinstance(value, bool):
            raise self.error(key, f"expected true or false, got {shown(value)}")
        return value

    def text(self, key: str, pattern: str = r"[^\x00-\x1f\x7f]+") -> str:
        """One line of text that matches the pattern as a whole."""
        value = self.get(key)
        if not isinstance(value, str) or len(value) > LONGEST_NAME or re.fullmatch(pattern, value) is None:
            like = "a line of text" if pattern.startswith("[^") else f"text like {pattern}"
            raise self.error(key, f"expected {like} of at most {LONGEST_NAME} characters, got {shown(value)}")
        return value

    def one_of(self, key: str, choices: Sequence[str]) -> str:
        """One of some words."""
        value = self.get(key)
        if not isinstance(value, str) or value not in choices:
            raise self.error(key, f"expected one of {'|'.join(choices)}, got {shown(value)}")
        return value

    def part(self, key: str) -> Part:
        """The object at a key."""
        part = Part(self.file, (*self.keys, key), self.get(key))
        part.all()
        return part

    def parts(self, key: str, most: int, least: int = 1) -> list[Part]:
        """The objects of a list."""
        values = self._list(key, most)
        if len(values) < least:
            raise self.error(key, f"expected at least {least}, got {len(values)}")
        return [Part(self.file, (*self.keys, key, at), value) for at, value in enumerate(values)]

    def _list(self, key: str, most: int) -> list[Json]:
        values = self.get(key)
        if not isinstance(values, list):
            raise self.error(key, f"expected a list, got {shown(values)}")
        if len(values) > most:
            raise self.error(key, f"expected at most {most}, got {len(values)}")
        return values


def _integer(file: JsonFile, keys: tuple[Key, ...], value: Json, least: int, most: int | None) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least or (most is not None and value > most):
        wanted = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise file.error(keys, f"expected an integer {wanted}, got {shown(value)}")
    return value


def shown(value: Json) -> str:
    """A value as messages show it."""
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    return shortened(json.dumps(value))


def shortened(text: str) -> str:
    """At most 80 characters of a text."""
    return text if len(text) <= 80 else f"{text[:77]}..."
