"""Pages of the site: documents under their paths in the repository (links hold), and the API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "workflow_scripts"
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "config/README.md",
         "config/published/README.md", "profiles/README.md", "results/README.md")  # fmt: skip


def on_config(config: Any) -> Any:
    """Append the API to the navigation, a page per package."""
    config.nav = [*config.nav, {"API": [{name: page} for name, page in _api_pages().items()]}]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Put every document under its path from the root of the repository."""
    documents = [path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.*")]
    theme = [file for file in files if not file.abs_src_path.startswith(str(ROOT / "docs"))]
    found = Files(theme)
    for name in [*PAGES, *documents]:
        found.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    for package, page in _api_pages().items():
        found.append(File.generated(config, page, content=_api_page(package)))
    return found


def _api_pages() -> dict[str, str]:
    packages = [path.parent for path in sorted(SOURCE.glob("jnd*/**/__init__.py"))]
    names = [".".join(path.relative_to(SOURCE).parts) for path in packages]
    return {name: f"api/{name}.md" for name in names}


def _api_page(package: str) -> str:
    """A heading and one directive of mkdocstrings for each module of the package."""
    modules = sorted(SOURCE.joinpath(*package.split(".")).glob("*.py"))
    names = [package] + [f"{package}.{path.stem}" for path in modules if path.stem != "__init__"]
    return f"# {package}\n\n" + "\n".join(f"::: {name}\n" for name in names)
