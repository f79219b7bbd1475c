# shellcheck shell=bash
# The environment in which Node, npm's tools and the Pulumi CLI work on this repository. Source it; bash only.
#
# Sets, and keeps where the caller has set them already:
#   PATH                          the cache's bin directory and node_modules/.bin first
#   PULUMI_BACKEND_URL            file://<repository>/.state?metadata=skip
#   PULUMI_CONFIG_PASSPHRASE_FILE .state/passphrase, generated on first use, only for the backend in .state
#   PULUMI_SKIP_UPDATE_CHECK      true
#   PULUMI_PARALLEL               32 resources at once: they wait for libvirt and guests more than they work
#   PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION
#                                 true while the plugin of @pulumi/command is not installed: the CLI would try to
#                                 download it in every run
#   NODE_COMPILE_CACHE            compiled JavaScript of the SDK, in the cache
#   NODE_OPTIONS                  also loads sdk-start.js, which keeps out of Pulumi's processes what they do not use
# and, for the other scripts: $root, the repository, and $cache, where tools are kept outside it
# (${XDG_CACHE_HOME:-~/.cache}/pulumi-kvm).

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Without HOME, bash takes ~ from the user database; the tools do not.
HOME=${HOME:-$(cd ~ && pwd)}
export HOME
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pulumi-kvm

for directory in "$root/node_modules/.bin" "$cache/bin"; do
  PATH=:$PATH:
  PATH=${PATH//":$directory:"/:}
  PATH=${PATH#:}
  PATH=$directory:${PATH%:}
done
unset directory
export PATH
export NODE_COMPILE_CACHE=${NODE_COMPILE_CACHE-$cache/compile-cache}
if [[ ${NODE_OPTIONS:-} != */scripts/sdk-start.js* ]]; then
  export NODE_OPTIONS="${NODE_OPTIONS:+$NODE_OPTIONS }--require=\"$root/scripts/sdk-start.js\""
fi

export PULUMI_SKIP_UPDATE_CHECK=${PULUMI_SKIP_UPDATE_CHECK-true}
export PULUMI_PARALLEL=${PULUMI_PARALLEL-32}
if [[ -z ${PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION+set} ]] &&
  ! compgen -G "${PULUMI_HOME:-$HOME/.pulumi}/plugins/resource-command-v*" >/dev/null; then
  export PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true
fi

# Without metadata=skip, a side file is written in place beside each state: a run killed in that moment leaves it empty, and
# the next one ends with "failed to load checkpoint: EOF".
own_backend="file://$root/.state?metadata=skip"
export PULUMI_BACKEND_URL=${PULUMI_BACKEND_URL:-$own_backend}

# Makes the state directory and its passphrase for the quick start; every other backend brings its own passphrase or
# secrets provider. Call it before the Pulumi CLI.
prepare_state() {
  [[ $PULUMI_BACKEND_URL == "$own_backend" ]] || return 0
  (umask 077 && mkdir -p "$root/.state")
  [[ -z ${PULUMI_CONFIG_PASSPHRASE+set} && -z ${PULUMI_CONFIG_PASSPHRASE_FILE:-} ]] || return 0
  local file=$root/.state/passphrase fresh
  if [[ ! -s $file ]]; then
    if compgen -G "$root/.state/.pulumi/stacks/*/*.json*" >/dev/null; then
      echo "the state in $root/.state was made with a passphrase that is not here: .state/passphrase is missing." >&2
      echo "Fix: put the file back, or set PULUMI_CONFIG_PASSPHRASE to what it was" >&2
      return 1
    fi
    fresh=$(umask 077 && mktemp "$root/.state/passphrase.XXXXXX")
    head -c 32 /dev/urandom | base64 >"$fresh"
    # A link is made by one of two runs only; the other uses what the first one wrote.
    ln "$fresh" "$file" 2>/dev/null || true
    rm -f "$fresh"
  fi
  export PULUMI_CONFIG_PASSPHRASE_FILE=$file
}
