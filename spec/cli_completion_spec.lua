-- SPDX-License-Identifier: MIT
--- What completes commands, options and hosts: the candidates, and what real shells make of them where `make install` puts
--- their scripts.
local cli = require "spec.support.cli"
local commands = require "wms.cli.commands"
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local quote = process.quote

teardown(cli.sweep)

--- The candidates for a line, without what they mean.
local function candidates(line, options)
   local out, err, code = cli.run({ "--complete-line", line }, options)
   assert.same({ "", 0 }, { err, code }, line)
   local list = {}
   for i, row in ipairs(cli.lines(out)) do
      list[i] = row:match("^[^\t]*")
   end
   return list
end

describe("candidates #once", function()
   it("are the commands", function()
      local names = {}
      for _, command in ipairs(commands.list) do
         names[#names + 1] = not command.name:find(" ", 1, true) and command.name or nil
      end
      names[#names + 1] = "help"
      assert.same(names, candidates("wms "))
      assert.same({ "list", "lock" }, candidates("wms --demo l"))
      assert.same({ "list", "lock" }, candidates("wms help l"))
      assert.same({ "help" }, candidates("wms --config list he"))
   end)

   it("are the words behind a noun", function()
      assert.same({ "set", "split", "join", "refresh", "remap", "identify", "unidentify" }, candidates("wms stations "))
      assert.same({ "open" }, candidates("wms --demo apps o"))
      assert.same({ "set" }, candidates("wms help users s"))
      assert.same({}, candidates("wms stations set "))
      assert.same({}, candidates("wms stations 3 "))
      assert.same({ "@room1" }, candidates("wms --demo stations set 3 @"))
      assert.same({ "@room1" }, candidates("wms --demo users @"))
      assert.same({ "administrator", "standard", "dashboarduser" }, candidates("wms users add eve --user-type "))
      assert.same({ "--im=on", "--im=off" }, candidates("wms system set --im=o"))
      assert.same({ "@room1", "lab01", "lab02", "lab03", "localhost" }, candidates("wms --demo alerts "))
   end)

   it("are the options of a command, but for those that are there already", function()
      for _, command in ipairs(commands.list) do
         local names, there = {}, {}
         for _, name in ipairs(candidates("wms " .. command.name .. " --")) do
            names[name] = true
         end
         for _, list in ipairs{ command.options, commands.everywhere } do
            for _, name in ipairs(list) do
               local option = commands.options[name]
               local flag = option.flags:match("%-%-%S+")
               there[flag], there[flag .. "="] = true, option.implied and true or nil
            end
         end
         assert.same(there, names, command.name)
      end
      assert.same({ "--version" }, candidates("wms --ver"))
      assert.same({ "--verify", "--verify=" }, candidates("wms unlock --all --ver"))
      assert.same({}, candidates("wms unlock --verify --ver"))
      assert.same({ "--where" }, candidates("wms unlock --where user=alice --whe"))
      assert.same({}, candidates("wms unlock -- --ver"))
      assert.same({}, candidates("wms lock -m --ver"))
      assert.same({ "locked", "lost" }, candidates("wms watch --event opened --event lo"))
      assert.same({ ":files" }, candidates("wms keep --file "))
   end)

   it("are hosts and groups, of the file of settings or the made-up room", function()
      assert.same({ "@room1", "lab01", "lab02", "lab03", "localhost" }, candidates("wms --demo list "))
      assert.same({ "@room1" }, candidates("wms --demo unlock @"))
      assert.same({ "!@room1" }, candidates("wms --demo list '!@"))
      assert.same({ "--server=lab01", "--server=lab02", "--server=lab03" }, candidates("wms --demo list --server=la"))
      assert.same({}, candidates("wms --demo unlock "))
      local path = cli.write("a file.lua", 'return { groups = { lab = "pc[1-2]", all = { "@lab", "x" } } }')
      assert.same({ "@all", "@lab", "pc1", "pc2", "x", "localhost" },
         candidates(("wms --config '%s' list "):format(path)))
      assert.same({ "localhost" }, candidates("wms --config /nonexistent list "))
      for _, line in ipairs{ "wms reboot ", "wms power-off -s ", "wms power-off '!" } do -- nobody has asked for it
         assert.same({}, candidates(line), line)
      end
      assert.same({ "localhost" }, candidates("wms reboot lo"))
      cli.write("bad.lua", "nonsense(")
      assert.same({ "localhost" }, candidates(("wms --config %s/bad.lua list "):format(cli.folder())))
   end)

   it("are what values may be", function()
      assert.same({ "continue", "stop" }, candidates("wms unlock --on-error "))
      assert.same({ "--on-error=stop" }, candidates("wms unlock --on-error=s"))
      assert.same({ "bash", "zsh", "fish" }, candidates("wms --completion "))
      assert.same({ "locked=yes", "locked=no" }, candidates("wms list --where lo"))
      assert.same({ "idle=", "id=" }, candidates("wms list -x id"))
      assert.same({ ":files" }, candidates("wms --config x"))
      assert.same({ ":files" }, candidates("wms bind lab --fingerprints "))
      assert.same({}, candidates("wms close --warn 5 "))
      assert.same({ "--json" }, candidates("wms close --warn 5 'a b' --j"))
   end)

   it("can be given as --where takes them", function()
      for _, entry in ipairs(require "wms.cli.choose".names()) do
         assert.is_string(entry.kind, entry.name)
      end
   end)

   it("are none for what is nonsense", function()
      for _, line in ipairs{ "", "wms", "wms x\\", "wms 'x", "wms nonsense x", "wms --nonsense=", "wms call ",
         "wms bindings " } do
         assert.same({}, candidates(line), line)
      end
      local out, err, code = cli.run({ "--complete" })
      assert.same({ "", 0 }, { err, code })
      assert.truthy(out:find("^list\t"))
   end)
end)

-- ---- shells -----------------------------------------------------------------------------------------------------------

--- How each shell is started, so that it takes nobody's settings and looks for completions below a folder.
local SHELLS = {
   bash = [[XDG_DATA_DIRS=%s/share PS1='> ' bash --norc --noprofile -i]],
   zsh = [[PS1='> ' ZDOTDIR=%s/zsh zsh -d -i]],
   fish = [[XDG_DATA_DIRS=%s/share:/usr/share fish --private -i]],
}

local START = {
   bash = "bind 'set bell-style none'; . /usr/share/bash-completion/bash_completion; echo rea''dy",
   zsh = "fpath=(%s/share/zsh/site-functions $fpath); autoload -Uz compinit; compinit -u -D; echo rea''dy",
   fish = "function fish_prompt; echo '> '; end; echo rea''dy",
}

--- What docs/cli.md says is to stand in the shell's own file.
local ALONE = {
   bash = "bind 'set bell-style none'; eval \"$(wms --completion bash)\"; echo rea''dy",
   zsh = "autoload -Uz compinit; compinit -u -D; eval \"$(wms --completion zsh)\"; echo rea''dy",
   fish = "function fish_prompt; echo '> '; end; wms --completion fish | source; echo rea''dy",
}

describe("in a real shell #once", function()
   local prefix, tmux

   setup(function()
      prefix = cli.folder() .. "/prefix"
      local text, code = process.run("env -u MAKEFLAGS -u MFLAGS make -s install-completions DEPS=no PREFIX="
         .. quote(prefix))
      assert.equal(0, code, text)
      process.run(("mkdir -p %s/bin %s/zsh"):format(prefix, prefix))
      local path = cli.write("prefix/bin/wms", ("#!/bin/sh\ncd %s && exec env LUA_PATH='./lua/?.lua;;' "
         .. 'LUA_CPATH=%s %s bin/wms "$@"\n'):format(quote(process.run("pwd"):match("%S+")), quote(package.cpath),
         process.lua()))
      process.run("chmod +x " .. path)
      process.run(("mkdir -p %s/config/wms %s/a-folder"):format(cli.folder(), cli.folder()))
      cli.write("config/wms/config.lua", 'return { groups = { physics = "pc[01-02]", library = "desk1" } }')
      cli.write("a-folder/rooms.txt", "")
   end)

   after_each(function()
      if tmux then
         local pid = process.run(tmux .. "display-message -p '#{pid} #{pane_pid}'"):match("%d+ %d+")
         process.run(tmux .. "kill-server")
         kit.await(function() -- a shell writes files when it ends
            return not pid or select(2, process.run("kill -0 " .. pid)) ~= 0
         end)
         tmux = nil
      end
   end)

   local function screen(wanted)
      local text
      local seen = pcall(kit.await, function()
         text = process.run(tmux .. "capture-pane -p")
         return text:find(wanted)
      end)
      assert(seen, ("'%s' is not in:\n%s"):format(wanted, text:gsub("\n+", "\n")))
      return text
   end

   local function keys(...)
      for _, text in ipairs{ ... } do
         process.run(("%s send-keys %s"):format(tmux, text:find("^[TCE]%-?%l+$") and text or "-l " .. quote(text)))
      end
   end

   --- Types a line with a tabulator behind it, waits for what shows, and takes the line away.
   local function completes(typed, wanted)
      keys(typed, "Tab")
      screen(wanted)
      keys("C-u", "C-l")
      screen("^[^w]*$")
   end

   --- Starts a shell in the folder of the spec, and gives it its first line.
   local function start(shell, line)
      tmux = ("tmux -S %s "):format(quote(cli.folder() .. "/" .. shell))
      local environment = ("env -u LUA_INIT HOME=%s XDG_CONFIG_HOME=%s/config TERM=screen LC_ALL=C.UTF-8 "
         .. "PATH=%s/bin:$PATH "):format(cli.folder(), cli.folder(), prefix)
      local text, code = process.run(("%s -f /dev/null new-session -d -x 100 -y 30 -c %s %s"):format(tmux, cli.folder(),
         quote(environment .. "sh -c " .. quote(SHELLS[shell]:format(prefix)))))
      assert.equal(0, code, text)
      screen("[>#] ?")
      keys(line:format(prefix), "Enter")
      screen("\nready")
      keys("clear", "Enter")
   end

   for shell in pairs(SHELLS) do
      it("completes commands, options, hosts and values: " .. shell, function()
         if select(2, process.run("command -v tmux " .. shell)) ~= 0 then
            pending("no tmux here, or no " .. shell)
         elseif shell == "bash" and not io.open("/usr/share/bash-completion/bash_completion") then
            pending("no bash-completion here")
         end
         start(shell, START[shell])
         completes("wms unl", "wms unlock")
         completes("wms unlock --stab", "wms unlock %-%-stable")
         completes("wms unlock --veri", "wms unlock %-%-verify%s*\n") -- and no blank, with which 5 is an id
         keys("wms unlock --veri", "Tab", "=7")
         screen("wms unlock %-%-verify=7")
         keys("C-u", "C-l")
         screen("^[^w]*$")
         completes("wms list @ph", "wms list @physics")
         completes("wms unlock -s de", "wms unlock %-s desk1")
         completes("wms unlock --on-error st", "wms unlock %-%-on%-error stop")
         completes("wms list --where lo", "wms list %-%-where locked=")
         completes("wms list --where us", "wms list %-%-where user=")
         completes("wms --config a-f", "wms %-%-config a%-folder/")
         keys("wms l", "Tab", "Tab")
         screen("list.*lock")
      end)

      it("completes by a line in its own file: " .. shell, function()
         if select(2, process.run("command -v tmux " .. shell)) ~= 0 then
            pending("no tmux here, or no " .. shell)
         end
         start(shell, ALONE[shell])
         completes("wms unlock --stab", "wms unlock %-%-stable")
         completes("wms --demo unlock -s @", "wms %-%-demo unlock %-s @room1")
         completes("wms list @ph", "wms list @physics")
         completes("wms list --where lo", "wms list %-%-where locked=")
      end)
   end
end)
