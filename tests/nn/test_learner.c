/* test_learner.c - what a trainer relies on, over the tiny models, full and low-rank: the same bits for any number of threads and with
 * recomputation; a shared prefix, an accumulated batch and a frozen tensor change nothing else; the backward pass belongs to the
 * forward pass of the same dropout masks; bf16 stays near f32; failures are clean. Against PyTorch: test_gradients.c. */
#include "base/alloc.h"
#include "learn_case.h"
#include "nn/learner.h"

static ken_isa isa;

/* Opens the examples of a family; its cases are not read. */
static void open_case(learn_case *c, const char *family)
{
    fixture f;
    learn_case_open(c, &f, family);
    ken_unmap(&f.map);
}

static void setup(learn_setup *s, const learn_case *c, const char *family, bool lora, const ken_learn_options *how)
{
    ken_err err;
    ken_learn_options o = *how;
    o.isa = isa;
    if (learn_setup_new(s, c, family, "/model.gguf", lora, &o, &err) != KEN_OK) fail_msg("%s", err.msg);
    if (lora) s->lora->dropout = how->dropout;
}

/* The gradients of one pass over a batch; the caller's, free(). */
static float *pass(const learn_setup *s, const learn_batch *t, float *loss)
{
    float kl[MAX_TARGETS];
    ken_learner_zero(s->l);
    learn_once(s, t, loss, t->b.teacher != NULL ? kl : NULL);
    return copy_gradients(s->l);
}

/* ---- the same bits ---------------------------------------------------------------------------------------------------- */

static void check_bits(const char *family, bool lora, ken_compute compute)
{
    learn_case c;
    open_case(&c, family);
    learn_batch t;
    learn_batch_new(&t, &c, 0, c.n, true, true, 7);
    float loss[MAX_TARGETS], first_loss[MAX_TARGETS], *first = NULL;
    for (int threads = 1; threads <= 3; threads++)
        for (int recompute = 0; recompute <= 1; recompute++) {
            learn_setup s;
            ken_err err;
            const ken_learn_options how = {
                .threads = threads, .isa = isa, .compute = compute, .recompute = recompute != 0, .dropout = 0.1F};
            if (learn_setup_new(&s, &c, family, "/model.gguf", lora, &how, &err) != KEN_OK) {
                assert_int_equal(compute, KEN_BF16_COMPUTE);
                learn_setup_free(&s);
                learn_batch_free(&t);
                return;
            }
            if (lora) s.lora->dropout = 0.1F;
            for (int again = 0; again < 2; again++) { /* the second pass finds memory as the first one left it */
                float *g = pass(&s, &t, loss);
                if (first == NULL) {
                    first = malloc(trained_size(s.l) * sizeof *first);
                    memcpy(first, g, trained_size(s.l) * sizeof *first);
                    memcpy(first_loss, loss, sizeof loss);
                }
                assert_memory_equal(g, first, trained_size(s.l) * sizeof *first);
                assert_memory_equal(loss, first_loss, (size_t)t.b.n_targets * sizeof *loss);
                free(g);
            }
            learn_setup_free(&s);
        }
    free(first);
    learn_batch_free(&t);
}

static void test_bits(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_FAMILIES; i++) check_bits(families[i], false, KEN_F32_COMPUTE);
    for (size_t i = 0; i < N_FAMILIES; i++) check_bits(families[i], true, KEN_F32_COMPUTE);
    check_bits("mistral", false, KEN_BF16_COMPUTE);
    check_bits("mistral", true, KEN_BF16_COMPUTE);
}

/* ---- sharing and accumulation ----------------------------------------------------------------------------------------- */

