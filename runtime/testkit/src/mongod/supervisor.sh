# Runs a mongod as long as the other end of standard input is open.
#
#   $1  file that mongod's output is appended to
#   $2  seconds for a clean shutdown after that pipe has closed; with 0 mongod is killed at once
#   $3  mongod, followed by its arguments
#
# The kernel closes the pipe however its holder dies, so mongod never outlives it. A parent-death signal would not work: it is
# tied to the thread that started the child, and threads of a runtime come and go.
log=$1 grace=$2
shift 2

# Only the pipe ends this shell. A trap, because mongod would inherit an ignored signal.
trap : HUP INT TERM
exec 3<&0 </dev/null

"$@" 3<&- >>"$log" 2>&1 &
server=$!

# The holder reads the process id, and then the end of the output.
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

# A trapped signal interrupts `wait`. The loop ends only when the server has ended.
while :; do
    wait "$server"
    status=$?
    kill -0 "$server" || break
done
kill -KILL "$watcher"
exit "$status"
