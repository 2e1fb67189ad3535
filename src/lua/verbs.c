/* SPDX-License-Identifier: MIT */
/* verbs.c - the commands, by their names in Lua. */
#include <string.h>

#include "lua/lwms.h"

/* The second of each pair is there for verbs that have an `_all`; else its name is NULL. */
const struct lwms_command lwms_commands[COMMANDS] = {
#define X(F, verb, word, traits) \
    {word, WMS_##verb, traits, false}, \
        {(traits) &WMS_HAS_ALL ? word "_all" : NULL, WMS_##verb, traits, true},
    WMS_VERB_ROWS(X, )
#undef X
};

const struct lwms_command *lwms_command_find(const char *name)
{
    for (int i = 0; i < COMMANDS; i++) {
        if (lwms_commands[i].name && strcmp(lwms_commands[i].name, name) == 0) {
            return &lwms_commands[i];
        }
    }
    return NULL;
}

/* "unlock, lock, ..., call or bind" */
void lwms_commands_add(luaL_Buffer *text)
{
    int left = 0;

    for (int i = 0; i < COMMANDS; i++) {
        left += lwms_commands[i].name != NULL;
    }
    for (int i = 0; i < COMMANDS; i++) {
        if (lwms_commands[i].name) {
            luaL_addstring(text, lwms_commands[i].name);
            left--;
            luaL_addstring(text, left > 1 ? ", " : left == 1 ? " or " : "");
        }
    }
}