/* Each prefix once, or each example in rows of its own: one function, whose dropout masks hang on the path in both. */
static void check_share(const char *family, bool lora, float dropout)
{
    learn_case c;
    open_case(&c, family);
    learn_setup s;
    const ken_learn_options how = {.threads = 2, .dropout = dropout};
    setup(&s, &c, family, lora, &how);
    learn_batch trie, apart;
    learn_batch_new(&trie, &c, 0, c.n, true, true, 3);
    learn_batch_new(&apart, &c, 0, c.n, false, true, 3);
    assert_true(trie.b.n_rows < apart.b.n_rows);
    float loss[MAX_TARGETS], by_target[MAX_TARGETS];
    float *want = pass(&s, &apart, loss);
    for (int i = 0; i < apart.b.n_targets; i++) by_target[apart.from[i]] = loss[i];
    free(pass(&s, &trie, loss));
    for (int i = 0; i < trie.b.n_targets; i++)
        assert_true(fabsf(loss[i] - by_target[trie.from[i]]) <= 1e-5F * fmaxf(1, loss[i]));
    const double worst = worst_difference(s.l, want);
    print_message("%-12s %-5s dropout %.1f: trie and separate differ by %.2g\n", family, lora ? "lora" : "full",
                  (double)dropout, worst);
    assert_true(worst < 3e-5); /* sums in another order, through networks made to be steep */
    free(want);
    learn_batch_free(&trie);
    learn_batch_free(&apart);
    learn_setup_free(&s);
}

static void test_share(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_FAMILIES; i++)
        for (int lora = 0; lora <= 1; lora++) {
            check_share(families[i], lora != 0, 0);
            check_share(families[i], lora != 0, 0.2F);
        }
}

/* Two half batches, one after the other, give the gradients of the whole. */
static void test_accumulate(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_FAMILIES * 2; i++) {
        const char *family = families[i / 2];
        learn_case c;
        open_case(&c, family);
        learn_setup s;
        const ken_learn_options how = {.threads = 2};
        setup(&s, &c, family, i % 2 != 0, &how);
        learn_batch whole, half[2];
        learn_batch_new(&whole, &c, 0, c.n, true, true, 0);
        learn_batch_new(&half[0], &c, 0, c.n / 2, true, true, 0);
        learn_batch_new(&half[1], &c, c.n / 2, c.n - c.n / 2, true, true, 0);
        float loss[MAX_TARGETS], kl[MAX_TARGETS];
        float *want = pass(&s, &whole, loss);
        ken_learner_zero(s.l);
        for (int k = 0; k < 2; k++) learn_once(&s, &half[k], loss, kl);
        assert_true(worst_difference(s.l, want) < 3e-5);
        /* And twice the batch, twice the gradient. */
        free(pass(&s, &whole, loss));
        learn_once(&s, &whole, loss, kl);
        float *twice = copy_gradients(s.l);
        for (size_t k = 0; k < trained_size(s.l); k++) want[k] *= 2;
        assert_true(worst_difference(s.l, want) < 1e-5);
        free(twice);
        free(want);
        learn_batch_free(&whole), learn_batch_free(&half[0]), learn_batch_free(&half[1]);
        learn_setup_free(&s);
    }
}

/* ---- dropout ---------------------------------------------------------------------------------------------------------- */

static double total_loss(const learn_setup *s, const learn_batch *t)
{
    float loss[MAX_TARGETS], kl[MAX_TARGETS];
    double total = 0;
    ken_learner_changed(s->l);
    learn_once(s, t, loss, kl);
    for (int i = 0; i < t->b.n_targets; i++)
        total += (double)t->b.weight[i] * ((double)loss[i] + (double)t->b.kl_weight * (double)kl[i]);
    return total;
}

/* The loss's slope along the gradient of one segment. PyTorch cannot draw our masks; but a backward pass that used others than the forward
 * pass, or left one out, would not give the slope of the function that the forward pass computes. */
static double slope(const learn_setup *s, const learn_batch *t, const ken_segment *g, const float *gradient,
                    double norm, double h)
{
    float *keep = malloc(g->n * sizeof *keep);
    double loss[2];
    memcpy(keep, g->w, g->n * sizeof *keep);
    for (int side = 0; side < 2; side++) {
        for (size_t k = 0; k < g->n; k++) g->w[k] = keep[k] + (float)((side == 0 ? h : -h) / norm) * gradient[k];
        loss[side] = total_loss(s, t);
    }
    memcpy(g->w, keep, g->n * sizeof *keep);
    free(keep);
    return (loss[0] - loss[1]) / (2 * h);
}

