-- SPDX-License-Identifier: MIT
return [=[
#compdef wms
# Completes wms in zsh.
_wms() {
    local -a lines plain open
    local line item
    lines=("${(@f)$(wms --complete "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    if [[ $lines[1] == :files ]]; then
        _files
        return
    fi
    for line in $lines; do
        item=${${line%%$'\t'*}//:/\\:}
        [[ $line == *$'\t'* ]] && item+=:${line#*$'\t'}
        if [[ ${line%%$'\t'*} == *= ]]; then
            open+=("$item")
        elif [[ -n $line ]]; then
            plain+=("$item")
        fi
    done
    (( $#plain )) && _describe -V wms plain
    (( $#open )) && _describe -V wms open -S ''
    (( $#plain + $#open ))
}
if [ "$funcstack[1]" = _wms ]; then
    _wms "$@"
else
    compdef _wms wms
fi
]=]
