/**
 * The scripts of a change, run on the host. They are constant; what is particular to a change comes as arguments and over
 * standard input.
 *
 * A change lives in /run/pulumi-kvm/network/TOKEN, which a reboot empties:
 *
 *   title, bridge     what it is, in words; the bridge's name
 *   apply/NN-TOOL     what is done, in this order: batch files of ip and bridge, files below /proc/sys with their content;
 *                     "-lenient": lines that fail do not matter
 *   undo/NN-TOOL      what takes it back
 *   files             "N MODE PATH" of each configuration file that is written; "N - PATH" of each that is removed
 *   handover/N        what tells the host's network manager, one word a line
 *   devices           the links that the change is about, one a line
 *   picture           how they, their addresses and routes were before; picture.now after a restoration
 *   guard, guard.pid  the process that does it all, and waits
 *   stage.NAME        how far it is: ready, applying, applied, keeping, kept, committed; or restoring and then restored, or
 *                     differs where not all could be put back
 *   undecided-N       for the first window and the second: renamed to commit-N or restore-N by whoever is first
 *   log               what was done, with seconds since the host's boot
 *
 * /run/pulumi-kvm/network/change is a link to the change that is under way: the lock of the host. "last" beside it is the
 * token of the change that ended last.
 *
 * Decisions and stages are renamed files: that needs no space, and only one of two can do it.
 */

/** What all of them begin with. */
const common = `
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/run/current-system/sw/bin LC_ALL=C
export PATH LC_ALL
umask 077
root=/run/pulumi-kvm/network
fail() { echo "$1" >&2; exit 1; }
pause() { sleep 0.1 2>/dev/null || sleep 1; }
# Whether the change in folder $1 has a guard that lives, or is still being prepared.
lives() {
  for file in guard.pid begin.pid; do
    read -r pid <"$1/$file" || continue
    tr '\\000' ' ' <"/proc/$pid/cmdline" | grep -q "\${1##*/}" && return 0
  done 2>/dev/null
  return 1
}
stage_of() { for file in "$1"/stage.*; do echo "\${file##*.}"; done; }
# How the links of the change in $1 are, without what changes by itself.
picture() {
  while read -r device; do
    echo "= $device"
    ip -o link show dev "$device" |
      sed -E 's/^[0-9]+: //; s/@[^:]*:/:/; s/NO-CARRIER,|,LOWER_UP|,M-DOWN//g; s/ (qdisc|state|mode) [^ ]*//g'
    ip -o addr show dev "$device" |
      sed -E 's/^[0-9]+: //; s/ (tentative|nodad|dadfailed|optimistic)//g; s/ proto kernel_[a-z]*//; s/\\\\.*//; s/ +/ /g'
    { ip -4 route show table all dev "$device"; ip -6 route show table all dev "$device"; } |
      sed -E '/ table local /d; s/ (expires|error|hoplimit) -?[0-9]+(sec)?//g; s/ (linkdown|dead)//g; s/ *$//' | sort
  done <"$1/devices" 2>/dev/null
}
# Waits for the next stage of the change in $1 after these.
past() {
  folder=$1 stages=$2
  while case " $stages " in *" $(stage_of "$folder") "*) ;; *) false ;; esac; do
    lives "$folder" || break
    pause
  done
  stage_of "$folder"
}`;

/**
 * The guard: applies the change, waits for its confirmation, and takes it back when none comes. It is the process that
 * must outlive everything else; nothing but a decision, a time-out or the end of the host ends it.
 *
 * Arguments: the change's folder, the seconds of a window; "recover": only take it back.
 */
