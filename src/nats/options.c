/* SPDX-License-Identifier: MIT */
/* options.c - what a connection to the NATS servers needs: servers, credentials, TLS. */
#define _GNU_SOURCE
#include "nats/options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/errortext.h"
#include "nats/nkey.h"

enum {
    FILE_MAX = 65536, /* bytes of a file with secrets */
    PORT = 4222,
    CONNECT_MS = 60000,   /* for all but DNS and the TLS handshake.  The carrier waits less; when it
                             is over, libnats does not wait for a server's PONG, but asks for it all
                             the time, as long as the connection is there */
    WRITE_MS = 5000,      /* that libnats may wait to write, with TLS */
    BUFFER_PLAIN = 16384, /* two for each connection */
    BUFFER_TLS = 32768 /* never less than a TLS record: what libnats leaves is not seen by poll() */
};

/* ---- what is given --------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static int complain(char *complaint, size_t size,
                                                          const char *form, ...)
{
    va_list list;

    va_start(list, form);
    vsnprintf(complaint, size, form, list);
    va_end(list);
    return WMS_E_INVALID;
}

/* Of the host: without brackets. */
static bool is_loopback(const char *host)
{
    struct in_addr old;
    struct in6_addr new;

    return strcmp(host, "localhost") == 0 ||
           (inet_pton(AF_INET, host, &old) == 1 && ntohl(old.s_addr) >> 24 == 127) ||
           (inet_pton(AF_INET6, host, &new) == 1 && IN6_IS_ADDR_LOOPBACK(&new));
}

__attribute__((format(printf, 1, 2))) static char *text_of(const char *form, ...)
{
    char *text = NULL;
    va_list list;

    va_start(list, form);
    int length = vasprintf(&text, form, list);
    va_end(list);
    return length < 0 ? NULL : text;
}

/* The core has looked whether it is an URL: this reads the same form. */
static int read_server(struct nats_server *server, const char *url, char *complaint, size_t size)
{
    server->tls = strncmp(url, "tls://", 6) == 0;
    if (!server->tls && strncmp(url, "nats://", 7) != 0) {
        return complain(complaint, size,
                        "nats: servers: \"%.100s\" is no URL; give one such as "
                        "\"nats://server.example:4222\"",
                        url);
    }
    const char *host = url + (server->tls ? 6 : 7), *end;
    bool brackets = *host == '[';

    host += brackets;
    end = host + strcspn(host, brackets ? "]" : ":/");
    const char *rest = end + (brackets && *end);
    unsigned long port = PORT;
    if (*rest == ':') {
        char *after;
        port = strtoul(rest + 1, &after, 10);
        rest = rest[1] < '0' || rest[1] > '9' ? "?" : after;
    }
    rest += *rest == '/';
    size_t length = (size_t) (end - host);
    if (length == 0 || length > 253 || *rest || port < 1 || port > 65535 ||
        strcspn(host, "@ \t\r\n\"\\") < length) {
        return complain(complaint, size,
                        "nats: servers: \"%.100s\" is no URL of a server; give one such as "
                        "\"nats://server.example:4222\", and who connects by `credentials`, `nkey` "
                        "or `user_name`",
                        url);
    }
    server->host = text_of("%.*s", (int) length, host);
    server->url =
        text_of(brackets ? "nats://[%.*s]:%lu" : "nats://%.*s:%lu", (int) length, host, port);
    server->place = server->url ? text_of("%s", server->url + 7) : NULL;
    return server->host && server->url && server->place ? 0 : WMS_E_NO_MEMORY;
}

static int read_servers(struct nats_options *options, const char *const *servers, char *complaint,
                        size_t size)
{
    size_t count = 0;

    while (servers && servers[count]) {
        count++;
    }
    if (count == 0) {
        return complain(complaint, size,
                        "nats: servers: none; give one such as \"nats://server.example:4222\"");
    }
    options->servers = calloc(count, sizeof *options->servers);
    if (!options->servers) {
        return WMS_E_NO_MEMORY;
    }
    options->count = count;
    int error = 0;
    for (size_t i = 0; !error && i < count && servers; i++) {
        error = read_server(&options->servers[i], servers[i], complaint, size);
        const struct nats_server *server = &options->servers[i];
        options->secure =
            options->secure || server->tls || (server->host && !is_loopback(server->host));
    }
    return error;
}

static bool copy(char **to, const char *from)
{
    *to = from ? strdup(from) : NULL;
    return !from || *to;
}

