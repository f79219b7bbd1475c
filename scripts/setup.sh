#!/usr/bin/env bash
# Brings this machine to where `npm start` and `npm test` run. It can be run again at any time: every step begins with a
# cheap look at what is there, and two runs at once wait for each other.
#
#   scripts/setup.sh [node|deploy|local|test]
#
#   node     Node and the npm dependencies: enough for the unit tests and the linters
#   deploy   ... and the Pulumi CLI: enough to deploy to libvirt hosts elsewhere
#   local    ... and libvirt, QEMU and the image tools, running on this machine (the default)
#   test     ... and what only the tests need
#
# Tools that this machine lacks or has too old go to ${XDG_CACHE_HOME:-~/.cache}/pulumi-kvm, never into the system.
# System packages are installed only by root; others are told the command. Progress is written to stderr.
set -euo pipefail
# shellcheck source=scripts/environment.sh
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
cd "$root"

node_version=22.23.3
pulumi_version=3.259.0
pulumi_oldest=3.200.0

# ---- how steps are run and shown -------------------------------------------------------------------------------------

say() { printf '%s\n' "$*" >&2; }

seconds_since() { # MICROSECONDS
  local spent=$((${EPOCHREALTIME//[!0-9]/} - $1))
  printf '%d.%d s' $((spent / 1000000)) $((spent % 1000000 / 100000))
}

# Runs a step, which leaves what it found or did in $outcome or ends the script with `fail`.
step() { # NAME FUNCTION
  local name=$1 started=${EPOCHREALTIME//[!0-9]/}
  current=$name outcome=""
  "$2"
  say "$(printf '%-13s %-70s %9s' "$name" "$outcome" "$(seconds_since "$started")")"
}

fail() { # PROBLEM [FIX]
  say "set-up: $current: $1${2:+. Fix: $2}"
  exit 1
}

# Runs a command that takes long: says what it is, every ten seconds how far it got, and its last lines when it fails.
work() { # LABEL COMMAND...
  local label=$1 log=$partial/log status=0
  shift
  say "  $label"
  : >"$log"
  tell_progress "$label" "$log" &
  ticker=$!
  "$@" >"$log" 2>&1 </dev/null || status=$?
  stop_progress
  ((status == 0)) || show_log "$log"
  return "$status"
}

show_log() { # LOG: the first lines often say what is wrong, the last ones what came of it
  { head -n 15 "$1" && tail -n +16 "$1" | tail -n 15; } | sed 's/^/    /' >&2
}

ticker=
tell_progress() { # LABEL LOG
  local started=$SECONDS never
  exec {lock}>&-
  exec {never}<> <(:) # reading it takes as long as read's limit says; `sleep` would outlive us
  while ! read -rt 10 -u "$never" && kill -0 $$ 2>/dev/null; do
    say "  $1: $((SECONDS - started)) s $(tail -n 1 "$2" | tail -c 90)"
  done
}

stop_progress() {
  [[ -n $ticker ]] || return 0
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  ticker=
}

at_least() { # VERSION MINIMUM
  [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]
}

link() { # TARGET NAME: points $cache/bin/NAME at TARGET, in one move
  [[ $(readlink "$cache/bin/$2" || true) == "$1" ]] && return
  ln -sf "$1" "$partial/link"
  mv -T "$partial/link" "$cache/bin/$2"
}

# ---- Node and the npm dependencies -----------------------------------------------------------------------------------

node_step() {
  local major arch package installed=$cache/node-v$node_version/bin/node
  command -v npm >/dev/null || fail "npm is not installed" "install Node.js 22 or newer with npm, from your distribution (Debian: apt-get install npm) or nodejs.org"
  major=$(PATH=$operator_path node -p 'process.versions.node' 2>/dev/null || echo 0)
  if at_least "$major" 22; then
    rm -f "$cache/bin/node"
    outcome="$major"
    return
  fi
  if [[ ! -x $installed ]]; then
    case $(uname -m) in
      x86_64) arch=x64 ;;
      aarch64) arch=arm64 ;;
      *) fail "Node is $major, and there is no ready-made Node 22 for $(uname -m)" "install Node.js 22 or newer" ;;
    esac
    # npm's package of this name is Node's own binary; it has no install script and npm checks its digest.
    package=node-linux-$arch
    work "fetching Node $node_version, because this machine has ${major/#0/none}" \
      env PATH="$operator_path" npm install --prefix "$partial/node" --no-save --ignore-scripts --no-audit --no-fund --loglevel=error "$package@$node_version" ||
      fail "npm could not fetch $package@$node_version" "see npm's lines above, or install Node.js 22 or newer"
    rm -rf "$cache/node-v$node_version"
    mv "$partial/node/node_modules/$package" "$cache/node-v$node_version"
  fi
  link "../node-v$node_version/bin/node" node
  outcome="$node_version, kept in the cache (the system's is ${major/#0/missing})"
}

dependencies_step() {
  local stamp=node_modules/.pulumi-kvm-installed wanted
  wanted="$(sha256sum <package-lock.json) $(uname -m)"
  outcome="up to date"
  [[ -f $stamp && $(<"$stamp") == "$wanted" ]] && return
  if ! node scripts/dependencies-match.js; then
    # Install scripts are not run: none of the packages needs one, and that of @pulumi/command wants the network.
    work "installing the npm dependencies" npm ci --ignore-scripts --no-audit --no-fund --prefer-offline --loglevel=error ||
      fail "npm ci failed" "see its lines above"
    outcome="installed"
  fi
  printf '%s\n' "$wanted" >"$partial/stamp"
  mv "$partial/stamp" "$stamp"
}

build_step() {
  local before
  before=$(stat --format %y dist/built 2>/dev/null || true)
  # esbuild has shown its errors, with the places in the sources, when it throws them.
  node -e 'try { require("./scripts/build.js").ensureBuilt() } catch (e) { if (!e.errors) throw e; process.exit(1) }' >&2 ||
    fail "the build failed" "see its lines above"
  outcome="up to date"
  [[ $(stat --format %y dist/built 2>/dev/null || true) == "$before" ]] || outcome="built"
}

# An S3 server for the tests of backups; without it they are skipped.
s3rver_step() {
  local version=3.7.1 installed
  installed=$cache/s3rver-v$version
  if [[ ! -x $installed/node_modules/.bin/s3rver ]]; then
    outcome="not to be had here"
    work "fetching the S3 server s3rver" \
      npm install --prefix "$partial/s3rver" --no-save --ignore-scripts --no-audit --no-fund --loglevel=error "s3rver@$version" || return 0
    rm -rf "$installed"
    mv "$partial/s3rver" "$installed"
  fi
  link "../s3rver-v$version/node_modules/.bin/s3rver" s3rver
  outcome="$version"
}

# Packages that distributions' build services made, for the tests of images out of RPMs: rpmlint brings them as its own test data.
# Without them those tests are skipped.
rpms_step() {
  local version=2.10.0 digest=5a45470f3d31731545adfd1321abf678e4e48ccda0f4ab96fda9526e99bbce2d
  local installed=$cache/rpmlint-v$version
  if [[ ! -d $installed ]]; then
    outcome="not to be had here"
    command -v python3 >/dev/null || return 0
    mkdir "$partial/rpms"
    printf 'rpmlint==%s --hash=sha256:%s\n' "$version" "$digest" >"$partial/rpms.txt"
    work "fetching RPMs of distributions" python3 -m pip download --disable-pip-version-check --no-input --no-deps --no-binary :all: \
      --require-hashes --requirement "$partial/rpms.txt" --dest "$partial/rpms" || return 0
    tar -xzf "$partial/rpms/rpmlint-$version.tar.gz" -C "$partial" --strip-components 3 --one-top-level=extracted --wildcards '*/test/binary/*.rpm'
    mv "$partial/extracted" "$installed"
  fi
  ln -sfn "rpmlint-v$version" "$cache/rpms"
  outcome="$(find "$installed" -name '*.rpm' | wc -l)"
}

# An ACME server for the tests of certificates; without it they are skipped.
pebble_step() {
  local version=2.10.1 installed go
  installed=$cache/pebble-v$version
  if [[ ! -x $installed/pebble ]]; then
    outcome="not to be had here"
    go=$(PATH=$PATH:/usr/local/go/bin command -v go) || return 0
    work "building the ACME server Pebble" \
      env CGO_ENABLED=0 GOTOOLCHAIN=auto GOBIN="$partial/pebble" "$go" install -trimpath "github.com/letsencrypt/pebble/v2/cmd/pebble@v$version" || return 0
    rm -rf "$installed"
    mv "$partial/pebble" "$installed"
  fi
  link "../pebble-v$version/pebble" pebble
  outcome="$version"
}

# WildFly, for the tests that run it; without it they are skipped.
wildfly_step() {
  local version=39.0.1.Final place
  local file=org/wildfly/wildfly-dist/$version/wildfly-dist-$version.zip
  outcome=$version
  for place in ~/.m2/repository "$cache/maven"; do [[ ! -e $place/$file ]] || return 0; done
  work "fetching WildFly" node -r ts-node/register/transpile-only -e '
    const { file, sha256 } = require("./providers/wildfly/model").wildfly39;
    require("./providers/content/archive").readArchive(file, sha256).catch((error) => {
      console.error(error.message);
      process.exit(1);
    });' || outcome="not to be had here"
}

# ---- the Pulumi CLI --------------------------------------------------------------------------------------------------

pulumi_step() {
  local theirs version="" directory=$cache/pulumi-v$pulumi_version name
  theirs=$(PATH=$operator_path command -v pulumi || true)
  if [[ -n $theirs ]]; then
    version=$(PULUMI_SKIP_UPDATE_CHECK=true "$theirs" version 2>/dev/null || echo v0)
    if at_least "${version#v}" "$pulumi_oldest" && PATH="$(dirname "$(readlink -f "$theirs")"):$operator_path" command -v pulumi-language-nodejs >/dev/null; then
      rm -f "$cache/bin/pulumi"*
      outcome="${version#v}, $theirs"
      return
    fi
  fi
  if [[ ! -x $directory/pulumi ]]; then
    rm -rf "$partial/pulumi"
    pulumi_download || pulumi_build
    rm -rf "$directory"
    mv "$partial/pulumi" "$directory"
  fi
  cmp -s scripts/pulumi-cli/pulumi-resource-pulumi-nodejs "$directory/pulumi-resource-pulumi-nodejs" ||
    install scripts/pulumi-cli/pulumi-resource-pulumi-nodejs "$directory/"
  for name in pulumi pulumi-language-nodejs pulumi-resource-pulumi-nodejs; do link "../pulumi-v$pulumi_version/$name" "$name"; done
  outcome="$pulumi_version, kept in the cache"
}

# Pulumi's own release, checked against its published digests. It fails within 15 s where the site cannot be reached.
pulumi_download() {
  local arch archive release=https://github.com/pulumi/pulumi/releases/download/v$pulumi_version
  case $(uname -m) in x86_64) arch=x64 ;; aarch64) arch=arm64 ;; *) return 1 ;; esac
  command -v curl >/dev/null || return 1
  archive=pulumi-v$pulumi_version-linux-$arch.tar.gz
  curl -fsSL --connect-timeout 15 --max-time 30 -o "$partial/digests" "$release/pulumi-$pulumi_version-checksums.txt" 2>/dev/null || {
    say "  Pulumi's downloads cannot be reached from here"
    return 1
  }
  work "downloading Pulumi $pulumi_version" \
    curl -fSL --connect-timeout 15 --speed-limit 100000 --speed-time 20 -o "$partial/$archive" "$release/$archive" || return 1
  (cd "$partial" && grep -F " $archive" digests | sha256sum --check --strict --status) ||
    fail "$archive does not have the digest that Pulumi publishes" "run set-up again; if it stays so, install the Pulumi CLI yourself"
  tar -xzf "$partial/$archive" -C "$partial"
}

