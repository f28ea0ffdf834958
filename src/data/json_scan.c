/* json_scan.c - see json_scan.h. */
#include "data/json_scan.h"
#include <limits.h>
#include <string.h>

void ken_skip_space(ken_cursor *c)
{
    for (; c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\r' || *c->p == '\n'); c->p++)
        if (*c->p == '\n' && c->line < INT_MAX) c->line++;
}

bool ken_skip_string(ken_cursor *c)
{
    for (c->p++; c->p < c->end; c->p++) {
        if (*c->p == '"') {
            c->p++;
            return true;
        }
        if (*c->p == '\n' && c->line < INT_MAX)
            c->line++; /* not valid, but the lines must be right when jansson says so */
        if (*c->p == '\\') {
            c->p++;
            if (c->p < c->end && *c->p == '\n' && c->line < INT_MAX) c->line++;
        }
    }
    c->p = c->end;
    return false;
}

bool ken_skip_value(ken_cursor *c, size_t *depth)
{
    size_t open = 0;
    *depth = 0;
    while (c->p < c->end) {
        char ch = *c->p;
        if (ch == '"') {
            if (!ken_skip_string(c)) return false;
            if (open == 0) return true;
            continue;
        }
        if (ch == '{' || ch == '[') {
            if (++open > *depth) *depth = open;
        } else if (ch == '}' || ch == ']') {
            if (open == 0) return true; /* a bare value before the end of the list */
            if (--open == 0) {
                c->p++;
                return true;
            }
        } else if (open == 0 && strchr(", \t\r\n", ch) != NULL && ch != '\0') return true;
        if (ch == '\n' && c->line < INT_MAX) c->line++;
        c->p++;
    }
    return open == 0;
}
