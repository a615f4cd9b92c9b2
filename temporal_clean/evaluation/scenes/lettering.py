"""Letters of five by seven dots, as on consoles: sharp text without a font file."""

import torch
from jaxtyping import Bool
from torch import Tensor

__all__ = ["GLYPHS", "lettering"]

# Rows from the top, two hexadecimal digits each; bit 4 is the leftmost dot.
GLYPHS: dict[str, str] = {
    " ": "00000000000000",
    "A": "0E11111F111111",
    "B": "1E11111E11111E",
    "C": "0E11101010110E",
    "D": "1C12111111121C",
    "E": "1F10101E10101F",
    "F": "1F10101E101010",
    "G": "0E11101713110F",
    "H": "1111111F111111",
    "I": "0E04040404040E",
    "J": "0702020202120C",
    "K": "11121418141211",
    "L": "1010101010101F",
    "M": "111B1515111111",
    "N": "11111915131111",
    "O": "0E11111111110E",
    "P": "1E11111E101010",
    "Q": "0E11111115120D",
    "R": "1E11111E141211",
    "S": "0F10100E01011E",
    "T": "1F040404040404",
    "U": "1111111111110E",
    "V": "11111111110A04",
    "W": "11111115151B11",
    "X": "11110A040A1111",
    "Y": "11110A04040404",
    "Z": "1F01020408101F",
    "0": "0E11131519110E",
    "1": "040C040404040E",
    "2": "0E11010204081F",
    "3": "1F02040201110E",
    "4": "02060A121F0202",
    "5": "1F101E0101110E",
    "6": "0608101E11110E",
    "7": "1F010204080808",
    "8": "0E11110E11110E",
    "9": "0E11110F01020C",
    "/": "00010204081000",
    "-": "0000001F000000",
    ":": "000C0C000C0C00",
    ".": "00000000000C0C",
    "%": "18190204081303",
}


def lettering(text: str, dot: int = 1) -> Bool[Tensor, "height width"]:
    """A line of text, ``7 * dot`` high and ``6 * dot`` a letter wide; capitals only."""
    unknown = sorted(set(text) - set(GLYPHS))
    if unknown:
        raise ValueError(f"no letter for {unknown}; there are {''.join(GLYPHS)!r}")
    rows = torch.tensor([list(bytes.fromhex(GLYPHS[letter])) for letter in text]).T
    bits = rows[:, :, None] >> torch.tensor([4, 3, 2, 1, 0, 5]) & 1
    dots = bits.flatten(1).bool()
    return dots.repeat_interleave(dot, 0).repeat_interleave(dot, 1)
