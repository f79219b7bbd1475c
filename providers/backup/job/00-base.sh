#!/bin/sh
# kvm-backup: incremental tar backups that are proven by restoring them. It runs on the machine that is backed up, and a
# copy lies in every repository, so that nothing else is needed to restore from it.
#
#   kvm-backup [--config FILE] run [--full] [--jitter SECONDS] [--missed SECONDS]
#   kvm-backup [--config FILE | --repository DIR] list [--at TIME] [--path GLOB]...
#   kvm-backup [--config FILE | --repository DIR] verify [--all | --at TIME]
#   kvm-backup [--config FILE | --repository DIR] restore --to DIR [--at TIME] [--path GLOB]... [--damaged]
#                                                 [--add | --overwrite] [--identity FILE|-]
#   kvm-backup [--config FILE | --repository DIR] files [--at TIME]
#   kvm-backup [--config FILE] drill
#   kvm-backup [--config FILE] prune [--dry-run] [--now TIME]
#   kvm-backup [--config FILE] status
#   kvm-backup [--config FILE] check
#
# The configuration is /etc/kvm-backup/NAME.conf when the program is called kvm-backup-NAME. --target N reads from the
# N-th target instead of the first. TIME is what date(1) takes: "2026-07-28 03:00", "yesterday", "@1785207600"; the last
# restore point until then is meant. GLOB is a path ("/home/anna/*.txt", "*" stops at "/") or a name anywhere ("*.txt");
# a folder stands for all in it.
#
# Exit codes: 0 done, 1 failed, 2 wrong arguments, 3 restored in part (--damaged), 75 another run is under way.
#
# POSIX sh with `local`, GNU tar, find, sed and coreutils, awk, flock, and the compressor.
# shellcheck shell=dash
# shellcheck disable=SC3043 # every sh of today has local
set -u
LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
umask 077

self=$0
tab=$(printf '\t')

# ---- messages --------------------------------------------------------------------------------------------------------

# What is said goes to stderr; runs also tell the journal, where systemd is not the one that listens.
tell_journal=
say() { # PRIORITY TEXT
  if [ -n "${JOURNAL_STREAM:-}" ]; then
    printf '<%s>%s\n' "$1" "$2" >&2
  else
    printf '%s\n' "$2" >&2
    [ -z "$tell_journal" ] || logger -t "kvm-backup-$name" -p "user.$1" -- "$2" 2>/dev/null || :
  fi
}
note() { say 6 "$1"; }
warn() { say 4 "warning: $1"; }
problem() { say 3 "$1"; }
fail() { # TEXT [CODE]: ends the program, or the subshell it is called in
  say 3 "kvm-backup${name:+ $name}: $1"
  failure=$1
  exit "${2:-1}"
}

# ---- small tools -----------------------------------------------------------------------------------------------------

have() { command -v "$1" >/dev/null 2>&1; }

# OpenSSL uses the processor's instructions for SHA-256 and is many times faster than most sha256sum.
hasher=sha256sum
case $(openssl dgst -sha256 -r </dev/null 2>/dev/null) in
  e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855*) hasher="openssl dgst -sha256 -r" ;;
esac

# The SHA-256 of standard input, in hex.
digest() {
  local line
  line=$($hasher) || return
  printf '%s\n' "${line%% *}"
}

# The same of several files, a line for each; a line less where one cannot be read.
digests() { # FILE...
  $hasher "$@" | while read -r sum _; do printf '%s\n' "${sum#\\}"; done
}

# The first line of a file, in $line; nothing where there is none.
first_line() { # FILE
  line=
  [ ! -f "$1" ] || IFS= read -r line <"$1" || :
}

# Text as a string of JSON. Bytes that are no UTF-8 do not occur: tar escapes names in its messages.
json_text='s/[\x01-\x08\x0b-\x1f\x7f]//g;s/\\/\\\\/g;s/"/\\"/g;s/\t/\\t/g'
json() {
  local text
  case $1 in *[!A-Za-z0-9\ ./_:,+=@%-]*) ;; *) printf '"%s"' "$1" && return ;; esac
  text=$(
    sed -z -e 's/\n$//' -e "$json_text" -e 's/\n/\\n/g' <<TEXT
$1
TEXT
  ) || return
  printf '"%s"' "$text"
}

# A word of a shell that means exactly TEXT.
quoted() {
  local text
  text=$1
  case $text in *\'*) text=$(printf '%s.' "$text" | sed "s/'/'\\\\''/g") && text=${text%.} ;; esac
  printf "'%s'" "$text"
}

# The pattern that matches exactly TEXT.
literal() {
  case $1 in *[][*?\\]*) printf '%s\n' "$1" | sed 's/[][*?\\]/\\&/g' ;; *) printf '%s\n' "$1" ;; esac
}

is_number() { case $1 in '' | *[!0-9]*) return 1 ;; esac; }
is_name() { case $1 in '' | .* | -* | *[!A-Za-z0-9_.+-]*) return 1 ;; esac; }

# A file replaced in one move, after its content is on the disk.
replace() { # FILE: content from standard input
  cat >"$1.new" && sync "$1.new" && mv -f "$1.new" "$1" && sync "${1%/*}"
}

# Milliseconds since the epoch.
milliseconds() {
  local time
  time=$(date +%s%N)
  printf '%s\n' "${time%??????}"
}

# Seconds that the machine's clock is ahead of UTC.
utc_offset() {
  seconds_ahead "$(date +%z)"
}
seconds_ahead() { # +HHMM or -HHMM
  local hours=${1%??} minutes=${1#???} sign=${1%????}
  # A number that begins with 0 would be octal.
  printf '%s\n' "$((${sign}1 * (1${hours#?} % 100 * 3600 + 1$minutes % 100 * 60)))"
}

# Seconds since the epoch of a TIME.
epoch_of() {
  local text=$1
  # 20260728T030000Z, as in our names
  case $text in
    [0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]T[0-9][0-9][0-9][0-9][0-9][0-9]Z*)
      text=$(printf '%s' "$text" | sed 's/^\(....\)\(..\)\(..\)T\(..\)\(..\)\(..\)Z.*/\1-\2-\3 \4:\5:\6 UTC/')
      ;;
  esac
  date -d "$text" +%s 2>/dev/null || fail "\"$1\" is not a time. Allowed: what date(1) takes, e.g. \"2026-07-28 03:00\"" 2
}

human() { # BYTES
  awk -v n="$1" 'BEGIN { split("B KiB MiB GiB TiB PiB", u, " "); i = 1; while (n >= 1024 && i < 6) { n /= 1024; i++ }
    printf i == 1 ? "%d %s" : "%.1f %s", n, u[i] }'
}

# Bytes that can be written or read and be in memory a while later.
room() {
  awk '/^MemAvailable:/ { half = $2 * 512 } END { printf "%.0f\n", half }' /proc/meminfo
}

work=
trap 'leave $?' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
leave() {
  trap - EXIT
  [ -z "$work" ] || kill_tar
  ending "$1"
  [ -z "$work" ] || rm -rf "$work"
  exit "$1"
}
# What a verb does at its end, however it ends.
ending() { :; }
