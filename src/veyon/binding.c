/* SPDX-License-Identifier: MIT */
/* binding.c - what a binding holds: the gateway, the key's name, and where the key is.
 *
 * The key itself is read each time that it is sent, and wiped. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "veyon/veyon.h"

void veyon_binding_free(const struct veyon *all, struct veyon_binding *binding)
{
    net_free(&all->net, binding->gateway);
    net_free(&all->net, binding->key_name);
    net_free(&all->net, binding->key_file);
    net_free(&all->net, binding->fingerprint);
    *binding = (struct veyon_binding){0};
}

static const char *field_of(const wms_value *record, const char *name)
{
    for (size_t i = 0; record->kind == WMS_TABLE && i < record->size; i++) {
        const wms_value *field = &record->items[i];
        if (field->kind == WMS_STRING && strcmp(field->name, name) == 0) {
            return field->text;
        }
    }
    return NULL;
}

int veyon_binding_read(const struct veyon *all, const wms_value *record,
                       struct veyon_binding *ret_binding)
{
    const char *gateway = field_of(record, "gateway"), *key_name = field_of(record, "key_name"),
               *key_file = field_of(record, "key_file"),
               *fingerprint = field_of(record, "fingerprint");
    unsigned char sha256[NET_SHA256];

    if (!gateway || !key_name || !key_file || strlen(key_name) > VEYON_KEY_NAME_MAX ||
        (fingerprint && !net_fingerprint_parse(fingerprint, sha256))) {
        return WMS_E_INTERNAL;
    }
    *ret_binding = (struct veyon_binding){
        .gateway = veyon_copy(all, gateway),
        .key_name = veyon_copy(all, key_name),
        .key_file = veyon_copy(all, key_file),
        .fingerprint = fingerprint ? veyon_copy(all, fingerprint) : NULL,
    };
    return ret_binding->gateway && ret_binding->key_name && ret_binding->key_file &&
                   (!fingerprint || ret_binding->fingerprint)
               ? 0
               : WMS_E_NO_MEMORY;
}

/* ---- the gateway's address ------------------------------------------------------------------- */

static bool is_this_machine(const char *host)
{
    struct in_addr old;
    struct in6_addr address;

    return inet_pton(AF_INET, host, &old) == 1
               ? ntohl(old.s_addr) >> 24 == 127
               : inet_pton(AF_INET6, host, &address) == 1 && IN6_IS_ADDR_LOOPBACK(&address);
}

static bool read_port(const char *text, unsigned *ret_port)
{
    char *end;
    unsigned long port = strtoul(text, &end, 10);

    *ret_port = (unsigned) port;
    return *text >= '1' && *text <= '9' && port <= 65535 && (*end == '\0' || strcmp(end, "/") == 0);
}

/* A name or an address, and nothing that would mean something else in a URL. */
static bool is_host(const char *host)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    for (const char *p = host; *p; p++) {
        if (!strchr(letters, *p) && !strchr(".-_:", *p)) {
            return false;
        }
    }
    return *host && *host != '-';
}

int veyon_gateway_parse(const char *url, struct veyon_place *ret_place, char text[VEYON_SENTENCE])
{
    char *host = ret_place->host;
    static const char plain[] = "http://", secure[] = "https://";
    bool is_plain = strncmp(url, plain, sizeof plain - 1) == 0;
    const char *from = is_plain ? url + sizeof plain - 1 : url + sizeof secure - 1;
    bool good = (is_plain || strncmp(url, secure, sizeof secure - 1) == 0) && strlen(url) < 288;
    const char *end = !good ? NULL : *from == '[' ? strchr(from, ']') : from + strcspn(from, ":/");

    from += good && *from == '[';
    good = end && end > from && (size_t) (end - from) < VEYON_GATEWAY_MAX;
    if (good) {
        memcpy(host, from, (size_t) (end - from));
        host[end - from] = '\0';
        end += *end == ']';
        good = is_host(host) && *end == ':' && read_port(end + 1, &ret_place->port);
    }
    if (!good) {
        snprintf(text, VEYON_SENTENCE,
                 "no address of a gateway; give one such as \"" VEYON_GATEWAY
                 "\" or \"https://gateway:11443\"");
        return WMS_E_INVALID;
    }
    if (is_plain && !is_this_machine(host)) {
        snprintf(text, VEYON_SENTENCE,
                 "the gateway is not at a numeric loopback address: by plain HTTP the key goes to "
                 "one on "
                 "this machine only, such as " VEYON_GATEWAY
                 "; reach others by https://, through a TLS proxy there");
        return WMS_E_UNTRUSTED;
    }
    ret_place->secure = !is_plain;
    return 0;
}

/* ---- the key --------------------------------------------------------------------------------- */

