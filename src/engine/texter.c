/* texter.c - see texter.h. */
#include "engine/texter.h"

void ken_texter_ask(ken_texter *t, ken_texts *r)
{
    r->next = NULL;
    if (t->head == NULL) t->head = r;
    else t->last->next = r;
    t->last = r;
    t->backlog += r->n;
    ++*r->outstanding;
}

int ken_texter_wave(ken_texter *t, ken_err *err)
{
    if (t->head == NULL) return KEN_OK;
    ken_texts *first = t->head, *last = first;
    int n = last->n;
    while (last->next != NULL && n + last->next->n <= t->kind->at_once) n += (last = last->next)->n;
    ken_texts *rest = last->next;
    last->next = NULL;
    int rc = t->kind->answer(t, first, err);
    last->next = rest;
    if (rc != KEN_OK) return rc; /* they stay queued */
    t->head = rest;
    t->backlog -= n;
    for (ken_texts *r = first; r != rest; r = r->next) --*r->outstanding;
    return KEN_OK;
}

void ken_texter_drop_queue(ken_texter *t)
{
    t->head = t->last = NULL;
    t->backlog = 0;
}
