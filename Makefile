# Every command of this project. `make demo` and `make test` set up what they need by themselves.

PYTHON ?= python3
export PYTHONSAFEPATH := 1
# Compiled once and kept in .venv: every test that starts a process is seconds faster.
unexport PYTHONDONTWRITEBYTECODE
# One thread a process and processes for the cores: two spinning OpenMP threads on busy cores
# were measured to be slower than one.
export OMP_NUM_THREADS ?= 1
export OMP_WAIT_POLICY ?= PASSIVE

# uv trusts the certificates of the system, as pip does: behind a company's proxy both must.
export UV_SYSTEM_CERTS := 1

UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
RUN := .venv/bin
# Without PYTHONSAFEPATH, so that the scripts of that folder find each other; they also use the
# scripted annotator and the server of the browser tests.
BENCH := env -u PYTHONSAFEPATH PYTHONPATH=tests/support $(RUN)/python benchmarks
DEMO ?= demo
DATA ?= $(PRELABEL_TEST_DATA)
WORK ?= build/bench
NEED_DATA = $(if $(DATA),,$(error name the folder of the data sets: make $@ DATA=FOLDER))

.PHONY: help setup mongod demo demo-lidar test test-fast check format docs \
        simulate-playing-cards bench-strategies bench-propose bench-import bench-select \
        bench-cold-start bench-page bench-carry bench-lidar bench-raster bench-review \
        bench-review-effort bench-curate bench-errors bench-errors-scale bench-accept pictures-curate \
        pictures-errors pictures-lidar pictures-review clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/:/' | column -t -s:

setup: .venv/.synced mongod ## an environment in .venv with every extra, and FiftyOne's database

.uv/bin/uv:
	$(PYTHON) -m venv .uv
	.uv/bin/pip install --quiet uv==0.13.9

.venv/.synced: pyproject.toml uv.lock | $(filter .uv/bin/uv,$(UV))
	$(UV) sync --quiet --frozen --all-extras --group bench --python $(PYTHON)
	touch $@

# FiftyOne's own package brings a server where it can download it. Else one is fetched here; where
# that fails too, everything but FiftyOne works, and its tests are skipped.
mongod: .venv/.synced
	@.ci/mongod || { echo "no mongod: prelabel curate needs one, see docs/curating.md"; \
	    [ -z "$$CI" ]; }

demo: setup ## the whole job on generated scenes, against random picks: demo/report.html
	$(RUN)/prelabel simulate configs/demo.yaml --to $(DEMO)

demo-lidar: setup ## the same on generated lidar sweeps, from above: demo-lidar/simulation/report.html
	test -d $(DEMO)-lidar/sweeps || \
	    $(RUN)/prelabel lidar generate --to $(DEMO)-lidar/sweeps --scenes 96 --beams 40 --no-cameras
	test -d $(DEMO)-lidar/frames || \
	    $(RUN)/prelabel lidar frames $(DEMO)-lidar/sweeps --to $(DEMO)-lidar/frames \
	        --area 8 20 14 14 --resolution 0.125
	$(RUN)/prelabel simulate configs/demo-lidar.yaml --data $(DEMO)-lidar --to $(DEMO)-lidar/simulation

test: setup ## every test
	$(RUN)/pytest -q -n 2 --dist worksteal

test-fast: setup ## the tests that take no training
	$(RUN)/pytest -q -n 2 --dist worksteal -m "not slow"

check: setup ## formatting, lint, types and import rules
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .
	$(RUN)/mypy
	$(RUN)/pytest -q tests/test_import_rules.py tests/test_packaging.py -m "not slow"

format: setup ## let ruff format and mend what it can
	$(RUN)/ruff format .
	$(RUN)/ruff check --fix .

docs: setup ## write docs/cli.md anew, and the README's picture from the last `make demo`
	$(RUN)/python -m prelabel.cli.reference > docs/cli.md
	$(BENCH)/report_picture.py $(DEMO)/summary.json docs/pictures/report.png

simulate-playing-cards: setup ## active against random on photographs of playing cards, 3 seeds
	$(NEED_DATA)$(RUN)/prelabel simulate configs/simulate-playing-cards.yaml --data $(DATA) \
	    --to $(WORK)/playing-cards
	$(BENCH)/simulation_table.py $(WORK)/playing-cards/summary.json

bench-strategies: setup ## strategies against random picks on three datasets; QUICK=1: that it runs
	$(NEED_DATA)$(BENCH)/strategies.py --data $(DATA) --work $(WORK)/strategies $(if $(QUICK),--quick)

