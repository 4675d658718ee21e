# Completion of runc's commands, flags and container ids for fish.
# To use it: put this file into ~/.config/fish/completions.

# The command of the line, if it has one yet.
function __runc_command
    set -l words (commandline -opc)
    set -e words[1]
    while set -q words[1]
        switch $words[1]
            case --root --log --log-format --rootless --criu
                set -e words[1]
            case '-*'
            case '*'
                echo $words[1]
                return 0
        end
        set -e words[1]
    end
    return 1
end

function __runc_ids
    set -l words (commandline -opc)
    set -l root
    if set -l i (contains -i -- --root $words); and set -q words[(math $i + 1)]
        set root --root $words[(math $i + 1)]
    end
    runc $root list --quiet 2>/dev/null
end

function __runc_takes_id
    set -l cmd (__runc_command); or return 1
    not contains -- $cmd create run restore spec features list help
end

complete -c runc -f
complete -c runc -n 'not __runc_command' -a "(runc --help | string match -rg '^   ([a-z]+)(?:, [a-z]+)? {2,}[^-]')"
complete -c runc -n 'not __runc_command' -l debug -d 'enable debug logging'
complete -c runc -n 'not __runc_command' -l log -rF -d 'log file'
complete -c runc -n 'not __runc_command' -l log-format -xa 'text json' -d 'format of the log'
complete -c runc -n 'not __runc_command' -l root -xa '(__fish_complete_directories)' -d 'state folder'
complete -c runc -n 'not __runc_command' -l systemd-cgroup -d 'cgroups by systemd'
complete -c runc -n 'not __runc_command' -l rootless -xa 'true false auto' -d 'ignore cgroup permission errors'
complete -c runc -n __runc_takes_id -a '(__runc_ids)'
complete -c runc -n 'contains -- "$(__runc_command)" checkpoint restore' -l manage-cgroups-mode -xa 'soft full strict ignore'
complete -c runc -n 'contains -- "$(__runc_command)" checkpoint restore' -l empty-ns -xa network
complete -c runc -n 'test "$(__runc_command)" = kill' -a 'HUP INT QUIT USR1 USR2 TERM KILL STOP CONT'
# The flags of a command are those that its help lists.
complete -c runc -n __runc_command -a "(runc (__runc_command) --help | string match -rga '(?:^   |, )(--?[a-z][a-z-]*)')"