static void check_slope(const char *family, bool lora, double *worst)
{
    learn_case c;
    open_case(&c, family);
    learn_setup s;
    const ken_learn_options how = {.threads = 1, .dropout = 0.2F};
    setup(&s, &c, family, lora, &how);
    learn_batch t;
    learn_batch_new(&t, &c, 0, c.n, true, true, 11);
    float loss[MAX_TARGETS];
    float *g = pass(&s, &t, loss), *at = g;
    int n;
    const ken_segment *segment = ken_learner_segments(s.l, &n);
    for (int i = 0; i < n; at += segment[i++].n) {
        double norm = 0;
        for (size_t k = 0; k < segment[i].n; k++) norm += (double)at[k] * (double)at[k];
        norm = sqrt(norm);
        assert_true(norm > 0);
        const double h = 0.05 / fmax(norm, 5); /* the loss moves by at most 0.05 */
        const double wide = slope(&s, &t, &segment[i], at, norm, h);
        const double near = slope(&s, &t, &segment[i], at, norm, h / 2);
        const double apart = fabs((4 * near - wide) / 3 / norm - 1);
        if (apart > 1e-2) print_message("%s %s: slope %g, gradient %g\n", family, segment[i].name, near, norm);
        *worst = fmax(*worst, apart);
    }
    free(g);
    learn_batch_free(&t);
    learn_setup_free(&s);
}

static void test_dropout_slope(void **state)
{
    (void)state;
    for (int lora = 0; lora <= 1; lora++) {
        double worst = 0;
        check_slope("llama-bias", lora != 0, &worst); /* between them every kind of tensor and both kinds of head */
        check_slope("llama-tied", lora != 0, &worst);
        check_slope("mistral", lora != 0, &worst);
        check_slope("qwen3", lora != 0, &worst);
        print_message("%s: slope and gradient differ by at most %.2g of it\n", lora ? "lora" : "full", worst);
        assert_true(worst < 1e-2); /* differences of f32 losses */
    }
}

/* Masks are a function of the rows' mask values; measuring knows no dropout and leaves gradients alone. */
static void test_dropout_masks(void **state)
{
    (void)state;
    learn_case c;
    open_case(&c, "qwen3");
    learn_setup s, none;
    const ken_learn_options how = {.threads = 2, .dropout = 0.2F}, without = {.threads = 2};
    setup(&s, &c, "qwen3", false, &how);
    setup(&none, &c, "qwen3", false, &without);
    learn_batch one, two;
    learn_batch_new(&one, &c, 0, c.n, true, false, 1);
    learn_batch_new(&two, &c, 0, c.n, true, false, 2);
    float a[MAX_TARGETS], b[MAX_TARGETS], plain[MAX_TARGETS], measured[MAX_TARGETS];
    const size_t bytes = (size_t)one.b.n_targets * sizeof *a;
    float *g = pass(&s, &one, a);
    free(pass(&s, &two, b));
    assert_memory_not_equal(a, b, bytes);
    free(pass(&none, &one, plain));
    assert_memory_not_equal(a, plain, bytes);
    free(pass(&s, &one, b));
    assert_memory_equal(a, b, bytes);
    ken_err err;
    assert_int_equal(ken_learn_measure(s.l, &two.b, measured, &err), KEN_OK);
    assert_memory_equal(measured, plain, bytes);
    float *after = copy_gradients(s.l);
    assert_memory_equal(g, after, trained_size(s.l) * sizeof *g);
    ken_learn_batch no_masks = two.b;
    no_masks.mask = NULL;
    assert_int_equal(ken_learn_measure(s.l, &no_masks, measured, &err), KEN_OK);
    assert_memory_equal(measured, plain, bytes);
    free(g), free(after);
    learn_batch_free(&one), learn_batch_free(&two);
    learn_setup_free(&s), learn_setup_free(&none);
}

/* What dropout keeps it scales up: over many masks, an adapter too small to be anything but linear has on average the effect that it
 * has without dropout. (Between the blocks such a scale would cancel: everything that is added to the residual has it.) */