int nats_options_new(const wms_nats *given, struct nats_options **ret_options, char *complaint,
                     size_t size)
{
    struct nats_options *options = calloc(1, sizeof *options);

    if (!options) {
        return WMS_E_NO_MEMORY;
    }
    int error = read_servers(options, given->servers, complaint, size);
    options->secure = options->secure || given->ca || given->certificate;
    if (!error &&
        (!copy(&options->name, given->name ? given->name : "anonymous") ||
         !copy(&options->credentials, given->credentials) || !copy(&options->nkey, given->nkey) ||
         !copy(&options->user_name, given->user_name) ||
         !copy(&options->password_file, given->password_file) || !copy(&options->ca, given->ca) ||
         !copy(&options->certificate, given->certificate) || !copy(&options->key, given->key))) {
        error = WMS_E_NO_MEMORY;
    }
    if (error) {
        nats_options_free(options);
        return error;
    }
    *ret_options = options;
    return 0;
}

void nats_options_free(struct nats_options *options)
{
    if (!options) {
        return;
    }
    for (size_t i = 0; i < options->count; i++) {
        free(options->servers[i].url);
        free(options->servers[i].host);
        free(options->servers[i].place);
    }
    free(options->servers);
    free(options->name);
    free(options->credentials);
    free(options->nkey);
    free(options->user_name);
    free(options->password_file);
    free(options->ca);
    free(options->certificate);
    free(options->key);
    free(options);
}

/* ---- files ----------------------------------------------------------------------------------- */

static int say(char *sentence, size_t size, int code, const char *what, const char *file,
               const char *why)
{
    snprintf(sentence, size, "the %s %.200s %s", what, file, why);
    return code;
}

static void wipe(char *text)
{
    if (text) {
        OPENSSL_cleanse(text, strlen(text));
        free(text);
    }
}

/* What read_file() has read, whatever is in it. */
static void wipe_file(char *text)
{
    if (text) {
        OPENSSL_cleanse(text, FILE_MAX);
        free(text);
    }
}

/* The text of a file, for wipe_file(). */
static int read_file(const char *what, const char *file, char **ret_text, char *sentence,
                     size_t size)
{
    char *text = calloc(1, FILE_MAX + 1), why[160], reason[128];
    int fd = text ? open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) : -1;
    ssize_t got = fd >= 0 ? 0 : -1;
    size_t length = 0;

    if (!text) {
        return WMS_E_NO_MEMORY;
    }
    while (fd >= 0 && length < FILE_MAX && (got = read(fd, text + length, FILE_MAX - length)) > 0) {
        length += (size_t) got;
    }
    int number = errno;
    if (fd >= 0) {
        close(fd);
    }
    if (got < 0) {
        wipe_file(text);
        snprintf(why, sizeof why, "cannot be read: %s", ERROR_TEXT(number, reason));
        return say(sentence, size, WMS_E_ACCESS_DENIED, what, file, why);
    }
    *ret_text = text;
    return 0;
}

static int readable(const char *what, const char *file, char *sentence, size_t size)
{
    char *text = NULL;
    int error = read_file(what, file, &text, sentence, size);

    wipe_file(text);
    return error;
}

/* ---- libnats' options ------------------------------------------------------------------------ */

static int of_status(natsStatus status)
{
    return status == NATS_OK ? 0 : status == NATS_NO_MEMORY ? WMS_E_NO_MEMORY : WMS_E_INTERNAL;
}

/* libnats puts it between the quotes of a JSON text as it is. */
static char *quoted(const char *text)
{
    char *copy = malloc(6 * strlen(text) + 1), *to = copy;

    for (; copy && *text; text++) {
        if (*text == '"' || *text == '\\' || (unsigned char) *text < ' ') {
            to += sprintf(to, "\\u%04x", (unsigned) (unsigned char) *text);
        } else {
            *to++ = *text;
        }
    }
    if (copy) {
        *to = '\0';
    }
    return copy;
}

static int set_password(const struct nats_options *options, natsOptions *made, char *sentence,
                        size_t size)
{
    char *text = NULL, *password = NULL, *name = NULL;
    int error = read_file("password file", options->password_file, &text, sentence, size);

    if (error) {
        return error;
    }
    text[strcspn(text, "\r\n")] = '\0';
    if (!*text) {
        wipe_file(text);
        return say(sentence, size, WMS_E_ACCESS_DENIED, "password file", options->password_file,
                   "has no password in its first line");
    }
    password = quoted(text);
    name = quoted(options->user_name);
    error = password && name ? of_status(natsOptions_SetUserInfo(made, name, password))
                             : WMS_E_NO_MEMORY;
    wipe_file(text);
    wipe(password);
    free(name);
    return error;
}

