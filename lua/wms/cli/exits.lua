-- SPDX-License-Identifier: MIT
--- What the exit codes of `wms` mean.
return {
   OK = 0, -- all as asked
   FAILED = 1, -- something was not done, or is not known to be done
   MISUSE = 2, -- the command line is wrong; nothing was sent
   UNREACHED = 3, -- no host could be reached
   BROKEN = 70, -- something has raised an error again and again: sysexits.h's EX_SOFTWARE
   NO_PROGRAM = 127, -- the program that was to run is not there, as shells have it
   HUNG_UP = 129, -- the terminal has gone: 128 and the number of the signal, as shells have it
   INTERRUPTED = 130, -- by Ctrl-C
   UNREAD = 141, -- nobody reads the output any more: as SIGPIPE
   TERMINATED = 143, -- by SIGTERM
}
