"""Freedoom: the free game data that the vizdoom package ships, its maps, version and licence."""

import importlib.util
import re
import struct
from pathlib import Path

from temporal_clean.errors import TemporalCleanError

__all__ = ["notice", "version_of", "wad_of"]

# https://github.com/freedoom/freedoom/blob/v0.13.0/COPYING.adoc; the package ships no copy of it.
COPYRIGHT = "Copyright 2001-2024 Contributors to the Freedoom project. All rights reserved."
TERMS = """\
Redistribution and use in source and binary forms, with or without modification, are permitted \
provided that the following conditions are met:
* Redistributions of source code must retain the above copyright notice, this list of conditions \
and the following disclaimer.
* Redistributions in binary form must reproduce the above copyright notice, this list of \
conditions and the following disclaimer in the documentation and/or other materials provided with \
the distribution.
* Neither the name of the Freedoom project nor the names of its contributors may be used to \
endorse or promote products derived from this software without specific prior written permission.
THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS" AND ANY EXPRESS OR \
IMPLIED WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE IMPLIED WARRANTIES OF MERCHANTABILITY AND \
FITNESS FOR A PARTICULAR PURPOSE ARE DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT OWNER OR \
CONTRIBUTORS BE LIABLE FOR ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL \
DAMAGES (INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR SERVICES; LOSS OF USE, \
DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON ANY THEORY OF LIABILITY, \
WHETHER IN CONTRACT, STRICT LIABILITY, OR TORT (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY \
WAY OUT OF THE USE OF THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE."""


def wad_of(place: str) -> Path:
    """The file that holds a map: E1M1 is of Freedoom's first game, MAP01 of its second.

    Raises :class:`TemporalCleanError` for another name, or without the vizdoom package.
    """
    if re.fullmatch(r"E[1-4]M[1-9]", place):
        name = "freedoom1.wad"
    elif re.fullmatch(r"MAP(0[1-9]|[12]\d|3[0-2])", place):
        name = "freedoom2.wad"
    else:
        raise TemporalCleanError(
            f"{place} is no Freedoom map: expected E1M1 to E4M9 or MAP01 to MAP32"
        )
    spec = importlib.util.find_spec("vizdoom")
    if spec is None or spec.origin is None:
        raise TemporalCleanError(
            "Freedoom comes with ViZDoom, which is missing: pip install vizdoom"
        )
    return Path(spec.origin).with_name(name)


def notice(place: str) -> tuple[str, str]:
    """SPDX name of the licence, and the text that must go with pictures of a map."""
    origin = f"Freedoom {version_of(wad_of(place))}, map {place} (https://freedoom.github.io)."
    return "BSD-3-Clause", f"{origin} {COPYRIGHT}\n{TERMS}"


def version_of(wad: Path) -> str:
    """The version that a Freedoom WAD states of itself in its lump FREEDOOM.

    WAD: magic, number of lumps and place of the directory; there 16 bytes a lump: place, size, name
    (https://doomwiki.org/wiki/WAD).
    """
    with wad.open("rb") as file:
        _, count, directory = struct.unpack("<4sii", file.read(12))
        file.seek(directory)
        for place, size, name in struct.iter_unpack("<ii8s", file.read(16 * count)):
            if name.rstrip(b"\0") == b"FREEDOOM":
                file.seek(place)
                return file.read(size).decode().strip()
    return "of unknown version"
