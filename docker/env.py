"""Writes docker/.env with random secrets, once, for `make up`. Both compose and the shell read the file."""

import os
import secrets
from pathlib import Path

FILE = Path(__file__).parent / ".env"


def text() -> str:
    """Content of the file: the values that compose substitutes and that `salt run` reads from the environment."""
    minio = int(os.environ.get("SALT_MINIO_PORT", "9000"))
    mlflow = int(os.environ.get("SALT_MLFLOW_PORT", "5000"))
    values = {
        "SALT_MINIO_PORT": str(minio),
        "SALT_MLFLOW_PORT": str(mlflow),
        "SALT_S3_ENDPOINT": f"http://127.0.0.1:{minio}",
        "SALT_S3_BUCKET": "salt",
        "SALT_S3_ACCESS_KEY": f"salt-{secrets.token_hex(6)}",
        "SALT_S3_SECRET_KEY": secrets.token_hex(24),
        "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{mlflow}",
        "POSTGRES_PASSWORD": secrets.token_hex(24),
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())


def main(file: Path = FILE) -> None:
    """Writes the file, readable by its owner alone. An existing file is kept: the volumes hold its secrets."""
    if not file.exists():
        new = file.with_name(f"{file.name}.new")
        new.unlink(missing_ok=True)
        new.touch(mode=0o600, exist_ok=False)
        new.write_text(text())
        new.rename(file)


if __name__ == "__main__":
    main()
