"""Official verifiers in Python: a question on each line of standard input, and its answer.

It is run by the Python of `.venv-verifiers` and imports nothing of ours. A question is an object with
`verifier`, `secret`, `url`, `headers` and `body`; the answer is true, or false for a request that is refused.
"""

import json
import sys
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

Headers = Mapping[str, str]


def svix(secret: str, url: str, headers: Headers, body: str) -> bool:
    from svix.webhooks import Webhook, WebhookVerificationError

    try:
        Webhook(secret).verify(body, dict(headers))
    except WebhookVerificationError:
        return False
    return True


def stripe(secret: str, url: str, headers: Headers, body: str) -> bool:
    from stripe import SignatureVerificationError, Webhook

    try:
        Webhook.construct_event(body, headers["stripe-signature"], secret)
    except SignatureVerificationError:
        return False
    return True


def slack(secret: str, url: str, headers: Headers, body: str) -> bool:
    from slack_sdk.signature import SignatureVerifier

    return bool(SignatureVerifier(secret).is_valid_request(body, dict(headers)))


def square(secret: str, url: str, headers: Headers, body: str) -> bool:
    from square.utils.webhooks_helper import verify_signature

    signature = headers["x-square-hmacsha256-signature"]
    return bool(
        verify_signature(
            request_body=body, signature_header=signature, signature_key=secret, notification_url=url
        )
    )


def twilio(secret: str, url: str, headers: Headers, body: str) -> bool:
    from twilio.request_validator import RequestValidator

    form = headers["content-type"] == "application/x-www-form-urlencoded"
    given = dict(parse_qsl(body, keep_blank_values=True)) if form else body
    return bool(RequestValidator(secret).validate(url, given, headers["x-twilio-signature"]))


def sendgrid(secret: str, url: str, headers: Headers, body: str) -> bool:
    from sendgrid.helpers.eventwebhook import EventWebhook

    name = "x-twilio-email-event-webhook-"
    signature, timestamp = headers[f"{name}signature"], headers[f"{name}timestamp"]
    return bool(EventWebhook(secret).verify_signature(body, signature, timestamp))


VERIFIERS: dict[str, Callable[[str, str, Headers, str], bool]] = {
    "svix": svix,
    "stripe": stripe,
    "slack": slack,
    "square": square,
    "twilio": twilio,
    "sendgrid": sendgrid,
}


if __name__ == "__main__":
    for line in sys.stdin:
        asked = json.loads(line)
        verify = VERIFIERS[asked["verifier"]]
        answer = verify(asked["secret"], asked["url"], asked["headers"], asked["body"])
        print(json.dumps(answer), flush=True)
