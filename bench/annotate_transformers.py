"""The paper's protocol with transformers in f32, for bench/annotate: 16 samples and one greedy answer for each of ten prompts.

    python bench/annotate_transformers.py MODEL.gguf THREADS < jobs.json > answers.json

In: [{"id", "prompt", "exemplars", "text"}], the prompts of a question one after another. Out: {"answers": {"id/prompt": greedy text},
"seconds", "token_forwards", "peak_bytes"}. The best that plain use of the library gives: the exemplars' keys and values are computed
once for all questions of a prompt set, a prompt once for its 17 answers, which are decoded as one batch until all have stopped.
"""
import copy, json, os, resource, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "oracles"))
import torch

from e2e_reference import L_MAX, T, TOP_K, Reference

SAMPLES = 16


class Sampler:
    def __init__(self, model, threads):
        self.ref = Reference(model, threads)
        self.prefixes, self.forwards = {}, 0

    def forward(self, ids, cache):
        self.forwards += ids.numel()
        return self.ref.model(ids, past_key_values=cache, use_cache=True, logits_to_keep=1)

    def answers(self, exemplars, text):
        """the greedy answer and 16 samples"""
        ids, head = self.ref.encode(exemplars + text), self.ref.encode(exemplars)
        assert ids[:len(head)] == head and len(ids) > len(head)
        if exemplars not in self.prefixes:
            self.prefixes[exemplars] = self.forward(torch.tensor([head]), None).past_key_values
        cache = copy.deepcopy(self.prefixes[exemplars])
        out = self.forward(torch.tensor([ids[len(head):]]), cache)
        cache.batch_repeat_interleave(SAMPLES + 1)
        logits = out.logits[:, -1].expand(SAMPLES + 1, -1)
        texts, open_ = [b""] * (SAMPLES + 1), set(range(SAMPLES + 1))
        for _ in range(L_MAX):
            top = torch.topk(logits, TOP_K)
            drawn = torch.multinomial(torch.softmax(top.values / T, -1), 1)
            drawn[0] = 0  # the first one is greedy
            token = top.indices.gather(1, drawn)[:, 0].tolist()
            for i in list(open_):
                b = self.ref.bytes[token[i]]
                texts[i] += b.split(b"\n")[0]
                if token[i] in self.ref.ends or b"\n" in b:
                    open_.discard(i)
            if not open_:
                break
            logits = self.forward(torch.tensor(token)[:, None], cache).logits[:, -1]
        return [t.decode(errors="replace") for t in texts]


def main(model, threads):
    jobs = json.load(sys.stdin)
    s = Sampler(model, int(threads))
    torch.manual_seed(0)
    began = time.time()
    answers = {f"{j['id']}/{j['prompt']}": s.answers(j["exemplars"], j["text"])[0] for j in jobs}
    json.dump({"answers": answers, "seconds": time.time() - began, "token_forwards": s.forwards,
               "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