static void test_adapter_dropout_mean(void **state)
{
    (void)state;
    enum { MASKS = 1000 };
    learn_case c;
    open_case(&c, "llama3");
    learn_setup s;
    const ken_learn_options how = {.threads = 1};
    setup(&s, &c, "llama3", true, &how);
    for (size_t i = 0; i < (size_t)(s.lora->n_layer * KEN_N_MODULES); i++) {
        const ken_lora_pair *p = &s.lora->pair[i];
        for (int k = 0; k < p->out * s.lora->rank; k++) p->b[k] *= 1e-3F;
    }
    double with = 0;
    float loss[MAX_TARGETS];
    for (int key = 0; key < MASKS + 2; key++) { /* the last but one: no dropout; the last: no adapter */
        learn_batch t;
        learn_batch_new(&t, &c, 0, 4, true, false, (uint64_t)key);
        s.lora->dropout = key < MASKS ? 0.5F : 0;
        if (key == MASKS + 1)
            for (size_t i = 0; i < s.lora->n; i++) s.lora->data[i] = 0;
        ken_learner_changed(s.l);
        learn_once(&s, &t, loss, NULL);
        double total = 0;
        for (int i = 0; i < t.b.n_targets; i++) total += (double)t.b.weight[i] * (double)loss[i];
        static double plain;
        if (key < MASKS) with += total / MASKS;
        else if (key == MASKS) plain = total;
        else {
            print_message("effect %.3g, with dropout on average %.3g\n", plain - total, with - total);
            assert_true(fabs((with - total) / (plain - total) - 1) < 0.2); /* unscaled it would be a half */
        }
        learn_batch_free(&t);
    }
    learn_setup_free(&s);
}

/* ---- what is trained -------------------------------------------------------------------------------------------------- */

/* A frozen tensor has no gradient; the others have the bits that they have without freezing. */
static void check_frozen(const char *family, bool (*frozen)(const ken_param *p))
{
    learn_case c;
    open_case(&c, family);
    learn_setup all, some;
    const ken_learn_options how = {.threads = 2, .dropout = 0.1F};
    setup(&all, &c, family, false, &how);
    setup(&some, &c, family, false, &how);
    ken_learner_free(some.l);
    bool *trains = calloc((size_t)some.params->n_list, sizeof *trains);
    int n_frozen = 0;
    for (int i = 0; i < some.params->n_list; i++) {
        trains[i] = !frozen(&some.params->list[i]);
        n_frozen += !trains[i];
    }
    assert_in_range(n_frozen, 1, some.params->n_list - 1);
    ken_learn_options o = how;
    ken_err err;
    o.isa = isa;
    o.params = some.params;
    o.trains = trains;
    if (ken_learner_new(&some.l, some.m, &o, &err) != KEN_OK) fail_msg("%s", err.msg);
    learn_batch t;
    learn_batch_new(&t, &c, 0, c.n, true, false, 5);
    float a[MAX_TARGETS], b[MAX_TARGETS];
    free(pass(&all, &t, a));
    free(pass(&some, &t, b));
    assert_memory_equal(a, b, (size_t)t.b.n_targets * sizeof *a);
    for (int i = 0; i < some.params->n_list; i++) {
        const ken_param *p = &some.params->list[i];
        const float *want = gradient_at(all.l, all.params->data + p->at);
        const float *got = gradient_at(some.l, some.params->data + p->at);
        if (!trains[i]) assert_null(got);
        else assert_memory_equal(got, want, (size_t)p->rows * (size_t)(p->cols == 0 ? 1 : p->cols) * sizeof *got);
    }
    free(trains);
    learn_batch_free(&t);
    learn_setup_free(&all), learn_setup_free(&some);
}

static bool not_attention(const ken_param *p) { return p->part != KEN_PART_ATTENTION; }
static bool not_mlp(const ken_param *p) { return p->part != KEN_PART_MLP; }
static bool not_layers(const ken_param *p) { return p->layer >= 0; }
static bool first_layers(const ken_param *p) { return p->layer < 1; }
static bool last_layer(const ken_param *p) { return p->layer != 0; }
static bool matrices(const ken_param *p) { return p->cols != 0; }

