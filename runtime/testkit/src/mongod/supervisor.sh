# Runs one mongod for as long as somebody holds the other end of standard input.
#
#   $1  file that mongod's output is appended to
#   $2  seconds that mongod is given to end by itself once that pipe closes; 0: it is killed at once
#   $3  mongod, and its arguments after it
#
# The kernel closes the pipe however its holder dies, so no mongod outlives it. A parent-death signal would not do: it follows the
# thread that started the child, and a runtime's threads come and go.
log=$1 grace=$2
shift 2

# Only the pipe ends this shell. A trap rather than "ignore", which mongod would inherit.
trap : HUP INT TERM
exec 3<&0 </dev/null

"$@" 3<&- >>"$log" 2>&1 &
server=$!

# The holder reads the process id, then the end of the output.
echo "$server"
exec >&2

(
    trap '' HUP INT TERM
    PATH=$PATH:/usr/bin:/bin
    read -r _ <&3
    if [ "$grace" -gt 0 ]; then
        kill -TERM "$server"
        kill -CONT "$server"
        while [ "$grace" -gt 0 ] && kill -0 "$server"; do
            sleep 1
            grace=$((grace - 1))
        done
    fi
    kill -KILL "$server"
) &
watcher=$!
exec 3<&-

# A trapped signal interrupts `wait`; only a server that is gone ends the loop.
while :; do
    wait "$server"
    status=$?
    kill -0 "$server" || break
done
kill -KILL "$watcher"
exit "$status"
