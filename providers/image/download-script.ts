/**
 * `kind_of FILE` tells by its first bytes what a file is: $kind is then qcow2, raw, xz, zstd, gzip or bzip2; all else is
 * refused. No program is asked that would follow references out of an untrusted image.
 */
const KIND = `
refuse() { fail "refused: it is $1"; }
bytes() { printf '%s' "$first" | cut -c "$(($1 * 2 + 1))-$((($1 + $2) * 2))"; }
kind_of() {
  first=$(head -c 512 -- "$1" | od -An -v -tx1 | tr -d ' \\n')
  case $first in
    514649fb*) kind=qcow2 ;;
    fd377a585a00*) kind=xz ;;
    28b52ffd*) kind=zstd ;;
    1f8b*) kind=gzip ;;
    425a68*) kind=bzip2 ;;
    504b0304*) refuse "a zip archive" ;;
    4b444d56* | 23204469736b2044*) refuse "a VMware disk" ;;
    7668647866696c65* | 636f6e6563746978*) refuse "a Hyper-V disk" ;;
    514544*) refuse "a QED disk" ;;
    4c554b53babe*) refuse "an encrypted disk" ;;
    3c21* | 3c3f* | 3c68* | 3c48*) refuse "a web page" ;;
    *) kind=raw ;;
  esac
  case $kind in
    raw)
      [ "$(bytes 64 4)" != 7f10dabe ] || refuse "a VirtualBox disk"
      [ "$(bytes 257 5)" != 7573746172 ] || refuse "a tar archive"
      size=$(stat -c %s -- "$1")
      [ "$size" -gt 0 ] && [ "$((size % 512))" = 0 ] || refuse "no disk: its $size bytes are not whole sectors"
      ;;
    qcow2)
      # Backing file offset at byte 8, encryption at 32, and from version 3 on incompatible features at 72.
      [ "$(bytes 8 8)" = 0000000000000000 ] || refuse "an overlay of another file, which is not part of it"
      [ "$(bytes 32 4)" = 00000000 ] || refuse "an encrypted disk"
      features=0
      [ "$(bytes 4 4)" = 00000002 ] || features=$((0x$(bytes 79 1)))
      [ "$((features & 4))" = 0 ] || refuse "a disk whose data is in another file, which is not part of it"
      [ "$((features & 2))" = 0 ] || refuse "a disk that is marked as corrupt"
      ;;
  esac
}`;

/**
 * Downloads, verifies, unpacks and publishes an image. Arguments: the folder; a key that is the same for equal
 * downloads; the published file's name with @ in the place of the digest's first 12 digits; the digest's algorithm and
 * hex (no hex: any content); the seconds without data after which the server counts as dead. Standard input: curl's
 * configuration with the URL, which may hold a secret. Prints "stage TEXT" and "progress BYTES TOTAL" as it goes on, and
 * at last "published PATH DIGEST".
 */
