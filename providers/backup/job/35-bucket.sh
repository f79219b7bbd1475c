
# ---- buckets ---------------------------------------------------------------------------------------------------------
#
# In a bucket of S3 a repository has the same files under the same names, so that a copy of it is one. Nothing can be renamed
# there: a run is published by its manifest, which is put last, in one piece. A note is there before the first part of a run,
# and before a chain is deleted, so that what was cut off can be told from what was damaged. rclone does the work; the keys
# are in a file of AWS's form, or the machine's role has them.

remote=
mirror=

use_bucket() { # N
  eval "endpoint=\$endpoint_$1 region=\$region_$1 credentials=\$credentials_$1"
  repository=$target_bucket${target_folder:+/$target_folder}/$name
  remote=kvm:$repository
  # Manifests that were seen, and the lock: one machine writes to a repository.
  mirror=$state/bucket-$1
}

bucket() { # RCLONE'S WORDS
  (
    RCLONE_CONFIG=/dev/null RCLONE_CONFIG_KVM_TYPE=s3 RCLONE_CONFIG_KVM_ENV_AUTH=true RCLONE_CONFIG_KVM_NO_CHECK_BUCKET=true
    RCLONE_CONFIG_KVM_PROVIDER=AWS
    [ -z "$endpoint" ] || RCLONE_CONFIG_KVM_PROVIDER=Other RCLONE_CONFIG_KVM_ENDPOINT=$endpoint
    [ -z "$region" ] || RCLONE_CONFIG_KVM_REGION=$region
    [ -z "$credentials" ] || AWS_SHARED_CREDENTIALS_FILE=$credentials
    # A stream has no known size, and a bucket takes 10,000 pieces: 320 GB.
    RCLONE_CONFIG_KVM_CHUNK_SIZE=32Mi RCLONE_CONFIG_KVM_UPLOAD_CONCURRENCY=2
    export RCLONE_CONFIG RCLONE_CONFIG_KVM_TYPE RCLONE_CONFIG_KVM_ENV_AUTH RCLONE_CONFIG_KVM_NO_CHECK_BUCKET \
      RCLONE_CONFIG_KVM_PROVIDER RCLONE_CONFIG_KVM_ENDPOINT RCLONE_CONFIG_KVM_REGION AWS_SHARED_CREDENTIALS_FILE \
      RCLONE_CONFIG_KVM_CHUNK_SIZE RCLONE_CONFIG_KVM_UPLOAD_CONCURRENCY
    # rclone fails with it; its own is RCLONE_CA_CERT.
    unset AWS_CA_BUNDLE
    exec rclone --quiet --low-level-retries 3 --retries 3 --contimeout 20s "$@" 7>&- 9>&-
  )
}

bucket_init() {
  bucket cat "$remote/kvm-backup" 2>/dev/null </dev/null | cmp -s - "$self" && return
  bucket rcat "$remote/kvm-backup" <"$self" && readme | bucket rcat "$remote/README"
}

# Ends with what the server said last, and what is to be done.
refuse_bucket() { # FILE
  local said fix
  said=$(awk '/ Failed to [a-z]+( with [0-9]+ errors)?: / {
      sub(/^.* Failed to [a-z]+( with [0-9]+ errors)?: (last error was: )?(multipart upload failed to initialise: )?/, ""); said = $0; next }
    said != "" && /^caused by: / { said = said substr($0, 10) }
    END { print said }' "$1")
  fix="allow these keys s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject there"
  case $said in
    *InvalidAccessKeyId* | *SignatureDoesNotMatch* | *NoCredentialProviders* | *ExpiredToken* | *InvalidToken* | *SharedCredsLoad*)
      fix="correct the keys in ${credentials:-those of root on the machine, or name a file that has them (credentials)}"
      ;;
    *NoSuchBucket* | *"directory not found"*) fix="make the bucket $target_bucket, or correct its name, endpoint or region" ;;
    *"dial tcp"* | *"request failed"* | *"no such host"*) fix="correct the endpoint ${endpoint:-of Amazon}, or let the machine reach it" ;;
  esac
  fail "cannot write to $(target_label): ${said:-rclone failed}. Fix: $fix"
}

# Whether all can be done that runs do, before the first one.
bucket_probe() {
  printf 'check\n' | bucket rcat "$remote/.check" && [ -n "$(bucket lsf "$remote" --include .check </dev/null)" ] &&
    [ "$(bucket cat "$remote/.check" </dev/null)" = check ] && bucket deletefile "$remote/.check" </dev/null
}

