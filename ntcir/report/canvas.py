"""Charts drawn by matplotlib's Agg, whatever the environment says about windows, notebooks and styles."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ntcir.system.errors import UserError
from ntcir.system.files import atomic_path
from ntcir.system.libraries import confine_libraries
from ntcir.system.progress import say

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#22303c"  # of letters
# Okabe and Ito's colours, which the colour-blind tell apart, but for the yellow, which is hard to see on white.
COLOURS = ("#4d4d4d", "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9")
_BACKEND = "MPLBACKEND"


@contextmanager
def canvas(path: Path, **options: Any) -> Iterator[Figure]:
    """Yield a figure; what the body draws on it is written to ``path`` as PNG, whole or not at all.

    Styles of the user's own do not count: a picture looks the same on every machine.

    Args:
        path: the picture's.
        options: of the figure, such as ``figsize``.

    Raises:
        UserError: if matplotlib cannot be imported, or there is no room or no permission.
    """
    matplotlib = import_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # letters that the font lacks: a box stands for each
        matplotlib.rcdefaults()
        figure = Figure(**options)
        FigureCanvasAgg(figure)
        yield figure
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format="png")


def drawn(draw: Callable[[], Path | None]) -> Path | None:
    """Return the path of a chart that is drawn after the work, or None where it has nothing to show, or fails.

    A failure is only warned about.
    """
    try:
        return draw()
    except Exception as error:  # from fonts, the disk or memory: it must not end hours of work
        reason = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
        say(f"WARNING: the chart could not be drawn ({reason}); everything else is complete.")
        return None


def import_matplotlib() -> Any:
    """Import matplotlib, which as it is imported refuses a backend that it cannot find.

    A notebook's kernel names its own by ``MPLBACKEND``, and all that is started from there inherits it.
    """
    confine_libraries()
    first = "matplotlib" not in sys.modules
    wanted = os.environ.pop(_BACKEND, None)
    try:
        import matplotlib

        if wanted and first:
            with suppress(ValueError):  # for other code that draws in the same process
                matplotlib.rcParams["backend"] = wanted
    except Exception as error:  # such as a matplotlibrc that is not text
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise UserError(f"Nothing can be drawn: matplotlib cannot be imported ({reason}).") from error
    finally:
        if wanted is not None:
            os.environ[_BACKEND] = wanted
    return matplotlib
