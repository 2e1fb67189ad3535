/* SPDX-License-Identifier: MIT */
/* queue.h - lists that are linked in one direction and only lose their first entry: half the size
 * of node.h's, for what there are very many of.  NODE_OWNER() leads from an entry to its owner.
 */
#ifndef WMS_CORE_QUEUE_H
#define WMS_CORE_QUEUE_H

#include "core/node.h"

struct queued {
    struct queued *next;
};

/* Must not be moved in memory while it is empty: `end` points into it then. */
struct queue {
    struct queued *first;
    struct queued **end; /* where the next one is to be linked */
};

static inline void queue_init(struct queue *queue)
{
    queue->first = NULL;
    queue->end = &queue->first;
}

static inline bool queue_is_empty(const struct queue *queue)
{
    return !queue->first;
}

static inline void queue_append(struct queue *queue, struct queued *entry)
{
    entry->next = NULL;
    *queue->end = entry;
    queue->end = &entry->next;
}

static inline void queue_prepend(struct queue *queue, struct queued *entry)
{
    entry->next = queue->first;
    queue->first = entry;
    if (!entry->next) {
        queue->end = &entry->next;
    }
}

/* Removes the first entry, which there must be, and returns it. */
static inline struct queued *queue_take(struct queue *queue)
{
    struct queued *entry = queue->first;

    queue->first = entry->next;
    if (!queue->first) {
        queue->end = &queue->first;
    }
    return entry;
}

#endif
