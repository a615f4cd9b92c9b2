"""Where figures come from: command, versions, hardware and date."""

from datetime import date

from temporal_clean.machine import command_line, package_versions, processor

__all__ = ["provenance"]

# Whose versions can move a figure.
PACKAGES = ("torch", "opencv-python-headless", "av", "numpy", "flip-evaluator", "cvvdp")


def provenance(program: str = "temporal-clean") -> dict[str, str]:
    """Lines to print under a table that ``program`` made, by what they tell."""
    import torch

    from temporal_clean import __version__

    versions = package_versions(PACKAGES)
    device = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "no GPU"
    return {
        "command": command_line(program),
        "versions": ", ".join([f"temporal-clean {__version__}", *versions]),
        "hardware": f"{processor()}, {device}",
        "date": date.today().isoformat(),
    }
