"""Golden vault and capsule files, made without our code: `vault_vectors.py crates/wallet/fixtures` writes
vault-v1-*.hex and capsule-v1.hex there.

Needs: pip install argon2-cffi==25.1.0 pynacl==1.6.0 mnemonic==0.21 base58==2.1.1
"""
import hashlib
import json
import struct
import sys
from pathlib import Path

import base58
from argon2.low_level import Type, hash_secret_raw
from mnemonic import Mnemonic
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt as encrypt

WORDS = "bottom drive obey lake curtain smoke basket hold race lonely fit walk"
PATH = b"//hotkey//0"
HOTKEY = "5HbSHhmSkhinS1pKMPyoWeyEwjXkXwrDWSJfpdQM4KDiPXP5"
# Of the words without a path.
ROOT = "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV"


def ss58(key: bytes) -> str:
    body = bytes([42]) + key
    return base58.b58encode(body + hashlib.blake2b(b"SS58PRE" + body).digest()[:2]).decode()


NONCE = bytes(range(100, 124))
SALT = bytes(range(16))
WORK = (64 * 1024, 3, 1)
ENTROPY = bytes(Mnemonic("english").to_entropy(WORDS))


def info(hotkey: str, **more: str) -> bytes:
    fields = {"name": "default", "hotkey": hotkey, **more, "created_at_ms": 1790000000000, "backed_up": False}
    text = json.dumps(fields, separators=(",", ":")).encode()
    return struct.pack("<I", len(text)) + text


def secret(path: bytes) -> bytes:
    return bytes([1, len(ENTROPY)]) + ENTROPY + struct.pack("<H", len(path)) + path


def vault(lock: int, work: tuple, salt: bytes, key: bytes, name: bytes) -> bytes:
    plain = secret(PATH)
    header = (b"CVVAULT" + bytes([1, lock]) + struct.pack("<III", *work) + salt + NONCE
              + struct.pack("<H", len(name)) + name + info(HOTKEY, payout=ss58(bytes([9] * 32)))
              + struct.pack("<H", len(plain) + 16))
    return header + encrypt(plain, header, NONCE, key)


def capsule(key: bytes) -> bytes:
    parts = {b"peer-identity": b"identity bytes", b"receipts": b'{"round":1}\n', b"settings": b""}
    plain = struct.pack("<H", len(secret(b""))) + secret(b"") + bytes([len(parts)])
    for name, data in parts.items():
        plain += bytes([len(name)]) + name + struct.pack("<I", len(data)) + data
    header = (b"CVCAPS" + bytes([1]) + struct.pack("<III", *WORK) + SALT + NONCE + struct.pack("<Q", 1790000000001)
              + info(ROOT) + struct.pack("<I", len(plain) + 16))
    return header + encrypt(plain, header, NONCE, key)


out = Path(sys.argv[1])
key = hash_secret_raw(b"correct horse", SALT, 3, 64 * 1024, 1, 32, Type.ID, 19)
for name, file in (
    ("vault-v1-passphrase", vault(1, WORK, SALT, key, b"")),
    ("vault-v1-keychain", vault(2, (0, 0, 0), bytes(16), bytes([5] * 32), b"vault-key/default")),
    ("capsule-v1", capsule(key)),
):
    (out / f"{name}.hex").write_text(file.hex() + "\n")
    print(name, len(file), "bytes")
