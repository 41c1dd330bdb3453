"""One BLAS thread unless the environment says more, before numpy is imported; Hypothesis profiles; marks by folder; missing extras skip."""

import os
from collections.abc import Generator

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
import runtime_types
from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

EXTRAS = {"torch": "train", "torchmetrics": "metrics", "mlxtend": "data", "sklearn": "data"}
"""Packages that a test module, or a module with doctests, may need at import, and the extras that bring them."""


FOLDERS = {"theory": "rooms", "gpu_train": "networks"}
"""Folders of tests whose marks are the same throughout."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name in FOLDERS:
            item.add_marker(FOLDERS[item.path.parent.name])


class MissingExtras:
    """Skips, with the reason, every module that cannot be imported because a package of an extra is not installed."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        error = getattr(call.excinfo and call.excinfo.value, "exc_info", (None, None))[1]  # of an example in a docstring
        if isinstance(error, ModuleNotFoundError) and error.name in EXTRAS:
            report.outcome = "skipped"
            report.longrepr = (str(item.path), 1, f"Skipped: {error.name} is not installed (extra {EXTRAS[error.name]!r})")
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        report = yield
        for package, extra in EXTRAS.items():
            if report.failed and f"ModuleNotFoundError: No module named '{package}'" in str(report.longrepr):
                place = report.nodeid or "."
                report.outcome, report.longrepr = "skipped", (place, 1, f"Skipped: {package} is not installed (extra {extra!r})")
        return report


def pytest_configure(config: pytest.Config) -> None:
    for plugin in (MissingExtras(), runtime_types):  # as plugins, since a conftest's own hooks see the modules of its folder only
        config.pluginmanager.register(plugin)
