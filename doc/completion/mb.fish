# fish completion for mod_mirror's programs: what the files for bash offer, which alone know the commands. They lie beside this file,
# or where bash has them.

set -g __mb_folder (realpath (status dirname))
test -r $__mb_folder/mb; or set -g __mb_folder $__mb_folder/../../bash-completion/completions

function __mb_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    bash -c '
      for file in "$1/mb" "$1"/mb-*; do [[ $file == *.fish ]] || source "$file"; done
      COMP_WORDS=("${2##*/}" "${@:3}") COMP_CWORD=$(($# - 2))
      "_${COMP_WORDS[0]//-/_}" 2>/dev/null
      printf "%s\n" "${COMPREPLY[@]}"' bash $__mb_folder $words "$word" 2>/dev/null
end

for program in mb mb-scan mb-probe mb-hash
    complete -c $program -f -a '(__mb_complete)'
end
