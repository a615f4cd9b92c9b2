"""temporal-clean doctor"""

__all__ = ["doctor"]


def doctor() -> None:
    """Say what is installed, which engines work here, and what is missing, with install lines.

    Each engine is tested against ONNX Runtime on three recurrent frames of each model.

    Example: temporal-clean doctor
    """
    import platform

    from temporal_clean import __version__
    from temporal_clean.commands.progress import say
    from temporal_clean.machine import instruction_sets, processor
    from temporal_clean.realtime.cache import cache_folder

    say(f"temporal-clean {__version__}, Python {platform.python_version()}, {platform.platform()}")
    # The instruction sets that matter for bf16.
    sets = instruction_sets(("avx2", "avx512f", "avx512_bf16", "amx_bf16"))
    say(f"processor: {', '.join(filter(None, (processor(), ' '.join(sets))))}")
    say(f"cache: {cache_folder()}")
    say("\npackages")
    for line in _packages():
        say(f"  {line}")
    say("\nengines")
    for line in _engines():
        say(f"  {line}")


# What each part brings, and the line that installs it.
PARTS = {
    "av": "pip install av",
    "onnx": "pip install onnx",
    "onnxslim": "pip install onnxslim",
    "onnxruntime": "pip install onnxruntime",
    "openvino": "pip install openvino",
    "torch": "pip install 'temporal-clean[train]'",
    "cv2": "pip install 'temporal-clean[train]'",
    "ptlflow": "pip install 'temporal-clean[flow]'",
    "tensorrt_rtx": "pip install 'temporal-clean[rtx]'",
}
DISTRIBUTIONS = {"cv2": "opencv-python-headless", "tensorrt_rtx": "tensorrt-rtx"}


def _packages() -> list[str]:
    from importlib.metadata import PackageNotFoundError, version

    lines = []
    for module, install in PARTS.items():
        try:
            lines.append(f"{module:<14}{version(DISTRIBUTIONS.get(module, module))}")
        except PackageNotFoundError:
            lines.append(f"{module:<14}missing: {install}")
    return lines


def _engines() -> list[str]:
    """One line for each engine, device, precision and model that ships."""
    from temporal_clean import assets
    from temporal_clean.realtime.engines.choice import ENGINES, available, self_test, variants_of

    lines = []
    for name, present in available().items():
        if not present:
            lines.append(f"{name:<22}missing: {ENGINES[name]}")
            continue
        found = variants_of(name)
        if not found:
            lines.append(f"{name:<22}installed, but finds no device here")
        for variant in found:
            lines.append(f"{variant.id:<22}{variant.precision:<6}{variant.device}")
            for model in assets.MODELS:
                verdict = self_test(variant, model)
                mark = "works" if verdict.passed else "REFUSED"
                lines.append(f"{'':<22}{model:<9}{mark}: {verdict.text}")
    return lines
