const COMMON = `
folder=/etc/systemd/network
networkd() {
  command -v networkctl && systemctl is-enabled systemd-networkd
} >/dev/null 2>&1
nic_of() {
  for link in /sys/class/net/*; do
    [ -e "$link/device" ] && read -r address <"$link/address" && [ "$address" = "$1" ] && echo "\${link##*/}" && return
  done
  return 1
}
`;

/**
 * Runs inside a guest. Arguments: for each NIC the name of its file, its MAC address, the file's content, and what ip(8)
 * prints of it then, by lines. Files of ours that are not named go. Only what differs is touched. Exit code 3: the guest's
 * network is not systemd-networkd's, and not as wanted.
 */
export const SET_ADDRESSES = `${COMMON}
lacks() {
  has=" $({ ip -o address show dev "$1"; ip route show dev "$1"; ip -6 route show dev "$1"; } | tr '\\n' ' ') "
  ! printf '%s\\n' "$2" | while IFS= read -r word; do
    case $has in *" $word "*) ;; *) [ -z "$word" ] || exit 1 ;; esac
  done
}
stays=" " changed= anew=
while [ $# -gt 0 ]; do
  name=$1 mac=$2 content=$3 words=$4
  shift 4
  stays="$stays$name "
  if ! networkd; then
    nic=$(nic_of "$mac") && ! lacks "$nic" "$words" || exit 3
  elif [ "$(cat "$folder/$name" 2>/dev/null)" != "$content" ]; then
    mkdir -p "$folder"
    printf '%s\\n' "$content" >"$folder/.$name" && chmod 644 "$folder/.$name" && sync "$folder/.$name" || exit 1
    mv -f "$folder/.$name" "$folder/$name" || exit 1
    changed=yes
  elif nic=$(nic_of "$mac") && lacks "$nic" "$words"; then
    anew="$anew $nic"
  fi
done
for file in "$folder"/05-pulumi-kvm-*.network; do
  case $stays in *" \${file##*/} "*) continue ;; esac
  [ -e "$file" ] || continue
  rm -f "$file"
  changed=yes
done
[ -n "$changed$anew" ] || exit 0
# It may be about to start, and waits for nothing but itself.
systemctl start systemd-networkd || exit 1
[ -z "$changed" ] || networkctl reload || exit 1
[ -z "$anew" ] || networkctl reconfigure $anew`;

/**
 * Runs inside a guest. Prints "networkd" where our files count, else "other"; addresses and routes as \`ip -j\` does, a line
 * each; and our files, each after a line with its name.
 */
export const LOOK_AT_ADDRESSES = `${COMMON}
if networkd; then echo networkd; else echo other; fi
ip -j address
ip -j route
ip -j -6 route
for file in "$folder"/05-pulumi-kvm-*.network; do
  [ -e "$file" ] || continue
  echo "== \${file##*/}"
  cat "$file"
done
:`;
