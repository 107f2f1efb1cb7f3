"""A window that shows pictures, for ``render_mode="human"``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.errors import EngineUnavailable


class Window:
    """A window of a fixed size. Closing it by hand hides it; the simulation goes on.

    Args:
        title: of the window.
        width, height: in pixels.

    Raises:
        EngineUnavailable: pygame is not installed, or there is no screen.
    """

    def __init__(self, title: str, width: int, height: int) -> None:
        try:
            import pygame  # type: ignore[import-not-found,unused-ignore]
        except ImportError:
            raise EngineUnavailable(
                "A window needs pygame, which is not installed: `pip install pygame`, or use render_mode='rgb_array'."
            ) from None
        self._pygame: Any = pygame
        self._size = (width, height)
        try:
            pygame.display.init()
            self._surface: Any = pygame.display.set_mode(self._size)
        except pygame.error as error:
            pygame.display.quit()
            raise EngineUnavailable(
                f"No window can be opened here ({error}): use render_mode='rgb_array', "
                "or set SDL_VIDEODRIVER=dummy to draw nowhere."
            ) from None
        pygame.display.set_caption(title)

    @property
    def closed(self) -> bool:
        """Whether it was closed, by hand or by :meth:`close`."""
        return self._surface is None

    def show(self, picture: NDArray[np.uint8]) -> None:
        """Show a picture: ``(height, width, 3)`` uint8, top row first. Does nothing once the window was closed."""
        if self._surface is None:
            return
        for event in self._pygame.event.get():
            if event.type == self._pygame.QUIT:
                self.close()
                return
        frame = self._pygame.image.frombuffer(np.ascontiguousarray(picture).tobytes(), picture.shape[1::-1], "RGB")
        if frame.get_size() != self._size:
            frame = self._pygame.transform.smoothscale(frame, self._size)
        self._surface.blit(frame, (0, 0))
        self._pygame.display.flip()

    def close(self) -> None:
        """Close the window. A second call does nothing."""
        if self._surface is None:
            return
        self._surface = None
        self._pygame.display.quit()
