/* SPDX-License-Identifier: MIT */
/* What the host tells its clients, and when it does so by itself. */
#include "host.h"

#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CORE   "IMultiPointCoreEventSink"
#define ONLINE "IMultiPointSystemOnlineEventSink"
#define WSS    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"

/* ---- what there is --------------------------------------------------------------------------- */

/* Types as in operations.c.  The credentials are those of the operations' own texts; the protocol's
 * definitions say it the other way round. */
static const struct operation events[] = {
    {CORE, "OnAssociateSessionWithStation", MANAGEMENT,
     "idStation:u idSession:u wsServerName:sn wsVirtualMachineId:sn", "", NULL},
    {CORE, "OnBeginIdentifySession", MANAGEMENT, "idSession:u", "", NULL},
    {CORE, "OnBeginIdentifyStation", MANAGEMENT, "idStation:u", "", NULL},
    {CORE, "OnBootToConsoleModeChange", MANAGEMENT, "fBootToConsoleModeEnabled:b", "", NULL},
    {CORE, "OnConfigureStation", MANAGEMENT, "idStation:u", "", NULL},
    {CORE, "OnDesktopMonitoringChange", MANAGEMENT, "fDesktopMonitoringEnabled:b", "", NULL},
    {CORE, "OnDeviceAdded", MANAGEMENT, "idStation:u eType:u cDevices:u", "", NULL},
    {CORE, "OnDeviceRemoved", MANAGEMENT, "idStation:u eType:u cDevices:u", "", NULL},
    {CORE, "OnEndIdentifySession", MANAGEMENT, "idSession:u", "", NULL},
    {CORE, "OnEndIdentifyStation", MANAGEMENT, "idStation:u", "", NULL},
    {CORE, "OnEnterSplitScreen", MANAGEMENT, "idStation:u", "", NULL},
    {CORE, "OnExitSplitScreen", MANAGEMENT, "idStation:u", "", NULL},
    {CORE, "OnManagedServerOffline", MANAGEMENT, "wsServerName:sn", "", NULL},
    {CORE, "OnManagedServerOnline", MANAGEMENT, "wsServerName:sn wsIpAddresses:sn", "", NULL},
    {CORE, "OnPeerServerAdded", MANAGEMENT, "wsServerName:sn", "", NULL},
    {CORE, "OnPeerServerDiscovered", MANAGEMENT, "wsServerName:sn wsIpAddress:sn eDiscoverType:u",
     "", NULL},
    {CORE, "OnPeerServerRemoved", MANAGEMENT, "wsServerName:sn", "", NULL},
    {CORE, "OnProjectionStateChange", CONTROL, "idSession:u eState:u", "", NULL},
    {CORE, "OnScheduledUpdateSettingsChanged", CONTROL,
     "eMode:u iScheduledUpdateStartHour:u wsCustomScriptFullPath:sn "
     "cMaxMinutesAllowedForCustomScript:u eReturnState:u",
     "", NULL},
    {CORE, "OnServiceControlSessionChange", MANAGEMENT, "dwEventType:u idSession:u", "", NULL},
    {CORE, "OnSessionAgentReady", MANAGEMENT, "idSession:u", "", NULL},
    {CORE, "OnSessionBlocked", MANAGEMENT, "idSession:u", "", NULL},
    {CORE, "OnSessionConnecting", MANAGEMENT, "idStation:u", "", NULL},
    {CORE, "OnSessionDisconnected", MANAGEMENT, "idStation:u", "", NULL},
    {CORE, "OnSessionUnblocked", MANAGEMENT, "idSession:u", "", NULL},
    {CORE, "OnStationAdded", MANAGEMENT, "idStation:u idxSplitScreen:u idPrimaryStation:u", "",
     NULL},
    {CORE, "OnStationAlert", MANAGEMENT, "eType:u idStation:u eStatus:u", "", NULL},
    {CORE, "OnStationRemoved", MANAGEMENT, "idStation:u", "", NULL},
    {CORE, "OnSystemAlert", MANAGEMENT, "eType:u eStatus:u", "", NULL},
    {CORE, "OnSystemModeChange", MANAGEMENT, "eType:u", "", NULL},
    {CORE, "OnVirtualDesktopNotification", MANAGEMENT,
     "eVirtualDesktopNotificationType:u idProgress:u wsMessage:sn", "", NULL},
    {CORE, "OnVirtualDesktopOnline", MANAGEMENT, "wsVirtualMachineId:sn wsHostName:sn", "", NULL},
    {CORE, "ShutdownNotification", MANAGEMENT, "", "", NULL},
    {CORE, "OnUserCreated", MANAGEMENT, "wsUserName:sn", "", NULL},
    {CORE, "OnUserUpdated", MANAGEMENT, "wsUserName:sn", "", NULL},
    {CORE, "OnUserDeleted", MANAGEMENT, "wsUserName:sn", "", NULL},
    {CORE, "OnGroupUpdated", MANAGEMENT, "", "", NULL},
    {ONLINE, "OnManagedServerOfflineNotify", CONTROL, "wsWmsSystemHostName:s", "", NULL},
    {ONLINE, "OnManagedServerOnlineNotify", CONTROL, "wsWmsSystemHostName:s wsWmsSystemIpAddress:s",
     "", NULL},
    {ONLINE, "OnNewServerCertificateReady", CONTROL, "wsHostName:s pSslCertificate:B", "", NULL},
};

