"""Writing frames as pictures: into a folder, as a numbered row, or as one."""

from fractions import Fraction
from typing import Self, cast

from av import CodecContext
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext

from temporal_clean.errors import TemporalCleanError
from temporal_clean.video.failures import cannot_write
from temporal_clean.video.image_formats import PICTURE_FORMATS
from temporal_clean.video.images import JFIF_MATRIX, NUMBER, ImageReader
from temporal_clean.video.info import RANGE_FULL, Frame, Pixels
from temporal_clean.video.matrix import Coding
from temporal_clean.video.pixels import Packer
from temporal_clean.video.places import Kind, Place
from temporal_clean.video.reader import VideoReader

__all__ = ["ImageWriter"]

# PQ and HLG (ITU-T H.273 table 3): the pictures of these alone are tagged, because players show
# the others rightly without, and many viewers show a tagged BT.709 curve too dark.
HDR_TRANSFERS = (16, 18)


class ImageWriter:
    """Pictures that appear under their final names when the ``with`` block ends well.

    A folder gets PNG files named as the source's pictures, or ``frame_000001.png`` for video.
    """

    def __init__(self, place: Place, reader: VideoReader | ImageReader, codec: str) -> None:
        if codec != "auto":
            raise TemporalCleanError(
                f"codec {codec} is for video, {place.final} is for pictures: leave the codec out"
            )
        self.warnings = track_warnings(reader)
        self._place, self._info, self._count = place, (info := reader.info), 0
        suffix = ".png" if place.kind is Kind.FOLDER else place.final.suffix.lower()
        self._suffix, self._format = suffix, PICTURE_FORMATS[suffix]
        if place.kind is Kind.PICTURE and (info.frames or 2) > 1:
            raise self._too_many()
        self._layout, bits = self._format.layout(info.bits)
        if bits < info.bits and bits == 8:
            self.warnings.append(f"{suffix} stores 8 of the source's {info.bits} bits a sample")
        coding = Coding(JFIF_MATRIX, True, bits)
        self._pack = Packer(info.width, info.height, self._layout, coding, None)

    def __enter__(self) -> Self:
        try:
            self._place.prepare()
        except OSError as error:
            raise cannot_write(self._place.final, error) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._place.discard()

    def write(self, pixels: Pixels, frame: Frame) -> None:
        """Write the picture that ``frame`` became.

        Raises :class:`TemporalCleanError` if it cannot be written.
        """
        self._info.check(pixels)
        if self._place.kind is Kind.PICTURE and self._count:
            raise self._too_many()
        target = self._place.partial / self._name(frame)
        try:
            target.write_bytes(self._encode(pixels))
        except (FFmpegError, OSError) as error:
            raise cannot_write(self._place.final, error) from error
        self._count += 1

    def _name(self, frame: Frame) -> str:
        name = self._place.final.name
        if self._place.kind is Kind.PICTURE:
            return name
        if self._place.kind is Kind.NUMBERED:
            return NUMBER.sub(lambda match: match[0] % (self._count + 1), name)
        stem = frame.name or f"frame_{frame.index + 1:06d}"
        repeated = (self._place.partial / f"{stem}{self._suffix}").exists()
        return f"{stem}_{frame.index + 1}{self._suffix}" if repeated else f"{stem}{self._suffix}"

    def _encode(self, pixels: Pixels) -> bytes:
        """The bytes of a picture file."""
        picture = self._pack(pixels)
        picture.pts, picture.color_range = 0, RANGE_FULL
        context = cast(VideoCodecContext, CodecContext.create(self._format.codec, "w"))
        context.width, context.height = picture.width, picture.height
        context.pix_fmt, context.time_base = self._layout, Fraction(1)
        context.color_range, context.options = RANGE_FULL, dict(self._format.options)
        if self._info.color.transfer in HDR_TRANSFERS:
            picture.color_trc = context.color_trc = self._info.color.transfer
            picture.color_primaries = context.color_primaries = self._info.color.primaries
        return b"".join(bytes(packet) for packet in (*context.encode(picture), *context.encode()))

    def _finish(self) -> None:
        if not self._count:
            raise TemporalCleanError(f"{self._place.final} was not written: no frame was given")
        try:
            self._place.commit()
        except OSError as error:
            raise cannot_write(self._place.final, error) from error

    def _too_many(self) -> TemporalCleanError:
        stem = self._place.final.stem
        return TemporalCleanError(
            f"{self._place.final} can hold one picture, the input has more: give a folder, a "
            f"pattern such as {stem}_%04d{self._suffix}, or a video such as {stem}.mp4"
        )


def track_warnings(reader: VideoReader | ImageReader) -> list[str]:
    """Pictures have no sound."""
    kinds = sorted(reader.other_tracks) if isinstance(reader, VideoReader) else []
    return [f"{' and '.join(kinds)} not kept: the output is pictures"] if kinds else []
