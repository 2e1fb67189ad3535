-- SPDX-License-Identifier: MIT
--- A new error code, verb or state takes one line, in the list that wms.h has of them.
local process = require "spec.support.process"

-- Answers with the new code as a provider, and lets an embedded host answer with it.
local PROGRAM = [[
#include <stdio.h>
#include <string.h>

#include <wms/provider.h>
#include <wms/memory.h>

static const struct wms_services *services;

static int begin(const struct wms_provider *self, const struct wms_services *given, wms_engine *engine,
                 struct wms_link *link, const struct wms_address *address, void **ret_connection)
{
    services = given;
    services->up(link);
    *ret_connection = engine;
    return 0;
}

static void end(void *connection, bool forked)
{
}

static void list(void *connection, struct wms_op *op)
{
    services->answer(op, WMS_E_QUOTA, NULL);
}

static void act(void *connection, struct wms_op *op, enum wms_verb verb, const wms_id *id, const char *message)
{
    services->answer(op, WMS_E_QUOTA, NULL);
}

static void forget(void *connection, struct wms_op *op)
{
}

static void observe(void *connection, struct wms_observer *observer, const wms_id *id)
{
}

static void unobserve(void *connection, struct wms_observer *observer)
{
}

static const struct wms_provider demo = {
    WMS_PROVIDER_HEAD, .name = "demo", .can = 1u << WMS_UNLOCK, .connect = begin, .disconnect = end, .list = list,
    .act = act, .forget = forget, .observe = observe, .unobserve = unobserve,
};

int main(void)
{
    const wms_id one = {.number = 1};
    const char *servers[] = {"demo://room", "memory://lab"};
    wms_session session;
    wms_command command;
    wms_request *request;
    wms_outcome outcome;
    wms_engine *engine;
    wms_memory *host;

    wms_session_init(&session);
    session.id.number = 1;
    if (wms_engine_new(NULL, &engine) || wms_engine_register(engine, &demo) ||
        wms_memory_new(engine, "lab", NULL, &host) || wms_memory_open(host, &session, -1) ||
        wms_memory_fail(host, WMS_UNLOCK, WMS_E_QUOTA)) {
        printf("%s\n", wms_engine_complaint(engine));
        return 1;
    }
    wms_command_init(&command, WMS_UNLOCK);
    command.servers = servers;
    command.server_count = 2;
    command.ids = &one;
    command.id_count = 1;
    if (wms_start(engine, &command, &request) || wms_request_wait(request, 30) != 1) {
        return 1;
    }
    for (size_t i = 0; i < 2; i++) {
        wms_request_outcome(request, i, &outcome);
        printf("%s: %s: %s\n", outcome.server, wms_error_name(outcome.code), outcome.text);
    }
    printf("%d %s %s\n", wms_error_from_name("QUOTA"), wms_verb_name((enum wms_verb) wms_verb_from_name("greet")),
           wms_state_name(WMS_MAYBE));
    wms_request_unref(request);
    wms_memory_unref(host);
    wms_engine_unref(engine);
    return 0;
}
]]

-- A verb that only wms.h knows: the embedded host, the checks and the functions of Lua have it by that.
local SCRIPT = [[
local wms = require "wms"
local host = wms.memory("lab", { sessions = { { session_id = 1, user_name = "ann" }, { session_id = 2 } } })

for _, list in ipairs{ assert(wms.greet{ session_ids = 2, server = "memory://lab", message = "hello" }),
   assert(wms.greet_all{ server = "memory://lab", message = "hello", what_if = true }),
   assert(wms.new("memory://lab"):greet{ session_ids = 1, message = "hello" }) } do
   for _, outcome in ipairs(list) do
      print(outcome.session_id, outcome.state)
   end
end
for _, wrong in ipairs{ { session_ids = 1 }, { message = "hello" }, { session_ids = 1, message = "hello", title = "T" } } do
   print((select(2, pcall(wms.greet, wrong)):gsub("^.-%(", ""):gsub("[;,].*", "")))
end
for _, entry in ipairs(host:log()) do
   if entry.verb == "greet" then
      print(entry.session_id, entry.message)
   end
end
print(tostring(select(2, pcall(wms.start, "greets", {}))):match("greet_all"))
]]
local GREETED = [[
2	requested
1	planned
2	planned
1	requested
message: missing
session_ids: missing
title: no such option
2	hello
1	hello
greet_all
]]

