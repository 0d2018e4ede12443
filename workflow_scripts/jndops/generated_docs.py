"""Files that follow from others: `config/README.md` from the schemas, `envs/*.yaml` from the lock.

`make docs` writes them; a test fails where they have drifted.
"""

from __future__ import annotations

import re
from pathlib import Path

from jndlab.files import write_text
from jndlab.paths import ROOT
from jndops.schema import as_markdown, load_yaml
from jndops.settings import SECTIONS, main_schema

# What each family of rules imports; versions come from the lock.
FAMILIES = {
    "codecs": (
        "sources, prefilters, encoding and measuring",
        [
            "numpy",
            "scipy",
            "imageio-ffmpeg",
            "ffmpeg-quality-metrics",
            "jsonschema",
            "pyyaml",
            "pooch",
            "tqdm",
            "opencv-python-headless",
            "onnxruntime",
            "scikit-video",
            "scikit-image",
        ],
    ),
    "tables": (
        "tables, BD-rates and figures",
        [
            "numpy",
            "scipy",
            "pandas",
            "seaborn",
            "bjontegaard",
            "sureal",
            "imageio-ffmpeg",
            "jsonschema",
            "pyyaml",
        ],
    ),
    "networks": (
        "training data, scorers, networks and training",
        [
            "numpy",
            "scipy",
            "pandas",
            "pyarrow",
            "torch",
            "torchvision",
            "pyiqa",
            "onnx",
            "onnxruntime",
            "h5py",
            "openpyxl",
            "mlflow",
            "scikit-image",
            "scikit-learn",
            "opencv-python-headless",
            "imageio-ffmpeg",
            "tqdm",
            "jsonschema",
            "pyyaml",
        ],
    ),
    "tracking": ("the MLflow mirror", ["mlflow", "pandas", "jsonschema", "pyyaml"]),
}

SHEETS = {
    "config.schema.yaml": "## `config.yaml`, `smoke.yaml`, `paper.yaml` and your own",
    **{f"{name}.schema.yaml": f"## Key `{name}` of the configuration" for name in SECTIONS},
    "codecs.schema.yaml": "## `codecs.yaml`",
    "sequences.schema.yaml": "## `sequences.tsv`",
    "datasets.schema.yaml": "## `datasets.yaml`",
}


README_HEAD = """# Configuration

Generated from `schemas/` by `make docs`. Every file is checked against its schema when a run
starts: an unknown key, a wrong type or value, or an unknown name ends it with one message that says
what to write instead.

An experiment is one YAML file: copy `config.yaml`, change it, and run `make run CONFIG=my.yaml`
(or `.venv/bin/snakemake --configfile my.yaml`). Without `--configfile` the demo `config.yaml` is
used. Single keys can be set with `--config key=value`, but numbers in lists and the words true and
false arrive there as text: put those into a file.

Published numbers stand in `published/`."""


def locked_versions() -> dict[str, str]:
    """Version of every package of the lock, by name."""
    text = (ROOT / "envs/requirements.lock").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9_.-]+)==([^ ;\\]+)", text, flags=re.MULTILINE))


def conda_file(family: str) -> str:
    """A conda environment file with the pins of the lock."""
    versions = locked_versions()
    purpose, packages = FAMILIES[family]
    lines = [
        f"# For {purpose}: `--software-deployment-method conda`.",
        "# The pins are those of requirements.lock (`make docs`).",
        "channels: [conda-forge, nodefaults]",
        "dependencies:",
        "  - python=3.11",
        "  - pip",
        "  - pip:",
        *(f"      - {name}=={versions[name]}" for name in sorted(packages)),
    ]
    return "\n".join(lines) + "\n"


def config_readme() -> str:
    """Every key of the configuration and of every sheet, from the schemas."""
    lines = [README_HEAD]
    for file, heading in SHEETS.items():
        path = ROOT / "config/schemas" / file
        if path.is_file():
            schema = main_schema(ROOT) if file == "config.schema.yaml" else load_yaml(path)
            lines += ["", heading, "", " ".join(schema.get("description", "").split()), ""]
            lines += as_markdown(schema)
    return "\n".join(lines) + "\n"


def generated_files() -> dict[Path, str]:
    """Path and wanted content of every generated file."""
    files = {ROOT / f"envs/{family}.yaml": conda_file(family) for family in FAMILIES}
    files[ROOT / "config/README.md"] = config_readme()
    return files


if __name__ == "__main__":
    for path, text in generated_files().items():
        write_text(path, text)
        print(f"wrote {path.relative_to(ROOT)}")
