"""Messages as signed POST requests (Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature).

Belongs here: the request, the signature, what an answer means. Doesn't belong here: when to try again (`run`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
from pydantic import SecretStr

from mfg_assets.errors import Problem
from mfg_assets.estate.releases import HttpDelivery
from mfg_assets.release.deliver.failures import RefusedError, UnreachableError
from mfg_assets.release.model import ReleaseError, Sent
from mfg_assets.release.render import CONTENT_TYPE, render
from mfg_assets.settings import secret

# The receiver has read the message and doesn't want it. All else may be mended without touching the message: a wrong
# address, an expired secret, too many requests.
_REFUSALS = frozenset({400, 406, 413, 415, 422})
_SHORTEST_SECRET = 16


class HttpDeliverer:
    """One receiver's address. Redirects are not followed: the secret's signature is for this address."""

    def __init__(self, delivery: HttpDelivery, key: SecretStr, now: Callable[[], datetime]) -> None:
        self.delivery, self._key, self._now = delivery, key, now
        # No proxy or credentials from the environment or ~/.netrc get mixed in.
        self._client = httpx.Client(timeout=delivery.timeout_seconds, follow_redirects=False, trust_env=False)

    def deliver(self, sent: Sent) -> None:
        """POST it; any 2xx means that the receiver has it."""
        body = render(sent.payload, self.delivery.format)
        timestamp = str(int(self._now().timestamp()))
        headers = {
            "content-type": CONTENT_TYPE[self.delivery.format],
            "idempotency-key": sent.idempotency_key,
            "webhook-id": sent.idempotency_key,
            "webhook-timestamp": timestamp,
            "webhook-signature": signature(self._key.get_secret_value(), sent.idempotency_key, timestamp, body),
        }
        try:
            # The body of an answer is never read: a receiver can't make us hold more than its status.
            with self._client.stream("POST", self.delivery.url, content=body, headers=headers) as answer:
                status = answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UnreachableError(f"no answer: {type(error).__name__}") from error
        if status in _REFUSALS:
            raise RefusedError(f"the receiver refused it with {status}")
        if not 200 <= status < 300:
            raise UnreachableError(f"the receiver answered {status}")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def http_deliverer(target: str, delivery: HttpDelivery, now: Callable[[], datetime] | None = None) -> HttpDeliverer:
    """A deliverer with its secret from the environment.

    Raises:
        ReleaseError: the variable isn't set, or its value could be guessed.
    """
    key = secret(delivery.secret_env)
    if key is None or len(key.get_secret_value()) < _SHORTEST_SECRET:
        what = "is not set" if key is None else f"is shorter than {_SHORTEST_SECRET} characters"
        raise ReleaseError(
            Problem(
                f"the secret of the release target {target} {what}",
                fix=f"set the variable {delivery.secret_env} to a random text that the receiver has too",
            )
        )
    return HttpDeliverer(delivery, key, now or (lambda: datetime.now(UTC)))


def signature(key: str, message_id: str, timestamp: str, body: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`; a secret `whsec_…` is base64 itself."""
    raw = base64.b64decode(key.removeprefix("whsec_")) if key.startswith("whsec_") else key.encode()
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    return "v1," + base64.b64encode(hmac.new(raw, signed, hashlib.sha256).digest()).decode()
