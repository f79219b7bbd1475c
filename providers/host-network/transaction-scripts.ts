import { common } from "./guard-script";

/**
 * Prepares a change and starts its guard. Arguments: token, seconds of a window, the token of the change after which the
 * host was looked at. Over standard input: for each file of the change "NAME LINES BYTES" and its lines; files of the
 * host's configuration are named "new/N". Prints the stage that was reached and the log. Exit code 75: another change is
 * under way, what it is was printed; 76: another one was made since.
 */
export const BEGIN = `${common}
token=$1 window=$2 looked=$3
change=$root/$token
for program in ip setsid sed sort cmp timeout; do
  command -v "$program" >/dev/null || fail "there is no program $program"
done
[ "$(id -u)" = 0 ] || fail "only root can change the network"
mkdir -p "$root" || fail "cannot write in /run"

drop() {
  [ ! -e "$1/files" ] || while read -r n mode path; do
    beside=\${path%/*}/.pulumi-kvm.\${1##*/}.$n
    rm -f -- "$beside" "$beside.old"
  done <"$1/files"
  rm -rf -- "$1"
}
refuse() { echo "$1" >&2; drop "$change"; exit "\${2:-1}"; }

# What others left: prepared and never begun, or ended long ago.
for other in "$root"/*/; do
  other=\${other%/}
  [ -d "$other" ] && [ ! -L "$other" ] && [ "$(readlink "$root/change")" != "\${other##*/}" ] || continue
  lives "$other" && continue
  case $(stage_of "$other") in
    committed | restored | differs) [ -n "$(find "$other" -prune -mmin +60)" ] || continue ;;
  esac
  drop "$other"
done

full="no space left in /run"
mkdir "$change" || fail "$full"
echo $$ >"$change/begin.pid" || refuse "$full"
mkdir "$change/apply" "$change/undo" "$change/end" "$change/new" "$change/handover" "$change/handback" || refuse "$full"
while read -r name lines bytes; do
  count=0
  while [ "$count" -lt "$lines" ] && IFS= read -r line; do
    printf '%s\\n' "$line" || refuse "$full"
    count=$((count + 1))
  done >"$change/$name"
  [ "$(($(wc -c <"$change/$name")))" = "$bytes" ] || refuse "$full"
done
for name in stage.ready undecided-1 undecided-2 unplaced; do : >"$change/$name" || refuse "$full"; done
echo "$token" >"$change/token" || refuse "$full"
echo "prepared for \${SSH_CONNECTION:-this machine}" >"$change/log" || refuse "$full"
picture "$change" >"$change/picture" && [ -s "$change/picture" ] || refuse "$full"
# Room for what a restoration writes.
for name in picture.now said; do cp "$change/picture" "$change/$name" || refuse "$full"; done
cmp -s "$change/picture" "$change/said" || refuse "$full"
[ ! -e /etc/resolv.conf ] || cp /etc/resolv.conf "$change/resolv.conf" || refuse "$full"

while read -r n mode path; do
  # A power cut leaves what was prepared.
  for stray in "\${path%/*}"/.pulumi-kvm.*; do
    other=\${stray#*/.pulumi-kvm.}
    [ ! -e "$stray" ] || [ -d "$root/\${other%%.*}" ] || rm -f -- "$stray"
  done
  beside=\${path%/*}/.pulumi-kvm.$token.$n
  (umask 022 && mkdir -p -- "\${path%/*}") || refuse "cannot make the folder of $path"
  if [ -e "$path" ] || [ -L "$path" ]; then
    cp -a -- "$path" "$beside.old" || refuse "cannot keep a copy of $path: is the disk full?"
  else
    : >"$change/new-$n" || refuse "$full"
  fi
  [ "$mode" != - ] || continue
  cp -- "$change/new/$n" "$beside" && cmp -s "$change/new/$n" "$beside" && chmod "$mode" "$beside" && sync "$beside" ||
    refuse "cannot write $path: is the disk full?"
done <"$change/files"

# The lock. A change whose guard was killed is taken back first.
until ln -sn "$token" "$root/change" 2>/dev/null; do
  if ! other=$(readlink "$root/change"); then
    tries=$((\${tries:-0} + 1))
    [ "$tries" -lt 10 ] || refuse "$full"
    continue
  fi
  other=$root/$other
  if lives "$other"; then refuse "$(cat "$other/title")" 75; fi
  sh "$other/guard" "$other" 0 recover </dev/null >/dev/null 2>&1
  rm -f "$root/change"
done
if [ "$(cat "$root/last" 2>/dev/null)" != "$looked" ]; then
  rm -f "$root/change"
  refuse "the network was changed meanwhile" 76
fi

guard="sh $change/guard $change $window"
if ! { [ -d /run/systemd/system ] && systemd-run --quiet --collect --property=KillMode=process --unit="pulumi-kvm-network-$token" $guard >>"$change/log" 2>&1; }; then
  setsid $guard </dev/null >/dev/null 2>&1 &
fi
tries=0
while [ -e "$change/stage.ready" ]; do
  tries=$((tries + 1))
  if [ "$tries" -gt 100 ] && mv "$change/stage.ready" "$change/stage.broken"; then
    rm -f "$root/change"
    refuse "the timer did not start: $(cat "$change/log")"
  fi
  pause
done
past "$change" "applying restoring"
cat "$change/log"
`;

