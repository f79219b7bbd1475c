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
 *   end/NN-TOOL       what remains to be done when it is confirmed
 *   files             "N MODE PATH" of each configuration file that is written; "N - PATH" of each that is removed
 *   manager-first     there where the network manager has to let go before anything can be done
 *   handover/N        what tells the host's network manager, one word a line
 *   handback/N        what tells it that all is as before, when the change is taken back after that
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
export const common = `
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

# A DHCP client for IP version $1 on link $2, where no network manager has one: the first that is installed.
dhcp_start() {
  six=
  if [ "$1" = 6 ]; then six=6; fi
  for leases in /var/lib/dhclient /var/lib/dhcp; do [ ! -d "$leases" ] || break; done
  if command -v dhclient >/dev/null; then
    set -- dhclient "-$1" -nw -pf "/run/dhclient$six.$2.pid" -lf "$leases/dhclient$six.$2.leases" "$2"
  elif command -v dhcpcd >/dev/null; then
    set -- dhcpcd "-$1" -b -q "$2"
  elif [ "$1" = 4 ] && command -v udhcpc >/dev/null; then
    set -- udhcpc -b -i "$2" -p "/run/udhcpc.$2.pid"
  else
    echo "cannot ask for an address: there is no DHCP client"
    return 1
  fi
  "$@" >/dev/null 2>&1 </dev/null
}
# Ends it without a word to the server, and without a script that takes addresses away.
dhcp_stop() {
  own=$(readlink /proc/self/ns/net)
  for comm in /proc/[0-9]*/comm; do
    read -r name <"$comm" || continue
    case $name in dhclient | dhcpcd | udhcpc) ;; *) continue ;; esac
    [ "$(readlink "\${comm%comm}ns/net")" = "$own" ] || continue
    words=" $(tr '\\000' ' ' <"\${comm%comm}cmdline") "
    case $words in *" $2 "*) ;; *) continue ;; esac
    case $words in *" -6 "*) version=6 ;; *) version=4 ;; esac
    [ "$version" = "$1" ] || continue
    pid=\${comm%/comm}
    kill -KILL "\${pid#/proc/}"
  done 2>/dev/null
  :
}

run_step() {
  case $1 in
    *-ip) ip -batch "$1" ;;
    *-ip-lenient) ip -force -batch "$1" ;;
    *-bridge) bridge -batch "$1" ;;
    *-bridge-lenient) bridge -force -batch "$1" ;;
    *-dhcp*)
      while read -r verb ip device; do "dhcp_$verb" "$ip" "$device" || return 1; done <"$1" ;;
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
  for file in "$change/$1"/*; do
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
    hand_over handback
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
if [ -e "$change/manager-first" ]; then
  mv "$change/unplaced" "$change/placed"
  place && hand_over handover || restore
  for try in 1 2; do run_steps apply; sleep 1; done
  stage applied
  confirmed 1 || restore
  run_steps end
  finish keep committed
fi
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
  hand_over handover || restore
  stage kept
  confirmed 2 || restore
fi
run_steps end
finish keep committed
`;
