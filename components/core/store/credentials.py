"""The credentials by which the object store is entered: minio-py's providers, behind the source that the settings name.

One source is chosen by the settings and asked; where it gives nothing that is an error, and no other account is tried.
"""

import os
import re
from configparser import Error as ConfigError
from xml.etree.ElementTree import ParseError

from minio.credentials.credentials import Credentials
from minio.credentials.providers import AWSConfigProvider, ChainedProvider, IamAwsProvider, Provider, StaticProvider
from urllib3 import PoolManager
from urllib3.exceptions import HTTPError

from salt_pipeline.components.core.store.connection import PASSING_STATUSES
from salt_pipeline.components.core.store.settings import AWS_SOURCE, StoreSettings


class NoCredentials(Exception):
    """A source gives no credentials.

    Attributes:
        source: The variable that names it, or AWS.
        passing: Whether it may give some in a while.
    """

    def __init__(self, source: str, problem: str, passing: bool = False) -> None:
        super().__init__(problem)
        self.source, self.passing = source, passing


class _Named(Provider):
    """A provider whose failures name its source; minio-py's own hold the token that was sent."""

    def __init__(self, source: str, provider: Provider) -> None:
        self.source, self._provider = source, provider

    def retrieve(self) -> Credentials:
        """Asks for credentials; they are kept until shortly before they expire."""
        try:
            return self._provider.retrieve()
        except HTTPError as error:
            raise NoCredentials(self.source, f"no answer ({type(error).__name__})", passing=True) from None
        except OSError as error:
            raise NoCredentials(self.source, f"cannot be read: {error.strerror}") from None
        except (ValueError, KeyError, ParseError, ConfigError) as error:
            found = re.search(r"HTTP status code (\d+)$", str(error))
            status = int(found[1]) if found else 0
            problem = f"the answer is HTTP {status}" if status else "none are found there"
            raise NoCredentials(self.source, problem, status in PASSING_STATUSES) from None


def provider(settings: StoreSettings, http: PoolManager) -> Provider | None:
    """Chooses the provider; nothing is asked or read before the store is used.

    Args:
        settings: Where the store is, and which source they name.
        http: The connections by which a token service is asked.

    Returns:
        None where the store is entered without keys.
    """
    if settings.access_key and settings.secret_key:
        token = settings.session_token.get_secret_value() if settings.session_token else None
        return StaticProvider(settings.access_key.get_secret_value(), settings.secret_key.get_secret_value(), token)
    source = settings.source
    if source is None:
        return None
    if settings.credentials_file:
        return _Named(source, AWSConfigProvider(str(settings.credentials_file)))
    if source == AWS_SOURCE:
        own = AWSConfigProvider()
        return _Named(source, ChainedProvider([own, IamAwsProvider(http_client=http, region=settings.region)]))
    # A token service other than AWS's, such as MinIO's own, goes by AWS's variable for it.
    place = os.environ.get("AWS_ENDPOINT_URL_STS") if source == "AWS_WEB_IDENTITY_TOKEN_FILE" else None
    return _Named(source, IamAwsProvider(custom_endpoint=place, http_client=http, region=settings.region))
