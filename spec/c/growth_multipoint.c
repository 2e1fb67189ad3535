/* SPDX-License-Identifier: MIT */
/* growth_multipoint.c - counts the steps of what the provider `multipoint` does with each thing
 * that a host tells of; see growth.c.
 *
 *     growth_multipoint WORK [FEW MANY] */
#include "multipoint/multipoint.h"
#include "steps.h"

static struct heap heap;

static void *resize(wms_engine *engine, void *block, size_t size)
{
    (void) engine;
    return heap_resize(&heap, block, size);
}

static const struct wms_services services = {
    .abi = WMS_PROVIDER_ABI, .size = sizeof services, .resize = resize};
static const struct multipoint_memory memory = {.services = &services};

/* On machines whose names cannot be compared with the host's, which is known by its address alone.
 */
static void seats(size_t size)
{
    const struct wms_address address = {.text = "multipoint://127.0.0.1", .host = "127.0.0.1"};
    struct multipoint_host host = {.address = &address};
    struct multipoint_stations stations = {.host = &host, .ended = true};
    struct multipoint_seat *seat = calloc(size, sizeof *seat);
    bool unsure;

    CHECK(seat);
    for (size_t i = 0; i < size; i++) {
        seat[i] = (struct multipoint_seat){stations.seats, 7, (uint32_t) i + 1, "alpha", -1};
        stations.seats = &seat[i];
    }
    begin();
    multipoint_stations_judge(&stations);
    count("a seat is judged", size);
    CHECK(multipoint_stations_find(&stations, 7, &unsure) == &seat[0] && !unsure);
    count("a seat of the session", size);
    CHECK(!multipoint_stations_find(&stations, 8, &unsure) && !unsure);
    count("a seat of another", size);
    seat[size / 2].session_host = "beta";
    begin();
    multipoint_stations_judge(&stations);
    count("a seat is judged, and one is elsewhere", size);
    CHECK(!multipoint_stations_find(&stations, 7, &unsure) && unsure);
    free(seat);
}

/* The second half of the ids stands there twice. */
static void rows(size_t size)
{
    struct multipoint_arena arena = {.memory = &memory};
    wms_value *fields = calloc(size, sizeof *fields), *items = calloc(size, sizeof *items);
    size_t row_count;

    CHECK(fields && items);
    for (size_t i = 0; i < size; i++) {
        uint32_t id = (uint32_t) (i * 7919 % size);
        fields[i] = multipoint_natural("id", id < size / 2 ? id : id / 2 * 2);
        items[i] = multipoint_table(&fields[i], 1);
    }
    const wms_value list = {
        .name = "pprgWmsSessionInfoWs", .kind = WMS_LIST, .items = items, .size = size};
    const wms_value table = multipoint_table(&list, 1);
    begin();
    const wms_value **all = multipoint_session_rows(&table, &arena, &row_count);
    count("a row", size);
    CHECK(all && row_count == size);
    for (size_t i = 0; i < size; i++) {
        const wms_value *row = multipoint_session_row_of(all, row_count, (uint32_t) i);
        CHECK(i % 2 == 1 && i >= size / 2 ? !row : row && row->items[0].natural == i);
    }
    count("a row is looked for", size);
    for (size_t i = 0; i < size; i += size / 16) {
        CHECK(multipoint_session_row_of(all, row_count, (uint32_t) i) ==
              multipoint_session_row(&table, (uint32_t) i));
    }
    multipoint_arena_free(&arena);
    CHECK(heap.blocks == 0);
    free(fields);
    free(items);
}

static const struct work works[] = {{"seats", seats, 20000}, {"rows", rows, 20000}};

int main(int argc, char **argv)
{
    return main_of(works, sizeof works / sizeof *works, argc, argv);
}
