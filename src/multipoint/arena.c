/* arena.c - room for many small things that go all at once. */
#include "multipoint.h"

enum { FIRST_BLOCK = 900, BLOCK = 8192 }; /* a small one costs an allocator less */

struct block {
    struct block *next;
    size_t used, size;
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

void *multipoint_room(struct multipoint_arena *arena, size_t size)
{
    void *room = multipoint_room_raw(arena, size);

    return room ? memset(room, 0, size) : NULL;
}

void multipoint_arena_free(struct multipoint_arena *arena)
{
    while (arena->blocks) {
        struct block *block = arena->blocks;
        arena->blocks = block->next;
        multipoint_free_secret(arena->memory, block, sizeof *block + block->used);
    }
}
