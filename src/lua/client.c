/* SPDX-License-Identifier: MIT */
/* client.c - wms.new: the commands as methods of an object that has its own default options. */
#include <string.h>

#include "lua/lwms.h"

int lwms_client_new(lua_State *L)
{
    static const struct lwms_call call = {"new", 1, NULL};
    struct options options;

    lwms_no_more(L, &call, 1);
    lua_settop(L, 1);
    lwms_options_begin(L, &options, lwms_state_here(L), 0);
    lwms_options_read(L, &call, 1, lwms_options_for(FOR_CLIENT), &options);
    if (!(options.given & BIT(ALLOW))) { /* then the call uses that of wms.configure{} */
        lua_pushnil(L);
        lua_replace(L, options.base + SLOT_ALLOW);
    }
    int server = options.base + SLOT_SERVER;
    if (!lua_isnil(L, server)) {
        lwms_servers_check(L, &call, options.server_name, server);
    }
    if (lua_istable(L, server)) {
        /* Copied, since the script may change its own list. */
        int count = (int) lwms_need_list(L, &call, options.server_name, server);
        lua_createtable(L, count, 0);
        for (int i = 1; i <= count; i++) {
            lua_rawgeti(L, server, i);
            lua_rawseti(L, -2, i);
        }
        lua_replace(L, server);
    }

    struct options *client = lua_newuserdata(L, sizeof *client);
    *client = options;
    lwms_anchor(L, A_CLIENT);
    lua_setmetatable(L, -2);
    lua_createtable(L, SLOTS, 0);
    for (int slot = 0; slot < SLOTS; slot++) {
        lua_pushvalue(L, options.base + slot);
        lua_rawseti(L, -2, slot + 1);
    }
    lua_setuservalue(L, -2);
    return 1;
}

static int client_tostring(lua_State *L)
{
    lwms_self_here(L, A_CLIENT, "client", "__tostring");
    lua_settop(L, 1);
    lua_getuservalue(L, 1);
    lua_rawgeti(L, 2, SLOT_SERVER + 1);
    const char *server = lua_type(L, 3) == LUA_TSTRING ? lua_tostring(L, 3) : NULL;
    lua_pushfstring(L, "wms.client (%s)",
                    server              ? server
                    : lua_istable(L, 3) ? "several servers"
                                        : "this machine");
    return 1;
}

const luaL_Reg lwms_client_own[] = {{"__tostring", client_tostring}, {NULL, NULL}};
const luaL_Reg lwms_client_methods[] = {
    {"start", lwms_command_start_method}, {"watch", lwms_watch_method}, {NULL, NULL}};
