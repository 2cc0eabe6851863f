#compdef chunkflow
# Completion of chunkflow for zsh. Words are never evaluated: a command line that nobody has run yet runs nothing.
_chunkflow() {
  local answer directive=
  local -a described space
  while IFS= read -r answer; do
    if [[ $answer == :* ]]; then
      directive=$answer
    else
      described+=("${${answer%%$'\t'*}//:/\\:}:${answer#*$'\t'}")
    fi
  done < <(chunkflow completion words -- "${(@Q)words[2,CURRENT]}" 2> /dev/null)
  [[ $directive == *nospace* ]] && space=(-S '')
  (( ${#described} )) && _describe -t values value described "${space[@]}"
  [[ $directive == *files* ]] && _files
  return 0
}
compdef _chunkflow chunkflow
