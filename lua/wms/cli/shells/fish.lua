-- SPDX-License-Identifier: MIT
return [=[
# Completes wms in fish.
function __wms_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l lines (wms --complete $words[2..-1] 2>/dev/null)
    if test "$lines[1]" = :files
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $lines
    end
end
complete -c wms -f -k -a '(__wms_complete)'
]=]
