/* SPDX-License-Identifier: MIT */
/* nats.c - the NATS servers that a program has named: checked, and copied. */
#include <stdlib.h>
#include <string.h>

#include "core/abi.h"
#include "core/parts.h"

enum { SERVERS_MAX = 32, SERVER_MAX = 300, NAME_MAX_SIZE = 64, FILE_MAX = 4095 };

/* The texts of a wms_nats: X(member, "as Lua calls it", what it is). */
#define TEXTS(X) \
    X(name, "name", "a name of letters, digits, \"-\" and \"_\"") \
    X(credentials, "credentials", "the path of a .creds file") \
    X(nkey, "nkey", "the path of a file with a seed") \
    X(user_name, "user_name", "a name") \
    X(password_file, "password_file", "the path of a file with a password") \
    X(ca, "tls: ca", "the path of a PEM file") \
    X(certificate, "tls: certificate", "the path of a PEM file") \
    X(key, "tls: key", "the path of a PEM file")

static void take(wms_nats *nats, const wms_nats *given)
{
    *nats = (wms_nats) WMS_NATS_INIT;
    wms_take(nats, sizeof *nats, given, given->size);
}

/* "nats://HOST:PORT" or "tls://HOST:PORT", the port optional. */
static bool is_url(const char *url)
{
    const char *host = strncmp(url, "nats://", 7) == 0  ? url + 7
                       : strncmp(url, "tls://", 6) == 0 ? url + 6
                                                        : NULL;
    if (!host || strnlen(url, SERVER_MAX + 1) > SERVER_MAX) {
        return false;
    }
    bool brackets = *host == '[';
    host += brackets;
    size_t length = strcspn(host, brackets ? "]" : ":/");
    const char *rest = host + length;
    if (length == 0 || strcspn(host, "@?#,\"\\ \t\r\n") < length || (brackets && *rest++ != ']')) {
        return false;
    }
    if (*rest == ':') {
        char *end = NULL;
        unsigned long port = rest[1] >= '0' && rest[1] <= '9' ? strtoul(rest + 1, &end, 10) : 0;
        if (port < 1 || port > 65535) {
            return false;
        }
        rest = end;
    }
    return !*rest || strcmp(rest, "/") == 0;
}

static int check_servers(wms_engine *engine, const char *const *servers)
{
    size_t count = 0;

    for (; servers && servers[count]; count++) {
        if (!is_url(servers[count])) {
            return wms_complain(engine,
                                "nats: servers: '%.100s' is no URL of a NATS server; give one such "
                                "as \"nats://nats1.school.example:4222\"; who connects is told by "
                                "`credentials`, `nkey` or `user_name`",
                                servers[count]);
        }
        if (count == SERVERS_MAX) {
            return wms_complain(engine,
                                "nats: servers: more than %d; give fewer: those of a "
                                "cluster know each other",
                                SERVERS_MAX);
        }
    }
    return count > 0
               ? 0
               : wms_complain(engine, "nats: servers: none; give the URL of a NATS server, or "
                                      "a list, such as \"nats://nats1.school.example:4222\"");
}

static bool is_name(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    size_t length = strspn(name, allowed);

    return length > 0 && length <= NAME_MAX_SIZE && !name[length];
}

int wms_nats_check(wms_engine *engine, const wms_nats *given)
{
    wms_nats nats;

    take(&nats, given);
    int error = check_servers(engine, nats.servers);
    if (error) {
        return error;
    }
#define X(member, label, what) \
    if (nats.member && (!*nats.member || strnlen(nats.member, FILE_MAX + 1) > FILE_MAX)) { \
        return wms_complain(engine, "nats: %s: %s; give %s", label, \
                            *nats.member ? "too long" : "an empty string", what); \
    }
    TEXTS(X)
#undef X
    if (nats.name && !is_name(nats.name)) {
        return wms_complain(engine,
                            "nats: name: '%.80s'; give a name of letters, digits, \"-\" and \"_\", "
                            "at most %d, which the servers' rights know",
                            nats.name, NAME_MAX_SIZE);
    }
    if (!nats.user_name != !nats.password_file) {
        return wms_complain(engine, "nats: %s without %s; give both, or none",
                            nats.user_name ? "user_name" : "password_file",
                            nats.user_name ? "password_file" : "user_name");
    }
    if (!!nats.credentials + !!nats.nkey + !!nats.user_name > 1) {
        return wms_complain(engine, "nats: more than one of credentials, nkey and user_name; give "
                                    "one, which says who connects");
    }
    if (!nats.certificate != !nats.key) {
        return wms_complain(engine, "nats: tls: %s without %s; give both, or none",
                            nats.certificate ? "certificate" : "key",
                            nats.certificate ? "key" : "certificate");
    }
    return 0;
}

wms_nats *wms_nats_copy(wms_engine *engine, const wms_nats *given)
{
    wms_nats nats;
    size_t count = 0, size = 0;

    take(&nats, given);
    for (; nats.servers && nats.servers[count]; count++) {
        size += strlen(nats.servers[count]) + 1;
    }
#define X(member, label, what) size += nats.member ? strlen(nats.member) + 1 : 0;
    TEXTS(X)
#undef X
    wms_nats *copy =
        wms_resize(engine, NULL, sizeof *copy + (count + 1) * sizeof(const char *) + size);
    if (!copy) {
        return NULL;
    }
    *copy = nats;
    copy->size = sizeof *copy;
    const char **list = (const char **) (copy + 1);
    char *text = (char *) (list + count + 1);
    copy->servers = list;
    list[count] = NULL;
    for (size_t i = 0; i < count; i++) {
        size = strlen(nats.servers[i]) + 1;
        list[i] = memcpy(text, nats.servers[i], size);
        text += size;
    }
#define X(member, label, what) \
    if (nats.member) { \
        size = strlen(nats.member) + 1; \
        copy->member = memcpy(text, nats.member, size); \
        text += size; \
    }
    TEXTS(X)
#undef X
    return copy;
}
