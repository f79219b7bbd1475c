
usage="usage: kvm-guest-backup-NAME [--config FILE | --repository DIR] run | list [--at TIME] | verify | drill |
  restore [--at TIME] [--disk DISK] [--format qcow2|raw] [--overwrite] --to FILE | prune [--dry-run] [--now TIME] |
  files [--at TIME] [--disk DISK] | check | forget [--images]"

config=/etc/kvm-guest-backup/${0##*/kvm-guest-backup-}.conf
if [ "${1-}" = --repository ] && [ $# -ge 2 ]; then
  # Points are all that is needed to list and restore them.
  repository=${2%/} name=$(basename "$2")
  shift 2
  case ${1-} in list | verify | restore | files) ;; *) fail "${1-} needs a configuration" ;; esac
else
  if [ "${1-}" = --config ] && [ $# -ge 2 ]; then
    config=$2
    shift 2
  fi
  read_settings "$config"
fi
command=${1-}
[ $# -eq 0 ] || shift
case $command in
  run)
    jitter=0 missed=0
    while [ $# -ge 2 ]; do
      case $1 in
        --jitter) jitter=$2 ;;
        --missed) missed=$2 ;;
        *) fail "unknown option $1" ;;
      esac
      shift 2
    done
    # After a boot: only where the last success is too long ago.
    if [ "$missed" -gt 0 ] && [ -f "$state/success" ]; then
      [ $(($(date +%s) - $(stat -c %Y "$state/success"))) -ge "$missed" ] || exit 0
    fi
    sleep "$(awk -v most="$jitter" 'BEGIN { srand(); print int(rand() * most) }')"
    run
    ;;
  list | verify | restore) "$command" "$@" ;;
  files) needed_files "$@" ;;
  prune) command_prune "$@" ;;
  drill)
    lock
    point_at ""
    drill
    ;;
  # Whether it could work here, said before anything is installed.
  check)
    for program in virsh qemu-img flock sha256sum awk; do
      command -v "$program" >/dev/null || fail "the host has no $program"
    done
    (umask 066 && mkdir -p "$repository") || fail "cannot write to $repository"
    ;;
  # Leaves the guest as if the job had never been; with --images the repository too.
  forget)
    lock
    thaw
    if virt domstate --domain "$guest" >/dev/null 2>&1; then
      end_job
      drop_checkpoints ""
    fi
    [ "${1-}" = --images ] || exit 0
    points | while IFS= read -r manifest; do delete_point "$manifest"; done
    clear_left_overs
    rmdir "$repository" 2>/dev/null || [ ! -d "$repository" ] || say "$repository has other files, which stay"
    ;;
  *)
    echo "$usage" >&2
    exit 64
    ;;
esac