static const struct operation *find(const char *name)
{
    for (size_t i = 0; i < LENGTH(events); i++) {
        if (strcmp(events[i].name, name) == 0) {
            return &events[i];
        }
    }
    return NULL;
}

/* ---- its arguments --------------------------------------------------------------------------- */

static void add_bytes(struct text *out, const struct host *host)
{
    const struct certificate *next = host->next_certificate ? host->next_certificate : host->shown;

    text_add(out, next->answer.data, next->answer.length);
}

/* Fills in what was not given: 0, false, nil, the host's next certificate. */
static void add_argument(struct text *out, const struct host *host, const char *name, char type,
                         bool nillable, const char *value)
{
    if (!value && nillable) {
        text_printf(out, "<%s i:nil=\"true\"/>", name);
        return;
    }
    text_printf(out, "<%s>", name);
    if (value) {
        text_escape(out, value);
    } else if (type == 'B') {
        add_bytes(out, host);
    } else {
        text_puts(out, type == 'u' ? "0" : type == 'b' ? "false" : host->name);
    }
    text_printf(out, "</%s>", name);
}

/* What the words say of the operation's arguments; NULL, or what is wrong. */
static const char *add_arguments(struct text *out, const struct host *host,
                                 const struct operation *operation, const struct words *words,
                                 int at)
{
    char names[ARGUMENTS][64];
    const char *keys[ARGUMENTS + 1] = {NULL}, *problem;
    const char *spec = operation->in;
    struct words given = {.count = 0};
    int count = 0;

    for (int i = at; words && i < words->count; i++) {
        given.word[given.count++] = words->word[i];
    }
    text_printf(out,
                "<%s xmlns=\"http://MultiPoint\" "
                "xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\">",
                operation->name);
    while (*spec) {
        size_t length = strcspn(spec, ":");

        memcpy(names[count], spec, length);
        names[count][length] = '\0';
        keys[count] = names[count];
        add_argument(out, host, names[count], spec[length + 1], spec[length + 2] == 'n',
                     words_option(&given, names[count]));
        count++;
        spec += length + strcspn(spec + length, " ");
        spec += *spec == ' ';
    }
    problem = words_known(&given, 0, keys);
    text_printf(out, "</%s>", operation->name);
    return problem;
}

/* ---- a message ------------------------------------------------------------------------------- */