export const DOWNLOAD = `
set -u
umask 022
LC_ALL=C
export LC_ALL
folder=$1 key=$2 name=$3 algorithm=$4 digest=$5 patience=$6
prefix=$folder/.kvm-download.
partial=$prefix$key
stage() { printf 'stage %s\\n' "$*"; }
fail() { echo "kvm-image: $*" >&2; exit 1; }
final() { printf '%s/%s\\n' "$folder" "$name" | sed "s/@/$(printf '%s' "$1" | cut -c 1-12)/"; }
${KIND}
for tool in curl qemu-img flock; do command -v "$tool" >/dev/null || fail "missing: $tool"; done
[ -d "$folder" ] || fail "folder: $folder does not exist"
config=$(cat)

# What nobody holds the lock of was left by a download that was killed.
for each in "$prefix"*; do
  case $each in "$partial"* | *.part?) continue ;; esac
  [ -f "$each" ] || continue
  (exec 8<"$each" && flock -n 8 && rm -f -- "$each" "$each".part?) || :
done
while :; do
  exec 9>>"$partial" || fail "folder: cannot write to $folder"
  flock -n 9 || { stage "waiting for another download of it"; flock 9; }
  [ "$partial" -ef /proc/self/fd/9 ] && break
done
trap 'rm -f -- "$partial" "$partial".part?' EXIT
trap 'exit 143' HUP INT TERM
if [ -n "$digest" ] && [ -f "$(final "$digest")" ]; then
  echo "published $(final "$digest") $digest"
  exit
fi
# Half a file can be gone on with only where the digest will tell whether both halves fit together.
[ -n "$digest" ] || : >"$partial"

get() {
  printf '%s\\n' "$config" | curl --config - --fail --location --silent --show-error --globoff \\
    --proto '=http,https,file' --proto-redir '=http,https' --connect-timeout "$patience" \\
    --speed-limit 1 --speed-time "$patience" --dump-header "$partial.part1" "$@" --output "$partial" 9>&- &
  curl=$!
  while sleep 0.5 && kill -0 "$curl" 2>/dev/null; do
    length='s|^[Cc]ontent-[Rr]ange:.*/\\([0-9]*\\).*|\\1|p;s|^[Cc]ontent-[Ll]ength: *\\([0-9]*\\).*|\\1|p'
    total=$(sed -n "$length" "$partial.part1" | tail -n 1)
    echo "progress $(stat -c %s -- "$partial") \${total:-0}"
  done
  wait "$curl"
}
matches() {
  stage verifying
  actual=$("\${algorithm}sum" <"$partial" | cut -d ' ' -f 1)
  [ -z "$digest" ] || [ "$actual" = "$digest" ]
}

attempt=0
while :; do
  attempt=$((attempt + 1))
  had=$(stat -c %s -- "$partial")
  stage downloading
  : >"$partial.part1"
  set --
  [ "$had" = 0 ] || set -- --continue-at -
  get "$@" 2>"$partial.part2"
  code=$?
  status=$(sed -n 's/.*error: \\([0-9]*\\).*/\\1/p' "$partial.part2" | tail -n 1)
  case $code,$status in
    0,* | 22,416)
      matches && break
      # It may be put together from two versions of the file.
      [ "$had" != 0 ] || fail "checksum: got $algorithm:$actual, expected $algorithm:$digest"
      : >"$partial"
      ;;
    # The server cannot go on in the middle of the file: from the start, then.
    33,* | 36,*) : >"$partial" ;;
    5,* | 6,* | 7,*) [ "$attempt" -lt 3 ] || attempt=9 ;;
    18,* | 28,* | 52,* | 55,* | 56,* | 92,* | 22,408 | 22,429 | 22,5??) ;;
    *) attempt=9 ;;
  esac
  if [ "$attempt" -ge 5 ]; then
    cat "$partial.part2" >&2
    fail "download: $code \${status:-0}"
  fi
  [ "$code" = 0 ] || { stage "trying again: $(tail -n 1 "$partial.part2" | cut -c 1-200)"; sleep "$attempt"; }
  [ -n "$digest" ] || : >"$partial"
done

file=$partial depth=2
kind_of "$file"
while [ "$kind" != qcow2 ] && [ "$kind" != raw ]; do
  depth=$((depth + 1))
  [ "$depth" -le 4 ] || refuse "packed more than twice"
  command -v "$kind" >/dev/null || fail "missing: $kind"
  stage unpacking
  "$kind" -dc <"$file" >"$partial.part$depth" || fail "unpack: $kind cannot unpack it"
  file=$partial.part$depth
  kind_of "$file"
done
if [ "$kind" = raw ]; then
  stage converting
  qemu-img convert -f raw -O qcow2 "$file" "$partial.part9" || fail "unpack: qemu-img cannot convert it"
  file=$partial.part9
fi
chmod 644 "$file"
sync "$file"
published=$(final "$actual")
mv -f -- "$file" "$published"
sync "$folder"
echo "published $published $actual"
`;

/** Prints what a URL in curl's configuration on standard input answers, up to 4 MiB. */
export const FETCH_ARGV = [
  "curl",
  "--config",
  "-",
  "--fail",
  "--location",
  "--silent",
  "--show-error",
  "--globoff",
  "--proto",
  "=http,https,file",
  "--proto-redir",
  "=http,https",
  "--max-filesize",
  "4194304",
  "--retry",
  "3",
];
