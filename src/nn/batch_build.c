/* batch_build.c - see batch_build.h. */
#include "nn/batch_build.h"
#include "base/alloc.h"
#include <string.h>

int ken_batch_rows(ken_batch_build *y, int32_t n, const int32_t *token, const int32_t *parent, ken_err *err)
{
    const size_t rows = n > 0 ? (size_t)n : 0;
    size_t end = 0; /* of the paths so far */
    if (ken_grow((void **)&y->pos, &y->cap_pos, rows, sizeof *y->pos) != 0 ||
        ken_grow((void **)&y->slot, &y->cap_slot, rows, sizeof *y->slot) != 0 ||
        ken_grow((void **)&y->path, &y->cap_path, rows, sizeof *y->path) != 0)
        return ken_fail_nomem(err, "a batch of rows");
    for (int32_t r = 0; r < n; r++) {
        const int32_t up = parent == NULL ? r - 1 : parent[r];
        const bool follows = up >= 0 && up == r - 1; /* its path is the parent's and one more */
        const size_t above = up < 0 ? 0 : (size_t)y->pos[up], copied = follows ? 0 : above;
        y->pos[r] = up < 0 ? 0 : y->pos[up] + 1;
        y->slot[r] = r;
        y->path[r] = follows ? y->path[up] : (int64_t)end;
        if (up < 0) continue;
        if (ken_grow((void **)&y->path_slots, &y->cap_path_slots, end + copied + 1, sizeof *y->path_slots) != 0)
            return ken_fail_nomem(err, "a batch of rows");
        if (copied > 0) memcpy(y->path_slots + end, y->path_slots + y->path[up], copied * sizeof *y->path_slots);
        end += copied + 1;
        y->path_slots[end - 1] = up;
    }
    y->batch = (ken_batch){
        .n_rows = n, .token = token, .pos = y->pos, .slot = y->slot, .path = y->path, .path_slots = y->path_slots};
    return KEN_OK;
}

int ken_batch_read(ken_batch_build *y, const ken_reading *r, ken_err *err)
{
    const size_t n = (size_t)y->batch.n_readings;
    if (ken_grow((void **)&y->reading, &y->cap_reading, n + 1, sizeof *y->reading) != 0)
        return ken_fail_nomem(err, "a batch of rows");
    y->reading[n] = *r;
    y->batch.reading = y->reading;
    y->batch.n_readings++;
    return KEN_OK;
}

void ken_batch_build_free(ken_batch_build *y)
{
    ken_free(y->pos);
    ken_free(y->slot);
    ken_free(y->path_slots);
    ken_free(y->path);
    ken_free(y->reading);
    *y = (ken_batch_build){0};
}
