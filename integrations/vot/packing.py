"""Packing for submission: validated first, then packed by the toolkit, then looked into."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from integrations.vot.evaluation import survey_results
from integrations.vot.toolkit import Echo, Toolkit, call_toolkit
from integrations.vot.trackers_ini import find_secrets, read_entry
from integrations.vot.workspace import Workspace
from siamcar.errors import ConfigError, ResultsError
from siamcar.files import compute_sha256

__all__ = ["PackFault", "Packed", "find_pack_faults", "pack_results"]

MANIFEST = "manifest.yml"


@dataclass(frozen=True)
class PackFault:
    """What a challenge would refuse, or what should not leave this machine."""

    where: str
    message: str


@dataclass(frozen=True)
class Packed:
    """A submission.

    Attributes:
        path: the archive.
        identifier: in its manifest; the short name that is registered with the challenge has to be the same.
        files: number of result files in it.
        sha256: of the archive.
    """

    path: Path
    identifier: str
    files: int
    sha256: str


def find_pack_faults(
    workspace: Workspace, toolkit: Toolkit, name: str, short_name: str | None = None
) -> tuple[list[PackFault], int]:
    """Everything that stands against packing, and the number of result files.

    Args:
        workspace: where.
        toolkit: of which environment.
        name: the tracker's, in `trackers.ini`.
        short_name: registered with the challenge.

    Raises:
        SiamCARError: the workspace or the tracker cannot be read.
    """
    entry = read_entry(workspace.folder, name)
    faults = []
    if short_name is not None and short_name != entry.name:
        faults.append(
            PackFault(
                "short name",
                f"the manifest would say {entry.name}, and {short_name} is registered: init with --name {short_name}",
            )
        )
    faults += [
        PackFault("trackers.ini", f"{secret} looks like a secret, and the manifest would carry it")
        for secret in find_secrets(entry.values)
    ]
    survey = survey_results(workspace, toolkit, name, workspace.stack.experiments)
    faults += [PackFault(" ".join(key), message) for key, message in survey.faults.items()]
    return faults, sum(map(len, survey.files.values()))


def pack_results(
    workspace: Workspace, toolkit: Toolkit, name: str, count: int, *, echo: Echo = lambda _: None
) -> Packed:
    """Pack with the toolkit, after `find_pack_faults` has found none, and check the archive.

    Args:
        workspace: where; the archive is written into its folder.
        toolkit: of which environment.
        name: the tracker's.
        count: number of result files that belong in it.
        echo: gets what the toolkit prints.

    Raises:
        ResultsError: the toolkit left no archive, or not all in it.
    """
    before = set(workspace.folder.glob("*.zip"))
    run = call_toolkit(toolkit, ["pack", "--workspace", ".", name], workspace.folder, echo)
    new = sorted(set(workspace.folder.glob("*.zip")) - before)
    if len(new) != 1:
        last = run.output.splitlines()[-1:] or ["it printed nothing"]
        raise ResultsError(f"The toolkit packed nothing: {last[0]}", "Validate again: siamcar vot pack --dry-run")
    archive = new[0]
    with zipfile.ZipFile(archive) as opened:
        damaged = opened.testzip()
        names = [entry.filename for entry in opened.infolist() if entry.file_size or entry.filename.endswith(".value")]
        manifest = _read_manifest(opened, archive)
    identifier = str(manifest.get("identifier"))
    packed = len(names) - 1
    if damaged is not None or packed != count or identifier != name.partition("@")[0]:
        raise ResultsError(
            f"{archive} is not as it should be: {packed} of {count} files, identifier {identifier!r}, "
            f"{f'{damaged} damaged' if damaged else 'none damaged'}.",
            "Check the space on the disk and pack again.",
        )
    return Packed(archive, identifier, packed, compute_sha256(archive))


def _read_manifest(archive: zipfile.ZipFile, path: Path) -> dict[str, Any]:
    try:
        manifest = yaml.safe_load(archive.read(MANIFEST))
    except (KeyError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} has no {MANIFEST} that can be read: {error}") from error
    return manifest if isinstance(manifest, dict) else {}
