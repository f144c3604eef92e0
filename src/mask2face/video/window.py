"""A window on the screen that shows pictures while they come."""

import os
import subprocess
import sys
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face.errors import UsageError
from mask2face.video.live import lettered

_TITLE: Final = "mask2face - invented, not recovered (q ends)"
_ESCAPE: Final = 27
_TRY: Final = "import cv2; cv2.namedWindow('mask2face'); cv2.waitKey(1); cv2.destroyAllWindows()"
_SECONDS: Final = 30.0  # that opening a window may take


class Window:
    """Show pictures; it is what `unmask_live` calls.

    Raises:
        UsageError: no window can be shown here.
    """

    def __init__(self) -> None:
        check_display()
        cv2.namedWindow(_TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)

    def __call__(self, pixels: NDArray[np.uint8], rate: float) -> bool:
        """Show a picture, RGB uint8 (H, W, 3), and the rate; return whether to go on.

        False after q, Esc or a click that closes the window.
        """
        shown = lettered(pixels, f"{rate:.1f} frames/s", top=True)
        cv2.imshow(_TITLE, np.ascontiguousarray(shown[..., ::-1]))
        key = cv2.waitKey(1) & 0xFF
        closed = cv2.getWindowProperty(_TITLE, cv2.WND_PROP_VISIBLE) < 1
        return not closed and key not in (ord("q"), _ESCAPE)

    def close(self) -> None:
        """Close the window."""
        cv2.destroyAllWindows()


def check_display() -> None:
    """Check that a window can be shown, in a process of its own: where none can, Qt aborts.

    Raises:
        UsageError: it cannot; the message names the way without one.
    """
    reason = ""
    if sys.platform == "linux" and not {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ):
        reason = "neither DISPLAY nor WAYLAND_DISPLAY is set"
    else:
        try:
            subprocess.run(
                [sys.executable, "-c", _TRY], check=True, capture_output=True, timeout=_SECONDS
            )
        except subprocess.CalledProcessError as error:
            lines = error.stderr.decode(errors="replace").split("\n")
            telling = [line for line in lines if "could not" in line or "error:" in line]
            reason = telling[0] if telling else f"status {error.returncode}"
        except subprocess.TimeoutExpired:
            reason = f"nothing came within {_SECONDS:g} s"
    if reason:
        raise UsageError(
            f"no window can be shown here ({reason}): give --no-window and --out clip.mp4"
        )
