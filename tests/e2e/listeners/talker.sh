# Writes messages and text as $1 says, in the folder $2: after each piece it waits for the next
# number's file, so that whoever listens has heard of the one before.
step=0
wait_for_next() {
    step=$((step + 1))
    until [ -e "$2/go.$step" ]; do sleep 0.02; done
}
begin='<!--XSUPERVISOR:BEGIN-->'
end='<!--XSUPERVISOR:END-->'
case $1 in
messages)
    printf 'text that is long before a mark %sthe first%s and text that is long after it\n' "$begin" "$end"
    wait_for_next "$@"
    printf 'text before a mark that comes in pieces <!--XSUPERVISOR:'
    printf 'BEGIN-->the second, over\nseveral lines\n<!--XSUPER'
    printf 'VISOR:END--> and text that is long after it\n'
    wait_for_next "$@"
    printf '%son stderr: caf\303\251%s and text that is long after it\n' "$begin" "$end" >&2
    wait_for_next "$@"
    printf "%sno text: \\377\\0\\t'\\\\ %s and text that is long after it\\n" "$begin" "$end"
    wait_for_next "$@"
    printf '%s%s and text that is long after an empty message\n' "$begin" "$end"
    wait_for_next "$@"
    ;;
prints)
    printf 'one line\n'
    wait_for_next "$@"
    printf 'two lines at once,\nthe second of which has no end: caf\303\251'
    wait_for_next "$@"
    printf 'on stderr: %s\n' "$begin" >&2
    wait_for_next "$@"
    printf "no text: \\377 \"'\\n"
    wait_for_next "$@"
    ;;
esac
exec sleep 1000
