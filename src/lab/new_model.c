/* new_model.c - a model folder with random weights of any family and shape: ken_new_model of ken.h. */
#include "base/buf.h"
#include "base/file.h"
#include "base/options.h"
#include "ken.h"
#include "lab/vocabulary.h"
#include "model/make.h"
#include <stdio.h>
#include <string.h>

static const ken_new_model_options defaults = {.size = sizeof defaults,
                                               .family = "llama",
                                               .layers = 2,
                                               .width = 64,
                                               .heads = 4,
                                               .context = 512,
                                               .tied = true,
                                               .rope_theta = 10000.0,
                                               .norm_eps = 1e-5,
                                               .seed = 1};

void ken_new_model_defaults_fill(ken_new_model_options *o, size_t size)
{
    ken_options_fill(o, size, &defaults, sizeof defaults);
}

static int shape_of(ken_config *c, const ken_new_model_options *o, ken_err *err)
{
    *c = (ken_config){.n_layer = o->layers,
                      .n_embd = o->width,
                      .n_head = o->heads,
                      .n_kv = o->kv_heads != 0 ? o->kv_heads : o->heads,
                      .d_head = o->head_size,
                      .n_ff = o->inner != 0        ? o->inner
                              : o->width < 1 << 24 ? 3 * o->width
                                                   : o->width,
                      .n_ctx = o->context,
                      .norm_eps = (float)o->norm_eps,
                      .rope_theta = o->rope_theta,
                      .tied = o->tied};
    snprintf(c->arch, sizeof c->arch, "%s", o->family != NULL ? o->family : "");
    if (!(o->norm_eps > 0 && o->norm_eps < 1))
        return ken_fail(err, KEN_EUSAGE, "`norm_eps` %g is not between 0 and 1", o->norm_eps);
    if (!(o->rope_theta >= 1 && o->rope_theta <= 1e12))
        return ken_fail(err, KEN_EUSAGE, "`rope_theta` %g is not from 1 to 1e12", o->rope_theta);
    if (c->d_head == 0) {
        if (o->heads < 1 || o->width % o->heads != 0)
            return ken_fail(err, KEN_EUSAGE, "`width` %d is no multiple of `heads` %d; name a `head_size`", o->width,
                            o->heads);
        c->d_head = o->width / o->heads;
    }
    return ken_make_check(c, err);
}

static int read_words(ken_vocabulary *v, const char *path, ken_err *err)
{
    ken_map map = {0};
    ken_buf text = {0};
    int rc = ken_map_file(&map, path, err);
    if (rc == KEN_OK && map.size > 0 && memchr(map.data, '\0', map.size) != NULL)
        rc = ken_fail(err, KEN_EINPUT, "%s: holds a NUL byte; is this a text?", path);
    if (rc == KEN_OK) {
        ken_buf_add(&text, (const char *)map.data, map.size);
        for (size_t i = 0; i < text.len; i++) /* other white space parts words too */
            if (strchr("\t\r\v\f", text.data[i]) != NULL) text.data[i] = ' ';
        rc = text.failed ? ken_fail_nomem(err, path) : ken_vocabulary_add(v, ken_buf_str(&text), err);
    }
    ken_buf_free(&text);
    ken_unmap(&map);
    return rc;
}

int ken_new_model(const ken_new_model_options *given, const char *dir, ken_err *err)
{
    ken_new_model_options o = ken_new_model_defaults();
    ken_vocabulary v = {0};
    ken_config shape;
    int rc = KEN_TAKE_OPTIONS(&o, given, ken_new_model_options, err);
    if (rc == KEN_OK) rc = shape_of(&shape, &o, err);
    if (rc == KEN_OK) rc = ken_vocabulary_begin(&v, err);
    if (rc == KEN_OK && o.words != NULL) rc = read_words(&v, o.words, err);
    if (rc == KEN_OK) rc = ken_folder_is_free(dir, err);
    if (rc == KEN_OK) rc = ken_make_model_folder(&shape, ken_vocabulary_spec(&v), o.seed, dir, err);
    ken_vocabulary_free(&v);
    return rc;
}
