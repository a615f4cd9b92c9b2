"""The command line. One module a command; nothing heavy is imported before a command runs."""

import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from temporal_clean.errors import TemporalCleanError

__all__ = ["main"]


# Parts of this package that not every installation has, by what they import first.
EXTRAS = {
    "comtypes": "live",
    "cv2": "train",
    "einops": "train",
    "jaxtyping": "train",
    "kornia": "train",
    "lightning": "train",
    "matplotlib": "metrics",
    "onnxscript": "train",
    "pipewire_capture": "wayland",
    "ptlflow": "flow",
    "safetensors": "train",
    "tensorboard": "train",
    "tomli_w": "live",
    "torch": "train",
    "torchvision": "train",
    "webdataset": "train",
    "windows_capture": "live",
    "xcffib": "live",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run ``temporal-clean`` with these arguments (the process's own by default).

    Exits with 2 and one sentence on errors a user can mend, with 130 when interrupted.
    """
    import tyro

    from temporal_clean.commands.bench import bench
    from temporal_clean.commands.build import build
    from temporal_clean.commands.clean import clean
    from temporal_clean.commands.compare import compare
    from temporal_clean.commands.cost import cost
    from temporal_clean.commands.demo import demo
    from temporal_clean.commands.doctor import doctor
    from temporal_clean.commands.evaluate import evaluate
    from temporal_clean.commands.export import export
    from temporal_clean.commands.hud_mask import hud_mask
    from temporal_clean.commands.live import live
    from temporal_clean.commands.pairs import pairs
    from temporal_clean.commands.train import train

    commands = {
        "demo": demo,
        "clean": clean,
        "live": live,
        "hud-mask": hud_mask,
        "compare": compare,
        "evaluate": evaluate,
        "pairs": pairs,
        "train": train,
        "export": export,
        "bench": bench,
        "build": build,
        "doctor": doctor,
        "cost": cost,
    }
    # A service manager's stop is a cancel like Ctrl-C: partial files are cleared away.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        tyro.extras.subcommand_cli_from_dict(
            commands,
            prog="temporal-clean",
            description="Cleans shimmer, crawl and break-up from game video, frame by frame.",
            args=arguments,
        )
    except TemporalCleanError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        extra = EXTRAS[error.name]
        print(
            f"error: this needs {error.name}, which players' installation leaves out: "
            f"pip install 'temporal-clean[{extra}]'",
            file=sys.stderr,
        )
        sys.exit(2)
    except KeyboardInterrupt:
        _end_cancelled()
    except ImportError as error:
        # A compiled module that Ctrl-C meets while it is imported (ONNX Runtime's) says so by this.
        if not isinstance(error.__cause__, KeyboardInterrupt):
            raise
        _end_cancelled()
    except BrokenPipeError:
        # The reader of our output went away (temporal-clean doctor | head): not an error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _end_cancelled() -> NoReturn:
    print("cancelled: nothing was left under the output's name", file=sys.stderr)
    sys.exit(130)