/**
 * Confirms window $2 of the change $1 when every probe has answered. The other arguments are the probes: "gateway ADDRESS
 * DEVICE", a neighbour that has to be there; "ping ADDRESS"; "lease VERSION DEVICE", an address that has to be there. Prints the stage that followed, those probes that did not
 * answer, an empty line, and the log.
 */
export const CONFIRM = `${common}
change=$root/$1 round=$2
shift 2
[ -d "$change" ] || fail "the change is unknown"

answers() {
  set -- $1
  case $1 in
    ping) ping -c 1 -W 1 "$2" ;;
    lease) ip "-$2" -o addr show dev "$3" scope global | grep -v tentative | grep -q . ;;
    gateway)
      ip neigh flush to "$2" dev "$3"
      ping -c 1 -W 1 -I "$3" "$2" && return
      # One that is there may still not answer pings.
      ip neigh replace "$2" dev "$3" use && pause
      ip neigh show to "$2" dev "$3" | grep lladdr ;;
  esac >/dev/null 2>&1
}

past "$change" "ready applying" >/dev/null
missing=
while [ -e "$change/undecided-$round" ] && lives "$change"; do
  before=$missing
  missing=
  for probe; do
    answers "$probe" || missing="$missing$probe
"
  done
  if [ -z "$missing" ]; then mv "$change/undecided-$round" "$change/commit-$round" 2>/dev/null; else pause; fi
  # Asked while the host was taking the change back, they tell nothing.
  [ -e "$change/undecided-$round" ] || missing=\${before:-$missing}
done
[ ! -e "$change/commit-$round" ] || missing=
if [ "$round" = 1 ]; then past "$change" "applied keeping restoring"; else past "$change" "kept restoring"; fi
printf '%s\\n' "$missing"
cat "$change/log"
`;

/**
 * Decides for a restoration of the change $1 where nothing is decided, and waits until it is done; where its guard was
 * killed, does it. Prints as BEGIN; "unknown" where the host has no such change any more.
 */
export const ABANDON = `${common}
change=$root/$1
[ -d "$change" ] || { echo unknown; exit; }
for round in 1 2; do mv "$change/undecided-$round" "$change/restore-$round" 2>/dev/null; done
case $(past "$change" "ready applying applied keeping kept restoring") in
  committed | restored | differs) ;;
  *) lives "$change" || sh "$change/guard" "$change" 0 recover </dev/null >/dev/null 2>&1 ;;
esac
stage_of "$change"
cat "$change/log"
`;
