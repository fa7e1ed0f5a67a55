# Process 1 of a container in which one command of a run runs.
#
# Its standard input is the worker: first the job, as lines that this shell executes, up to the
# line that is its argument; then a signal's name on each line, for the command's process group.
# When the input ends the worker is gone, and everything here is to end as well. The first byte on
# standard error says how it went: "+", and what follows is the command's; or "-" and why it could
# not be started.
#
# When process 1 ends, the kernel kills whatever else is in the container.
exec 3<&0 </dev/null
gantry_mark=$1 gantry_job= gantry_whole=
while IFS= read -r gantry_line <&3; do
    [ "$gantry_line" = "$gantry_mark" ] && gantry_whole=1 && break
    gantry_job="$gantry_job$gantry_line
"
done
[ "$gantry_whole" ] || exit 1

# With an argument: the reason.
gantry_refuse() {
    printf '%s' "-$1" >&2
    exit 127
}

# The environment, the directory, the arguments, gantry_stdin and gantry_merged.
eval "$gantry_job"
unset gantry_job gantry_line gantry_mark gantry_whole

# Looked up first, because a shell's "not found" cannot be told from the command's own 127.
case $1 in
*/*) gantry_program=$1 ;;
*)
    gantry_program=$(
        IFS=:
        set -f
        for directory in ${PATH-}; do
            at=${directory:-.}/$1
            [ -f "$at" ] && [ -x "$at" ] && printf '%s' "$at" && break
        done
    )
    ;;
esac
[ -f "$gantry_program" ] && [ -x "$gantry_program" ] || gantry_refuse "No such program: $1"

# This process and the two below are one process group: what is sent to 0 goes to all of them.
# A shell starts what is in the background with SIGINT ignored; the rest is for us to do.
(
    trap '' TERM HUP QUIT
    while IFS= read -r order; do kill -s "$order" 0; done
    kill -s KILL -- -1
) <&3 >/dev/null 2>&1 &

# A handler, unlike '', is not inherited by the command, and keeps this process alive.
trap : INT TERM HUP QUIT
printf + >&2
# A shell tells which signal ended a command; that is not the command's own complaint.
exec 4>&2 2>/dev/null
if [ "$gantry_merged" ]; then
    (exec "$@" 3<&- 4>&- <"$gantry_stdin" 2>&1)
else
    (exec "$@" 3<&- 2>&4 4>&- <"$gantry_stdin")
fi
exit $?
