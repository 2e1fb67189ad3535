/* SPDX-License-Identifier: MIT */
/* answer.c - reads the answers of Veyon's WebAPI: JSON, and the small picture.
 *
 * A gateway is trusted no more than it has to be: what it sends may be of any form, size and depth.
 * jansson has its own memory, since its allocator is one for the whole process. */
#include "veyon/answer.h"

#include <jansson.h>
#include <string.h>

/* ---- JSON ------------------------------------------------------------------------------------ */

/* Our answers are flat: an object with an object in it, at most. */
static bool is_shallow(const char *data, size_t size)
{
    enum { DEPTH_MAX = 8 };
    unsigned depth = 0;
    bool text = false;

    for (size_t i = 0; i < size; i++) {
        char c = data[i];
        if (text) {
            i += c == '\\';
            text = c != '"';
        } else if (c == '"') {
            text = true;
        } else if ((c == '{' || c == '[') && ++depth > DEPTH_MAX) {
            return false;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return true;
}

/* NULL: it is no JSON object.  For json_decref(). */
static json_t *parse(const char *data, size_t size)
{
    json_t *root =
        is_shallow(data, size) ? json_loadb(data, size, JSON_REJECT_DUPLICATES, NULL) : NULL;

    if (root && !json_is_object(root)) {
        json_decref(root);
        return NULL;
    }
    return root;
}

/* Copies a name; false: it is none. */
static bool read_name(const json_t *object, const char *field, char ret_name[VEYON_NAME])
{
    const json_t *value = json_object_get(object, field);
    const char *text = json_string_value(value);
    size_t size = text ? json_string_length(value) : VEYON_NAME;

    if (size >= VEYON_NAME) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char) text[i];
        if (c < ' ' || c == 127) {
            return false;
        }
    }
    memcpy(ret_name, text, size + 1);
    return true;
}

bool veyon_read_person(const char *data, size_t size, struct veyon_person *ret_person)
{
    json_t *root = parse(data, size);
    bool read = root && read_name(root, "login", ret_person->login);

    json_decref(root);
    return read;
}

/* A whole number from `least` to 4294967294. */
static bool read_number(const json_t *object, const char *field, int64_t least, int64_t *ret_number)
{
    const json_t *value = json_object_get(object, field);

    *ret_number = json_integer_value(value);
    return json_is_integer(value) && *ret_number >= least && *ret_number < UINT32_MAX;
}

bool veyon_read_machine(const char *data, size_t size, struct veyon_machine *ret_machine)
{
    json_t *root = parse(data, size);
    bool read = root && read_number(root, "sessionId", -1, &ret_machine->session) &&
                read_number(root, "sessionUptime", -1, &ret_machine->uptime) &&
                read_name(root, "sessionHostName", ret_machine->computer) &&
                read_name(root, "sessionClientName", ret_machine->client);

    json_decref(root);
    return read;
}

bool veyon_read_active(const char *data, size_t size, bool *ret_active)
{
    json_t *root = parse(data, size);
    const json_t *active = json_object_get(root, "active");
    bool read = json_is_boolean(active);

    *ret_active = json_is_true(active);
    json_decref(root);
    return read;
}

/* It goes into a header of each request: nothing but hex digits and '-' at their places. */
bool veyon_read_uid(const char *data, size_t size, char ret_uid[VEYON_UID])
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    json_t *root = parse(data, size);
    const json_t *value = json_object_get(root, "connection-uid");
    const char *text = json_string_value(value);
    bool read = text && json_string_length(value) == VEYON_UID - 1;

    for (size_t i = 0; read && i < VEYON_UID - 1; i++) {
        read = form[i] == 'x' ? strchr("0123456789abcdefABCDEF", text[i]) != NULL : text[i] == '-';
    }
    if (read) {
        memcpy(ret_uid, text, VEYON_UID);
    }
    json_decref(root);
    return read;
}

bool veyon_read_done(const char *data, size_t size)
{
    json_t *root = parse(data, size);
    bool read = root != NULL;

    json_decref(root);
    return read;
}

/* A host that answers nothing but ping is "up", without JSON. */
bool veyon_read_online(const char *data, size_t size)
{
    json_t *root = parse(data, size);
    const char *state = json_string_value(json_object_get(root, "state"));
    bool online = state && strcmp(state, "online") == 0;

    json_decref(root);
    return online;
}

bool veyon_read_error(const char *data, size_t size, int *ret_code,
                      char ret_message[VEYON_COMPLAINT])
{
    json_t *root = parse(data, size);
    const json_t *error = json_object_get(root, "error");
    const char *message = json_string_value(json_object_get(error, "message"));
    int64_t code;
    bool read = json_is_object(error) && read_number(error, "code", 1, &code);

    if (read) {
        *ret_code = code <= VEYON_OTHER_VERSION ? (int) code : VEYON_OTHER_VERSION + 1;
        size_t i = 0;
        for (; message && message[i] && i < VEYON_COMPLAINT - 1; i++) {
            ret_message[i] = message[i];
            if (message[i] < ' ' || message[i] > '~') {
                ret_message[i] = '?';
            }
        }
        ret_message[i] = '\0';
    }
    json_decref(root);
    return read;
}

/* ---- the picture ----------------------------------------------------------------------------- */

enum {
    WIDTH = 16,
    HEIGHT = 10,
    HEAD = 54,
    ROW = WIDTH * 3,
    GREY = 0x40,
    NEAR = 2,
    /* The padlock in the middle has 250x300 pixels of the screen, however few that has. */
    MIDDLE_LEFT = 4,
    MIDDLE_RIGHT = 11,
    MIDDLE_TOP = 1,
    MIDDLE_BOTTOM = 8,
    WANTED = 95 /* per cent */
};

static uint32_t number_at(const char *data, size_t at, unsigned bytes)
{
    uint32_t number = 0;

    for (unsigned i = 0; i < bytes; i++) {
        number |= (uint32_t) (unsigned char) data[at + i] << (8 * i);
    }
    return number;
}

static bool is_grey(const char *pixel)
{
    for (int i = 0; i < 3; i++) {
        int difference = (unsigned char) pixel[i] - GREY;
        if (difference < -NEAR || difference > NEAR) {
            return false;
        }
    }
    return true;
}

/* The height is negative where the rows begin at the top; that is the same for us, since the
 * middle is. */
static bool is_small_picture(const char *data, size_t size)
{
    if (size < HEAD || data[0] != 'B' || data[1] != 'M') {
        return false;
    }
    uint32_t at = number_at(data, 10, 4), height = number_at(data, 22, 4);

    return number_at(data, 14, 4) >= 40 && number_at(data, 18, 4) == WIDTH &&
           (height == HEIGHT || height == (uint32_t) -HEIGHT) && number_at(data, 26, 2) == 1 &&
           number_at(data, 28, 2) == 24 && number_at(data, 30, 4) == 0 && at >= HEAD &&
           at <= size && size - at >= (size_t) ROW * HEIGHT;
}

bool veyon_read_lock(const char *data, size_t size, bool *ret_locked)
{
    unsigned count = 0, grey = 0;

    if (!is_small_picture(data, size)) {
        return false;
    }
    const char *pixels = data + number_at(data, 10, 4);
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            bool middle =
                x >= MIDDLE_LEFT && x <= MIDDLE_RIGHT && y >= MIDDLE_TOP && y <= MIDDLE_BOTTOM;
            count += !middle;
            grey += !middle && is_grey(pixels + (size_t) y * ROW + (size_t) x * 3);
        }
    }
    *ret_locked = grey * 100 >= count * WANTED;
    return true;
}
