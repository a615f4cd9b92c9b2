"""Decoding a video file that may be damaged or cut short."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path

from av.error import EOFError as EndOfFile
from av.error import FFmpegError, InvalidDataError
from av.packet import Packet
from av.video.frame import VideoFrame

from temporal_clean.errors import TemporalCleanError
from temporal_clean.video.failures import reason
from temporal_clean.video.source import MICROSECONDS, open_video

__all__ = ["Decoder"]

# A place nearer than this is reached by decoding on, about as fast as from the key frame before.
SEEK_SECONDS = 2
# Containers whose header states the duration; others estimate it from the bit rate.
STATED_DURATION = ("matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2", "avi", "flv")
FALLBACK_RATE = Fraction(25)  # FFmpeg's, for a stream that states neither timestamps nor a rate
# A file is called cut if it ends before its header's duration by more than both of these.
CUT_SECONDS, CUT_SHARE = Fraction(1, 10), Fraction(1, 50)


class Decoder:
    """The pictures of a file's video, as FFmpeg gives them, in order of presentation.

    Damaged packets are skipped and counted; ``warnings`` says so once the end is reached.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.container, self.stream = open_video(path)
        self._damaged, self._count, self._reached = 0, 0, Fraction(0)
        self._next_pts, self.untimed = 0, False

    def close(self) -> None:
        """Close the file."""
        self.container.close()

    def time(self, frame: VideoFrame) -> Fraction:
        """Seconds, by the source's clock."""
        return (frame.pts or 0) * (self.stream.time_base or Fraction(0))

    def frames(self) -> Iterator[VideoFrame]:
        """From where the file stands to its end.

        Raises :class:`TemporalCleanError` if reading fails; a file that is cut ends early instead.
        """
        try:
            for packet in self.container.demux():
                if packet.stream.index == self.stream.index:
                    yield from self._pictures(packet)
                self._note(packet)
        except InvalidDataError:
            self._damaged += 1
            yield from self._pictures(None)
        except (FFmpegError, OSError) as error:
            raise TemporalCleanError(
                f"{self.path} could be read only up to frame {self._count} ({reason(error)}): "
                "check the disk or the connection it lies on"
            ) from error

    def frames_from(self, target: Fraction, first: VideoFrame) -> Iterator[VideoFrame]:
        """From the first frame at or after ``target``; ``first`` is the clip's first frame."""
        ahead = chain([first], self.frames())
        if target - self.time(first) > SEEK_SECONDS and not self.untimed:
            ahead = self._seek(target)
        return (frame for frame in ahead if self.time(frame) >= target)

    def _seek(self, target: Fraction) -> Iterator[VideoFrame]:
        """Frames from a key frame before ``target``; from the beginning if none can be found."""
        try:
            self.container.seek(int(target / (self.stream.time_base or 1)), stream=self.stream)
            frames = self.frames()
            if (landed := next(frames, None)) is not None and self.time(landed) <= target:
                return chain([landed], frames)
        except FFmpegError:
            pass
        self.close()
        self.container, self.stream = open_video(self.path)
        return self.frames()

    def _pictures(self, packet: Packet | None) -> Iterator[VideoFrame]:
        """What a packet completes; ``None`` gets the decoder's last pictures."""
        try:
            for frame in self.stream.decode(packet):
                self._count += 1
                self._damaged += frame.is_corrupt
                yield self._timed(frame)
        except EndOfFile:
            return
        except InvalidDataError:
            self._damaged += 1

    def _timed(self, frame: VideoFrame) -> VideoFrame:
        """Give a frame of a bare stream (such as .h264) the timestamp its rate implies."""
        if frame.pts is None:
            self.untimed, frame.pts = True, self._next_pts
        rate = self.stream.guessed_rate or FALLBACK_RATE
        self._next_pts = frame.pts + round(1 / (rate * (self.stream.time_base or 1)))
        return frame

    def _note(self, packet: Packet) -> None:
        """Remember how far the file reaches, over all its streams."""
        if packet.pts is not None and packet.time_base:
            end = (packet.pts + (packet.duration or 0)) * packet.time_base
            self._reached = max(self._reached, end)

    def warnings(self) -> Iterator[str]:
        """What the end of the file showed: damage, and a cut."""
        if self.untimed:
            yield "some frames have no timestamp: they were spaced by the frame rate"
        if self._damaged:
            yield f"{self._damaged} damaged part(s) of {self.path.name} were skipped or concealed"
        if self.container.format.name in STATED_DURATION and self.container.duration:
            promised = Fraction(self.container.duration, MICROSECONDS)
            missing = promised - self._reached
            if missing > max(CUT_SECONDS, promised * CUT_SHARE):
                yield (
                    f"{self.path.name} looks cut short: its header says {float(promised):.2f} s, "
                    f"it ends {float(missing):.2f} s earlier, after {self._count} frames"
                )
