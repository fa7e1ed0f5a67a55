"""Our authority signs what a worker pool may use, and believes only its own pools' proofs."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from gantry.infra.pki import PoolAuthority, new_ca
from gantry.infra.vault import RsaVault
from gantry.ports.pki import BadCertificateRequest
from gantry.ports.vault import InvalidToken
from joserfc import jwe, jwt
from joserfc.jwk import RSAKey

NOW = datetime.now(UTC).replace(microsecond=0)
POOL = "01J9Z6Y8V7W5T3R1Q0P9N8M7K6"
WORKER = "01J9Z6Y8V7W5T3R1Q0P9N8M7K7"
PEM = serialization.Encoding.PEM


@lru_cache
def the_ca() -> tuple[str, str]:
    return new_ca("Gantry pools")


@lru_cache
def pool_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@lru_cache
def another_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def a_large_key() -> rsa.RSAPrivateKey:
    """6387 bits from two primes that everybody knows: finding fresh ones takes seconds."""
    p, q, e = 2**3217 - 1, 3 * 2**3168 + 1, 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    crt = (rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q))
    numbers = rsa.RSAPrivateNumbers(p, q, d, *crt, rsa.RSAPublicNumbers(e, p * q))
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)


def authority(now: datetime = NOW) -> PoolAuthority:
    return PoolAuthority(*the_ca(), clock=lambda: now)


def a_request(key=None, *, name="workers.spacelift.io", hashed=hashes.SHA256) -> str:
    key = key or pool_key()
    ed = isinstance(key, ed25519.Ed25519PrivateKey)
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        # What a request asks for is not what it gets.
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, None if ed else hashed())
        .public_bytes(PEM)
        .decode()
    )


def public_pem(key: rsa.RSAPrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(PEM, form).decode()


def issued(request: str) -> x509.Certificate:
    answer = authority().issue(request, pool_id=POOL)
    return x509.load_pem_x509_certificate(answer.certificate_pem.encode())


def a_proof(key=None, alg="RS256", **changes) -> str:
    claims = {
        "sub": WORKER,
        "iss": POOL,
        "aud": ["gantry-worker"],
        "purpose": "worker",
        "exp": int(NOW.timestamp()) + 300,
    }
    claims.update(changes)
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": alg}, claims, RSAKey.import_key(key or pool_key()), algorithms=[alg])


def check(proof: str, *, key=None, audience="gantry-worker", pool=POOL) -> str:
    pem = public_pem(key or pool_key())
    return authority().check_proof(proof, public_key_pem=pem, audience=audience, pool_id=pool)


def test_a_proof_for_one_pool_does_not_pass_for_another_of_the_same_key():
    with pytest.raises(InvalidToken, match="another pool"):
        check(a_proof(), pool="01J00000000000000000000P02")


# ---- certificates


def test_a_request_is_taken_as_pem_and_as_base64_of_pem():
    pem = a_request()
    encoded = base64.b64encode(pem.encode()).decode()
    wrapped = base64.encodebytes(pem.encode()).decode()

    for request in (pem, f"\n  {pem}\n", pem.replace("\n", "\r\n"), encoded, wrapped):
        answer = authority().issue(request, pool_id=POOL)
        assert answer.public_key_pem == public_pem(pool_key())


def test_a_certificate_speaks_for_the_pool_whatever_the_request_asked_for():
    certificate = issued(a_request(name="administrator"))
    extensions = certificate.extensions

    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert [name.value for name in names] == [POOL]
    assert len(list(certificate.subject)) == 1
    assert extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.CLIENT_AUTH
    ]
    usage = extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature
    assert not usage.key_cert_sign


def test_a_certificate_is_signed_by_our_authority_and_never_outlives_it():
    ca = x509.load_pem_x509_certificate(the_ca()[1].encode())
    certificate = issued(a_request())

    certificate.verify_directly_issued_by(ca)
    assert certificate.not_valid_before_utc < NOW
    assert NOW + timedelta(days=3600) < certificate.not_valid_after_utc <= ca.not_valid_after_utc
    assert certificate.serial_number != issued(a_request()).serial_number


def test_an_authority_whose_time_is_over_issues_nothing():
    with pytest.raises(RuntimeError, match="expired"):
        authority(NOW + timedelta(days=3660)).issue(a_request(), pool_id=POOL)


def test_the_authority_may_sign_pools_and_nothing_else():
    ca = x509.load_pem_x509_certificate(the_ca()[1].encode())

    ca.verify_directly_issued_by(ca)
    constraints = ca.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert (constraints.value.ca, constraints.value.path_length) == (True, 0)
    usage = ca.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.key_cert_sign
    assert not usage.digital_signature


def test_the_certificate_of_an_rsa_4096_key_is_issued_too():
    key = rsa.generate_private_key(public_exponent=65537, key_size=4096)

    assert issued(a_request(key)).public_key() == key.public_key()


@pytest.mark.parametrize("curve", [ec.SECP256R1, ec.SECP384R1])
def test_a_request_with_an_ec_key_is_refused_with_the_reason(curve):
    with pytest.raises(BadCertificateRequest, match="must carry an RSA key"):
        authority().issue(a_request(ec.generate_private_key(curve())), pool_id=POOL)


def test_a_request_with_any_other_key_is_refused_with_the_reason():
    with pytest.raises(BadCertificateRequest, match="must carry an RSA key"):
        authority().issue(a_request(ed25519.Ed25519PrivateKey.generate()), pool_id=POOL)


def test_a_request_with_a_weak_key_is_refused_with_its_size():
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)

    with pytest.raises(BadCertificateRequest, match="has 1024 bits"):
        authority().issue(a_request(weak), pool_id=POOL)


def test_a_request_with_a_key_too_large_for_its_messages_is_refused_with_its_size():
    with pytest.raises(BadCertificateRequest, match="has 6387 bits; 2048 to 6144"):
        authority().issue(a_request(a_large_key()), pool_id=POOL)


def test_a_request_for_somebody_elses_key_is_refused():
    mine = x509.load_pem_x509_csr(a_request().encode()).public_bytes(serialization.Encoding.DER)
    numbers = (key.public_key().public_numbers().n for key in (pool_key(), another_key()))
    ours, theirs = (number.to_bytes(256, "big") for number in numbers)
    assert mine.count(ours) == 1
    body = base64.encodebytes(mine.replace(ours, theirs)).decode()
    stolen = f"-----BEGIN CERTIFICATE REQUEST-----\n{body}-----END CERTIFICATE REQUEST-----\n"

    with pytest.raises(BadCertificateRequest, match="not signed with the key"):
        authority().issue(stolen, pool_id=POOL)


@pytest.mark.parametrize(
    "request_text",
    [
        "",
        "hello",
        "aGVsbG8=",
        "é",
        "\ud800",
        "-----BEGIN \ud800",
        "-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n",
        "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n",
        "A" * 100_000,
    ],
)
def test_what_is_no_request_is_refused(request_text):
    with pytest.raises(BadCertificateRequest):
        authority().issue(request_text, pool_id=POOL)


def test_an_authority_is_not_built_from_a_key_and_certificate_of_two():
    key, certificate = the_ca()
    other_key, _ = new_ca("another")

    with pytest.raises(ValueError, match="do not match"):
        PoolAuthority(other_key, certificate)
    with pytest.raises(ValueError, match="not PEM"):
        PoolAuthority("nonsense", certificate)
    with pytest.raises(ValueError, match="not PEM"):
        PoolAuthority(key, "nonsense")


# ---- proofs


@pytest.mark.parametrize("alg", ["RS256", "PS256"])
def test_a_proof_names_its_worker(alg):
    assert check(a_proof(alg=alg)) == WORKER


def test_a_proof_signed_with_another_pools_key_is_refused():
    with pytest.raises(InvalidToken):
        check(a_proof(another_key()))
    assert check(a_proof(another_key()), key=another_key()) == WORKER


@pytest.mark.parametrize("seconds", [-4, 1, 600, 605])
def test_a_proof_may_last_ten_minutes_give_or_take_the_clocks(seconds):
    assert check(a_proof(exp=int(NOW.timestamp()) + seconds)) == WORKER


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": int(NOW.timestamp()) - 5}, "expired"),
        ({"exp": int(NOW.timestamp()) + 606}, "too long"),
        ({"exp": 10**400}, "too long"),
        ({"exp": None}, "not valid"),
        ({"exp": float("nan")}, "not valid"),
        ({"nbf": int(NOW.timestamp()) + 60}, "not valid"),
        ({"aud": "gantry-worker"}, "something else"),
        ({"aud": ["gantry-worker", "gantry"]}, "something else"),
        ({"aud": ["gantry"]}, "something else"),
        ({"purpose": "session"}, "something else"),
        ({"purpose": None}, "something else"),
        ({"sub": None}, "not valid"),
        ({"sub": ""}, "not valid"),
        ({"sub": 7}, "not valid"),
        ({"sub": "+/#"}, "no worker"),
        ({"sub": WORKER + "\n"}, "no worker"),
    ],
)
def test_a_proof_that_is_not_exactly_what_it_must_be_is_refused(changes, reason):
    with pytest.raises(InvalidToken, match=reason):
        check(a_proof(**changes))


@pytest.mark.filterwarnings("ignore:JWS algorithm")
@pytest.mark.parametrize("alg", ["none", "RS384", "RS512", "PS512"])
def test_a_proof_under_another_algorithm_is_refused(alg):
    with pytest.raises(InvalidToken):
        check(a_proof(alg=alg))


def test_a_token_that_we_signed_ourselves_is_no_proof():
    vault = RsaVault(another_key(), {1: b"a" * 32}, 1)
    token = vault.sign(
        {
            "sub": WORKER,
            "aud": ["gantry-worker"],
            "purpose": "worker",
            "exp": int(NOW.timestamp()) + 300,
        }
    )

    with pytest.raises(InvalidToken):
        check(token)


# ---- sealing for a pool


def test_only_the_pools_private_key_opens_what_is_sealed_for_it():
    plain = b"AWS_SECRET_ACCESS_KEY=hunter2" * 20_000
    answer = authority().issue(a_request(), pool_id=POOL)

    sealed = authority().encrypt_for(answer.public_key_pem, plain)

    rules = jwe.JWERegistry(algorithms=["RSA-OAEP-256", "A256GCM"])
    rules.max_ciphertext_length = len(sealed)
    opened = jwe.decrypt_compact(sealed, RSAKey.import_key(pool_key()), registry=rules)
    assert opened.plaintext == plain
    assert opened.protected == {"alg": "RSA-OAEP-256", "enc": "A256GCM"}
    with pytest.raises(Exception, match="Decryption failed"):
        jwe.decrypt_compact(sealed, RSAKey.import_key(another_key()), registry=rules)


def test_a_server_shows_a_certificate_that_no_pool_could_have():
    pem, key = authority().client("gantry-server", lasts=timedelta(days=1))

    certificate = x509.load_pem_x509_certificate(pem.encode())
    certificate.verify_directly_issued_by(
        x509.load_pem_x509_certificate(authority().certificate.encode())
    )
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == "gantry-server"
    assert certificate.not_valid_after_utc == NOW + timedelta(days=1)
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    loaded = serialization.load_pem_private_key(key.encode(), password=None)
    assert loaded.public_key() == certificate.public_key()
    with pytest.raises(ValueError, match="one that a pool could have"):
        authority().client(POOL, lasts=timedelta(days=1))
