"""Credentials for the object store: minio-py's providers, for the source that the settings name.

The settings choose one source. If it gives no credentials, that is an error, and no other account is tried.
"""

import os
import re
from configparser import Error as ConfigError
from pathlib import Path
from xml.etree.ElementTree import ParseError

from minio.credentials.credentials import Credentials
from minio.credentials.providers import AWSConfigProvider, ChainedProvider, IamAwsProvider, Provider, StaticProvider
from urllib3 import PoolManager
from urllib3.exceptions import HTTPError

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.regular_file import read_regular
from salt_pipeline.components.core.store.connection import PASSING_STATUSES
from salt_pipeline.components.core.store.settings import AWS_SOURCE, StoreSettings

LONGEST = 1 << 20
"""Most bytes of a file with credentials; it has some lines."""


class NoCredentials(Exception):
    """A source gives no credentials.

    Attributes:
        source: The environment variable that names it, or AWS.
        passing: Whether it may give some later.
    """

    def __init__(self, source: str, problem: str, passing: bool = False) -> None:
        super().__init__(problem)
        self.source, self.passing = source, passing


class _Named(Provider):
    """A provider whose failures name its source; minio-py's own messages contain the token that was sent."""

    def __init__(self, source: str, provider: Provider, file: Path | None = None) -> None:
        self.source, self._provider, self._file = source, provider, file

    def retrieve(self) -> Credentials:
        """Requests credentials; minio-py keeps them until shortly before they expire."""
        try:
            if self._file:
                read_regular(self._file, LONGEST)
            return self._provider.retrieve()
        except SaltError as error:
            raise NoCredentials(self.source, f"a file that {error.problem}") from None
        except HTTPError as error:
            raise NoCredentials(self.source, f"no answer ({type(error).__name__})", passing=True) from None
        except OSError as error:
            raise NoCredentials(self.source, f"a file that cannot be read: {error.strerror}") from None
        except (ValueError, KeyError, TypeError, AttributeError, ParseError, ConfigError) as error:
            found = re.search(r"HTTP status code (\d+)$", str(error))
            status = int(found[1]) if found else 0
            problem = f"HTTP {status}" if status else "none"
            raise NoCredentials(self.source, problem, status in PASSING_STATUSES) from None


def provider(settings: StoreSettings, http: PoolManager) -> Provider | None:
    """Chooses the provider; nothing is requested or read before the store is used.

    Args:
        settings: Address of the store, and the source of credentials.
        http: Connections to a token service.

    Returns:
        None for a store that needs no credentials.
    """
    if settings.access_key and settings.secret_key:
        token = settings.session_token.get_secret_value() if settings.session_token else None
        return StaticProvider(settings.access_key.get_secret_value(), settings.secret_key.get_secret_value(), token)
    source = settings.source
    if source is None:
        return None
    if settings.credentials_file:
        return _Named(source, AWSConfigProvider(str(settings.credentials_file)), settings.credentials_file)
    if source == AWS_SOURCE:
        own = AWSConfigProvider()
        return _Named(source, ChainedProvider([own, IamAwsProvider(http_client=http, region=settings.region)]))
    # AWS's variable also names another token service, such as MinIO's own.
    place = os.environ.get("AWS_ENDPOINT_URL_STS") if source == "AWS_WEB_IDENTITY_TOKEN_FILE" else None
    return _Named(source, IamAwsProvider(custom_endpoint=place, http_client=http, region=settings.region))
