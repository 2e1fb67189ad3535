/* SPDX-License-Identifier: MIT */
/* cards.c - wms.configure{ wake = }: the network cards of hosts that can be woken. */
#include <string.h>

#include "lua/lwms.h"

static const char fix[] =
    "a table such as { [\"lab01.school.example\"] = { mac = \"00:11:22:33:44:55\", network = "
    "\"192.0.2.255\" } }";

enum field { MAC, NETWORK, PORT, NO_FIELD };

/* Which field the key at `index` names. */
static enum field field_of(lua_State *L, int index)
{
    static const char *const names[] = {"mac", "network", "port"};
    const char *key = lua_type(L, index) == LUA_TSTRING ? lua_tostring(L, index) : "";
    int field = MAC;

    while (field < NO_FIELD && strcmp(names[field], key) != 0) {
        field++;
    }
    return (enum field) field;
}

static void check_card(lua_State *L, const struct lwms_call *call, int host, int card)
{
    char name[CLIPPED], key[CLIPPED];

    if (!lwms_is_text(L, host) || !lua_istable(L, card)) {
        lwms_misuse(L, call, "wake: an entry that is no host's; give %s", fix);
    }
    lwms_clip(L, host, name);
    for (lua_pushnil(L); lua_next(L, card); lua_pop(L, 1)) {
        int value = lua_gettop(L);
        enum field field = field_of(L, value - 1);
        const char *where = lua_pushfstring(
            L, "wake: '%s': %s", name,
            lua_type(L, value - 1) == LUA_TSTRING ? lwms_clip(L, value - 1, key) : "a number");
        if (field == NO_FIELD) {
            lwms_misuse(L, call, "%s: no such field; use mac, network, port", where);
        } else if (field == PORT) {
            lwms_need_whole(L, call, where, value, 1, 65535);
        } else {
            lwms_need_text(L, call, where, value, "a string");
        }
        lua_pop(L, 1);
    }
}

/* Allocates nothing; a value that is not as it was checked is left out. */
static void read_card(lua_State *L, int card, wms_magic *magic)
{
    for (lua_pushnil(L); lua_next(L, card); lua_pop(L, 1)) {
        const char *text = lwms_is_text(L, -1) ? lua_tostring(L, -1) : NULL;
        switch (field_of(L, -2)) {
        case MAC:
            magic->mac = text;
            break;
        case NETWORK:
            magic->network = text;
            break;
        case PORT:
            magic->port = text ? 0 : (unsigned) lua_tonumber(L, -1);
            break;
        default:
            break;
        }
    }
}

/* How many there are, each of which has the form that it should have. */
static size_t count_cards(lua_State *L, const struct lwms_call *call, int index)
{
    size_t count = 0;

    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        check_card(L, call, lua_gettop(L) - 1, lua_gettop(L));
        count++;
    }
    return count;
}

void lwms_cards_begin(lua_State *L, const struct lwms_call *call, int index, struct cards *cards)
{
    *cards = (struct cards){.index = index};
    cards->count = lua_istable(L, index) ? count_cards(L, call, index) : 0;
    cards->room = lua_newuserdata(L, (cards->count + 1) * sizeof *cards->room);
}

int lwms_cards_set(lua_State *L, struct lwms_state *state, const struct cards *cards)
{
    size_t used = 0;

    if (cards->count > 0) {
        for (lua_pushnil(L); lua_next(L, cards->index); lua_pop(L, 1)) {
            int card = lua_gettop(L);
            if (used < cards->count && lwms_is_text(L, card - 1) && lua_istable(L, card)) {
                cards->room[used] = (wms_magic){.server = lua_tostring(L, card - 1)};
                read_card(L, card, &cards->room[used++]);
            }
        }
    }
    return wms_engine_magics(state->engine, cards->room, used);
}
