/* SPDX-License-Identifier: MIT */
/* IMultiPointUserManager: the host's local accounts. */
#include "model.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What Windows' own functions for accounts answer. */
enum { NO_SUCH_USER = 0x8AD, USER_EXISTS = 0x8B0 };
enum { ADMINISTRATOR, STANDARD, TYPES = 3 };
enum { VALID, INVALID, IS_ADMINISTRATOR };

struct account *account_find(struct model *model, const char *name)
{
    struct account *account = model->accounts;

    while (account && strcasecmp(account->name, name) != 0) {
        account = account->next;
    }
    return account;
}

struct account *account_make(struct model *model, const char *name)
{
    struct account *account = account_find(model, name), **link = &model->accounts;

    if (!account) {
        account = must(calloc(1, sizeof *account));
        account->name = copy(name);
        account->password = copy("");
        account->full_name = copy("");
        account->description = copy("");
        account->type = STANDARD;
        while (*link) {
            link = &(*link)->next;
        }
        *link = account;
    }
    return account;
}

static void remove_first(struct account **link)
{
    struct account *account = *link;

    *link = account->next;
    free(account->name);
    free(account->password);
    free(account->full_name);
    free(account->description);
    free(account);
}

void accounts_free(struct model *model)
{
    while (model->accounts) {
        remove_first(&model->accounts);
    }
}

uint32_t enumerate_users(struct call *call)
{
    text_puts(call->out, "<pprgWmsUsersWs>");
    for (const struct account *account = model_of(call->host)->accounts; account;
         account = account->next) {
        text_puts(call->out, "<prgWmsSessionInfoWs>");
        put_string(call, "wsName", account->name);
        put_string(call, "wsFullName", account->full_name);
        put_string(call, "wsDescription", account->description);
        put_number(call, "UserType", account->type);
        text_puts(call->out, "</prgWmsSessionInfoWs>");
    }
    text_puts(call->out, "</pprgWmsUsersWs>");
    return 0;
}

static void set(char **text, const char *value)
{
    if (value) {
        replace(text, value);
    }
}

uint32_t add_user(struct call *call)
{
    struct model *model = model_of(call->host);

    if (call->numbers[2] >= TYPES) {
        return win32_hr(BAD_ARGUMENT);
    } else if (account_find(model, call->arguments[0])) {
        return win32_hr(USER_EXISTS);
    }
    struct account *account = account_make(model, call->arguments[0]);
    set(&account->password, call->arguments[1]);
    account->type = (uint32_t) call->numbers[2];
    set(&account->full_name, call->arguments[3]);
    set(&account->description, call->arguments[4]);
    return 0;
}

uint32_t remove_user(struct call *call)
{
    struct account **link = &model_of(call->host)->accounts;

    while (*link && strcasecmp((*link)->name, call->arguments[0]) != 0) {
        link = &(*link)->next;
    }
    if (!*link) {
        return win32_hr(NO_SUCH_USER);
    }
    remove_first(link);
    return 0;
}

uint32_t set_user_info(struct call *call)
{
    struct account *account = account_find(model_of(call->host), call->arguments[1]);

    if (!account) {
        return win32_hr(NO_SUCH_USER);
    } else if (call->arguments[0] && call->numbers[0] >= TYPES) {
        return win32_hr(BAD_ARGUMENT);
    }
    account->type = call->arguments[0] ? (uint32_t) call->numbers[0] : account->type;
    set(&account->full_name, call->arguments[2]);
    set(&account->password, call->arguments[3]);
    set(&account->description, call->arguments[4]);
    return 0;
}

uint32_t validate_account(struct call *call)
{
    const struct account *account = account_find(model_of(call->host), call->arguments[1]);

    put_number(call, "eAccountStatus",
               !account || strcmp(account->password, call->arguments[2]) != 0 ? INVALID
               : account->type == ADMINISTRATOR                               ? IS_ADMINISTRATOR
                                                                              : VALID);
    return 0;
}
