for o in num-fewshot batch-size learning-rate num-train-epochs max_new_tokens; do "$KEN" annotate f.jsonl --$o 3; "$KEN" train -d f.jsonl --$o 3; done
"$KEN" version | head -n 1 | cut -d " " -f 1
printf '{"question":"Who wrote Emma?","answer":"Jane Austen"}\n' >f.jsonl
"$KEN" select f.jsonl -o s.parquet; echo $?; "$KEN" select f.jsonl --to csv -o s.parquet; echo $?; ls
mkdir lora && echo '{}' >lora/adapter_config.json && "$KEN" model lora; "$KEN" annotate f.jsonl -m lora; echo $?
mkdir tuned && "$MAKE_RUN" tuned/train.ken && "$KEN" show tuned | head -n 2
"$KEN" train --help | grep -A1 -E -e "--(schedule|isa|save-type) "
