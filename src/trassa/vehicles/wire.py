"""UPER read strictly: nothing out of range, nothing left over, nothing unknown lost.

asn1tools reads generously: a number above its bound, a list longer than allowed, bytes after the message and additions
it does not know all pass in silence. The rules here close that.

1. An integer, a list or a string outside its bounds is refused; beyond an extension marker an integer may exceed its
   upper bound, within 32 bits, never fall below the lower one.
2. An extension addition is read within its own length: a known one fills it up to zero padding, an unknown one is kept
   as bytes under ``unknownAdditions``.
3. An unknown alternative of an extensible choice is ``("unknownAlternative", {"position", "content"})``, an unknown
   value of an extensible enumeration is ``"unknown-<position>"``.
4. After the message at most seven bits may follow, and they are zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from asn1tools.codecs import DecodeError, EncodeError, OutOfDataError, uper

from trassa.vehicles.refusal import Layer, Refused

__all__ = ["UNKNOWN_ADDITIONS", "UNKNOWN_ALTERNATIVE", "read_strictly", "tighten"]

UNKNOWN_ADDITIONS = "unknownAdditions"
UNKNOWN_ALTERNATIVE = "unknownAlternative"

_EXTENDED_LIMIT = 2**32


class _OutOfRange(DecodeError):  # type: ignore[misc]
    """A number or a count outside its bounds; a DecodeError, so that asn1tools adds the place."""


class _LeftOver(DecodeError):  # type: ignore[misc]
    """Something follows where nothing may."""


class _Whole(uper.Integer):  # type: ignore[misc]
    """INTEGER within its bounds."""

    def decode(self, decoder: Any) -> int:
        if self.has_extension_marker and decoder.read_bit():
            value: int = decoder.read_unconstrained_whole_number()
            if not self.minimum <= value < _EXTENDED_LIMIT:
                raise _OutOfRange(f"{_shown(value)} is outside {self.minimum}..{_EXTENDED_LIMIT - 1}")
            return value
        value = self.minimum + decoder.read_non_negative_binary_integer(self.number_of_bits)
        if value > self.maximum:  # RULE 1
            raise _OutOfRange(f"{value} is outside {self.minimum}..{self.maximum}")
        return value


class _Items(uper.SequenceOf):  # type: ignore[misc]
    """SEQUENCE OF with as many items as allowed."""

    def decode(self, decoder: Any) -> list[Any]:
        if self.has_extension_marker and decoder.read_bit():
            count: int = decoder.read_length_determinant()
        else:
            count = self.minimum + decoder.read_non_negative_binary_integer(self.number_of_bits)
            if count > self.maximum:  # RULE 1
                raise _OutOfRange(f"{count} items, where {self.minimum} to {self.maximum} may be")
        read = self.element_type.decode
        return [read(decoder) for _ in range(count)]


class _Octets(uper.OctetString):  # type: ignore[misc]
    """OCTET STRING of allowed length."""

    def decode(self, decoder: Any) -> bytes:
        value: bytes = super().decode(decoder)
        _check_size(self, len(value), "bytes")
        return value


class _Bits(uper.BitString):  # type: ignore[misc]
    """BIT STRING of allowed length."""

    def decode(self, decoder: Any) -> tuple[bytes, int]:
        value: tuple[bytes, int] = super().decode(decoder)
        _check_size(self, value[1], "bits")
        return value


class _Ia5Text(uper.IA5String):  # type: ignore[misc]
    """IA5String of allowed length."""

    def decode(self, decoder: Any) -> str:
        value: str = super().decode(decoder)
        _check_size(self, len(value), "characters")
        return value


class _Digits(uper.NumericString):  # type: ignore[misc]
    """NumericString of allowed length."""

    def decode(self, decoder: Any) -> str:
        value: str = super().decode(decoder)
        _check_size(self, len(value), "characters")
        return value


class _Name(uper.Enumerated):  # type: ignore[misc]
    """ENUMERATED whose unknown values keep their position."""

    def decode(self, decoder: Any) -> str:
        if self.additions_index_to_data is None or not decoder.read_bit():
            root: str = self.decode_root(decoder)
            return root
        position = decoder.read_normally_small_non_negative_whole_number()
        known: str | None = self.additions_index_to_data.get(position)
        return f"unknown-{_shown(position)}" if known is None else known  # RULE 3

    def encode(self, data: str, encoder: Any) -> None:
        try:
            super().encode(data, encoder)
        except KeyError:
            raise EncodeError(f"{data!r} is none of its values") from None


class _Fields(uper.Sequence):  # type: ignore[misc]
    """SEQUENCE that keeps the additions it does not know."""

    def decode_additions(self, decoder: Any) -> dict[str, Any]:
        count = decoder.read_normally_small_length()
        present = decoder.read_non_negative_binary_integer(count)
        decoded: dict[str, Any] = {}
        unknown: list[dict[str, Any]] = []
        for position in range(count):
            if not present >> (count - position - 1) & 1:
                continue
            content = decoder.read_bytes(decoder.read_length_determinant())
            if position >= len(self.additions):
                unknown.append({"position": position, "content": content})  # RULE 2
                continue
            addition = self.additions[position]
            value = _decode_whole(addition, content)
            decoded |= value if isinstance(addition, uper.per.AdditionGroup) else {addition.name: value}
        return decoded | {UNKNOWN_ADDITIONS: unknown} if unknown else decoded


class _Alternatives(uper.Choice):  # type: ignore[misc]
    """CHOICE that keeps the alternatives it does not know."""

    def decode_additions(self, decoder: Any) -> tuple[str, Any]:
        position = decoder.read_normally_small_non_negative_whole_number()
        content = decoder.read_bytes(decoder.read_length_determinant())
        addition = self.additions_index_to_member.get(position)
        if addition is None:
            return UNKNOWN_ALTERNATIVE, {"position": position, "content": content}  # RULE 3
        return addition.name, _decode_whole(addition, content)


_STRICT = {
    uper.Integer: _Whole,
    uper.SequenceOf: _Items,
    uper.OctetString: _Octets,
    uper.BitString: _Bits,
    uper.IA5String: _Ia5Text,
    uper.NumericString: _Digits,
    uper.Enumerated: _Name,
    uper.Sequence: _Fields,
    uper.Choice: _Alternatives,
}


def tighten(compiled: Any) -> None:
    """Make a compiled asn1tools type, and all it is made of, read by the rules above."""
    waiting, seen = [compiled], set()
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        waiting.extend(_parts(part))
        bounded = not isinstance(part, (uper.Integer, uper.SequenceOf)) or part.number_of_bits is not None
        strict = _STRICT.get(type(part))
        if strict is not None and bounded:
            part.__class__ = strict


def _parts(compiled: Any) -> Iterator[Any]:
    if isinstance(compiled, uper.per.MembersType):
        yield from compiled.root_members
        yield from compiled.additions or ()
    elif isinstance(compiled, uper.Choice):
        yield from compiled.root_index_to_member.values()
        yield from (compiled.additions_index_to_member or {}).values()
    elif isinstance(compiled, uper.SequenceOf):
        yield compiled.element_type
    elif isinstance(compiled, uper.Recursive):
        yield compiled._inner


def read_strictly(compiled: Any, pdu: bytes) -> Any:
    """The value of a whole message, or :class:`Refused` with the layer and the place."""
    try:
        return _decode_whole(compiled, pdu)
    except _OutOfRange as error:
        raise _refused("range", error) from None
    except _LeftOver as error:
        raise _refused("trailing", error) from None
    except OutOfDataError as error:
        raise Refused("length", f"the message ends early, {len(pdu)} bytes: {error}") from None
    except DecodeError as error:
        raise _refused("schema", error) from None
    except Exception as error:  # asn1tools also raises bare KeyError, ValueError, NotImplementedError on bad bits
        raise Refused("schema", f"{type(error).__name__}: {error}") from None


def _decode_whole(compiled: Any, content: bytes) -> Any:
    decoder = uper.Decoder(content)
    value = compiled.decode(decoder)
    rest = decoder.number_of_bits
    if rest > 7:  # RULE 4
        raise _LeftOver(f"{rest // 8} bytes follow where none may")
    if rest and decoder.read_non_negative_binary_integer(rest):
        raise _LeftOver(f"the last {rest} bits are padding and not zero")
    return value


def _check_size(compiled: Any, size: int, what: str) -> None:
    outside = compiled.maximum is not None and not compiled.minimum <= size <= compiled.maximum
    if outside and not compiled.has_extension_marker:
        raise _OutOfRange(f"{size} {what}, where {compiled.minimum} to {compiled.maximum} may be")


def _shown(value: int) -> str:
    return str(value) if abs(value) < _EXTENDED_LIMIT**2 else f"a number of {value.bit_length()} bits"


def _refused(layer: Layer, error: DecodeError) -> Refused:
    place = error.location_str
    return Refused(layer, f"{place}: {error.message}" if place else str(error.message))
