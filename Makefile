# Everything a person or a machine does here. `make demo`, `make test` and `make test-compat` need Python >= 3.11, git and make.
.DELETE_ON_ERROR:
.PHONY: help demo test test-compat compat-lock lint format bench torture mutants serve container pictures lock schemas clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

help:
	@echo "make demo     set up, then run the main job and show it"
	@echo "make test     set up, then lint, type-check and test"
	@echo "make test-compat  set up other tools' client packages, unmodified, and test against them; also COMPAT='-k langfuse'"
	@echo "make lint     ruff, mypy, import-linter"
	@echo "make bench    the figures of the documentation, measured here; also BENCH='starting peers'"
	@echo "make torture  long campaigns of faults, kills, damage and chance; go on after a stop: the same again"
	@echo "make mutants  break the code in every small way and see that a test fails; also MUTANTS='domain.proof --sample 20'"
	@echo "make serve    a registry on http://127.0.0.1:7467, kept in .pinset/"
	@echo "make container builds the container and tries it; where no engine is, rehearses it as far as that goes"
	@echo "make pictures take the README's pictures anew; needs chromium"

$(READY): requirements.lock pyproject.toml
	@echo "setting up $(VENV) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Pinset needs Python >= 3.11: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "$(PYTHON) cannot make an environment. On Debian and Ubuntu: apt-get install python3-venv; or another Python: make PYTHON=python3.12 $(MAKECMDGOALS)"; rm -rf $(VENV); exit 1; }
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

demo: $(READY)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python examples/demo.py

test: lint
	$(BIN)/python -m pytest -n auto -q

# Each version of a package has an environment beside, in .compat/, of its own lock in tests/compat/clients/locks; uv and
# Node, which make them and run them, are pinned there too. PINSET_COMPAT names another place, for several working copies.
test-compat: $(READY)
	$(BIN)/python tests/compat/clients/environments.py set-up
	$(BIN)/python -m pytest -n auto -q tests/compat/clients $(COMPAT)

compat-lock: $(READY)
	$(BIN)/python tests/compat/clients/environments.py lock $(LOCKS)

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(READY)
	$(BIN)/python benchmarks/run.py $(BENCH)

torture: $(READY)
	$(BIN)/python tests/torture.py $(if $(SEED),--seed $(SEED)) $(TORTURE)

# mutmut and what it brings along (tests/mutants.lock) are needed here only, so they have an environment beside, which
# borrows all else from $(VENV). It does not see the `pinset` installed there, but the mutated one.
mutants/.venv/.ready: $(READY) tests/mutants.lock
	@$(BIN)/python -m venv mutants/.venv
	@mutants/.venv/bin/python -m pip install --quiet --quiet --disable-pip-version-check --require-hashes -r tests/mutants.lock
	@borrow='import sysconfig; print(sysconfig.get_path("purelib"))'; \
	  $(BIN)/python -c "$$borrow" > "$$(mutants/.venv/bin/python -c "$$borrow")/borrowed.pth"
	@touch mutants/.venv/.ready

mutants: mutants/.venv/.ready
	mutants/.venv/bin/python tests/mutants.py $(MUTANTS)

serve: $(READY)
	@test -d .pinset || $(BIN)/pinset init .
	$(BIN)/pinset serve --registry .

container: $(READY)
	$(BIN)/python packaging/try_container.py

pictures: $(READY)
	$(BIN)/python registry/docs/pictures.py

schemas: $(READY)
	$(BIN)/python -m pinset.api.export schemas/v1

# Needs uv; everything else installs from the files it writes, by hash. The small ones are parts of the first: what the
# container and the action install.
LOCKED := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet

lock:
	uv pip compile pyproject.toml --extra server --extra postgres --extra costs --group dev $(LOCKED) \
	  --no-emit-package pinset --output-file requirements.lock > /dev/null
	uv pip compile pyproject.toml --extra server --extra costs --constraint requirements.lock $(LOCKED) \
	  --no-emit-package pinset --output-file packaging/locks/server.lock > /dev/null
	uv pip compile pyproject.toml --extra cli --constraint requirements.lock $(LOCKED) \
	  --no-emit-package pinset --output-file packaging/locks/cli.lock > /dev/null
	echo hatchling | uv pip compile - --constraint requirements.lock $(LOCKED) --output-file packaging/locks/build.lock > /dev/null

clean:
	rm -rf $(VENV) .compat mutants build dist benchmarks/.peers .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
