"""ONNX Runtime's devices as they are here: plugins and Windows ML registered, then listed.

A plugin provider is a library that a package or Windows brings; ONNX Runtime shows its devices
once it is registered. Registering happens once in a process and downloads nothing.
"""

import functools
import importlib
import importlib.util
from dataclasses import dataclass
from typing import Any

from temporal_clean.realtime.engines.devices import (
    CPU_PROVIDER,
    Choice,
    Device,
    choices,
    device_from_metadata,
    stands_for_others,
)

__all__ = ["CatalogueEntry", "Found", "find_devices", "register_plugins", "windows_catalogue"]

# Packages that bring a plugin; all have get_library_path() and get_ep_names().
PLUGINS = {
    "onnxruntime_ep_nv_tensorrt_rtx": "pip install onnxruntime-ep-nv-tensorrt-rtx",
    "onnxruntime_ep_openvino": "pip install onnxruntime-ep-openvino",
    "onnxruntime_ep_webgpu": "pip install onnxruntime-ep-webgpu",
    "onnxruntime_qnn": "pip install onnxruntime-qnn",
}
# Listed among the built-in providers, but no device: it sends tensors to a service.
REMOTE_PROVIDERS = {"AzureExecutionProvider"}


@dataclass(frozen=True)
class Found:
    """A choice and what ONNX Runtime wants to be given for it.

    ``handle`` is its OrtEpDevice, or None for a provider built in without device discovery,
    which is asked for by name.
    """

    choice: Choice
    handle: Any


def find_devices() -> list[Found]:
    """Every provider and device but the plain CPU, the most promising first."""
    import onnxruntime

    register_plugins()
    devices, handles = [], []
    listed = {CPU_PROVIDER} | REMOTE_PROVIDERS
    for handle in onnxruntime.get_ep_devices() if hasattr(onnxruntime, "get_ep_devices") else ():
        listed.add(handle.ep_name)
        provided, hardware = dict(handle.ep_metadata), handle.device
        if stands_for_others(provided):
            continue
        kind, told = hardware.type.name.lower(), dict(hardware.metadata)
        version = provided.get("version", "")
        devices.append(device_from_metadata(handle.ep_name, kind, hardware.vendor, told, version))
        handles.append(handle)
    for provider in onnxruntime.get_available_providers():
        if provider not in listed:
            devices.append(Device(provider, "gpu", "", "whichever the provider picks"))
            handles.append(None)
    return [Found(choice, handles[choice.place]) for choice in choices(devices)]


@dataclass(frozen=True)
class CatalogueEntry:
    """A provider that Windows ML offers for this machine; ``library`` is '' until downloaded."""

    name: str
    version: str
    library: str


@functools.cache
def register_plugins() -> dict[str, str]:
    """Register what is installed; each library's name with '' or why it was refused."""
    results = {}
    for package in PLUGINS:
        if importlib.util.find_spec(package) is None:
            continue
        try:
            module = importlib.import_module(package)
            results[package] = _register(module.get_ep_names()[0], module.get_library_path())
        except (ImportError, OSError) as error:
            results[package] = str(error)
    for entry in windows_catalogue():
        if entry.library and entry.name not in _registered():
            results[f"Windows ML {entry.name}"] = _register(entry.name, entry.library)
    return results


@functools.cache
def _catalogue() -> Any:
    """Kept for the life of the process: its release crashes with some NPU drivers.

    Seen by Microsoft's winml-cli, pull request 729.
    """
    return importlib.import_module("windowsml").EpCatalog()


def windows_catalogue(download: bool = False) -> list[CatalogueEntry]:
    """What Windows ML offers; with ``download``, fetch what is not on the machine yet.

    Empty where the package 'windowsml' is missing or does not load, as on every other system.
    """
    if importlib.util.find_spec("windowsml") is None:
        return []
    try:
        absent = importlib.import_module("windowsml").EpReadyState.NotPresent
        offered = _catalogue().find_all_providers()
    except (ImportError, OSError):
        return []
    return [_entry(provider, download or provider.ready_state != absent) for provider in offered]


def _entry(provider: Any, prepare: bool) -> CatalogueEntry:
    """One provider of the catalogue, made ready if ``prepare``; one that fails has no library."""
    try:
        if prepare:
            provider.ensure_ready()
        return CatalogueEntry(provider.name, provider.version, provider.library_path)
    except OSError:
        return CatalogueEntry(provider.name, provider.version, "")


def _register(name: str, library: str) -> str:
    import onnxruntime

    try:
        onnxruntime.register_execution_provider_library(name, library)
    except Exception as error:  # the runtime raises its own types, a bad library anything
        return str(error).splitlines()[0]
    return ""


def _registered() -> set[str]:
    import onnxruntime

    return {device.ep_name for device in onnxruntime.get_ep_devices()}
