/* SPDX-License-Identifier: MIT */
/* magic.c - the network cards of hosts that can be woken, and the packets that wake them: six bytes
 * of FF, and the card's address sixteen times. */
#include "core/magic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/abi.h"
#include "core/parts.h"

enum { PORT = 9, PORT_MAX = 65535 }; /* the discard service's port is what others use, too */

struct card {
    struct wms_entry entry; /* first: of cards->table */
    struct node node;       /* of cards->all */
    struct wms_place place; /* points into `server` */
    struct wms_network network;
    char server[WMS_ADDRESS_MAX + 1];
};

/* ---- one card -------------------------------------------------------------------------------- */

static int digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool parse_mac(const char *text, unsigned char mac[WMS_MAC_SIZE])
{
    for (int i = 0; i < WMS_MAC_SIZE; i++) {
        int high = digit(text[0]), low = high < 0 ? -1 : digit(text[1]);
        if (low < 0) {
            return false;
        }
        mac[i] = (unsigned char) (high * 16 + low);
        text += 2;
        if (i < WMS_MAC_SIZE - 1 && *text != ':' && *text != '-') {
            return false;
        }
        text += i < WMS_MAC_SIZE - 1;
    }
    return !*text;
}

/* No card has an address of zeros, or that of a group. */
static bool is_card(const unsigned char mac[WMS_MAC_SIZE])
{
    static const unsigned char none[WMS_MAC_SIZE];

    return memcmp(mac, none, sizeof none) != 0 && !(mac[0] & 1);
}

static bool parse_network(const char *text, unsigned port, struct wms_network *network)
{
    char address[WMS_NETWORK_MAX + 1];

    if (strnlen(text, sizeof address) >= sizeof address) {
        return false;
    }
    strcpy(network->text, text);
    strcpy(address, text);
    char *mark = strchr(address, '%');
    if (mark) {
        *mark = '\0';
        strcpy(network->interface, mark + 1);
    }
    in_port_t number = htons((uint16_t) (port ? port : PORT));
    if (!mark && inet_pton(AF_INET, address, &network->address.v4.sin_addr) == 1) {
        network->address.v4.sin_family = AF_INET;
        network->address.v4.sin_port = number;
        return network->address.v4.sin_addr.s_addr != 0;
    }
    memset(&network->address, 0, sizeof network->address);
    if (inet_pton(AF_INET6, address, &network->address.v6.sin6_addr) != 1) {
        return false;
    }
    network->address.v6.sin6_family = AF_INET6;
    network->address.v6.sin6_port = number;
    /* Which network a link-local address is in, only its interface tells. */
    bool local = IN6_IS_ADDR_MC_LINKLOCAL(&network->address.v6.sin6_addr) ||
                 IN6_IS_ADDR_LINKLOCAL(&network->address.v6.sin6_addr);
    return !IN6_IS_ADDR_UNSPECIFIED(&network->address.v6.sin6_addr) &&
           (mark ? *network->interface != '\0' : !local);
}

