# Completion of chunkflow for bash. Words are never evaluated: a command line that nobody has run yet runs nothing.
_chunkflow() {
  local line=${COMP_LINE:0:COMP_POINT} directive='' answer
  local -a words
  read -ra words <<< "$line"
  case $line in *[[:space:]]) words+=("") ;; esac
  local current=${words[${#words[@]}-1]}
  # Readline takes = and : for ends of words, and replaces what stands behind the last of them.
  local before=${current%"${current##*[=:]}"}
  COMPREPLY=()
  while IFS= read -r answer; do
    case $answer in
      :*) directive=$answer ;;
      *)
        answer=${answer%%$'\t'*}
        COMPREPLY+=("${answer#"$before"}")
        ;;
    esac
  done < <(chunkflow completion words -- "${words[@]:1}" 2> /dev/null)
  case $directive in *nospace*) compopt -o nospace 2> /dev/null ;; esac
  case $directive in
    *files*)
      compopt -o filenames 2> /dev/null
      while IFS= read -r answer; do COMPREPLY+=("$answer"); done < <(compgen -f -- "${current#"$before"}")
      ;;
  esac
}
complete -F _chunkflow chunkflow
