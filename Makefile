# The door to the build. Meson and Ninja do the work (meson.build); this file gives it short names and sets up a machine.
BUILD  ?= build
PREFIX ?= /usr/local
DESTDIR ?=
JOBS   ?= $(shell nproc 2>/dev/null || echo 2)
NINJA   = ninja -j$(JOBS)

.PHONY: all help setup model demo check test lint format asan fuzz oracle-sample oracle-files oracle-exports oracle-trainers oracle-train bench bench-train bench-fit bench-change bench-lab lab install clean
.DEFAULT_GOAL := all

all: $(BUILD)/build.ninja ## build build/ken and the library
	@$(NINJA) -C $(BUILD)

$(BUILD)/build.ninja:
	@command -v meson >/dev/null && command -v ninja >/dev/null || { tools/setup.sh build say && echo "meson and ninja are not in PATH" >&2; exit 1; }
	@echo "configuring $(BUILD)" >&2
	@meson setup $(BUILD) >$(BUILD)-setup.log 2>&1 || { cat $(BUILD)-setup.log >&2; rm -f $(BUILD)-setup.log; tools/setup.sh build say; exit 1; }
	@rm -f $(BUILD)-setup.log

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: ## install the Debian packages that building needs (with sudo when not root), nothing else
	@tools/setup.sh build

model: ## get the default model; prints its path on the last line
	@tools/get-model.py

demo: ## set up, build, get the model, annotate the project's own facts, print the table, write report.html
	@tools/demo.sh $(BUILD)

check: ## install what tests need too (clang, valgrind, chromium, ...), build, and run every test, sanitizer, linter and a short fuzz
	@tools/setup.sh check
	@tools/get-model.py >/dev/null
	@tools/check.py

test: all ## the quick tests only, in the ordinary build
	@tools/check.py --only quick

lint: ## clang-format, clang-tidy and cppcheck
	@tools/check.py --only lint

asan: ## the tests under the address and undefined-behaviour sanitizers
	@tools/check.py --only asan

fuzz: ## fuzz every parser, FUZZ_SECONDS each (default 300)
	@tools/check.py --only fuzz --fuzz-seconds $(or $(FUZZ_SECONDS),300)

oracle-sample: all ## exact probabilities against the literal protocol on 200 questions; minutes; needs KEN_TEST_DATA
	@tests/oracles/e2e_sample.py $(BUILD)/ken docs/results/oracle-sample.txt

oracle-files: all ## what ken writes, read by transformers, peft and llama.cpp; minutes; PYTHON=a Python that has them
	@$(or $(PYTHON),python3) tests/oracles/files_oracle.py $(BUILD) docs/results/oracle-files.txt

oracle-exports: all ## fine-tuning sets, read by datasets and trl; a minute; PYTHON=a Python that has them
	@$(or $(PYTHON),python3) tests/oracles/exports_oracle.py $(BUILD) docs/results/oracle-exports.txt

oracle-trainers: all ## fine-tuning sets, loaded by LLaMA-Factory, Axolotl and mlx-lm, which it installs in ~/.cache/ken/trainers; minutes; PYTHON=a Python with torch
	@$(or $(PYTHON),python3) tests/oracles/trainers_oracle.py $(BUILD) docs/results/oracle-trainers.txt

oracle-train: all ## gradients and fifty training steps against PyTorch, run live on fresh examples; minutes; PYTHON=a Python that has torch
	@tests/oracles/train_live.sh $(BUILD) $(or $(PYTHON),python3)

format: ## reformat the sources in place
	@git ls-files '*.c' '*.h' | xargs clang-format-14 -i

bench: all ## measure ken against other ways to do the same (bench/annotate); long
	@bench/annotate

bench-train: all ## measure ken train against PyTorch; long; needs a quiet machine
	@bench/train

bench-fit: all ## the paper's first figure, on world facts and EntityQuestions: annotate, train, plot; an hour
	@bench/fit world --ken $(BUILD)/ken --compute bf16
	@bench/fit entityquestions --ken $(BUILD)/ken --compute bf16

bench-change: all ## what a fine-tuning changes in what a model knows, on three data sets: annotate, select, train, annotate, diff; an hour
	@for data in world entityquestions popqa; do bench/change $$data --ken $(BUILD)/ken --compute bf16 || exit; done

bench-lab: all ## the laboratory: theory, five worlds and their measures: tables, JSON and pages in lab/; long, resumable
	@tools/lab.sh $(BUILD)/ken lab

install: ## install under PREFIX (default /usr/local), staged in DESTDIR; as a user: PREFIX=$HOME/.local
	@tools/may-install.sh "$(abspath $(PREFIX))" "$(DESTDIR)"
	@$(MAKE) -s --no-print-directory $(BUILD)/build.ninja
	@meson configure $(BUILD) -Dprefix=$(abspath $(PREFIX))
	@$(NINJA) -C $(BUILD)
	@DESTDIR=$(if $(DESTDIR),$(abspath $(DESTDIR))) meson install --no-rebuild --quiet -C $(BUILD)
	@echo "installed $(DESTDIR)$(abspath $(PREFIX))/bin/ken"
	@case ":$$PATH:" in *":$(abspath $(PREFIX))/bin:"*) ;; *) [ -n "$(DESTDIR)" ] || echo "$(abspath $(PREFIX))/bin is not in PATH: add it, or call ken by that name" ;; esac

clean: ## remove everything that was built
	rm -rf build build-asan build-fuzz build-cblas report.html lab
