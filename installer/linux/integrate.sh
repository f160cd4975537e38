#!/bin/sh
# Makes this folder's Covey known to your desktop, or takes that back. Needs no root and asks no network.
#   ./integrate.sh install          menu entry, icons, links covey://…, run files, `covey` in ~/.local/bin
#   ./integrate.sh remove           takes exactly that back, and asks about your data
#   ./integrate.sh remove --data    deletes your data too (runs, settings, downloads); wallets and keys always stay
# The folder itself is yours to delete.
set -eu
[ -n "${HOME:-}" ] && [ -d "$HOME" ] || { echo "integrate.sh: HOME is no folder" >&2; exit 1; }
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
case $here in
  *[!A-Za-z0-9_./@+,:=-]*)
    # A menu entry would need quoting that desktops read differently.
    echo "integrate.sh: move this folder to a path of plain letters, digits and ._-+@ first: $here" >&2; exit 1 ;;
esac
share=${XDG_DATA_HOME:-$HOME/.local/share}
config=${XDG_CONFIG_HOME:-$HOME/.config}
bin=$HOME/.local/bin
entries="covey.desktop covey-link.desktop"

refresh() { # the desktop's own indexes, where its tools are there
  if command -v update-desktop-database >/dev/null 2>&1 && [ -d "$share/applications" ]; then
    update-desktop-database "$share/applications" 2>/dev/null || true
  fi
  if command -v update-mime-database >/dev/null 2>&1 && [ -d "$share/mime/packages" ]; then
    update-mime-database "$share/mime" 2>/dev/null || true
  fi
}

install_all() {
  mkdir -p "$share/applications" "$share/mime/packages" "$bin" "$config/systemd/user"
  for entry in $entries; do
    sed -e "s|^Exec=covey|Exec=$here/lib/covey/covey|" -e "s|^TryExec=covey|TryExec=$here/lib/covey/covey|" \
      "$here/share/applications/$entry" >"$share/applications/$entry.part"
    mv -f "$share/applications/$entry.part" "$share/applications/$entry"
  done
  (cd "$here/share/icons" && find hicolor -type f) | while IFS= read -r icon; do
    mkdir -p "$share/icons/$(dirname "$icon")"
    cp -f "$here/share/icons/$icon" "$share/icons/$icon"
  done
  cp -f "$here/share/mime/packages/covey.xml" "$share/mime/packages/covey.xml"
  sed "s|^ExecStart=/usr/bin/|ExecStart=$here/bin/|" "$here/lib/systemd/user/covey-peer@.service" \
    >"$config/systemd/user/covey-peer@.service"
  for program in covey covey-peer covey-release covey-signer; do
    ours "$bin/$program" && ln -sfn "$here/lib/covey/$program" "$bin/$program"
  done
  refresh
  echo "Covey is in your menu. It lies in $here: run this again if you move it."
}

# Whether a name in ~/.local/bin is free, or a link to some Covey: nothing else is ever replaced or removed.
ours() {
  [ ! -e "$1" ] && [ ! -L "$1" ] && return 0
  case $(readlink "$1" 2>/dev/null || true) in
    */lib/covey/covey*) return 0 ;;
    *) echo "integrate.sh: $1 is not Covey's and stays as it is" >&2; return 1 ;;
  esac
}

remove_all() {
  for entry in $entries; do rm -f "$share/applications/$entry"; done
  (cd "$here/share/icons" && find hicolor -type f) | while IFS= read -r icon; do rm -f "$share/icons/$icon"; done
  rm -f "$share/mime/packages/covey.xml" "$config/systemd/user/covey-peer@.service" "$config/autostart/Covey.desktop"
  for program in covey covey-peer covey-release covey-signer; do
    if [ -L "$bin/$program" ] && ours "$bin/$program"; then rm -f "$bin/$program"; fi
  done
  refresh
  # Indexes of nothing: what the desktop's tools wrote beside our files alone.
  if rmdir "$share/mime/packages" 2>/dev/null; then rm -rf "$share/mime"; fi
  if [ "$(ls -A "$share/applications" 2>/dev/null)" = mimeinfo.cache ]; then rm -f "$share/applications/mimeinfo.cache"; fi
  [ ! -d "$share/icons/hicolor" ] || find "$share/icons/hicolor" -depth -type d -exec rmdir {} + 2>/dev/null || true
  rmdir "$share/icons" "$share/applications" "$bin" "$config/systemd/user" "$config/systemd" 2>/dev/null || true
  echo "Covey is no longer in your menu. Delete $here to be rid of its programs."
}

case "${1:-} ${2:-}" in
  "install ") install_all ;;
  "remove ")
    remove_all
    if [ -t 0 ] && [ -d "$share/covey" ]; then
      printf 'Delete your runs, settings and downloads as well? Wallets and keys stay. [y/N] '
      read -r answer || answer=
      case $answer in [yY]*) sh "$here/lib/covey/clear-data" ;; esac
    fi ;;
  "remove --data") remove_all; sh "$here/lib/covey/clear-data" ;;
  *) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
