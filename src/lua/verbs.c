/* verbs.c - the commands, by their names in Lua. */
#include "lua/lwms.h"

const struct command lwms_commands[COMMANDS] = {
    {"unlock", WMS_UNLOCK, false},
    {"unlock_all", WMS_UNLOCK, true},
    {"lock", WMS_LOCK, false},
    {"lock_all", WMS_LOCK, true},
    {"disconnect", WMS_DISCONNECT, false},
    {"disconnect_all", WMS_DISCONNECT, true},
    {"close", WMS_CLOSE, false},
    {"close_all", WMS_CLOSE, true},
    {"sessions", WMS_SESSIONS, false},
    {"call", WMS_CALL, false},
    {"bind", WMS_BIND, false},
    {"message", WMS_MESSAGE, false},
    {"message_all", WMS_MESSAGE, true},
};

bool lwms_is_call(const struct command *command)
{
    return command->verb == WMS_CALL || command->verb == WMS_BIND;
}
