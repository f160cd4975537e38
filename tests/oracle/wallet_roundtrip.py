"""Key files both ways with btcli's own wallet package, and the key-file fixtures of the wallet crate.

    pip install bittensor-wallet==4.1.1 ansible-vault==4.1.0      # neither is needed by the build or by CI
    python tests/oracle/wallet_roundtrip.py fixtures crates/wallet/fixtures/btcli   # rewrites the committed files
    python tests/oracle/wallet_roundtrip.py roundtrip                               # drives the example `btcli`

All keys here are published test keys; the passphrases are worth nothing.
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from ansible_vault import Vault as AnsibleVault
from bittensor_wallet import Keypair, Wallet, keyfile

WORDS = "bottom drive obey lake curtain smoke basket hold race lonely fit walk"
FIFTEEN = "trade wolf pipe gloom slot expire update goose move figure glow leave company dress bamboo"
PASSPHRASE = "Correct-Horse-9!"
PATH = "//hotkey//0"
ADDRESS = "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV"
DERIVED = "5HbSHhmSkhinS1pKMPyoWeyEwjXkXwrDWSJfpdQM4KDiPXP5"


def plain(pair: Keypair) -> bytes:
    return keyfile.serialized_keypair_to_keyfile_data(pair)


def fixtures(out: Path) -> None:
    (out / "hotkeys").mkdir(parents=True, exist_ok=True)
    words = Keypair.create_from_mnemonic(WORDS)
    files = {
        "coldkeypub.txt": plain(Keypair(ss58_address=ADDRESS)),
        "hotkeys/words": plain(words),
        "hotkeys/wordspub.txt": plain(Keypair(ss58_address=ADDRESS)),
        "hotkeys/derived": plain(Keypair.create_from_uri(WORDS + PATH)),
        "hotkeys/fifteen": plain(Keypair.create_from_mnemonic(FIFTEEN)),
        # bittensor-wallet 4.1.1 writes an unreadable secretSeed here; the private key beside it is sound.
        "hotkeys/seed": plain(Keypair.create_from_seed("0x" + "07" * 32)),
        "hotkeys/ansible": AnsibleVault(PASSPHRASE).dump_raw(plain(words).decode()).encode(),
        "coldkey.hex": keyfile.encrypt_keyfile_data(plain(words), PASSPHRASE).hex().encode() + b"\n",
    }
    for name, data in files.items():
        (out / name).write_bytes(data)
        print(name, len(data), "bytes")


def build() -> str:
    done = subprocess.run(["cargo", "build", "-p", "wallet", "--example", "btcli", "--message-format=json"],
                          stdout=subprocess.PIPE, text=True, check=True)
    programs = (json.loads(line).get("executable") for line in done.stdout.splitlines())
    return next(program for program in programs if program)


def rust(program: str, *arguments: str, stdin: str) -> str:
    done = subprocess.run([program, *arguments], input=stdin, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{arguments}: {done.stderr}")
    return done.stdout.strip()


def same(what: str, got: str, want: str) -> None:
    assert got == want, (what, got, want)
    print(f"ok: {what}: {got}")


def roundtrip() -> None:
    program = build()
    with tempfile.TemporaryDirectory() as wallets:
        # Python to Rust: a whole wallet as btcli makes it, the coldkey encrypted.
        made = Wallet(name="python", hotkey="default", path=wallets)
        made.create_new_coldkey(12, use_password=True, overwrite=True, suppress=True, coldkey_password=PASSPHRASE)
        made.create_new_hotkey(24, use_password=False, overwrite=True, suppress=True)
        folder = f"{wallets}/python"
        coldkey = made.coldkeypub.ss58_address
        same("Rust lists Python's wallet", rust(program, "show", folder, stdin=""), f"coldkey {coldkey}\ndefault")
        same("Rust opens Python's hotkey", rust(program, "open", f"{folder}/hotkeys/default", stdin=""),
             made.hotkey.ss58_address)
        same("Rust opens Python's encrypted coldkey", rust(program, "open", f"{folder}/coldkey", stdin=PASSPHRASE),
             coldkey)

        # Rust to Python: plain and encrypted hotkeys, words with and without a path, and an encrypted coldkey.
        for name, path, lock, want in (("plain", "", "", ADDRESS), ("locked", "", PASSPHRASE, ADDRESS),
                                       ("derived", PATH, "", DERIVED)):
            rust(program, "export", wallets, name, coldkey, stdin="\n".join((WORDS, path, lock)))
            wallet = Wallet(name=name, hotkey="default", path=wallets)
            hotkey = wallet.get_hotkey(password=lock or None)
            same(f"Python opens Rust's {name} hotkey", hotkey.ss58_address, want)
            same(f"Python reads Rust's {name} hotkeypub", wallet.get_hotkeypub().ss58_address, want)
            same(f"Python reads Rust's {name} coldkeypub", wallet.get_coldkeypub().ss58_address, coldkey)
            assert Keypair(ss58_address=want).verify(b"covey", hotkey.sign(b"covey"))
            print(f"ok: the {name} hotkey signs in Python")
            if lock:
                try:
                    wallet.get_hotkey(password="wrong")
                    raise SystemExit("a wrong password opened Rust's key file")
                except Exception as refused:
                    print("ok: Python refuses a wrong password:", type(refused).__name__)
        rust(program, "coldkey", f"{wallets}/locked/coldkey", stdin="\n".join((WORDS, "", PASSPHRASE)))
        locked = Wallet(name="locked", hotkey="default", path=wallets)
        same("Python opens Rust's coldkey", locked.get_coldkey(password=PASSPHRASE).ss58_address, ADDRESS)
        json.loads((Path(wallets) / "plain/hotkeys/default").read_text())


if sys.argv[1:2] == ["fixtures"]:
    fixtures(Path(sys.argv[2]))
elif sys.argv[1:] == ["roundtrip"]:
    roundtrip()
else:
    sys.exit(__doc__)
