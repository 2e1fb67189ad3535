-- SPDX-License-Identifier: MIT
--- A room as a PNG: the page, as a browser without a window shows it.  The pictures come from hosts, so they are decoded by
--- a program that is kept safe, and in its sandbox, and not in this process.
local png = {}

local WIDTH, LARGEST = 1280, 16000 -- pixels
local COLUMNS, ROW, AROUND = 5, 228, 130 -- of the page in this width
local NAMES = "chromium chromium-browser google-chrome"

-- `$1` is the folder that has room.html, `$2` the size.  Nothing in it is a host's.
local SCRIPT = [[
set -u
for name in %s; do
   program=$(command -v "$name") && break
done
[ -n "${program-}" ] || { echo missing; exit; }
sandbox=
[ "$(id -u)" != 0 ] || sandbox=--no-sandbox # it refuses to run as root otherwise
HOME=$1 timeout -k 5 60 "$program" --headless --disable-gpu --disable-dev-shm-usage --hide-scrollbars --no-first-run \
   --disable-background-networking --disable-component-update --disable-sync --disable-breakpad --no-proxy-server \
   '--host-resolver-rules=MAP * ~NOTFOUND' $sandbox "--user-data-dir=$1/profile" "--window-size=$2" \
   "--screenshot=$1/room.png" "file://$1/room.html" >"$1/said" 2>&1 </dev/null
echo "done $?"
]]

local function run(script, ...)
   local words = {}
   for i = 1, select("#", ...) do
      words[i] = ("'%s'"):format((select(i, ...)))
   end
   local pipe = assert(io.popen(("set -- %s\n%s"):format(table.concat(words, " "), script)))
   local said = pipe:read("*a")
   pipe:close()
   return said
end

local function read(path)
   local file = io.open(path, "rb")
   local text = file and file:read("*a")
   if file then
      file:close()
   end
   return text
end

local function write(path, text)
   local file = io.open(path, "wb")
   local fine = file and file:write(text)
   return file and file:close() and fine
end

--- The picture of a sheet, in a folder of our own, which nobody else can read.
local function make(folder, sheet)
   local count = math.max(1, #sheet.stations + #sheet.off)
   local height = AROUND + ROW * math.ceil(count / COLUMNS)
   if height > LARGEST then
      return nil, ("%d sessions are too many for one picture; write a page, room.html"):format(#sheet.stations)
   elseif not write(folder .. "/room.html", require("wms.screens.page").sheet(sheet)) then
      return nil, folder .. ": cannot be written"
   end
   local said = run(SCRIPT:format(NAMES), folder, ("%d,%d"):format(WIDTH, height))
   local bytes = read(folder .. "/room.png")
   if said:find("missing", 1, true) then
      return nil, "a picture is made by chromium, which is not installed (Debian: chromium); write a page, room.html"
   elseif not bytes or bytes:sub(1, 8) ~= "\137PNG\r\n\26\n" then
      local last = (read(folder .. "/said") or ""):match("([^\n]+)\n*$")
      return nil, ("chromium makes no picture: %s"):format(last or said)
   end
   return bytes
end

--- The PNG of a sheet of wms.screens.take; or nil and why not.
function png.sheet(sheet)
   local folder = run("umask 077; mktemp -d"):match("^(/[%w/._-]+)\n$")
   if not folder then
      return nil, "there is no place for temporary files"
   end
   local bytes, why = make(folder, sheet)
   run('rm -rf -- "$1"', folder)
   return bytes, why
end

return png
