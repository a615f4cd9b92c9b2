"""Presenters by OpenGL (glfw and moderngl): pictures scaled to fit, in an overlay or a window.

Scaling is what they have over shared memory; on a machine without a GPU they are slower. Pictures
pass through host memory: interop with CUDA is left out until there is a machine to run it on.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import glfw
import moderngl
import numpy as np
from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.events import Command, CommandGiven, Event
from temporal_clean.realtime.live.frames import PixelFormat, Rectangle
from temporal_clean.realtime.live.hotkeys import Hotkey
from temporal_clean.realtime.live.x11.hotkeys import Hotkeys
from temporal_clean.realtime.live.x11.overlay import Overlay
from temporal_clean.realtime.live.x11.server import Server

__all__ = ["GLOverlayPresenter", "GLWindowPresenter", "fitted"]

# One triangle over the whole viewport; the picture's first row is at the top.
VERTEX = """#version 330
out vec2 place;
void main() {
    vec2 corner = vec2((gl_VertexID << 1) & 2, gl_VertexID & 2);
    place = vec2(corner.x, 1.0 - corner.y);
    gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}"""
FRAGMENT = """#version 330
uniform sampler2D picture;
in vec2 place;
out vec4 colour;
void main() { colour = vec4(texture(picture, place).rgb, 1.0); }"""


class GLPresenter:
    """What both kinds share: the window, its context, drawing, events and the hotkeys."""

    formats: tuple[PixelFormat, ...] = ("bgra8",)
    covers: bool = False

    def __init__(self, title: str, decorated: bool, hotkeys: Mapping[Command, Hotkey]) -> None:
        self._server = Server()
        self._hotkeys: Hotkeys | None = None
        self._window: Any = None
        self._texture: moderngl.Texture | None = None
        self.notes: Sequence[str] = ()
        try:
            self._open(title, decorated)
            self._hotkeys = Hotkeys(hotkeys)
        except TemporalCleanError:
            self.close()
            raise
        self.notes = tuple(self._hotkeys.refused)

    def _open(self, title: str, decorated: bool) -> None:
        """A hidden window with an OpenGL 3.3 context, whose swaps never wait for the screen."""
        # Overlays and hotkeys are the X server's, under Wayland too.
        glfw.init_hint(glfw.PLATFORM, glfw.PLATFORM_X11)
        # Failures are told by what is returned, with ``_reason``.
        glfw.ERROR_REPORTING = "ignore"
        if not glfw.init():
            raise TemporalCleanError(f"GLFW cannot start: {_reason()}; use --presenter overlay")
        glfw.default_window_hints()
        for hint, value in (
            (glfw.VISIBLE, False),
            (glfw.DECORATED, decorated),
            (glfw.FOCUS_ON_SHOW, False),
            (glfw.FOCUSED, False),
            (glfw.DOUBLEBUFFER, True),
            (glfw.CONTEXT_VERSION_MAJOR, 3),
            (glfw.CONTEXT_VERSION_MINOR, 3),
            (glfw.OPENGL_PROFILE, glfw.OPENGL_CORE_PROFILE),
        ):
            glfw.window_hint(hint, value)
        self._window = glfw.create_window(16, 16, title, None, None)
        if not self._window:
            raise TemporalCleanError(
                f"no OpenGL 3.3 here: {_reason()}; use --presenter overlay or window, "
                "which need no OpenGL"
            )
        self.window: int = glfw.get_x11_window(self._window)
        glfw.make_context_current(self._window)
        glfw.swap_interval(0)
        self._context = moderngl.create_context()
        self._triangle = self._context.vertex_array(
            self._context.program(vertex_shader=VERTEX, fragment_shader=FRAGMENT), []
        )

    def poll(self) -> Sequence[Event]:
        """Hotkeys, and the window's being closed, since the last call."""
        glfw.poll_events()
        commands = self._hotkeys.poll() if self._hotkeys else []
        found: list[Event] = [CommandGiven(command) for command in commands]
        if glfw.window_should_close(self._window):
            glfw.set_window_should_close(self._window, False)
            found.append(CommandGiven(Command.QUIT))
        return found

    def close(self) -> None:
        """Hide and free everything. Idempotent."""
        if self._window:
            glfw.make_context_current(self._window)
            self._context.release()
            glfw.destroy_window(self._window)
            self._window = None
            glfw.terminate()
        if self._hotkeys:
            self._hotkeys.close()
        self._server.close()

    def _draw(self, picture: NDArray[np.uint8], size: tuple[int, int], place: Rectangle) -> None:
        """Draw into ``place`` of a window of ``size`` pixels, black around it, and swap."""
        glfw.make_context_current(self._window)
        texture = self._upload(picture)
        self._context.viewport = (0, 0, *size)
        self._context.clear()
        # OpenGL counts rows from the bottom.
        bottom = size[1] - place.y - place.height
        self._context.viewport = (place.x, bottom, place.width, place.height)
        exact = (place.width, place.height) == texture.size
        kind = moderngl.NEAREST if exact else moderngl.LINEAR
        texture.filter = (kind, kind)
        texture.use()
        self._triangle.render(moderngl.TRIANGLES, vertices=3)
        glfw.swap_buffers(self._window)

    def _upload(self, picture: NDArray[np.uint8]) -> moderngl.Texture:
        height, width = picture.shape[:2]
        if self._texture is None or self._texture.size != (width, height):
            if self._texture:
                self._texture.release()
            self._texture = self._context.texture((width, height), 4)
            self._texture.swizzle = "BGRA"
            self._texture.repeat_x = self._texture.repeat_y = False
        self._texture.write(np.ascontiguousarray(picture))
        return self._texture


