
# ---- the program -----------------------------------------------------------------------------------------------------

bare=
from_target=1
hook_folder=
usage() { sed -n '/^#   kvm-backup/s/^# *//p' "$self" >&2; exit 2; }

main() {
  if [ "${1:-}" = store ]; then
    shift
    store_command "$@"
    return
  fi
  local verb=
  # The global arguments may stand anywhere.
  local word words=
  while [ $# -gt 0 ]; do
    word=$1
    shift
    case $word in
      --config | --repository | --target)
        [ $# -gt 0 ] || usage
        case $word in
          --config) config=$1 ;;
          --repository) bare=$1 ;;
          --target) from_target=$1 ;;
        esac
        shift
        ;;
      run | list | verify | restore | drill | prune | status | check | files) if [ -z "$verb" ]; then verb=$word; else words="$words $(quoted "$word")"; fi ;;
      -h | --help) usage ;;
      *) words="$words $(quoted "$word")" ;;
    esac
  done
  [ -n "$verb" ] || usage
  if [ -n "$bare" ]; then
    case $verb in list | verify | restore | files) ;; *) fail "$verb needs a configuration" 2 ;; esac
    config=
  else
    word=${self##*/}
    [ -n "$config" ] || case $word in kvm-backup-?*) config=/etc/kvm-backup/${word#kvm-backup-}.conf ;; *) usage ;; esac
    read_settings
    is_number "$from_target" && [ "$from_target" -ge 1 ] && [ "$from_target" -le "$targets" ] || fail "there is no target $from_target" 2
  fi
  eval "command_$verb $words"
}

main "$@"
