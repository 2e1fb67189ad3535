/* SPDX-License-Identifier: MIT */
/* veyon.c - fuzzing: what a gateway of Veyon answers.  The input's first byte tells what it is read
 * as. */
#include "veyon/answer.h"

#include <stdlib.h>
#include <string.h>

#include "support.h"

enum { MACHINE, PERSON, ACTIVE, UID, DONE, ERROR, PICTURE, ONLINE, KINDS };

static void must_be_name(const char *name)
{
    MUST(strnlen(name, VEYON_NAME) < VEYON_NAME);
    for (; *name; name++) {
        MUST((unsigned char) *name >= ' ' && *name != 127);
    }
}

static void must_be_uid(const char *uid)
{
    MUST(strlen(uid) == VEYON_UID - 1);
    MUST(strspn(uid, "0123456789abcdefABCDEF-") == VEYON_UID - 1);
}

static void read_as(unsigned kind, const char *data, size_t size)
{
    struct veyon_machine machine;
    struct veyon_person person;
    char uid[VEYON_UID], message[VEYON_COMPLAINT];
    bool yes;
    int code;

    switch (kind) {
    case MACHINE:
        if (veyon_read_machine(data, size, &machine)) {
            must_be_name(machine.computer);
            must_be_name(machine.client);
            MUST(machine.session >= -1 && machine.session < UINT32_MAX);
            MUST(machine.uptime >= -1 && machine.uptime < UINT32_MAX);
        }
        break;
    case PERSON:
        if (veyon_read_person(data, size, &person)) {
            must_be_name(person.login);
        }
        break;
    case ACTIVE:
        (void) veyon_read_active(data, size, &yes);
        break;
    case UID:
        if (veyon_read_uid(data, size, uid)) {
            must_be_uid(uid);
        }
        break;
    case DONE:
        (void) veyon_read_done(data, size);
        break;
    case ERROR:
        if (veyon_read_error(data, size, &code, message)) {
            MUST(code >= 1 && code <= VEYON_OTHER_VERSION + 1);
            MUST(!*message || fuzz_is_sentence(message));
        }
        break;
    case PICTURE:
        (void) veyon_read_lock(data, size, &yes);
        break;
    default:
        (void) veyon_read_online(data, size);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    char *copy = malloc(size); /* a block of its own: what reads behind the bytes is seen */
    MUST(copy);
    memcpy(copy, data + 1, size - 1);
    read_as(data[0] % KINDS, copy, size - 1);
    free(copy);
    return 0;
}
