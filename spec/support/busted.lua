-- SPDX-License-Identifier: MIT
--- busted for the interpreter that runs this file, wherever and for whichever Lua its own command was installed.
require "busted.runner"{ standalone = false }