export const GUARD = `${common}
change=$1 window=$2 token=\${1##*/}
trap '' HUP INT TERM PIPE
cd /
echo -1000 >/proc/self/oom_score_adj 2>/dev/null
# A full disk must not end a restoration: what is said here is lost then.
say() { read -r up rest </proc/uptime; { echo "$up $*" >>"$change/log"; } 2>/dev/null; }
stage() { mv "$change"/stage.* "$change/stage.$1"; say "$1"; }
clock() { read -r up rest </proc/uptime; echo "\${up%.*}\${up#*.}"; }

run_step() {
  case $1 in
    *-ip) ip -batch "$1" ;;
    *-ip-lenient) ip -force -batch "$1" ;;
    *-bridge) bridge -batch "$1" ;;
    *-bridge-lenient) bridge -force -batch "$1" ;;
    *-sysctl*)
      while read -r file value; do
        { echo "$value" >"$file"; } 2>/dev/null && continue
        case $1 in *-lenient) ;; *) echo "cannot write $value to $file"; return 1 ;; esac
      done <"$1" ;;
  esac
}
run_steps() {
  for file in "$change/$1"/*; do
    [ -e "$file" ] || continue
    said=$(run_step "$file" 2>&1) && continue
    case $file in *-lenient) continue ;; esac
    say "$said"
    return 1
  done
}

# Configuration: the new files lie beside the old ones, and so do copies of the old ones, since before anything was touched.
beside() { echo "\${2%/*}/.pulumi-kvm.$token.$1"; }
place() {
  while read -r n mode path; do
    if [ "$mode" = - ]; then rm -f -- "$path"; else mv -f -- "$(beside "$n" "$path")" "$path"; fi ||
      { say "cannot write $path"; return 1; }
  done <"$change/files"
}
unplace() {
  while read -r n mode path; do
    if [ -e "$change/new-$n" ]; then rm -f -- "$path"; else mv -f -- "$(beside "$n" "$path").old" "$path"; fi
  done <"$change/files"
}
# Removes what lies beside; of what was there before us for the first time, the copy stays under another name.
tidy() {
  while read -r n mode path; do
    old="$(beside "$n" "$path").old"
    if [ "$1" = keep ] && read -r backup <"$change/backup-$n" && [ ! -e "$backup" ]; then mv -f -- "$old" "$backup"; fi
    rm -f -- "$(beside "$n" "$path")" "$old"
  done <"$change/files" 2>/dev/null
}
hand_over() {
  for file in "$change/handover"/*; do
    [ -e "$file" ] || continue
    set --
    while IFS= read -r word; do set -- "$@" "$word"; done <"$file"
    # A manager that hangs must not hold up the guard.
    timeout 30 "$@" >"$change/said" 2>&1 </dev/null && continue
    say "$* failed: $(cat "$change/said")"
    return 1
  done
}

finish() {
  tidy "$1"
  if [ "$1" = keep ]; then
    read -r bridge <"$change/bridge"
    if [ -e "$change/forget" ]; then rm -f "$root/before-$bridge"; fi
    if [ -e "$change/before" ]; then mv "$change/before" "$root/before-$bridge"; fi
  fi
  mv "$change/token" "$root/last"
  stage "$2"
  rm -f "$root/change"
  exit 0
}
restore() {
  stage restoring
  if [ -e "$change/placed" ]; then
    unplace
    hand_over
  fi
  for try in 1 2 3; do
    run_steps undo
    picture "$change" >"$change/picture.now" 2>/dev/null
    cmp -s "$change/picture" "$change/picture.now" && finish drop restored
    sleep 1
  done
  say "$(diff "$change/picture" "$change/picture.now")"
  finish drop differs
}
# Until the window's time is over or somebody has decided; whether that was for the change. A second of the window is left
# for the restoration, so that its end finds the host as it was.
confirmed() {
  end=$((begin + window * 100 - 100))
  while [ -e "$change/undecided-$1" ] && [ "$(clock)" -lt "$end" ]; do pause; done
  mv "$change/undecided-$1" "$change/restore-$1" 2>/dev/null && say "nobody confirmed within $window s"
  [ -e "$change/commit-$1" ]
}

[ "$3" != recover ] || restore
echo $$ >"$change/guard.pid" || exit 1
mv "$change/stage.ready" "$change/stage.applying" || exit 1
begin=$(clock)
say "applying; back to what it was after $window s, unless confirmed"
run_steps apply || restore
stage applied
confirmed 1 || restore
stage keeping
if [ -s "$change/files" ]; then
  mv "$change/unplaced" "$change/placed"
  place || restore
fi
set -- "$change/handover"/*
if [ -e "$1" ]; then
  begin=$(clock)
  hand_over || restore
  stage kept
  confirmed 2 || restore
fi
finish keep committed
`;

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
mkdir "$change/apply" "$change/undo" "$change/new" "$change/handover" || refuse "$full"
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
  beside=\${path%/*}/.pulumi-kvm.$token.$n
  mkdir -p -m 755 -- "\${path%/*}" || refuse "cannot make the folder of $path"
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
if ! { [ -d /run/systemd/system ] && systemd-run --quiet --collect --unit="pulumi-kvm-network-$token" $guard >>"$change/log" 2>&1; }; then
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
 * DEVICE", a neighbour that has to be there; "ping ADDRESS". Prints the stage that followed, those probes that did not
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
while [ -e "$change/undecided-$round" ]; do
  missing=
  for probe; do
    answers "$probe" || missing="$missing$probe
"
  done
  if [ -z "$missing" ]; then mv "$change/undecided-$round" "$change/commit-$round" 2>/dev/null; else pause; fi
done
if [ "$round" = 1 ]; then past "$change" "applied keeping restoring"; else past "$change" "kept restoring"; fi
printf '%s\\n' "$missing"
cat "$change/log"
`;

/**
 * Decides for a restoration of the change $1 where nothing is decided, and waits until it is done; where its guard was
 * killed, does it. Prints as BEGIN.
 */
export const ABANDON = `${common}
change=$root/$1
[ -d "$change" ] || fail "the change is unknown"
for round in 1 2; do mv "$change/undecided-$round" "$change/restore-$round" 2>/dev/null; done
case $(past "$change" "ready applying applied keeping kept restoring") in
  committed | restored | differs) ;;
  *) lives "$change" || sh "$change/guard" "$change" 0 recover </dev/null >/dev/null 2>&1 ;;
esac
stage_of "$change"
cat "$change/log"
`;
