"""Tables instead of branches: an XML format is a list of which attribute holds which field.

Other elements and attributes of a file that is merged into stay as they are.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mirkit.errors import FormatError, ParameterError
from mirkit.formats.dj.keys import key_of_number, parse_key, spell_key
from mirkit.formats.dj.model import DJTrack

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Field:
    """A row: where a format keeps a field of `DJTrack`, and how it is spelled there.

    Parameters
    ----------
    name
        Of the field, or of a property, which is written and not read.
    attribute
        Of the XML element that holds it.
    element
        The child that has the attribute, or an empty text for the track's own element.
    write, read
        Value to text, and back. What `read` refuses counts as not known.
    """

    name: str
    attribute: str
    element: str = ""
    write: Callable[[Any], str] = str
    read: Callable[[str], Any] | None = str


def fill(
    node: ET.Element, track: DJTrack, fields: Sequence[Field], order: Sequence[str] = ()
) -> None:
    """Write the fields of `track` that are known; those that are not stay as they are.

    `order` names the children in the order that the format wants.
    """
    for field in fields:
        value = getattr(track, field.name)
        if value is not None and value != "":
            holder = child(node, field.element, order) if field.element else node
            holder.set(field.attribute, clean(field.write(value)))


def take(node: ET.Element, fields: Sequence[Field]) -> dict[str, Any]:
    """Return the fields that an element holds, for `DJTrack`."""
    values: dict[str, Any] = {}
    for field in fields:
        holder = node.find(field.element) if field.element else node
        text = None if holder is None else holder.get(field.attribute)
        if field.read is None or not text or field.name in values:
            continue
        try:
            value = field.read(text)
        except (ValueError, ArithmeticError):  # one odd value does not spoil a collection
            continue
        if value is not None:
            values[field.name] = value
    return values


def child(node: ET.Element, tag: str, order: Sequence[str] = ()) -> ET.Element:
    """Return the child of this tag; a new one stands where `order` has it."""
    found = node.find(tag)
    if found is None:
        found = ET.Element(tag)
        insert(node, found, order)
    return found


def insert(node: ET.Element, new: ET.Element, order: Sequence[str] = ()) -> None:
    """Add a child, before those that come later in `order`."""
    later = set(order[order.index(new.tag) + 1 :]) if new.tag in order else set()
    for i, other in enumerate(node):
        if other.tag in later:
            node.insert(i, new)
            return
    node.append(new)


def remove(node: ET.Element, tag: str, which: Callable[[ET.Element], bool] | None = None) -> None:
    """Remove the children of this tag, or those of them that `which` chooses."""
    for old in node.findall(tag):
        if which is None or which(old):
            node.remove(old)


def parse(data: bytes, name: str, root: str, program: str) -> ET.Element:
    """Return the root element of an XML file, whose tag is `root`; comments in it are kept."""
    builder = ET.TreeBuilder(insert_comments=True, insert_pis=True)
    try:
        node = ET.fromstring(data, ET.XMLParser(target=builder))
    except (ET.ParseError, ValueError, LookupError) as error:
        raise FormatError(f"{name} is no whole XML file: {error}") from None
    if node.tag != root:
        raise FormatError(
            f"{name} is XML, but of {node.tag}; {program} writes {root}. Is it of another program?"
        )
    return node


def serialize(root: ET.Element) -> bytes:
    """Return the file of an XML tree."""
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return text.replace(b"<?xml version='1.0' encoding='UTF-8'?>", _DECLARATION) + b"\n"


_DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>'


def clean(text: str) -> str:
    """Return a text without what XML cannot hold: control characters, half surrogates."""
    return _NO_XML.sub("", text)


def key_reader(text: str) -> str | None:
    """Return the key that a text names in any notation, or None."""
    try:
        return parse_key(text)
    except ParameterError:
        return None


def key_writer(notation: str) -> Callable[[str], str]:
    """Return what writes keys in a notation."""
    return lambda key: spell_key(key, notation)


def spelling(fields: Sequence[Field], notation: str) -> tuple[Field, ...]:
    """Return the fields with keys written in a notation."""
    write = key_writer(notation)
    return tuple(replace(x, write=write) if x.name == "key" else x for x in fields)


def traktor_key(text: str) -> str:
    """Return the key that Traktor numbers so."""
    return key_of_number(int(text))


def with_digits(digits: int) -> Callable[[float], str]:
    """Return what writes numbers with so many decimals."""
    return lambda value: f"{value:.{digits}f}"


def whole(value: float) -> str:
    """Return a number as a whole one."""
    return str(round(value))


def above_zero(text: str) -> float | None:
    """Return a number, or None for 0 and less, which mean: not known."""
    value = float(text)
    return value if 0 < value < float("inf") else None


def whole_above_zero(text: str) -> int | None:
    """Return a whole number above 0, or None."""
    value = above_zero(text)
    return None if value is None else round(value)


def stars_to_byte(stars: int) -> str:
    """Return 0 to 5 stars as 0, 51, …, 255."""
    return str(51 * stars)


def byte_to_stars(text: str) -> int:
    """Return 0 to 255 as the nearest number of stars."""
    return min(5, max(0, round(int(text) / 51)))
