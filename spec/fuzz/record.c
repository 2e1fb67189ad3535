/* SPDX-License-Identifier: MIT */
/* record.c - fuzzing: the text form of a binding.
 *
 * The input's first byte tells when memory runs out, the second what the rest is: a text, or the
 * fields of a table that is to be written.
 */
#include "core/record.h"

#include <string.h>

#include "core/base.h"
#include "core/value.h"
#include "support.h"

enum { COMPLAINT = 200, FIELDS = 140, LONGEST = 255, ROOM = 70000 };

/* ---- the engine's part ----------------------------------------------------------------------- */

static void *resize(void *data, void *block, size_t size)
{
    (void) data;
    return fuzz_resize(NULL, block, size);
}

/* All that is touched of an engine here is its ground. */
static struct wms_base ground = {.alloc = {resize, NULL}};
static wms_engine *const engine = (wms_engine *) &ground;

/* ---- both ways ------------------------------------------------------------------------------- */

static void must_be_reason(int error, const char *complaint)
{
    MUST(error == WMS_E_INVALID || error == WMS_E_NO_MEMORY);
    MUST(error != WMS_E_INVALID || fuzz_is_sentence(complaint));
    MUST(error != WMS_E_NO_MEMORY || fuzz_memory_ran_out());
}

/* Every binding has one text: what was read is written as it was. */
static void try_text(const char *text, size_t size)
{
    wms_value *value, *copy;
    char complaint[COMPLAINT] = "", *again;
    size_t again_size;
    int error = wms_record_parse(engine, text, size, &value, complaint, sizeof complaint);

    if (error) {
        must_be_reason(error, complaint);
        return;
    }
    fuzz_must_be_whole(value);
    error = wms_value_copy(engine, value, &copy);
    if (!error) {
        MUST(fuzz_equal(value, copy));
        wms_value_free(engine, copy);
    }
    error = wms_record_print(engine, value, &again, &again_size, complaint, sizeof complaint);
    MUST(!error || (error == WMS_E_NO_MEMORY && fuzz_memory_ran_out()));
    if (!error) {
        MUST(again_size == size && memcmp(again, text, size) == 0 && !again[size]);
        wms_free_wiped(engine, again, again_size + 1);
    }
    wms_value_free(engine, value);
}

/* What was written is read as it was. */
static void try_value(const wms_value *value)
{
    wms_value *again;
    char complaint[COMPLAINT] = "", *text;
    size_t size;
    int error = wms_record_print(engine, value, &text, &size, complaint, sizeof complaint);

    if (error) {
        must_be_reason(error, complaint);
        return;
    }
    MUST(size <= WMS_RECORD_SIZE && strlen(text) == size);
    error = wms_record_parse(engine, text, size, &again, complaint, sizeof complaint);
    MUST(!error || (error == WMS_E_NO_MEMORY && fuzz_memory_ran_out()));
    if (!error) {
        MUST(fuzz_equal(value, again));
        wms_value_free(engine, again);
    }
    wms_free_wiped(engine, text, size + 1);
}

/* ---- tables from chance ---------------------------------------------------------------------- */

struct builder {
    struct fuzz_input input;
    wms_value fields[FIELDS], hidden[FIELDS];
    char room[ROOM], none[1]; /* names and strings */
    size_t used;
};

/* An empty one, when the room is full. */
static char *make_text(struct builder *builder, size_t *ret_size)
{
    bool fits = sizeof builder->room - builder->used > LONGEST;
    char *text = fits ? builder->room + builder->used : builder->none;

    *ret_size = fuzz_text(&builder->input, text, fits ? LONGEST : 0);
    builder->used += fits ? *ret_size + 1 : 0;
    return text;
}

static const char *make_name(struct builder *builder)
{
    static const char *const names[] = {"port", "secret", "a", "_"};
    uint8_t choice = fuzz_byte(&builder->input);
    size_t size;

    return choice == 15 ? NULL : choice < 16 ? names[choice % 4] : make_text(builder, &size);
}

/* Some are repeated until they are too long for a text. */
static void make_string(struct builder *builder, wms_value *value)
{
    size_t size, times = fuzz_byte(&builder->input);
    char *text = make_text(builder, &size);

    value->text = text;
    value->size = size;
    while (times-- > 200 && sizeof builder->room - builder->used > value->size) {
        memcpy(text + value->size, text, value->size);
        builder->used += value->size;
        value->size *= 2;
        text[value->size] = '\0';
    }
}

static const wms_value inner[] = {{.kind = WMS_NATURAL, .name = "inner", .natural = 1}};

static void make_field(struct builder *builder, wms_value *value)
{
    *value = (wms_value){.name = make_name(builder),
                         .kind = (enum wms_kind)(fuzz_byte(&builder->input) % (WMS_TABLE + 1))};
    if (value->kind == WMS_STRING) {
        make_string(builder, value);
    } else if (value->kind == WMS_TABLE) {
        value->items = inner; /* an empty one leaves no trace in the text */
        value->size = 1;
    }
    uint64_t number = fuzz_number(&builder->input);
    value->natural = value->kind == WMS_NATURAL ? number : 0;
    if (value->kind == WMS_BOOLEAN) {
        value->integer = (int64_t) (number & 1);
    } else if (value->kind == WMS_INTEGER) {
        value->integer = -1 - (int64_t) (number >> 1);
    }
}

static size_t make_fields(struct builder *builder, wms_value *fields)
{
    size_t count = fuzz_byte(&builder->input) % FIELDS;

    for (size_t i = 0; i < count; i++) {
        make_field(builder, &fields[i]);
    }
    return count;
}

static void try_table(struct fuzz_input input)
{
    static struct builder builder;
    size_t place = fuzz_byte(&input);

    builder.input = input;
    builder.used = 0;
    wms_value secret = {.kind = WMS_TABLE, .name = "secret", .items = builder.hidden};
    wms_value table = {.kind = WMS_TABLE, .items = builder.fields};
    secret.size = place % 2 ? make_fields(&builder, builder.hidden) : 0;
    table.size = make_fields(&builder, builder.fields);
    if (secret.size > 0 && table.size > 0) {
        builder.fields[place / 2 % table.size] = secret;
    }
    try_value(&table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};

    fuzz_memory_begin(fuzz_byte(&input));
    if (fuzz_byte(&input) % 4 == 3) {
        try_table(input);
    } else {
        try_text((const char *) input.at, input.left);
    }
    fuzz_memory_end();
    return 0;
}
