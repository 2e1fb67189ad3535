/* SPDX-License-Identifier: MIT */
/* tree.c - JSON as a tree of values.  jansson has its own memory, since its allocator is one for
 * the whole process. */
#include <jansson.h>

#include "nats/serving.h"

/* How many values it has, itself among them; 0: too many, too deep, or what no value can be. */
static size_t count_values(const json_t *json, unsigned depth)
{
    size_t count = 1, index;
    const char *key;
    json_t *item;

    if (json_is_real(json) || depth > TREE_DEPTH_MAX) {
        return 0;
    }
    if (json_is_array(json)) {
        json_array_foreach(json, index, item)
        {
            size_t more = json_is_null(item) ? 0 : count_values(item, depth + 1);
            count += more;
            if (more == 0 || count > TREE_VALUES_MAX) {
                return 0;
            }
        }
    } else if (json_is_object(json)) {
        json_object_foreach((json_t *) (uintptr_t) json, key, item)
        {
            size_t more = json_is_null(item) ? 1 : count_values(item, depth + 1);
            count += more;
            if (more == 0 || count > TREE_VALUES_MAX) {
                return 0;
            }
        }
    }
    return count;
}

static void fill_items(wms_value *value, const json_t *json, wms_value **free);

static void fill(wms_value *value, const json_t *json, wms_value **free)
{
    switch (json_typeof(json)) {
    case JSON_STRING:
        value->kind = WMS_STRING;
        value->text = json_string_value(json);
        value->size = json_string_length(json);
        break;
    case JSON_INTEGER:
        value->kind = json_integer_value(json) < 0 ? WMS_INTEGER : WMS_NATURAL;
        if (value->kind == WMS_INTEGER) {
            value->integer = json_integer_value(json);
        } else {
            value->natural = (uint64_t) json_integer_value(json);
        }
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        value->kind = WMS_BOOLEAN;
        value->integer = json_is_true(json);
        break;
    case JSON_ARRAY:
        value->kind = WMS_LIST;
        fill_items(value, json, free);
        break;
    case JSON_OBJECT:
        value->kind = WMS_TABLE;
        fill_items(value, json, free);
        break;
    default: /* null is left out, and count_values() has seen numbers that are not whole */
        break;
    }
}

/* Fields that are null are left out. */
static void fill_items(wms_value *value, const json_t *json, wms_value **free)
{
    size_t index, size = json_is_array(json) ? json_array_size(json) : json_object_size(json);
    wms_value *items = *free, *next = items;
    const char *key;
    json_t *item;

    *free += size;
    value->items = size ? items : NULL;
    if (json_is_array(json)) {
        json_array_foreach(json, index, item)
        {
            fill(next++, item, free);
        }
    } else {
        json_object_foreach((json_t *) (uintptr_t) json, key, item)
        {
            if (!json_is_null(item)) {
                next->name = key;
                fill(next++, item, free);
            }
        }
    }
    value->size = (size_t) (next - items);
}

int tree_read(struct tree *tree, const struct nats_memory *memory, const char *data, size_t size,
              size_t more)
{
    json_t *json = json_loadb(data, size, JSON_REJECT_DUPLICATES, NULL);
    size_t count = json_is_object(json) ? count_values(json, 0) : 0;

    memset(tree, 0, sizeof *tree);
    if (count == 0) {
        json_decref(json);
        return WMS_E_PROTOCOL;
    }
    tree->memory = *memory;
    tree->values = memory->resize(memory->engine, NULL, (count + more) * sizeof *tree->values);
    if (!tree->values) {
        json_decref(json);
        return WMS_E_NO_MEMORY;
    }
    memset(tree->values, 0, (count + more) * sizeof *tree->values);
    tree->root = json;
    /* What lies below the fields is behind the room for more of them. */
    wms_value *free = tree->values;
    size_t fields = json_object_size(json), index = 0;
    const char *key;
    json_t *item;
    free += fields + more;
    json_object_foreach(json, key, item)
    {
        if (!json_is_null(item)) {
            tree->values[index].name = key;
            fill(&tree->values[index++], item, &free);
        }
    }
    tree->fields = index;
    return 0;
}

const wms_value *tree_field(const struct tree *tree, const char *name)
{
    for (size_t i = 0; i < tree->fields; i++) {
        if (strcmp(tree->values[i].name, name) == 0) {
            return &tree->values[i];
        }
    }
    return NULL;
}

void tree_unset(struct tree *tree, const char *name)
{
    const wms_value *field = tree_field(tree, name);

    if (field) {
        tree->values[field - tree->values] = tree->values[--tree->fields];
    }
}

void tree_set(struct tree *tree, const wms_value *field)
{
    tree->values[tree->fields++] = *field;
}

wms_value tree_table(const struct tree *tree)
{
    return (wms_value){
        .kind = WMS_TABLE, .items = tree->fields ? tree->values : NULL, .size = tree->fields};
}

void tree_free(struct tree *tree)
{
    json_decref(tree->root);
    tree->memory.resize(tree->memory.engine, tree->values, 0);
}
