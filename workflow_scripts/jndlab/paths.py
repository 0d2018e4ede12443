"""Folders of the suite's own files."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]  # holds the Snakefile
CONFIG = ROOT / "config"
PUBLISHED = CONFIG / "published"  # numbers as printed in the papers
