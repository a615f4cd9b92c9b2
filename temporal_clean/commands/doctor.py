"""temporal-clean doctor"""

__all__ = ["doctor"]


def doctor(download_providers: bool = False) -> None:
    """Say what is installed, which engines work here, and what is missing, with install lines.

    Each engine is tested on each device against ONNX Runtime on the processor, on three recurrent
    frames of each model.

    Example: temporal-clean doctor

    Args:
        download_providers: On Windows, first fetch the providers that Windows ML offers for this
            machine and that are not on it yet (from Microsoft, up to some hundred MB).
    """
    import platform

    from temporal_clean import __version__
    from temporal_clean.commands.progress import say
    from temporal_clean.machine import instruction_sets, processor
    from temporal_clean.realtime.cache import cache_folder
    from temporal_clean.realtime.live.desktop import describe_desktop

    say(f"temporal-clean {__version__}, Python {platform.python_version()}, {platform.platform()}")
    # The instruction sets that matter for bf16.
    sets = instruction_sets(("avx2", "avx512f", "avx512_bf16", "amx_bf16"))
    say(f"processor: {', '.join(filter(None, (processor(), ' '.join(sets))))}")
    say(f"cache: {cache_folder()}")
    say("\npackages")
    for line in _packages():
        say(f"  {line}")
    say("\nONNX Runtime's providers")
    for line in _providers(download_providers):
        say(f"  {line}")
    say("\nlive capture")
    for line in describe_desktop():
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
    "ncnn": "pip install 'temporal-clean[vulkan]'",
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


def _providers(download: bool) -> list[str]:
    """Built in, by packages and by Windows; why one was refused."""
    import onnxruntime

    from temporal_clean.realtime.engines.providers import (
        PLUGINS,
        find_devices,
        register_plugins,
        windows_catalogue,
    )

    catalogue = windows_catalogue(download)
    lines = [f"{name:<34}built in" for name in onnxruntime.get_available_providers()]
    registered = register_plugins()
    lines += [f"{name:<34}{why or 'registered'}" for name, why in registered.items()]
    # A plugin may be there and know none of this machine's devices.
    devices = [found.choice for found in find_devices()]
    lines += [f"{choice.id:<34}{choice.device}" for choice in devices]
    lines += [] if devices else [f"{'':<34}no device beside the plain processor"]
    missing = [install for package, install in PLUGINS.items() if package not in registered]
    lines += [f"{'':<34}to add: {install}" for install in missing]
    absent = [entry.name for entry in catalogue if not entry.library]
    lines += [
        f"{name:<34}offered by Windows: temporal-clean doctor --download-providers"
        for name in absent
    ]
    return lines


def _engines() -> list[str]:
    """One line for each engine, device, precision and model that ships."""
    from temporal_clean import assets
    from temporal_clean.realtime.engines.choice import ENGINES, available, self_test, variants_of
    from temporal_clean.realtime.engines.kinds import why_none

    lines = []
    for name, present in available().items():
        if not present:
            lines.append(f"{name:<26}missing: {ENGINES[name]}")
            continue
        found = variants_of(name)
        if not found:
            reason = why_none(name) or "finds no device here"
            lines.append(f"{name:<26}installed, but {reason}")
        for variant in found:
            title = f"{variant.id:<26}{variant.precision:<6}"
            if variant.software:
                lines.append(f"{title}{variant.device}: tested only when asked for, it is slow")
                continue
            lines.append(f"{title}{variant.device}")
            for model in assets.MODELS:
                verdict = self_test(variant, model)
                if not verdict.passed:  # perhaps before a new driver
                    verdict = self_test(variant, model, again=True)
                mark = "works" if verdict.passed else "REFUSED"
                lines.append(f"{title}{model:<9}{mark}: {verdict.text}")
    return lines
