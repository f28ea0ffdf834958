/* safetensors.c - the safetensors reader; see safetensors.h. */
#include "model/safetensors.h"
#include "model/json.h"
#include <inttypes.h>
#include <string.h>

enum { MAX_HEADER = 100000000 }; /* bytes; the limit of the reference implementation */

/* A non-negative integer of a JSON list. */
static int item_u64(const json_t *list, size_t i, uint64_t *v)
{
    const json_t *j = json_array_get(list, i);
    if (!json_is_integer(j) || json_integer_value(j) < 0) return -1;
    *v = (uint64_t)json_integer_value(j);
    return 0;
}

static int add_one(ken_tensors *s, const char *name, const json_t *entry, const unsigned char *area, uint64_t area_size,
                   ken_err *err)
{
    const json_t *shape = json_object_get(entry, "shape"), *offsets = json_object_get(entry, "data_offsets");
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    uint64_t ne[4] = {1, 1, 1, 1}, begin, end;
    size_t n_dims = json_array_size(shape);
    if (dtype == NULL || !json_is_array(shape) || json_array_size(offsets) != 2 || item_u64(offsets, 0, &begin) != 0 ||
        item_u64(offsets, 1, &end) != 0 || begin > end)
        return ken_fail(err, KEN_EINPUT, "tensor %.200s: its entry needs dtype, shape and two ascending data_offsets",
                        name);
    const ken_dtype_info *type = ken_dtype_by_name(dtype);
    if (type == NULL || type->block != 1)
        return ken_fail(err, KEN_EINPUT,
                        "tensor %.200s: type %.40s is not supported in safetensors (F32, F16 and BF16 are)", name,
                        dtype);
    if (n_dims < 1 || n_dims > 4)
        return ken_fail(err, KEN_EINPUT, "tensor %.200s: it has %zu dimensions; 1 to 4 are possible", name, n_dims);
    for (size_t i = 0; i < n_dims; i++) /* the file has the slowest dimension first */
        if (item_u64(shape, i, &ne[n_dims - 1 - i]) != 0)
            return ken_fail(err, KEN_EINPUT, "tensor %.200s: dimension %zu of its shape is not a whole number", name,
                            i);
    int rc = ken_tensors_add(s, name, strlen(name), (int)type->type, (int)n_dims, ne, area, area_size, begin, err);
    if (rc != KEN_OK) return rc;
    uint64_t bytes = s->t[s->n - 1].bytes;
    if (bytes != end - begin)
        return ken_fail(err, KEN_EINPUT, "tensor %.200s: its shape makes %" PRIu64 " bytes, but data_offsets %" PRIu64,
                        name, bytes, end - begin);
    return KEN_OK;
}

int ken_safetensors_add(ken_tensors *s, const void *data, size_t size, const char *file, ken_err *err)
{
    uint64_t header = 0;
    const unsigned char *p = data;
    if (size < 8) return ken_fail(err, KEN_EINPUT, "%s: %zu bytes are no safetensors file", file, size);
    for (int i = 0; i < 8; i++) header |= (uint64_t)p[i] << (8 * i);
    if (header > MAX_HEADER || header > size - 8)
        return ken_fail(err, KEN_EINPUT,
                        "%s: a header of %" PRIu64 " bytes does not fit the file; it is cut short, damaged or no "
                        "safetensors file",
                        file, header);
    json_t *root;
    int rc = ken_json_parse(&root, p + 8, (size_t)header, MAX_HEADER, file, err);
    if (rc != KEN_OK) return rc;
    const unsigned char *area = p + 8 + header;
    size_t first = s->n;
    const char *name;
    json_t *entry;
    json_object_foreach(root, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0) continue;
        if ((rc = add_one(s, name, entry, area, size - 8 - (size_t)header, err)) != KEN_OK) break;
    }
    if (rc == KEN_OK) rc = ken_tensors_check_overlap(s, first, err);
    if (rc != KEN_OK && err != NULL) ken_fail_prefix(err, "%s", file);
    json_decref(root);
    return rc;
}