class GLOverlayPresenter(GLPresenter):
    """Over the window ``target``, scaled to its place; see :class:`Overlay`."""

    covers = True
    description = "overlay (OpenGL)"

    def __init__(self, target: int | None, hotkeys: Mapping[Command, Hotkey]) -> None:
        super().__init__("temporal-clean overlay", False, hotkeys)
        self._overlay = Overlay(self._server, self.window, target)
        self._server.connection.flush()

    def show(self, picture: NDArray[Any], place: Rectangle) -> None:
        """Show a picture, (height, width, 4) uint8 BGRA, scaled to ``place``."""
        size = place.width, place.height
        whole = Rectangle(0, 0, *size)
        if size != self._overlay.place[2:]:
            # OpenGL learns of a window's new size when it swaps, so the first picture is lost.
            self._overlay.move(place)
            self._server.core.GetInputFocus().reply()
            self._draw(picture, size, whole)
        self._overlay.show(place)
        self._server.core.GetInputFocus().reply()
        self._draw(picture, size, whole)

    def hide(self) -> None:
        """Unmap the overlay, so that the game shows through. Idempotent."""
        self._overlay.hide()
        self._server.connection.flush()

    def poll(self) -> Sequence[Event]:
        """Hotkeys since the last call; what was raised above the overlay is taken care of."""
        for event in self._server.events():
            self._overlay.handle(event)
        self._server.connection.flush()
        return super().poll()


class GLWindowPresenter(GLPresenter):
    """A window that can be moved, resized and closed: the picture as large as fits, black around.

    The first picture decides its size. It does not take the keyboard when it appears.
    """

    description = "window (OpenGL)"

    def __init__(self, title: str, hotkeys: Mapping[Command, Hotkey]) -> None:
        super().__init__(title, True, hotkeys)
        self._shown = self._sized = False
        user_time = np.zeros(1, np.uint32).tobytes()
        self._server.write(self.window, "_NET_WM_USER_TIME", "CARDINAL", 32, user_time)
        self._server.core.GetInputFocus().reply()

    def show(self, picture: NDArray[Any], place: Rectangle) -> None:
        """Show a picture, (height, width, 4) uint8 BGRA, in its own proportions."""
        height, width = picture.shape[:2]
        if not self._sized:
            glfw.set_window_size(self._window, width, height)
            self._sized = True
        if not self._shown:
            glfw.show_window(self._window)
            self._shown = True
        size = glfw.get_framebuffer_size(self._window)
        self._draw(picture, size, fitted((width, height), size))

    def hide(self) -> None:
        """Take the window away. Idempotent."""
        glfw.hide_window(self._window)
        self._shown = False


def fitted(picture: tuple[int, int], window: tuple[int, int]) -> Rectangle:
    """The largest place for a picture in a window, in its proportions and in the middle.

    Sizes are (width, height).
    """
    scale = min(window[0] / picture[0], window[1] / picture[1])
    width, height = (max(1, round(side * scale)) for side in picture)
    return Rectangle((window[0] - width) // 2, (window[1] - height) // 2, width, height)


def _reason() -> str:
    """What GLFW says of its last failure."""
    _, text = glfw.get_error()
    return text.decode(errors="replace") if isinstance(text, bytes) else str(text)