-- An option that a log shows, and a property of sessions.
local OPTION = [[
local wms = require "wms"
wms.configure{ log = function(level, text)
   if text:find("gently") then
      print(level, text)
   end
end }
local host = wms.memory("lab", { sessions = { { session_id = 1, user_name = "ann", mood = "sleepy" } } })

assert(wms.unlock{ session_ids = 1, server = "memory://lab" })
assert(wms.unlock{ session_ids = 1, server = "memory://lab", gently = true })
print((select(2, pcall(wms.unlock, { session_ids = 1, gently = 1 })):gsub("^.-%(", ""):gsub(";.*", "")))
print((select(2, pcall(wms.configure, { gently = true })):gsub("^.-%(", ""):gsub("[;,].*", "")))
print(assert(wms.sessions("memory://lab"))[1].mood)
]]
local OPTION_SHOWN = [[
info	memory://lab: gently
gently: a number
gently: no such option
sleepy
]]
local ADD_OPTION = [[
   sed -i -e 's/^} wms_command;/    bool gently;\n&/' \
       -e 's/^    X(spared, "spared")/& X(mood, "mood")/' src/include/wms.h
   sed -i 's/^    bool stop_on_error, what_if, ask, follow;/    bool gently;\n&/' src/core/state.h
   sed -i 's/^    request->follow = command->follow;/&\n    request->gently = command->gently;/' src/core/command.c
   sed -i '/^static void run(/,/^}/s/^    if (job->stage == WMS_JOB_QUEUED) {/    if (request->gently) {\n\
           wms_say(request->engine, WMS_INFO, "%s: gently", job->text);\n    }\n&/' src/core/job.c
   sed -i -e 's/^    X(WHAT_IF, .*$/    X(GENTLY, "gently", FOR_SESSIONS | FOR_CLIENT) \\\n&/' \
       -e 's/^    bool stop_on_error, what_if, management;/    bool gently;\n&/' src/lua/lwms.h
   sed -i 's/^    case OPT_WHAT_IF:/    case OPT_GENTLY:\n\
           options->gently = lwms_need_boolean(L, call, name, value);\n        break;\n&/' src/lua/options.c
   sed -i '0,/^    command->management = .*;/s//&\n    command->gently = options->gently;/' src/lua/command.c
]]

-- A word for each of enum wms_error, wms_verb and wms_state.
local ADD_WORDS = [[
   sed -i -e 's/^#define WMS_ERRORS(X) \\/&\n    X(QUOTA, -101, "too many sessions") \\/' \
       -e 's/^    X(F, WAKE, .*)$/& X(F, GREET, "greet", WMS_HAS_ALL | WMS_TAKES_MESSAGE)/' \
       -e 's/^    X(GONE, "gone")/& X(MAYBE, "maybe")/' src/include/wms.h
]]

describe("a new word #once", function()
   local folder, touched

   local function run(lines)
      return process.run("set -e; unset MAKEFLAGS MAKELEVEL\n" .. lines:gsub("%f[%w]T%f[%W]", folder))
   end

   local function write(name, text)
      local file = assert(io.open(folder .. "/" .. name, "w"))
      file:write(text)
      file:close()
   end

   --- Changes the sources in T/tree.  Returns how many files that has touched.
   local function change(commands)
      local output, code = run("cd T/tree; rm -rf T/before; cp -r src T/before\n" .. commands)
      assert.same({ "", 0 }, { output, code })
      return tonumber((run("diff -rq T/before T/tree/src | wc -l")))
   end

   -- One copy of the tree, which is built once, has all the words.
   setup(function()
      folder = process.run("mktemp -d"):match("%S+")
      run "mkdir T/tree; cp -r Makefile mk src T/tree"
      touched = { words = change(ADD_WORDS), option = change(ADD_OPTION) }
      write("program.c", PROGRAM)
      write("script.lua", SCRIPT)
      write("option.lua", OPTION)
      local output, code = run [[
         cd T/tree
         make -s -j2 T/build/lib/libwms.a T/build/5.4/wms.so DEPS=no BUILD=T/build SANITIZE= CFLAGS=-O0
         cc -std=gnu11 -Isrc/include -Isrc -o T/program T/program.c T/build/lib/libwms.a \
             $(pkg-config --libs libuv) -pthread -ldl -lm]]
      assert.same({ "", 0 }, { output, code })
   end)

   teardown(function()
      process.run("rm -r " .. folder)
   end)

   it("takes one line in its list: a code, a verb, a state", function()
      local output, code = run "timeout 60 T/program; env LUA_CPATH='T/build/5.4/?.so' timeout 60 $WMS_LUA T/script.lua"
      assert.same({ "demo://room: QUOTA: too many sessions\nmemory://lab: QUOTA: too many sessions\n"
         .. "-101 greet maybe\n" .. GREETED, 0 }, { output, code }, output)
      assert.equal(1, touched.words)
   end)

   it("takes seven files of src if it is an option, with a session's property in one of them", function()
      local output, code = run "env LUA_CPATH='T/build/5.4/?.so' timeout 60 $WMS_LUA T/option.lua"
      assert.same({ OPTION_SHOWN, 0 }, { output, code }, output)
      assert.equal(7, touched.option)
   end)
end)
