"""A checkout of pytracking: is it one, which scripts does it have, and what does its `local.py` say."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

from siamcar.errors import ConfigError
from siamcar.files import expand_home

__all__ = ["LOCAL_MODULE", "Checkout", "find_checkout", "load_local", "refuse_email_library"]

LOCAL_MODULE = "pytracking.evaluation.local"

_LOCAL_EXAMPLE = """from pytracking.evaluation.environment import EnvSettings

def local_env_settings():
    settings = EnvSettings()
    settings.results_path = '/path/to/tracking_results'   # outside of the checkout
    settings.otb_path = '/path/to/OTB100'                  # and so on: uav_path, lasot_path, got10k_path, …
    return settings
"""


@dataclass(frozen=True)
class Checkout:
    """A checkout.

    Attributes:
        root: the folder that holds `pytracking` and `ltr`.
    """

    root: Path

    @property
    def package(self) -> Path:
        """The folder of the package `pytracking`."""
        return self.root / "pytracking"

    @property
    def local(self) -> Path:
        """The file of the user's settings; it need not be there."""
        return self.package / "evaluation" / "local.py"

    def find_script(self, script: str) -> Path:
        """The file of a script: one of the checkout's by its name, or any by its path.

        Raises:
            ConfigError: there is none.
        """
        own = self.package / f"{script.removesuffix('.py')}.py"
        if own.is_file() and own.stem != "__init__":
            return own
        if Path(script).is_file():
            return Path(script).resolve()
        known = sorted(path.stem for path in self.package.glob("run_*.py"))
        raise ConfigError(
            f"There is no script {script!r} in {self.package}, and no file of that name.",
            f"Its scripts: {', '.join(known)}. Or give the path of one of your own.",
        )


def find_checkout(folder: Path) -> Checkout:
    """The checkout in a folder; its inner folder `pytracking` will do.

    Raises:
        ConfigError: the folder holds none, or the e-mail library of the same name.
    """
    root = expand_home(folder).resolve()
    for candidate in (root, root.parent):
        package = candidate / "pytracking"
        if (package / "evaluation" / "tracker.py").is_file() and (package / "tracker").is_dir():
            return Checkout(candidate)
    if _is_email_library(root) or _is_email_library(root / "pytracking"):
        raise _email_error(root)
    raise ConfigError(
        f"{folder} is no checkout of pytracking: expected pytracking/evaluation/tracker.py and pytracking/tracker/ "
        "in it.",
        "Make one: git clone https://github.com/visionml/pytracking. It is not on the package index.",
    )


def refuse_email_library() -> None:
    """See that no library of the same name stands before the checkout's package in this Python.

    Raises:
        ConfigError: the e-mail library is installed.
    """
    spec = importlib.util.find_spec("pytracking")
    for folder in spec.submodule_search_locations or () if spec is not None else ():
        if _is_email_library(Path(folder)):
            raise _email_error(Path(folder))


def _is_email_library(package: Path) -> bool:
    return (package / "tracking.py").is_file() and not (package / "tracker").is_dir()


def _email_error(folder: Path) -> ConfigError:
    return ConfigError(
        f"{folder} is another pytracking: a library that tracks the opening of e-mails, which has that name on the "
        "package index.",
        "Remove it (pip uninstall pytracking) and clone the visual tracker: "
        "git clone https://github.com/visionml/pytracking",
    )


def load_local(checkout: Checkout, file: Path | None = None, results: Path | None = None) -> ModuleType:
    """Load the user's settings under pytracking's name for them, so that pytracking itself never writes the file.

    pytracking replaces a `local.py` that is missing, or in which anything goes wrong, by one of its own.

    Args:
        checkout: where; `pytracking` can be imported.
        file: a file to take in place of the checkout's.
        results: where results go in place of `results_path`.

    Raises:
        ConfigError: the file is missing or does not run, or results would go into the checkout.
    """
    path = checkout.local if file is None else expand_home(file)
    if not path.is_file():
        raise ConfigError(
            f"pytracking needs to know where data and results lie, and {path} is not there.",
            f"Write it, or give another file with --local. For example:\n\n{_LOCAL_EXAMPLE}",
        )
    loader = SourceFileLoader(LOCAL_MODULE, str(path))
    module = ModuleType(LOCAL_MODULE)
    module.__file__ = str(path)
    try:
        loader.exec_module(module)
        settings = module.local_env_settings()
        default = Path(settings.results_path)
    except Exception as error:
        raise ConfigError(
            f"{path} does not run: {type(error).__name__}: {error}.", "Mend it; pytracking would overwrite it."
        ) from error
    home = default if results is None else expand_home(results).resolve()
    if results is None and default.resolve().is_relative_to(checkout.root):
        raise ConfigError(
            f"By {path}, results go into the checkout ({default}), where this command writes nothing.",
            "Give --results DIR, or change results_path.",
        )
    original = module.local_env_settings

    def local_env_settings() -> object:
        settings = original()
        settings.results_path = str(home)
        for name, folder in (("segmentation_path", "segmentation_results"), ("result_plot_path", "result_plots")):
            if Path(getattr(settings, name, home)).resolve().is_relative_to(checkout.root):
                setattr(settings, name, str(home / folder))
        return settings

    module.__dict__["local_env_settings"] = local_env_settings
    sys.modules[LOCAL_MODULE] = module
    return module
