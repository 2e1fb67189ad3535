/* SPDX-License-Identifier: MIT */
/* arena.c - allocator of many small blocks that are freed all at once. */
#include "multipoint.h"

enum { FIRST_BLOCK = 900, BLOCK = 8192 }; /* the first is small: cheaper to allocate */

struct block {
    struct block *next;
    size_t used, size;
    char *taken; /* a text whose memory was moved here, or NULL */
    size_t taken_size;
    int64_t room[];
};

void *multipoint_room_raw(struct multipoint_arena *arena, size_t size)
{
    struct block *block = arena->blocks;

    size = (size + sizeof(int64_t) - 1) / sizeof(int64_t) * sizeof(int64_t);
    if (!block || block->size - block->used < size) {
        size_t usual = block ? BLOCK : FIRST_BLOCK, whole = size > usual ? size : usual;
        block = arena->memory->services->resize(arena->memory->engine, NULL, sizeof *block + whole);
        if (!block) {
            return NULL;
        }
        *block = (struct block){.next = arena->blocks, .size = whole};
        arena->blocks = block;
    }
    void *at = (char *) block->room + block->used;
    block->used += size;
    return at;
}

char *multipoint_room_take(struct multipoint_arena *arena, struct multipoint_text *text)
{
    size_t length = text->length;

    if (text->size / 2 > length) { /* most of the memory would be unused */
        return NULL;
    }
    multipoint_text_add(text, "", 1);
    struct block *block =
        text->failed ? NULL
                     : arena->memory->services->resize(arena->memory->engine, NULL, sizeof *block);
    if (!block) {
        text->failed = false;
        text->length = length;
        return NULL;
    }
    *block = (struct block){.next = arena->blocks, .taken = text->data, .taken_size = length};
    arena->blocks = block;
    *text = (struct multipoint_text){.memory = text->memory};
    return block->taken;
}

void *multipoint_room(struct multipoint_arena *arena, size_t size)
{
    void *room = multipoint_room_raw(arena, size);

    return room ? memset(room, 0, size) : NULL;
}

bool multipoint_arena_trim(struct multipoint_arena *arena, size_t most)
{
    for (size_t wiped = 0; arena->blocks && wiped < most;) {
        struct block *block = arena->blocks;
        arena->blocks = block->next;
        wiped += sizeof *block + block->used + block->taken_size;
        multipoint_free_secret(arena->memory, block->taken, block->taken_size);
        multipoint_free_secret(arena->memory, block, sizeof *block + block->used);
    }
    return arena->blocks;
}

void multipoint_arena_free(struct multipoint_arena *arena)
{
    multipoint_arena_trim(arena, SIZE_MAX);
}

void multipoint_arena_give(struct multipoint_arena *from, struct multipoint_arena *to)
{
    struct block *last = from->blocks;

    while (last && last->next) {
        last = last->next;
    }
    if (last) {
        last->next = to->blocks;
        to->blocks = from->blocks;
        from->blocks = NULL;
    }
}