static int complain(char text[VEYON_SENTENCE], int code, const char *path, const char *why)
{
    snprintf(text, VEYON_SENTENCE, "the key file %.255s %s", path, why);
    return code;
}

static int complain_errno(char text[VEYON_SENTENCE], const char *path, int number)
{
    char why[160];
    bool refused = number == EACCES || number == EPERM;

    snprintf(why, sizeof why, "cannot be read (%.60s); %s",
             strerrorname_np(number) ? strerrordesc_np(number) : "unknown error",
             refused ? "run as a user who may read it"
                     : "put it there, or bind anew with the path of the one that is there");
    return complain(text, refused ? WMS_E_ACCESS_DENIED : WMS_E_NOT_BOUND, path, why);
}

/* Opens it, if it is a file that not everybody may read.  -1: *ret_code and `text` say why not. */
static int open_key(const char *path, int *ret_code, char text[VEYON_SENTENCE])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat status;

    if (fd < 0) {
        *ret_code = complain_errno(text, path, errno);
        return -1;
    }
    if (fstat(fd, &status) || !S_ISREG(status.st_mode)) {
        *ret_code = complain(text, WMS_E_NOT_BOUND, path, "is no file; bind anew with the key's");
    } else if (status.st_mode & S_IRWXO) {
        *ret_code =
            complain(text, WMS_E_UNTRUSTED, path,
                     "is open to everybody; take that away with chmod o-rwx, and think of a "
                     "new key");
    } else {
        return fd;
    }
    close(fd);
    return -1;
}

/* Reads all of it; -1 on an error. */
static ssize_t read_all(int fd, char *buffer, size_t room)
{
    size_t length = 0;

    while (length < room) {
        ssize_t more = read(fd, buffer + length, room - length);
        if (more < 0 && errno == EINTR) {
            continue;
        }
        if (more < 0) {
            return -1;
        }
        if (more == 0) {
            break;
        }
        length += (size_t) more;
    }
    return (ssize_t) length;
}

/* A private key as PEM: nothing in it needs escaping in JSON but the ends of its lines. */
static bool is_key(const char *data, size_t size)
{
    static const char begin[] = "-----BEGIN ";

    if (size < sizeof begin || strncmp(data, begin, sizeof begin - 1) != 0) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        char c = data[i];
        if ((c < ' ' || c > '~' || c == '"' || c == '\\') && c != '\n' && c != '\r') {
            return false;
        }
    }
    const char *end = memchr(data, '\n', size); /* "-----BEGIN PRIVATE KEY-----" */
    return end && memmem(data, (size_t) (end - data), "PRIVATE KEY-----", 16);
}

static char *escape(char *to, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '\r') {
            continue;
        }
        if (data[i] == '\n' || data[i] == '"' || data[i] == '\\') {
            *to++ = '\\';
        }
        *to++ = data[i];
        to[-1] = data[i] == '\n' ? 'n' : data[i];
    }
    return to;
}

/* NULL: out of memory. */
static char *print_body(const struct veyon *all, const char *name, const char *key, size_t size)
{
    static const char head[] = "{\"method\":\"0c69b301-81b4-42d6-8fae-128cdd113314\","
                               "\"credentials\":{\"keyname\":\"",
                      middle[] = "\",\"keydata\":\"", tail[] = "\"}}";
    char *body = net_alloc(&all->net,
                           sizeof head + sizeof middle + sizeof tail + 2 * strlen(name) + 2 * size);

    if (body) {
        char *to = escape(stpcpy(body, head), name, strlen(name));
        to = escape(stpcpy(to, middle), key, size);
        strcpy(to, tail);
    }
    return body;
}

int veyon_binding_body(const struct veyon *all, const struct veyon_binding *binding,
                       char **ret_body, char text[VEYON_SENTENCE])
{
    int code = 0, fd = open_key(binding->key_file, &code, text);

    if (fd < 0) {
        return code;
    }
    char *key = net_alloc(&all->net, VEYON_KEY_MAX);
    ssize_t size = key ? read_all(fd, key, VEYON_KEY_MAX) : 0;
    int number = errno;
    close(fd);
    if (!key) {
        return WMS_E_NO_MEMORY;
    }
    if (size < 0) {
        code = complain_errno(text, binding->key_file, number);
    } else if (size == VEYON_KEY_MAX || !is_key(key, (size_t) size)) {
        code = complain(text, WMS_E_NOT_BOUND, binding->key_file,
                        "holds no private key in PEM form; bind anew with the one of `veyon-cli "
                        "authkeys`");
    } else {
        *ret_body = print_body(all, binding->key_name, key, (size_t) size);
        code = *ret_body ? 0 : WMS_E_NO_MEMORY;
    }
    explicit_bzero(key, VEYON_KEY_MAX);
    net_free(&all->net, key);
    return code;
}
