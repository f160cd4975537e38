"""Golden vault files, made without our code: `vault_vectors.py OUT_DIR` writes vault-v1-*.hex of crates/wallet/fixtures.

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


def ss58(key: bytes) -> str:
    body = bytes([42]) + key
    return base58.b58encode(body + hashlib.blake2b(b"SS58PRE" + body).digest()[:2]).decode()


def vault(lock: int, work: tuple, salt: bytes, key: bytes, name: bytes) -> bytes:
    info = json.dumps(
        {"name": "default", "hotkey": HOTKEY, "payout": ss58(bytes([9] * 32)), "created_at_ms": 1790000000000,
         "backed_up": False}, separators=(",", ":")).encode()
    entropy = bytes(Mnemonic("english").to_entropy(WORDS))
    plain = bytes([1, len(entropy)]) + entropy + struct.pack("<H", len(PATH)) + PATH
    nonce = bytes(range(100, 124))
    header = (b"CVVAULT" + bytes([1, lock]) + struct.pack("<III", *work) + salt + nonce
              + struct.pack("<H", len(name)) + name + struct.pack("<I", len(info)) + info
              + struct.pack("<H", len(plain) + 16))
    return header + encrypt(plain, header, nonce, key)


out = Path(sys.argv[1])
salt = bytes(range(16))
key = hash_secret_raw(b"correct horse", salt, 3, 64 * 1024, 1, 32, Type.ID, 19)
for name, file in (
    ("passphrase", vault(1, (64 * 1024, 3, 1), salt, key, b"")),
    ("keychain", vault(2, (0, 0, 0), bytes(16), bytes([5] * 32), b"vault-key/default")),
):
    (out / f"vault-v1-{name}.hex").write_text(file.hex() + "\n")
    print(name, len(file), "bytes")
