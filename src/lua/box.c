/* SPDX-License-Identifier: MIT */
/* box.c - the userdata that owns a request. */
#include "lua/lwms.h"

struct lwms_request *lwms_request_new(lua_State *L)
{
    struct lwms_request *box = lua_newuserdata(L, sizeof *box);

    memset(box, 0, sizeof *box);
    lwms_anchor(L, A_REQUEST);
    lua_setmetatable(L, -2);
    return box;
}

bool lwms_has_callbacks(const struct lwms_request *box)
{
    return box->follow || box->ask || box->choose || box->command->verb == WMS_BIND;
}

void lwms_request_let_go(struct lwms_request *box)
{
    box->request = wms_request_unref(box->request);
}
