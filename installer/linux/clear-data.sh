#!/bin/sh
# Deletes what Covey wrote for the user who runs it: runs, data sets, models, settings, logs, downloads, the start with
# the session. It never deletes wallets or keys: folder `wallets`, *.vault, *.key and *.capsule stay where they are. The
# keys of rehearsals are worth nothing and go with them.
set -eu
[ -n "${HOME:-}" ] && [ -d "$HOME" ] || { echo "clear-data: HOME is no folder" >&2; exit 1; }
data=${XDG_DATA_HOME:-$HOME/.local/share}/covey
cache=${XDG_CACHE_HOME:-$HOME/.cache}/covey
config=${XDG_CONFIG_HOME:-$HOME/.config}
rm -rf -- "$cache"
rm -f -- "$config/autostart/Covey.desktop"
if [ -d "$data" ]; then
  (
    # Within the folder, so that a link to another disk is followed once, and no link inside it ever.
    cd "$data"
    rm -rf ./rehearsals
    find . -path ./wallets -prune -o ! -type d ! -name '*.key' ! -name '*.vault' ! -name '*.capsule' -exec rm -f -- {} +
    find . -mindepth 1 -depth -type d -exec rmdir -- {} + 2>/dev/null || true
  )
  rmdir -- "$data" 2>/dev/null || true
fi
if [ -d "$data" ]; then echo "Wallets and keys stay in $data."; fi