bucket_lock() { # SECONDS
  mkdir -p "$mirror" && take_lock "$1" "$mirror/lock"
}
bucket_unlock() { : >"$mirror/lock"; }
# Nothing keeps a chain in a bucket from being deleted meanwhile: a restore of it would find a part missing, and be refused.
bucket_hold() { :; }

# What a run that was killed left, and the rest of chains that are deleted. Only under the lock.
bucket_clean() {
  local note chain run
  bucket lsf --files-only "$remote" --include '.partial-*' --include '.deleted-*' </dev/null >"$work/notes.there" || return
  while IFS= read -r note; do
    case $note in
      .partial-*_*)
        run=${note#.partial-} chain=${note##*_}
        run=${run%_*}
        [ -n "$(bucket lsf "$remote/$chain/$run" --include '*.json' </dev/null 2>/dev/null)" ] || bucket_purge "$chain/$run" || return
        ;;
      .deleted-*) bucket_purge "${note#.deleted-}" || return ;;
    esac
    bucket deletefile "$remote/$note" </dev/null || return
  done <"$work/notes.there"
  rm -f "$work"/begun-*
}
bucket_purge() { # FOLDER
  [ -z "$(bucket lsf -R "$remote/$1" </dev/null 2>/dev/null)" ] || bucket purge "$remote/$1" </dev/null
}

bucket_put() { # CHAIN RUN FILE
  local at=$remote/$1/$2/$3 sum size
  if [ ! -e "$work/begun-$target_number-$2" ]; then
    printf '%s\n' "$1" | bucket rcat "$remote/.partial-$2_$1" && : >"$work/begun-$target_number-$2" || return
  fi
  sum=$({ { tee /dev/fd/3 | digest >&4; } 3>&1 | bucket rcat "$at" >&2 || printf failed >&4; } 4>&1)
  size=$(bucket lsf --format s "$at" </dev/null)
  case $sum in *failed*) return 1 ;; esac
  [ -n "$size" ] || return
  printf '%s %s\n' "$size" "$sum"
}
bucket_drop() { # CHAIN RUN FILE
  bucket deletefile "$remote/$1/$2/$3" </dev/null
}
# The manifest has made it a run.
bucket_publish() { # CHAIN RUN
  bucket deletefile "$remote/.partial-$2_$1" </dev/null
}

bucket_points() {
  local note
  mkdir -p "$mirror" || return
  # By digests, because times would have to be asked for one by one.
  bucket sync --fast-list --checksum "$remote" "$mirror" --include '*.json' --include verified --include '.deleted-*' </dev/null || return
  for note in "$mirror"/.deleted-*; do
    [ ! -f "$note" ] || rm -rf "$mirror/${note##*/.deleted-}"
  done
  (
    repository=$mirror
    store_points
  )
}

bucket_manifest() { # CHAIN RUN
  cat -- "$mirror/$1/$2/$name-$2.json" 2>/dev/null || bucket cat "$remote/$1/$2/$name-$2.json" </dev/null
}
bucket_cat() { # CHAIN RUN FILE
  bucket cat "$remote/$1/$2/$3" </dev/null
}

bucket_digest() { # CHAIN RUN FILE
  bucket_cat "$1" "$2" "$3" | digest
}
bucket_check() { check_bytes bucket "$1" "$2"; } # CHAIN RUN

bucket_sizes() ( # CHAIN RUN...
  bucket lsf --recursive --files-only --format ps --separator ' ' "$remote/$1" </dev/null >"$work/sizes.there" || exit
  cd "$mirror/$1" 2>/dev/null || exit
  shift
  compare_sizes "$@" <"$work/sizes.there"
)

bucket_mark() { # CHAIN TIME
  printf '%s\n' "$2" | bucket rcat "$remote/$1/verified"
}
bucket_prove() { # CHAIN RUN
  bucket rcat "$remote/$1/drill-$2.json"
}
# That is the bucket's to do: object lock.
bucket_protect() { printf 'cannot\n'; }

bucket_remove() { # CHAIN
  printf 'deleted\n' | bucket rcat "$remote/.deleted-$1" && rm -rf "$mirror/$1" && bucket_purge "$1" &&
    bucket deletefile "$remote/.deleted-$1" </dev/null
}
