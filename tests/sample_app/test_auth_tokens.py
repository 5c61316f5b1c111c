"""Access tokens: only this deployment makes them, for a login that is open, and nothing else passes for one."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import Flask
from flask.testing import FlaskClient

from fintech.access_tokens import AccessTokens
from tests.sample_app.conftest import SECRET_KEY, Clock, Person

KEY: bytes = AccessTokens(SECRET_KEY)._key
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_HS256 = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
PUBLIC_PEM = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def signed(claims: dict[str, Any], key: Any = KEY, algorithm: str = "HS256", **header: Any) -> str:
    """Sign as this deployment does, unless told otherwise; unlike jwt.encode, any claims whatever."""
    return jwt.PyJWS().encode(json.dumps(claims).encode(), key, algorithm, headers={"typ": "at+jwt", **header})


def relabelled(token: str, **header: object) -> str:
    """Write another header over a token, signed again with the right key by the right algorithm."""
    _, claims, _ = token.split(".")
    head = _encoded({"alg": "HS256", "typ": "at+jwt", **header})
    return f"{head}.{claims}.{_encoded(_HS256.sign(f'{head}.{claims}'.encode(), KEY))}"


def _encoded(part: object) -> str:
    content = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def answer_to(person: Person, token: str) -> int:
    person.token = token
    return person.asks("GET", "/me").status_code


def test_a_token_says_which_login_asks_and_no_secret(ada: Person, clock: Clock) -> None:
    claims = claims_of(ada.token)
    assert jwt.get_unverified_header(ada.token) == {"alg": "HS256", "typ": "at+jwt"}
    assert (claims["iss"], claims["aud"], claims["role"]) == ("fintech", "fintech-api", "user")
    assert claims["exp"] - claims["iat"] == 15 * 60
    assert sorted(claims) == ["aud", "exp", "iat", "iss", "jti", "role", "sid", "sub"]


def test_the_tests_sign_like_the_service(ada: Person) -> None:
    """Else every refusal below would be one of a bad signature."""
    assert answer_to(ada, signed(claims_of(ada.token))) == 200
    assert answer_to(ada, relabelled(ada.token)) == 200


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", "HS384", "HS512", "RS256", "hs256", None, 7])
def test_no_other_algorithm_is_believed_even_over_a_right_signature(ada: Person, algorithm: object) -> None:
    assert answer_to(ada, relabelled(ada.token, alg=algorithm)) == 401


def test_a_token_without_a_signature_is_refused(ada: Person) -> None:
    claims = ada.token.split(".")[1]
    for header in ({"alg": "none", "typ": "at+jwt"}, {"alg": "HS256", "typ": "at+jwt"}):
        for signature in ("", "AA"):
            assert answer_to(ada, f"{_encoded(header)}.{claims}.{signature}") == 401


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_the_right_key_with_another_algorithm_is_refused(ada: Person, algorithm: str) -> None:
    key = KEY * 2  # as long as the algorithm wants it; HMAC hashes it down, so it is another one anyway
    assert answer_to(ada, signed(claims_of(ada.token), key, algorithm)) == 401


def test_a_public_key_is_no_secret(ada: Person) -> None:
    """The confusion of RS256 and HS256: what a client may know must not verify anything."""
    claims = claims_of(ada.token)
    head, body = _encoded({"alg": "HS256", "typ": "at+jwt"}), _encoded(claims)
    forged = _encoded(_HS256.sign(f"{head}.{body}".encode(), PUBLIC_PEM))
    own_key = {"kty": "oct", "k": _encoded(b"x" * 32)}
    assert answer_to(ada, f"{head}.{body}.{forged}") == 401
    assert answer_to(ada, signed(claims, RSA_KEY, "RS256")) == 401
    assert answer_to(ada, signed(claims, b"x" * 32, jwk=own_key)) == 401
    assert answer_to(ada, signed(claims, b"x" * 32, kid="../../dev/null", jku="https://evil.example/keys")) == 401


@pytest.mark.parametrize("key", [b"x" * 32, SECRET_KEY.encode()], ids=["foreign", "the secret key itself"])
def test_a_foreign_key_makes_no_token(ada: Person, key: bytes) -> None:
    assert answer_to(ada, signed(claims_of(ada.token), key)) == 401


def test_a_token_of_another_deployment_is_refused(ada: Person, make_app: Callable[..., Flask]) -> None:
    """Even on the same database: another secret key, other tokens."""
    other = make_app(secret_key="another-secret-key-of-the-tests-" + "z" * 20)
    headers = {"Authorization": f"Bearer {ada.token}"}
    assert other.test_client().get("/api/v1/me", headers=headers).status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "somebody-else"}, {"aud": ["fintech-api"]}, {"aud": None}, {"iss": "somebody-else"}, {"iss": ["fintech"]},
        {"sub": "999"}, {"sub": 1}, {"sub": "x"}, {"sub": "-1"}, {"sub": "١"}, {"sub": "9" * 500},
        {"sid": 999}, {"sid": "1"}, {"sid": True}, {"sid": 0}, {"sid": -1}, {"sid": 2**63}, {"sid": 1.0}, {"sid": [1]},
        {"exp": "9999999999"}, {"exp": True}, {"exp": 1e400}, {"exp": 0}, {"exp": -1}, {"exp": [9999999999]},
        {"jti": None}, {"nbf": "soon"},
    ],
    ids=repr,
)  # fmt: skip
def test_a_signed_token_with_a_claim_that_cannot_be_is_refused(ada: Person, change: dict[str, Any]) -> None:
    assert answer_to(ada, signed(claims_of(ada.token) | change)) == 401


@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "sid", "role", "iat", "exp", "jti"])
def test_a_signed_token_without_a_claim_is_refused(ada: Person, claim: str) -> None:
    claims = claims_of(ada.token)
    del claims[claim]
    assert answer_to(ada, signed(claims)) == 401


def test_a_token_of_another_kind_is_refused(ada: Person) -> None:
    assert answer_to(ada, signed(claims_of(ada.token), typ="JWT")) == 401


def test_the_role_in_a_token_decides_nothing(ada: Person) -> None:
    assert ada.asks("GET", "/audit").status_code == 403
    assert answer_to(ada, signed(claims_of(ada.token) | {"role": "admin"})) == 200
    assert ada.asks("GET", "/audit").status_code == 403


def test_a_token_of_one_user_for_the_login_of_another_is_refused(ada: Person, bob: Person) -> None:
    mixed = claims_of(ada.token) | {"sid": claims_of(bob.token)["sid"]}
    assert answer_to(ada, signed(mixed)) == 401


def test_an_altered_payload_or_signature_is_refused(ada: Person) -> None:
    head, body, signature = ada.token.split(".")
    altered = _encoded(claims_of(ada.token) | {"sub": "2"})
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]
    for token in (f"{head}.{altered}.{signature}", f"{head}.{body}.{flipped}"):
        assert answer_to(ada, token) == 401


@pytest.mark.parametrize(
    "token",
    [
        "nonsense", "a.b", "a.b.c", "a.b.c.d", "..", "a..c", "=.=.=", "ünïcode.a.b", "'; DROP TABLE users; --",
        f"{_encoded(b'[' * 700)}.e30.AA", f"{_encoded(b'{' * 5)}.e30.AA", f"{_encoded([])}.e30.AA",
        f"{_encoded(b'7' * 600)}.e30.AA", "a" * 7000, f"{'a' * 5000}.b.c", f"{_encoded({'alg': 'HS256'})}.bnVsbA.AA",
    ],
    ids=lambda token: token[:12],
)  # fmt: skip
def test_what_is_no_token_is_refused(ada: Person, token: str) -> None:
    assert answer_to(ada, token.encode().decode("latin-1")) == 401


@pytest.mark.parametrize("payload", [b"[" * 600, b"null", b"[]", b'"x"', b"7" * 500, b"\xff\xfe"], ids=repr)
def test_a_signed_payload_that_is_no_object_is_refused(ada: Person, payload: bytes) -> None:
    head, body = _encoded({"alg": "HS256", "typ": "at+jwt"}), _encoded(payload)
    assert answer_to(ada, f"{head}.{body}.{_encoded(_HS256.sign(f'{head}.{body}'.encode(), KEY))}") == 401


def test_a_token_ends_by_itself_to_the_second(ada: Person, clock: Clock) -> None:
    clock.now += 15 * 60 - 1
    assert ada.asks("GET", "/me").json == {"username": "ada", "role": "user"}
    clock.now += 1
    answer = ada.asks("GET", "/me")
    assert (answer.status_code, answer.json["detail"]) == (401, "The access token has expired. Refresh it.")


def test_a_token_never_outlives_its_login(make_app: Callable[..., Flask], ada: Person, clock: Clock) -> None:
    clock.now += 14 * 24 * 3600 - 60
    client = make_app(token_minutes=1440).test_client()
    refreshed = client.post("/api/v1/tokens", json={"username": "ada", "password": "correct horse battery"}).json
    clock.now += 14 * 24 * 3600 - 60
    pair = client.post("/api/v1/tokens/refresh", json={"refresh_token": refreshed["refresh_token"]}).json
    assert pair["expires_in"] == 60


@pytest.mark.parametrize("path", ["/tokens/current", "/tokens"])
def test_a_token_ends_with_its_login(ada: Person, path: str) -> None:
    assert ada.asks("DELETE", path).status_code == 204
    assert ada.asks("GET", "/me").status_code == 401
    assert ada.asks("DELETE", path).status_code == 401


def test_logging_out_ends_this_login_and_logging_out_everywhere_all_of_this_user(
    new_person: Callable[[str], Person], ada: Person, bob: Person, client: FlaskClient
) -> None:
    def another() -> Person:
        credentials = {"username": "ada", "password": "correct horse battery"}
        return Person(client, "ada", client.post("/api/v1/tokens", json=credentials).json["access_token"])

    second, third = another(), another()
    second.asks("DELETE", "/tokens/current")
    assert [person.asks("GET", "/me").status_code for person in (ada, second, third)] == [200, 401, 200]
    third.asks("DELETE", "/tokens")
    assert [person.asks("GET", "/me").status_code for person in (ada, second, third, bob)] == [401, 401, 401, 200]


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic YTpi", "nonsense", "Token {}", "{}", "Bearer {} {}"]
)
def test_without_a_valid_token_nothing_is_told(ada: Person, client: FlaskClient, header: str) -> None:
    answer = client.get("/api/v1/accounts", headers={"Authorization": header.format(ada.token, ada.token)})
    assert (answer.status_code, answer.json["title"]) == (401, "Not logged in")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert "accounts" not in answer.json