static void test_frozen(void **state)
{
    (void)state;
    bool (*const what[])(const ken_param *) = {not_attention, not_mlp, not_layers, first_layers, last_layer, matrices};
    for (size_t i = 0; i < N_FAMILIES; i++)
        for (size_t k = 0; k < sizeof what / sizeof *what; k++) check_frozen(families[i], what[k]);
}

/* Values that have been changed count from ken_learner_changed on, as if they had always been there. */
static void test_changed(void **state)
{
    (void)state;
    for (int lora = 0; lora <= 1; lora++) {
        learn_case c;
        open_case(&c, "llama-bias");
        learn_setup s, fresh;
        const ken_learn_options how = {.threads = 2};
        setup(&s, &c, "llama-bias", lora != 0, &how);
        setup(&fresh, &c, "llama-bias", lora != 0, &how);
        learn_batch t;
        learn_batch_new(&t, &c, 0, c.n, true, false, 0);
        float a[MAX_TARGETS], b[MAX_TARGETS];
        free(pass(&s, &t, a));
        int n;
        const ken_segment *of[2] = {ken_learner_segments(s.l, &n), ken_learner_segments(fresh.l, &n)};
        for (int side = 0; side < 2; side++)
            for (int i = 0; i < n; i++)
                for (size_t k = 0; k < of[side][i].n; k++) of[side][i].w[k] += 0.01F * lora_value(k);
        ken_learner_changed(s.l);
        ken_learner_changed(fresh.l);
        float *g = pass(&s, &t, b), *want = pass(&fresh, &t, a);
        assert_memory_equal(a, b, (size_t)t.b.n_targets * sizeof *a);
        assert_memory_equal(g, want, trained_size(s.l) * sizeof *g);
        free(g), free(want);
        learn_batch_free(&t);
        learn_setup_free(&s), learn_setup_free(&fresh);
    }
}

/* ---- bf16 ------------------------------------------------------------------------------------------------------------- */

static void test_bf16(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_FAMILIES * 2; i++) {
        const char *family = families[i / 2];
        learn_case c;
        open_case(&c, family);
        learn_setup exact, rounded;
        ken_err err;
        const ken_learn_options f32 = {.threads = 2, .isa = isa},
                                bf16 = {.threads = 2, .isa = isa, .compute = KEN_BF16_COMPUTE};
        if (learn_setup_new(&rounded, &c, family, "/model.gguf", i % 2 != 0, &bf16, &err) != KEN_OK) {
            learn_setup_free(&rounded);
            print_message("skipped: %s\n", err.msg);
            skip();
        }
        setup(&exact, &c, family, i % 2 != 0, &f32);
        learn_batch t;
        learn_batch_new(&t, &c, 0, c.n, true, false, 0);
        float a[MAX_TARGETS], b[MAX_TARGETS];
        float *want = pass(&exact, &t, a), *got = pass(&rounded, &t, b);
        double apart = 0, size = 0, loss = 0;
        for (size_t k = 0; k < trained_size(exact.l); k++) {
            apart += ((double)got[k] - (double)want[k]) * ((double)got[k] - (double)want[k]);
            size += (double)want[k] * (double)want[k];
        }
        for (int k = 0; k < t.b.n_targets; k++)
            loss = fmax(loss, fabs((double)a[k] - (double)b[k]) / fmax(1, (double)a[k]));
        print_message("%-12s %-5s bf16: gradients differ by %.2g of their norm, losses by %.2g\n", family,
                      i % 2 != 0 ? "lora" : "full", sqrt(apart / size), loss);
        /* 2^-9 a factor, through networks made to be steep; observed: 0.17 and 0.024 */
        assert_true(sqrt(apart / size) < 0.25);
        assert_true(loss < 0.05);
        assert_memory_not_equal(got, want, trained_size(exact.l) * sizeof *got);
        free(got), free(want);
        learn_batch_free(&t);
        learn_setup_free(&exact), learn_setup_free(&rounded);
    }
}

