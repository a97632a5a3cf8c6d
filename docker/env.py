"""Writes docker/.env for `make up`, with random secrets that later calls keep. Compose and the shell read the file."""

import os
import secrets
from pathlib import Path

FILE = Path(__file__).parent / ".env"


def text(known: dict[str, str]) -> str:
    """Content of the file: the values that compose substitutes and that `salt run` reads from the environment.

    Args:
        known: The values of the present file. Its secrets are kept, which the volumes hold; ports of the environment
            replace its own.
    """
    minio, mlflow = (
        int(os.environ.get(name) or known.get(name, default))
        for name, default in (("SALT_MINIO_PORT", "9000"), ("SALT_MLFLOW_PORT", "5000"))
    )
    ports = {
        "SALT_MINIO_PORT": str(minio),
        "SALT_MLFLOW_PORT": str(mlflow),
        "SALT_S3_ENDPOINT": f"http://127.0.0.1:{minio}",
        "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{mlflow}",
    }
    new = {
        "SALT_S3_BUCKET": "salt",
        "SALT_S3_ACCESS_KEY": f"salt-{secrets.token_hex(6)}",
        "SALT_S3_SECRET_KEY": secrets.token_hex(24),
        "POSTGRES_PASSWORD": secrets.token_hex(24),
    }
    return "".join(f"{name}={value}\n" for name, value in (new | known | ports).items())


def main(file: Path = FILE) -> None:
    """Writes the file, readable by its owner alone."""
    present = file.read_text() if file.exists() else ""
    content = text(dict(line.split("=", 1) for line in present.splitlines() if "=" in line))
    if content == present:
        return
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600, exist_ok=False)
    new.write_text(content)
    new.rename(file)


if __name__ == "__main__":
    main()
