# Completion of chunkflow for fish. Words are never evaluated: a command line that nobody has run yet runs nothing.
function __chunkflow_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for answer in (chunkflow completion words -- $words[2..-1] "$current" 2> /dev/null)
        switch $answer
            case ':*files*'
                __fish_complete_path "$current"
            case ':*'
            case '*'
                echo $answer
        end
    end
end
complete -c chunkflow -f -a '(__chunkflow_complete)'
