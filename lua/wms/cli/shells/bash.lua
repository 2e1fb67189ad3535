-- SPDX-License-Identifier: MIT
return [=[
# Completes wms in bash, version 4 or later.
_wms() {
    local line=${COMP_LINE:0:COMP_POINT} cut='' word
    # bash replaces what stands behind the last of certain letters only, such as @: the same is cut off the candidates.
    word=${line##*[[:space:]]}
    case $word in
    *[\"\']*) ;; # it replaces what stands behind the quote
    *) cut=${word%"${word##*["$COMP_WORDBREAKS"]}"} ;;
    esac
    case $cut in
    *@) cut=${cut%@} ;; # which bash keeps, for names of hosts
    esac
    COMPREPLY=()
    while IFS=$'\t' read -r word _; do
        if [ "$word" = :files ]; then
            compopt -o default
            COMPREPLY=()
            return
        fi
        COMPREPLY+=("${word#"$cut"}")
    done < <(wms --complete-line "$line" 2>/dev/null)
    case ${COMPREPLY[0]-} in
    *=) compopt -o nospace ;;
    esac
}
complete -F _wms wms
]=]
