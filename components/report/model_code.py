"""The code that a registered model carries: a copy of the components, under an import name of its own."""

import hashlib
import re
from pathlib import Path

from salt_pipeline import components

ROOT = Path(components.__path__[0])


def copy_code(folder: Path, root: Path = ROOT) -> str:
    """Copies the components so that two versions of the model in one process each run their own code.

    MLflow puts the code folder of a model on the import path, where the first module of a name serves every later
    model of the process. The name of the copy therefore holds a hash of the code.

    Args:
        folder: The model's code folder; the package is written into it.
        root: The components' folder.

    Returns:
        Name of the package, as `salt_pipeline_3f2a90c41b7e`.
    """
    files = {path.relative_to(root): path for path in sorted(root.rglob("*.py"))}
    digest = hashlib.sha256()
    for name, path in files.items():
        digest.update(f"\0{name}\0".encode() + path.read_bytes())
    package = f"salt_pipeline_{digest.hexdigest()[:12]}"
    for name, path in files.items():
        copy = folder / package / "components" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(re.sub(r"\bsalt_pipeline\.", f"{package}.", path.read_text()))
    (folder / package / "__init__.py").touch()
    return package