# The same version from Go modules, whose digests are in scripts/pulumi-cli/*/go.sum. The language host's module is older:
# it is the last one in Pulumi's SDK module, and runs the SDK of today.
pulumi_build() {
  local go version
  go=$(PATH=$PATH:/usr/local/go/bin command -v go) ||
    fail "the Pulumi CLI is missing, cannot be downloaded, and there is no Go to build it with" "install Go 1.21 or newer (go.dev/dl), or Pulumi itself (pulumi.com/docs/install)"
  version=$("$go" env GOVERSION)
  version=${version#go}
  at_least "${version%% *}" 1.21 ||
    fail "the Pulumi CLI cannot be downloaded, and Go $version is too old to build it" "install Go 1.21 or newer (go.dev/dl), or Pulumi itself (pulumi.com/docs/install)"
  export CGO_ENABLED=0
  # Go 1.21 and later fetch the release that go.mod asks for by themselves.
  at_least "${version%% *}" 1.26 || export GOTOOLCHAIN=auto
  mkdir -p "$partial/pulumi"
  work "building the Pulumi CLI (some minutes, once)" "$go" -C scripts/pulumi-cli/cli build -v -trimpath \
    -ldflags "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v$pulumi_version" \
    -o "$partial/pulumi/pulumi" github.com/pulumi/pulumi/pkg/v3/cmd/pulumi ||
    fail "the Pulumi CLI could not be built" "see Go's lines above"
  work "building Pulumi's Node language host" "$go" -C scripts/pulumi-cli/language-host build -v -trimpath -ldflags "-s -w" \
    -o "$partial/pulumi/pulumi-language-nodejs" github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs ||
    fail "Pulumi's Node language host could not be built" "see Go's lines above"
}

# The plugin of @pulumi/command is only for operators' own commands, so doing without it is no failure.
command_plugin_step() {
  local version plugins=${PULUMI_HOME:-$HOME/.pulumi}/plugins tried=$cache/command-plugin-unreachable
  version=$(sed -n 's/^ *"version": "\(.*\)",$/\1/p' node_modules/@pulumi/command/package.json | head -n 1)
  if [[ -d $plugins/resource-command-v$version ]]; then
    outcome="$version"
    return
  fi
  outcome="$version is not to be had here; only programs that use @pulumi/command miss it"
  [[ -n $(find "$tried" -mtime -1 2>/dev/null) ]] && return
  if timeout 20 pulumi plugin install resource command "$version" >/dev/null 2>&1 </dev/null; then
    outcome="$version, installed"
  else
    touch "$tried"
  fi
}

# ---- system packages -------------------------------------------------------------------------------------------------

packages_step() {
  local missing=() name
  if command -v apt-get >/dev/null; then
    debian_packages
    mapfile -t missing < <(comm -23 <(printf '%s\n' "${packages[@]}" | sort) \
      <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null | sed -n 's/^installed //p' | sort))
  elif command -v dnf >/dev/null; then
    redhat_packages
    for name in "${packages[@]}"; do rpm -q --quiet --whatprovides "$name" || missing+=("$name"); done
  else
    command -v virsh >/dev/null || fail "this distribution has neither apt-get nor dnf" "install libvirt, QEMU, dnsmasq and mmdebstrap yourself, then run set-up again"
    outcome="left to you: neither apt-get nor dnf is here"
    return
  fi
  outcome="all installed"
  ((${#missing[@]})) || return 0
  ((EUID == 0)) || fail "packages are missing, and only root can install them" "sudo ${install[*]} ${missing[*]}"
  install_packages "${missing[@]}"
  outcome="installed ${#missing[@]}"
}

debian_packages() {
  install=(apt-get install --yes --no-install-recommends)
  packages=(
    libvirt-daemon-system libvirt-clients libvirt-daemon-driver-lxc # the daemon, virsh, containers
    qemu-utils dnsmasq-base iproute2 nftables # volumes; networks
    mmdebstrap gpg debian-archive-keyring zstd e2fsprogs genisoimage # images, cloud-init seeds
    openssh-client ca-certificates curl
  )
  case $(dpkg --print-architecture) in
    amd64) packages+=(qemu-system-x86) ;;
    arm64) packages+=(qemu-system-arm qemu-efi-aarch64) ;;
  esac
  [[ $level == test ]] || return 0
  packages+=(
    openssh-server netcat-openbsd openssl sudo fish tcsh zsh # machines over ssh, of any login shell
    qemu-guest-agent ovmf
    ifupdown bridge-utils isc-dhcp-client iputils-ping busybox-static # the hosts of the lab
    nginx-light apache2 logrotate dehydrated # web servers, in namespaces
    attr acl age pigz xz-utils rclone # backups
    rpm cpio bzip2 libcap2-bin createrepo-c # images out of RPMs
    haproxy keepalived socat # balancers, in namespaces
  )
  # Other managers of a host's network, run in namespaces. Installed on a machine with an init, they would take its links.
  [[ -d /run/systemd/system ]] || packages+=(systemd dbus network-manager netplan.io)
}

# For Fedora, RHEL and its rebuilds. Written from their package lists; not run by this project's CI. They do not all have
# mmdebstrap, which the Debian images of the environment dev are built with: install it by hand, or use cloud images.
redhat_packages() {
  install=(dnf install --assumeyes --setopt=install_weak_deps=False)
  packages=(
    libvirt-daemon-kvm libvirt-client
    qemu-img dnsmasq iproute nftables
    zstd e2fsprogs genisoimage
    openssh-clients ca-certificates curl
  )
  [[ $level == test ]] && packages+=(openssh-server nmap-ncat openssl)
  return 0
}

install_packages() { # NAME...
  export DEBIAN_FRONTEND=noninteractive
  if [[ ${install[0]} == apt-get ]]; then
    [[ -z $(dpkg --audit) ]] || work "finishing an interrupted installation" dpkg --configure -a || true
    "${install[@]}" --simulate "$@" >/dev/null 2>&1 || work "refreshing the package lists" apt-get update || true
    hold_back_services
    say "  missing: $*"
    work "installing $# packages" "${install[@]}" -o DPkg::Lock::Timeout=300 "$@" ||
      { work "refreshing the package lists" apt-get update && work "installing $# packages" "${install[@]}" "$@"; } ||
      fail "the packages could not be installed" "see the lines above, then: ${install[*]} $*"
    release_services
  else
    say "  missing: $*"
    work "installing $# packages" "${install[@]}" "$@" || fail "the packages could not be installed" "see the lines above"
  fi
}

# Where no systemd runs, packages would start their daemons through init scripts, before we know whether one runs already.
policy=/usr/sbin/policy-rc.d
policy_mark="# Placed while pulumi-kvm's set-up installs packages."

hold_back_services() {
  [[ -d /run/systemd/system || -e $policy ]] && return
  printf '#!/bin/sh\n%s\nexit 101\n' "$policy_mark" >"$partial/policy"
  chmod 755 "$partial/policy"
  mv "$partial/policy" "$policy"
}

release_services() {
  if [[ -w $policy ]] && grep -qxF "$policy_mark" "$policy"; then rm -f "$policy"; fi
}

# ---- libvirt ---------------------------------------------------------------------------------------------------------

libvirt_answers() { timeout 10 virsh --connect qemu:///system uri >/dev/null 2>"$partial/virsh"; }

# Where no udev runs, nobody gives /dev/kvm to QEMU's group as udev's own rule does. libvirt, finding it closed, then
# trusts none of its knowledge of QEMU and examines QEMU anew at each call, for seconds.
open_kvm() {
  [[ -c /dev/kvm && ! -d /run/udev ]] && ((EUID == 0)) && getent group kvm >/dev/null || return 0
  [[ $(stat -c '%u %g %a' /dev/kvm) == "0 0 600" ]] || return 0
  chgrp kvm /dev/kvm && chmod 660 /dev/kvm
}

libvirt_step() {
  local deadline=$((SECONDS + 20)) virtlogd
  outcome="running"
  open_kvm
  libvirt_answers && return
  if ((EUID != 0)); then
    grep -qi 'permission denied\|authentication' "$partial/virsh" &&
      fail "$(id -un) may not use libvirt" "sudo usermod --append --groups libvirt $(id -un), then log in again"
    fail "libvirt does not answer, and only root can start it" "sudo systemctl start libvirtd (or: sudo virtlogd -d; sudo libvirtd -d)"
  fi
  if [[ -d /run/systemd/system ]]; then
    # One daemon, or since libvirt 5.6 one a subject, whichever the distribution has enabled.
    systemctl start libvirtd 2>/dev/null || systemctl start virtlogd.socket virtqemud.socket virtnetworkd.socket \
      virtstoraged.socket virtnodedevd.socket virtproxyd.socket || fail "systemd could not start libvirt" "systemctl status libvirtd virtqemud"
  else
    virtlogd=$(cat /run/virtlogd.pid 2>/dev/null || true)
    [[ -n $virtlogd && $(cat "/proc/$virtlogd/comm" 2>/dev/null) == virtlogd ]] || start_daemon virtlogd
    start_daemon libvirtd
  fi
  until libvirt_answers; do
    ((SECONDS < deadline)) || fail "libvirt does not answer: $(head -n 1 "$partial/virsh")" "see /var/log/libvirt, or run libvirtd in the foreground"
    sleep 0.1
  done
  outcome="started"
}

# A daemon must hold neither our lock nor the pipe that our caller reads.
start_daemon() { # NAME
  "$1" --daemon >/dev/null 2>"$partial/$1" </dev/null {lock}>&- ||
    fail "$1 does not start: $(tail -n 1 "$partial/$1")" "run $1 in the foreground to see more"
}

# ---- the steps -------------------------------------------------------------------------------------------------------

level=${1:-local}
current=start
case $level in
  node | deploy | local | test) ;;
  *) fail "'$level' is not a level: node, deploy, local, test" ;;
esac

operator_path=${PATH//"$cache/bin:"/}
operator_path=${operator_path//"$root/node_modules/.bin:"/}
mkdir -p "$cache/bin" 2>/dev/null || fail "$cache cannot be made" "set XDG_CACHE_HOME to a directory that you may write to"
exec {lock}>"$cache/lock"
flock --nonblock "$lock" || { say "waiting for another set-up to finish"; flock "$lock"; }

# Nothing is used from here before it is complete; what an interrupted run left is removed by the next.
partial=$cache/partial
rm -rf "$partial"
mkdir "$partial"
trap 'stop_progress; release_services; rm -rf "$partial"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
release_services

begun=${EPOCHREALTIME//[!0-9]/}
step node node_step
step dependencies dependencies_step
if [[ $level != node ]]; then
  step pulumi pulumi_step
  step plugin command_plugin_step
fi
if [[ $level == local || $level == test ]]; then
  step packages packages_step
  step libvirt libvirt_step
fi
if [[ $level == test ]]; then
  step s3rver s3rver_step
  step rpms rpms_step
  step pebble pebble_step
  step wildfly wildfly_step
fi
[[ $level == node ]] || step build build_step
say "$(printf '%-13s %-70s %9s' ready "" "$(seconds_since "$begun")")"
