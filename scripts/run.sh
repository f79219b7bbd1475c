#!/usr/bin/env bash
# What `npm start`, `npm test` and the other npm scripts do.
#
#   scripts/run.sh start [--stack NAME] [pulumi arguments]   set-up, `pulumi up` without questions, then the url's page
#   scripts/run.sh up|preview|refresh|destroy [--stack NAME] [pulumi arguments]
#   scripts/run.sh preview --markdown [--topology] [--stack NAME]   the preview as one comment for a pull request, on stdout
#   scripts/run.sh topology [--stack NAME] [--output FILE] ...   a picture of the stack; see scripts/topology.ts
#   scripts/run.sh pulumi ARGUMENTS                          any other command of the CLI, in this environment
#   scripts/run.sh doctor [--connection URI] ...            what a host lacks; see scripts/doctor.ts
#   scripts/run.sh restore JOB [--to DIR] ...               what backup jobs have, and brings it back; see scripts/restore.ts
#   scripts/run.sh lab up|down|status|shell ...             KVM hosts on this machine to try things on; see docs/lab.md
#   scripts/run.sh environments [--json]                     the names of the files in stacks/ whose hosts are configured
#   scripts/run.sh test|test:unit|test:integration [mocha arguments]
#   scripts/run.sh lint
#
# With npm, arguments follow two dashes: `npm run preview -- --stack dev`. The stack is --stack's, else $PULUMI_STACK, else
# dev; it is made when it does not exist. Where nobody can answer (stdin is no terminal), up, refresh and destroy do not ask.
set -euo pipefail
# shellcheck source=scripts/environment.sh
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
cd "$root"

verb=${1:-}
shift || true

stack=${PULUMI_STACK:-dev}
markdown=false
arguments=()

read_arguments() {
  while (($#)); do
    case $1 in
      --stack | -s)
        (($# > 1)) || { echo "$verb: $1 needs a stack's name" >&2; exit 2; }
        stack=$2
        shift
        ;;
      --stack=*) stack=${1#*=} ;;
      --markdown) markdown=true ;;
      *) arguments+=("$1") ;;
    esac
    shift
  done
  # The stack given by name wins over the variable in the CLI too.
  unset PULUMI_STACK
}

select_stack() {
  prepare_state
  # Says "Created stack" only when it did; it also makes the stack the current one for a bare `pulumi`.
  pulumi stack select --create --non-interactive --stack "$stack" >&2
}

deploy() { # COMMAND: runs it on the stack, with the caller's arguments
  local unasked=()
  [[ -t 0 ]] || unasked=(--yes)
  select_stack
  exec pulumi "$1" --stack "$stack" "${unasked[@]}" "${arguments[@]}"
}

start() {
  select_stack
  pulumi up --stack "$stack" --yes "${arguments[@]}"
  pulumi stack output --stack "$stack" --json | node scripts/show-environment.js
}

preview() {
  select_stack
  $markdown || exec pulumi preview --stack "$stack" "${arguments[@]}"
  exec node -r ts-node/register scripts/preview-markdown.ts --stack "$stack" "${arguments[@]}"
}

topology() {
  prepare_state
  exec node -r ts-node/register scripts/topology.ts --stack "$stack" "${arguments[@]}"
}

environments() {
  local names=() quoted file name
  # Those of the lab have hosts that a pipeline reaches only once their configuration names some.
  mapfile -t names < <(
    cd stacks && for file in *.ts; do
      name=${file%.ts}
      [[ $name == index ]] || { grep -q '"./datacenter/site"' "$file" && [[ ! -e config/Pulumi.$name.yaml ]]; } || echo "$name"
    done
  )
  if [[ ${arguments[*]} == --json ]]; then
    quoted=$(printf ',"%s"' "${names[@]}")
    echo "[${quoted#,}]"
  else
    printf '%s\n' "${names[@]}"
  fi
}

# The test files of these kinds, the kinds in this order; each kind in the order of the folders.
test_files() { # KIND...
  local kind file all=()
  mapfile -t all < <(find test -name '*.test.ts' | LC_ALL=C sort)
  for kind in "$@"; do
    for file in "${all[@]}"; do
      case $file in
        *.integration.test.ts) [[ $kind == integration ]] && echo "$file" ;;
        *.e2e.test.ts) [[ $kind == e2e ]] && echo "$file" ;;
        *) [[ $kind == unit ]] && echo "$file" ;;
      esac || true
    done
  done
}

run_mocha() { # KIND...
  local files=()
  mapfile -t files < <(test_files "$@")
  exec node node_modules/mocha/bin/mocha.js "${arguments[@]}" "${files[@]}"
}

lint() {
  local failed=()
  echo "eslint" && eslint --max-warnings 0 . || failed+=(eslint)
  echo "prettier" && prettier --check --log-level warn . || failed+=(prettier)
  echo "tsc" && tsc --noEmit || failed+=(tsc)
  ((${#failed[@]} == 0)) || { echo "found problems: ${failed[*]}" >&2; exit 1; }
}

case $verb in
  start | preview | up | refresh | destroy | topology) read_arguments "$@" ;;
  *) arguments=("$@") ;;
esac
case $verb in
  start)
    scripts/setup.sh local
    start
    ;;
  preview)
    scripts/setup.sh deploy
    preview
    ;;
  up | refresh | destroy)
    scripts/setup.sh deploy
    deploy "$verb"
    ;;
  topology)
    # A state in a file needs no Pulumi CLI.
    [[ " ${arguments[*]} " == *" --state"[\ =]* ]] && scripts/setup.sh node || scripts/setup.sh deploy
    topology
    ;;
  pulumi)
    scripts/setup.sh deploy
    prepare_state
    exec pulumi "${arguments[@]}"
    ;;
  environments) environments ;;
  doctor)
    scripts/setup.sh node
    node -e 'require("./scripts/build.js").ensureBuilt()' >&2
    exec node dist/doctor.js "${arguments[@]}"
    ;;
  lab)
    scripts/setup.sh "$([[ ${arguments[0]:-} == up ]] && echo test || echo node)"
    exec node -r ts-node/register scripts/lab.ts "${arguments[@]}"
    ;;
  restore)
    scripts/setup.sh deploy
    prepare_state
    exec node dist/restore.js "${arguments[@]}"
    ;;
  test)
    scripts/setup.sh test
    ((${#arguments[@]} == 0)) || run_mocha unit integration e2e
    exec node scripts/side-by-side.js "$(test_files integration)" "$(test_files unit e2e)"
    ;;
  test:unit)
    scripts/setup.sh node
    run_mocha unit
    ;;
  test:integration)
    scripts/setup.sh test
    run_mocha integration
    ;;
  lint)
    scripts/setup.sh node
    lint
    ;;
  *)
    sed -n '/^#   scripts/s/^#   //p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
