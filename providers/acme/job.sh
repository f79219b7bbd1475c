#!/bin/sh
# Obtains and renews certificates by ACME (RFC 8555) with dehydrated, and has the web server read them. Needs dehydrated, openssl
# and flock. Whoever serves the sites answers the challenges by the account's thumbprint. Installed by pulumi-kvm; works without it.

set -u
export LC_ALL=C PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
umask 077

name="" directory="" email="" account="" authority="" renew=30 certificates="" failures=""
# The command that has the web server read new certificates, an argument a line.
reload=""

say() { printf 'kvm-acme %s: %s\n' "$name" "$1" >&2; }
fail() {
  say "$1"
  exit 1
}

# One setting a line: a word, a blank, and its value.
read_settings() {
  [ -r "$1" ] || fail "cannot read $1"
  while IFS= read -r line || [ -n "$line" ]; do
    value=${line#* }
    case ${line%% *} in
      name) name=$value ;;
      directory) directory=$value ;;
      email) email=$value ;;
      account) account=$value ;;
      authority) authority=$value ;;
      renew) renew=$value ;;
      reload) reload="$reload$value
" ;;
      certificate) certificates="$certificates$value
" ;;
      *) fail "$1: unknown setting ${line%% *}" ;;
    esac
  done <"$1"
  state=/var/lib/kvm-acme/$name
}

json() { printf '%s' "$1" | tr '\n\t' '  ' | tr -d '\000-\037' | sed 's/[\\"]/\\&/g'; }

# Writes standard input to a file that is whole or not there.
put() { cat >"$1.part" && mv -f "$1.part" "$1"; }

# What dehydrated reads. Another account, or another authority, registers anew.
prepare() {
  mkdir -p "$state/wellknown" "$state/certs"
  printf '%s' "$account" | base64 -d | put "$state/account.key"
  {
    echo "CA=\"$directory\""
    [ -z "$email" ] || echo "CONTACT_EMAIL=\"$email\""
    echo "RENEW_DAYS=\"$renew\""
    echo 'KEY_ALGO="prime256v1"'
    echo "WELLKNOWN=\"$state/wellknown\""
    [ -z "$authority" ] || {
      printf '%s' "$authority" | base64 -d | put "$state/authority.pem"
      echo "CURL_OPTS=\"--cacert $state/authority.pem\""
    }
  } | put "$state/config"
  registered=$(printf '%s %s' "$directory" "$account" | sha256sum)
  [ "$(cat "$state/registered" 2>/dev/null)" = "$registered" ] || rm -f "$state/account.key.json" "$state/account.key_id.json"
}

# What dehydrated says that went wrong.
obtain() { # ARGUMENT...
  said=$(dehydrated --no-lock --config "$state/config" --privkey "$state/account.key" "$@" 2>&1) && return
  problem=$(printf '%s\n' "$said" | sed -n 's/^\["error","detail"\][[:blank:]]*"\(.*\)"$/\1/p; s/^ *"detail": "\(.*\)",\{0,1\}$/\1/p' | sed 's/\\"/"/g')
  [ -n "$problem" ] || problem=$(printf '%s\n' "$said" | sed -n 's/^ *+* *ERROR: *//p')
  [ -n "$problem" ] || problem=$(printf '%s\n' "$said" | tail -n 3)
  return 1
}

# Whether a certificate is of this authority, has its names, and lasts. SITE NAME...
lasts() {
  certificate=$state/certs/$1/cert.pem
  [ -f "$certificate" ] || return 1
  shift
  openssl x509 -noout -checkend $((renew * 86400)) -in "$certificate" >/dev/null || return 1
  there=$(openssl x509 -noout -ext subjectAltName -in "$certificate" | tr ',' '\n' | sed -n 's/^ *DNS://p' | sort)
  [ "$there" = "$(printf '%s\n' "$@" | sort)" ] && [ "$(cat "${certificate%/*}/directory" 2>/dev/null)" = "$directory" ]
}

run() {
  mkdir -p "$state"
  exec 9>"$state/lock"
  flock -n 9 || {
    say "another run is under way"
    exit 75
  }
  prepare
  changed=""
  while read -r site names; do
    [ -n "$site" ] || continue
    # shellcheck disable=SC2086
    ! lasts "$site" $names || continue
    if [ ! -f "$state/account.key.json" ]; then
      obtain --register --accept-terms </dev/null || {
        failures="registering the account: $problem"
        break
      }
      printf '%s' "$registered" | put "$state/registered"
    fi
    if obtain --cron --force --domain "$names" --alias "$site" </dev/null; then
      changed=yes
      printf '%s\n' "$directory" | put "$state/certs/$site/directory"
    else
      failures="$failures${failures:+; }$site: $problem"
    fi
  done <<CERTIFICATES
$certificates
CERTIFICATES
  if [ -n "$changed" ]; then
    set --
    while IFS= read -r argument; do [ -z "$argument" ] || set -- "$@" "$argument"; done <<RELOAD
$reload
RELOAD
    said=$("$@" 2>&1) || failures="$failures${failures:+; }$*: $said"
  fi
  note
  [ -z "$failures" ] || fail "$failures"
}

# Leaves word of this run, and of what there is.
note() {
  result=ok
  [ -z "$failures" ] || result=failed
  {
    printf '{ "run": { "time": %s, "result": "%s", "message": "%s" },\n  "certificates": {' "$(date +%s)" "$result" "$(json "$failures")"
    comma=""
    while read -r site names; do
      [ -f "$state/certs/$site/cert.pem" ] || continue
      end=$(openssl x509 -noout -enddate -in "$state/certs/$site/cert.pem" | sed 's/.*=//')
      printf '%s\n    "%s": %s' "$comma" "$site" "$(date -d "$end" +%s)"
      comma=,
    done <<CERTIFICATES
$certificates
CERTIFICATES
    printf ' } }\n'
  } | put "$state/status.json"
}

usage="usage: kvm-acme-NAME [--config FILE] run | check"

config=/etc/kvm-acme/${0##*/kvm-acme-}.conf
if [ "${1-}" = --config ]; then
  config=${2-}
  shift 2
fi
read_settings "$config"
command=${1-}
case $command in
  run)
    jitter=0
    [ "${2-}" != --jitter ] || jitter=$3
    sleep "$(awk -v most="$jitter" 'BEGIN { srand(); print int(rand() * most) }')"
    run
    ;;
  # Whether it could work here, said before anything is installed.
  check)
    for program in dehydrated openssl curl flock base64 awk; do
      command -v "$program" >/dev/null || fail "the machine has no $program"
    done
    ;;
  *)
    echo "$usage" >&2
    exit 64
    ;;
esac
