"""The code that a registered model carries: a copy of the modules that it imports, under an import name of its own."""

import ast
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from salt_pipeline import components

ROOT = Path(components.__path__[0])

LOADER = Path("inference", "pyfunc.py")
"""The module that MLflow loads."""

_PREFIX = "salt_pipeline.components."


def copy_code(folder: Path, root: Path = ROOT) -> str:
    """Copies the modules of the model so that two versions of it in one process each run their own code.

    MLflow puts the code folder of a model on the import path, where the first module of a name serves every later
    model of the process. The name of the copy therefore holds a hash of the code.

    Args:
        folder: The model's code folder; the package is written into it.
        root: The components' folder.

    Returns:
        Name of the package, as `salt_pipeline_3f2a90c41b7e`.
    """
    files = {path: Path(root, path).read_text(encoding="utf-8") for path in sorted(served_modules(root))}
    digest = hashlib.sha256()
    for name, code in files.items():
        digest.update(f"\0{name}\0{code}".encode())
    package = f"salt_pipeline_{digest.hexdigest()[:12]}"
    for name, code in files.items():
        copy = folder / package / "components" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(re.sub(r"\bsalt_pipeline\.", f"{package}.", code), encoding="utf-8")
    (folder / package / "__init__.py").touch()
    return package


def served_modules(root: Path = ROOT) -> set[Path]:
    """Finds the module that MLflow loads and all modules of the components that it imports, in functions too.

    Args:
        root: The components' folder.

    Returns:
        Paths relative to it, with the `__init__.py` of each package.
    """
    found: set[Path] = set()
    waiting = [LOADER]
    while waiting:
        module = waiting.pop()
        if module not in found and Path(root, module).is_file():
            found.add(module)
            waiting += [parent / "__init__.py" for parent in module.parents]
            waiting += _imported(ast.parse(Path(root, module).read_text(encoding="utf-8")))
    return found


def _imported(code: ast.Module) -> Iterator[Path]:
    """Paths that the imports of a module may mean: `from a.b import c` means a/b.py, or a/b/c.py."""
    for node in ast.walk(code):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            if name.startswith(_PREFIX):
                yield Path(*name.removeprefix(_PREFIX).split(".")).with_suffix(".py")
