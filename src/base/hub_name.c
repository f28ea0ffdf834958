/* hub_name.c - see hub_name.h. The last part of such a path is a hash, which says nothing to a reader. */
#include "base/hub_name.h"
#include <stdio.h>
#include <string.h>

bool ken_hub_name(char *out, size_t size, const char *path)
{
    static const char begin[] = "models--", middle[] = "/snapshots/";
    const char *end = NULL;
    for (const char *at = path; (at = strstr(at, middle)) != NULL; at++) end = at; /* the last one */
    if (end == NULL) return false;
    const char *revision = end + sizeof middle - 1, *from = end;
    const size_t n = strcspn(revision, "/");
    if (n == 0 || strspn(revision + n, "/") != strlen(revision + n))
        return false; /* a file in it has a name of its own */
    while (from > path && from[-1] != '/') from--;
    if (strncmp(from, begin, sizeof begin - 1) != 0) return false;
    from += sizeof begin - 1;
    if (from >= end) return false;
    const char *gap = strstr(from, "--");
    if (gap == NULL || gap >= end) snprintf(out, size, "%.*s", (int)(end - from), from);
    else snprintf(out, size, "%.*s/%.*s", (int)(gap - from), from, (int)(end - gap - 2), gap + 2);
    return true;
}