static int set_nkey(const struct nats_options *options, natsOptions *made, char *sentence,
                    size_t size)
{
    char *text = NULL, public[NKEY_PUBLIC_SIZE];
    int error = read_file("NKEY file", options->nkey, &text, sentence, size);

    if (error) {
        return error;
    }
    bool found = nkey_public(text, public);
    wipe_file(text);
    if (!found) {
        return say(sentence, size, WMS_E_ACCESS_DENIED, "NKEY file", options->nkey,
                   "holds no seed of a user: that is a line of 58 letters that begins with SU");
    }
    return of_status(natsOptions_SetNKeyFromSeed(made, public, options->nkey));
}

static int set_credentials(const struct nats_options *options, natsOptions *made, char *sentence,
                           size_t size)
{
    char *text = NULL, public[NKEY_PUBLIC_SIZE];
    int error = read_file("credentials", options->credentials, &text, sentence, size);

    if (error) {
        return error;
    }
    bool found = strstr(text, "-----BEGIN NATS USER JWT-----") && nkey_public(text, public);
    wipe_file(text);
    if (!found) {
        return say(sentence, size, WMS_E_ACCESS_DENIED, "credentials", options->credentials,
                   "are no .creds file: that has a user's JWT and its seed");
    }
    return of_status(natsOptions_SetUserCredentialsFromFiles(made, options->credentials, NULL));
}

static int set_tls(const struct nats_options *options, const char *host, natsOptions *made,
                   char *sentence, size_t size)
{
    int error = of_status(natsOptions_SetSecure(made, true));

    if (!error) {
        error = of_status(natsOptions_SetExpectedHostname(made, host));
    }
    if (!error && options->ca) {
        error = readable("CA file", options->ca, sentence, size);
        if (!error && natsOptions_LoadCATrustedCertificates(made, options->ca) != NATS_OK) {
            return say(sentence, size, WMS_E_UNTRUSTED, "CA file", options->ca,
                       "holds no certificate");
        }
    }
    if (!error && options->certificate) {
        error = readable("certificate", options->certificate, sentence, size);
        error = error ? error : readable("key", options->key, sentence, size);
        if (!error && natsOptions_LoadCertificatesChain(made, options->certificate, options->key) !=
                          NATS_OK) {
            return say(sentence, size, WMS_E_UNTRUSTED, "certificate", options->certificate,
                       "cannot be used with its key: give both as PEM, and the key without a "
                       "passphrase");
        }
    }
    return error;
}

static int set_all(const struct nats_options *options, const struct nats_server *server,
                   natsOptions *made, char *sentence, size_t size)
{
    char name[80];
    natsStatus status = natsOptions_SetURL(made, server->url);

    snprintf(name, sizeof name, "wms %.64s", options->name);
#define WMS_SET(call) (status = status == NATS_OK ? natsOptions_##call : status)
    WMS_SET(SetName(made, name));
    WMS_SET(SetTimeout(made, CONNECT_MS));
    WMS_SET(SetAllowReconnect(made, false));
    WMS_SET(SetIgnoreDiscoveredServers(made, true));
    WMS_SET(SetNoEcho(made, true));
    WMS_SET(SetSendAsap(made, true));  /* no thread that flushes */
    WMS_SET(SetPingInterval(made, 0)); /* the carrier pings: libnats would close the connection in
                                          its timer's thread, while it is read, and its list of
                                          timers is slow when there are many */
    WMS_SET(SetIOBufSize(made, options->secure ? BUFFER_TLS : BUFFER_PLAIN));
    if (options->secure) {
        WMS_SET(SetWriteDeadline(made, WRITE_MS));
    }
#undef WMS_SET
    int error = of_status(status);
    if (!error && options->secure) {
        error = set_tls(options, server->host, made, sentence, size);
    }
    if (!error && options->credentials) {
        error = set_credentials(options, made, sentence, size);
    } else if (!error && options->nkey) {
        error = set_nkey(options, made, sentence, size);
    } else if (!error && options->user_name) {
        error = set_password(options, made, sentence, size);
    }
    return error;
}

int nats_options_make(const struct nats_options *options, size_t server, natsOptions **ret_made,
                      char *sentence, size_t size)
{
    natsOptions *made = NULL;

    *sentence = '\0';
    int error = of_status(natsOptions_Create(&made));
    if (!error) {
        error = set_all(options, &options->servers[server], made, sentence, size);
    }
    if (error) {
        natsOptions_Destroy(made);
        if (!*sentence) {
            snprintf(sentence, size, "%s",
                     error == WMS_E_NO_MEMORY ? "out of memory" : nats_GetLastError(NULL));
        }
        return error;
    }
    *ret_made = made;
    return 0;
}
