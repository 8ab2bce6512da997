"""`hookferry sign` and `hookferry verify`, with the vectors of Standard Webhooks."""

from pathlib import Path

import pytest
from click.testing import Result

from tests.cli.world import run

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
PUBLIC = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
BODY = '{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
ED25519 = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="


def verify(*args: str, signature: str = SIGNATURE, secret: str = SECRET, time: str = "1614265330") -> Result:
    headers = (f"webhook-id: {ID}", "Webhook-Timestamp:1614265330", f"webhook-signature: {signature}")
    given = [word for header in headers for word in ("-H", header)]
    return run("verify", "--secret", secret, "--time", time, *given, *(args or (BODY,)))


def test_sign() -> None:
    """The headers of the published vector are printed."""
    result = run("sign", BODY, "--secret", SECRET, "--id", ID, "--time", "1614265330")
    assert result.stdout.splitlines() == [
        "content-type: application/json",
        f"webhook-id: {ID}",
        "webhook-timestamp: 1614265330",
        f"webhook-signature: {SIGNATURE}",
    ]


def test_sign_standard_input() -> None:
    """A body from standard input is signed byte for byte."""
    result = run("sign", "--secret", SECRET, "--id", ID, "--time", "1614265330", input=BODY)
    assert SIGNATURE in result.stdout


def test_what_is_signed_verifies() -> None:
    """Headers and body from files go from one to the other."""
    Path("secret").write_text(SECRET + "\n")
    Path("body").write_bytes(b"\x00\xff\n")
    Path("headers").write_text(run("sign", "@body", "--secret", "@secret").stdout)
    assert run("verify", "@body", "--secret", "@secret", "-H", "@headers").exit_code == 0


def test_verify() -> None:
    """A valid signature is said to be valid."""
    result = verify()
    assert (result.exit_code, result.stdout) == (0, "The signature is valid.\n")


def test_verify_ed25519() -> None:
    """A public key verifies an asymmetric signature."""
    assert verify(signature=ED25519, secret=PUBLIC).exit_code == 0


def test_verify_with_several_secrets() -> None:
    """One of several secrets is enough."""
    assert verify(BODY, "--secret", SECRET, secret=OTHER).exit_code == 0


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (lambda: verify("{}"), "does not match"),
        (lambda: verify(secret=OTHER), "does not match"),
        (lambda: verify(time="1614265631"), "too old"),
        (lambda: verify(time="1614265029"), "too new"),
        (lambda: verify(secret="whsec_short"), "whsec_"),
        (lambda: run("verify", BODY, "--secret", SECRET), "missing"),
    ],
)
def test_what_does_not_verify(result: object, reason: str) -> None:
    """A signature that does not hold is exit code 5, with the reason."""
    failed = result()  # type: ignore[operator]
    assert (failed.exit_code, reason in failed.stderr) == (5, True)


def test_tolerance() -> None:
    """A longer tolerance lets an older signature pass."""
    assert verify(BODY, "--tolerance", "10m", time="1614265631").exit_code == 0


def test_secrets_are_not_repeated() -> None:
    """A secret that cannot be read is not in the message."""
    assert "oops" not in run("sign", BODY, "--secret", "whsec_oops").stderr


def test_an_unknown_contract() -> None:
    """A contract that there is not is exit code 5 and says what there is."""
    result = run("sign", BODY, "--secret", SECRET, "--contract", "standart")
    assert (result.exit_code, "standard" in result.stderr) == (5, True)


@pytest.mark.parametrize("args", [["--header", "nothing"], ["--tolerance", "5"], ["--time", "x"]])
def test_usage(args: list[str]) -> None:
    """What cannot be read is a usage error."""
    assert run("verify", BODY, "--secret", SECRET, *args).exit_code == 2


def test_no_network() -> None:
    """Signing needs no server and no key."""
    assert run("sign", BODY, "--secret", SECRET, HOOKFERRY_URL="http://127.0.0.1:1").exit_code == 0