/* ---- a peaked student --------------------------------------------------------------------------------------------------- */

/* A student that leaves next to nothing beside the tokens its teacher lists: what the unlisted tokens get is a huge factor times a tiny
 * probability, and must not pass through the listed ones, where it would leave its rounding error. Their gradient is known. */
static void check_peaked(const char *family)
{
    enum { V_MAX = 4096, LISTED = 3 };
    static const int32_t token[] = {5, 9, 4}, parent[] = {-1, 0, 1};
    static int32_t row[V_MAX], target[V_MAX];
    static float weight[V_MAX], loss[V_MAX];
    static const float p[LISTED] = {0.5F, 0.2F, 0.1F};
    learn_case c;
    open_case(&c, family);
    learn_setup s;
    const ken_learn_options how = {.threads = 1};
    setup(&s, &c, family, false, &how);
    const int V = ken_model_config(s.m)->n_vocab;
    assert_in_range(V, LISTED + 1, V_MAX);
    for (int i = 0; i < V; i++)
        row[i] = 2, target[i] = i, weight[i] = 1; /* every token a target: the whole distribution */
    ken_learn_batch b = {
        .n_rows = 3, .token = token, .parent = parent, .n_targets = V, .row = row, .target = target, .weight = weight};
    int32_t best[LISTED] = {0};
    double rest = 1;
    ken_err err;
    /* steeper logits until the listed tokens have all but a millionth */
    for (int turn = 0; turn < 200 && rest > 1e-6; turn++) {
        if (ken_learn_measure(s.l, &b, loss, &err) != KEN_OK) fail_msg("%s", err.msg);
        for (int k = 0; k < LISTED; k++) {
            best[k] = -1;
            for (int i = 0; i < V; i++) {
                bool taken = false;
                for (int j = 0; j < k; j++) taken |= best[j] == i;
                if (!taken && (best[k] < 0 || loss[i] < loss[best[k]])) best[k] = i;
            }
        }
        rest = 0;
        for (int i = 0; i < V; i++)
            if (i != best[0] && i != best[1] && i != best[2]) rest += exp(-(double)loss[i]);
        for (int i = 0; i < ken_model_config(s.m)->n_embd; i++) s.params->output_norm[i] *= 1.1F;
        ken_learner_changed(s.l);
    }
    assert_true(rest > 0 && rest <= 1e-6);
    for (int i = 0; i < ken_model_config(s.m)->n_embd; i++) s.params->output_norm[i] /= 1.1F;
    ken_learner_changed(s.l);

    const ken_teacher teacher = {LISTED, best, p};
    const int32_t only = best[0];
    const float one = 1;
    b.n_targets = 1, b.target = &only, b.weight = &one, b.teacher = &teacher, b.kl_weight = 1, b.tau = 1;
    float kl, nll;
    if (ken_learn(s.l, &b, &nll, &kl, &err) != KEN_OK) fail_msg("%s", err.msg);
    double sum = 0;
    for (int i = 0; i < V; i++) sum += (double)s.l->logits[i];
    for (int k = 0; k < LISTED; k++) { /* cross-entropy q - [target], divergence q - p */
        const double q = exp(-(double)loss[best[k]]);
        assert_true(fabs((double)s.l->logits[best[k]] - (2 * q - (k == 0 ? 1 : 0) - (double)p[k])) < 2e-5);
    }
    assert_true(isfinite(kl) && (double)kl > 0.2 * log(0.2 / 2e-6));
    /* Either gradient sums to nothing: the unlisted share 0.2, which rests on the sum of the listed, whose error is about 1e-7. */
    assert_true(fabs(sum) < 0.5);
    learn_setup_free(&s);
}

static void test_peaked(void **state)
{
    (void)state;
    check_peaked("llama-tied");
    check_peaked("qwen3");
}

/* ---- failures --------------------------------------------------------------------------------------------------------- */

