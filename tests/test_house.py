"""The rules of the house: which folder may import which, and what the wheel holds."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("flow", "models", "temporal_clean", "train", "realtime")
# The commands and the library's front door may use everything.
FRONT = ("temporal_clean/commands/", "temporal_clean/__init__.py", "temporal_clean/cleaning.py")
FORBIDDEN = {
    "flow": ("models", "core", "train", "realtime"),
    "models": ("flow", "core", "train", "realtime"),
    "core": ("train", "realtime"),
    "train": ("realtime",),
    "realtime": ("train",),
}


def sources() -> list[Path]:
    return [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]


def part_of(module: str) -> str | None:
    """The folder that an absolute import of ours reaches into; None for other people's code."""
    top, _, rest = module.partition(".")
    if top != "temporal_clean":
        return None
    first = rest.partition(".")[0]
    return first if first in ("flow", "models", "train", "realtime") else "core"


def imported(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; use the temporal_clean name"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_folders_import_only_what_the_design_allows(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    if name.startswith(FRONT):
        return
    folder = name.partition("/")[0]
    home = "core" if folder == "temporal_clean" else folder
    wrong = [m for m in imported(path) if part_of(m) in FORBIDDEN[home]]
    assert not wrong, f"{name} may not import {wrong}"


def test_every_package_is_listed_for_the_wheel() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    found = set()
    for path in sources():
        if path.name == "__init__.py":
            parts = path.relative_to(ROOT).parent.parts
            parts = parts if parts[0] == "temporal_clean" else ("temporal_clean", *parts)
            found.add(".".join(parts))
    assert set(settings["packages"]) == found


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(p.relative_to(ROOT))
        for p in sources()
        if not ast.get_docstring(ast.parse(p.read_text()))
    ]
    assert not silent


def test_help_answers_without_loading_anything_heavy() -> None:
    code = (
        "import sys, temporal_clean.commands as c\n"
        "try: c.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'av', 'onnx', 'onnxruntime', 'openvino'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    commands = "demo clean live compare evaluate pairs train export bench doctor cost"
    for command in commands.split():
        assert command in result.stdout


def test_public_names_resolve() -> None:
    import temporal_clean

    assert all(getattr(temporal_clean, name) is not None for name in temporal_clean.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        temporal_clean.nonsense  # noqa: B018
