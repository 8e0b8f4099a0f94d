"""Recordings as they travel inside an HTML file: Ogg Opus, the same bytes each time."""

import io
import struct
from base64 import b64encode

import soundfile

from asr_core.audio import Audio, load_audio

CLIP_RATE = 16_000  # Hz; some 20 kbit/s of Opus
COMPRESSION = 0.9  # of libsndfile's 0 to 1: about 20 kbit/s; at 1 speech suffers
SERIAL = 1  # of the Ogg stream; libsndfile draws a number at random

PAGE = struct.Struct("<4sBBqIIIB")  # RFC 3533: an Ogg page's header
SERIAL_AT, CHECKSUM_AT = 14, 22  # bytes
POLYNOMIAL = 0x04C11DB7


def data_url(audio: Audio) -> str:
    """A recording as a data URL that an `audio` element plays."""
    return f"data:audio/ogg;base64,{b64encode(opus(audio)).decode()}"


def opus(audio: Audio) -> bytes:
    """Ogg Opus at CLIP_RATE (mono)."""
    samples = load_audio(audio.samples, CLIP_RATE, source_rate=audio.sample_rate).samples
    file = io.BytesIO()
    soundfile.write(
        file, samples, CLIP_RATE, format="OGG", subtype="OPUS", compression_level=COMPRESSION
    )
    return with_serial(file.getvalue(), SERIAL)


def with_serial(ogg: bytes, serial: int) -> bytes:
    """An Ogg file whose every page bears a serial number, with the checksums that follow."""
    pages, at = [], 0
    while at < len(ogg):
        *_, n_segments = PAGE.unpack_from(ogg, at)
        body = at + PAGE.size + n_segments
        end = body + sum(ogg[at + PAGE.size : body])
        page = bytearray(ogg[at:end])
        struct.pack_into("<I", page, SERIAL_AT, serial)
        struct.pack_into("<I", page, CHECKSUM_AT, 0)
        struct.pack_into("<I", page, CHECKSUM_AT, _checksum(page))
        pages.append(bytes(page))
        at = end
    return b"".join(pages)


def _step(byte: int) -> int:
    remainder = byte << 24
    for _ in range(8):
        remainder = (remainder << 1) ^ (POLYNOMIAL if remainder & 0x80000000 else 0)
    return remainder & 0xFFFFFFFF


STEPS = tuple(map(_step, range(256)))


def _checksum(page: bytearray) -> int:
    """RFC 3533's CRC: not zlib's, whose bits run the other way."""
    remainder = 0
    for byte in page:
        remainder = ((remainder << 8) & 0xFFFFFFFF) ^ STEPS[(remainder >> 24) ^ byte]
    return remainder