static void test_not_finite(void **state)
{
    (void)state;
    for (int lora = 0; lora <= 1; lora++) {
        learn_case c;
        open_case(&c, "mistral");
        learn_setup s;
        const ken_learn_options how = {.threads = 2};
        setup(&s, &c, "mistral", lora != 0, &how);
        learn_batch t;
        learn_batch_new(&t, &c, 0, c.n, true, false, 0);
        int n;
        const ken_segment *segment = ken_learner_segments(s.l, &n);
        segment[n - 1].w[0] = NAN;
        ken_learner_changed(s.l);
        float loss[MAX_TARGETS];
        ken_err err;
        assert_int_equal(ken_learn(s.l, &t.b, loss, NULL, &err), KEN_EINPUT);
        learn_batch_free(&t);
        learn_setup_free(&s);
    }
}

static int stop_after(void *ctx)
{
    int *left = ctx;
    return --*left < 0;
}

static void test_stop(void **state)
{
    (void)state;
    learn_case c;
    open_case(&c, "mistral");
    int left = 1 << 30;
    learn_setup s;
    const ken_learn_options how = {.threads = 1, .poll = stop_after, .ctx = &left};
    setup(&s, &c, "mistral", false, &how);
    learn_batch t;
    learn_batch_new(&t, &c, 0, c.n, true, false, 0);
    float loss[MAX_TARGETS];
    ken_err err;
    float *want = pass(&s, &t, loss);
    const int asked = (1 << 30) - left;
    assert_true(asked >= 2 * s.params->config->n_layer); /* between layers, both ways: a stop within a second or two */
    for (int n = 0; n < asked; n++) {
        left = n;
        assert_int_equal(ken_learn(s.l, &t.b, loss, NULL, &err), KEN_ESTOP);
    }
    left = 1 << 30; /* and the learner is as good as before */
    float *got = pass(&s, &t, loss);
    assert_memory_equal(got, want, trained_size(s.l) * sizeof *got);
    free(got), free(want);
    learn_batch_free(&t);
    learn_setup_free(&s);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    for (int lora = 0; lora <= 1; lora++) {
        learn_case c;
        open_case(&c, "llama-tied");
        learn_setup s;
        const ken_learn_options how = {.threads = 2};
        setup(&s, &c, "llama-tied", lora != 0, &how);
        learn_batch t;
        learn_batch_new(&t, &c, 0, c.n, true, true, 0);
        float loss[MAX_TARGETS], kl[MAX_TARGETS], *want = pass(&s, &t, loss);
        int status = KEN_ENOMEM;
        for (long n = 1; status != KEN_OK; n++) {
            ken_learner_free(s.l);
            s.l = NULL;
            ken_learn_options o = how;
            ken_err err;
            o.isa = isa, o.params = s.params, o.lora = s.lora;
            ken_alloc_fail_after(n);
            status = ken_learner_new(&s.l, s.m, &o, &err);
            if (status == KEN_OK) ken_learner_zero(s.l), status = ken_learn(s.l, &t.b, loss, kl, &err);
            ken_alloc_fail_after(0);
            assert_true(status == KEN_OK || status == KEN_ENOMEM);
            assert_true(n < 2000);
            if (status == KEN_OK || s.l == NULL) continue;
            ken_learner_zero(s.l); /* failed in the pass: it works as soon as there is memory */
            learn_once(&s, &t, loss, kl);
            assert_true(worst_difference(s.l, want) == 0);
        }
        assert_true(worst_difference(s.l, want) == 0);
        free(want);
        learn_batch_free(&t);
        learn_setup_free(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bits),          cmocka_unit_test(test_share),
        cmocka_unit_test(test_accumulate),    cmocka_unit_test(test_dropout_slope),
        cmocka_unit_test(test_dropout_masks), cmocka_unit_test(test_adapter_dropout_mean),
        cmocka_unit_test(test_frozen),        cmocka_unit_test(test_changed),
        cmocka_unit_test(test_bf16),          cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_stop),          cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_peaked),
    };
    ken_err err;
    if (ken_isa_parse(&isa, getenv("KEN_TEST_ISA"), &err) != KEN_OK) {
        fprintf(stderr, "skipped: %s\n", err.msg);
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
