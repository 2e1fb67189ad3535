/* SPDX-License-Identifier: MIT */
/* node.c - tests of core/node.h: a ring of a head and what is in the list. */
#include "core/node.h"

#include "unit.h"

enum { THINGS = 20, STEPS = 20000 };

/* The node is not the first thing in it. */
struct thing {
    int number;
    struct node node;
};

/* Whether the list has these things in this order, also backwards, and nothing else. */
static bool has(struct node *head, const int *numbers, size_t count)
{
    struct node *node = head->next;

    for (size_t i = 0; i < count; i++, node = node->next) {
        if (node == head || NODE_OWNER(node, struct thing, node)->number != numbers[i]) {
            return false;
        }
    }
    if (node != head) {
        return false;
    }
    node = head->prev;
    for (size_t i = count; i-- > 0; node = node->prev) {
        if (node == head || NODE_OWNER(node, struct thing, node)->number != numbers[i]) {
            return false;
        }
    }
    return node == head && node_alone(head) == (count == 0);
}

static void ends(void)
{
    struct thing things[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
    struct node head;

    snprintf(where, sizeof where, "first, last, only");
    node_init(&head);
    CHECK(has(&head, NULL, 0));
    for (int gone = 0; gone < 3; gone++) {
        int rest[3], count = 0;
        for (int i = 0; i < 3; i++) {
            node_append(&head, &things[i].node);
            CHECK(!node_alone(&things[i].node));
        }
        CHECK(has(&head, (int[]){0, 1, 2}, 3));
        node_remove(&things[gone].node);
        CHECK(node_alone(&things[gone].node));
        for (int i = 0; i < 3; i++) {
            if (i != gone) {
                rest[count++] = i;
            }
        }
        CHECK(has(&head, rest, 2));
        node_remove(&things[gone].node); /* it is a ring of its own: nothing happens */
        CHECK(has(&head, rest, 2));
        node_remove(&things[rest[0]].node);
        CHECK(has(&head, &rest[1], 1));
        node_remove(&things[rest[1]].node);
        CHECK(has(&head, NULL, 0));
    }
}

/* A head that is removed leaves a ring of the others; the list can be emptied while it is walked
 * through. */
static void heads(void)
{
    struct thing things[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
    struct node head, other;
    int seen = 0;

    snprintf(where, sizeof where, "heads");
    node_init(&head);
    node_init(&other);
    for (int i = 0; i < 3; i++) {
        node_append(&head, &things[i].node);
    }
    for (struct node *node = head.next, *next = node->next; node != &head;
         node = next, next = node->next) {
        CHECK(NODE_OWNER(node, struct thing, node)->number == seen++);
        node_remove(node);
        node_append(&other, node);
    }
    CHECK(seen == 3 && has(&head, NULL, 0) && has(&other, (int[]){0, 1, 2}, 3));
    node_remove(&other);
    CHECK(node_alone(&other) && !node_alone(&things[0].node));
    CHECK(has(&things[0].node, (int[]){1, 2}, 2));
}

/* Two lists, and two arrays that are changed likewise. */
static void by_chance(void)
{
    struct thing things[THINGS];
    struct node heads_of[2];
    int numbers[2][THINGS];
    size_t counts[2] = {0, 0};

    snprintf(where, sizeof where, "two lists, by chance");
    node_init(&heads_of[0]);
    node_init(&heads_of[1]);
    for (int i = 0; i < THINGS; i++) {
        things[i].number = i;
        node_init(&things[i].node);
    }
    for (int step = 0; step < STEPS; step++) {
        int number = (int) unit_random(THINGS);
        size_t to = unit_random(3); /* 2: into none */
        node_remove(&things[number].node);
        for (size_t list = 0; list < 2; list++) {
            for (size_t i = 0; i < counts[list]; i++) {
                if (numbers[list][i] == number) {
                    memmove(&numbers[list][i], &numbers[list][i + 1],
                            (--counts[list] - i) * sizeof numbers[list][i]);
                }
            }
        }
        if (to < 2) {
            node_append(&heads_of[to], &things[number].node);
            numbers[to][counts[to]++] = number;
        }
        CHECK(node_alone(&things[number].node) == (to == 2));
        CHECK(has(&heads_of[0], numbers[0], counts[0]) && has(&heads_of[1], numbers[1], counts[1]));
    }
}

int main(void)
{
    ends();
    heads();
    by_chance();
    return 0;
}
