/* SPDX-License-Identifier: MIT */
/* listener.c - whether the key may be given to who has the gateway's end of a connection.
 *
 * Its port is not a privileged one: whoever listens there first would be given the key. */
#include <stdio.h>

#include "core/listener.h"
#include "veyon/veyon.h"

int veyon_listener_check(const char *host, unsigned port, const char *our_host, unsigned our_port,
                         char text[VEYON_SENTENCE])
{
    uid_t owner = 0;

    switch (wms_listener_of(host, port, our_host, our_port, &owner)) {
    case WMS_LISTENER_OURS:
        return 0;
    case WMS_LISTENER_NONE:
        snprintf(text, VEYON_SENTENCE,
                 "no WebAPI of Veyon listens at port %u of this machine; start `veyon-cli webapi "
                 "runserver`",
                 port);
        return WMS_E_UNREACHABLE;
    case WMS_LISTENER_FOREIGN:
        snprintf(text, VEYON_SENTENCE,
                 "what listens at port %u belongs to the user with the number %u, and not to root "
                 "or to you: the key is not given to it; end it, and start `veyon-cli webapi "
                 "runserver`",
                 port, (unsigned) owner);
        return WMS_E_UNTRUSTED;
    case WMS_LISTENER_NO_ADDRESS:
        snprintf(text, VEYON_SENTENCE, "the gateway's address is not numeric");
        return WMS_E_UNTRUSTED;
    case WMS_LISTENER_UNSEEN:
        break;
    }
    snprintf(text, VEYON_SENTENCE,
             "whose gateway listens at port %u cannot be seen, since /proc is not there: the key "
             "is not given to it",
             port);
    return WMS_E_UNTRUSTED;
}
