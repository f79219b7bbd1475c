/** Ends the process group $kvm_g: SIGTERM, up to 2 s, SIGKILL. */
const stop = `
kvm_stop() {
  kill -TERM "-$kvm_g" || kill -TERM "$kvm_g" || return 0
  for kvm_i in 0.1 0.1 0.2 0.4 0.5 0.7; do
    kill -0 "-$kvm_g" || return 0
    sleep "$kvm_i" || sleep 1
  done
  kill -KILL "-$kvm_g"
}`;

/** Starts "$@" as a process group of its own and tells its number on descriptor 6; 8 and 9 are its outputs. */
const start = `
    exec 3<&-
    $(command -v setsid) sh -c 'echo group $$ >&6; exec "$@" 6>&- 8>&- 9>&-' sh "$@" >&8 2>&9
    echo done $? >&6`;

/**
 * A command whose life hangs on the other end of standard input: kvm_n bytes of it are the command's own input, after
 * that its end means that whoever asked is gone or wants the command stopped, and the whole process group is killed.
 *
 * Three processes: the feeder passes the input on and then waits for the end; the command; and the keeper that hears
 * from both and ends what is left. The keeper's last line on each output is "RS token exit-code": only with it has the
 * command run to its end and the output come whole, so a broken connection is never taken for an exit code, and a
 * daemon that the command leaves behind does not keep anyone waiting.
 */
export const SUPERVISE = `
exec 3<&0 </dev/null 8>&1 9>&2 2>/dev/null
${stop}
{
  {
    read -r kvm_f kvm_x </proc/self/stat && echo "feeder $kvm_f" >&6 || sh -c 'echo feeder $PPID' >&6
    [ "$kvm_n" = 0 ] || head -c "$kvm_n" <&3
    exec >/dev/null 8>&- 9>&-
    read -r kvm_x <&3
    echo eof >&6
  } | {
    [ -z "$kvm_cwd" ] || cd "$kvm_cwd" 2>&9 || { echo done 126 >&6; exit; }${start}
  }
} 6>&1 | {
  exec 3<&-
  kvm_eof= kvm_g= kvm_f= kvm_r=
  while read -r kvm_w kvm_v; do
    case $kvm_w in
      feeder) kvm_f=$kvm_v ;;
      group) kvm_g=$kvm_v ;;
      done) kvm_r=$kvm_v ;;
      eof) kvm_eof=1 ;;
    esac
    if [ -n "$kvm_eof" ] && [ -n "$kvm_g" ] && [ -z "$kvm_r" ]; then kvm_stop; fi
    if [ -n "$kvm_r" ] && [ -n "$kvm_f" ]; then
      kill -KILL "$kvm_f"
      printf '\\036%s %d\\n' "$kvm_t" "$kvm_r" >&8
      printf '\\036%s %d\\n' "$kvm_t" "$kvm_r" >&9
      exit "$kvm_r"
    fi
  done
}`;

/** The command alone, with what is left of standard input: for a shell that itself runs under SUPERVISE. */
export const PLAIN = `
[ -z "$kvm_cwd" ] || cd "$kvm_cwd" || exit 126
exec "$@"`;

/** Where the guest agent's commands keep their output: a folder only the agent's user can enter. */
const spool = `kvm_d=/var/tmp/.pulumi-kvm-$kvm_t`;

/**
 * A command started by the guest agent, which closes standard input at once: a timer of kvm_limit seconds takes the
 * place of the other end, and STOP the place of closing it. Output goes to files, because the agent would otherwise wait
 * for every daemon that the command leaves behind, and cut what is over 16 MiB; the keeper hands out what fits
 * (kvm_inline bytes a stream) and leaves the rest there: its last line is then "RS token exit-code out-size err-size".
 */
export const SUPERVISE_DETACHED = `
${spool}
exec 3<&0 </dev/null 8>&1 9>&2 2>/dev/null
umask 022
[ -d "$kvm_d" ] || mkdir -m 700 "$kvm_d" 2>&9 || exit 1
export "PATH=\${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}" "HOME=\${HOME:-/root}"
${stop}
{
  {
    sleep "$kvm_limit" >/dev/null 3<&- 6>&- 8>&- 9>&- &
    kvm_f=$!
    echo "feeder $kvm_f" >&6
    if [ -f "$kvm_d/in" ]; then cat "$kvm_d/in"; elif [ "$kvm_n" != 0 ]; then head -c "$kvm_n" <&3; fi
    exec >/dev/null 3<&- 8>&- 9>&-
    wait "$kvm_f"
    echo eof >&6
  } | {
    exec 8>"$kvm_d/out" 9>"$kvm_d/err"
    [ -z "$kvm_cwd" ] || cd "$kvm_cwd" 2>&9 || { echo done 126 >&6; exit; }${start}
  }
} 6>&1 | {
  exec 3<&-
  kvm_eof= kvm_g= kvm_f= kvm_r=
  while read -r kvm_w kvm_v; do
    case $kvm_w in
      feeder) kvm_f=$kvm_v ;;
      group) kvm_g=$kvm_v; echo "$kvm_g" >"$kvm_d/group" ;;
      done) kvm_r=$kvm_v ;;
      eof) kvm_eof=1 ;;
    esac
    if [ -n "$kvm_eof" ] && [ -n "$kvm_g" ] && [ -z "$kvm_r" ]; then kvm_stop; fi
    if [ -n "$kvm_r" ] && [ -n "$kvm_f" ]; then
      kill -KILL "$kvm_f"
      kvm_o=$(($(wc -c <"$kvm_d/out"))) kvm_e=$(($(wc -c <"$kvm_d/err")))
      if [ "$kvm_o" -le "$kvm_inline" ] && [ "$kvm_e" -le "$kvm_inline" ]; then
        cat "$kvm_d/out" >&8
        cat "$kvm_d/err" >&9
        rm -rf "$kvm_d"
        printf '\\036%s %d\\n' "$kvm_t" "$kvm_r" >&9
      else
        printf '\\036%s %d %d %d\\n' "$kvm_t" "$kvm_r" "$kvm_o" "$kvm_e" >&9
      fi
      exit 0
    fi
  done
}`;

/** Ends the command that SUPERVISE_DETACHED runs under the token in "$1". */
export const STOP = `
kvm_t=$1
${spool}
exec 2>/dev/null
${stop}
read -r kvm_g <"$kvm_d/group" && kvm_stop
exit 0`;

/** Appends standard input to the input file of token "$1", made on the first call. */
export const UPLOAD = `
kvm_t=$1
${spool}
umask 077
[ -d "$kvm_d" ] || mkdir -m 700 "$kvm_d" || exit 1
cat >>"$kvm_d/in"`;

/** Prints "$4" bytes from offset "$3" of the output file "$2" (out or err) of token "$1". */
export const FETCH = `
kvm_t=$1
${spool}
tail -c "+$(($3 + 1))" "$kvm_d/$2" | head -c "$4"`;

/** Removes what token "$1" left behind. */
export const CLEAN = `
kvm_t=$1
${spool}
rm -rf "$kvm_d"`;
