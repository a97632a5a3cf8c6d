"""Files that file managers, operating systems and editors leave beside the data: of no use, never an error."""

from pathlib import PurePath

_FOLDERS = {
    "__macosx",
    ".ipynb_checkpoints",
    ".appledouble",
    ".fseventsd",
    ".spotlight-v100",
    ".temporaryitems",
    ".trashes",
    ".git",
    "$recycle.bin",
    "@eadir",
    "system volume information",
    "lost+found",
    "#recycle",
    "#snapshot",
}
"""Folders whose content is passed over: of macOS, Jupyter, git, Windows, Synology and Linux."""

_FILES = {"icon\r", "thumbs.db", "ehthumbs.db", "desktop.ini"}
"""Files that are passed over, beside the hidden ones such as `.DS_Store` and `._image.png`."""


def is_passed_over(path: PurePath) -> bool:
    """Whether a file found in a folder or a zip is a leftover: not data, whatever it holds.

    Args:
        path: Its path. Only the names decide, in any case of letters; a hidden file is one, a hidden folder is not,
            as the data may lie in one.
    """
    *folders, name = [part.lower() for part in path.parts] or [""]
    hidden = name.startswith(".") and name != ".."
    return hidden or name in _FILES or name in _FOLDERS or not _FOLDERS.isdisjoint(folders)


def is_in_hidden_folder(path: PurePath) -> bool:
    """Whether a member of a zip lies in a hidden folder, such as `.Trash-1000`, into which a folder is not searched.

    Args:
        path: Its path inside the zip.
    """
    return any(part.startswith(".") and part.strip(".") for part in path.parts[:-1])
