#!/usr/bin/env bash
# Builds what bench/environments.ts compares with, OpenTofu and terraform-provider-libvirt, from Go modules into the cache
# ($XDG_CACHE_HOME or ~/.cache, pulumi-kvm/peers): about ten minutes on two cores, once. Needs Go.
set -euo pipefail

opentofu=v1.12.6
provider=v0.8.3
peers=${XDG_CACHE_HOME:-$HOME/.cache}/pulumi-kvm/peers
# Where OpenTofu looks for a provider in a folder of mirrored ones.
mirrored=$peers/mirror/registry.opentofu.org/dmacvicar/libvirt/${provider#v}/linux_$(go env GOARCH)

build() { # MODULE@VERSION PACKAGE FLAGS OUTPUT: a module's own go.mod counts, with its replacements, when it is the main one
  [[ ! -x $4 ]] || return 0
  echo "building $1" >&2
  local folder
  folder=$(go mod download -json "$1" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  mkdir -p "$(dirname "$4")"
  (cd "$folder" && CGO_ENABLED=0 GOFLAGS=-buildvcs=false go build -trimpath -ldflags "-s -w $3" -o "$4.partial" "$2")
  mv "$4.partial" "$4"
}

build "github.com/opentofu/opentofu@$opentofu" ./cmd/tofu \
  "-X github.com/opentofu/opentofu/version.dev=no" "$peers/bin/tofu"
build "github.com/dmacvicar/terraform-provider-libvirt@$provider" . \
  "-X main.version=${provider#v}" "$mirrored/terraform-provider-libvirt_$provider"
cat >"$peers/tofu.rc" <<END
disable_checkpoint = true
provider_installation {
  filesystem_mirror {
    path = "$peers/mirror"
  }
}
END
echo "OpenTofu and its provider are in $peers" >&2
