/* node.h - lists, for providers: nothing in it needs the engine. */
#ifndef WMS_CORE_NODE_H
#define WMS_CORE_NODE_H

#include <stdbool.h>
#include <stddef.h>

/* A ring: of its head, and of what is in the list. One that is in no list is a ring of its own. */
struct node {
    struct node *next, *prev;
};

#define NODE_OWNER(node, type, member) ((type *) (void *) ((char *) (node) -offsetof(type, member)))

static inline void node_init(struct node *node)
{
    node->next = node->prev = node;
}

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

static inline void node_append(struct node *head, struct node *node)
{
    node->next = head;
    node->prev = head->prev;
    head->prev->next = node;
    head->prev = node;
}

#endif
