# Everything runs from .venv, which is made on the first call.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
DEMO   := runs/demo

.DEFAULT_GOAL := help
.PHONY: help install demo test fuzz format check bench clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.installed  ## set up .venv with the package and its tools (downloads a few GB once)

# torch and torchvision come together from the default index; a pair that does not fit dies here, not in the middle of a run.
$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV) || { echo "The venv module is missing: on Debian, apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	$(BIN)/python -c 'import torch, torchvision; torchvision.ops.nms' || { echo "torch and torchvision do not fit together: remove $(VENV) and install both from the default index"; exit 1; }
	@touch $@

demo: install  ## draw a synthetic lifelog, train on it, answer topics and score the run
	$(BIN)/ntcir demo data/demo
	$(BIN)/ntcir build-topics --data data/demo --topics-per-day 40 --out topics/demo
	$(BIN)/ntcir features objects --config configs/demo.yaml --data data/demo
	$(BIN)/ntcir train --config configs/demo.yaml --data data/demo --iters 500 --out $(DEMO) --resume
	$(BIN)/ntcir run topics/demo/topics.tsv --model $(DEMO) > $(DEMO)/run.txt
	$(BIN)/ntcir show sen2img_0317_01 --topics topics/demo/topics.tsv --run $(DEMO)/run.txt --data data/demo --out $(DEMO)/sen2img.png
	$(BIN)/ntcir show img2sen_0317_01 --topics topics/demo/topics.tsv --run $(DEMO)/run.txt --data data/demo --out $(DEMO)/img2sen.png
	@echo; echo "The demo lifelog is drawn, and its networks have random weights: these figures say that everything works,"
	@echo "not how well it would on a real lifelog."; echo
	@$(BIN)/ntcir score $(DEMO)/run.txt --qrels topics/demo/qrels.txt
	@echo; echo "Pictures: $(DEMO)/curve.png (training), $(DEMO)/sen2img.png and $(DEMO)/img2sen.png (a topic each way);"
	@echo "of any other topic: $(BIN)/ntcir show TOPIC_ID --topics topics/demo/topics.tsv --run $(DEMO)/run.txt"

# One thread a process: two processes of two threads on two cores would only wait for each other.
test: install  ## run the tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

# What failed is told with the words that do it again: make fuzz SEED=7 KIND=run.txt CASE=41
N    ?= 20000
SEED ?= 0
fuzz: install  ## damaged files through all readers: N=20000 of them, SEED=0 (KIND=run.txt CASE=41 repeats one)
	$(BIN)/python tests/hostile/fuzzing.py --number $(N) --seed $(SEED) $(if $(KIND),--kind '$(KIND)') $(if $(CASE),--case $(CASE))

format: install  ## bring the code into shape
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format .

check: install  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: install  ## measure speed and memory against peers (tables on standard output)
	-$(BIN)/python -m pip install --quiet --editable '.[bench]'  # without it the tables lack faiss
	$(BIN)/python benchmarks/score.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/solving.py
	$(BIN)/python benchmarks/metadata.py
	$(BIN)/python benchmarks/detection.py
	$(BIN)/python benchmarks/mining.py
	$(BIN)/python benchmarks/finetuning.py
	$(BIN)/python benchmarks/features.py
	$(BIN)/python benchmarks/extraction.py --whole
	$(BIN)/python benchmarks/search.py
	$(BIN)/python benchmarks/evaluate.py
	$(BIN)/python benchmarks/predict.py
	$(BIN)/python benchmarks/nuswide.py
	$(BIN)/python benchmarks/serve.py

clean:  ## remove .venv and caches; data, topics, runs, features and bundles stay
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
