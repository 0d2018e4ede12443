"""What all tests share: the package on the path, real clips, the optional folder of real data."""

from __future__ import annotations

import compileall
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# Before torch is imported: waiting threads must not spin while encoders need the cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# The same examples in every run, and none fails for the time that other programs take.
settings.register_profile("suite", deadline=None, derandomize=True)
settings.load_profile("suite")
REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile the suite once, before workers start: copies of it take the bytecode along."""
    if not hasattr(session.config, "workerinput"):
        compileall.compile_dir(REPOSITORY / "workflow_scripts", quiet=2)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The small files last: whatever order the others end in, no worker waits long for another."""
    items.sort(key=lambda item: REPOSITORY / "tests/unit" in item.path.parents)


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the suite."""
    return REPOSITORY


@pytest.fixture(scope="session")
def chromium() -> None:
    """The browser, installed if this may be done; without it the tests skip and say why."""
    pytest.importorskip("selenium")
    script = REPOSITORY / "tests/install_chromium.sh"
    done = subprocess.run(["sh", str(script)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no browser for the pages: {done.stderr.strip()[-300:]}")


@pytest.fixture(scope="session")
def started_browser(chromium: None) -> Callable[[], AbstractContextManager[Any]]:
    """Starts a headless Chromium whose console is kept, closed at the end of the context."""
    from selenium import webdriver

    @contextmanager
    def start() -> Iterator[Any]:
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for argument in ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = webdriver.ChromeService(shutil.which("chromedriver"))
        driver = webdriver.Chrome(options=options, service=service)
        try:
            yield driver
        finally:
            driver.quit()

    return start


@pytest.fixture
def browser(started_browser: Callable[[], AbstractContextManager[Any]]) -> Iterator[Any]:
    """A browser of its own for a test."""
    with started_browser() as driver:
        yield driver


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data to check against; without it a test skips and says so."""
    folder = os.environ.get("JNDLAB_SHARED_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("JNDLAB_SHARED_DATA names no folder: check against real data left out")
    return Path(folder)
