/* SPDX-License-Identifier: MIT */
/* node.h - the list of the whole tree, providers among it: nothing here needs the engine.
 *
 * A list is a ring of its head and of the nodes of what is in it.  A node that is in no list is a
 * ring of its own, so that node_remove() may be called for any node that was initialized, whether
 * it is in a list or not.  Neither a head nor a node may be moved in memory, and a list's head must
 * live as long as anything is in it.  Lists of which there are very many entries, and which only
 * lose their first one: see queue.h.
 */
#ifndef WMS_CORE_NODE_H
#define WMS_CORE_NODE_H

#include <stdbool.h>
#include <stddef.h>

struct node {
    struct node *next, *prev;
};

#define NODE_OWNER(node, type, member) ((type *) (void *) ((char *) (node) -offsetof(type, member)))

/* The owner of the first node of a list; NULL: the list is empty. */
#define NODE_FIRST(head, type, member) \
    (node_alone(head) ? NULL : NODE_OWNER((head)->next, type, member))

static inline void node_init(struct node *node)
{
    node->next = node->prev = node;
}

/* Of a node: it is in no list.  Of a head: its list is empty. */
static inline bool node_alone(const struct node *node)
{
    return node->next == node;
}

static inline void node_remove(struct node *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node_init(node);
}

/* Puts a node that is in no list (it need not be initialized) last. */
static inline void node_append(struct node *head, struct node *node)
{
    node->next = head;
    node->prev = head->prev;
    head->prev->next = node;
    head->prev = node;
}

/* The same, first. */
static inline void node_prepend(struct node *head, struct node *node)
{
    node_append(head->next, node);
}

/* Moves all that is in a list to another one, which is empty. */
static inline void node_move_all(struct node *from, struct node *to)
{
    if (!node_alone(from)) {
        *to = *from;
        to->next->prev = to->prev->next = to;
        node_init(from);
    }
}

/* Removes the first node of a list, which must not be empty, and returns it. */
static inline struct node *node_take(struct node *head)
{
    struct node *node = head->next;

    head->next = node->next;
    node->next->prev = head;
    node_init(node);
    return node;
}

#endif
