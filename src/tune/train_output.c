/* train_output.c - what a training leaves in its folder, in the formats of others (model/write.h). */
#include "base/alloc.h"
#include "base/buf.h"
#include "model/write.h"
#include "tune/training.h"
#include <ctype.h>

/* dir/model-q8_0.gguf; the caller's, NULL when out of memory. */
static char *gguf_path(const char *dir, const char *stem, const char *type)
{
    ken_buf b = {0};
    ken_buf_printf(&b, "%s/%s", dir, stem);
    if (type != NULL) ken_buf_putc(&b, '-');
    for (const char *s = type; s != NULL && *s != '\0'; s++) ken_buf_putc(&b, (char)tolower((unsigned char)*s));
    ken_buf_puts(&b, ".gguf");
    return ken_buf_take(&b);
}

int ken_training_write(const ken_training *t, const ken_params *p, const ken_lora *l, const char *dir, bool gguf,
                       ken_err *err)
{
    int rc = KEN_OK;
    for (int i = 0; gguf && i < t->n_gguf && rc == KEN_OK; i++) {
        /* An adapter has one GGUF form, whatever type was asked for. */
        char *path = t->low_rank ? gguf_path(dir, "adapter", NULL)
                                 : gguf_path(dir, "model", ken_dtype_get((int)t->gguf[i])->name);
        if (path == NULL) rc = ken_fail_nomem(err, "file name");
        else
            rc = t->low_rank ? ken_write_gguf_lora(t->model, l, path, err)
                             : ken_write_gguf(t->model, p, t->gguf[i], path, err);
        ken_free(path);
        if (t->low_rank) break;
    }
    if (rc != KEN_OK) return rc;
    return t->low_rank ? ken_write_adapter(t->model, l, dir, err)
                       : ken_write_model_folder(t->model, p, t->save_type, dir, err);
}