static void new_id(char id[64])
{
    unsigned char random[16];
    struct text text = {NULL, 0, 0};

    gnutls_rnd(GNUTLS_RND_NONCE, random, sizeof random);
    random[6] = (random[6] & 0x0f) | 0x40;
    random[8] = (random[8] & 0x3f) | 0x80;
    text_puts(&text, "urn:uuid:");
    for (size_t i = 0; i < sizeof random; i++) {
        text_printf(&text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", random[i]);
    }
    memcpy(id, text.data, text.length + 1);
    text_free(&text);
}

static void add_time(struct text *out, const char *name, time_t time)
{
    char stamp[32];
    struct tm tm;

    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S.000Z", gmtime_r(&time, &tm));
    text_printf(out, "<u:%s>%s</u:%s>", name, stamp, name);
}

/* The user is the client's own host name; the password is one of the two that the host gave it. */
static void add_security(struct text *out, const struct host *host,
                         const struct operation *operation, const char *uri)
{
    const struct client *client = client_of(host, uri);
    bool management = (operation->credentials == MANAGEMENT) != host->definitions;

    text_puts(out, "<o:Security s:mustUnderstand=\"1\"><u:Timestamp u:Id=\"_0\">");
    add_time(out, "Created", time(NULL));
    add_time(out, "Expires", time(NULL) + 300);
    text_puts(out, "</u:Timestamp><o:UsernameToken u:Id=\"uuid-1\"><o:Username>");
    text_escape(out, host->sink_user && *host->sink_user ? host->sink_user
                     : client                            ? client->name
                                                         : "");
    text_puts(out,
              "</o:Username><o:Password Type=\"" WSS "username-token-profile-1.0#PasswordText\">");
    text_escape(out, management ? host->management_password : host->control_password);
    text_puts(out, "</o:Password></o:UsernameToken></o:Security>");
}

static struct post *post_new(const struct host *host, const struct operation *operation,
                             const char *uri, const struct text *body)
{
    struct post *post = must(calloc(1, sizeof *post));
    struct text *out = &post->envelope;

    post->operation = operation;
    new_id(post->id);
    text_puts(out, "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" "
                   "xmlns:a=\"http://www.w3.org/2005/08/addressing\" "
                   "xmlns:o=\"" WSS "wssecurity-secext-1.0.xsd\" "
                   "xmlns:u=\"" WSS "wssecurity-utility-1.0.xsd\"><s:Header>");
    text_printf(out,
                "<a:Action s:mustUnderstand=\"1\">http://MultiPoint/RemoteManagement/%s/%s"
                "</a:Action><a:MessageID>%s</a:MessageID><a:ReplyTo><a:Address>"
                "http://www.w3.org/2005/08/addressing/anonymous</a:Address></a:ReplyTo>"
                "<a:To s:mustUnderstand=\"1\">",
                operation->interface, operation->name, post->id);
    text_escape(out, uri);
    text_puts(out, "</a:To>");
    add_security(out, host, operation, uri);
    text_puts(out, "</s:Header><s:Body>");
    text_add(out, body->data, body->length);
    text_puts(out, "</s:Body></s:Envelope>");
    return post;
}

static void tell(struct host *host, const struct operation *operation, const struct text *body)
{
    if (strcmp(operation->interface, ONLINE) == 0) {
        for (struct client *client = host->clients; client; client = client->next) {
            outlet_send(&client->online, post_new(host, operation, client->online.uri, body));
        }
    } else {
        for (struct sink *sink = host->sinks; sink; sink = sink->next) {
            outlet_send(&sink->outlet, post_new(host, operation, sink->outlet.uri, body));
        }
    }
}

const char *event_send(struct host *host, const char *name, const struct words *words, int at)
{
    const struct operation *operation = find(name);
    struct text body = {NULL, 0, 0};
    const char *problem;

    if (!operation) {
        return "there is no such event";
    }
    problem = add_arguments(&body, host, operation, words, at);
    if (!problem) {
        tell(host, operation, &body);
    }
    text_free(&body);
    return problem;
}

/* ---- by itself ------------------------------------------------------------------------------- */

static void happened(struct host *host, const char *name, const struct words *words)
{
    if (host->events && host->sinks) {
        event_send(host, name, words, 0);
    }
}

static void set_word(struct words *words, struct text *text, const char *key, uint64_t value)
{
    text_printf(text, "%s=%llu", key, (unsigned long long) value);
    words->word[words->count++] = text->data;
}

/* Events about one thing, and perhaps a second one. */
static void about(struct host *host, const char *name, const char *first, uint64_t one,
                  const char *second, uint64_t two)
{
    struct words words = {.count = 0};
    struct text texts[2] = {{NULL, 0, 0}, {NULL, 0, 0}};

    if (first) {
        set_word(&words, &texts[0], first, one);
    }
    if (second) {
        set_word(&words, &texts[1], second, two);
    }
    happened(host, name, &words);
    text_free(&texts[0]);
    text_free(&texts[1]);
}

void event_happened(struct host *host, const char *name, const char *what, uint64_t id)
{
    about(host, name, what, id, NULL, 0);
}

void event_session_change(struct host *host, unsigned type, uint64_t id)
{
    about(host, "OnServiceControlSessionChange", "dwEventType", type, "idSession", id);
}

void event_projection(struct host *host, uint64_t id, unsigned state)
{
    about(host, "OnProjectionStateChange", "idSession", id, "eState", state);
}

void event_station(struct host *host, unsigned station, uint64_t id)
{
    about(host, "OnAssociateSessionWithStation", "idStation", station, "idSession", id);
}

/* ---- a Manager who has blocked all ----------------------------------------------------------- */

static void block_again(struct timer *timer)
{
    struct host *host = (struct host *) (void *) ((char *) timer - offsetof(struct host, manager));

    for (size_t i = 0; i < host->session_count; i++) {
        struct session *session = host->sessions[i];

        if (!(session->flags & LOCKED) && (session->flags & ORCHESTRATABLE)) {
            session_lock(session, "Blocked by the Manager");
            session->blocked_at = now_ms();
        }
    }
    control_changed();
    timer_set(timer, (uint64_t) host->manager_ms, block_again);
}

void manager_set(struct host *host, int64_t ms)
{
    host->manager_ms = ms;
    if (ms < 0) {
        timer_clear(&host->manager);
    } else {
        timer_set(&host->manager, (uint64_t) ms, block_again);
    }
}
