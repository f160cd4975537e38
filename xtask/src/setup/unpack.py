# Unpacks the wanted members of wheels: python3 unpack.py DEST WANTED... -- WHEEL...
# The wheels' hashes were checked before; a name that would leave DEST is refused all the same.
import os
import sys
import zipfile

dest, words = sys.argv[1], sys.argv[2:]
wanted, wheels = tuple(words[: words.index("--")]), words[words.index("--") + 1 :]
for wheel in wheels:
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith(wanted):
                if os.path.isabs(name) or ".." in name.split("/"):
                    sys.exit(f"{wheel} holds a member that leaves its folder: {name!r}")
                archive.extract(name, dest)