bench-propose: setup ## the whole proposal pass against the framework's own predict and OpenVINO
	$(NEED_DATA)$(BENCH)/propose.py --data $(DATA) --work $(WORK)/propose

bench-import: setup ## import of 1,000,000 boxes against Datumaro and supervision
	$(BENCH)/import_coco.py --work $(WORK)/import

bench-select: setup ## choosing 1,000 of 1,000,000 frames, beside scikit-activeml, modAL and small-text
	$(BENCH)/select_scale.py --work $(WORK)/select

bench-cold-start: setup ## what 20 first picks without any label cover, by strategy
	$(NEED_DATA)$(BENCH)/cold_start.py $(DATA)/playing_cards $(DATA)/aquarium

bench-page: setup ## the review page in a browser: dragging among 500 boxes, key to next frame
	$(BENCH)/review_page.py --work $(WORK)/page

bench-carry: setup ## how few frames of a recording a person must correct
	$(BENCH)/carry.py $(if $(DATA),--data $(DATA))

bench-lidar: setup ## active against random on generated sweeps in human seconds, 3 seeds, resumable
	test -d $(WORK)/lidar/sweeps || \
	    $(RUN)/prelabel lidar generate --to $(WORK)/lidar/sweeps --scenes 160 --beams 40 --no-cameras --seed 1
	test -d $(WORK)/lidar/frames || \
	    $(RUN)/prelabel lidar frames $(WORK)/lidar/sweeps --to $(WORK)/lidar/frames \
	        --area 8 20 14 14 --resolution 0.125
	$(RUN)/prelabel simulate configs/simulate-lidar.yaml --data $(WORK)/lidar \
	    --to $(WORK)/lidar/simulation
	$(BENCH)/simulation_table.py $(WORK)/lidar/simulation/summary.json
	$(BENCH)/lidar_spread.py $(WORK)/lidar

bench-raster: setup ## a lidar sweep of 120,000 points as a bird's-eye picture, beside FiftyOne's
	$(BENCH)/raster.py

bench-review: setup ## the review server under 200 annotators on PostgreSQL and 20 on SQLite, and killed
	$(BENCH)/review_load.py --work $(WORK)/review-load

bench-review-effort: setup ## keys and clicks a frame, from proposals against from an empty frame
	$(NEED_DATA)$(BENCH)/review_effort.py --data $(DATA) --work $(WORK)/review-effort

bench-curate: setup ## 100,000 frames with 1,000,000 boxes into FiftyOne, whole and by changes
	$(BENCH)/curate.py --work $(WORK)/curate

bench-errors: setup ## planted label errors found: ours, ObjectLab, mistakenness, loss, confidence
	$(NEED_DATA)$(BENCH)/label_errors.py --data $(DATA) --work $(WORK)/errors

bench-errors-scale: setup ## label errors ranked in 100,000 frames with 1,000,000 labels: seconds, memory
	$(BENCH)/label_errors_scale.py

bench-accept: setup ## accepting without people: do the promises hold, how much is saved
	$(NEED_DATA)$(BENCH)/accept.py --data $(DATA) --work $(WORK)/accept

pictures-curate: setup ## the pictures of FiftyOne in docs/pictures, on real photographs
	$(NEED_DATA)$(BENCH)/curate_pictures.py --data $(DATA) --work $(WORK)/review-effort \
	    docs/pictures

pictures-lidar: setup ## generated sweeps: a sheet, the review page, FiftyOne, in docs/pictures
	rm -rf $(WORK)/lidar-sheet
	$(RUN)/prelabel lidar generate --to $(WORK)/lidar-sheet --scenes 4
	$(RUN)/prelabel lidar draw $(WORK)/lidar-sheet --to docs/pictures/lidar.jpg --most 4
	$(BENCH)/lidar_pictures.py --to docs/pictures/lidar-review.jpg
	$(BENCH)/curate_lidar_pictures.py docs/pictures

pictures-errors: setup ## the likeliest label errors of bccd as a contact sheet in docs/pictures
	$(NEED_DATA)$(BENCH)/errors_sheet.py --data $(DATA) --work $(WORK)/errors \
	    docs/pictures/label-errors-bccd.jpg

pictures-review: setup ## the pictures of the review page in docs/pictures, on real photographs
	$(NEED_DATA)$(BENCH)/review_pictures.py --data $(DATA) --work $(WORK)/review-effort \
	    docs/pictures

clean: ## remove what the commands above have made
	rm -rf .venv .uv .mongod build demo demo-lidar