static int fill(wms_engine *engine, const wms_magic *magic, struct card *card)
{
    const struct wms_place *place;

    if (!magic->server) {
        return wms_complain(engine,
                            "wake: server: missing; give the address of the host that is woken");
    }
    int error = wms_engine_place(engine, magic->server, &place);
    if (error) {
        char why[256];
        snprintf(why, sizeof why, "%.255s", engine->base.complaint);
        return wms_complain(engine, "wake: '%.64s': %s", magic->server, why);
    }
    strcpy(card->server, magic->server);
    wms_place_copy(&card->place, place, card->server);
    if (!magic->mac || !parse_mac(magic->mac, card->network.mac) || !is_card(card->network.mac)) {
        return wms_complain(engine,
                            "wake: '%s': mac: %s; give the address of its card, such as "
                            "\"00:11:22:33:44:55\"",
                            card->server, magic->mac ? "it is no card's" : "missing");
    }
    if (!magic->network || !parse_network(magic->network, magic->port, &card->network)) {
        return wms_complain(
            engine,
            "wake: '%s': network: %s; give a numeric address, such as \"192.0.2.255\" or "
            "\"ff02::1%%eth0\"",
            card->server, magic->network ? "it is no such address" : "missing");
    }
    return magic->port > PORT_MAX
               ? wms_complain(engine, "wake: '%s': port: %u; give a number from 1 to %d",
                              card->server, magic->port, PORT_MAX)
               : 0;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static bool is_at(const struct wms_entry *entry, const void *place)
{
    return wms_place_equal(&((const struct card *) entry)->place, place);
}

static struct card *find(const wms_engine *engine, const struct wms_cards *cards,
                         const struct wms_place *place)
{
    return (struct card *) wms_table_find(&cards->table, wms_place_hash(&engine->key, place), is_at,
                                          place);
}

static int add(wms_engine *engine, struct wms_cards *cards, const wms_magic *magic)
{
    struct card *card = wms_zalloc(engine, sizeof *card);
    if (!card) {
        return WMS_E_NO_MEMORY;
    }
    int error = fill(engine, magic, card);
    if (!error && find(engine, cards, &card->place)) {
        error =
            wms_complain(engine, "wake: '%s': named twice; give each host one card", card->server);
    }
    error = error ? error
                  : wms_table_add(&cards->table, engine, &card->entry,
                                  wms_place_hash(&engine->key, &card->place));
    if (error) {
        wms_free(engine, card);
        return error;
    }
    node_append(&cards->all, &card->node);
    return 0;
}

void wms_cards_clear(wms_engine *engine, struct wms_cards *cards)
{
    while (!node_alone(&cards->all)) {
        wms_free(engine, NODE_OWNER(node_take(&cards->all), struct card, node));
    }
    wms_table_close(&cards->table, engine);
}

int wms_cards_set(wms_engine *engine, const wms_magic *magics, size_t count, size_t size)
{
    struct wms_cards cards = {{0}, {0}};
    int error = 0;

    node_init(&cards.all);
    for (size_t i = 0; !error && i < count; i++) {
        wms_magic magic = {0};
        wms_take(&magic, sizeof magic, (const char *) magics + i * size, size);
        error = add(engine, &cards, &magic);
    }
    if (error) {
        wms_cards_clear(engine, &cards);
        return error;
    }
    wms_cards_clear(engine, &engine->cards);
    engine->cards.table = cards.table;
    while (!node_alone(&cards.all)) {
        node_append(&engine->cards.all, node_take(&cards.all));
    }
    return 0;
}

const struct wms_network *wms_card_find(const wms_engine *engine, const struct wms_place *place)
{
    const struct card *card = find(engine, &engine->cards, place);

    return card ? &card->network : NULL;
}

/* ---- the packet ------------------------------------------------------------------------------ */

static int fail(const struct wms_network *network, int error, char *text, size_t size)
{
    switch (error) {
    case EMFILE:
    case ENFILE:
        snprintf(text, size, "no descriptor left for the packet");
        return WMS_E_INTERNAL;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EADDRNOTAVAIL:
        snprintf(text, size, "there is no way to the network %s from here", network->text);
        break;
    case EACCES:
    case EPERM:
        snprintf(text, size, "this system lets no packet out to the network %s", network->text);
        break;
    default:
        snprintf(text, size, "the packet cannot be sent to the network %s (error %d of the system)",
                 network->text, error);
        break;
    }
    return WMS_E_UNREACHABLE;
}

/* Returns 0 or an errno. */
static int send_packet(int fd, const struct wms_network *network)
{
    unsigned char packet[WMS_MAGIC_SIZE];
    struct sockaddr_in6 v6 = network->address.v6;
    bool is_v6 = network->address.any.sa_family == AF_INET6;
    const int on = 1;

    memset(packet, 0xff, 6);
    for (size_t i = 6; i < sizeof packet; i += WMS_MAC_SIZE) {
        memcpy(packet + i, network->mac, WMS_MAC_SIZE);
    }
    if (is_v6) {
        v6.sin6_scope_id = *network->interface ? if_nametoindex(network->interface) : 0;
        if (*network->interface && !v6.sin6_scope_id) {
            return ENETDOWN;
        }
    } else if (setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof on)) {
        return errno;
    }
    ssize_t sent = is_v6 ? sendto(fd, packet, sizeof packet, 0, (struct sockaddr *) &v6, sizeof v6)
                         : sendto(fd, packet, sizeof packet, 0, &network->address.any,
                                  sizeof network->address.v4);
    return sent < 0 ? errno : 0;
}

int wms_magic_send(const struct wms_network *network, char *text, size_t size)
{
    int fd = socket(network->address.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error = fd < 0 ? errno : send_packet(fd, network);

    if (fd >= 0) {
        close(fd);
    }
    return error ? fail(network, error, text, size) : 0;
}
